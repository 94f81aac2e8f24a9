#include "observe/accept.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

/* The bytes from `at` to the next separator, without the blanks around them. */
typedef struct piece {
    const char *p;
    size_t len;
} piece;

static piece next_piece(const char **at, const char *stops) {
    const char *start = *at;
    size_t len = strcspn(start, stops);
    *at = start + len;
    while (len > 0 && is_space(*start)) {
        start++;
        len--;
    }
    while (len > 0 && is_space(start[len - 1])) {
        len--;
    }
    return (piece){start, len};
}

static bool is_word(piece text, const char *word) {
    return text.len == strlen(word) && strncasecmp(text.p, word, text.len) == 0;
}

static bool has_prefix(piece text, const char *prefix) {
    size_t len = strlen(prefix);
    return text.len >= len && strncasecmp(text.p, prefix, len) == 0;
}

/* A weight that is none counts as refusal. */
static double weight_of(piece text) {
    char number[8] = {0};
    if (text.len == 0 || text.len >= sizeof number) {
        return 0;
    }
    memcpy(number, text.p, text.len);
    char *end = NULL;
    double q = strtod(number, &end);
    return *end == '\0' && q > 0 && q <= 1 ? q : 0;
}

typedef struct weights {
    double open;  /* 0: not named */
    double plain; /* text/plain, text and anything */
} weights;

static void take_range(const char **at, weights *w) {
    piece type = next_piece(at, ",;");
    double q = 1;
    bool known_version = true;
    while (**at == ';') {
        (*at)++;
        piece parameter = next_piece(at, ",;");
        if (has_prefix(parameter, "q=")) {
            q = weight_of((piece){parameter.p + 2, parameter.len - 2});
        } else if (has_prefix(parameter, "version=")) {
            piece version = {parameter.p + 8, parameter.len - 8};
            known_version = has_prefix(version, "1.") || is_word(version, "0.0.1");
        }
    }
    if (is_word(type, "application/openmetrics-text") && known_version) {
        w->open = q > w->open ? q : w->open;
    } else if (is_word(type, "text/plain")) {
        w->plain = q > w->plain ? q : w->plain;
    }
}

qt_metrics_format qt_accept_format(const char *accept) {
    weights w = {0, 0};
    const char *at = accept != NULL ? accept : "";
    while (*at != '\0') {
        take_range(&at, &w);
        at += *at == ',' ? 1 : 0;
    }
    return w.open > 0 && w.open >= w.plain ? QT_METRICS_OPENMETRICS : QT_METRICS_PROMETHEUS;
}
