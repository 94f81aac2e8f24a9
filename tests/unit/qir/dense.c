#include "dense.h"

#include "base/cleanup.h"
#include "qir/emit.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* CMPLX, which clang does not have. */
static double complex complex_of(double re, double im) {
    return re + im * I;
}

void dense_init(dense *d, unsigned qubit_count) {
    *d = (dense){.qubit_count = qubit_count};
    size_t count = (size_t)1 << qubit_count;
    double norm = 0;
    for (size_t i = 0; i < count; i++) {
        double x = (double)i;
        d->amps[i] = complex_of(1 + sin(3 * x), cos(7 * x + 1));
        norm += creal(d->amps[i]) * creal(d->amps[i]) + cimag(d->amps[i]) * cimag(d->amps[i]);
    }
    for (size_t i = 0; i < count; i++) {
        d->amps[i] /= sqrt(norm);
    }
}

typedef struct matrix {
    double complex at[4][4]; /* row, column */
} matrix;

static void set1(matrix *m, double complex a, double complex b, double complex c,
                 double complex d) {
    m->at[0][0] = a;
    m->at[0][1] = b;
    m->at[1][0] = c;
    m->at[1][1] = d;
}

static void set_fixed(matrix *m, qt_gate gate) {
    const double r = sqrt(0.5);
    switch ((int)gate) {
    case QT_GATE_ID:
        set1(m, 1, 0, 0, 1);
        break;
    case QT_GATE_X:
        set1(m, 0, 1, 1, 0);
        break;
    case QT_GATE_Y:
        set1(m, 0, -I, I, 0);
        break;
    case QT_GATE_Z:
        set1(m, 1, 0, 0, -1);
        break;
    case QT_GATE_H:
        set1(m, r, r, r, -r);
        break;
    case QT_GATE_S:
        set1(m, 1, 0, 0, I);
        break;
    case QT_GATE_SDG:
        set1(m, 1, 0, 0, -I);
        break;
    case QT_GATE_T:
        set1(m, 1, 0, 0, complex_of(r, r));
        break;
    case QT_GATE_TDG:
        set1(m, 1, 0, 0, complex_of(r, -r));
        break;
    case QT_GATE_SX:
        set1(m, complex_of(0.5, 0.5), complex_of(0.5, -0.5), complex_of(0.5, -0.5),
             complex_of(0.5, 0.5));
        break;
    case QT_GATE_SXDG:
        set1(m, complex_of(0.5, -0.5), complex_of(0.5, 0.5), complex_of(0.5, 0.5),
             complex_of(0.5, -0.5));
        break;
    default:
        ck_abort_msg("no fixed gate");
    }
}

static void set_turning(matrix *m, qt_gate gate, const double *p) {
    double c = cos(p[0] / 2);
    double s = sin(p[0] / 2);
    switch ((int)gate) {
    case QT_GATE_P:
        set1(m, 1, 0, 0, cexp(I * p[0]));
        break;
    case QT_GATE_RX:
        set1(m, c, -I * s, -I * s, c);
        break;
    case QT_GATE_RY:
        set1(m, c, -s, s, c);
        break;
    case QT_GATE_RZ:
        set1(m, cexp(-I * p[0] / 2), 0, 0, cexp(I * p[0] / 2));
        break;
    case QT_GATE_U:
        set1(m, c, -cexp(I * p[2]) * s, cexp(I * p[1]) * s, cexp(I * (p[1] + p[2])) * c);
        break;
    default:
        ck_abort_msg("no turning gate");
    }
}

static void set_pair(matrix *m, qt_gate gate, const double *p) {
    double complex c = gate >= QT_GATE_RXX ? cos(p[0] / 2) : 0;
    double complex s = gate >= QT_GATE_RXX ? -I * sin(p[0] / 2) : 0;
    m->at[0][0] = m->at[3][3] = gate >= QT_GATE_RXX ? c : 1;
    if (gate == QT_GATE_SWAP || gate == QT_GATE_ISWAP) {
        m->at[1][2] = m->at[2][1] = gate == QT_GATE_SWAP ? 1 : I;
        return;
    }
    m->at[1][1] = m->at[2][2] = c;
    if (gate == QT_GATE_RZZ) {
        m->at[0][0] = m->at[3][3] = c + s;
        m->at[1][1] = m->at[2][2] = c - s;
        return;
    }
    m->at[1][2] = m->at[2][1] = s;
    m->at[0][3] = m->at[3][0] = gate == QT_GATE_RXX ? s : -s;
}

static void set_matrix(matrix *m, qt_gate gate, const double *p) {
    memset(m, 0, sizeof *m);
    const qt_gate_info *info = qt_gate_get_info(gate);
    if (gate == QT_GATE_GPHASE) {
        m->at[0][0] = cexp(I * p[0]);
    } else if (info->qubit_count == 2) {
        set_pair(m, gate, p);
    } else if (info->param_count > 0) {
        set_turning(m, gate, p);
    } else {
        set_fixed(m, gate);
    }
}

/* Index with the target bits of `part` set. */
static size_t with_part(size_t index, const uint32_t *targets, unsigned count, size_t part) {
    for (unsigned i = 0; i < count; i++) {
        size_t bit = (size_t)1 << targets[i];
        index = (part >> i) & 1 ? index | bit : index & ~bit;
    }
    return index;
}

void dense_gate(dense *d, qt_gate gate, const uint32_t *qubits, unsigned control_count,
                const double *params) {
    unsigned targets = qt_gate_get_info(gate)->qubit_count;
    const uint32_t *t = qubits + control_count;
    matrix m;
    set_matrix(&m, gate, params);
    dense before = *d;
    for (size_t index = 0; index < (size_t)1 << d->qubit_count; index++) {
        bool on = true;
        for (unsigned i = 0; i < control_count; i++) {
            on = on && (index >> qubits[i]) & 1;
        }
        if (!on) {
            continue;
        }
        size_t row = 0;
        for (unsigned i = 0; i < targets; i++) {
            row |= ((index >> t[i]) & 1) << i;
        }
        d->amps[index] = 0;
        for (size_t column = 0; column < (size_t)1 << targets; column++) {
            d->amps[index] += m.at[row][column] * before.amps[with_part(index, t, targets, column)];
        }
    }
}

void dense_circuit(dense *d, const qt_circuit *circuit) {
    for (size_t i = 0; i < circuit->op_count; i++) {
        const qt_op *op = &circuit->ops[i];
        if (op->kind == QT_OP_GATE) {
            bool has_params = qt_gate_get_info((qt_gate)op->sub)->param_count > 0;
            dense_gate(d, (qt_gate)op->sub, qt_op_qubits(circuit, op), op->control_count,
                       has_params ? circuit->params + op->param : NULL);
        }
    }
}

static const struct {
    const char *name;
    qt_gate gate;
    unsigned control_count;
} known[] = {
    {"h__body", QT_GATE_H, 0},           {"x__body", QT_GATE_X, 0},
    {"y__body", QT_GATE_Y, 0},           {"z__body", QT_GATE_Z, 0},
    {"s__body", QT_GATE_S, 0},           {"s__adj", QT_GATE_SDG, 0},
    {"t__body", QT_GATE_T, 0},           {"t__adj", QT_GATE_TDG, 0},
    {"rx__body", QT_GATE_RX, 0},         {"ry__body", QT_GATE_RY, 0},
    {"rz__body", QT_GATE_RZ, 0},         {"cnot__body", QT_GATE_X, 1},
    {"cz__body", QT_GATE_Z, 1},          {"ccx__body", QT_GATE_X, 2},
    {"swap__body", QT_GATE_SWAP, 0},     {"sx__body", QT_GATE_SX, 0},
    {"cy__body", QT_GATE_Y, 1},          {"rxx__body", QT_GATE_RXX, 0},
    {"ryy__body", QT_GATE_RYY, 0},       {"rzz__body", QT_GATE_RZZ, 0},
    {"gphase__body", QT_GATE_GPHASE, 0},
};

/* Arguments of a call: bit patterns of doubles and numbers of qubits. */
static void read_arguments(const char *args, double *ret_params, uint32_t *ret_qubits) {
    unsigned params = 0;
    unsigned qubits = 0;
    QT_CLEANUP(qt_buf_done) qt_buf line = {0};
    qt_buf_add(&line, args, strcspn(args, "\n"));
    for (char *save = NULL, *arg = strtok_r(line.data, ",", &save); arg != NULL;
         arg = strtok_r(NULL, ",", &save)) {
        char *hex = strstr(arg, "double 0x");
        char *id = strstr(arg, "(i64 ");
        if (hex != NULL) {
            uint64_t bits = strtoull(hex + 7, NULL, 16);
            memcpy(&ret_params[params++], &bits, sizeof bits);
        } else {
            ret_qubits[qubits++] = id != NULL ? (uint32_t)strtoul(id + 5, NULL, 10) : 0;
        }
    }
}

static void run_call(dense *d, const char *name, size_t len, const char *args) {
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].name) == len && memcmp(known[i].name, name, len) == 0) {
            double params[3] = {0};
            uint32_t qubits[4] = {0};
            read_arguments(args, params, qubits);
            dense_gate(d, known[i].gate, qubits, known[i].control_count, params);
            return;
        }
    }
    ck_abort_msg("call of an unknown function %.*s", (int)len, name);
}

void dense_qir(dense *d, const char *text) {
    static const char start[] = "\n  call void @__quantum__qis__";
    for (const char *p = strstr(text, start); p != NULL; p = strstr(p + 1, start)) {
        const char *name = p + sizeof start - 1;
        size_t len = strcspn(name, "(");
        run_call(d, name, len, name + len + 1);
    }
}

double dense_overlap(const dense *a, const dense *b, bool with_phase) {
    double complex sum = 0;
    for (size_t i = 0; i < (size_t)1 << a->qubit_count; i++) {
        sum += conj(a->amps[i]) * b->amps[i];
    }
    return with_phase ? creal(sum) : cabs(sum);
}
