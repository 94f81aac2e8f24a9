/* Reports of the profile checker: rules, release, printing, and as bytes. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "qir/helper_wire.h"

#include <stdlib.h>
#include <string.h>

const qt_qir_rule_info *qt_qir_rule_get_info(qt_qir_rule rule) {
    static const qt_qir_rule_info table[] = {
#define QT_QIR_RULE(name, id, profiles, section, text, hint)                                       \
    {id, QT_QIR_FOR_##profiles, section, text, hint},
#include "qir/rules.def"
#undef QT_QIR_RULE
    };
    return &table[rule];
}

void qt_qir_report_done(qt_qir_report *report) {
    free(report->violations);
    qt_arena_done(&report->strings);
    *report = (qt_qir_report){0};
}

void qt_qir_report_print(const qt_qir_report *report, qt_buf *ret_text) {
    for (size_t i = 0; i < report->count; i++) {
        const qt_qir_violation *v = &report->violations[i];
        const qt_qir_rule_info *rule = qt_qir_rule_get_info(v->rule);
        qt_buf_printf(ret_text, "[%s] %s\n", rule->id, rule->text);
        if (v->detail[0] != '\0') {
            qt_buf_printf(ret_text, "  found: %s\n", v->detail);
        }
        if (v->function[0] != '\0') {
            qt_buf_printf(ret_text, "  in:    function %s%s%s\n", v->function,
                          v->block[0] != '\0' ? ", block " : "", v->block);
        }
        if (v->instruction[0] != '\0') {
            qt_buf_printf(ret_text, "  at:    %s\n", v->instruction);
        }
        qt_buf_printf(ret_text, "  spec:  %s\n  hint:  %s\n", rule->section, rule->hint);
    }
}

/* ---- as bytes: profile, found, count; then per violation its rule and four texts ---- */

enum { TEXTS = 4, MAX_TEXT_BYTES = 1 << 16 };

static void put(qt_buf *out, uint64_t v) {
    qt_buf_add(out, &v, sizeof v);
}

void qt_qir_report_pack(const qt_qir_report *report, qt_buf *out) {
    put(out, report->profile);
    put(out, report->found);
    put(out, report->count);
    for (size_t i = 0; i < report->count; i++) {
        const qt_qir_violation *v = &report->violations[i];
        const char *const texts[TEXTS] = {v->function, v->block, v->instruction, v->detail};
        put(out, v->rule);
        for (size_t k = 0; k < TEXTS; k++) {
            put(out, strlen(texts[k]));
            qt_buf_add_str(out, texts[k]);
        }
    }
}

typedef struct cursor {
    const char *data;
    size_t left;
    bool no_memory;
} cursor;

static bool get(cursor *c, uint64_t max, uint64_t *ret_v) {
    uint64_t v = 0;
    if (c->left < sizeof v) {
        return false;
    }
    memcpy(&v, c->data, sizeof v);
    c->data += sizeof v;
    c->left -= sizeof v;
    *ret_v = v;
    return v <= max;
}

static bool get_text(cursor *c, qt_arena *arena, const char **ret_text) {
    uint64_t len = 0;
    if (!get(c, MAX_TEXT_BYTES, &len) || len > c->left) {
        return false;
    }
    *ret_text = qt_arena_strndup(arena, c->data, len);
    c->data += len;
    c->left -= len;
    c->no_memory = *ret_text == NULL;
    return *ret_text != NULL;
}

static bool get_violation(cursor *c, qt_arena *arena, qt_qir_violation *ret) {
    uint64_t rule = 0;
    bool good = get(c, QT_QIR_RULE_COUNT_ - 1, &rule);
    ret->rule = (qt_qir_rule)rule;
    return good && get_text(c, arena, &ret->function) && get_text(c, arena, &ret->block) &&
           get_text(c, arena, &ret->instruction) && get_text(c, arena, &ret->detail);
}

qt_code qt_qir_report_unpack(const char *data, size_t len, qt_qir_report *ret_report, qt_err *err) {
    cursor c = {.data = data, .left = len};
    uint64_t profile = 0;
    uint64_t count = 0;
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
    qt_arena_init(&report.strings, 0);
    bool good = get(&c, QT_QIR_ADAPTIVE, &profile) && get(&c, UINT64_MAX, &report.found) &&
                get(&c, len / sizeof(uint64_t), &count);
    report.profile = (qt_qir_profile)profile;
    if (good) {
        QT_TRY(qt_try_calloc(count, sizeof *report.violations, (void **)&report.violations, err));
    }
    for (; good && report.count < count; report.count++) {
        good = get_violation(&c, &report.strings, &report.violations[report.count]);
    }
    if (c.no_memory) {
        return qt_fail(err, OUT_OF_MEMORY, "the report of the profile checker");
    }
    if (!good || c.left > 0) {
        return qt_fail(err, DATA_CORRUPT, "the bytes are no report of the profile checker");
    }
    *ret_report = report;
    report = (qt_qir_report){0};
    return QT_OK;
}
