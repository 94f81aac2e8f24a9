#include "circuit/printer.h"

#include "base/alloc.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words that no register may be called: those of both languages, their functions and gates. */
static const char *const reserved[] = {"OPENQASM", "include",  "defcalgrammar",
                                       "def",      "cal",      "defcal",
                                       "gate",     "extern",   "box",
                                       "let",      "break",    "continue",
                                       "if",       "else",     "end",
                                       "return",   "for",      "while",
                                       "in",       "switch",   "case",
                                       "default",  "pragma",   "input",
                                       "output",   "const",    "readonly",
                                       "mutable",  "qreg",     "qubit",
                                       "creg",     "bool",     "bit",
                                       "int",      "uint",     "float",
                                       "angle",    "complex",  "array",
                                       "void",     "duration", "stretch",
                                       "gphase",   "inv",      "pow",
                                       "ctrl",     "negctrl",  "durationof",
                                       "delay",    "reset",    "measure",
                                       "barrier",  "nop",      "true",
                                       "false",    "opaque",   "pi",
                                       "tau",      "euler",    "im",
                                       "sin",      "cos",      "tan",
                                       "exp",      "ln",       "log",
                                       "sqrt",     "asin",     "acos",
                                       "atan",     "arcsin",   "arccos",
                                       "arctan",   "ceiling",  "floor",
                                       "abs",      "mod",      "popcount",
                                       "rotl",     "rotr",     "sizeof",
                                       "real",     "imag",     "U",
                                       "CX",       "u0",       "u1",
                                       "u2",       "u3",       "cx",
                                       "id",       "cz",       "cy",
                                       "ch",       "ccx",      "crz",
                                       "cu1",      "cu3",      "cswap",
                                       "crx",      "cry",      "cp",
                                       "csx",      "cu",       "rccx",
                                       "rc3x",     "c3x",      "c3sqrtx",
                                       "c4x",      "phase",    "cphase"};

/* Gates of Braket's dialect that are no words of the others. */
static const char *const braket_reserved[] = {"i",
                                              "si",
                                              "ti",
                                              "v",
                                              "vi",
                                              "cnot",
                                              "ccnot",
                                              "cv",
                                              "xx",
                                              "yy",
                                              "zz",
                                              "xy",
                                              "ecr",
                                              "pswap",
                                              "prx",
                                              "gpi",
                                              "gpi2",
                                              "ms",
                                              "phaseshift",
                                              "cphaseshift",
                                              "cphaseshift00",
                                              "cphaseshift01",
                                              "cphaseshift10",
                                              "unitary",
                                              "braket",
                                              "all"};

static bool is_reserved(const qt_printer *p, const char *name) {
    for (size_t i = 0; p->braket && i < sizeof braket_reserved / sizeof *braket_reserved; i++) {
        if (strcmp(braket_reserved[i], name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (strcmp(reserved[i], name) == 0) {
            return true;
        }
    }
    for (int g = 0; g < QT_GATE_COUNT_; g++) {
        if (strcmp(qt_gate_get_info((qt_gate)g)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the language takes the name as it stands. */
static bool is_plain(unsigned language, const char *name) {
    bool ok = language == 2 ? islower((unsigned char)name[0]) != 0
                            : name[0] != '\0' && !isdigit((unsigned char)name[0]);
    for (const char *c = name; ok && *c != '\0'; c++) {
        ok = isalnum((unsigned char)*c) || *c == '_' || (language == 3 && (*c & 0x80) != 0);
    }
    return ok;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

static qt_code rename_one(qt_printer *p, const char **name, const char *stem, size_t number) {
    *name = qt_arena_printf(&p->arena, "%s_%zu", stem, number);
    return *name != NULL ? QT_OK : qt_fail(p->err, MEMORY_LIMIT, "no memory for a name");
}

static bool is_hardware(const char *name) {
    return name[0] == '$';
}

static qt_code make_legal(qt_printer *p, const char **names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (is_hardware(names[i]) && p->language == 3) {
            continue;
        }
        if (!is_plain(p->language, names[i])) {
            QT_TRY(rename_one(p, &names[i], "reg", i));
        } else if (is_reserved(p, names[i])) {
            QT_TRY(rename_one(p, &names[i], names[i], i));
        }
    }
    return QT_OK;
}

/* Equal names stand together when sorted; all but the first get their number. New names can meet
 * old ones, so this is repeated until nothing changes. */
static qt_code make_unique(qt_printer *p, const char **names, size_t count) {
    const char ***order = qt_arena_alloc(&p->arena, (count + 1) * sizeof *order);
    if (order == NULL) {
        return qt_fail(p->err, MEMORY_LIMIT, "no memory for names");
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            order[i] = &names[i];
        }
        qsort(order, count, sizeof *order, compare_names);
        for (size_t i = 1, first = 0; i < count; i++) {
            if (strcmp(*order[i], *order[first]) != 0) {
                first = i;
                continue;
            }
            /* The one that was declared first keeps the name. */
            if (order[i] < order[first]) {
                const char **swap = order[i];
                order[i] = order[first];
                order[first] = swap;
            }
            QT_TRY(rename_one(p, order[i], *order[first], (size_t)(order[i] - names)));
            changed = true;
        }
    }
    return QT_OK;
}

static qt_code name_all(qt_printer *p) {
    const qt_circuit *c = p->c;
    size_t count = c->register_count + c->variable_count;
    size_t bit_count = 0;
    p->registers = qt_arena_alloc(&p->arena, (count + 1) * sizeof *p->registers);
    if (p->registers == NULL) {
        return qt_fail(p->err, MEMORY_LIMIT, "no memory for names");
    }
    p->variables = p->registers + c->register_count;
    for (size_t i = 0; i < c->register_count; i++) {
        p->registers[i] = c->registers[i].name;
    }
    for (size_t i = 0; i < c->variable_count; i++) {
        /* Their own names tell little: many are made by the front end. Those of bits become
         * registers when they are read back, so they are not numbered with the others. */
        bool bits = c->variables[i].type == QT_TYPE_BIT;
        bit_count += bits ? 1 : 0;
        QT_TRY(rename_one(p, &p->variables[i], bits ? "b" : "v",
                          bits ? bit_count : p->variable_numbers[i]));
    }
    QT_TRY(make_legal(p, p->registers, count));
    return make_unique(p, p->registers, count);
}

static void fill_places(qt_printer *p) {
    for (uint32_t r = 0; r < p->c->register_count; r++) {
        const qt_register *reg = &p->c->registers[r];
        uint32_t *regs = reg->kind == QT_REGISTER_QUBIT ? p->qubit_regs : p->clbit_regs;
        for (uint32_t i = 0; i < reg->size; i++) {
            regs[reg->first + i] = r;
        }
    }
}

static qt_code alloc_variables(qt_printer *p) {
    size_t count = p->c->variable_count + 1;
    void *loops = NULL;
    void *numbers = NULL;
    QT_TRY(qt_arena_try_calloc(&p->arena, count, 1, &loops, p->err));
    void *blocks = NULL;
    QT_TRY(qt_arena_try_calloc(&p->arena, count, 5 * sizeof(uint32_t), &numbers, p->err));
    QT_TRY(qt_arena_try_calloc(&p->arena, p->c->op_count + 1, sizeof(uint32_t), &blocks, p->err));
    p->first_declared = blocks;
    p->loop_variable = loops;
    p->variable_blocks = numbers;
    p->first_sets = p->variable_blocks + count;
    p->variable_numbers = p->first_sets + count;
    p->variable_order = p->variable_numbers + count;
    p->next_declared = p->variable_order + count;
    return qt_printer_find_scopes(p);
}

/* Printing recurses, so very deep expressions are refused. */
static qt_code check_depth(qt_printer *p) {
    enum { MAX_DEPTH = 4096 };
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(&p->arena, p->c->expr_count + 1, sizeof(uint32_t), &memory, p->err));
    uint32_t *depths = memory;
    for (size_t i = 0; i < p->c->expr_count; i++) {
        const qt_expr *e = &p->c->exprs[i];
        bool leaf = e->kind <= QT_EXPR_REG || e->kind == QT_EXPR_VAR;
        bool two = e->kind == QT_EXPR_BINARY || e->kind == QT_EXPR_BIT_OF;
        uint32_t a = leaf || e->kind == QT_EXPR_REG_AT ? 0 : depths[e->u.a];
        uint32_t b = two || e->kind == QT_EXPR_REG_AT ? depths[e->u.b] : 0;
        depths[i] = (a > b ? a : b) + 1;
        if (depths[i] > MAX_DEPTH) {
            return qt_fail(p->err, CIRCUIT_TOO_LARGE, "an expression is more than %d deep",
                           MAX_DEPTH);
        }
    }
    return QT_OK;
}

qt_code qt_printer_init(qt_printer *p, unsigned language, const qt_circuit *circuit, qt_buf *out,
                        qt_err *err) {
    bool braket = language == QT_PRINT_BRAKET;
    *p = (qt_printer){
        .c = circuit, .out = out, .err = err, .language = braket ? 3 : language, .braket = braket};
    qt_arena_init(&p->arena, 0);
    void *regs = NULL;
    size_t bits = (size_t)circuit->num_qubits + circuit->num_clbits;
    QT_TRY(qt_arena_try_calloc(&p->arena, bits + 1, sizeof(uint32_t), &regs, err));
    p->qubit_regs = regs;
    p->clbit_regs = p->qubit_regs + circuit->num_qubits;
    fill_places(p);
    QT_TRY(check_depth(p));
    QT_TRY(alloc_variables(p));
    return name_all(p);
}

void qt_printer_done(qt_printer *p) {
    qt_arena_done(&p->arena);
}

static void print_bit(qt_printer *p, uint32_t reg, uint32_t bit) {
    const qt_register *r = &p->c->registers[reg];
    qt_buf_add_str(p->out, p->registers[reg]);
    if (p->language == 2 || !r->scalar) {
        qt_buf_add_char(p->out, '[');
        qt_buf_add_u64(p->out, bit - r->first);
        qt_buf_add_char(p->out, ']');
    }
}

void qt_print_qubit(qt_printer *p, uint32_t qubit) {
    print_bit(p, p->qubit_regs[qubit], qubit);
}

void qt_print_clbit(qt_printer *p, uint32_t clbit) {
    print_bit(p, p->clbit_regs[clbit], clbit);
}

void qt_print_qubits(qt_printer *p, const uint32_t *qubits, size_t count) {
    for (size_t i = 0; i < count; i++) {
        qt_buf_add_str(p->out, i == 0 ? " " : ", ");
        qt_print_qubit(p, qubits[i]);
    }
}

void qt_print_operand_list(qt_printer *p, const qt_op *op) {
    qt_print_qubits(p, op->b > 0 ? p->c->operands + op->a : NULL, op->b);
    qt_buf_add_str(p->out, ";\n");
}

void qt_print_measure(qt_printer *p, const qt_op *op) {
    if (op->b != QT_NO_INDEX) {
        qt_print_clbit(p, op->b);
        qt_buf_add_str(p->out, " = ");
    }
    qt_buf_add_str(p->out, "measure ");
    qt_print_qubit(p, op->a);
    qt_buf_add_str(p->out, ";\n");
}

void qt_print_indent(qt_printer *p) {
    for (unsigned i = 0; i < p->indent; i++) {
        qt_buf_add_str(p->out, "  ");
    }
}

qt_gate_set qt_named_gates(const qt_gate_names names[QT_GATE_COUNT_]) {
    qt_gate_set set = {{0}};
    for (int gate = 0; gate < QT_GATE_COUNT_; gate++) {
        for (unsigned n = 0; n <= QT_MAX_NAMED_CONTROLS; n++) {
            set.with[gate] |= (uint8_t)((names[gate][n] != NULL ? 1U : 0U) << n);
        }
    }
    return set;
}

/* n * pi / d, when reading that gives exactly this double. */
static bool print_pi(qt_buf *out, double value) {
    static const int divisors[] = {1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256, 512, 1024};
    for (size_t i = 0; i < sizeof divisors / sizeof *divisors; i++) {
        int d = divisors[i];
        double n = nearbyint(fabs(value) / M_PI * d);
        if (n < 1 || n > 4096 || n * M_PI / d != fabs(value)) {
            continue;
        }
        qt_buf_add_str(out, value < 0 ? "-" : "");
        if (n > 1) {
            qt_buf_printf(out, "%.0f*", n);
        }
        qt_buf_add_str(out, "pi");
        if (d > 1) {
            qt_buf_printf(out, "/%d", d);
        }
        return true;
    }
    return false;
}

void qt_print_double(qt_buf *out, double value) {
    if (print_pi(out, value)) {
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    /* OpenQASM 2 wants a point in front of an exponent. */
    char *exponent = strchr(text, 'e');
    bool point = strchr(text, '.') != NULL;
    size_t mantissa = exponent != NULL ? (size_t)(exponent - text) : strlen(text);
    qt_buf_add(out, text, mantissa);
    qt_buf_add_str(out, point ? "" : ".0");
    qt_buf_add_str(out, exponent != NULL ? exponent : "");
}

void qt_print_params(qt_printer *p, const qt_op *op) {
    unsigned count = qt_gate_get_info(op->sub)->param_count;
    for (unsigned i = 0; i < count; i++) {
        qt_buf_add_str(p->out, i == 0 ? "(" : ", ");
        if (op->kind == QT_OP_GATE_DYNAMIC) {
            qt_print_expr(p, p->c->param_exprs[op->param + i]);
        } else {
            qt_print_double(p->out, p->c->params[op->param + i]);
        }
    }
    qt_buf_add_str(p->out, count > 0 ? ")" : "");
}

void qt_print_definitions(qt_printer *p) {
    bool used[QT_GATE_COUNT_] = {false};
    for (size_t i = 0; i < p->c->op_count; i++) {
        const qt_op *op = &p->c->ops[i];
        /* OpenQASM 2 has no controls on defined gates: those are decomposed. */
        bool plain = p->language == 3 || op->control_count == 0;
        used[op->sub] |= (op->kind == QT_OP_GATE || op->kind == QT_OP_GATE_DYNAMIC) && plain;
    }
    for (int g = 0; g < QT_GATE_COUNT_; g++) {
        const char *text = used[g] ? qt_gate_definition(p->language, (qt_gate)g) : NULL;
        if (text != NULL) {
            qt_buf_add_str(p->out, text);
            qt_buf_add_char(p->out, '\n');
        }
    }
}
