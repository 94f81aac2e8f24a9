/* Health, documentation and the pages. */
#include "base/cleanup.h"
#include "gateway/assets.h"
#include "gateway/gateway_impl.h"

#include <string.h>

static void healthz(qt_exchange *x) {
    static const char body[] = "{\"status\":\"ok\"}";
    qt_answer_static(x, "application/json", body, sizeof body - 1);
}

static void openapi(qt_exchange *x) {
    const qt_buf *document = &x->gateway->openapi;
    qt_answer_static(x, "application/json", qt_buf_str(document), document->len);
}

static void asset(qt_exchange *x, const char *content_type, const qt_asset *a) {
    qt_answer_static(x, content_type, a->data, (size_t)(a->end - a->data));
}

static void index_page(qt_exchange *x) {
    asset(x, "text/html; charset=utf-8", &qt_asset_index);
}

static void index_script(qt_exchange *x) {
    asset(x, "text/javascript; charset=utf-8", &qt_asset_index_script);
}

static void docs_page(qt_exchange *x) {
    asset(x, "text/html; charset=utf-8", &qt_asset_docs);
}

static void docs_script(qt_exchange *x) {
    asset(x, "text/javascript; charset=utf-8", &qt_asset_docs_script);
}

static void style(qt_exchange *x) {
    asset(x, "text/css; charset=utf-8", &qt_asset_style);
}

static const struct {
    const char *path;
    void (*answer)(qt_exchange *x);
} rows[] = {
    {"/healthz", healthz},     {"/readyz", qt_ready}, {"/openapi.json", openapi},
    {"/", index_page},         {"/docs", docs_page},  {"/index.js", index_script},
    {"/docs.js", docs_script}, {"/style.css", style},
};

static void refuse_method(qt_exchange *x) {
    qt_err err;
    qt_code code = qt_fail(&err, HTTP_METHOD_NOT_ALLOWED, "%.32s is not allowed here, but GET",
                           qt_http_method(x->http));
    (void)code;
    qt_http_add_header(x->http, "Allow", "GET");
    qt_answer_error(x, &err);
}

bool qt_own_path(qt_exchange *x) {
    size_t len;
    const char *path = qt_http_path(x->http, &len);
    const char *method = qt_http_method(x->http);
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        if (len != strlen(rows[i].path) || memcmp(path, rows[i].path, len) != 0) {
            continue;
        }
        x->method = rows[i].path;
        if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
            rows[i].answer(x);
        } else {
            refuse_method(x);
        }
        return true;
    }
    return false;
}
