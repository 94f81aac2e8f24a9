#include "sim/wide.h"

#include <string.h>

static size_t words_of(uint32_t bits) {
    return ((size_t)bits + 63) / 64;
}

void qt_wide_trim(uint64_t *a, uint32_t bits) {
    if (bits % 64 != 0) {
        a[bits / 64] &= (UINT64_C(1) << (bits % 64)) - 1;
    }
}

int qt_wide_compare(const uint64_t *a, const uint64_t *b, size_t words) {
    for (size_t i = words; i-- > 0;) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

void qt_wide_add(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits) {
    uint64_t carry = 0;
    for (size_t i = 0; i < words_of(bits); i++) {
        uint64_t sum = a[i] + carry;
        carry = sum < carry;
        uint64_t total = sum + b[i];
        carry += total < sum;
        to[i] = total;
    }
    qt_wide_trim(to, bits);
}

void qt_wide_sub(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits) {
    uint64_t borrow = 0;
    for (size_t i = 0; i < words_of(bits); i++) {
        uint64_t x = a[i];
        uint64_t y = b[i];
        to[i] = x - y - borrow;
        borrow = x < y || (x == y && borrow != 0);
    }
    qt_wide_trim(to, bits);
}

void qt_wide_shl(uint64_t *to, const uint64_t *a, uint64_t by, uint32_t bits) {
    size_t words = words_of(bits);
    memset(to, 0, words * sizeof *to);
    if (by >= bits) {
        return;
    }
    size_t skip = (size_t)(by / 64);
    unsigned shift = (unsigned)(by % 64);
    for (size_t i = skip; i < words; i++) {
        to[i] = a[i - skip] << shift;
        if (shift != 0 && i > skip) {
            to[i] |= a[i - skip - 1] >> (64 - shift);
        }
    }
    qt_wide_trim(to, bits);
}

void qt_wide_shr(uint64_t *to, const uint64_t *a, uint64_t by, uint32_t bits) {
    size_t words = words_of(bits);
    memset(to, 0, words * sizeof *to);
    if (by >= bits) {
        return;
    }
    size_t skip = (size_t)(by / 64);
    unsigned shift = (unsigned)(by % 64);
    for (size_t i = 0; i + skip < words; i++) {
        to[i] = a[i + skip] >> shift;
        if (shift != 0 && i + skip + 1 < words) {
            to[i] |= a[i + skip + 1] << (64 - shift);
        }
    }
}

void qt_wide_rotl(uint64_t *to, const uint64_t *a, uint64_t by, uint32_t bits) {
    memset(to, 0, words_of(bits) * sizeof *to);
    for (uint32_t i = 0; i < bits; i++) {
        uint64_t at = (i + by % bits) % bits;
        to[at / 64] |= (a[i / 64] >> (i % 64) & 1) << (at % 64);
    }
}

uint64_t qt_wide_popcount(const uint64_t *a, size_t words) {
    uint64_t count = 0;
    for (size_t i = 0; i < words; i++) {
        count += (uint64_t)__builtin_popcountll(a[i]);
    }
    return count;
}
