/* Amazon Braket's dialect of OpenQASM 3: its gates and pragmas.
 *
 * Pragmas: `unitary` becomes gates; `result` and `verbatim` are kept as notes, the former with a
 * warning that the result has counts; `noise` and the result adjoint_gradient are refused by name.
 * Operands and numbers of a pragma are parsed as the language's own. */
#include "qasm/elab.h"
#include "qasm/unitary.h"

#include <string.h>

/* Gates of Braket that are no controlled base gate. Those of ions (gpi, gpi2, ms) are turns about Z
 * around X and XX rotations; angles in radians. */
static const char prelude[] =
    "gate cphaseshift00(l) a, b { negctrl(2) @ gphase(l) a, b; }\n"
    "gate cphaseshift01(l) a, b { negctrl @ phaseshift(l) a, b; }\n"
    "gate cphaseshift10(l) a, b { negctrl @ phaseshift(l) b, a; }\n"
    "gate pswap(l) a, b { swap a, b; cphaseshift01(l) a, b; cphaseshift10(l) a, b; }\n"
    "gate xy(t) a, b { xx(-t / 2) a, b; yy(-t / 2) a, b; }\n"
    "gate ecr a, b { h b; zz(pi / 4) a, b; x a; zz(-pi / 4) a, b; h b; }\n"
    "gate prx(t, p) a { rz(-p) a; rx(t) a; rz(p) a; }\n"
    "gate gpi(p) a { x a; rz(2 * p) a; }\n"
    "gate gpi2(p) a { rz(-p) a; rx(pi / 2) a; rz(p) a; }\n"
    "gate ms(p, r, t) a, b { rz(-p) a; rz(-r) b; xx(t) a, b; rz(p) a; rz(r) b; }\n"
    "gate __ms(p, r) a, b { ms(p, r, pi / 2) a, b; }\n";

static qt_code find_short_ms(qasm_elab *e) {
    qasm_name *name = qasm_names_add(&e->ctx->names, &e->ctx->arena, "__ms");
    if (name == NULL) {
        return qasm_no_memory(e->ctx);
    }
    e->braket_ms = name->index;
    return QT_OK;
}

qt_code qasm_braket_start(qasm_elab *e) {
    qasm3_parser *p = &e->parser;
    const qasm_source source = {
        .text = {.name = "Braket's gates", .start = prelude, .len = sizeof prelude - 1}};
    QT_TRY(qasm_lexer_push(&p->lexer, source, e->ctx->sources[0].text.start));
    QT_TRY(qasm3_advance(p));
    e->in_prelude = true;
    while (p->tok.start >= prelude && p->tok.start < prelude + sizeof prelude) {
        ast_stmt *s = NULL;
        QT_TRY(qasm3_statement(p, &s));
        p->arena = &p->scratch;
        QT_TRY(qasm_statement(e, s));
        qt_arena_reset(&p->scratch);
    }
    e->in_prelude = false;
    return find_short_ms(e);
}

/* ---- pragmas ---- */

/* The pragma's own tokens. */
static bool at_word(const qasm3_parser *p, const char *word) {
    return qasm3_at(p, TOK_ID) && strcmp(p->tok.value.name->text, word) == 0;
}

static void open_line(qasm_elab *e, const ast_stmt *s, qasm3_parser *ret_parser) {
    *ret_parser = e->parser;
    ret_parser->arena = &e->parser.scratch;
    ret_parser->lexer.at = s->text;
    ret_parser->lexer.end = s->text + s->len;
    ret_parser->lexer.depth = 0;
    ret_parser->depth = 0;
}

static qt_code expect_end(qasm3_parser *p) {
    return qasm3_at(p, TOK_END) ? QT_OK : qasm3_expected(p, "the end of the pragma");
}

/* Known complex numbers only. */
static qt_code eval_number(qasm_elab *e, const ast_expr *x, double complex *ret) {
    qasm_value v;
    qasm_value z;
    QT_TRY(qasm_eval(e, x, &v));
    enum { WIDTH = 64 };
    QT_TRY(qasm_cast(e->ctx, &v, TYPE_COMPLEX, WIDTH, x->at, &z));
    if (!z.known) {
        return qasm_unsupported(e->ctx, x->at, "a matrix with a value known only at run time");
    }
    *ret = z.f + z.im * I;
    return QT_OK;
}

/* The entries of [[a, b], [c, d]], row by row. */
static qt_code read_matrix(qasm_elab *e, qasm3_parser *p, double complex *ret, size_t *ret_dim) {
    const char *at = p->tok.start;
    QT_TRY(qasm3_expect(p, '['));
    size_t dim = 0;
    size_t row = 0;
    for (bool more = true; more; row++) {
        ast_list list = {0};
        QT_TRY(qasm3_expect(p, '['));
        QT_TRY(qasm3_expr_list(p, ']', &list));
        dim = row == 0 ? list.count : dim;
        if (list.count != dim || dim > QASM_MAX_UNITARY_DIM || row >= dim) {
            return qasm_syntax(e->ctx, at, "a matrix is square, with at most %d rows",
                               (int)QASM_MAX_UNITARY_DIM);
        }
        for (size_t k = 0; k < dim; k++) {
            QT_TRY(eval_number(e, list.items[k], &ret[row * dim + k]));
        }
        more = qasm3_at(p, ',');
        if (more) {
            QT_TRY(qasm3_advance(p));
        }
    }
    if (row != dim) {
        return qasm_syntax(e->ctx, at, "a matrix is square, with at most %d rows",
                           (int)QASM_MAX_UNITARY_DIM);
    }
    *ret_dim = dim;
    return qasm3_expect(p, ']');
}

static qt_code read_targets(qasm_elab *e, qasm3_parser *p, uint32_t *ret, size_t max,
                            size_t *ret_count) {
    size_t count = 0;
    for (;;) {
        ast_expr *operand = NULL;
        qasm_bits bits;
        QT_TRY(qasm3_operand(p, &operand));
        QT_TRY(qasm_qubits(e, operand, &bits));
        for (uint32_t i = 0; i < bits.count; i++) {
            if (count == max) {
                return qasm_syntax(e->ctx, operand->at, "more than %zu qubits", max);
            }
            ret[count++] = qasm_bit(&bits, i);
        }
        if (!qasm3_at(p, ',')) {
            *ret_count = count;
            return QT_OK;
        }
        QT_TRY(qasm3_advance(p));
    }
}

static qt_code check_targets(qasm_elab *e, const uint32_t *qubits, size_t count, size_t dim,
                             const char *at) {
    if ((size_t)1 << count != dim) {
        return qasm_syntax(e->ctx, at, "a matrix of %zu rows on %zu qubits", dim, count);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (qubits[i] == qubits[k]) {
                return qasm_syntax(e->ctx, at, "a qubit is used twice in one gate");
            }
        }
    }
    return QT_OK;
}

/* unitary([[...], ...]) q[0], q[1] */
static qt_code unitary(qasm_elab *e, qasm3_parser *p) {
    const double tolerance = 1e-5; /* matrices are often printed with six or seven digits */
    const char *at = p->tok.start;
    const size_t bytes = sizeof(double complex) * QASM_MAX_UNITARY_DIM * QASM_MAX_UNITARY_DIM;
    double complex *m = qasm_alloc(e->ctx, bytes);
    uint32_t qubits[QASM_MAX_UNITARY_QUBITS];
    size_t count = 0;
    size_t dim = 0;
    if (m == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_expect(p, '('));
    QT_TRY(read_matrix(e, p, m, &dim));
    QT_TRY(qasm3_expect(p, ')'));
    QT_TRY(read_targets(e, p, qubits, QASM_MAX_UNITARY_QUBITS, &count));
    QT_TRY(expect_end(p));
    QT_TRY(check_targets(e, qubits, count, dim, at));
    if (!(qasm_unitary_error(m, dim) <= tolerance)) {
        return qasm_syntax(e->ctx, at, "the matrix is not unitary");
    }
    QASM_BUILD(e->ctx, at, qasm_build_unitary(&e->ctx->builder, m, qubits, count, err));
    return QT_OK;
}

static qt_code result(qasm_elab *e, qasm3_parser *p, const ast_stmt *s) {
    static const char *const known[] = {"state_vector", "probability", "density_matrix",
                                        "amplitude",    "expectation", "variance",
                                        "sample"};
    QT_TRY(qasm3_advance(p));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (at_word(p, known[i])) {
            return qasm_warn(e->ctx, s->at, "the result type %s is not computed; there are counts",
                             known[i]);
        }
    }
    if (at_word(p, "adjoint_gradient")) {
        return qasm_unsupported(e->ctx, p->tok.start, "the result type adjoint_gradient");
    }
    return qasm3_expected(p, "a result type");
}

static qt_code noise(qasm_elab *e, qasm3_parser *p) {
    const char *at = p->tok.start;
    QT_TRY(qasm3_advance(p));
    const char *name = qasm3_at(p, TOK_ID) ? p->tok.value.name->text : "";
    return qasm_unsupported(e->ctx, at, "the noise channel %.40s: noise is not simulated", name);
}

static qt_code read_pragma(qasm_elab *e, qasm3_parser *p, const ast_stmt *s, bool *ret_done) {
    QT_TRY(qasm3_advance(p));
    if (qasm3_at(p, '#')) {
        QT_TRY(qasm3_advance(p));
    }
    if (qasm3_at_keyword(p) != KW3_PRAGMA) {
        return QT_OK; /* an annotation */
    }
    QT_TRY(qasm3_advance(p));
    if (!at_word(p, "braket")) {
        return QT_OK;
    }
    QT_TRY(qasm3_advance(p));
    if (at_word(p, "unitary")) {
        *ret_done = true;
        return unitary(e, p);
    }
    if (at_word(p, "result")) {
        return result(e, p, s);
    }
    if (at_word(p, "noise")) {
        return noise(e, p);
    }
    if (at_word(p, "verbatim")) {
        QT_TRY(qasm3_advance(p));
        return expect_end(p);
    }
    return qasm3_expected(p, "unitary, result, noise or verbatim");
}

qt_code qasm_braket_pragma(qasm_elab *e, const ast_stmt *s, bool *ret_done) {
    qasm3_parser p;
    if (s->text[0] == '@') {
        return QT_OK;
    }
    open_line(e, s, &p);
    return read_pragma(e, &p, s, ret_done);
}

/* ---- measurement ---- */

static bool measures(const qt_circuit *c) {
    for (size_t i = 0; i < c->op_count; i++) {
        if (c->ops[i].kind == QT_OP_MEASURE) {
            return true;
        }
    }
    return false;
}

qt_code qasm_braket_finish(qasm_elab *e) {
    qt_builder *b = &e->ctx->builder;
    qt_circuit *c = b->circuit;
    const char *at = e->ctx->sources[0].text.start;
    if (c->num_qubits == 0 || measures(c)) {
        return QT_OK;
    }
    for (size_t i = 0; i < c->register_count; i++) { /* nothing is in them */
        c->registers[i].hidden |= c->registers[i].kind == QT_REGISTER_BIT;
    }
    uint32_t first = c->num_clbits;
    uint32_t reg = 0;
    QASM_BUILD(e->ctx, at, qt_build_register(b, QT_REGISTER_BIT, "b", c->num_qubits, &reg, err));
    for (uint32_t i = 0; i < c->num_qubits; i++) {
        QASM_BUILD(e->ctx, at, qt_build_measure(b, i, first + i, err));
    }
    return QT_OK;
}
