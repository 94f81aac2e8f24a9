#define KERNELS qt_kernels_generic
#define KERNELS_NAME "generic"
#include "sim/kernels.inc"
