#include "qir/check.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "qir/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX_VIOLATIONS = 1000, DEFAULT_MAX_BYTES = 64 << 20, MAX_TEXT = 160 };

bool qt_checker_is_base(const qt_checker *c) {
    return c->report->profile == QT_QIR_BASE;
}

static const char *keep(qt_checker *c, const char *text, size_t len) {
    const char *copy = qt_arena_strndup(&c->report->strings, text, len < MAX_TEXT ? len : MAX_TEXT);
    c->failed = c->failed || copy == NULL;
    return copy != NULL ? copy : "";
}

static const char *keep_name(qt_checker *c, LLVMValueRef v) {
    size_t len = 0;
    const char *name = v != NULL ? LLVMGetValueName2(v, &len) : "";
    return keep(c, name, len);
}

static const char *keep_block(qt_checker *c) {
    if (c->block == NULL) {
        return "";
    }
    const char *name = LLVMGetBasicBlockName(c->block);
    if (name[0] != '\0') {
        return keep(c, name, strlen(name));
    }
    char number[16];
    snprintf(number, sizeof number, "#%u", c->block_number);
    return keep(c, number, strlen(number));
}

static const char *keep_instruction(qt_checker *c) {
    if (c->instruction == NULL) {
        return "";
    }
    char *text = LLVMPrintValueToString(c->instruction);
    const char *start = text + strspn(text, " ");
    const char *kept = keep(c, start, strcspn(start, "\n"));
    LLVMDisposeMessage(text);
    return kept;
}

static bool grow(qt_checker *c) {
    qt_qir_report *report = c->report;
    if (report->count < c->capacity) {
        return true;
    }
    size_t capacity = c->capacity > 0 ? c->capacity * 2 : 8;
    void *mem = report->violations;
    qt_err ignored;
    if (qt_try_realloc(&mem, capacity * sizeof *report->violations, &ignored) != QT_OK) {
        return false;
    }
    report->violations = mem;
    c->capacity = capacity;
    return true;
}

void qt_checker_add(qt_checker *c, qt_qir_rule rule, const char *fmt, ...) {
    qt_qir_report *report = c->report;
    report->found++;
    if (report->count >= c->max_violations || c->failed) {
        return;
    }
    if (!grow(c)) {
        c->failed = true;
        return;
    }
    char detail[MAX_TEXT];
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    report->violations[report->count++] = (qt_qir_violation){
        .rule = rule,
        .function = keep_name(c, c->function),
        .block = keep_block(c),
        .instruction = keep_instruction(c),
        .detail = keep(c, detail, strlen(detail)),
    };
}

static qt_qir_profile claimed_profile(const qt_llvm_module *m) {
    for (LLVMValueRef f = LLVMGetFirstFunction(m->module); f != NULL; f = LLVMGetNextFunction(f)) {
        size_t len = 0;
        const char *value =
            qt_llvm_is_entry_point(f) ? qt_llvm_attribute(f, "qir_profiles", &len) : NULL;
        if (value != NULL && len >= 8 && memcmp(value, "adaptive", 8) == 0) {
            return QT_QIR_ADAPTIVE;
        }
    }
    return QT_QIR_BASE;
}

qt_code qt_qir_check_module(const qt_llvm_module *m, const qt_qir_check_options *options,
                            qt_qir_report *ret_report, qt_err *err) {
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.profile = options->profile};
    qt_arena_init(&report.strings, 0);
    if (report.profile == QT_QIR_AUTO) {
        report.profile = claimed_profile(m);
    }
    qt_checker c = {.module = m, .report = &report, .max_violations = options->max_violations};
    c.max_violations = c.max_violations > 0 ? c.max_violations : DEFAULT_MAX_VIOLATIONS;
    qt_checker_flags(&c);
    qt_checker_entry_points(&c);
    if (qt_checker_is_base(&c)) {
        qt_checker_base(&c);
    } else {
        QT_TRY(qt_checker_adaptive(&c, err));
    }
    if (c.failed) {
        return qt_fail(err, OUT_OF_MEMORY, "the report of the profile checker");
    }
    *ret_report = report;
    report = (qt_qir_report){0};
    return QT_OK;
}

qt_code qt_qir_check(const char *data, size_t len, const qt_qir_check_options *options,
                     qt_qir_report *ret_report, qt_err *err) {
    static const qt_qir_check_options defaults;
    const qt_qir_check_options *o = options != NULL ? options : &defaults;
    size_t max_bytes = o->max_bytes > 0 ? o->max_bytes : DEFAULT_MAX_BYTES;
    if (len > max_bytes) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "the program has %zu bytes; the limit is %zu", len,
                       max_bytes);
    }
    QT_CLEANUP(qt_llvm_module_done) qt_llvm_module m = {0};
    QT_TRY(qt_llvm_module_open(data, len, false, &m, err));
    QT_TRY(qt_llvm_module_verify(&m, err));
    return qt_qir_check_module(&m, o, ret_report, err);
}

qt_code qt_qir_check_strict(const qt_llvm_module *m, qt_err *err) {
    qt_qir_check_options options = {.max_violations = 1};
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
    QT_TRY(qt_qir_check_module(m, &options, &report, err));
    if (report.found == 0) {
        return QT_OK;
    }
    const qt_qir_violation *v = &report.violations[0];
    const qt_qir_rule_info *rule = qt_qir_rule_get_info(v->rule);
    return qt_fail(err, CIRCUIT_UNSUPPORTED,
                   "the program breaks the %s profile in %llu places, first: [%s] %s %s",
                   qt_qir_profile_name(report.profile), (unsigned long long)report.found, rule->id,
                   rule->text, v->detail);
}
