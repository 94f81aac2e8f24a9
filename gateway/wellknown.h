/* The texts of protobuf's well-known types in JSON. Texts are not NUL-terminated on input. Any
 * thread. */
#ifndef QT_GATEWAY_WELLKNOWN_H
#define QT_GATEWAY_WELLKNOWN_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QT_WELLKNOWN_BYTES = 48 };

/* "2026-01-31T23:59:59.5Z", also with an offset instead of Z; years 1 to 9999. */
bool qt_timestamp_parse(const char *text, size_t len, int64_t *ret_seconds, int32_t *ret_nanos);
/* With 0, 3, 6 or 9 digits of fraction. False when out of range. */
bool qt_timestamp_format(int64_t seconds, int32_t nanos, char ret_text[QT_WELLKNOWN_BYTES]);

/* "1.5s", within +-315,576,000,000 s. */
bool qt_duration_parse(const char *text, size_t len, int64_t *ret_seconds, int32_t *ret_nanos);
bool qt_duration_format(int64_t seconds, int32_t nanos, char ret_text[QT_WELLKNOWN_BYTES]);

/* One path of a field mask: "metaData.x" or "meta_data.x" to "meta_data.x". False when it has
 * other characters. */
bool qt_mask_path_parse(const char *text, size_t len, qt_buf *out);
/* "meta_data.x" to "metaData.x". False when the way back would give something else. */
bool qt_mask_path_format(const char *path, size_t len, qt_buf *out);

#endif
