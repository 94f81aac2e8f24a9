/* Inside libs/qasm: the gates that a program can call, and their expansion into operations.
 *
 * The body of a user's gate is compiled once: calls whose operands are numbers of the gate's own
 * qubits and whose parameters are nodes over its own parameters. */
#ifndef QT_QASM_GATES_H
#define QT_QASM_GATES_H

#include "qasm/context.h"

/* An angle that is known now, or an expression of the circuit (then expr is not QT_NO_INDEX). */
typedef struct qasm_angle {
    double v;
    uint32_t expr;
} qasm_angle;

static inline qasm_angle qasm_known_angle(double v) {
    return (qasm_angle){.v = v, .expr = QT_NO_INDEX};
}

/* Parameter expressions of bodies. */
typedef enum qasm_node_kind {
    NODE_CONST,  /* v */
    NODE_PARAM,  /* a: number of the gate's parameter */
    NODE_UNARY,  /* op (qt_operator), a */
    NODE_BINARY, /* op, a, b */
    NODE_CALL,   /* op (qt_func), a */
} qasm_node_kind;

typedef struct qasm_node {
    uint8_t kind;
    uint8_t op;
    uint32_t a;
    uint32_t b;
    double v;
} qasm_node;

/* How a gate's parameters become those of a base gate, a factor e^{ig} and QT_GATE_U's. */
typedef enum qasm_form {
    FORM_BASE,    /* the base gate as it is */
    FORM_ID1,     /* one parameter without meaning */
    FORM_U2,      /* U(pi/2, p0, p1) */
    FORM_U_V3,    /* OpenQASM 3's U: g = p0/2 */
    FORM_U2_V3,   /* g = -(p0+p1)/2, U(pi/2, p0, p1) */
    FORM_U3_V3,   /* g = -(p1+p2)/2 */
    FORM_CU,      /* g = p3 */
    FORM_BODY,    /* defined by the program */
    FORM_OPAQUE,  /* declared without a body */
    FORM_BARRIER, /* in bodies only: any number of qubits */
} qasm_form;

typedef struct qasm_gate {
    const char *name;
    uint8_t form;     /* qasm_form */
    uint8_t base;     /* qt_gate */
    uint8_t controls; /* of the library gate */
    uint32_t param_count;
    uint32_t qubit_count;
    uint32_t first_call;
    uint32_t call_count;
    uint64_t ops;   /* at least so many operations per call; saturates */
    uint32_t depth; /* of nested definitions */
    size_t frame;   /* parameters and qubits of itself and the deepest chain below */
} qasm_gate;

/* Modifiers stand in a list from the innermost to the outermost. */
typedef enum qasm_modifier_kind {
    MODIFIER_CTRL,
    MODIFIER_NEGCTRL,
    MODIFIER_POW
} qasm_modifier_kind;

typedef struct qasm_modifier {
    uint8_t kind;
    uint32_t count; /* CTRL, NEGCTRL: how many controls */
    uint32_t node;  /* POW: the exponent, a node; inv is pow(-1) */
} qasm_modifier;

typedef struct qasm_call {
    uint32_t gate;
    uint32_t qubit_count;    /* those of modifiers first */
    uint32_t first_qubit;    /* in formals */
    uint32_t first_param;    /* in param_nodes */
    uint32_t first_modifier; /* in modifiers */
    uint32_t modifier_count;
} qasm_call;

typedef struct qasm_gates {
    qasm_gate *items;
    size_t count, cap;
    qasm_call *calls;
    size_t call_count, call_cap;
    uint32_t *formals;
    size_t formal_count, formal_cap;
    uint32_t *param_nodes;
    size_t param_node_count, param_node_cap;
    qasm_node *nodes;
    size_t node_count, node_cap;
    qasm_modifier *modifiers;
    size_t modifier_count, modifier_cap;
    qasm_angle *frame_params; /* of the gates that are being expanded, outermost first */
    uint32_t *frame_qubits;
    size_t frame_cap;
    uint32_t barrier; /* the gate that stands for barriers in bodies */
} qasm_gates;

/* Where a library gate exists. */
enum {
    SET_BUILTIN_2 = 1, /* OpenQASM 2 without any include */
    SET_QELIB1 = 2,
    SET_LATER = 4, /* qelib1.inc as Qiskit has it today */
    SET_BUILTIN_3 = 8,
    SET_STDGATES = 16,
    SET_BRAKET = 32, /* Braket's dialect, without any include */
};

qt_code qasm_gates_init(qasm_context *ctx, qasm_gates *gates);
/* Makes the library gates of some sets known by name; names that have a meaning keep it. */
qt_code qasm_gates_include(qasm_context *ctx, qasm_gates *gates, unsigned sets);
/* Whether a library has a gate of this name: for hints. */
bool qasm_library_has(unsigned sets, const char *name, size_t len);

qt_code qasm_gates_add(qasm_context *ctx, qasm_gates *gates, qasm_gate gate, uint32_t *ret_index);
qt_code qasm_gates_add_node(qasm_context *ctx, qasm_gates *gates, qasm_node node,
                            uint32_t *ret_node);
/* Adds one call to the body that is being compiled; gate->first_call must be set. */
qt_code qasm_gates_add_call(qasm_context *ctx, qasm_gates *gates, qasm_gate *gate,
                            const qasm_call *call, const char *at);

/* A definition whose text is the one that the printers write for a base gate is that base gate. */
void qasm_gate_take_base(qasm_gate *gate, unsigned language, const char *text, const char *end);

/* One operation on known qubits. */
typedef struct qasm_application {
    uint32_t gate;
    const qasm_angle *params;
    const uint32_t *qubits; /* those of modifiers first */
    size_t qubit_count;
    const qasm_modifier *modifiers; /* POW: node holds an index into exponents */
    size_t modifier_count;
    const double *exponents;
    const char *at; /* place for errors */
} qasm_application;

/* Emits the operations of one application. Qubits must be different. */
qt_code qasm_apply(qasm_context *ctx, qasm_gates *gates, const qasm_application *app);
/* The same for a gate without modifiers and with known parameters. */
qt_code qasm_apply_plain(qasm_context *ctx, qasm_gates *gates, uint32_t gate, const double *params,
                         const uint32_t *qubits, const char *at);

/* Constant arithmetic of gate parameters. False: not a finite number. */
bool qasm_fold_unary(qt_operator op, double a, double *ret_value);
bool qasm_fold_binary(qt_operator op, double a, double b, double *ret_value);
bool qasm_fold_call(qt_func func, double a, double *ret_value);

#endif
