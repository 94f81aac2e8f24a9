#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* Length of the valid sequence at s, 0 when there is none. */
static size_t sequence_len(const unsigned char *s, size_t left) {
    unsigned char c = s[0];
    size_t n = c >= 0xC2 && c <= 0xDF   ? 2
               : (c & 0xF0U) == 0xE0    ? 3
               : c >= 0xF0 && c <= 0xF4 ? 4
                                        : 0;
    if (n == 0 || n > left) {
        return 0;
    }
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (c == 0xE0) {
        low = 0xA0;
    } else if (c == 0xED) {
        high = 0x9F;
    } else if (c == 0xF0) {
        low = 0x90;
    } else if (c == 0xF4) {
        high = 0x8F;
    }
    if (s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xC0U) != 0x80) {
            return 0;
        }
    }
    return n;
}

bool qt_utf8_valid(const char *s, size_t len, size_t *ret_offset) {
    const unsigned char *bytes = (const unsigned char *)s;
    size_t i = 0;
    while (i < len) {
        uint64_t word = 0;
        if (len - i >= sizeof word) {
            memcpy(&word, bytes + i, sizeof word);
            if ((word & 0x8080808080808080U) == 0) {
                i += sizeof word;
                continue;
            }
        }
        size_t n = bytes[i] < 0x80 ? 1 : sequence_len(bytes + i, len - i);
        if (n == 0) {
            if (ret_offset != NULL) {
                *ret_offset = i;
            }
            return false;
        }
        i += n;
    }
    return true;
}
