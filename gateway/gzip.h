/* gzip (RFC 1952) of bodies, by zlib. */
#ifndef QT_GATEWAY_GZIP_H
#define QT_GATEWAY_GZIP_H

#include "base/buf.h"

#include <stdbool.h>

/* Whether an Accept-Encoding allows gzip; NULL does not. */
bool qt_gzip_accepted(const char *accept_encoding);
/* Appends the compressed bytes. level: 1 (fast) to 9. */
qt_code qt_gzip_deflate(const void *data, size_t len, int level, qt_buf *out, qt_err *err);
/* Appends the bytes that were compressed. BODY_TOO_LARGE when they are more than `limit`,
 * MESSAGE_MALFORMED when it is not gzip. */
qt_code qt_gzip_inflate(const void *data, size_t len, size_t limit, qt_buf *out, qt_err *err);

#endif
