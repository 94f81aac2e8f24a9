#include "program/wire.h"
#include "services/sim-svc/core.h"

#include "base/cleanup.h"

#include "qtaskdist/v1/sim_service.rpc.h"

#include <string.h>

static qt_code no_memory(qt_err *err) {
    return qt_fail(err, MEMORY_LIMIT, "the reply does not fit the memory of a call");
}

static bool call_cancelled(void *self) {
    return qt_rpc_cancelled(self);
}

static qt_code need_payload(const Qtaskdist__V1__TaskPayload *payload, qt_err *err) {
    return payload != NULL
               ? QT_OK
               : qt_fail_field(err, FIELD_REQUIRED, "payload", "the payload is missing");
}

static qt_code simulate(qt_rpc_ctx *ctx, const Qtaskdist__V1__SimulateRequest *req,
                        Qtaskdist__V1__SimulateResponse **ret_resp, qt_err *err) {
    QT_TRY(need_payload(req->payload, err));
    qt_job_watch watch = {.cancel = {.cancelled = call_cancelled, .self = ctx}};
    void *resp = qt_rpc_message(ctx, &qtaskdist__v1__simulate_response__descriptor);
    if (resp == NULL) {
        return no_memory(err);
    }
    QT_TRY(qt_sim_core_simulate(qt_rpc_self(ctx), req->payload, qt_rpc_request_id(ctx), &watch,
                                qt_rpc_arena(ctx),
                                &((Qtaskdist__V1__SimulateResponse *)resp)->result, err));
    *ret_resp = resp;
    return QT_OK;
}

static qt_code convert(qt_rpc_ctx *ctx, const Qtaskdist__V1__ConvertRequest *req,
                       Qtaskdist__V1__ConvertResponse **ret_resp, qt_err *err) {
    QT_TRY(need_payload(req->payload, err));
    void *resp = qt_rpc_message(ctx, &qtaskdist__v1__convert_response__descriptor);
    if (resp == NULL) {
        return no_memory(err);
    }
    const qt_cancel cancel = {.cancelled = call_cancelled, .self = ctx};
    QT_TRY(qt_sim_core_convert(qt_rpc_self(ctx), req->payload, qt_rpc_request_id(ctx), &cancel,
                               qt_rpc_arena(ctx), &((Qtaskdist__V1__ConvertResponse *)resp)->result,
                               err));
    *ret_resp = resp;
    return QT_OK;
}

/* The arena takes them, and the list of errors. */
static qt_code add_inputs(const Qtaskdist__V1__AnalyzeRequest *req, qt_arena *arena,
                          qt_program *program, qt_err *err) {
    void *inputs = NULL;
    program->arena = arena;
    QT_TRY(qt_arena_try_calloc(arena, req->n_inputs + 1, sizeof(qt_qasm_input), &inputs, err));
    if (req->n_inputs > QT_MAX_PROGRAM_INPUTS) {
        return qt_fail_field(err, FIELD_INVALID, "inputs", "more than %d inputs",
                             (int)QT_MAX_PROGRAM_INPUTS);
    }
    program->inputs = inputs;
    program->input_count = req->n_inputs;
    for (size_t i = 0; i < req->n_inputs; i++) {
        QT_TRY(qt_program_input_decode(req->inputs[i]->key, req->inputs[i]->value, "inputs", arena,
                                       (qt_qasm_input *)inputs + i, err));
    }
    return QT_OK;
}

static qt_code analyze(qt_rpc_ctx *ctx, const Qtaskdist__V1__AnalyzeRequest *req,
                       Qtaskdist__V1__AnalyzeResponse **ret_resp, qt_err *err) {
    const qt_sim_core *core = qt_rpc_self(ctx);
    qt_program program;
    qt_analysis analysis;
    qt_circuit *circuit = NULL;
    QT_TRY(qt_decode_program(req->circuit_type, req->circuit_data, "circuit_type", "circuit_data",
                             &program, err));
    QT_TRY(add_inputs(req, qt_rpc_arena(ctx), &program, err));
    QT_TRY(qt_job_analyze(&core->jobs, &program, &circuit, &analysis, err));
    qt_code code = qt_encode_analysis(circuit, &analysis, qt_rpc_arena(ctx), ret_resp, err);
    qt_circuit_free(circuit);
    return code;
}

/* Violations that are listed. */
enum { DEFAULT_VIOLATIONS = 100, MAX_VIOLATIONS = 1000 };

static qt_code check_qir(qt_rpc_ctx *ctx, const Qtaskdist__V1__CheckQirRequest *req,
                         Qtaskdist__V1__CheckQirResponse **ret_resp, qt_err *err) {
    const qt_sim_core *core = qt_rpc_self(ctx);
    const qt_program program = {.kind = QT_PROGRAM_QIR,
                                .text = req->circuit_data,
                                .len = strlen(req->circuit_data),
                                .field = "circuit_data",
                                .type_field = "circuit_data",
                                .cancel = {.cancelled = call_cancelled, .self = ctx}};
    qt_qir_check_options options = {.max_violations = req->max_violations > 0 ? req->max_violations
                                                                              : DEFAULT_VIOLATIONS};
    QT_TRY(qt_program_profile_decode(req->profile, "profile", &options.profile, err));
    if (options.max_violations > MAX_VIOLATIONS) {
        return qt_fail_field(err, FIELD_INVALID, "max_violations", "at most %d",
                             (int)MAX_VIOLATIONS);
    }
    Qtaskdist__V1__CheckQirResponse *resp =
        (void *)qt_rpc_message(ctx, &qtaskdist__v1__check_qir_response__descriptor);
    if (resp == NULL) {
        return no_memory(err);
    }
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
    QT_TRY(qt_job_check_qir(&core->jobs, &program, &options, &report, err));
    QT_TRY(qt_encode_report(&report, qt_rpc_arena(ctx), &resp->report, err));
    *ret_resp = resp;
    return QT_OK;
}

static qt_code get_limits(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetLimitsRequest *req,
                          Qtaskdist__V1__GetLimitsResponse **ret_resp, qt_err *err) {
    const qt_sim_core *core = qt_rpc_self(ctx);
    (void)req;
    Qtaskdist__V1__GetLimitsResponse *resp =
        (void *)qt_rpc_message(ctx, &qtaskdist__v1__get_limits_response__descriptor);
    if (resp == NULL) {
        return no_memory(err);
    }
    resp->max_qubits_statevector = qt_job_max_qubits(&core->jobs);
    resp->max_shots = core->jobs.limits.max_shots;
    resp->max_circuit_bytes = core->jobs.limits.max_circuit_bytes;
    resp->max_memory_bytes = core->jobs.memory.limit_bytes;
    resp->max_qubits_verify = core->jobs.limits.verify_qubits;
    resp->qir = core->jobs.qir != NULL;
    *ret_resp = resp;
    return QT_OK;
}

static const qt_sim_service_ops ops = {
    .simulate = simulate,
    .convert = convert,
    .analyze = analyze,
    .check_qir = check_qir,
    .get_limits = get_limits,
};

void qt_sim_handlers_register(qt_rpc_server *server, qt_sim_core *core) {
    qt_sim_service_register(server, &ops, core);
    qt_rpc_server_set_flags(server, QT_SIM_SERVICE_GET_LIMITS_PATH, QT_RPC_INLINE);
}
