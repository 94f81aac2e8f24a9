/* What the path and the query of a request say, as bindings for gateway/json_to_wire.h.
 *
 * Query parameters name a field by its dotted path, in both name styles; a list repeats the
 * parameter, a map entry is `field[key]=value`. Errors: FIELD_UNKNOWN names the parameter (and the
 * nearest field, if one is near), FIELD_INVALID for one that is given twice or is not allowed in
 * the query, MEMORY_LIMIT. Any thread. */
#ifndef QT_GATEWAY_BIND_H
#define QT_GATEWAY_BIND_H

#include "base/arena.h"
#include "gateway/json_to_wire.h"
#include "gateway/router.h"

#include <stddef.h>

enum { QT_QUERY_PARAMETERS = 1000 }; /* more are refused */

/* `query` is what follows '?', as it came. The bindings are sorted and live in `arena`. */
qt_code qt_bind_request(const qt_route_match *match, const char *query, size_t len, qt_arena *arena,
                        qt_binding **ret_bindings, size_t *ret_count, qt_err *err);

#endif
