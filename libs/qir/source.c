#include "qir/source.h"

#include "base/base64.h"
#include "base/cleanup.h"

#include <string.h>

static const char spaces[] = " \t\r\n";

bool qt_qir_is_bitcode(const char *data, size_t len) {
    static const unsigned char raw[] = {'B', 'C', 0xC0, 0xDE};
    static const unsigned char wrapped[] = {0xDE, 0xC0, 0x17, 0x0B};
    return len >= 4 && (memcmp(data, raw, 4) == 0 || memcmp(data, wrapped, 4) == 0);
}

static bool is_space(char c) {
    return c != '\0' && strchr(spaces, c) != NULL;
}

/* The first four digits of either kind of bitcode's first three bytes. */
static bool starts_like_base64(const char *text, size_t len) {
    return len >= 5 && (memcmp(text, "QkPA3", 5) == 0 || memcmp(text, "3sAXC", 5) == 0);
}

static bool has_definition(const char *text, size_t len) {
    static const char word[] = "define";
    const size_t word_len = sizeof word - 1;
    for (const char *at = text; (at = memmem(at, len - (size_t)(at - text), word, word_len));
         at += word_len) {
        bool starts = at == text || is_space(at[-1]);
        bool ends = at + word_len < text + len && is_space(at[word_len]);
        if (starts && ends) {
            return true;
        }
    }
    return false;
}

static void copy_without_spaces(const char *text, size_t len, qt_buf *out) {
    char *to = qt_buf_reserve(out, len + 1);
    for (size_t i = 0; to != NULL && i < len; i++) {
        if (!is_space(text[i])) {
            *to++ = text[i];
            out->len++;
        }
    }
}

static qt_code open_base64(const char *text, size_t len, size_t max_bytes, qt_buf *storage,
                           qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf digits = {0};
    QT_CLEANUP(qt_buf_done) qt_buf bytes = {0};
    copy_without_spaces(text, len, &digits);
    bool good = qt_base64_decode(qt_buf_str(&digits), digits.len, &bytes);
    QT_TRY(qt_buf_check(&digits, err));
    QT_TRY(qt_buf_check(&bytes, err));
    if (!good || !qt_qir_is_bitcode(qt_buf_str(&bytes), bytes.len)) {
        return qt_fail(err, CIRCUIT_SYNTAX,
                       "1:1: starts like base64 of LLVM bitcode, but is no valid base64");
    }
    if (max_bytes > 0 && bytes.len > max_bytes) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "the bitcode has %zu bytes, at most %zu are allowed",
                       bytes.len, max_bytes);
    }
    *storage = bytes;
    bytes = (qt_buf){0};
    return QT_OK;
}

qt_code qt_qir_source_open(const char *text, size_t len, size_t max_bytes, qt_buf *storage,
                           const char **ret_data, size_t *ret_len, qt_err *err) {
    const char *data = text;
    size_t data_len = len;
    size_t skipped = 0;
    while (skipped < len && is_space(text[skipped])) {
        skipped++;
    }
    if (starts_like_base64(text + skipped, len - skipped)) {
        QT_TRY(open_base64(text, len, max_bytes, storage, err));
        data = storage->data;
        data_len = storage->len;
    } else if (!qt_qir_is_bitcode(text, len) && !has_definition(text, len)) {
        return qt_fail(
            err, CIRCUIT_SYNTAX,
            "1:1: neither LLVM assembly (it has no `define`) nor base64 of LLVM bitcode");
    }
    *ret_data = data;
    *ret_len = data_len;
    return QT_OK;
}
