/* IonQ's JSON: all that was read can be written. */
#include "program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    qt_reason reason = round_trip(QT_PROGRAM_IONQ, QT_PROGRAM_TO_IONQ, data, len);
    if (reason != QT_REASON_NONE && reason != QT_REASON_MEMORY_LIMIT) {
        abort();
    }
    return 0;
}
