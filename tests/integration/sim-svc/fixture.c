#include "fixture.h"

#include "base/log.h"

#include <stdio.h>

qt_sim_core core;
qt_rpc_channel *channel;
static qt_rpc_server *server;

const char bell[] = "OPENQASM 2.0;\n"
                    "include \"qelib1.inc\";\n"
                    "qreg q[2];\n"
                    "creg c[2];\n"
                    "h q[0];\n"
                    "cx q[0],q[1];\n"
                    "measure q -> c;\n";
const char endless[] = "OPENQASM 3.0;\n"
                       "include \"stdgates.inc\";\n"
                       "qubit[18] q;\n"
                       "bit c;\n"
                       "for int i in [0:100000] { h q; c = measure q[0]; }\n";

void start_core(void) {
    qt_log_init("test", QT_LOG_ERROR);
    core = (qt_sim_core){.jobs = {.limits = {.max_circuit_bytes = MAX_CIRCUIT_BYTES,
                                             .max_shots = MAX_SHOTS,
                                             .threads = 1,
                                             /* What is endless must get as far as the run. */
                                             .read = {.max_ms = 60000},
                                             .verify_qubits = 16,
                                             .verify_branches = 65536,
                                             .verify_ms = 30000}},
                         .max_result_bytes = MAX_RESULT_BYTES};
    qt_budget_init(&core.jobs.memory, (uint64_t)MEMORY_MB << 20);
}

void stop_core(void) {
    ck_assert_uint_eq(core.jobs.memory.free_bytes, core.jobs.memory.limit_bytes);
    qt_budget_done(&core.jobs.memory);
}

void start_all(void) {
    qt_err err;
    start_core();
    qt_rpc_server_options options = {.service = "sim-svc",
                                     .listen_addr = "127.0.0.1:0",
                                     .worker_threads = 4,
                                     .queue_limit = 100,
                                     .max_message_bytes = 1 << 20,
                                     .max_concurrent = 100,
                                     .max_metadata_bytes = 16384,
                                     .default_deadline_ms = 60000,
                                     .grace_ms = 5000,
                                     .tls_cert_file = "",
                                     .tls_key_file = "",
                                     .tls_ca_file = ""};
    ck_assert_ok(qt_rpc_server_new(&options, &server, &err));
    qt_sim_handlers_register(server, &core);
    ck_assert_ok(qt_rpc_server_start(server, &err));
    qt_rpc_server_set_serving(server, NULL, true);
    char target[64];
    snprintf(target, sizeof target, "127.0.0.1:%d", qt_rpc_server_port(server));
    qt_rpc_channel_options channel_options = {.target = target, .no_health_check = true};
    ck_assert_ok(qt_rpc_channel_new(&channel_options, &channel, &err));
}

void stop_all(void) {
    qt_rpc_channel_free(channel);
    qt_rpc_server_stop(server);
    qt_rpc_server_free(server);
    stop_core();
}

Qtaskdist__V1__TaskPayload payload_of(const char *circuit) {
    Qtaskdist__V1__TaskPayload payload = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    payload.circuit_data = (char *)(uintptr_t)circuit;
    return payload;
}

qt_code simulate(const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                 Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    qt_rpc_call call = {.timeout_ms = 20000, .wait_for_ready = true};
    Qtaskdist__V1__SimulateRequest req = QTASKDIST__V1__SIMULATE_REQUEST__INIT;
    Qtaskdist__V1__SimulateResponse *resp = NULL;
    req.payload = (Qtaskdist__V1__TaskPayload *)(uintptr_t)payload;
    QT_TRY(qt_sim_service_simulate(channel, &call, &req, arena, &resp, err));
    *ret_result = resp->result;
    return QT_OK;
}

qt_code convert(const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    qt_rpc_call call = {.timeout_ms = 20000, .wait_for_ready = true};
    Qtaskdist__V1__ConvertRequest req = QTASKDIST__V1__CONVERT_REQUEST__INIT;
    Qtaskdist__V1__ConvertResponse *resp = NULL;
    req.payload = (Qtaskdist__V1__TaskPayload *)(uintptr_t)payload;
    QT_TRY(qt_sim_service_convert(channel, &call, &req, arena, &resp, err));
    *ret_result = resp->result;
    return QT_OK;
}

uint32_t count_of(const Qtaskdist__V1__TaskResult *result, const char *key) {
    for (size_t i = 0; i < result->n_measurements; i++) {
        if (strcmp(result->measurements[i]->key, key) == 0) {
            return result->measurements[i]->value;
        }
    }
    return 0;
}
