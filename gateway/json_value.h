/* Single values of JSON -> wire, and where they are. Private to gateway/json_to_wire.c. */
#ifndef QT_GATEWAY_JSON_VALUE_H
#define QT_GATEWAY_JSON_VALUE_H

#include "base/buf.h"
#include "gateway/schema.h"
#include "gateway/wire.h"
#include "json/reader.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct qt_encoder {
    const qt_schema *schema;
    qt_json_reader reader;
    qt_buf *out;
    bool from_text; /* the value is from the path or the query: everything is a string there */
    qt_buf *mask;   /* takes the names of `masked`; NULL: none asked for */
    const qt_message *masked;
} qt_encoder;

void qt_encoder_done(qt_encoder *e);

/* Longer keys are left out of paths. */
enum { QT_PLACE_KEY_BYTES = 64 };

/* One step of the way to a value; the chain ends with up == NULL. */
typedef struct qt_place {
    const struct qt_place *up;
    const char *key; /* field or map key; not NUL-terminated */
    size_t key_len;
    bool in_list;
    size_t index;
} qt_place;

/* Raises with the path of `at` in err->field; the message is "path: what" with `name` behind. */
qt_code qt_place_fail(const qt_place *at, qt_reason reason, const char *what, const char *name,
                      qt_err *err);
/* "expected X, got Y". Reads the wrong value to its end first, so that what is no JSON at all, or
 * nested too deep, is reported as that. */
qt_code qt_place_fail_type(qt_encoder *e, const qt_place *at, const char *expected,
                           const qt_json_token *token, qt_err *err);

/* Appends the value of a field that is no message, without its tag. */
qt_code qt_value_put(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                     const qt_place *at, qt_err *err);
/* The same for a map's key, which is always a string in JSON. */
qt_code qt_value_put_key(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                         const qt_place *at, qt_err *err);
/* Appends the content of a Timestamp, Duration or FieldMask. */
qt_code qt_value_put_well_known(qt_encoder *e, const qt_message *m, const qt_json_token *token,
                                const qt_place *at, qt_err *err);
/* The field of a bare message that takes this token; NULL if none does. */
const qt_field *qt_value_bare_field(const qt_message *m, const qt_json_token *token);

/* Keys of one map, to refuse those that are given twice. Zeroed is empty. */
typedef struct qt_key_set {
    qt_buf bytes;   /* the encoded keys, one after the other */
    qt_buf lengths; /* of each, as size_t */
} qt_key_set;

void qt_key_set_done(qt_key_set *keys);
/* Adds the bytes of `wire` from `at` on. */
qt_code qt_key_set_add(qt_key_set *keys, const qt_buf *wire, size_t at, qt_err *err);
/* FIELD_INVALID when a key is there twice. */
qt_code qt_key_set_check(const qt_key_set *keys, const qt_place *at, qt_err *err);

#endif
