#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qasm/lex.h"

enum { MAX_REAL_BYTES = 1000, EXACT_POWERS = 28 };

__extension__ typedef unsigned __int128 uint128;

typedef struct decimal {
    uint64_t digits;
    int exponent; /* of ten */
    bool exact;   /* digits has all of them */
    bool is_int;  /* neither point nor exponent */
} decimal;

/* Eight digits at once, as bytes of a word with the first one lowest. */
static bool eight_digits(const char *p, uint64_t *ret_value) {
    uint64_t w = 0;
    memcpy(&w, p, sizeof w);
    uint64_t high = w & 0xF0F0F0F0F0F0F0F0U;
    uint64_t over = (w + 0x0606060606060606U) & 0xF0F0F0F0F0F0F0F0U;
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || high != 0x3030303030303030U || over != high) {
        return false;
    }
    w = (w & 0x0F0F0F0F0F0F0F0FU) * 2561 >> 8;
    w = (w & 0x00FF00FF00FF00FFU) * 6553601 >> 16;
    *ret_value = (w & 0x0000FFFF0000FFFFU) * 42949672960001 >> 32;
    return true;
}

static const char *take_digits(const char *p, const char *end, decimal *d, int scale) {
    uint64_t eight = 0;
    while (end - p >= 8 && d->digits < 100000000000U && eight_digits(p, &eight)) {
        d->digits = d->digits * 100000000U + eight;
        d->exponent -= 8 * scale;
        p += 8;
    }
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (d->digits > (UINT64_MAX - 9) / 10) {
            d->exact = false;
            return p;
        }
        d->digits = d->digits * 10 + (uint64_t)(*p - '0');
        d->exponent -= scale;
    }
    return p;
}

static decimal split(const char *p, const char *end, const char **ret_end) {
    enum { MAX_EXPONENT = 10000 };
    decimal d = {.exact = true};
    p = take_digits(p, end, &d, 0);
    d.is_int = p >= end || (*p != '.' && *p != 'e' && *p != 'E');
    if (p < end && *p == '.') {
        p = take_digits(p + 1, end, &d, 1);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        int sign = p < end && *p == '-' ? -1 : 1;
        p += p < end && (*p == '-' || *p == '+') ? 1 : 0;
        int exponent = 0;
        for (; p < end && *p >= '0' && *p <= '9'; p++) {
            exponent = exponent < MAX_EXPONENT ? exponent * 10 + (*p - '0') : exponent;
        }
        d.exponent += sign * exponent;
    }
    *ret_end = p;
    return d;
}

/* The quotient of a whole number below 2^53 and one of these is rounded once. */
enum { EXACT_DOUBLE_POWERS = 22 };
static const double double_powers[EXACT_DOUBLE_POWERS + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

#if LDBL_MANT_DIG == 64
/* One division or multiplication in 64-bit precision of exact operands is the right double unless
 * the result lies next to the middle between two doubles. */
static bool fast_value(const decimal *d, double *ret_value) {
    static const long double powers[EXACT_POWERS] = {
        1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,
        1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
        1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
    int e = d->exponent;
    if (d->exact && d->digits >> DBL_MANT_DIG == 0 && e <= 0 && e >= -EXACT_DOUBLE_POWERS) {
        *ret_value = (double)d->digits / double_powers[-e];
        return true;
    }
    if (!d->exact || e <= -EXACT_POWERS || e >= EXACT_POWERS) {
        return false;
    }
    long double wide = (long double)d->digits;
    wide = e < 0 ? wide / powers[-e] : wide * powers[e];
    uint64_t mantissa = 0;
    memcpy(&mantissa, &wide, sizeof mantissa);
    unsigned low = (unsigned)(mantissa & 0x7FFU);
    if (low >= 0x3FFU && low <= 0x401U) {
        return false;
    }
    *ret_value = (double)wide;
    return true;
}
#else
static bool fast_value(const decimal *d, double *ret_value) {
    (void)d;
    (void)ret_value;
    return false;
}
#endif

size_t qasm_scan_real(const char *text, const char *end, bool *ret_is_int, double *ret_value) {
    const char *stop = text;
    decimal d = split(text, end, &stop);
    bool digits = stop > text && (stop - text > 1 || *text != '.') && stop[-1] != 'e' &&
                  stop[-1] != 'E' && stop[-1] != '+' && stop[-1] != '-';
    *ret_is_int = d.is_int;
    return digits && fast_value(&d, ret_value) ? (size_t)(stop - text) : 0;
}

bool qasm_parse_real(const char *text, size_t len, double *ret_value) {
    const char *stop = text;
    decimal d = split(text, text + len, &stop);
    if (stop == text + len && fast_value(&d, ret_value)) {
        return true;
    }
    char copy[MAX_REAL_BYTES + 1];
    if (len > MAX_REAL_BYTES) {
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

/* Of a literal such as 0x1f; skips its prefix. */
static unsigned base_of(const char **digits, size_t *len) {
    char letter = *len > 2 ? (*digits)[1] : '0';
    unsigned base = letter == 'x' || letter == 'X' ? 16 : letter == 'o' ? 8 : 10;
    base = letter == 'b' || letter == 'B' ? 2 : base;
    *digits += base != 10 ? 2 : 0;
    *len -= base != 10 ? 2 : 0;
    return base;
}

qt_code qasm_big_integer(qasm_context *ctx, const char *digits, size_t len, uint64_t **ret_words,
                         uint32_t *ret_width) {
    enum { MAX_DIGITS = 20000 }; /* the work grows with the square */
    if (len > MAX_DIGITS) {
        return qasm_too_large(ctx, digits, "the integer has more than %d digits", MAX_DIGITS);
    }
    unsigned base = base_of(&digits, &len);
    size_t cap = len / 16 + 2; /* a digit has at most 4 bits */
    uint64_t *words = qasm_alloc(ctx, cap * sizeof *words);
    if (words == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] == '_') {
            continue;
        }
        uint128 carry = qasm_digit_value(digits[i]);
        for (size_t w = 0; w < count; w++) {
            carry += (uint128)words[w] * base;
            words[w] = (uint64_t)carry;
            carry >>= 64;
        }
        if (carry > 0) {
            words[count++] = (uint64_t)carry;
        }
    }
    *ret_words = words;
    *ret_width = (uint32_t)(count * 64) - (uint32_t)__builtin_clzll(words[count - 1]);
    return QT_OK;
}
