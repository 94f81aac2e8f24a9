#include "program/json_cursor.h"

#include "json/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void qt_json_cursor_init(qt_json_cursor *c, const char *text, size_t len, size_t base,
                         size_t max_nesting, qt_err *err) {
    enum { DEFAULT_NESTING = 256 };
    size_t depth = max_nesting > 0 ? max_nesting : DEFAULT_NESTING;
    depth = depth < QT_JSON_MAX_DEPTH ? depth : QT_JSON_MAX_DEPTH;
    *c = (qt_json_cursor){.text = text, .len = len, .base = base, .err = err};
    qt_json_reader_init(&c->reader, text + base, len - base, depth);
}

void qt_json_cursor_done(qt_json_cursor *c) {
    qt_json_reader_done(&c->reader);
}

qt_code qt_json_cursor_next(qt_json_cursor *c, qt_json_token *ret_token) {
    qt_err found;
    qt_code code = qt_json_next(&c->reader, ret_token, &found);
    if (code == QT_OK) {
        return QT_OK;
    }
    /* What is wrong with the JSON is wrong with the circuit. */
    bool deep = found.reason == QT_REASON_NESTING_TOO_DEEP;
    if (!deep && found.reason != QT_REASON_JSON_SYNTAX && found.reason != QT_REASON_UTF8_INVALID) {
        *c->err = found;
        return code;
    }
    qt_reason reason = deep ? QT_REASON_CIRCUIT_TOO_LARGE : QT_REASON_CIRCUIT_SYNTAX;
    return qt_err_raise(c->err, reason, NULL, __FILE__, __LINE__, "%s", found.msg);
}

qt_code qt_json_cursor_skip(qt_json_cursor *c, const qt_json_token *first) {
    if (first->type != QT_JSON_OBJECT && first->type != QT_JSON_ARRAY) {
        return QT_OK;
    }
    qt_json_token token;
    size_t outside = c->reader.depth - 1;
    while (c->reader.depth > outside) {
        QT_TRY(qt_json_cursor_next(c, &token));
    }
    return QT_OK;
}

static size_t append(qt_json_cursor *c, const char *text, size_t len) {
    size_t mark = c->path_len;
    size_t room = sizeof c->path - 1 - c->path_len;
    len = len < room ? len : room;
    memcpy(c->path + c->path_len, text, len);
    c->path_len += len;
    c->path[c->path_len] = '\0';
    return mark;
}

size_t qt_json_cursor_enter(qt_json_cursor *c, const char *key, size_t len) {
    enum { MAX_KEY = 40 };
    size_t mark = c->path_len;
    (void)append(c, ".", c->path_len > 0 ? 1 : 0);
    (void)append(c, key, len < MAX_KEY ? len : MAX_KEY);
    return mark;
}

size_t qt_json_cursor_enter_item(qt_json_cursor *c, size_t index) {
    char text[32];
    int len = snprintf(text, sizeof text, "[%zu]", index);
    return append(c, text, (size_t)len);
}

void qt_json_cursor_leave(qt_json_cursor *c, size_t mark) {
    c->path_len = mark;
    c->path[mark] = '\0';
}

/* Keys come from the program: what is no plain text is shown as '?'. */
static void clean(char *text) {
    for (; *text != '\0'; text++) {
        bool plain = (unsigned char)*text >= ' ' && (unsigned char)*text < 0x7F;
        *text = plain ? *text : '?';
    }
}

qt_code qt_json_cursor_fail(qt_json_cursor *c, size_t offset, qt_reason reason, const char *fmt,
                            ...) {
    char what[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    clean(what);
    char path[QT_JSON_PATH_BYTES];
    memcpy(path, c->path, sizeof path);
    clean(path);
    qt_json_reader whole;
    qt_json_reader_init(&whole, c->text, c->len, 1);
    size_t line = 1;
    size_t column = 1;
    qt_json_position(&whole, c->base + offset, &line, &column);
    qt_json_reader_done(&whole);
    return qt_err_raise(c->err, reason, NULL, __FILE__, __LINE__, "%zu:%zu: %s%s%s", line, column,
                        path, path[0] != '\0' ? ": " : "", what);
}

qt_code qt_json_cursor_expect(qt_json_cursor *c, const qt_json_token *token, qt_json_type type) {
    if (token->type == type) {
        return QT_OK;
    }
    return qt_json_cursor_fail(c, token->offset, QT_REASON_CIRCUIT_SYNTAX, "expected %s, found %s",
                               qt_json_type_name(type), qt_json_type_name(token->type));
}

qt_code qt_json_cursor_double(qt_json_cursor *c, const qt_json_token *token, double *ret_value) {
    QT_TRY(qt_json_cursor_expect(c, token, QT_JSON_NUMBER));
    double value = 0;
    if (!qt_json_parse_double(token->text, token->len, &value) || !isfinite(value)) {
        return qt_json_cursor_fail(c, token->offset, QT_REASON_CIRCUIT_SYNTAX,
                                   "the number is out of range");
    }
    *ret_value = value;
    return QT_OK;
}

qt_code qt_json_cursor_index(qt_json_cursor *c, const qt_json_token *token, uint32_t max,
                             uint32_t *ret_value) {
    QT_TRY(qt_json_cursor_expect(c, token, QT_JSON_NUMBER));
    uint64_t value = 0;
    if (!qt_json_parse_u64(token->text, token->len, &value) || value > max) {
        int shown = token->len < 24 ? (int)token->len : 24;
        return qt_json_cursor_fail(c, token->offset, QT_REASON_CIRCUIT_SYNTAX,
                                   "%.*s is no integer from 0 to %u", shown, token->text, max);
    }
    *ret_value = (uint32_t)value;
    return QT_OK;
}

bool qt_json_token_is(const qt_json_token *token, const char *word) {
    size_t len = strlen(word);
    return token->len == len && memcmp(token->text, word, len) == 0;
}
