/* Inside libs/qir: the reader walks a module and builds a circuit.
 *
 * Values are known numbers as long as they depend on no measurement, and expressions of the
 * circuit otherwise. A branch on a known value is followed, so that loops over constants unroll; a
 * branch on an expression becomes an IF whose arms end where the paths meet again (the block's
 * immediate post-dominator), and a loop around such an exit becomes WHILE (true) with BREAKs. The
 * module is walked at least twice: dry runs find which loops those are, how many qubits and
 * results there are, and what is recorded; the last run builds. */
#ifndef QT_QIR_READER_H
#define QT_QIR_READER_H

#include "qir/cfg.h"
#include "qir/functions.h"
#include "qir/llvm.h"
#include "qir/llvm_module.h"
#include "qir/ptrmap.h"

typedef enum qt_sym_kind {
    QT_SYM_NONE,
    QT_SYM_INT,       /* i, zero-extended; width 1 to 64 */
    QT_SYM_FLOAT,     /* f */
    QT_SYM_EXPR,      /* index of an expression: BOOL for width 1, else UINT of width bits */
    QT_SYM_FEXPR,     /* index of an expression of type FLOAT */
    QT_SYM_ID,        /* a pointer that names qubit or result number `i` */
    QT_SYM_RESULT,    /* the constant results zero and one: i */
    QT_SYM_MEMORY,    /* a pointer into objects[index], at slot i */
    QT_SYM_GLOBAL,    /* a pointer into LLVM global `global`, at slot `index` */
    QT_SYM_AGGREGATE, /* objects[index] as a value; never changed */
} qt_sym_kind;

typedef struct qt_sym {
    uint8_t kind;
    uint8_t width;
    uint16_t depth; /* EXPR, FEXPR: height of the tree */
    uint32_t index;
    union {
        uint64_t i;
        double f;
        LLVMValueRef global;
    };
} qt_sym;

/* Memory: an alloca or an array of the old runtime, one value for each scalar in it. */
typedef struct qt_sym_object {
    qt_sym *slots;
    uint32_t *variables; /* of slots that live in a variable of the circuit, or QT_NO_INDEX */
    size_t count;
    LLVMValueRef origin;
    unsigned slot_bytes; /* size of a scalar, for addresses in bytes */
    unsigned made_at;    /* nesting of symbolic control flow where it was made */
} qt_sym_object;

/* One record of output. */
typedef struct qt_qir_record {
    qt_qir_what what;  /* RECORD_... */
    const char *label; /* in the module's memory; NULL: none */
    size_t label_len;
    uint64_t size;     /* of a tuple or array */
    qt_sym value;      /* RESULT: ID or RESULT; BOOL, INT: a number or expression */
    uint32_t clbit;    /* where a bit goes; set between the runs */
    uint32_t reg;      /* where an integer goes */
    uint32_t measures; /* of the result, before it was recorded */
    bool own;          /* clbit is that of the result itself */
} qt_qir_record;

typedef struct qt_frame_loop {
    struct qt_frame_loop *outer;
    uint32_t header;
    uint32_t exit;               /* where it goes when it ends */
    uint32_t *header_variables;  /* of the header's phi nodes; QT_NO_INDEX for pointers */
    const qt_sym *header_values; /* what they are inside */
    uint32_t *exit_variables;
    qt_sym *exit_values; /* set by the first that leaves */
    bool left;           /* something breaks */
} qt_frame_loop;

typedef struct qt_function_info {
    LLVMValueRef function;
    qt_qir_function known;
    bool has_body;
    bool analysed;
    bool active; /* on the call stack: recursion is refused */
    qt_cfg cfg;
} qt_function_info;

typedef struct qt_frame {
    struct qt_frame *caller;
    qt_function_info *info;
    qt_ptrmap values; /* of instructions and arguments, into syms[] */
    qt_sym *syms;
    size_t sym_count, sym_cap;
    qt_frame_loop *loops; /* innermost dynamic loop being walked */
} qt_frame;

typedef struct qt_reader {
    const qt_qir_read_options *options;
    qt_llvm_module module;
    LLVMValueRef entry;
    qt_builder builder;
    bool building; /* false: dry run */
    bool restart;  /* a loop turned out to be dynamic: run again */
    size_t steps, max_steps;
    unsigned nesting;    /* symbolic IF and WHILE around this place */
    unsigned loop_depth; /* WHILE alone */
    unsigned walk_depth;
    qt_function_info **functions;
    size_t function_count, function_cap;
    qt_ptrmap function_number;
    qt_sym_object *objects;
    size_t object_count, object_cap;
    /* Qubits and results. */
    uint64_t static_qubits, static_results; /* the attributes */
    uint64_t qubit_count, result_count;     /* one more than the highest used */
    uint64_t *free_qubits;
    size_t free_count, free_cap;
    uint32_t *measure_total; /* how often each result is measured, from the dry run */
    uint32_t *measure_count; /* so far */
    size_t measure_total_cap, measure_cap;
    uint32_t *result_clbit; /* of each result, for building */
    /* Which merges at joins need a variable: found in the dry run, used when building. */
    uint8_t *merges;
    size_t merge_count, merge_cap;
    qt_qir_record *records;
    size_t record_count, record_cap;
    qt_qir_record *known; /* from the dry run, with places */
    size_t known_count;
    uint64_t dry_exprs; /* made in a dry run, which numbers them only */
    LLVMValueRef at;    /* the instruction being walked, for messages */
} qt_reader;

/* Refuses, with the function, block and instruction of r->at. */
qt_code qt_reader_refuse(qt_reader *r, qt_err *err, const char *fmt, ...) QT_PRINTF(3, 4);
/* Counts one step. */
qt_code qt_reader_step(qt_reader *r, qt_err *err);
/* *array gets room for `need` items of `size` bytes. */
qt_code qt_reader_grow(void *array, size_t *cap, size_t need, size_t size, qt_err *err);

/* sym.c: values. */
qt_sym qt_sym_int(unsigned width, uint64_t i);
qt_sym qt_sym_float(double f);
bool qt_sym_same(qt_sym a, qt_sym b);
bool qt_sym_is_number(qt_sym v);   /* INT, FLOAT, EXPR or FEXPR */
bool qt_sym_is_symbolic(qt_sym v); /* EXPR or FEXPR */
bool qt_sym_is_float(qt_sym v);
/* The number as an expression. */
qt_code qt_sym_expr(qt_reader *r, qt_sym v, uint32_t *ret_expr, qt_err *err);
qt_code qt_sym_binary(qt_reader *r, qt_operator op, qt_type type, unsigned width, uint32_t a,
                      uint32_t b, uint32_t *ret_expr, qt_err *err);
qt_code qt_sym_unary(qt_reader *r, qt_operator op, qt_type type, unsigned width, uint32_t a,
                     uint32_t *ret_expr, qt_err *err);
qt_code qt_sym_cast(qt_reader *r, qt_type type, unsigned width, uint32_t a, uint32_t *ret_expr,
                    qt_err *err);
/* A new symbolic number from an expression; a tall tree is put into a variable first. */
qt_code qt_sym_from_expr(qt_reader *r, uint32_t expr, unsigned width, bool is_float, unsigned depth,
                         qt_sym *ret_sym, qt_err *err);
/* A variable for numbers like v, and its value as a number. */
qt_code qt_sym_new_variable(qt_reader *r, qt_sym like, uint32_t *ret_variable, qt_err *err);
qt_code qt_sym_of_variable(qt_reader *r, qt_sym like, uint32_t variable, qt_sym *ret_sym,
                           qt_err *err);
qt_code qt_sym_assign(qt_reader *r, uint32_t variable, qt_sym v, qt_err *err);
qt_code qt_sym_copy(qt_reader *r, qt_sym v, qt_sym *ret_sym, qt_err *err);
qt_code qt_sym_select(qt_reader *r, qt_sym condition, qt_sym a, qt_sym b, qt_sym *ret_sym,
                      qt_err *err);

/* frame.c: what operands stand for. */
void qt_frame_done(qt_frame *f);
qt_code qt_frame_set(qt_frame *f, LLVMValueRef v, qt_sym sym, qt_err *err);
qt_code qt_frame_get(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_sym *ret_sym, qt_err *err);
/* A known integer, or refused with `what`. */
qt_code qt_frame_get_known(qt_reader *r, qt_frame *f, LLVMValueRef v, const char *what,
                           uint64_t *ret_i, qt_err *err);

/* arith.c: integer and floating-point instructions. *ret_done is false for others. */
qt_code qt_reader_arith(qt_reader *r, qt_frame *f, LLVMValueRef v, bool *ret_done, qt_err *err);

/* memory.c: alloca, load, store, getelementptr, aggregates. */
qt_code qt_reader_memory(qt_reader *r, qt_frame *f, LLVMValueRef v, bool *ret_done, qt_err *err);
qt_code qt_reader_new_object(qt_reader *r, uint64_t count, LLVMValueRef origin,
                             uint32_t *ret_object, qt_err *err);
/* A pointer computed by getelementptr, an instruction or a constant. */
qt_code qt_reader_gep(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_sym *ret_sym, qt_err *err);
/* A constant array or struct. */
qt_code qt_reader_constant_aggregate(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_sym *ret_sym,
                                     qt_err *err);
qt_code qt_reader_load(qt_reader *r, qt_sym pointer, qt_sym *ret_sym, qt_err *err);
qt_code qt_reader_store(qt_reader *r, qt_sym pointer, qt_sym v, qt_err *err);
/* Before symbolic control flow: what the blocks from `begin` up to `end` (not included) may store
 * to moves into variables. */
qt_code qt_reader_spill(qt_reader *r, qt_frame *f, uint32_t begin, uint32_t end, qt_err *err);

/* calls.c */
qt_code qt_reader_call(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_err *err);
qt_code qt_reader_function(qt_reader *r, LLVMValueRef function, qt_function_info **ret_info,
                           qt_err *err);

/* output.c */
qt_code qt_reader_record(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_qir_what what,
                         qt_err *err);
/* The arms of a branch record to the same places: begin before each arm, end behind the last. */
typedef struct qt_record_arms {
    size_t base;
    qt_qir_record *kept; /* what an earlier arm recorded */
    size_t kept_count;
} qt_record_arms;
void qt_record_arms_done(qt_record_arms *arms);
qt_code qt_reader_end_arm(qt_reader *r, qt_record_arms *arms, qt_err *err);
qt_code qt_reader_end_arms(qt_reader *r, qt_record_arms *arms, qt_err *err);
/* Makes the registers of the builder and gives the known records their places. */
qt_code qt_reader_make_registers(qt_reader *r, qt_err *err);

/* walk.c: runs a function from its first block to its end. */
qt_code qt_reader_run(qt_reader *r, qt_frame *f, qt_sym *ret_value, qt_err *err);

#endif
