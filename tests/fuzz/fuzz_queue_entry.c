/* Replies of Redis: whatever comes as an entry, it is refused or its parts are within bounds. */
#include "services/queue-svc/entry.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const redisReply *reply) {
    qt_err err;
    qt_entry *entry = NULL;
    if (qt_entry_decode(reply, 0, &entry, &err) == QT_OK) {
        assert(strlen(entry->id) > 0 && strlen(entry->id) < sizeof entry->id);
        assert(strlen(entry->task_id) > 0 && strlen(entry->task_id) < sizeof entry->task_id);
        assert(entry->dispatch_seq >= 0 && entry->delivery_count == 1);
        free(entry);
    } else {
        assert(entry == NULL);
    }
}

/* hiredis allocates an array before its elements come; Redis is trusted not to lie about it. */
static bool has_long_array(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        size_t digits = 0;
        while (data[i] == '*' && i + 1 + digits < size && data[i + 1 + digits] >= '0' &&
               data[i + 1 + digits] <= '9') {
            digits++;
        }
        if (digits > 4) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (has_long_array(data, size)) {
        return 0;
    }
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    redisReaderFeed(reader, (const char *)data, size);
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        decode(reply);
        freeReplyObject(reply);
        reply = NULL;
    }
    redisReaderFree(reader);
    return 0;
}
