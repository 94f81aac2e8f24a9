/* What readers of a user's text found wrong with it: a bounded list of errors with their places.
 *
 * A reader adds errors while it goes on reading; the list keeps up to max_count of them, in the
 * order in which they were added, and no two with the same place. Its memory is its own until
 * qt_diagnostics_done(). One thread at a time. */
#ifndef QT_BASE_DIAGNOSTICS_H
#define QT_BASE_DIAGNOSTICS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QT_MAX_DIAGNOSTICS = 20 }; /* the default of max_count */

/* One error. Columns and lengths count characters (Unicode code points); a tab is one. */
typedef struct qt_diagnostic {
    const char *file; /* an included file; NULL: the text itself */
    uint32_t line;    /* from 1 */
    uint32_t column;  /* from 1 */
    uint32_t length;  /* of what is wrong, inside its line; 0: at the end of the line or text */
    qt_reason reason;
    const char *message;    /* one sentence without the place, e.g. "expected ';', found 'h'" */
    const char *expected;   /* what would be right here, e.g. "';'", or NULL */
    const char *hint;       /* e.g. "did you mean 'cx'?", or NULL */
    const char *source;     /* its line, or the part around the place of a long one; no control
                             * characters but tabs */
    uint32_t source_column; /* from 1: the place in `source` */
} qt_diagnostic;

typedef struct qt_diagnostics {
    qt_diagnostic *items;
    size_t count;
    size_t max_count; /* 0: QT_MAX_DIAGNOSTICS */
    bool is_full;     /* there may be more errors than the list has */
    qt_arena arena;
} qt_diagnostics;

/* The text that a place lies in, with a memory of the last line asked for, so that asking in order
 * is cheap. */
typedef struct qt_text {
    const char *name; /* of an included file; NULL: the text itself */
    const char *start;
    size_t len;
    size_t line_offset; /* of the last line asked for */
    uint32_t line;      /* its number; 0: none yet */
} qt_text;

/* The line (from 1) of an offset, and the offset at which it starts. */
uint32_t qt_text_line(qt_text *text, size_t offset, size_t *ret_line_start);
/* Bytes of the word, number or quoted string at an offset; 1 for another character, 0 at the end of
 * a line. */
size_t qt_text_word(const qt_text *text, size_t offset);

/* Prepares a list; a zeroed one is an empty list too. */
void qt_diagnostics_init(qt_diagnostics *list, size_t max_count);
/* Releases; safe on zeroed memory and twice. */
void qt_diagnostics_done(qt_diagnostics *list);
/* The list is full when this is reached: a reader stops. */
bool qt_diagnostics_is_full(const qt_diagnostics *list);

/* What an added error says. Strings are copied: bytes that are no UTF-8 become '?', control
 * characters spaces. */
typedef struct qt_finding {
    qt_reason reason;
    size_t offset;        /* in the text */
    size_t length;        /* in bytes; 0: the word at the offset */
    const char *expected; /* or NULL */
    const char *hint;     /* or NULL */
    const char *message;
} qt_finding;

/* Adds an error unless one of the same place is in the list, or the list is full. OUT_OF_MEMORY
 * leaves the list as it was. */
qt_code qt_diagnostics_add(qt_diagnostics *list, qt_text *text, const qt_finding *finding,
                           qt_err *err);
/* Copies err->diagnostics, if there are any, into the arena, for an error that outlives its list.
 * Without an arena or room in it the error goes on without a list. */
void qt_diagnostics_keep(qt_arena *arena, qt_err *err);

/* "3:5: message (hint)", with an included file "3:5: in the included file 'f.inc': message". */
void qt_diagnostic_sentence(const qt_diagnostic *d, qt_buf *out);
/* All sentences, a line each, without a line end behind the last; as many as fit max_bytes (at
 * least one), and then how many more there are. */
void qt_diagnostics_sentences(const qt_diagnostics *list, size_t max_bytes, qt_buf *out);
/* For a terminal: "file:3:5: error: message (hint)", the line and a caret line below it, for each
 * error. `file` is the name of the text. */
void qt_diagnostics_render(const qt_diagnostics *list, const char *file, qt_buf *out);

/* The first error as *err, with its sentence, its reason and without a field; err->diagnostics
 * points to the list, which has to stay as long as err is used. The list is not empty. Returns
 * err->code. */
qt_code qt_diagnostics_raise(const qt_diagnostics *list, qt_err *err);

#endif
