/* Replies of Redis: whatever comes as an entry, it is refused or its parts are within bounds. */
#include "services/queue-svc/entry.h"

#include <assert.h>
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
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
