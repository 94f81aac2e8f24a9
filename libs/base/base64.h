/* Bytes as base64 text (RFC 4648). Texts are not NUL-terminated on input. Any thread. */
#ifndef QT_BASE_BASE64_H
#define QT_BASE_BASE64_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Standard or URL-safe alphabet, with or without padding. False when it is no base64; `out` may
 * hold a part then. */
bool qt_base64_decode(const char *text, size_t len, qt_buf *out);
/* Standard alphabet with padding. */
void qt_base64_encode(const uint8_t *data, size_t len, qt_buf *out);

#endif
