/* Inside libs/qasm: OpenQASM 3 syntax trees to operations.
 *
 * Every top-level statement is elaborated as soon as it was parsed. Values that are known are
 * computed; what depends on a measurement becomes an expression of the circuit. Loops over known
 * ranges are unrolled and subroutines inlined. A classical variable is kept as a known value until
 * something assigns to it that is not known, or that happens only at run time; then it becomes a
 * variable of the circuit. */
#ifndef QT_QASM_ELAB_H
#define QT_QASM_ELAB_H

#include "qasm/gates.h"
#include "qasm/parse3.h"
#include "qasm/value.h"

typedef enum qasm_symbol_kind {
    SYMBOL_CONST,  /* value */
    SYMBOL_VAR,    /* value, or variable when the value is not known */
    SYMBOL_QUBITS, /* bits */
    SYMBOL_BITS,   /* bits; reg when they are a whole register */
    SYMBOL_DEF,    /* def */
} qasm_symbol_kind;

typedef struct qasm_symbol {
    uint8_t kind;
    bool scalar;       /* QUBITS, BITS: one bit, declared without a size */
    bool has_variable; /* VAR */
    uint32_t frame;    /* 0: global, else the call that declared it */
    uint32_t level;    /* run-time blocks around the declaration */
    uint32_t variable;
    uint32_t reg; /* QT_NO_INDEX: an alias */
    uint32_t count;
    uint32_t *bits;
    qasm_value value; /* VAR: its type and width also when it is not known */
    const ast_stmt *def;
} qasm_symbol;

/* What a name meant before the scope that is open. */
typedef struct qasm_undo {
    qasm_name *name;
    uint8_t meaning;
    void *data;
} qasm_undo;

/* How a block ended. */
typedef enum qasm_flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN, FLOW_END } qasm_flow;

typedef enum qasm_loop_kind { LOOP_NONE, LOOP_UNROLLED, LOOP_KEPT } qasm_loop_kind;

typedef struct qasm_elab {
    qasm_context *ctx;
    qasm3_parser parser;
    qasm_gates gates;
    qasm_undo *undo;
    size_t undo_count, undo_cap;
    size_t scope_start; /* of the innermost scope, in undo */
    size_t scope_depth;
    uint32_t frame;       /* of the subroutine that is being inlined; 0: none */
    uint32_t frame_count; /* calls so far */
    size_t call_depth;
    uint32_t level;      /* run-time blocks around this statement */
    uint32_t loop_level; /* level of the innermost loop's body */
    uint32_t def_level;  /* level of the innermost call */
    qasm_loop_kind loop;
    qasm_flow flow;
    qasm_value result; /* of the subroutine that returned */
    uint32_t gphase;   /* the built-in gate */
    uint32_t *outputs; /* registers that are declared so */
    size_t output_count, output_cap;
    bool virtual_qubits, hardware_qubits, ended, stdgates, warned_delay;
} qasm_elab;

/* Some bits or qubits. A single one needs no memory. */
typedef struct qasm_bits {
    const uint32_t *items; /* NULL: `one` */
    uint32_t one;
    uint32_t count;
    bool single;  /* one bit, not a register or slice of one */
    uint32_t reg; /* a whole bit register, or QT_NO_INDEX */
    const char *at;
} qasm_bits;

static inline uint32_t qasm_bit(const qasm_bits *b, uint32_t i) {
    return b->items != NULL ? b->items[i] : b->one;
}

/* ---- elab_names.c ---- */
qt_code qasm_elab_init(qasm_elab *e, qasm_context *ctx);
size_t qasm_scope_open(qasm_elab *e);
void qasm_scope_close(qasm_elab *e, size_t mark);
/* A new symbol in the innermost scope; a name of that scope that is declared already is an error.
 */
qt_code qasm_declare(qasm_elab *e, qasm_name *name, const char *at, qasm_symbol_kind kind,
                     qasm_symbol **ret_symbol);
/* NULL after a diagnostic. */
qasm_symbol *qasm_find(qasm_elab *e, qasm_name *name, const char *at);
/* The variable takes the value; emits an assignment where one is needed. */
qt_code qasm_assign_var(qasm_elab *e, qasm_symbol *symbol, const qasm_value *value, const char *at);
/* Makes the variables that a block assigns to variables of the circuit, before it runs. */
qt_code qasm_spill_assigned(qasm_elab *e, const ast_block *block);

/* ---- elab_expr.c ---- */
qt_code qasm_eval(qasm_elab *e, const ast_expr *expr, qasm_value *ret_value);
/* The same, and it must be a known integer. */
qt_code qasm_eval_int(qasm_elab *e, const ast_expr *expr, const char *what, int64_t *ret_value);
qt_code qasm_eval_angle(qasm_elab *e, const ast_expr *expr, qasm_angle *ret_angle);
/* The function of one float that has this name. */
bool qasm_float_function(const char *name, qt_func *ret_func);
/* One bit of a value. */
qt_code qasm_value_bit(qasm_elab *e, const qasm_value *v, const qasm_value *index, const char *at,
                       qasm_value *ret);
/* A condition: known, or a run-time expression. */
qt_code qasm_eval_condition(qasm_elab *e, const ast_expr *expr, qasm_value *ret_value);
/* Width of a type in bits. */
qt_code qasm_type_width(qasm_elab *e, const ast_type *type, uint32_t *ret_width);
/* first, step and last of a range over `size` items; open ends take their meaning from it. */
typedef struct qasm_range {
    int64_t first, step, last;
} qasm_range;
qt_code qasm_eval_range(qasm_elab *e, const ast_expr *range, int64_t size, qasm_range *ret_range);
uint64_t qasm_range_count(const qasm_range *range);

/* ---- elab_bits.c ---- */
qt_code qasm_qubits(qasm_elab *e, const ast_expr *expr, qasm_bits *ret_bits);
qt_code qasm_clbits(qasm_elab *e, const ast_expr *expr, qasm_bits *ret_bits);
/* Whether the expression names bits (or qubits), by its innermost name. */
bool qasm_names_kind(const ast_expr *expr, qasm_symbol_kind kind);
/* The value of bits: a register, one bit, or a slice of up to 64. */
qt_code qasm_bits_value(qasm_elab *e, const qasm_bits *bits, qasm_value *ret_value);
qt_code qasm_alias(qasm_elab *e, const ast_stmt *s);

/* ---- elab_gate.c ---- */
qt_code qasm_gate_statement(qasm_elab *e, const ast_stmt *s);
qt_code qasm_gate_definition(qasm_elab *e, const ast_stmt *s);

/* ---- elab_decl.c ---- */
qt_code qasm_declaration(qasm_elab *e, const ast_stmt *s);
qt_code qasm_qubit_declaration(qasm_elab *e, const ast_stmt *s);
qt_code qasm_assignment(qasm_elab *e, const ast_stmt *s);
qt_code qasm_measure(qasm_elab *e, const qasm_bits *qubits, const qasm_bits *bits, const char *at);
qt_code qasm_measure_statement(qasm_elab *e, const ast_stmt *s);
/* Measures into a new hidden register. */
qt_code qasm_measure_value(qasm_elab *e, const ast_expr *operand, qasm_value *ret_value);

/* ---- elab_flow.c ---- */
qt_code qasm_statement(qasm_elab *e, const ast_stmt *s);
/* Calls a subroutine; VOID when it returns nothing. */
qt_code qasm_call_def(qasm_elab *e, const ast_expr *call, qasm_value *ret_value);
qt_code qasm_count_step(qasm_elab *e, const char *at);

/* Parses the whole program into ctx->builder. */
qt_code qasm3_parse(qasm_context *ctx);

#endif
