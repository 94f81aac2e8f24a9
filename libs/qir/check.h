/* The QIR profile checker: every rule of the Base and the Adaptive profile that an LLVM module
 * can break. The rules, with the spec's sections, stand in qir/rules.def. qt_qir_check() is part of
 * qt_qir_llvm, the rest of qt_qir. */
#ifndef QT_QIR_CHECK_H
#define QT_QIR_CHECK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "qir/qir.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum qt_qir_rule {
#define QT_QIR_RULE(name, id, profiles, section, text, hint) QT_QIR_RULE_##name,
#include "qir/rules.def"
#undef QT_QIR_RULE
    QT_QIR_RULE_COUNT_
} qt_qir_rule;

enum { QT_QIR_FOR_BASE = 1, QT_QIR_FOR_ADAPTIVE = 2, QT_QIR_FOR_BOTH = 3 };

typedef struct qt_qir_rule_info {
    const char *id;      /* "base-four-blocks" */
    unsigned profiles;   /* QT_QIR_FOR_... */
    const char *section; /* of the specification */
    const char *text;    /* the rule */
    const char *hint;    /* what to do */
} qt_qir_rule_info;

/* Static storage. */
const qt_qir_rule_info *qt_qir_rule_get_info(qt_qir_rule rule);

/* One place where a rule is broken. Texts are "" where they do not apply. */
typedef struct qt_qir_violation {
    qt_qir_rule rule;
    const char *function;
    const char *block;       /* its name, or "#2" for the third block without a name */
    const char *instruction; /* its text, cut to 160 bytes */
    const char *detail;      /* what was found */
} qt_qir_violation;

typedef struct qt_qir_report {
    qt_qir_profile profile; /* that was checked */
    qt_qir_violation *violations;
    size_t count;   /* of violations[] */
    uint64_t found; /* all, also those over the limit */
    qt_arena strings;
} qt_qir_report;

typedef struct qt_qir_check_options {
    qt_qir_profile profile; /* AUTO: the one that the entry point claims, else Base */
    size_t max_violations;  /* that are kept; 0: 1,000 */
    size_t max_bytes;       /* of data; 0: 64 MiB */
} qt_qir_check_options;

/* Safe on zeroed memory. */
void qt_qir_report_done(qt_qir_report *report);

/* Checks text or bitcode. `options` may be NULL. Fails with CIRCUIT_SYNTAX when it is no valid
 * LLVM IR at all; a module that breaks rules is no failure of the call. */
qt_code qt_qir_check(const char *data, size_t len, const qt_qir_check_options *options,
                     qt_qir_report *ret_report, qt_err *err);

/* "function main, block body: `...`: [base-gates] ..." with section and hint, for people. */
void qt_qir_report_print(const qt_qir_report *report, qt_buf *ret_text);

#endif
