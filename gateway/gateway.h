/* The gateway: HTTP requests in, gRPC calls out, as the annotations in proto/ say.
 *
 * Everything it needs to know of an RPC comes from the descriptor set, so a new annotated RPC is
 * served and documented without a change here. Its own paths are /healthz, /readyz,
 * /openapi.json, /docs and /. docs/errors.md and the page /docs have the errors. */
#ifndef QT_GATEWAY_GATEWAY_H
#define QT_GATEWAY_GATEWAY_H

#include "base/err.h"
#include "http/server.h"
#include "rpc/client.h"

#include <stddef.h>
#include <stdint.h>

typedef struct qt_gateway qt_gateway;

/* A service that calls go to. */
typedef struct qt_upstream_options {
    const char *name;                      /* "task-svc" */
    const char *const *services;           /* "qtaskdist.v1.TaskService", ...; ends with NULL */
    const qt_rpc_channel_options *channel; /* copied as far as needed */
} qt_upstream_options;

enum { QT_GATEWAY_UPSTREAMS = 8 };

typedef struct qt_gateway_options {
    const uint8_t *descriptor_set; /* not needed after qt_gateway_new() */
    size_t descriptor_set_len;
    const qt_upstream_options *upstreams;
    size_t upstream_count;
    int64_t call_timeout_ms;     /* when the client asks for none */
    int64_t max_call_timeout_ms; /* a client may not ask for more */
    int64_t max_body_bytes;      /* of a body that was compressed */
    const char *api_keys_file;   /* see gateway/keys.h; NULL or "": no keys are needed */
    const char *cors_origins; /* origins whose pages may call, with commas; "*": all; NULL: none */
    int64_t rate_limit;       /* requests per second of one caller; 0: no limit */
    int64_t rate_burst;       /* requests at once of one caller; 0 is 1 */
    int64_t gzip_level;       /* of answers: 1 to 9; 0: they are not compressed */
    const char *ready_services; /* upstreams that /readyz needs, separated by commas; "": all */
} qt_gateway_options;

/* Reads the descriptor set, opens the channels (without waiting for a connection), writes the
 * OpenAPI document. INTERNAL when an annotation is wrong or a service has no upstream. */
qt_code qt_gateway_new(const qt_gateway_options *options, qt_gateway **ret_gateway, qt_err *err);
/* What the HTTP server calls; valid until the gateway is freed. */
qt_http_handler qt_gateway_handler(qt_gateway *gateway);
/* From now on /readyz says that the gateway stops; everything else goes on. */
void qt_gateway_drain(qt_gateway *gateway);
/* All requests must be answered: stop the HTTP server first. NULL is allowed. */
void qt_gateway_free(qt_gateway *gateway);
void qt_gateway_free_p(qt_gateway **gateway);

#endif
