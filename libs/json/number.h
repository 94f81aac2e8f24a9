/* JSON number text to C numbers and back, exactly.
 *
 * The texts are what the grammar of JSON calls a number: "-0", "12", "1.50", "1e5". Integers are
 * taken in every form that has an integral value ("1.0", "1e2", "120e-1"), without a detour over
 * double. Any thread. */
#ifndef QT_JSON_NUMBER_H
#define QT_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the bytes are a JSON number and nothing else. */
bool qt_json_is_number(const char *text, size_t len);
/* False when the text is no JSON number, has a fraction, or does not fit. */
bool qt_json_parse_i64(const char *text, size_t len, int64_t *ret_value);
bool qt_json_parse_u64(const char *text, size_t len, uint64_t *ret_value);
/* False when the text is no JSON number, is longer than 1,024 bytes, or does not fit. */
bool qt_json_parse_double(const char *text, size_t len, double *ret_value);

enum { QT_JSON_DOUBLE_BYTES = 32 };
/* The shortest of 15, 16 or 17 digits (6 to 9 for a float) that reads back as the same value.
 * `value` is finite. Returns the length. */
size_t qt_json_format_double(double value, char ret_text[QT_JSON_DOUBLE_BYTES]);
size_t qt_json_format_float(float value, char ret_text[QT_JSON_DOUBLE_BYTES]);

#endif
