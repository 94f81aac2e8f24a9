/* Bytes become JSON that our own reader accepts, or an error. */
#include "base/cleanup.h"
#include "gateway/wire_to_json.h"
#include "qt_descriptors.h"
#include "json/reader.h"

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

static void check_json(const qt_buf *json) {
    QT_CLEANUP(qt_json_reader_done) qt_json_reader r;
    qt_json_reader_init(&r, json->data, json->len, QT_JSON_MAX_DEPTH);
    qt_json_token token;
    qt_err err;
    do {
        if (qt_json_next(&r, &token, &err) != QT_OK) {
            abort();
        }
    } while (token.type != QT_JSON_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static const char *const names[] = {
        "qtaskdist.v1.Task", "qtaskdist.v1.BatchCreateTasksResponse", "google.rpc.Status"};
    for (size_t i = 0; i < QT_ARRAY_LEN(names); i++) {
        const qt_message *message = qt_schema_message(the_schema(), names[i]);
        QT_CLEANUP(qt_buf_done) qt_buf json = {.limit_bytes = 1 << 24};
        qt_json_writer w = qt_json_writer_make(&json);
        qt_err err;
        if (qt_wire_to_json(the_schema(), message, data, len, &w, &err) == QT_OK) {
            check_json(&json);
        }
    }
    return 0;
}
