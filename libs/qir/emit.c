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

void qt_qir_emitter_init(qt_qir_emitter *e, const qt_circuit *circuit,
                         const qt_qir_options *options) {
    bool typed = options->version == QT_QIR_1_0;
    *e = (qt_qir_emitter){
        .circuit = circuit,
        .options = *options,
        .text = {.limit_bytes = options->max_bytes},
        .qubit = typed ? "%Qubit* " : "ptr ",
        .result = typed ? "%Result* " : "ptr ",
        .label = typed ? "i8* " : "ptr ",
    };
}

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

static char *put_angle(char *to, qt_qir_angle angle) {
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

void qt_qir_call(qt_qir_emitter *e, qt_qis qis, const qt_qir_angle *angle, const uint32_t *qubits) {
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

qt_qir_angle qt_qir_constant(double value) {
    return (qt_qir_angle){.constant = value, .value = QT_NO_INDEX};
}

/* "  %tN = fmul " and the operands; N is the new value. */
static qt_qir_angle put_binary(qt_qir_emitter *e, const char *op, qt_qir_angle a, qt_qir_angle b) {
    char *to = qt_buf_reserve(&e->text, CALL_BYTES);
    qt_qir_angle result = {.value = e->value_count++};
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

qt_qir_angle qt_qir_scale(qt_qir_emitter *e, qt_qir_angle angle, double factor) {
    if (angle.value == QT_NO_INDEX) {
        return qt_qir_constant(angle.constant * factor);
    }
    return put_binary(e, "fmul", angle, qt_qir_constant(factor));
}

qt_qir_angle qt_qir_add(qt_qir_emitter *e, qt_qir_angle a, qt_qir_angle b) {
    if (a.value == QT_NO_INDEX && b.value == QT_NO_INDEX) {
        return qt_qir_constant(a.constant + b.constant);
    }
    return put_binary(e, "fadd", a, b);
}
