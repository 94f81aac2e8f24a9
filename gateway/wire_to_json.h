/* From a serialized message to JSON.
 *
 * Fields come in the order of the .proto file under their original names. Everything is written:
 * numbers, texts and enums with their defaults, unset messages as null, empty lists [] and maps
 * {}; only members of a oneof that are not set are left out. 64-bit integers are strings, enums
 * their short name (or their number, when it has none), bytes base64, qtaskdist.v1.Scalar is bare,
 * and an Any of a known type is {"@type": ..., its fields}.
 *
 * Fields that the schema does not know are skipped. INTERNAL when the bytes are not that message,
 * hold a text that is no UTF-8, or a time out of range. Any thread. */
#ifndef QT_GATEWAY_WIRE_TO_JSON_H
#define QT_GATEWAY_WIRE_TO_JSON_H

#include "gateway/schema.h"
#include "json/writer.h"

#include <stddef.h>
#include <stdint.h>

/* Writes one value. After a failure what was written is of no use. */
qt_code qt_wire_to_json(const qt_schema *schema, const qt_message *message, const uint8_t *data,
                        size_t len, qt_json_writer *writer, qt_err *err);
/* Writes only the value of one field of the message (for `response_body`). */
qt_code qt_wire_field_to_json(const qt_schema *schema, const qt_message *message,
                              const qt_field *field, const uint8_t *data, size_t len,
                              qt_json_writer *writer, qt_err *err);

#endif
