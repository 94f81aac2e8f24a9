/* Inside libs/qasm: the syntax tree of an OpenQASM 3 program, statement by statement.
 *
 * Nodes live in an arena: a top-level statement's until it has been elaborated, those of a
 * subroutine as long as the parse. `at` is the place in the source. */
#ifndef QT_QASM_AST_H
#define QT_QASM_AST_H

#include "qasm/gates.h"
#include "qasm/lex.h"

typedef struct ast_expr ast_expr;
typedef struct ast_stmt ast_stmt;

typedef enum ast_expr_kind {
    EXPR_INT,      /* i; `big` integers have words */
    EXPR_REAL,     /* f */
    EXPR_IMAG,     /* f */
    EXPR_BOOL,     /* i */
    EXPR_BITS,     /* text, len */
    EXPR_TIME,     /* text, len */
    EXPR_NAME,     /* name */
    EXPR_HARDWARE, /* i */
    EXPR_UNARY,    /* op, a */
    EXPR_BINARY,   /* op, a, b */
    EXPR_CONCAT,   /* a, b */
    EXPR_INDEX,    /* a, list: the items of one pair of brackets */
    EXPR_RANGE,    /* a : b : c, each may be NULL; a first, b step, c last */
    EXPR_SET,      /* list */
    EXPR_LIST,     /* list: an array literal */
    EXPR_CALL,     /* name, list */
    EXPR_CAST,     /* type, a */
    EXPR_MEASURE,  /* a */
    EXPR_DURATION_OF,
} ast_expr_kind;

typedef enum ast_type_kind {
    TYPE_VOID,
    TYPE_BOOL,
    TYPE_BIT,
    TYPE_INT,
    TYPE_UINT,
    TYPE_FLOAT,
    TYPE_ANGLE,
    TYPE_COMPLEX,
    TYPE_DURATION,
    TYPE_STRETCH,
    TYPE_QUBIT,
    TYPE_ARRAY, /* base, dims, or dim_count alone (#dim) */
} ast_type_kind;

typedef struct ast_type {
    uint8_t kind;
    ast_expr *size; /* NULL: none given */
    struct ast_type *base;
    ast_expr **dims;
    uint32_t dim_count;
    bool any_dims;  /* array[int, #dim=2] */
    ast_expr *rank; /* the 2 */
    const char *at;
} ast_type;

struct ast_expr {
    uint8_t kind; /* ast_expr_kind */
    uint8_t op;   /* qt_operator */
    uint32_t count;
    const char *at;
    qasm_name *name;
    ast_expr *a;
    ast_expr *b;
    union {
        ast_expr *c;
        ast_expr **list;
        ast_type *type;
        const char *text;
    };
    union {
        uint64_t i;
        double f;
        size_t len;
    };
    bool big; /* INT: text and len have the digits */
};

typedef enum ast_stmt_kind {
    STMT_NOP,
    STMT_DECLARE,  /* type, name, expr (initializer or NULL); flags */
    STMT_QUBIT,    /* name, type->size */
    STMT_ALIAS,    /* name, expr */
    STMT_ASSIGN,   /* target, op (or NO_OP), expr */
    STMT_MEASURE,  /* expr (operand), target or NULL */
    STMT_RESET,    /* expr */
    STMT_BARRIER,  /* operands */
    STMT_DELAY,    /* expr, operands */
    STMT_GATE,     /* name, params, operands, modifiers */
    STMT_GATE_DEF, /* name, gate_params, gate_qubits, body */
    STMT_DEF,      /* name, params, type (return), body */
    STMT_EXTERN,   /* name */
    STMT_EXPR,     /* expr */
    STMT_IF,       /* expr, body, other */
    STMT_FOR,      /* type, name, expr, body */
    STMT_WHILE,    /* expr, body */
    STMT_SWITCH,   /* expr, cases */
    STMT_BREAK,
    STMT_CONTINUE,
    STMT_END,
    STMT_RETURN, /* expr or NULL */
    STMT_BOX,    /* expr (duration) or NULL, body */
    STMT_NOTE,   /* text, len: pragma or annotation */
    STMT_SCOPE,  /* body */
} ast_stmt_kind;

enum { NO_OP = 255 };

typedef struct ast_block {
    ast_stmt **items;
    uint32_t count;
} ast_block;

typedef struct ast_case {
    ast_expr **values;
    uint32_t count; /* 0: default */
    ast_block body;
} ast_case;

typedef struct ast_modifier {
    uint8_t kind; /* qasm_modifier_kind; inv is a power without argument */
    ast_expr *arg;
    const char *at;
} ast_modifier;

/* A parameter of a subroutine. */
typedef struct ast_param {
    ast_type *type;
    qasm_name *name;
    bool readonly;
    bool is_mutable;
    const char *at;
} ast_param;

struct ast_stmt {
    uint8_t kind; /* ast_stmt_kind */
    uint8_t op;   /* qt_operator or NO_OP */
    bool is_const, is_input, is_output;
    const char *at;
    const char *name_at;
    const char *end; /* behind a definition */
    qasm_name *name;
    ast_type *type;
    ast_expr *expr;
    ast_expr *target;
    union {
        ast_expr **operands;
        qasm_name **gate_qubits;
        ast_case *cases;
    };
    uint32_t operand_count;
    uint32_t param_count;
    union {
        ast_expr **params;
        qasm_name **gate_params;
        ast_param *def_params;
    };
    ast_modifier *modifiers;
    uint32_t modifier_count;
    ast_block body;
    ast_block other;
    bool has_other;
    const char *text;
    size_t len;
};

#endif
