/* The address of Redis: whatever the text, the parts are terminated and within their limits. */
#include "redis/address.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *url = malloc(size + 1);
    if (url == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(url, data, size);
    }
    url[size] = '\0';
    qt_err err;
    qt_redis_address a;
    if (qt_redis_address_parse(url, &a, &err) == QT_OK) {
        assert((a.host[0] != '\0') != (a.path[0] == '/'));
        assert(a.port > 0 && a.db >= 0 && a.db <= 65535);
        assert(strnlen(a.user, sizeof a.user) < sizeof a.user);
        assert(strnlen(a.password, sizeof a.password) < sizeof a.password);
    }
    free(url);
    return 0;
}
