/* A pull parser for JSON (RFC 8259) over bytes in memory.
 *
 *   qt_json_reader r;
 *   qt_json_reader_init(&r, text, len, 64);
 *   do {
 *       QT_TRY(qt_json_next(&r, &token, err));
 *   } while (token.type != QT_JSON_END);
 *   qt_json_reader_done(&r);
 *
 * Strict: no byte order mark, no comments, no trailing commas, nothing behind the value, valid
 * UTF-8 only, no lone surrogates. Numbers are handed over as text (see json/number.h), repeated
 * keys of an object are handed over as they come. Errors are JSON_SYNTAX, UTF8_INVALID,
 * NESTING_TOO_DEEP (message "line:column: what (byte offset)", columns count characters from 1)
 * and MEMORY_LIMIT. After an error the reader may only be released. One thread at a time. */
#ifndef QT_JSON_READER_H
#define QT_JSON_READER_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { QT_JSON_MAX_DEPTH = 512 };

typedef enum qt_json_type {
    QT_JSON_END, /* the value is over */
    QT_JSON_OBJECT,
    QT_JSON_OBJECT_END,
    QT_JSON_ARRAY,
    QT_JSON_ARRAY_END,
    QT_JSON_KEY,
    QT_JSON_STRING,
    QT_JSON_NUMBER,
    QT_JSON_TRUE,
    QT_JSON_FALSE,
    QT_JSON_NULL,
} qt_json_type;

typedef struct qt_json_token {
    qt_json_type type;
    const char *text; /* key and string: decoded bytes, may hold NULs; number: as written */
    size_t len;       /* text is not NUL-terminated and valid until the next call */
    size_t offset;    /* of its first byte in the input */
} qt_json_token;

typedef enum qt_json_expect {
    QT_JSON_EXPECT_VALUE,
    QT_JSON_EXPECT_VALUE_OR_END,
    QT_JSON_EXPECT_KEY,
    QT_JSON_EXPECT_KEY_OR_END,
    QT_JSON_EXPECT_COMMA_OR_END,
    QT_JSON_EXPECT_NOTHING,
} qt_json_expect;

typedef struct qt_json_reader {
    const char *start;
    const char *pos;
    const char *end;
    qt_json_expect expect;
    size_t depth;
    size_t max_depth;
    uint8_t is_object[QT_JSON_MAX_DEPTH / 8]; /* one bit per open level */
    qt_buf scratch;                           /* the last string that had escapes */
} qt_json_reader;

/* A place to go back to. */
typedef struct qt_json_mark {
    const char *pos;
    qt_json_expect expect;
    size_t depth;
} qt_json_mark;

/* The text is kept, not copied. max_depth: open arrays and objects, up to QT_JSON_MAX_DEPTH. */
void qt_json_reader_init(qt_json_reader *reader, const char *text, size_t len, size_t max_depth);
/* Safe on zeroed memory and twice. */
void qt_json_reader_done(qt_json_reader *reader);

qt_code qt_json_next(qt_json_reader *reader, qt_json_token *ret_token, qt_err *err);
/* Reads to the end of the value that began with `first`, the token returned last. */
qt_code qt_json_skip(qt_json_reader *reader, const qt_json_token *first, qt_err *err);

/* Going back is allowed while the arrays and objects that were open at the mark are still open. */
qt_json_mark qt_json_reader_mark(const qt_json_reader *reader);
void qt_json_reader_rewind(qt_json_reader *reader, const qt_json_mark *mark);

/* Where a byte offset is, for people. Both count from 1. */
void qt_json_position(const qt_json_reader *reader, size_t offset, size_t *ret_line,
                      size_t *ret_column);

/* "a string", "an object", ...: for sentences. Static storage. */
const char *qt_json_type_name(qt_json_type type);

#endif
