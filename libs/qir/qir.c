#include "qir/qir.h"

#include "base/cleanup.h"
#include "base/utf8.h"
#include "qir/base.h"
#include "qir/emit.h"

#include <string.h>

enum { MAX_ENTRY_NAME = 255 };

const char *qt_qir_profile_name(qt_qir_profile profile) {
    return profile == QT_QIR_BASE ? "base" : profile == QT_QIR_ADAPTIVE ? "adaptive" : "auto";
}

static void emitter_done(qt_qir_emitter *e) {
    qt_buf_done(&e->text);
}

static qt_code check_entry_point(const char *name, qt_err *err) {
    size_t len = strlen(name);
    if (len > MAX_ENTRY_NAME || !qt_utf8_valid(name, len, NULL)) {
        return qt_fail_field(err, FIELD_INVALID, "entry_point",
                             "the entry point's name must be UTF-8 of at most %d bytes",
                             MAX_ENTRY_NAME);
    }
    if (strncmp(name, "__quantum__", 11) == 0 || strncmp(name, "llvm.", 5) == 0) {
        return qt_fail_field(err, FIELD_INVALID, "entry_point",
                             "the entry point's name must not start with __quantum__ or llvm.");
    }
    return QT_OK;
}

void qt_qir_put_static_op(qt_qir_emitter *e, const qt_op *op) {
    if (op->kind == QT_OP_GATE) {
        qt_gate_sink sink = qt_qir_sink(e);
        qt_op_decompose(&sink, e->circuit, op);
    } else if (op->kind == QT_OP_BARRIER && e->options.barriers) {
        qt_qir_call(e, QT_QIS_BARRIER, NULL, NULL);
        e->info.gate_calls--;
    }
}

static void put_base(qt_qir_emitter *e, const qt_qir_base_plan *plan) {
    const qt_circuit *circuit = e->circuit;
    for (size_t i = 0; i < circuit->op_count; i++) {
        qt_qir_put_static_op(e, &circuit->ops[i]);
    }
    qt_buf_add_str(&e->text, "  br label %measurements\n\nmeasurements:\n");
    for (size_t i = 0; i < plan->measure_count; i++) {
        qt_qir_call_mz(e, plan->measures[i].qubit, plan->measures[i].result);
    }
    qt_buf_add_str(&e->text, "  br label %output\n\noutput:\n");
    qt_qir_put_records(e, plan->bit_result, NULL);
    e->info.deferred_measures = plan->deferred_measures;
    e->info.dropped_resets = plan->dropped_resets;
}

static qt_code put_module(qt_qir_emitter *e, qt_err *err) {
    QT_CLEANUP(qt_qir_base_plan_done) qt_qir_base_plan plan = {0};
    QT_TRY(qt_qir_plan_base(e->circuit, &plan, err));
    bool base = plan.why_not[0] == '\0' && e->options.profile != QT_QIR_ADAPTIVE;
    if (e->options.profile == QT_QIR_BASE && !base) {
        return qt_fail(err, CIRCUIT_UNSUPPORTED, "the Base profile cannot express this circuit: %s",
                       plan.why_not);
    }
    memcpy(e->info.why_not_base, plan.why_not, sizeof plan.why_not);
    e->info.profile = base ? QT_QIR_BASE : QT_QIR_ADAPTIVE;
    e->info.num_qubits = e->circuit->num_qubits;
    qt_qir_put_header(e);
    if (base) {
        e->info.num_results = plan.num_results;
        put_base(e, &plan);
    } else {
        QT_TRY(qt_qir_put_adaptive(e, err));
    }
    qt_qir_put_footer(e);
    return qt_buf_check(&e->text, err);
}

qt_code qt_qir_write(const qt_circuit *circuit, const qt_qir_options *options, qt_buf *ret_text,
                     qt_qir_info *ret_info, qt_err *err) {
    qt_qir_options filled = *options;
    if (filled.entry_point == NULL || filled.entry_point[0] == '\0') {
        filled.entry_point = "main";
    }
    QT_TRY(check_entry_point(filled.entry_point, err));
    QT_CLEANUP(emitter_done) qt_qir_emitter e;
    qt_qir_emitter_init(&e, circuit, &filled);
    QT_TRY(put_module(&e, err));
    if (ret_info != NULL) {
        *ret_info = e.info;
    }
    *ret_text = e.text;
    e.text = (qt_buf){0};
    return QT_OK;
}
