#include "services/sim-svc/codec.h"

#include <stdio.h>
#include <string.h>

enum { ENTRY_OVERHEAD_BYTES = 16, MAX_GATE_NAME = 24 };

qt_code qt_encode_check_size(size_t bytes, size_t max_bytes, const char *advice, qt_err *err) {
    if (bytes > max_bytes) {
        return qt_fail(err, RESULT_TOO_LARGE,
                       "the result has about %zu bytes, at most %zu are allowed; %s", bytes,
                       max_bytes, advice);
    }
    return QT_OK;
}

qt_code qt_encode_text(qt_arena *arena, const char *s, char **ret_copy, qt_err *err) {
    char *text = qt_arena_strdup(arena, s);
    if (text == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "the result does not fit the memory of a call");
    }
    *ret_copy = text;
    return QT_OK;
}

qt_code qt_encode_result(const qt_circuit *circuit, const char *job_id, double seconds,
                         qt_arena *arena, Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_alloc(arena, sizeof(Qtaskdist__V1__TaskResult), &memory, err));
    Qtaskdist__V1__TaskResult *r = memory;
    qtaskdist__v1__task_result__init(r);
    QT_TRY(qt_encode_text(arena, job_id, &r->job_id, err));
    QT_TRY(qt_encode_text(arena, "completed", &r->status, err));
    QT_TRY(qt_encode_text(arena, "sim-svc", &r->backend_name, err));
    r->seconds = seconds;
    r->num_qubits = circuit->num_qubits;
    r->num_clbits = circuit->num_clbits;
    QT_TRY(qt_arena_try_calloc(arena, circuit->warning_count, sizeof(char *), &memory, err));
    r->warnings = memory;
    for (size_t i = 0; i < circuit->warning_count; i++) {
        QT_TRY(qt_encode_text(arena, circuit->warnings[i], &r->warnings[i], err));
        r->n_warnings++;
    }
    *ret_result = r;
    return QT_OK;
}

static size_t counts_size(const qt_sim_result *result) {
    size_t key_len = result->count_count > 0 ? strlen(result->counts[0].key) : 0;
    return result->count_count * (key_len + ENTRY_OVERHEAD_BYTES);
}

static qt_code fill_counts(const qt_sim_result *from, qt_arena *arena,
                           Qtaskdist__V1__TaskResult *to, qt_err *err) {
    typedef Qtaskdist__V1__TaskResult__MeasurementsEntry entry_type;
    void *entries = NULL, *pointers = NULL;
    QT_TRY(qt_arena_try_calloc(arena, from->count_count, sizeof(entry_type), &entries, err));
    QT_TRY(qt_arena_try_calloc(arena, from->count_count, sizeof(entry_type *), &pointers, err));
    to->measurements = pointers;
    for (size_t i = 0; i < from->count_count; i++) {
        entry_type *entry = (entry_type *)entries + i;
        qtaskdist__v1__task_result__measurements_entry__init(entry);
        QT_TRY(qt_encode_text(arena, from->counts[i].key, &entry->key, err));
        entry->value = from->counts[i].count;
        to->measurements[i] = entry;
        to->n_measurements++;
    }
    return QT_OK;
}

qt_code qt_encode_simulation(const qt_circuit *circuit, const qt_sim_result *result,
                             const char *job_id, double seconds, size_t max_bytes, qt_arena *arena,
                             Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    Qtaskdist__V1__TaskResult *r = NULL;
    QT_TRY(qt_encode_check_size(counts_size(result), max_bytes, "ask for fewer shots", err));
    QT_TRY(qt_encode_result(circuit, job_id, seconds, arena, &r, err));
    QT_TRY(fill_counts(result, arena, r, err));
    QT_TRY(qt_encode_text(arena, qt_sim_method_name(result->method), &r->method, err));
    r->shots = result->shots;
    r->seed = result->seed;
    r->num_clbits = result->num_clbits;
    *ret_result = r;
    return QT_OK;
}

/* ---- analysis ---- */

/* Controls 0, 1, 2, and 3 or more: "x", "cx", "ccx", "mcx". */
enum { CONTROL_KINDS = 4 };

typedef struct gate_tally {
    uint64_t counts[QT_GATE_COUNT_][CONTROL_KINDS];
    size_t kinds; /* that occur */
} gate_tally;

static gate_tally tally_gates(const qt_circuit *circuit) {
    gate_tally t = {0};
    for (size_t i = 0; i < circuit->op_count; i++) {
        const qt_op *op = &circuit->ops[i];
        if (op->kind != QT_OP_GATE && op->kind != QT_OP_GATE_DYNAMIC) {
            continue;
        }
        size_t kind = op->control_count < CONTROL_KINDS ? op->control_count : CONTROL_KINDS - 1;
        t.kinds += t.counts[op->sub][kind]++ == 0 ? 1 : 0;
    }
    return t;
}

static qt_code fill_gate_counts(const gate_tally *tally, qt_arena *arena,
                                Qtaskdist__V1__AnalyzeResponse *resp, qt_err *err) {
    static const char *const prefixes[CONTROL_KINDS] = {"", "c", "cc", "mc"};
    typedef Qtaskdist__V1__AnalyzeResponse__GateCountsEntry entry_type;
    void *entries = NULL, *pointers = NULL;
    QT_TRY(qt_arena_try_calloc(arena, tally->kinds, sizeof(entry_type), &entries, err));
    QT_TRY(qt_arena_try_calloc(arena, tally->kinds, sizeof(entry_type *), &pointers, err));
    resp->gate_counts = pointers;
    for (size_t i = 0; i < (size_t)QT_GATE_COUNT_ * CONTROL_KINDS; i++) {
        qt_gate gate = (qt_gate)(i / CONTROL_KINDS);
        size_t kind = i % CONTROL_KINDS;
        if (tally->counts[gate][kind] == 0) {
            continue;
        }
        char name[MAX_GATE_NAME];
        snprintf(name, sizeof name, "%s%s", prefixes[kind], qt_gate_get_info(gate)->name);
        entry_type *entry = (entry_type *)entries + resp->n_gate_counts;
        qtaskdist__v1__analyze_response__gate_counts_entry__init(entry);
        QT_TRY(qt_encode_text(arena, name, &entry->key, err));
        entry->value = tally->counts[gate][kind];
        resp->gate_counts[resp->n_gate_counts++] = entry;
    }
    return QT_OK;
}

static Qtaskdist__V1__SimulationMethod encode_method(qt_sim_method method) {
    switch (method) {
    case QT_SIM_STATEVECTOR:
        return QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_STATEVECTOR;
    case QT_SIM_STABILIZER:
        return QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_STABILIZER;
    case QT_SIM_DENSITY_MATRIX:
        return QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_DENSITY_MATRIX;
    case QT_SIM_AUTO:
        break;
    }
    return QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_UNSPECIFIED;
}

qt_code qt_encode_analysis(const qt_circuit *circuit, const qt_analysis *analysis, qt_arena *arena,
                           Qtaskdist__V1__AnalyzeResponse **ret_resp, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_alloc(arena, sizeof(Qtaskdist__V1__AnalyzeResponse), &memory, err));
    Qtaskdist__V1__AnalyzeResponse *resp = memory;
    qtaskdist__v1__analyze_response__init(resp);
    gate_tally tally = tally_gates(circuit);
    QT_TRY(fill_gate_counts(&tally, arena, resp, err));
    resp->num_qubits = analysis->num_qubits;
    resp->num_clbits = analysis->num_clbits;
    resp->depth = analysis->stats.depth;
    resp->gate_count = analysis->stats.gate_count;
    resp->measurement_count = analysis->stats.measure_count;
    resp->clifford = analysis->stats.clifford;
    resp->dynamic = analysis->stats.dynamic;
    resp->method = encode_method(analysis->method);
    resp->memory_bytes = analysis->memory_bytes;
    resp->estimated_runtime = analysis->seconds;
    *ret_resp = resp;
    return QT_OK;
}
