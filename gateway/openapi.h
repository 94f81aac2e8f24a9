/* The OpenAPI 3.1 document of all routes, from the descriptor set and its comments. */
#ifndef QT_GATEWAY_OPENAPI_H
#define QT_GATEWAY_OPENAPI_H

#include "base/buf.h"
#include "gateway/router.h"
#include "gateway/schema.h"

/* MEMORY_LIMIT when out of memory. */
qt_code qt_openapi_write(const qt_schema *schema, const qt_router *router, qt_buf *out,
                         qt_err *err);

#endif
