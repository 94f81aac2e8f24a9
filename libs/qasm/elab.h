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
    SYMBOL_ARRAY,  /* array */
    SYMBOL_DEF,    /* def */
    SYMBOL_BAD,    /* its declaration was refused: uses of it are not reported too */
} qasm_symbol_kind;

typedef struct qasm_array qasm_array;

typedef struct qasm_symbol {
    uint8_t kind;
    bool scalar;       /* QUBITS, BITS: one bit, declared without a size */
    bool has_variable; /* VAR */
    bool builtin;      /* CONST: pi and the like */
    bool loop_value;   /* VAR: given by an unrolled loop, so known unless it is assigned to */
    uint32_t frame;    /* 0: global, else the call that declared it */
    uint32_t level;    /* run-time blocks around the declaration */
    uint32_t variable;
    uint32_t reg; /* QT_NO_INDEX: an alias */
    uint32_t count;
    uint32_t *bits;
    qasm_value value;     /* VAR: its type and width also when it is not known */
    uint32_t variable_im; /* COMPLEX: the imaginary part */
    const ast_stmt *def;
    qasm_array *array;
} qasm_symbol;

enum { QASM_MAX_DIMS = 7 };

/* An array or a part of one. Every item is a VAR; parts share the items. */
struct qasm_array {
    uint8_t type;
    uint32_t width;
    uint32_t rank;
    uint32_t dims[QASM_MAX_DIMS];
    uint32_t count;
    qasm_symbol **items; /* row by row */
    bool readonly;
};

/* What a name meant before the scope that is open. */
typedef struct qasm_undo {
    qasm_name *name;
    uint8_t meaning;
    void *data;
} qasm_undo;

/* How a block ended for certain. */
typedef enum qasm_flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN, FLOW_END } qasm_flow;

/* A variable of the circuit that says whether a statement left its region early, as something
 * decided that is known only at run time. What follows it in the region stands in an `if`. */
typedef struct qasm_flag {
    uint32_t variable; /* QT_NO_INDEX: not made yet */
    bool ready;        /* it was set to false */
    bool maybe;        /* something may have set it to true */
} qasm_flag;

typedef enum qasm_region_kind {
    REGION_TURN, /* a loop that is unrolled; its body now */
    REGION_KEPT, /* a loop of the circuit, with break and continue of its own */
    REGION_DEF,  /* a subroutine */
} qasm_region_kind;

/* What can be left early. */
typedef struct qasm_region {
    uint8_t kind;
    struct qasm_region *outer;  /* NULL: the program */
    uint32_t level;             /* run-time blocks around its body */
    qasm_flag skip;             /* TURN: the rest of this turn does not run; DEF: of the body */
    qasm_flag left;             /* TURN: no further turn runs */
    bool returned;              /* a return may have left it */
    const ast_stmt *def;        /* DEF */
    struct qasm_symbol *result; /* DEF: made when a return needs a variable; else NULL */
} qasm_region;

/* An index whose value is known only at run time, in the case where it has this value. */
typedef struct qasm_choice {
    const struct qasm_choice *outer;
    const ast_expr *index;
    int64_t value;
    const struct qasm_wanted *of;
} qasm_choice;

/* An index of qubits whose value is known only at run time. */
typedef struct qasm_wanted {
    const ast_expr *index; /* NULL: none */
    qasm_value value;
    uint32_t count; /* what is indexed has so many qubits */
} qasm_wanted;

/* An output that is a number: its register takes the value when the program ends. */
typedef struct qasm_result {
    const struct qasm_result *outer;
    const qasm_symbol *symbol;
    uint32_t reg;
    const char *at;
} qasm_result;

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
    size_t top_undo;     /* entries of undo when the outermost scope was opened */
    qasm_region *region; /* the innermost one */
    qasm_flow flow;
    qasm_value result;          /* of the subroutine that returned */
    const qasm_choice *choices; /* indices that stand for one of their values, innermost first */
    const qasm_choice *in_case; /* those of the statement that is run now */
    qasm_wanted wanted;         /* an index of qubits that has to become a choice */
    bool may_choose;            /* qasm_with_qubits() is there to do so */
    bool outside;               /* with the choices made so far an index is out of range */
    uint32_t gphase;            /* the built-in gate */
    size_t inputs_used;
    const qasm_result *results; /* outputs that are no registers, the last one first */
    uint32_t *outputs;          /* registers that are declared so */
    size_t output_count, output_cap;
    bool runtime;       /* all variables are those of the circuit: the program is a printed one */
    bool in_prelude;    /* gates that are defined belong to the library */
    uint32_t braket_ms; /* Braket's ms with two parameters */
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

/* What is done with operands once their qubits are known: bits[i] are those of operands[i]. */
typedef qt_code (*qasm_qubits_fn)(qasm_elab *e, const qasm_bits *bits, void *arg);

typedef struct qasm_selection {
    ast_expr *const *operands;
    uint32_t count;
    qasm_bits *bits; /* room for count */
    qasm_qubits_fn run;
    /* Called in front of the cases when there are several; NULL: nothing to do. */
    qt_code (*before_cases)(qasm_elab *e, void *arg);
    void *arg;
} qasm_selection;

/* ---- elab_names.c ---- */
qt_code qasm_elab_init(qasm_elab *e, qasm_context *ctx);
size_t qasm_scope_open(qasm_elab *e);
void qasm_scope_close(qasm_elab *e, size_t mark);
/* After an error: all scopes, back to the top level that starts at scope_start. */
void qasm_scope_close_all(qasm_elab *e, size_t scope_start);
/* A new symbol in the innermost scope; a name of that scope that is declared already is an error.
 */
qt_code qasm_declare(qasm_elab *e, qasm_name *name, const char *at, qasm_symbol_kind kind,
                     qasm_symbol **ret_symbol);
/* NULL after a diagnostic. */
qasm_symbol *qasm_find(qasm_elab *e, qasm_name *name, const char *at);
/* The variable takes the value; emits an assignment where one is needed. */
qt_code qasm_assign_var(qasm_elab *e, qasm_symbol *symbol, const qasm_value *value, const char *at);
/* The same with an assignment in any case: its value is read from the circuit from now on. */
qt_code qasm_store_var(qasm_elab *e, qasm_symbol *symbol, const qasm_value *value, const char *at);
/* Makes a known value one of the circuit. */
qt_code qasm_spill_symbol(qasm_elab *e, qasm_symbol *symbol, const char *at);
qt_code qasm_need_variable(qasm_elab *e, qasm_symbol *symbol, const char *at);
qt_code qasm_read_variable(qasm_elab *e, qasm_symbol *symbol, const char *at);
/* Makes the variables that a block assigns to variables of the circuit, before it runs. */
qt_code qasm_spill_assigned(qasm_elab *e, const ast_block *block);

/* ---- elab_scan.c: syntax trees ---- */
typedef bool (*qasm_expr_test)(const ast_expr *x, const void *arg);
typedef bool (*qasm_stmt_test)(const ast_stmt *s, const void *arg);
/* Whether a test holds for the expression or a part of it; looks no further then. */
bool qasm_any_expr(const ast_expr *x, qasm_expr_test test, const void *arg);
bool qasm_any_stmt(const ast_stmt *s, qasm_stmt_test test, const void *arg);
/* The name that is indexed, or NULL. */
const ast_expr *qasm_base_name(const ast_expr *x);
/* Whether evaluating it may emit operations. */
bool qasm_takes_statements(const ast_expr *expr);
bool qasm_assigns_to_names_of(const ast_block *block, const ast_expr *expr);
/* Whether the block uses the name where a number must be known. */
bool qasm_needs_value(const ast_block *block, const qasm_name *name);
/* Whether it is made of constants alone. */
bool qasm_is_constant(const ast_expr *expr);

/* ---- elab_region.c ---- */
void qasm_region_open(qasm_elab *e, qasm_region *r, qasm_region_kind kind);
qt_code qasm_region_close(qasm_elab *e, qasm_region *r, const char *at);
/* Before a block that runs or not as something decides at run time. own_loop: its break and
 * continue are for the innermost loop. */
qt_code qasm_before_dynamic(qasm_elab *e, const ast_block *block, bool own_loop, const char *at);
qt_code qasm_leave_loop(qasm_elab *e, const ast_stmt *s);
qt_code qasm_return(qasm_elab *e, const ast_stmt *s);
/* Whether the innermost region may have been left. */
bool qasm_may_skip(const qasm_elab *e);
/* `if (!flag) {` and `}`. */
qt_code qasm_guard_open(qasm_elab *e, const qasm_flag *flag, const char *at);
qt_code qasm_guard_close(qasm_elab *e, const char *at);
qt_code qasm_run_guarded(qasm_elab *e, const ast_block *block, uint32_t first);
qasm_flow qasm_join_flow(qasm_flow a, qasm_flow b);

/* ---- elab_choice.c ---- */
/* Resolves the operands and runs; when an index is known only at run time, for each of its values
 * in a case of a switch. */
qt_code qasm_with_qubits(qasm_elab *e, const qasm_selection *selection);
/* In such a case: what it stands for cannot be done, so that the program fails when it gets here.
 */
qt_code qasm_fail_in_case(qasm_elab *e, const char *at);

/* ---- elab_expr.c ---- */
qt_code qasm_eval(qasm_elab *e, const ast_expr *expr, qasm_value *ret_value);
/* The same, and it must be a known integer. */
qt_code qasm_eval_int(qasm_elab *e, const ast_expr *expr, const char *what, int64_t *ret_value);
/* The same, and it must be made of constants. */
qt_code qasm_eval_constant(qasm_elab *e, const ast_expr *expr, const char *what,
                           int64_t *ret_value);
/* An index of `count` bits or qubits, not checked against it. */
qt_code qasm_eval_index(qasm_elab *e, const ast_expr *expr, uint32_t count, int64_t *ret_value);
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
/* The same as indices into `size` items, negative ones from the end; an empty range is inside. */
qt_code qasm_eval_slice(qasm_elab *e, const ast_expr *range, uint32_t size, qasm_range *ret_range,
                        uint64_t *ret_count, bool *ret_inside);

/* ---- elab_bits.c ---- */
qt_code qasm_qubits(qasm_elab *e, const ast_expr *expr, qasm_bits *ret_bits);
qt_code qasm_clbits(qasm_elab *e, const ast_expr *expr, qasm_bits *ret_bits);
/* Error: a qubit stands twice among the operands of `what`. */
qt_code qasm_check_distinct(qasm_elab *e, const uint32_t *qubits, size_t count, const char *at,
                            const char *what);
/* Error: bits of another width, which no conversion changes. */
qt_code qasm_check_bits(qasm_elab *e, const qasm_value *v, uint8_t type, uint32_t width,
                        const char *at);
/* Whether the expression names bits (or qubits), by its innermost name. */
bool qasm_names_kind(const ast_expr *expr, qasm_symbol_kind kind);
/* The value of bits: a register, one bit, or a slice of up to 64. */
qt_code qasm_bits_value(qasm_elab *e, const qasm_bits *bits, qasm_value *ret_value);
qt_code qasm_alias(qasm_elab *e, const ast_stmt *s);

/* ---- elab_slice.c ---- */
/* The numbers that a range or set selects of `width` bits. */
qt_code qasm_bit_numbers(qasm_elab *e, const ast_expr *item, uint32_t width, uint32_t **ret_numbers,
                         uint32_t *ret_count);
/* One bit, or those of a range or set. */
qt_code qasm_bits_of_value(qasm_elab *e, const qasm_value *v, const ast_expr *item, const char *at,
                           qasm_value *ret_value);
/* A value in which some bits are replaced, or changed by an operator. */
qt_code qasm_with_bits(qasm_elab *e, const qasm_value *old, const ast_expr *item, uint8_t op,
                       const qasm_value *value, const char *at, qasm_value *ret_value);

/* ---- elab_array.c ---- */
bool qasm_is_array(const ast_expr *expr);
/* An array or a part of one, whose items are shared. */
qt_code qasm_named_array(qasm_elab *e, const ast_expr *expr, qasm_array *ret_array);
/* The same, or a concatenation. */
qt_code qasm_eval_array(qasm_elab *e, const ast_expr *expr, qasm_array *ret_array);
/* One item, or bits of it. */
qt_code qasm_array_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret_value);
qt_code qasm_assign_to_array(qasm_elab *e, const ast_stmt *s);
qt_code qasm_array_declaration(qasm_elab *e, const ast_stmt *s);

/* ---- elab_io.c ---- */
qt_code qasm_input(qasm_elab *e, const ast_stmt *s);
/* Values that are given for no input are an error. */
qt_code qasm_check_inputs(qasm_elab *e);
qt_code qasm_output_bits(qasm_elab *e, const qasm_symbol *symbol);
/* Of a declared variable or array that is no register. */
qt_code qasm_output(qasm_elab *e, const ast_stmt *s);
/* What the outputs hold goes to their registers: the program ends here. */
qt_code qasm_store_results(qasm_elab *e);

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

/* ---- elab_func.c ---- */
/* A call of a built-in function or a subroutine. */
qt_code qasm_eval_call(qasm_elab *e, const ast_expr *expr, qasm_value *ret_value);

/* ---- elab_def.c ---- */
/* Calls a subroutine; VOID when it returns nothing. */
qt_code qasm_call_def(qasm_elab *e, const ast_expr *call, qasm_value *ret_value);
qt_code qasm_def(qasm_elab *e, const ast_stmt *s);

/* ---- elab_loop.c ---- */
qt_code qasm_for(qasm_elab *e, const ast_stmt *s);
qt_code qasm_while(qasm_elab *e, const ast_stmt *s);

/* ---- elab_simple.c ---- */
qt_code qasm_reset(qasm_elab *e, const ast_stmt *s);
qt_code qasm_barrier(qasm_elab *e, const ast_stmt *s);
qt_code qasm_nop(qasm_elab *e, const ast_stmt *s);
qt_code qasm_delay(qasm_elab *e, const ast_stmt *s);
/* Warns that it has none, after it was checked. */
qt_code qasm_ignore_duration(qasm_elab *e, const ast_expr *expr, const char *of);
qt_code qasm_box(qasm_elab *e, const ast_stmt *s);
qt_code qasm_note(qasm_elab *e, const ast_stmt *s);
qt_code qasm_end(qasm_elab *e, const ast_stmt *s);
qt_code qasm_expr_statement(qasm_elab *e, const ast_stmt *s);

/* ---- elab_flow.c ---- */
qt_code qasm_statement(qasm_elab *e, const ast_stmt *s);
/* Statements until one of them leaves the block; run_block with a scope of its own. */
qt_code qasm_run_items(qasm_elab *e, const ast_block *block);
qt_code qasm_run_block(qasm_elab *e, const ast_block *block);
/* One step of work, against programs that take time without getting longer. */
qt_code qasm_count_step(qasm_elab *e, const char *at);

/* ---- braket.c ---- */
/* Makes the gates known that Braket defines by others; before the first statement. */
qt_code qasm_braket_start(qasm_elab *e);
/* A pragma of Braket, into operations. *ret_done false: it is kept as a note. */
qt_code qasm_braket_pragma(qasm_elab *e, const ast_stmt *s, bool *ret_done);
/* Behind the last statement: measures all qubits when nothing was measured. */
qt_code qasm_braket_finish(qasm_elab *e);

/* Parses the whole program into ctx->builder. */
qt_code qasm3_parse(qasm_context *ctx);

#endif
