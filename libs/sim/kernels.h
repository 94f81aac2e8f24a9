/* The inner loops of the statevector engine, on 2^k amplitudes (k >= 2) kept as two arrays of
 * doubles, real and imaginary parts, aligned to 64 bytes. Every version of a kernel does the same
 * operations in the same order without fused multiply-add, so results are equal to the last bit
 * on every machine. Any thread. */
#ifndef QT_SIM_KERNELS_H
#define QT_SIM_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    QT_LANES = 4,        /* amplitudes of one vector */
    QT_LANE_BITS = 2,    /* qubits inside a vector: a state has at least as many */
    QT_SUM_BLOCK = 1024, /* amplitudes of one partial sum */
};

/* The product of two small tables, low[i & (2^low_bits - 1)] * high[i >> low_bits]. */
typedef struct qt_phase_tables {
    const double *low_re, *low_im;
    const double *high_re, *high_im;
    unsigned low_bits;
} qt_phase_tables;

typedef struct qt_kernels {
    const char *name;
    /* The 2x2 matrix m (real parts, then imaginary parts) on the qubit of weight tbit where all
     * bits of cmask are 1. */
    void (*matrix)(double *re, double *im, size_t size, size_t tbit, size_t cmask,
                   const double m[8]);
    /* The same for a real matrix. */
    void (*real)(double *re, double *im, size_t size, size_t tbit, size_t cmask, const double m[8]);
    void (*flip)(double *re, double *im, size_t size, size_t tbit, size_t cmask);
    /* The factor where all bits of mask are 1. */
    void (*phase)(double *re, double *im, size_t size, size_t mask, double fre, double fim);
    void (*multiply)(double *re, double *im, const double *by_re, const double *by_im, size_t size);
    void (*multiply_tables)(double *re, double *im, const qt_phase_tables *tables, size_t size);
    /* Sum of |amplitude|^2, at most QT_SUM_BLOCK of them, where (index & mask) == value; index
     * counts from `first`. */
    double (*sum)(const double *re, const double *im, size_t size, size_t first, size_t mask,
                  size_t value);
} qt_kernels;

/* The fastest that this machine can run. Static storage. */
const qt_kernels *qt_kernels_get(void);

extern const qt_kernels qt_kernels_generic;
extern const qt_kernels qt_kernels_avx2;

#endif
