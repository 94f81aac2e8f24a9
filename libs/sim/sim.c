#include "sim/sim.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "sim/exec.h"
#include "sim/key.h"
#include "sim/plan.h"
#include "sim/statevector.h"
#include "sim/tableau.h"

#include <stdlib.h>
#include <string.h>

const char *qt_sim_method_name(qt_sim_method method) {
    switch (method) {
    case QT_SIM_AUTO:
        return "auto";
    case QT_SIM_STATEVECTOR:
        return "statevector";
    case QT_SIM_STABILIZER:
        return "stabilizer";
    case QT_SIM_DENSITY_MATRIX:
        return "density_matrix";
    }
    return "unknown";
}

void qt_sim_result_free(qt_sim_result *result) {
    if (result != NULL) {
        qt_arena_done(&result->strings);
        free(result->counts);
        free(result);
    }
}

void qt_sim_result_free_p(qt_sim_result **result) {
    qt_sim_result_free(*result);
}

qt_code qt_sim_plan(const qt_circuit *circuit, const qt_sim_options *options,
                    qt_sim_estimate *ret_estimate, qt_err *err) {
    QT_CLEANUP(qt_plan_done) qt_plan plan = {0};
    QT_TRY(qt_plan_make(circuit, options, &plan, err));
    *ret_estimate = (qt_sim_estimate){plan.method, plan.memory_bytes, plan.seconds};
    return QT_OK;
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const qt_count *)a)->key, ((const qt_count *)b)->key);
}

static qt_code fill_counts(qt_sim_result *result, const qt_key_layout *layout,
                           const qt_tally *counts, qt_err *err) {
    QT_TRY(qt_try_malloc(counts->count * sizeof *result->counts, (void **)&result->counts, err));
    for (size_t i = 0; i < counts->count; i++) {
        char *text = NULL;
        QT_TRY(qt_arena_try_alloc(&result->strings, layout->text_len + 1, (void **)&text, err));
        qt_key_text(layout, qt_tally_key(counts, i), text);
        result->counts[i] = (qt_count){text, (uint32_t)counts->counts[i]};
    }
    result->count_count = counts->count;
    qsort(result->counts, counts->count, sizeof *result->counts, by_key);
    return QT_OK;
}

static void engine_free_p(qt_engine *engine) {
    if (engine->ops != NULL) {
        engine->ops->free(engine->self);
    }
}

static qt_code make_engine(const qt_plan *plan, const qt_sim_options *options, qt_watch *watch,
                           qt_engine *ret_engine, qt_err *err) {
    if (plan->method == QT_SIM_STABILIZER) {
        return qt_tableau_new(plan->engine_qubits, ret_engine, err);
    }
    qt_engine_stop stop = {qt_watch_asked, watch};
    return qt_statevector_new(plan->engine_qubits, options->threads, stop, ret_engine, err);
}

/* Runs the shots and fills the counts in. */
static qt_code run(const qt_circuit *circuit, const qt_plan *plan, const qt_sim_options *options,
                   qt_sim_result *result, qt_err *err) {
    QT_CLEANUP(qt_key_layout_done) qt_key_layout layout = {0};
    QT_CLEANUP(qt_tally_done) qt_tally counts = {0};
    QT_CLEANUP(engine_free_p) qt_engine engine = {0};
    qt_watch watch = {.options = options, .percent = -1};
    QT_TRY(qt_key_layout_init(&layout, circuit, err));
    qt_tally_init(&counts, layout.bit_count);
    QT_TRY(make_engine(plan, options, &watch, &engine, err));
    QT_TRY(qt_exec(circuit, plan, options, &engine, &watch, &counts, err));
    result->num_clbits = (uint32_t)layout.bit_count;
    QT_TRY(fill_counts(result, &layout, &counts, err));
    if (options->progress != NULL) {
        options->progress(options->self, 100);
    }
    return QT_OK;
}

qt_code qt_sim_run(const qt_circuit *circuit, const qt_sim_options *options,
                   qt_sim_result **ret_result, qt_err *err) {
    int64_t start = qt_clock_mono_us(qt_clock_system());
    qt_sim_options complete = qt_sim_options_complete(options);
    QT_CLEANUP(qt_plan_done) qt_plan plan = {0};
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *result = NULL;
    QT_TRY(qt_plan_make(circuit, &complete, &plan, err));
    QT_TRY(qt_try_calloc(1, sizeof *result, (void **)&result, err));
    qt_arena_init(&result->strings, (size_t)complete.max_memory_bytes);
    QT_TRY(run(circuit, &plan, &complete, result, err));
    result->shots = complete.shots;
    result->seed = complete.seed;
    result->method = plan.method;
    result->num_qubits = circuit->num_qubits;
    result->memory_bytes = plan.memory_bytes;
    result->seconds = (double)(qt_clock_mono_us(qt_clock_system()) - start) / 1e6;
    *ret_result = QT_TAKE(result);
    return QT_OK;
}
