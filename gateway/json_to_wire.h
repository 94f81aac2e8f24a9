/* From a JSON body, path variables and query parameters to the serialized request message.
 *
 * proto3 JSON with these rules: field names in both styles; enums as short name in any case ('-'
 * and '.' read as '_'), full name or number; 64-bit integers as string or number; null is the same
 * as leaving a field out; qtaskdist.v1.Scalar is bare. Errors name the field's path in err->field:
 * FIELD_UNKNOWN (with the nearest name, if one is near), FIELD_INVALID (wrong type or value, a key
 * given twice, two members of a oneof), UTF8_INVALID, JSON_SYNTAX, NESTING_TOO_DEEP.
 *
 * Any thread; nothing is shared but the schema. */
#ifndef QT_GATEWAY_JSON_TO_WIRE_H
#define QT_GATEWAY_JSON_TO_WIRE_H

#include "base/buf.h"
#include "gateway/router.h"
#include "gateway/schema.h"

#include <stdbool.h>
#include <stddef.h>

/* One value from the path or the query: decoded text for the field at the end of `path`. */
typedef struct qt_binding {
    qt_field_path path;
    const char *map_key; /* for `field[key]=value`; NULL otherwise */
    size_t map_key_len;
    const char *value;
    size_t value_len;
    size_t order; /* in which it was given; set by qt_bindings_sort() */
} qt_binding;

/* Brings bindings of the same field together, in the order in which they were given. */
void qt_bindings_sort(qt_binding *bindings, size_t count);

typedef struct qt_json_to_wire_input {
    const qt_schema *schema;
    const qt_message *message;
    const char *json; /* NULL: no body */
    size_t json_len;
    const qt_field *body_field; /* the JSON is this field; NULL: it is the message */
    const qt_field *mask_field; /* filled with the names in the body field's object, unless the
                                 * bindings have it; NULL: none */
    const qt_binding *bindings; /* sorted */
    size_t binding_count;
    size_t max_depth; /* open arrays and objects */
} qt_json_to_wire_input;

/* Appends the message to `out`, whose content is of no use after a failure. */
qt_code qt_json_to_wire(const qt_json_to_wire_input *input, qt_buf *out, qt_err *err);

#endif
