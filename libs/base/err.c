#include "base/err.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    qt_code code;
    const char *text;
} reasons[] = {
    [QT_REASON_NONE] = {"", QT_OK, ""},
#define QT_REASON(name, code, text) [QT_REASON_##name] = {#name, QT_##code, text},
#include "base/reasons.def"
#undef QT_REASON
};

static const char *const code_names[] = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

const char *qt_code_name(qt_code code) {
    size_t i = (size_t)code;
    return i < sizeof code_names / sizeof *code_names ? code_names[i] : "UNKNOWN";
}

static size_t reason_index(qt_reason reason) {
    return (size_t)reason < QT_REASON_COUNT_ ? (size_t)reason : QT_REASON_INTERNAL;
}

const char *qt_reason_name(qt_reason reason) {
    return reasons[reason_index(reason)].name;
}

const char *qt_reason_text(qt_reason reason) {
    return reasons[reason_index(reason)].text;
}

qt_code qt_reason_code(qt_reason reason) {
    return reasons[reason_index(reason)].code;
}

qt_reason qt_reason_from_name(const char *name) {
    for (size_t i = 1; name != NULL && i < QT_REASON_COUNT_; i++) {
        if (strcmp(reasons[i].name, name) == 0) {
            return (qt_reason)i;
        }
    }
    return QT_REASON_NONE;
}

/* snprintf cuts at a byte; a cut inside a UTF-8 sequence would make the whole message invalid. */
static void cut_utf8(char *s, size_t cap, int wanted) {
    if (wanted < 0) {
        s[0] = '\0';
        return;
    }
    if ((size_t)wanted < cap) {
        return;
    }
    size_t end = cap - 1;
    size_t start = end;
    while (start > 0 && ((unsigned char)s[start - 1] & 0xC0U) == 0x80U) {
        start--;
    }
    if (start > 0 && (unsigned char)s[start - 1] >= 0xC0U) {
        s[start - 1] = '\0';
    }
}

qt_code qt_err_raise(qt_err *err, qt_reason reason, const char *field, const char *file, int line,
                     const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char msg[sizeof err->msg];
    int n = vsnprintf(msg, sizeof msg, fmt, args); /* fmt may use the old message */
    va_end(args);
    cut_utf8(msg, sizeof msg, n);

    *err = (qt_err){.code = qt_reason_code(reason), .reason = reason, .file = file, .line = line};
    memcpy(err->msg, msg, sizeof msg);
    if (field != NULL) {
        cut_utf8(err->field, sizeof err->field,
                 snprintf(err->field, sizeof err->field, "%s", field));
    }
    return err->code;
}

qt_code qt_err_raise_remote(qt_err *err, qt_code code, const char *reason, const char *msg) {
    qt_reason known = qt_reason_from_name(reason);
    if (known == QT_REASON_NONE) {
        known = QT_REASON_REMOTE_ERROR;
    }
    qt_code ignored = qt_err_raise(err, known, NULL, __FILE__, __LINE__, "%s", msg ? msg : "");
    (void)ignored;
    err->code = code == QT_OK ? QT_UNKNOWN : code;
    return err->code;
}

qt_code qt_wrap(qt_err *err, const char *context) {
    char msg[sizeof err->msg];
    cut_utf8(msg, sizeof msg, snprintf(msg, sizeof msg, "%s: %s", context, err->msg));
    memcpy(err->msg, msg, sizeof msg);
    return err->code;
}

void qt_err_prefix_field(qt_err *err, const char *prefix) {
    if (err->field[0] == '\0') {
        return;
    }
    char path[sizeof err->field];
    cut_utf8(path, sizeof path, snprintf(path, sizeof path, "%s%s", prefix, err->field));
    memcpy(err->field, path, sizeof path);
}
