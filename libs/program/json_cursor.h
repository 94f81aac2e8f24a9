/* Inside libs/program: reading JSON with errors that say where: "line:column: path: what". */
#ifndef QT_PROGRAM_JSON_CURSOR_H
#define QT_PROGRAM_JSON_CURSOR_H

#include "base/err.h"
#include "json/reader.h"

#include <stddef.h>
#include <stdint.h>

enum { QT_JSON_PATH_BYTES = 160 };

typedef struct qt_json_cursor {
    qt_json_reader reader;
    const char *text; /* the whole program: offsets count from here */
    size_t len;
    size_t base; /* where the reader started in it */
    char path[QT_JSON_PATH_BYTES];
    size_t path_len;
    qt_err *err;
} qt_json_cursor;

void qt_json_cursor_init(qt_json_cursor *c, const char *text, size_t len, size_t base,
                         size_t max_nesting, qt_err *err);
void qt_json_cursor_done(qt_json_cursor *c);

/* The next token; syntax errors become CIRCUIT_SYNTAX. token.offset counts from the reader's
 * start. */
qt_code qt_json_cursor_next(qt_json_cursor *c, qt_json_token *ret_token);
qt_code qt_json_cursor_skip(qt_json_cursor *c, const qt_json_token *first);

/* Where in the value: "input", "circuit[3]". Back with the number that was returned. */
size_t qt_json_cursor_enter(qt_json_cursor *c, const char *key, size_t len);
size_t qt_json_cursor_enter_item(qt_json_cursor *c, size_t index);
void qt_json_cursor_leave(qt_json_cursor *c, size_t mark);

/* Fails at a token of the current reader. */
qt_code qt_json_cursor_fail(qt_json_cursor *c, size_t offset, qt_reason reason, const char *fmt,
                            ...) QT_PRINTF(4, 5);
/* The value must have this type. */
qt_code qt_json_cursor_expect(qt_json_cursor *c, const qt_json_token *token, qt_json_type type);
qt_code qt_json_cursor_double(qt_json_cursor *c, const qt_json_token *token, double *ret_value);
/* An integer from 0 to max. */
qt_code qt_json_cursor_index(qt_json_cursor *c, const qt_json_token *token, uint32_t max,
                             uint32_t *ret_value);
/* Whether a key or string is this word. */
bool qt_json_token_is(const qt_json_token *token, const char *word);

#endif
