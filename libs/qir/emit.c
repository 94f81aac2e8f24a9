#include "qir/emit.h"

#include <stdio.h>
#include <string.h>

/* Bytes that one call takes at most: a name, 4 arguments. */
enum { CALL_BYTES = 512 };

const qt_qis_info qt_qis_table[QT_QIS_COUNT_] = {
#define QT_QIS(name, function, qubits, params, full) {function, qubits, params, full},
#include "qir/qis.def"
#undef QT_QIS
};

static char *put_str(char *to, const char *s) {
    size_t len = strlen(s);
    memcpy(to, s, len);
    return to + len;
}

static char *put_u32(char *to, uint32_t v) {
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    return to;
}

static char *put_hex(char *to, double value) {
    static const char hex[] = "0123456789ABCDEF";
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    *to++ = '0';
    *to++ = 'x';
    for (int shift = 60; shift >= 0; shift -= 4) {
        *to++ = hex[(bits >> shift) & 15];
    }
    return to;
}

/* type ends with a space, e.g. "%Qubit* ". */
static char *put_pointer(char *to, const char *type, const char *attribute, uint32_t id) {
    to = put_str(to, type);
    to = put_str(to, attribute);
    if (id == 0) {
        return put_str(to, "null");
    }
    to = put_str(to, "inttoptr (i64 ");
    to = put_u32(to, id);
    to = put_str(to, " to ");
    to = put_str(to, type);
    to[-1] = ')';
    return to;
}

static char *put_angle(char *to, qt_angle angle) {
    to = put_str(to, "double ");
    if (angle.value == QT_NO_INDEX) {
        return put_hex(to, angle.constant);
    }
    to = put_str(to, "%t");
    return put_u32(to, angle.value);
}

/* The commas between arguments: ", " goes behind each, and the last is taken back. */
static char *put_comma(char *to) {
    *to++ = ',';
    *to++ = ' ';
    return to;
}

static void finish_line(qt_buf *text, const char *end) {
    text->len = (size_t)(end - text->data);
}

void qt_qir_call(qt_qir_emitter *e, qt_qis qis, const qt_angle *angle, const uint32_t *qubits) {
    const qt_qis_info *info = &qt_qis_table[qis];
    e->used[qis] = true;
    e->info.gate_calls++;
    char *to = qt_buf_reserve(&e->text, CALL_BYTES);
    if (to == NULL) {
        return;
    }
    to = put_str(to, "  call void @");
    to = put_str(to, info->function);
    *to++ = '(';
    if (info->param_count > 0) {
        to = put_comma(put_angle(to, *angle));
    }
    for (unsigned i = 0; i < info->qubit_count; i++) {
        to = put_comma(put_pointer(to, e->qubit, "", qubits[i]));
    }
    to -= info->param_count + info->qubit_count > 0 ? 2 : 0;
    finish_line(&e->text, put_str(to, ")\n"));
}

void qt_qir_call_mz(qt_qir_emitter *e, uint32_t qubit, uint32_t result) {
    e->uses |= QT_USES_MZ;
    e->info.measure_calls++;
    char *to = qt_buf_reserve(&e->text, CALL_BYTES);
    if (to == NULL) {
        return;
    }
    to = put_str(to, "  call void @__quantum__qis__mz__body(");
    to = put_comma(put_pointer(to, e->qubit, "", qubit));
    to = put_pointer(to, e->result, "writeonly ", result);
    finish_line(&e->text, put_str(to, ")\n"));
}

void qt_qir_put_pointer(qt_qir_emitter *e, const char *type, const char *attribute, uint32_t id) {
    char *to = qt_buf_reserve(&e->text, CALL_BYTES);
    if (to != NULL) {
        finish_line(&e->text, put_pointer(to, type, attribute, id));
    }
}

void qt_qir_put_double(qt_qir_emitter *e, double value) {
    char *to = qt_buf_reserve(&e->text, 32);
    if (to != NULL) {
        finish_line(&e->text, put_hex(to, value));
    }
}

/* "  %tN = fmul " and the operands; N is the new value. */
static qt_angle put_binary(qt_qir_emitter *e, const char *op, qt_angle a, qt_angle b) {
    char *to = qt_buf_reserve(&e->text, CALL_BYTES);
    qt_angle result = {.value = e->value_count++};
    e->info.float_computations = true;
    if (to == NULL) {
        return result;
    }
    to = put_str(to, "  %t");
    to = put_u32(to, result.value);
    to = put_str(to, " = ");
    to = put_str(to, op);
    *to++ = ' ';
    to = put_comma(put_angle(to, a));
    to = b.value == QT_NO_INDEX ? put_hex(to, b.constant) : put_u32(put_str(to, "%t"), b.value);
    finish_line(&e->text, put_str(to, "\n"));
    return result;
}

static qt_angle scale_value(void *self, qt_angle angle, double factor) {
    return put_binary(self, "fmul", angle, qt_angle_constant(factor));
}

static qt_angle add_values(void *self, qt_angle a, qt_angle b) {
    return put_binary(self, "fadd", a, b);
}

/* ---- gates ---- */

/* The function of a gate with 0, 1 and 2 controls; QT_QIS_COUNT_ means none. */
enum { MAX_CONTROLS = 2, NONE = QT_QIS_COUNT_ };
static const uint8_t functions[QT_GATE_COUNT_][MAX_CONTROLS + 1] = {
    [QT_GATE_GPHASE] = {QT_QIS_GPHASE, NONE, NONE},
    [QT_GATE_ID] = {NONE, NONE, NONE},
    [QT_GATE_X] = {QT_QIS_X, QT_QIS_CNOT, QT_QIS_CCX},
    [QT_GATE_Y] = {QT_QIS_Y, QT_QIS_CY, NONE},
    [QT_GATE_Z] = {QT_QIS_Z, QT_QIS_CZ, NONE},
    [QT_GATE_H] = {QT_QIS_H, NONE, NONE},
    [QT_GATE_S] = {QT_QIS_S, NONE, NONE},
    [QT_GATE_SDG] = {QT_QIS_SDG, NONE, NONE},
    [QT_GATE_T] = {QT_QIS_T, NONE, NONE},
    [QT_GATE_TDG] = {QT_QIS_TDG, NONE, NONE},
    [QT_GATE_SX] = {QT_QIS_SX, NONE, NONE},
    [QT_GATE_SXDG] = {NONE, NONE, NONE},
    [QT_GATE_P] = {NONE, NONE, NONE},
    [QT_GATE_RX] = {QT_QIS_RX, NONE, NONE},
    [QT_GATE_RY] = {QT_QIS_RY, NONE, NONE},
    [QT_GATE_RZ] = {QT_QIS_RZ, NONE, NONE},
    [QT_GATE_U] = {NONE, NONE, NONE},
    [QT_GATE_SWAP] = {QT_QIS_SWAP, NONE, NONE},
    [QT_GATE_ISWAP] = {NONE, NONE, NONE},
    [QT_GATE_RXX] = {QT_QIS_RXX, NONE, NONE},
    [QT_GATE_RYY] = {QT_QIS_RYY, NONE, NONE},
    [QT_GATE_RZZ] = {QT_QIS_RZZ, NONE, NONE},
};

static qt_gate_set gate_set(const qt_qir_options *options) {
    qt_gate_set set = {{0}};
    for (size_t i = 0; i < (size_t)QT_GATE_COUNT_ * (MAX_CONTROLS + 1); i++) {
        size_t gate = i / (MAX_CONTROLS + 1);
        size_t controls = i % (MAX_CONTROLS + 1);
        unsigned qis = functions[gate][controls];
        bool exists = qis != NONE && (qis != QT_QIS_GPHASE || options->global_phase) &&
                      (options->gates == QT_QIR_GATES_FULL || !qt_qis_table[qis].full_only);
        set.with[gate] |= (uint8_t)((exists ? 1U : 0U) << controls);
    }
    return set;
}

static void put_gate(void *self, qt_gate gate, const uint32_t *qubits, size_t control_count,
                     const qt_angle *angles) {
    qt_qir_call(self, (qt_qis)functions[gate][control_count], angles, qubits);
}

qt_gate_sink qt_qir_sink(qt_qir_emitter *e) {
    return (qt_gate_sink){
        .set = &e->gates, .self = e, .put = put_gate, .scale = scale_value, .add = add_values};
}

void qt_qir_emitter_init(qt_qir_emitter *e, const qt_circuit *circuit,
                         const qt_qir_options *options) {
    bool typed = options->version == QT_QIR_1_0;
    *e = (qt_qir_emitter){
        .circuit = circuit,
        .options = *options,
        .gates = gate_set(options),
        .text = {.limit_bytes = options->max_bytes},
        .qubit = typed ? "%Qubit* " : "ptr ",
        .result = typed ? "%Result* " : "ptr ",
        .label = typed ? "i8* " : "ptr ",
    };
}
