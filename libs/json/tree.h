/* A JSON value as a tree, for answers whose shape is not ours: read what is known, whatever the
 * order, and ignore the rest.
 *
 * Nodes and texts live in an arena, whose limit bounds the memory: a node takes 56 bytes. */
#ifndef QT_JSON_TREE_H
#define QT_JSON_TREE_H

#include "base/arena.h"
#include "json/reader.h"

#include <stdbool.h>

typedef struct qt_json_node qt_json_node;
struct qt_json_node {
    qt_json_type type;         /* OBJECT, ARRAY, STRING, NUMBER, TRUE, FALSE, NULL */
    const char *key;           /* in an object; else NULL */
    const char *text;          /* STRING: decoded; NUMBER: as written; NUL-terminated */
    size_t len;                /* of text */
    const qt_json_node *child; /* first of an object or array */
    const qt_json_node *next;  /* sibling */
};

/* Parses one value. A member called `skip` (NULL: none) is left out wherever it stands. Errors are
 * those of the reader. */
qt_code qt_json_tree_parse(const char *text, size_t len, size_t max_depth, const char *skip,
                           qt_arena *arena, const qt_json_node **ret_root, qt_err *err);

/* The first member of that name; NULL when there is none, or `node` is NULL or no object. */
const qt_json_node *qt_json_get(const qt_json_node *node, const char *key);
/* The first of several names that has a value other than null; the list ends with NULL. */
const qt_json_node *qt_json_get_any(const qt_json_node *node, const char *const *keys);
/* The text of a string without NULs; NULL for anything else. */
const char *qt_json_text(const qt_json_node *node);
/* The value of a number, or of a string that holds one. False for anything else, and for what is
 * not finite. */
bool qt_json_value(const qt_json_node *node, double *ret_value);
bool qt_json_is(const qt_json_node *node, qt_json_type type);

#endif
