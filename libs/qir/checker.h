/* Inside libs/qir: the state of the profile checker. */
#ifndef QT_QIR_CHECKER_H
#define QT_QIR_CHECKER_H

#include "qir/cfg.h"
#include "qir/check.h"
#include "qir/functions.h"
#include "qir/llvm_module.h"

/* The optional capabilities that the module flags claim. */
typedef struct qt_qir_capabilities {
    bool dynamic_qubits, dynamic_results;
    bool ir_functions, multiple_targets, multiple_returns, arrays;
    unsigned backwards_branching;
    LLVMValueRef int_types, float_types; /* metadata lists of names, or NULL */
} qt_qir_capabilities;

typedef struct qt_checker {
    const qt_llvm_module *module;
    qt_qir_report *report;
    size_t max_violations, capacity;
    bool failed; /* out of memory */
    qt_qir_capabilities has;
    LLVMValueRef entry; /* NULL: none */
    uint64_t num_qubits, num_results;
    bool knows_qubits, knows_results;
    LLVMValueRef function; /* being checked */
    LLVMBasicBlockRef block;
    unsigned block_number;
    LLVMValueRef instruction;
} qt_checker;

/* Notes a violation at the place where the checker is. */
void qt_checker_add(qt_checker *c, qt_qir_rule rule, const char *fmt, ...) QT_PRINTF(3, 4);
bool qt_checker_is_base(const qt_checker *c);

/* Whether the flags list a classical type; i1 always is. */
bool qt_checker_has_type(const qt_checker *c, LLVMTypeRef type);

/* What a call is, for rules on places. */
typedef enum qt_call_kind {
    QT_CALL_OTHER,
    QT_CALL_INITIALIZE,
    QT_CALL_GATE,         /* a quantum instruction that is not irreversible */
    QT_CALL_IRREVERSIBLE, /* one that is */
    QT_CALL_RECORD,
    QT_CALL_RUNTIME,
    QT_CALL_IGNORED, /* debug information */
} qt_call_kind;

/* check_calls.c */
qt_call_kind qt_checker_call_kind(LLVMValueRef call);
/* The rules on one call that hold wherever it stands. */
void qt_checker_call(qt_checker *c, LLVMValueRef call);
/* How an argument of a call is used. */
typedef enum qt_argument_role {
    QT_ARGUMENT_VALUE,
    QT_ARGUMENT_QUBIT,
    QT_ARGUMENT_RESULT,
    QT_ARGUMENT_LABEL,
    QT_ARGUMENT_MEMORY, /* arrays and error flags */
} qt_argument_role;
qt_argument_role qt_checker_role(LLVMValueRef call, unsigned i);

/* check_module.c: attributes and flags. */
void qt_checker_flags(qt_checker *c);
void qt_checker_entry_points(qt_checker *c);

/* check_base.c, check_adaptive.c: the structure of functions. */
void qt_checker_base(qt_checker *c);
qt_code qt_checker_adaptive(qt_checker *c, qt_err *err);

/* The whole, on an open module. */
qt_code qt_qir_check_module(const qt_llvm_module *m, const qt_qir_check_options *options,
                            qt_qir_report *ret_report, qt_err *err);
/* CIRCUIT_UNSUPPORTED with the first violation of the profile that the module claims, and how many
 * there are. */
qt_code qt_qir_check_strict(const qt_llvm_module *m, qt_err *err);

#endif
