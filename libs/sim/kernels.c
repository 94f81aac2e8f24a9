#include "sim/kernels.h"

const qt_kernels *qt_kernels_get(void) {
#if QT_SIM_AVX2
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) {
        return &qt_kernels_avx2;
    }
#endif
    return &qt_kernels_generic;
}
