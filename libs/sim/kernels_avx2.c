#define KERNELS qt_kernels_avx2
#define KERNELS_NAME "avx2"
#include "sim/kernels.inc"
