#include "observe/observe.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/server.h"
#include "observe/accept.h"
#include "observe/process_metrics.h"

#include <stdlib.h>
#include <string.h>

enum {
    HTTP_THREADS = 2,
    MAX_CONNECTIONS = 32,
    MAX_BYTES = 16384, /* of headers */
    IDLE_S = 120,      /* longer than most scrape intervals */
    GRACE_MS = 1000,
};

struct qt_observe {
    qt_http_server *http; /* NULL: off */
};

/* ---- /metrics ---- */

static bool is_get(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static void answer_text(qt_http_request *http, int status, const char *text) {
    qt_http_reply_static(http, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void answer_metrics(qt_http_request *http) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_metrics_format format = qt_accept_format(qt_http_header(http, "Accept"));
    qt_metrics_write(&out, format);
    if (out.failed) {
        answer_text(http, 503, "out of memory\n");
        return;
    }
    qt_http_add_header(http, "Cache-Control", "no-store");
    qt_http_add_header(http, "Vary", "Accept");
    qt_http_reply(http, 200, qt_metrics_content_type(format), &out);
}

static void on_request(void *self, qt_http_request *http) {
    (void)self;
    size_t len;
    const char *path = qt_http_path(http, &len);
    if (len != strlen("/metrics") || memcmp(path, "/metrics", len) != 0) {
        answer_text(http, 404, "here is only /metrics\n");
    } else if (!is_get(qt_http_method(http))) {
        qt_http_add_header(http, "Allow", "GET, HEAD");
        answer_text(http, 405, "only GET is allowed\n");
    } else {
        answer_metrics(http);
    }
}

static void on_refuse(void *self, qt_http_request *http, qt_http_refusal why) {
    (void)self;
    (void)why;
    answer_text(http, 400, "refused\n");
}

static qt_code start_http(const char *addr, qt_http_server **ret_http, qt_err *err) {
    const qt_http_options options = {.listen_addr = addr,
                                     .threads = HTTP_THREADS,
                                     .max_body_bytes = 1024,
                                     .max_header_bytes = MAX_BYTES,
                                     .max_uri_bytes = 1024,
                                     .max_connections = MAX_CONNECTIONS,
                                     .idle_timeout_s = IDLE_S};
    const qt_http_handler handler = {.on_request = on_request, .on_refuse = on_refuse};
    if (qt_http_server_new(&options, &handler, ret_http, err) != QT_OK) {
        return qt_wrap(err, "METRICS_ADDR");
    }
    return QT_OK;
}

/* ---- life ---- */

static bool is_off(const char *addr) {
    return addr == NULL || addr[0] == '\0' || strcmp(addr, "off") == 0;
}

qt_code qt_observe_start(const qt_observe_options *options, qt_observe **ret_observe, qt_err *err) {
    qt_http_server *http = NULL;
    bool off = is_off(options->metrics_addr);
    qt_metrics_set_enabled(!off);
    qt_process_metrics_init(options->service);
    QT_TRY(qt_trace_start(&options->trace, err));
    if (!off && start_http(options->metrics_addr, &http, err) != QT_OK) {
        qt_trace_stop();
        return err->code;
    }
    qt_observe *observe = qt_xcalloc(1, sizeof *observe);
    observe->http = http;
    *ret_observe = observe;
    return QT_OK;
}

int qt_observe_port(const qt_observe *observe) {
    return observe->http != NULL ? qt_http_server_port(observe->http) : 0;
}

void qt_observe_stop(qt_observe *observe) {
    if (observe == NULL) {
        return;
    }
    qt_trace_stop();
    if (observe->http != NULL) {
        qt_http_server_stop(observe->http, GRACE_MS);
        qt_http_server_free(observe->http);
    }
    free(observe);
}

void qt_observe_stop_p(qt_observe **observe) {
    qt_observe_stop(*observe);
}
