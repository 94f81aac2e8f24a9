/* Inside libs/qasm: the OpenQASM 2 parser. One pass; statements become operations at once. */
#ifndef QT_QASM_QASM2_H
#define QT_QASM_QASM2_H

#include "qasm/gates.h"
#include "qasm/lex.h"

typedef enum qasm2_keyword {
    KW2_NONE,
    KW2_OPENQASM,
    KW2_INCLUDE,
    KW2_QREG,
    KW2_CREG,
    KW2_GATE,
    KW2_OPAQUE,
    KW2_MEASURE,
    KW2_RESET,
    KW2_BARRIER,
    KW2_IF,
    KW2_PI,
    KW2_SIN, /* functions: SIN to SQRT */
    KW2_COS,
    KW2_TAN,
    KW2_EXP,
    KW2_LN,
    KW2_SQRT,
    KW2_ASIN, /* Qiskit's additions */
    KW2_ACOS,
    KW2_ATAN,
} qasm2_keyword;

enum { QASM2_MAX_PARAMS = 1024 };

typedef struct qasm2 {
    qasm_context *ctx;
    qasm_lexer lexer;
    qasm_token tok; /* the one looked at */
    qasm_gates gates;
    bool started;          /* a statement stands before this one */
    bool in_body;          /* parameters may name the gate's own */
    bool library_included; /* qelib1.inc */
    bool in_library;       /* the definitions are those of qelib1.inc */
    qasm_name **formals;   /* parameters and qubits of the definition being parsed */
    size_t formal_count, formal_cap;
    size_t *used_in;      /* for each qubit of the body: the number of the call that last used it */
    size_t calls;         /* of bodies, also broken ones */
    bool told_foreign;    /* that this body has what is not the gate's */
    qasm_name *declaring; /* by the statement that is being parsed */
    bool recovered;       /* it failed, and the next token is behind it */
    size_t depth;         /* of parentheses and unary operators */
    uint32_t *barrier;    /* operands of the barrier being parsed */
    size_t barrier_count, barrier_cap;
    double params[QASM2_MAX_PARAMS]; /* of the call being parsed */
} qasm2;

/* A number, or in a body a node that depends on the gate's parameters. */
typedef struct qasm2_value {
    double v;
    uint32_t node; /* QT_NO_INDEX: known */
} qasm2_value;

qt_code qasm2_advance(qasm2 *p);
/* Consumes a token of that kind or fails. */
qt_code qasm2_expect(qasm2 *p, uint8_t kind);
static inline bool qasm2_at(const qasm2 *p, uint8_t kind) {
    return p->tok.kind == kind;
}
/* Consumes the ';' of a statement. Where it is missing before a new line, or a '}', that is
 * reported and the statement counts. */
qt_code qasm2_end(qasm2 *p);
/* The same in two steps: looks for it, and consumes it. */
qt_code qasm2_at_end(qasm2 *p);
qt_code qasm2_leave(qasm2 *p);
qasm2_keyword qasm2_at_keyword(const qasm2 *p);
/* "expected X, found Y". */
qt_code qasm2_expected(qasm2 *p, const char *what);

qt_code qasm2_expr(qasm2 *p, qasm2_value *ret_value);

/* `gate` and `opaque`. */
qt_code qasm2_gate_definition(qasm2 *p);
qt_code qasm2_opaque_definition(qasm2 *p);
/* The gate that the current name token calls, or an error with a hint. */
qt_code qasm2_find_gate(qasm2 *p, uint32_t *ret_gate);
/* Whether the current name may be declared. */
qt_code qasm2_check_new(qasm2 *p, const char *what);

/* Parses the whole program into ctx->builder. */
qt_code qasm2_parse(qasm_context *ctx);

#endif
