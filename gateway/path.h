/* Path templates of google.api.http, and matching paths against them.
 *
 *   "/" Segments [":" verb]; a segment is "*", "**" (last only, zero or more segments), a literal
 *   or "{field.path=segments}"; "{x}" is "{x=*}".
 *
 * A path is split at '/' before anything is percent-decoded, so an encoded slash stays inside its
 * segment. A ':' is only a verb where a template says so: ids may contain it. Any thread. */
#ifndef QT_GATEWAY_PATH_H
#define QT_GATEWAY_PATH_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { QT_PATH_SEGMENTS = 32, QT_PATH_VARIABLES = 8 };

typedef enum qt_segment_kind {
    QT_SEGMENT_LITERAL,
    QT_SEGMENT_ONE,  /* * */
    QT_SEGMENT_REST, /* ** */
} qt_segment_kind;

typedef struct qt_segment {
    qt_segment_kind kind;
    const char *literal; /* NUL-terminated; NULL for the others */
} qt_segment;

typedef struct qt_path_variable {
    const char *field_path; /* "task.task_id" */
    size_t first;           /* segments that it covers; with a ** at the end also what follows */
    size_t count;
} qt_path_variable;

typedef struct qt_path_template {
    qt_segment segments[QT_PATH_SEGMENTS];
    size_t segment_count;
    qt_path_variable variables[QT_PATH_VARIABLES];
    size_t variable_count;
    const char *verb; /* "" if none */
} qt_path_template;

/* A path as it came, split. The text is borrowed. */
typedef struct qt_path {
    const char *segments[QT_PATH_SEGMENTS];
    size_t lens[QT_PATH_SEGMENTS];
    size_t count;
} qt_path;

/* What a variable caught, still encoded. */
typedef struct qt_capture {
    const char *text;
    size_t len;
    bool multi; /* more than one segment: %2F stays as it is when decoded */
} qt_capture;

/* INTERNAL with a sentence about what is wrong. Strings of the template live in `arena`. */
qt_code qt_path_template_parse(const char *text, qt_arena *arena, qt_path_template *ret_template,
                               qt_err *err);

/* `text` starts with '/' and has no query. False when it does not, or has too many segments. */
bool qt_path_split(const char *text, size_t len, qt_path *ret_path);
/* One capture per variable, in their order. */
bool qt_path_match(const qt_path_template *template, const qt_path *path,
                   qt_capture ret_captures[QT_PATH_VARIABLES]);
/* Which of two templates is tried first: < 0 for `a`. 0: they match the same paths. */
int qt_path_template_compare(const qt_path_template *a, const qt_path_template *b);

/* Decodes %XX into the arena, NUL-terminated. keep_slash leaves %2F alone, plus_is_space is for
 * queries. FIELD_INVALID for a '%' without two digits, MEMORY_LIMIT. */
qt_code qt_percent_decode(const char *text, size_t len, bool keep_slash, bool plus_is_space,
                          qt_arena *arena, char **ret_text, size_t *ret_len, qt_err *err);

#endif
