/* Gates go out as they come; measurements become the registers at the end. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "circuit/decompose.h"
#include "program/ionq.h"
#include "json/writer.h"

#include <stdlib.h>
#include <string.h>

/* Names without controls; with controls all take the same. */
static const char *const gate_names[QT_GATE_COUNT_] = {
    [QT_GATE_X] = "x",       [QT_GATE_Y] = "y",     [QT_GATE_Z] = "z",    [QT_GATE_H] = "h",
    [QT_GATE_S] = "s",       [QT_GATE_SDG] = "si",  [QT_GATE_T] = "t",    [QT_GATE_TDG] = "ti",
    [QT_GATE_SX] = "v",      [QT_GATE_SXDG] = "vi", [QT_GATE_RX] = "rx",  [QT_GATE_RY] = "ry",
    [QT_GATE_RZ] = "rz",     [QT_GATE_RXX] = "xx",  [QT_GATE_RYY] = "yy", [QT_GATE_RZZ] = "zz",
    [QT_GATE_SWAP] = "swap",
};

/* Bit n: with n controls. X with up to seven; the single-qubit gates that SDKs send controlled. */
static const qt_gate_set gate_set = {.with = {
                                         [QT_GATE_X] = 0xFF,
                                         [QT_GATE_Y] = 3,
                                         [QT_GATE_Z] = 3,
                                         [QT_GATE_H] = 3,
                                         [QT_GATE_S] = 1,
                                         [QT_GATE_SDG] = 1,
                                         [QT_GATE_T] = 1,
                                         [QT_GATE_TDG] = 1,
                                         [QT_GATE_SX] = 3,
                                         [QT_GATE_SXDG] = 1,
                                         [QT_GATE_RX] = 3,
                                         [QT_GATE_RY] = 3,
                                         [QT_GATE_RZ] = 3,
                                         [QT_GATE_SWAP] = 1,
                                         [QT_GATE_RXX] = 1,
                                         [QT_GATE_RYY] = 1,
                                         [QT_GATE_RZZ] = 1,
                                     }};

typedef struct ionq_writer {
    const qt_circuit *circuit;
    qt_json_writer json;
    uint32_t *bit_source; /* qubit of every classical bit, or QT_NO_INDEX */
    bool *measured;       /* by qubit */
    bool *used;           /* by qubit */
    qt_err *err;
} ionq_writer;

static void writer_done(ionq_writer *w) {
    free(w->bit_source);
    free(w->measured);
    free(w->used);
}

static void put_qubits(ionq_writer *w, const char *one, const char *many, const uint32_t *qubits,
                       size_t count) {
    if (count == 1) {
        qt_json_key(&w->json, one);
        qt_json_u64(&w->json, qubits[0]);
        return;
    }
    qt_json_key(&w->json, many);
    qt_json_open_array(&w->json);
    for (size_t i = 0; i < count; i++) {
        qt_json_u64(&w->json, qubits[i]);
    }
    qt_json_close_array(&w->json);
}

static void put_gate(void *self, qt_gate gate, const uint32_t *qubits, size_t control_count,
                     const qt_angle *angles) {
    ionq_writer *w = self;
    const qt_gate_info *info = qt_gate_get_info(gate);
    qt_json_open_object(&w->json);
    qt_json_pair(&w->json, "gate",
                 gate == QT_GATE_X && control_count > 0 ? "cnot" : gate_names[gate]);
    if (control_count > 0) {
        put_qubits(w, "control", "controls", qubits, control_count);
    }
    put_qubits(w, "target", "targets", qubits + control_count, info->qubit_count);
    if (info->param_count > 0) {
        qt_json_key(&w->json, "rotation");
        qt_json_double(&w->json, angles[0].constant);
    }
    qt_json_close_object(&w->json);
}

/* ---- what it lacks ---- */

/* "q[3]" of a qubit. */
static const char *qubit_name(const qt_circuit *c, uint32_t qubit, uint32_t *ret_index) {
    for (size_t i = 0; i < c->register_count; i++) {
        const qt_register *r = &c->registers[i];
        if (r->kind == QT_REGISTER_QUBIT && qubit >= r->first && qubit - r->first < r->size) {
            *ret_index = qubit - r->first;
            return r->name;
        }
    }
    *ret_index = qubit;
    return "q";
}

static qt_code cannot(const ionq_writer *w, size_t op, const char *what) {
    return qt_fail(w->err, CIRCUIT_UNSUPPORTED, "operation %zu: IonQ's format has no %s", op + 1,
                   what);
}

static qt_code cannot_on(const ionq_writer *w, size_t op, uint32_t qubit, const char *what) {
    uint32_t index = 0;
    const char *name = qubit_name(w->circuit, qubit, &index);
    return qt_fail(w->err, CIRCUIT_UNSUPPORTED,
                   "operation %zu: IonQ's format has no %s (qubit %.40s[%u])", op + 1, what, name,
                   index);
}

static qt_code write_gate(ionq_writer *w, size_t index) {
    const qt_op *op = &w->circuit->ops[index];
    const uint32_t *qubits = qt_op_qubits(w->circuit, op);
    for (unsigned i = 0; i < op->qubit_count; i++) {
        if (w->measured[qubits[i]]) {
            return cannot_on(w, index, qubits[i], "gate behind a measurement");
        }
        w->used[qubits[i]] = true;
    }
    const qt_gate_sink sink = {.set = &gate_set, .self = w, .put = put_gate};
    qt_op_decompose(&sink, w->circuit, op);
    return QT_OK;
}

static qt_code write_op(ionq_writer *w, size_t index) {
    const qt_op *op = &w->circuit->ops[index];
    switch ((int)op->kind) {
    case QT_OP_GATE:
        return write_gate(w, index);
    case QT_OP_MEASURE:
        w->measured[op->a] = w->used[op->a] = true;
        if (op->b != QT_NO_INDEX) {
            w->bit_source[op->b] = op->a;
        }
        return QT_OK;
    case QT_OP_RESET: /* of a fresh qubit it does nothing */
        return w->used[op->a] ? cannot_on(w, index, op->a, "reset") : QT_OK;
    case QT_OP_BARRIER:
    case QT_OP_DELAY:
    case QT_OP_NOTE:
        return QT_OK;
    case QT_OP_GATE_DYNAMIC:
        return cannot(w, index, "angle that is known only at run time");
    case QT_OP_ASSIGN:
        return cannot(w, index, "classical assignment");
    case QT_OP_END:
        return index + 1 == w->circuit->op_count ? QT_OK : cannot(w, index, "'end'");
    default:
        return cannot(w, index, "classical control");
    }
}

static qt_code write_circuit(ionq_writer *w) {
    qt_json_key(&w->json, "circuit");
    qt_json_open_array(&w->json);
    for (size_t i = 0; i < w->circuit->op_count && !w->json.out->failed; i++) {
        QT_TRY(write_op(w, i));
    }
    qt_json_close_array(&w->json);
    return QT_OK;
}

/* ---- registers ---- */

/* Whether the results need no translation: one visible register, bit i from qubit i. */
static bool is_plain(const ionq_writer *w) {
    const qt_circuit *c = w->circuit;
    bool any = false;
    bool plain = c->num_clbits == c->num_qubits;
    size_t visible = 0;
    for (size_t i = 0; i < c->register_count; i++) {
        visible += c->registers[i].kind == QT_REGISTER_BIT;
        plain = plain && !(c->registers[i].kind == QT_REGISTER_BIT && c->registers[i].hidden);
    }
    for (uint32_t i = 0; i < c->num_clbits; i++) {
        any = any || w->bit_source[i] != QT_NO_INDEX;
        plain = plain && w->bit_source[i] == i;
    }
    return !any || (plain && visible == 1);
}

static void write_registers(const ionq_writer *w, qt_buf *out) {
    const qt_circuit *c = w->circuit;
    qt_json_writer json = qt_json_writer_make(out);
    qt_json_open_object(&json);
    for (size_t i = 0; i < c->register_count; i++) {
        const qt_register *r = &c->registers[i];
        if (r->kind != QT_REGISTER_BIT || r->hidden) {
            continue;
        }
        qt_json_key(&json, r->name);
        qt_json_open_array(&json);
        for (uint32_t k = 0; k < r->size; k++) {
            uint32_t source = w->bit_source[r->first + k];
            if (source == QT_NO_INDEX) {
                qt_json_null(&json);
            } else {
                qt_json_u64(&json, source);
            }
        }
        qt_json_close_array(&json);
    }
    qt_json_close_object(&json);
}

static qt_code writer_init(ionq_writer *w, const qt_circuit *circuit, qt_buf *out, qt_err *err) {
    void *sources = NULL;
    void *measured = NULL;
    void *used = NULL;
    *w = (ionq_writer){.circuit = circuit, .json = qt_json_writer_make(out), .err = err};
    QT_TRY(qt_try_malloc((circuit->num_clbits + 1) * sizeof(uint32_t), &sources, err));
    w->bit_source = sources;
    memset(sources, 0xFF, (circuit->num_clbits + 1) * sizeof(uint32_t)); /* QT_NO_INDEX */
    QT_TRY(qt_try_calloc(circuit->num_qubits + 1, sizeof(bool), &measured, err));
    w->measured = measured;
    QT_TRY(qt_try_calloc(circuit->num_qubits + 1, sizeof(bool), &used, err));
    w->used = used;
    return QT_OK;
}

qt_code qt_ionq_write(const qt_circuit *circuit, qt_buf *out, qt_buf *registers, qt_err *err) {
    QT_CLEANUP(writer_done) ionq_writer w = {0};
    if (circuit->num_qubits == 0) {
        return qt_fail(err, CIRCUIT_UNSUPPORTED, "IonQ's format has no circuit without qubits");
    }
    QT_TRY(writer_init(&w, circuit, out, err));
    qt_json_open_object(&w.json);
    qt_json_key(&w.json, "qubits");
    qt_json_u64(&w.json, circuit->num_qubits);
    qt_json_pair(&w.json, "gateset", "qis");
    QT_TRY(write_circuit(&w));
    qt_json_close_object(&w.json);
    if (registers != NULL && !is_plain(&w)) {
        write_registers(&w, registers);
        QT_TRY(qt_buf_check(registers, err));
    }
    return qt_buf_check(out, err);
}

qt_code qt_ionq_write_text(const qt_circuit *circuit, qt_buf *out, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf registers = {.limit_bytes = out->limit_bytes};
    QT_CLEANUP(qt_buf_done) qt_buf input = {.limit_bytes = out->limit_bytes};
    QT_TRY(qt_ionq_write(circuit, &input, &registers, err));
    if (registers.len == 0) {
        qt_buf_add(out, input.data, input.len);
        return qt_buf_check(out, err);
    }
    qt_json_writer json = qt_json_writer_make(out);
    qt_json_open_object(&json);
    qt_json_pair(&json, "type", "ionq.circuit.v1");
    qt_json_key(&json, "input");
    qt_json_raw(&json, input.data, input.len);
    qt_json_key(&json, "metadata");
    qt_json_open_object(&json);
    qt_json_key(&json, "registers");
    qt_json_str_n(&json, registers.data, registers.len);
    qt_json_close_object(&json);
    qt_json_close_object(&json);
    return qt_buf_check(out, err);
}
