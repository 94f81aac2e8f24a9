#include "services/sim-svc/job.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "services/sim-svc/metrics.h"

#include <stdio.h>
#include <sys/random.h>

enum { SPARE_BYTES = 64 << 20, AMPLITUDE_BYTES = 16 };

/* What is wrong with a circuit is wrong with the field that holds it. */
qt_code qt_job_in_program(qt_code code, const qt_program *program, qt_err *err) {
    if (code == QT_INVALID_ARGUMENT && err->field[0] == '\0') {
        bool type = err->reason == QT_REASON_CIRCUIT_TYPE_UNSUPPORTED;
        snprintf(err->field, sizeof err->field, "%s", type ? program->type_field : program->field);
    }
    return code;
}

qt_code qt_job_check_text(const qt_job_runner *runner, const qt_program *program, qt_err *err) {
    if (program->len == 0) {
        return qt_fail_field(err, FIELD_REQUIRED, program->field, "the circuit is missing");
    }
    if (program->len > runner->limits.max_circuit_bytes) {
        return qt_fail_field(err, CIRCUIT_TOO_LARGE, program->field,
                             "the circuit has %zu bytes, at most %zu are allowed", program->len,
                             runner->limits.max_circuit_bytes);
    }
    return QT_OK;
}

qt_code qt_job_need_llvm(const qt_job_runner *runner, const char *field, const char *what,
                         qt_err *err) {
    if (runner->qir == NULL) {
        return qt_fail_field(err, METHOD_UNIMPLEMENTED, field,
                             "%s: this sim-svc was built without LLVM", what);
    }
    return QT_OK;
}

typedef struct qir_reading {
    qt_qir_helper *helper;
    bool strict;
    qt_qir_wait wait;
} qir_reading;

static qt_code read_qir(const char *text, size_t len, const qt_program_read_options *options,
                        qt_circuit **ret_circuit, qt_err *err) {
    const qir_reading *reading = options->read_qir_self;
    const qt_qir_read_options qir = {
        .max_bytes = options->max_bytes, .strict = reading->strict, .limits = options->limits};
    QT_CLEANUP(qt_buf_done) qt_buf storage = {0};
    const char *data = NULL;
    size_t data_len = 0;
    QT_TRY(qt_qir_source_open(text, len, options->max_bytes, &storage, &data, &data_len, err));
    return qt_qir_helper_read(reading->helper, data, data_len, &qir, &reading->wait, ret_circuit,
                              err);
}

qt_code qt_job_read(const qt_job_runner *runner, const qt_program *program, size_t max_bytes,
                    bool strict, qt_circuit **ret_circuit, qt_err *err) {
    qir_reading reading = {
        .helper = runner->qir,
        .strict = strict,
        .wait = {.cancelled = program->cancel.cancelled, .self = program->cancel.self}};
    qt_program_read_options options = runner->limits.read;
    options.max_bytes = max_bytes;
    options.keep_loops = program->keep_loops;
    options.read_qir = runner->qir != NULL ? read_qir : NULL;
    options.read_qir_self = &reading;
    options.inputs = program->inputs;
    options.input_count = program->input_count;
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = {0};
    qt_code code = qt_program_read(program->kind, program->text, program->len, &options,
                                   ret_circuit, &all, err);
    if (code != QT_OK) {
        qt_diagnostics_keep(program->arena, err);
    }
    return code;
}

qt_code qt_job_parse(const qt_job_runner *runner, const qt_program *program,
                     qt_circuit **ret_circuit, qt_err *err) {
    QT_TRY(qt_job_check_text(runner, program, err));
    if (program->kind == QT_PROGRAM_QIR) {
        QT_TRY(qt_job_need_llvm(runner, program->type_field, "QIR cannot be read", err));
    }
    qt_code code = qt_job_read(runner, program, runner->limits.max_circuit_bytes,
                               runner->limits.qir_strict, ret_circuit, err);
    return qt_job_in_program(code, program, err);
}

static uint32_t pick_seed(void) {
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
        seed = (uint32_t)qt_clock_mono_us(qt_clock_system());
    }
    return seed;
}

static qt_code make_options(const qt_job_runner *runner, const qt_simulation *s,
                            qt_sim_options *ret_options, qt_err *err) {
    uint32_t shots = s->shots != 0 ? s->shots : QT_DEFAULT_SHOTS;
    if (shots > runner->limits.max_shots) {
        return qt_fail_field(err, SHOTS_OUT_OF_RANGE, "payload.shots",
                             "%u shots, at most %u are allowed", shots, runner->limits.max_shots);
    }
    *ret_options = (qt_sim_options){.shots = shots,
                                    .seed = s->has_seed ? s->seed : pick_seed(),
                                    .method = s->method,
                                    .max_memory_bytes = runner->memory.limit_bytes,
                                    .threads = runner->limits.threads};
    return QT_OK;
}

/* Memory for a run: what it needs, and when it is free some more for copies of the state, which
 * make circuits with measurements in the middle faster. */
static qt_code take_memory(qt_job_runner *runner, const qt_circuit *circuit,
                           const qt_sim_options *options, const qt_cancel *cancel,
                           qt_sim_estimate *ret_estimate, uint64_t *ret_bytes, qt_err *err) {
    qt_sim_estimate estimate;
    int64_t start_us = qt_clock_mono_us(qt_clock_system());
    QT_TRY(qt_sim_plan(circuit, options, &estimate, err));
    uint64_t limit = runner->memory.limit_bytes;
    uint64_t min = estimate.memory_bytes;
    uint64_t spare = limit - min < SPARE_BYTES ? limit - min : SPARE_BYTES;
    uint64_t want = min < limit / 4 ? min * 4 : limit;
    min += spare;
    QT_TRY(qt_budget_take(&runner->memory, min, want > min ? want : min, cancel, ret_bytes, err));
    qt_sim_metrics_wait(start_us);
    *ret_estimate = estimate;
    return QT_OK;
}

static qt_code run_circuit(qt_job_runner *runner, const qt_circuit *circuit,
                           qt_sim_options *options, const qt_job_watch *watch,
                           qt_sim_result **ret_result, qt_err *err) {
    uint64_t bytes = 0;
    qt_sim_estimate estimate;
    QT_TRY(take_memory(runner, circuit, options, &watch->cancel, &estimate, &bytes, err));
    options->max_memory_bytes = bytes;
    options->cancelled = watch->cancel.cancelled;
    options->progress = watch->progress;
    options->self = watch->cancel.self;
    int64_t start_us = qt_clock_mono_us(qt_clock_system());
    qt_code code = qt_sim_run(circuit, options, ret_result, err);
    qt_sim_metrics_run(&estimate, circuit->num_qubits, options->shots, code, start_us);
    qt_budget_give(&runner->memory, bytes);
    return code;
}

qt_code qt_job_simulate(qt_job_runner *runner, const qt_simulation *simulation,
                        const qt_job_watch *watch, qt_circuit **ret_circuit,
                        qt_sim_result **ret_result, qt_err *err) {
    qt_sim_options options;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_TRY(make_options(runner, simulation, &options, err));
    QT_TRY(qt_job_parse(runner, &simulation->program, &circuit, err));
    qt_code code = run_circuit(runner, circuit, &options, watch, ret_result, err);
    QT_TRY(qt_job_in_program(code, &simulation->program, err));
    *ret_circuit = QT_TAKE(circuit);
    return QT_OK;
}

qt_code qt_job_analyze(const qt_job_runner *runner, const qt_program *program,
                       qt_circuit **ret_circuit, qt_analysis *ret_analysis, qt_err *err) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    qt_analysis a = {.method = QT_SIM_AUTO};
    QT_TRY(qt_job_parse(runner, program, &circuit, err));
    QT_TRY(qt_job_in_program(qt_circuit_analyze(circuit, &a.stats, err), program, err));
    a.num_qubits = circuit->num_qubits;
    a.num_clbits = circuit->num_clbits;
    qt_sim_options options = {.shots = QT_DEFAULT_SHOTS,
                              .max_memory_bytes = UINT64_MAX,
                              .threads = runner->limits.threads};
    qt_sim_estimate estimate;
    qt_err unfit;
    if (qt_sim_plan(circuit, &options, &estimate, &unfit) == QT_OK) {
        a.method = estimate.method;
        a.memory_bytes = estimate.memory_bytes;
        a.seconds = estimate.seconds;
    }
    *ret_circuit = QT_TAKE(circuit);
    *ret_analysis = a;
    return QT_OK;
}

uint32_t qt_job_max_qubits(const qt_job_runner *runner) {
    uint32_t qubits = 0;
    while (qubits < 50 && (uint64_t)AMPLITUDE_BYTES << (qubits + 1) <= runner->memory.limit_bytes) {
        qubits++;
    }
    return qubits;
}
