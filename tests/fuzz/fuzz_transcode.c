/* A JSON body becomes a request or an error, and what was accepted can be written as JSON again. */
#include "base/cleanup.h"
#include "gateway/json_to_wire.h"
#include "gateway/wire_to_json.h"
#include "qt_descriptors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const qt_schema *the_schema(void) {
    static qt_schema *schema;
    qt_err err;
    if (schema == NULL &&
        qt_schema_new(qt_descriptor_set, qt_descriptor_set_len, &schema, &err) != QT_OK) {
        abort();
    }
    return schema;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    const qt_schema *schema = the_schema();
    const qt_message *message = qt_schema_message(schema, "qtaskdist.v1.BatchCreateTasksRequest");
    const qt_json_to_wire_input input = {.schema = schema,
                                         .message = message,
                                         .json = (const char *)data,
                                         .json_len = len,
                                         .max_depth = 64};
    QT_CLEANUP(qt_buf_done) qt_buf wire = {0};
    QT_CLEANUP(qt_buf_done) qt_buf json = {0};
    qt_err err;
    if (qt_json_to_wire(&input, &wire, &err) == QT_OK) {
        qt_json_writer writer = {.out = &json};
        if (qt_wire_to_json(schema, message, (const uint8_t *)qt_buf_str(&wire), wire.len, &writer,
                            &err) != QT_OK) {
            abort();
        }
    }
    return 0;
}
