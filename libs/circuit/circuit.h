/* The circuit: one flat intermediate representation for the simulator, the converters and the
 * backends.
 *
 * A circuit is an array of 16-byte operations in program order plus pools (operands, parameters,
 * expressions). Everything is allocated in the circuit's own arena or arrays and released by
 * qt_circuit_free(). A built circuit is read-only and may be read by any number of threads; the
 * building functions of circuit/builder.h are for one thread.
 *
 * Qubits and classical bits are numbered from 0 over all registers, in order of declaration.
 * Subroutines and user gates are inlined by the front ends; loops over constants may be kept or
 * unrolled, as the caller of the front end asks. */
#ifndef QT_CIRCUIT_CIRCUIT_H
#define QT_CIRCUIT_CIRCUIT_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum qt_gate {
#define QT_GATE(name, text, qubits, params, flags) QT_GATE_##name,
#include "circuit/gates.def"
#undef QT_GATE
    QT_GATE_COUNT_
} qt_gate;

typedef struct qt_gate_info {
    const char *name; /* lower case, as in OpenQASM 3 */
    uint8_t qubit_count;
    uint8_t param_count;
    uint8_t flags; /* QT_GATE_DIAGONAL ... */
} qt_gate_info;

/* Static storage. */
const qt_gate_info *qt_gate_get_info(qt_gate gate);

#define QT_NO_INDEX UINT32_MAX
enum { QT_MAX_GATE_QUBITS = 255 }; /* controls included */

typedef enum qt_op_kind {
    /* gate with constant parameters: params[param ...]; see qt_op_qubits() */
    QT_OP_GATE,
    /* the same, but param_exprs[param ...] are expressions, evaluated when it runs */
    QT_OP_GATE_DYNAMIC,
    /* a = qubit, b = classical bit or QT_NO_INDEX (result thrown away) */
    QT_OP_MEASURE,
    /* a = qubit; back to |0> */
    QT_OP_RESET,
    /* a = first operand, b = count; 0 operands: all qubits */
    QT_OP_BARRIER,
    /* lvalue = sub (qt_lvalue), a = what it names, b = expression, c = index expression */
    QT_OP_ASSIGN,
    /* a = condition, b = index of its ELSE or ENDIF */
    QT_OP_IF,
    /* b = index of its ENDIF */
    QT_OP_ELSE,
    QT_OP_ENDIF,
    /* a = condition, b = index of its ENDWHILE */
    QT_OP_WHILE,
    /* b = index of its WHILE */
    QT_OP_ENDWHILE,
    /* a = variable, b = index of its ENDFOR, c = index into loops[] */
    QT_OP_FOR,
    /* b = index of its FOR */
    QT_OP_ENDFOR,
    /* a = expression, b = index of its first CASE or ENDSWITCH */
    QT_OP_SWITCH,
    /* a = first of its constants in case_values[], c = count (0: default), b = index of the next
     * CASE or ENDSWITCH; the end of a case body jumps to ENDSWITCH */
    QT_OP_CASE,
    QT_OP_ENDSWITCH,
    /* b = index of the loop's ENDWHILE or ENDFOR: go behind it */
    QT_OP_BREAK,
    /* b = index of the loop's ENDWHILE or ENDFOR: go there */
    QT_OP_CONTINUE,
    /* the program ends here */
    QT_OP_END,
    /* delay: a = first operand, b = count, c = note that holds the duration's text; no effect on
     * an ideal simulator */
    QT_OP_DELAY,
    /* a = note: pragma, annotation or box border, kept for printers; no effect */
    QT_OP_NOTE,
} qt_op_kind;

typedef enum qt_lvalue {
    QT_LVALUE_VAR,    /* a = variable */
    QT_LVALUE_BIT,    /* a = classical bit */
    QT_LVALUE_REG,    /* a = index into registers[] (a bit register), whole */
    QT_LVALUE_REG_AT, /* a = index into registers[], c = expression: which bit of it */
} qt_lvalue;

typedef struct qt_op {
    uint8_t kind;          /* qt_op_kind */
    uint8_t sub;           /* GATE*: qt_gate; ASSIGN: qt_lvalue */
    uint8_t qubit_count;   /* GATE*: operands, controls included */
    uint8_t control_count; /* GATE*: the first operands are (positive) controls */
    uint32_t a;
    uint32_t b;
    union {
        uint32_t c;
        uint32_t param; /* GATE: first of params[]; GATE_DYNAMIC: first of param_exprs[] */
    };
} qt_op;

_Static_assert(sizeof(qt_op) == 16, "operations stay small");

/* Expressions: a pool of nodes that name each other by index. Types are OpenQASM 3's; a QASM 2
 * condition is EQ(REG, INT or WIDE). */
typedef enum qt_type {
    QT_TYPE_BOOL,
    QT_TYPE_BIT, /* bit[width]; read as an unsigned number, bit 0 lowest */
    QT_TYPE_INT, /* two's complement of width bits, at most 64 */
    QT_TYPE_UINT,
    QT_TYPE_FLOAT, /* double */
    QT_TYPE_ANGLE, /* unsigned fraction of 2 pi in width bits, kept as double in [0, 2 pi) */
} qt_type;

typedef enum qt_expr_kind {
    QT_EXPR_INT,    /* i: value of type BOOL, INT, UINT or BIT up to 64 bits wide */
    QT_EXPR_WIDE,   /* u.a: first of wide_words[], u.b: words for `width` bits, lowest first */
    QT_EXPR_FLOAT,  /* f: FLOAT or ANGLE */
    QT_EXPR_BIT,    /* u.a: classical bit */
    QT_EXPR_REG,    /* u.a: index into registers[], whole */
    QT_EXPR_REG_AT, /* u.a: index into registers[], u.b: expression, which bit of it */
    QT_EXPR_VAR,    /* u.a: variable */
    QT_EXPR_UNARY,  /* op, u.a */
    QT_EXPR_BINARY, /* op, u.a, u.b */
    QT_EXPR_CALL,   /* op is a qt_func; u.a, and u.b for two arguments */
    QT_EXPR_CAST,   /* to type and width; u.a */
    QT_EXPR_BIT_OF, /* bit number u.b (expression) of the integer u.a */
} qt_expr_kind;

typedef enum qt_operator {
    QT_OPERATOR_ADD,
    QT_OPERATOR_SUB,
    QT_OPERATOR_MUL,
    QT_OPERATOR_DIV,
    QT_OPERATOR_MOD,
    QT_OPERATOR_POW,
    QT_OPERATOR_NEG,     /* unary */
    QT_OPERATOR_BIT_NOT, /* unary */
    QT_OPERATOR_BIT_AND,
    QT_OPERATOR_BIT_OR,
    QT_OPERATOR_BIT_XOR,
    QT_OPERATOR_SHL,
    QT_OPERATOR_SHR,
    QT_OPERATOR_NOT, /* unary, logical */
    QT_OPERATOR_AND, /* logical, short-circuit */
    QT_OPERATOR_OR,
    QT_OPERATOR_EQ,
    QT_OPERATOR_NE,
    QT_OPERATOR_LT,
    QT_OPERATOR_LE,
    QT_OPERATOR_GT,
    QT_OPERATOR_GE,
} qt_operator;

typedef enum qt_func {
    QT_FUNC_SIN,
    QT_FUNC_COS,
    QT_FUNC_TAN,
    QT_FUNC_ARCSIN,
    QT_FUNC_ARCCOS,
    QT_FUNC_ARCTAN,
    QT_FUNC_EXP,
    QT_FUNC_LOG,
    QT_FUNC_SQRT,
    QT_FUNC_CEILING,
    QT_FUNC_FLOOR,
    QT_FUNC_ABS,
    QT_FUNC_POPCOUNT,
    QT_FUNC_ROTL, /* two arguments */
    QT_FUNC_ROTR, /* two arguments */
} qt_func;

typedef struct qt_expr {
    uint8_t kind;   /* qt_expr_kind */
    uint8_t op;     /* qt_operator or qt_func */
    uint8_t type;   /* qt_type of the value */
    uint32_t width; /* bits; 64 for FLOAT */
    union {
        struct {
            uint32_t a;
            uint32_t b;
        } u;
        int64_t i;
        double f;
    };
} qt_expr;

_Static_assert(sizeof(qt_expr) == 16, "expressions stay small");

typedef enum qt_register_kind { QT_REGISTER_QUBIT, QT_REGISTER_BIT } qt_register_kind;

typedef struct qt_register {
    const char *name; /* as in the program */
    qt_register_kind kind;
    uint32_t first; /* number of its bit 0 */
    uint32_t size;
    bool scalar; /* declared without a size (`qubit q;`), or hardware qubits */
    bool hidden; /* a local of a subroutine or scope: not part of the counts */
} qt_register;

/* A run-time classical variable that is no bit register. Starts as 0. */
typedef struct qt_variable {
    const char *name;
    qt_type type;
    uint32_t width;
} qt_variable;

/* A loop that was kept: from first to last (included) by step, all expressions. */
typedef struct qt_loop {
    uint32_t first;
    uint32_t step; /* QT_NO_INDEX: 1 */
    uint32_t last;
} qt_loop;

typedef struct qt_note {
    const char *text;
    uint32_t line; /* in the source, from 1 */
} qt_note;

typedef struct qt_circuit {
    qt_op *ops;
    size_t op_count;
    uint32_t *operands;
    size_t operand_count;
    double *params;
    size_t param_count;
    uint32_t *param_exprs;
    size_t param_expr_count;
    qt_expr *exprs;
    size_t expr_count;
    uint64_t *wide_words;
    size_t wide_word_count;
    int64_t *case_values;
    size_t case_value_count;
    qt_loop *loops;
    size_t loop_count;
    qt_register *registers; /* qubit and bit registers, in order of declaration */
    size_t register_count;
    qt_variable *variables;
    size_t variable_count;
    qt_note *notes;
    size_t note_count;
    uint32_t num_qubits;
    uint32_t num_clbits;
    char **warnings; /* what was accepted without effect, e.g. durations */
    size_t warning_count;
    qt_arena strings; /* names and texts */
} qt_circuit;

/* NULL is allowed. */
void qt_circuit_free(qt_circuit *circuit);
void qt_circuit_free_p(qt_circuit **circuit);

/* The qubits of a GATE or GATE_DYNAMIC, controls first; op->qubit_count of them. Up to two stand
 * in the operation itself, more in operands[a ...]. Valid as long as the circuit. */
static inline const uint32_t *qt_op_qubits(const qt_circuit *circuit, const qt_op *op) {
    return op->qubit_count <= 2 ? &op->a : circuit->operands + op->a;
}

/* What a circuit is made of. */
typedef struct qt_circuit_stats {
    uint64_t gate_count; /* executed once per occurrence; loops that were kept count once */
    uint64_t gates[QT_GATE_COUNT_][3]; /* by base gate and 0, 1, or 2 and more controls */
    uint64_t two_qubit_count;          /* gates on two qubits or more */
    uint64_t measure_count;
    uint64_t reset_count;
    uint32_t depth;   /* barriers count as dependencies, not as a layer */
    bool clifford;    /* all gates, with their parameters (to 1e-12), are Clifford */
    bool dynamic;     /* a qubit is used after its measurement or reset in mid-circuit, or
                       * control flow or a classical assignment exists */
    bool has_measure; /* any */
} qt_circuit_stats;

qt_code qt_circuit_analyze(const qt_circuit *circuit, qt_circuit_stats *ret_stats, qt_err *err);

/* Checks every index, count and nesting; DATA_CORRUPT names the first that is wrong. For circuits
 * that did not come from a front end, and for tests. */
qt_code qt_circuit_validate(const qt_circuit *circuit, qt_err *err);

#endif
