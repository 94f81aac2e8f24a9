/* Unsigned integers of `bits` bits in 64-bit words, lowest first; unused high bits are 0. Outputs
 * may be the same arrays as inputs unless said otherwise. */
#ifndef QT_SIM_WIDE_H
#define QT_SIM_WIDE_H

#include <stddef.h>
#include <stdint.h>

/* Clears the unused high bits. */
void qt_wide_trim(uint64_t *a, uint32_t bits);
/* -1, 0 or 1. */
int qt_wide_compare(const uint64_t *a, const uint64_t *b, size_t words);
void qt_wide_add(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits);
void qt_wide_sub(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits);
/* `to` is none of the inputs. */
void qt_wide_shl(uint64_t *to, const uint64_t *a, uint64_t by, uint32_t bits);
void qt_wide_shr(uint64_t *to, const uint64_t *a, uint64_t by, uint32_t bits);
void qt_wide_rotl(uint64_t *to, const uint64_t *a, uint64_t by, uint32_t bits);
uint64_t qt_wide_popcount(const uint64_t *a, size_t words);

#endif
