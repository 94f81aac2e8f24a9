#include "json/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number as sign, digits and exponent: value = digits * 10^exponent. */
typedef struct parts {
    bool negative;
    const char *whole;
    size_t whole_len;
    const char *fraction;
    size_t fraction_len;
    int64_t exponent;
} parts;

static size_t count_digits(const char *p, const char *end) {
    const char *from = p;
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return (size_t)(p - from);
}

/* Exponents beyond this cannot give an integer of 64 bits, however many digits there are. */
enum { EXPONENT_CAP = 1000000000 };

static bool split_exponent(const char **p, const char *end, parts *out) {
    (*p)++;
    bool negative = *p < end && **p == '-';
    *p += *p < end && (**p == '-' || **p == '+');
    size_t len = count_digits(*p, end);
    for (size_t i = 0; i < len; i++) {
        if (out->exponent < EXPONENT_CAP) {
            out->exponent = out->exponent * 10 + ((*p)[i] - '0');
        }
    }
    out->exponent = negative ? -out->exponent : out->exponent;
    *p += len;
    return len > 0;
}

static bool split(const char *text, size_t len, parts *out) {
    const char *p = text;
    const char *end = text + len;
    *out = (parts){.negative = len > 0 && *p == '-'};
    p += out->negative;
    out->whole = p;
    out->whole_len = count_digits(p, end);
    if (out->whole_len == 0 || (*p == '0' && out->whole_len > 1)) {
        return false;
    }
    p += out->whole_len;
    if (p < end && *p == '.') {
        out->fraction = ++p;
        out->fraction_len = count_digits(p, end);
        if (out->fraction_len == 0) {
            return false;
        }
        p += out->fraction_len;
    }
    if (p < end && (*p == 'e' || *p == 'E') && !split_exponent(&p, end, out)) {
        return false;
    }
    return p == end;
}

bool qt_json_is_number(const char *text, size_t len) {
    parts n;
    return split(text, len, &n);
}

static char digit_at(const parts *n, size_t i) {
    return i < n->whole_len ? n->whole[i] : n->fraction[i - n->whole_len];
}

static bool push_digit(uint64_t *value, char digit) {
    return !__builtin_mul_overflow(*value, 10U, value) &&
           !__builtin_add_overflow(*value, (uint64_t)(digit - '0'), value);
}

/* The absolute value; false when it has a fraction or does not fit. */
static bool magnitude(const parts *n, uint64_t *ret_value) {
    size_t count = n->whole_len + n->fraction_len;
    while (count > 0 && digit_at(n, count - 1) == '0') {
        count--;
    }
    /* Decimal places that are left of the point once the exponent is applied. */
    int64_t places = (int64_t)n->whole_len + n->exponent;
    if (count > 0 && (int64_t)count > places) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!push_digit(&value, digit_at(n, i))) {
            return false;
        }
    }
    for (int64_t i = (int64_t)count; value != 0 && i < places; i++) {
        if (!push_digit(&value, '0')) {
            return false;
        }
    }
    *ret_value = value;
    return true;
}

bool qt_json_parse_u64(const char *text, size_t len, uint64_t *ret_value) {
    parts n;
    uint64_t value = 0;
    if (!split(text, len, &n) || !magnitude(&n, &value) || (n.negative && value != 0)) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool qt_json_parse_i64(const char *text, size_t len, int64_t *ret_value) {
    parts n;
    uint64_t value = 0;
    if (!split(text, len, &n) || !magnitude(&n, &value) ||
        value > (uint64_t)INT64_MAX + (n.negative ? 1 : 0)) {
        return false;
    }
    *ret_value = (int64_t)(n.negative ? 0 - value : value);
    return true;
}

bool qt_json_parse_double(const char *text, size_t len, double *ret_value) {
    enum { MAX_BYTES = 1024 };
    char copy[MAX_BYTES + 1];
    if (len > MAX_BYTES || !qt_json_is_number(text, len)) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    double value = strtod(copy, NULL);
    if (!isfinite(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

size_t qt_json_format_double(double value, char ret_text[QT_JSON_DOUBLE_BYTES]) {
    int len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(ret_text, QT_JSON_DOUBLE_BYTES, "%.*g", digits, value);
        if (strtod(ret_text, NULL) == value) {
            break;
        }
    }
    return (size_t)len;
}

size_t qt_json_format_float(float value, char ret_text[QT_JSON_DOUBLE_BYTES]) {
    int len = 0;
    for (int digits = 6; digits <= 9; digits++) {
        len = snprintf(ret_text, QT_JSON_DOUBLE_BYTES, "%.*g", digits, (double)value);
        if (strtof(ret_text, NULL) == value) {
            break;
        }
    }
    return (size_t)len;
}
