#include "report.h"

#include "base/cleanup.h"
#include "circuit/hash.h"
#include "json/writer.h"

#include <stdio.h>
#include <string.h>

static void gate_label(int gate, int controls, char *ret_label, size_t cap) {
    static const char *const prefixes[3] = {"", "c-", "cc..-"};
    snprintf(ret_label, cap, "%s%s", prefixes[controls], qt_gate_get_info((qt_gate)gate)->name);
}

static void add_gates(qt_buf *out, const qt_circuit_stats *s) {
    for (int g = 0; g < QT_GATE_COUNT_; g++) {
        for (int controls = 0; controls < 3; controls++) {
            char label[40];
            gate_label(g, controls, label, sizeof label);
            if (s->gates[g][controls] > 0) {
                qt_buf_printf(out, "  %-12s %llu\n", label,
                              (unsigned long long)s->gates[g][controls]);
            }
        }
    }
}

qt_code report_text(const report *r, qt_buf *out, qt_err *err) {
    if (r->circuit == NULL) {
        qt_diagnostics_render(r->diagnostics, r->file, out);
        if (r->diagnostics->count == 0) {
            qt_buf_printf(out, "%s: error: %s\n", r->file, r->err->msg);
        }
        return qt_buf_check(out, err);
    }
    qt_circuit_stats s;
    QT_TRY(qt_circuit_analyze(r->circuit, &s, err));
    qt_buf_printf(out,
                  "%s: ok: %u qubits, %u bits, %llu gates (%llu on two or more), depth %u%s%s\n",
                  r->file, r->circuit->num_qubits, r->circuit->num_clbits,
                  (unsigned long long)s.gate_count, (unsigned long long)s.two_qubit_count, s.depth,
                  s.clifford ? ", Clifford" : "", s.dynamic ? ", dynamic" : "");
    for (size_t i = 0; i < r->circuit->warning_count; i++) {
        qt_buf_printf(out, "%s: warning: %s\n", r->file, r->circuit->warnings[i]);
    }
    if (r->stats) {
        add_gates(out, &s);
    }
    return qt_buf_check(out, err);
}

static void json_optional(qt_json_writer *w, const char *key, const char *value) {
    if (value != NULL) {
        qt_json_pair(w, key, value);
    }
}

static void json_diagnostics(qt_json_writer *w, const report *r) {
    qt_json_key(w, "errors");
    qt_json_open_array(w);
    for (size_t i = 0; i < r->diagnostics->count; i++) {
        const qt_diagnostic *d = &r->diagnostics->items[i];
        qt_json_open_object(w);
        qt_json_key(w, "line");
        qt_json_u64(w, d->line);
        qt_json_key(w, "column");
        qt_json_u64(w, d->column);
        qt_json_key(w, "length");
        qt_json_u64(w, d->length);
        qt_json_pair(w, "reason", qt_reason_name(d->reason));
        qt_json_pair(w, "message", d->message);
        json_optional(w, "expected", d->expected);
        json_optional(w, "hint", d->hint);
        json_optional(w, "file", d->file);
        json_optional(w, "source", d->source);
        qt_json_close_object(w);
    }
    qt_json_close_array(w);
    if (r->diagnostics->count == 0) {
        qt_json_pair(w, "message", r->err->msg);
    }
}

static void json_count(qt_json_writer *w, const char *key, uint64_t value) {
    qt_json_key(w, key);
    qt_json_u64(w, value);
}

static void json_gates(qt_json_writer *w, const qt_circuit_stats *s) {
    qt_json_key(w, "gates");
    qt_json_open_object(w);
    for (int g = 0; g < QT_GATE_COUNT_; g++) {
        for (int controls = 0; controls < 3; controls++) {
            char label[40];
            gate_label(g, controls, label, sizeof label);
            if (s->gates[g][controls] > 0) {
                json_count(w, label, s->gates[g][controls]);
            }
        }
    }
    qt_json_close_object(w);
}

static void json_warnings(qt_json_writer *w, const qt_circuit *circuit) {
    qt_json_key(w, "warnings");
    qt_json_open_array(w);
    for (size_t i = 0; i < circuit->warning_count; i++) {
        qt_json_str(w, circuit->warnings[i]);
    }
    qt_json_close_array(w);
}

static qt_code json_circuit(qt_json_writer *w, const report *r, qt_err *err) {
    qt_circuit_stats s;
    qt_circuit_hash hash;
    char digits[40];
    QT_TRY(qt_circuit_analyze(r->circuit, &s, err));
    QT_TRY(qt_circuit_get_hash(r->circuit, &hash, err));
    snprintf(digits, sizeof digits, "%016llx%016llx", (unsigned long long)hash.high,
             (unsigned long long)hash.low);
    json_count(w, "num_qubits", r->circuit->num_qubits);
    json_count(w, "num_clbits", r->circuit->num_clbits);
    json_count(w, "operations", r->circuit->op_count);
    json_count(w, "gate_count", s.gate_count);
    json_count(w, "two_qubit_count", s.two_qubit_count);
    json_count(w, "measure_count", s.measure_count);
    json_count(w, "reset_count", s.reset_count);
    json_count(w, "depth", s.depth);
    qt_json_key(w, "clifford");
    qt_json_bool(w, s.clifford);
    qt_json_key(w, "dynamic");
    qt_json_bool(w, s.dynamic);
    qt_json_pair(w, "hash", digits);
    json_gates(w, &s);
    json_warnings(w, r->circuit);
    return QT_OK;
}

qt_code report_json(const report *r, qt_buf *out, qt_err *err) {
    qt_json_writer w = qt_json_writer_make(out);
    qt_json_open_object(&w);
    qt_json_pair(&w, "file", r->file);
    qt_json_key(&w, "valid");
    qt_json_bool(&w, r->circuit != NULL);
    if (r->circuit != NULL) {
        QT_TRY(json_circuit(&w, r, err));
    } else {
        json_diagnostics(&w, r);
    }
    qt_json_close_object(&w);
    qt_buf_add_char(out, '\n');
    return qt_buf_check(out, err);
}
