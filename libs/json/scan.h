/* Finds what a JSON string cannot hold as it is, eight bytes at a time. Private to libs/json. */
#ifndef QT_JSON_SCAN_H
#define QT_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The first byte in [p, end) that is '"', '\\' or below 0x20; `end` if there is none. *high
 * becomes true when a byte before it is above 0x7F. */
static inline const char *qt_json_scan(const char *p, const char *end, bool *high) {
    const uint64_t ones = 0x0101010101010101U;
    const uint64_t tops = 0x8080808080808080U;
    uint64_t seen = 0;
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, sizeof w);
        uint64_t quote = w ^ (ones * '"');
        uint64_t slash = w ^ (ones * '\\');
        uint64_t hit =
            (((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) &
            tops;
        if (hit != 0) {
            break; /* the loop below finds the place */
        }
        seen |= w;
        p += 8;
    }
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20) {
            break;
        }
        seen |= c;
    }
    if ((seen & tops) != 0) {
        *high = true;
    }
    return p;
}

#endif
