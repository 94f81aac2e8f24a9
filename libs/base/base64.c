#include "base/base64.h"

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+' || c == '-') {
        return 62;
    }
    return c == '/' || c == '_' ? 63 : -1;
}

bool qt_base64_decode(const char *text, size_t len, qt_buf *out) {
    size_t padding = 0;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=') {
        padding++;
    }
    size_t digits = len - padding;
    if (digits % 4 == 1 || (padding > 0 && len % 4 != 0)) {
        return false;
    }
    char *to = qt_buf_reserve(out, digits / 4 * 3 + 3);
    if (to == NULL) {
        return true; /* the buffer remembers that it failed */
    }
    unsigned bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < digits; i++) {
        int v = base64_value(text[i]);
        if (v < 0) {
            return false;
        }
        bits = (bits << 6 | (unsigned)v) & 0xFFFFU;
        held += 6;
        if (held >= 8) {
            held -= 8;
            to[0] = (char)(unsigned char)(bits >> held & 0xFFU);
            to++;
        }
    }
    out->len = (size_t)(to - out->data);
    out->data[out->len] = '\0';
    return true;
}

void qt_base64_encode(const uint8_t *data, size_t len, qt_buf *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t need = 0;
    if (__builtin_mul_overflow(len / 3 + 1, (size_t)4, &need)) {
        out->failed = true;
        return;
    }
    char *to = qt_buf_reserve(out, need);
    if (to == NULL) {
        return;
    }
    for (size_t i = 0; i < len; i += 3) {
        unsigned bits = (unsigned)data[i] << 16;
        bits |= i + 1 < len ? (unsigned)data[i + 1] << 8 : 0;
        bits |= i + 2 < len ? (unsigned)data[i + 2] : 0;
        to[0] = digits[bits >> 18];
        to[1] = digits[bits >> 12 & 63];
        to[2] = i + 1 < len ? digits[bits >> 6 & 63] : '=';
        to[3] = i + 2 < len ? digits[bits & 63] : '=';
        to += 4;
    }
    out->len = (size_t)(to - out->data);
    out->data[out->len] = '\0';
}
