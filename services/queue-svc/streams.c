#include "services/queue-svc/streams.h"

#include <string.h>

static const char *const type_names[QT_QUEUE_TYPES] = {"simulate", "c_qir", "backend"};
static const char *const names[QT_STREAMS] = {
    "stream:simulate:high", "stream:simulate", "stream:simulate:low",
    "stream:c_qir:high",    "stream:c_qir",    "stream:c_qir:low",
    "stream:backend:high",  "stream:backend",  "stream:backend:low",
};

const char *qt_stream_name(int stream) {
    return names[stream];
}

const char *qt_queue_type_name(int type) {
    return type_names[type];
}

int qt_stream_from_name(const char *name) {
    for (int i = 0; i < QT_STREAMS; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}
