#include "json/reader.h"

#include "base/utf8.h"
#include "json/scan.h"

#include <string.h>

void qt_json_reader_init(qt_json_reader *reader, const char *text, size_t len, size_t max_depth) {
    *reader = (qt_json_reader){.start = text,
                               .pos = text,
                               .end = text + len,
                               .expect = QT_JSON_EXPECT_VALUE,
                               .max_depth =
                                   max_depth < QT_JSON_MAX_DEPTH ? max_depth : QT_JSON_MAX_DEPTH};
}

void qt_json_reader_done(qt_json_reader *reader) {
    qt_buf_done(&reader->scratch);
}

void qt_json_position(const qt_json_reader *reader, size_t offset, size_t *ret_line,
                      size_t *ret_column) {
    size_t line = 1;
    size_t column = 1;
    for (const char *p = reader->start; p < reader->end && p < reader->start + offset; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xC0U) != 0x80U) {
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

static qt_code fail_at(const qt_json_reader *r, const char *at, qt_reason reason, const char *what,
                       qt_err *err) {
    size_t offset = (size_t)(at - r->start);
    size_t line;
    size_t column;
    qt_json_position(r, offset, &line, &column);
    return qt_err_raise(err, reason, NULL, __FILE__, __LINE__, "%zu:%zu: %s (byte %zu)", line,
                        column, what, offset);
}

static qt_code fail_syntax(const qt_json_reader *r, const char *at, const char *what, qt_err *err) {
    return fail_at(r, at, QT_REASON_JSON_SYNTAX, at < r->end ? what : "the text ends too early",
                   err);
}

static void skip_space(qt_json_reader *r) {
    while (r->pos < r->end &&
           (*r->pos == ' ' || *r->pos == '\n' || *r->pos == '\r' || *r->pos == '\t')) {
        r->pos++;
    }
}

static bool in_object(const qt_json_reader *r) {
    size_t level = r->depth - 1;
    return ((unsigned)r->is_object[level / 8] >> (level % 8) & 1U) != 0;
}

static void value_done(qt_json_reader *r) {
    r->expect = r->depth > 0 ? QT_JSON_EXPECT_COMMA_OR_END : QT_JSON_EXPECT_NOTHING;
}

static qt_code open_level(qt_json_reader *r, bool object, qt_json_token *token, qt_err *err) {
    if (r->depth >= r->max_depth) {
        return fail_at(r, r->pos, QT_REASON_NESTING_TOO_DEEP, "nested too deep", err);
    }
    uint8_t bit = (uint8_t)(1U << (r->depth % 8));
    uint8_t *byte = &r->is_object[r->depth / 8];
    *byte = (uint8_t)(object ? *byte | bit : *byte & (uint8_t)~bit);
    r->depth++;
    r->pos++;
    r->expect = object ? QT_JSON_EXPECT_KEY_OR_END : QT_JSON_EXPECT_VALUE_OR_END;
    token->type = object ? QT_JSON_OBJECT : QT_JSON_ARRAY;
    return QT_OK;
}

static qt_code close_level(qt_json_reader *r, qt_json_token *token) {
    token->type = in_object(r) ? QT_JSON_OBJECT_END : QT_JSON_ARRAY_END;
    r->depth--;
    r->pos++;
    value_done(r);
    return QT_OK;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Reads XXXX of \uXXXX; -1 when it is none. */
static long read_hex4(const char *p, const char *end) {
    if (end - p < 4) {
        return -1;
    }
    long v = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0) {
            return -1;
        }
        v = v * 16 + digit;
    }
    return v;
}

static char *put_utf8(char *to, unsigned long c) {
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0U | c >> 6);
        *to++ = (char)(0x80U | (c & 0x3FU));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0U | c >> 12);
        *to++ = (char)(0x80U | (c >> 6 & 0x3FU));
        *to++ = (char)(0x80U | (c & 0x3FU));
    } else {
        *to++ = (char)(0xF0U | c >> 18);
        *to++ = (char)(0x80U | (c >> 12 & 0x3FU));
        *to++ = (char)(0x80U | (c >> 6 & 0x3FU));
        *to++ = (char)(0x80U | (c & 0x3FU));
    }
    return to;
}

/* *p is behind "\u"; moves it behind the escape, which may be a pair. */
static qt_code unicode_escape(const qt_json_reader *r, const char **p, const char *end, char **to,
                              qt_err *err) {
    const char *at = *p - 2;
    long first = read_hex4(*p, end);
    if (first < 0) {
        return fail_syntax(r, at, "\\u needs four hexadecimal digits", err);
    }
    *p += 4;
    unsigned long c = (unsigned long)first;
    if (c >= 0xD800 && c <= 0xDFFF) {
        long second =
            end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ? read_hex4(*p + 2, end) : -1;
        if (c > 0xDBFF || second < 0xDC00 || second > 0xDFFF) {
            return fail_syntax(r, at, "half of a surrogate pair", err);
        }
        *p += 6;
        c = 0x10000 + ((c - 0xD800) << 10) + ((unsigned long)second - 0xDC00);
    }
    *to = put_utf8(*to, c);
    return QT_OK;
}

static char simple_escape(char c) {
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

/* Decodes [p, end), which has complete escapes, into the scratch buffer. The result is never
 * longer than the source. */
static qt_code unescape(qt_json_reader *r, const char *p, const char *end, qt_json_token *token,
                        qt_err *err) {
    qt_buf_clear(&r->scratch);
    char *to = qt_buf_reserve(&r->scratch, (size_t)(end - p));
    QT_TRY(qt_buf_check(&r->scratch, err));
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash != NULL ? slash : end) - p);
        memcpy(to, p, plain);
        to += plain;
        p += plain;
        if (slash == NULL) {
            break;
        }
        char c = simple_escape(p[1]);
        p += 2;
        if (p[-1] == 'u') {
            QT_TRY(unicode_escape(r, &p, end, &to, err));
        } else if (c != '\0') {
            *to++ = c;
        } else {
            return fail_syntax(r, p - 2, "unknown escape", err);
        }
    }
    token->text = r->scratch.data;
    token->len = (size_t)(to - r->scratch.data);
    return QT_OK;
}

/* r->pos is at the opening quote. */
static qt_code read_string(qt_json_reader *r, qt_json_token *token, qt_err *err) {
    const char *begin = r->pos + 1;
    const char *p = begin;
    bool high = false;
    bool escaped = false;
    for (;;) {
        p = qt_json_scan(p, r->end, &high);
        if (p == r->end || (*p == '\\' && r->end - p < 2)) {
            return fail_syntax(r, r->end, "", err);
        }
        if (*p == '"') {
            break;
        }
        if (*p != '\\') {
            return fail_syntax(r, p, "control character in a string", err);
        }
        escaped = true;
        p++; /* what it escapes may be a quote or another backslash */
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7E) {
            return fail_syntax(r, p - 1, "unknown escape", err);
        }
        p++;
    }
    size_t bad = 0;
    if (high && !qt_utf8_valid(begin, (size_t)(p - begin), &bad)) {
        return fail_at(r, begin + bad, QT_REASON_UTF8_INVALID, "not valid UTF-8", err);
    }
    r->pos = p + 1;
    if (escaped) {
        return unescape(r, begin, p, token, err);
    }
    token->text = begin;
    token->len = (size_t)(p - begin);
    return QT_OK;
}

static const char *skip_digits(const char *p, const char *end) {
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return p;
}

static qt_code read_number(qt_json_reader *r, qt_json_token *token, qt_err *err) {
    const char *p = r->pos + (*r->pos == '-');
    const char *digits = p;
    p = skip_digits(p, r->end);
    if (p == digits) {
        return fail_syntax(r, p, "a number needs a digit here", err);
    }
    if (*digits == '0' && p - digits > 1) {
        return fail_syntax(r, digits, "a number must not start with 0", err);
    }
    if (p < r->end && *p == '.') {
        digits = ++p;
        p = skip_digits(p, r->end);
        if (p == digits) {
            return fail_syntax(r, p, "a number needs a digit here", err);
        }
    }
    if (p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < r->end && (*p == '+' || *p == '-');
        digits = p;
        p = skip_digits(p, r->end);
        if (p == digits) {
            return fail_syntax(r, p, "a number needs a digit here", err);
        }
    }
    token->type = QT_JSON_NUMBER;
    token->text = r->pos;
    token->len = (size_t)(p - r->pos);
    r->pos = p;
    value_done(r);
    return QT_OK;
}

static qt_code read_word(qt_json_reader *r, const char *word, qt_json_type type,
                         qt_json_token *token, qt_err *err) {
    size_t len = strlen(word);
    if ((size_t)(r->end - r->pos) < len || memcmp(r->pos, word, len) != 0) {
        return fail_syntax(r, r->pos, "expected a value", err);
    }
    r->pos += len;
    token->type = type;
    value_done(r);
    return QT_OK;
}

static qt_code read_value(qt_json_reader *r, qt_json_token *token, qt_err *err) {
    switch (*r->pos) {
    case '{':
        return open_level(r, true, token, err);
    case '[':
        return open_level(r, false, token, err);
    case '"':
        QT_TRY(read_string(r, token, err));
        token->type = QT_JSON_STRING;
        value_done(r);
        return QT_OK;
    case 't':
        return read_word(r, "true", QT_JSON_TRUE, token, err);
    case 'f':
        return read_word(r, "false", QT_JSON_FALSE, token, err);
    case 'n':
        return read_word(r, "null", QT_JSON_NULL, token, err);
    default:
        if (*r->pos == '-' || (*r->pos >= '0' && *r->pos <= '9')) {
            return read_number(r, token, err);
        }
        return fail_syntax(r, r->pos, "expected a value", err);
    }
}

static qt_code read_key(qt_json_reader *r, qt_json_token *token, qt_err *err) {
    if (*r->pos != '"') {
        return fail_syntax(r, r->pos, "expected a key in quotes", err);
    }
    QT_TRY(read_string(r, token, err));
    token->type = QT_JSON_KEY;
    skip_space(r);
    if (r->pos == r->end || *r->pos != ':') {
        return fail_syntax(r, r->pos, "expected ':'", err);
    }
    r->pos++;
    r->expect = QT_JSON_EXPECT_VALUE;
    return QT_OK;
}

/* r->pos is behind a value inside an array or object. */
static qt_code after_value(qt_json_reader *r, qt_json_token *token, qt_err *err) {
    bool object = in_object(r);
    if (*r->pos == (object ? '}' : ']')) {
        return close_level(r, token);
    }
    if (*r->pos != ',') {
        return fail_syntax(r, r->pos, object ? "expected ',' or '}'" : "expected ',' or ']'", err);
    }
    r->pos++;
    skip_space(r);
    if (r->pos == r->end) {
        return fail_syntax(r, r->end, "", err);
    }
    token->offset = (size_t)(r->pos - r->start);
    return object ? read_key(r, token, err) : read_value(r, token, err);
}

static qt_code at_end(qt_json_reader *r, qt_json_token *token, qt_err *err) {
    if (r->expect != QT_JSON_EXPECT_NOTHING) {
        return fail_syntax(r, r->end, "", err);
    }
    token->type = QT_JSON_END;
    return QT_OK;
}

static qt_code dispatch(qt_json_reader *r, qt_json_token *token, qt_err *err) {
    switch (r->expect) {
    case QT_JSON_EXPECT_VALUE_OR_END:
        return *r->pos == ']' ? close_level(r, token) : read_value(r, token, err);
    case QT_JSON_EXPECT_VALUE:
        return read_value(r, token, err);
    case QT_JSON_EXPECT_KEY_OR_END:
        return *r->pos == '}' ? close_level(r, token) : read_key(r, token, err);
    case QT_JSON_EXPECT_KEY:
        return read_key(r, token, err);
    case QT_JSON_EXPECT_COMMA_OR_END:
        return after_value(r, token, err);
    case QT_JSON_EXPECT_NOTHING:
        break;
    }
    return fail_syntax(r, r->pos, "nothing may follow the value", err);
}

qt_code qt_json_next(qt_json_reader *reader, qt_json_token *ret_token, qt_err *err) {
    skip_space(reader);
    qt_json_token token = {.text = "", .offset = (size_t)(reader->pos - reader->start)};
    if (reader->pos == reader->end) {
        QT_TRY(at_end(reader, &token, err));
    } else {
        QT_TRY(dispatch(reader, &token, err));
    }
    *ret_token = token;
    return QT_OK;
}

qt_code qt_json_skip(qt_json_reader *reader, const qt_json_token *first, qt_err *err) {
    if (first->type != QT_JSON_OBJECT && first->type != QT_JSON_ARRAY) {
        return QT_OK;
    }
    size_t outside = reader->depth - 1;
    while (reader->depth > outside) {
        qt_json_token token;
        QT_TRY(qt_json_next(reader, &token, err));
    }
    return QT_OK;
}

qt_json_mark qt_json_reader_mark(const qt_json_reader *reader) {
    return (qt_json_mark){.pos = reader->pos, .expect = reader->expect, .depth = reader->depth};
}

void qt_json_reader_rewind(qt_json_reader *reader, const qt_json_mark *mark) {
    reader->pos = mark->pos;
    reader->expect = mark->expect;
    reader->depth = mark->depth;
}

const char *qt_json_type_name(qt_json_type type) {
    static const char *const names[] = {
        [QT_JSON_END] = "nothing",     [QT_JSON_OBJECT] = "an object", [QT_JSON_OBJECT_END] = "'}'",
        [QT_JSON_ARRAY] = "an array",  [QT_JSON_ARRAY_END] = "']'",    [QT_JSON_KEY] = "a key",
        [QT_JSON_STRING] = "a string", [QT_JSON_NUMBER] = "a number",  [QT_JSON_TRUE] = "a boolean",
        [QT_JSON_FALSE] = "a boolean", [QT_JSON_NULL] = "null",
    };
    return names[type];
}
