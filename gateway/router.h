/* From an HTTP method and path to the RPC that serves it.
 *
 * A router is made once from a schema and does not change; any number of threads may use it. */
#ifndef QT_GATEWAY_ROUTER_H
#define QT_GATEWAY_ROUTER_H

#include "base/err.h"
#include "gateway/path.h"
#include "gateway/schema.h"

#include <stddef.h>

/* Steps of a field path like "task.payload.shots". */
enum { QT_FIELD_PATH_STEPS = 8 };

typedef struct qt_field_path {
    const qt_field *steps[QT_FIELD_PATH_STEPS];
    size_t count;
} qt_field_path;

typedef struct qt_route {
    const qt_method *method;
    const qt_http_rule *rule;
    qt_path_template template;
    qt_field_path variables[QT_PATH_VARIABLES]; /* fields of the request, in the template's order */
    bool whole_body;                            /* body: "*" */
    const qt_field *body_field;                 /* body: a field; NULL otherwise */
    const qt_field *response_field;             /* NULL: the whole response */
    const qt_field *mask_field; /* PATCH with a body field: the request's only FieldMask, or NULL */
    size_t index;               /* in the router's routes */
} qt_route;

typedef struct qt_router {
    qt_route *routes; /* in the order in which they are tried */
    size_t count;
    qt_arena arena;
} qt_router;

typedef struct qt_route_match {
    const qt_route *route;
    qt_capture captures[QT_PATH_VARIABLES]; /* pieces of the path that was matched */
    char allow[64];                         /* after HTTP_METHOD_NOT_ALLOWED: "GET, POST" */
} qt_route_match;

/* The schema must outlive the router. INTERNAL when an annotation is wrong or two RPCs are bound to
 * the same method and path. */
qt_code qt_router_new(const qt_schema *schema, qt_router **ret_router, qt_err *err);
/* NULL is allowed. */
void qt_router_free(qt_router *router);
void qt_router_free_p(qt_router **router);

/* `path` without the query, as it came. ROUTE_NOT_FOUND, or HTTP_METHOD_NOT_ALLOWED, which fills
 * ret_match->allow. HEAD finds the routes of GET. */
qt_code qt_router_match(const qt_router *router, const char *http_method, const char *path,
                        size_t len, qt_route_match *ret_match, qt_err *err);

/* Reads "task.payload.shots"; false when a step is no field, or one before the last is not a
 * single message. */
bool qt_field_path_parse(const qt_message *message, const char *text, size_t len,
                         qt_field_path *ret_path);

#endif
