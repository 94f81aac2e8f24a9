/* 33 bytes (version, id, filter hash, checksum) in unpadded base64url: 44 characters. The checksum
 * catches mistakes, not forgery: a forged token only starts the list somewhere else. */
#include "task/page_token.h"

#include <string.h>

enum { VERSION = 1, RAW_BYTES = 33, TEXT_LEN = 44 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

uint64_t qt_hash_bytes(uint64_t hash, const void *data, size_t len) {
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ p[i]) * 0x100000001B3U;
    }
    return hash;
}

static void put_u64(uint8_t *out, uint64_t v) {
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(v >> (56 - 8 * i));
    }
}

static void make_raw(const qt_uuid *last, uint64_t filter_hash, uint8_t raw[RAW_BYTES]) {
    raw[0] = VERSION;
    memcpy(raw + 1, last->bytes, 16);
    put_u64(raw + 17, filter_hash);
    put_u64(raw + 25, qt_hash_bytes(QT_HASH_START, raw, 25));
}

void qt_page_token_make(const qt_uuid *last, uint64_t filter_hash,
                        char ret_token[QT_PAGE_TOKEN_BYTES]) {
    uint8_t raw[RAW_BYTES];
    make_raw(last, filter_hash, raw);
    for (size_t i = 0, o = 0; i < RAW_BYTES; i += 3, o += 4) {
        uint32_t v = (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];
        for (size_t k = 0; k < 4; k++) {
            ret_token[o + k] = alphabet[v >> (18 - 6 * k) & 63U];
        }
    }
    ret_token[TEXT_LEN] = '\0';
}

static int decode(const char *token, uint8_t raw[RAW_BYTES]) {
    for (size_t i = 0, o = 0; i < TEXT_LEN; i += 4, o += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *at = memchr(alphabet, token[i + k], sizeof alphabet - 1);
            if (at == NULL) {
                return -1;
            }
            v = v << 6 | (uint32_t)(at - alphabet);
        }
        raw[o] = (uint8_t)(v >> 16);
        raw[o + 1] = (uint8_t)(v >> 8);
        raw[o + 2] = (uint8_t)v;
    }
    return 0;
}

qt_code qt_page_token_parse(const char *token, uint64_t filter_hash, qt_uuid *ret_last,
                            qt_err *err) {
    uint8_t raw[RAW_BYTES];
    uint8_t expected[RAW_BYTES];
    if (strlen(token) != TEXT_LEN || decode(token, raw) != 0) {
        return qt_fail_field(err, PAGE_TOKEN_INVALID, "page_token", "not a page token");
    }
    qt_uuid last;
    memcpy(last.bytes, raw + 1, 16);
    make_raw(&last, filter_hash, expected);
    if (memcmp(raw, expected, RAW_BYTES) != 0) {
        return qt_fail_field(err, PAGE_TOKEN_INVALID, "page_token",
                             "the token belongs to a list with other filters");
    }
    *ret_last = last;
    return QT_OK;
}
