/* What comes from outside for tracing and metrics: traceparent, pairs of settings, Accept. */
#include "base/metrics.h"
#include "observe/accept.h"
#include "trace/otlp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_pair(void *arg, const char *key, const char *value) {
    size_t *count = arg;
    *count += 1;
    if (key[0] == '\0' || strlen(value) > 256) {
        abort();
    }
}

/* What is accepted is written as the same context. */
static void check_traceparent(const char *text) {
    char again[QT_TRACEPARENT_BYTES];
    qt_trace_ctx ctx;
    qt_trace_ctx second;
    if (qt_trace_parse(text, &ctx)) {
        qt_trace_format(&ctx, again);
        if (!qt_trace_parse(again, &second) || memcmp(&ctx, &second, sizeof ctx) != 0 ||
            memcmp(again + 2, text + 2, strlen(again) - 2) != 0) {
            abort();
        }
    } else if (qt_trace_is_set(&ctx)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    char *text = malloc(len + 1);
    size_t pairs = 0;
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, len);
    text[len] = '\0';
    check_traceparent(text);
    qt_otlp_each_pair(text, check_pair, &pairs);
    if (pairs > len) {
        abort();
    }
    (void)qt_accept_format(text);
    free(text);
    return 0;
}
