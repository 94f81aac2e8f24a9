#include "base/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef QT_FAILPOINTS
static const bool is_built_in = true;
#else
static const bool is_built_in = false;
#endif

void qt_failpoint(const char *name) {
    static atomic_int hits;
    const char *wanted = is_built_in ? getenv("QT_FAILPOINT") : NULL;
    size_t len = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, len) != 0 ||
        (wanted[len] != '\0' && wanted[len] != ':')) {
        return;
    }
    int n = wanted[len] == ':' ? atoi(wanted + len + 1) : 1;
    if (atomic_fetch_add(&hits, 1) + 1 == n) {
        raise(SIGKILL);
    }
}
