/* Braket's dialect and its JSON. */
#include "program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    /* Not written: too long, or more than devices take. */
    (void)round_trip(QT_PROGRAM_BRAKET, QT_PROGRAM_TO_BRAKET, data, len);
    return 0;
}
