/* The served methods and their hash by path. */
#include "rpc/server_impl.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *items, size_t count, size_t size) {
    qt_err err;
    qt_code code = qt_try_realloc(&items, count * size, &err);
    assert(code == QT_OK); /* a handful of methods at start */
    return items;
}

void qt_rpc_methods_add(qt_rpc_server *server, const qt_rpc_service *service, const void *ops,
                        void *self, bool bidi) {
    assert(!server->started);
    server->services =
        grown(server->services, server->service_count + 1, sizeof(const qt_rpc_service *));
    server->services[server->service_count++] = service;
    qt_rpc_health_add_service(server->health, service->name);
    server->entries = grown(server->entries, server->entry_count + service->method_count,
                            sizeof *server->entries);
    for (size_t i = 0; i < service->method_count; i++) {
        const qt_rpc_method *method = &service->methods[i];
        qt_rpc_entry *entry = &server->entries[server->entry_count++];
        memset(entry, 0, sizeof *entry);
        entry->method = method;
        entry->ops = ops;
        entry->self = self;
        entry->bidi = bidi;
        entry->in_flight = qt_rpc_series(QT_RPC_SERVER_IN_FLIGHT, method->path, NULL);
    }
}

qt_rpc_entry *qt_rpc_methods_by_path(qt_rpc_server *server, const char *path) {
    for (size_t i = 0; i < server->entry_count; i++) {
        if (strcmp(server->entries[i].method->path, path) == 0) {
            return &server->entries[i];
        }
    }
    return NULL;
}

/* FNV-1a. */
static size_t hash_of(const uint8_t *data, size_t len) {
    uint64_t h = 14695981039346656037U;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ data[i]) * 1099511628211U;
    }
    return (size_t)(h ^ (h >> 32));
}

void qt_rpc_methods_freeze(qt_rpc_server *server) {
    server->hash_size = 16;
    while (server->hash_size < server->entry_count * 2) {
        server->hash_size *= 2;
    }
    server->hash = qt_xcalloc(server->hash_size, sizeof(qt_rpc_entry *));
    for (size_t i = 0; i < server->entry_count; i++) {
        const char *path = server->entries[i].method->path;
        size_t at = hash_of((const uint8_t *)path, strlen(path)) & (server->hash_size - 1);
        while (server->hash[at] != NULL) {
            assert(strcmp(server->hash[at]->method->path, path) != 0);
            at = (at + 1) & (server->hash_size - 1);
        }
        server->hash[at] = &server->entries[i];
    }
}

qt_rpc_entry *qt_rpc_methods_find(const qt_rpc_server *server, grpc_slice path) {
    const uint8_t *data = GRPC_SLICE_START_PTR(path);
    size_t len = GRPC_SLICE_LENGTH(path);
    size_t at = hash_of(data, len) & (server->hash_size - 1);
    for (; server->hash[at] != NULL; at = (at + 1) & (server->hash_size - 1)) {
        const char *have = server->hash[at]->method->path;
        if (strlen(have) == len && memcmp(have, data, len) == 0) {
            return server->hash[at];
        }
    }
    return NULL;
}

void qt_rpc_methods_free(qt_rpc_server *server) {
    free(server->entries);
    free(server->hash);
    free(server->services);
}
