/* An entry of a stream in memory, and lists of them. */
#ifndef QT_QUEUE_SVC_ENTRY_H
#define QT_QUEUE_SVC_ENTRY_H

#include "base/err.h"
#include "trace/trace.h"

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>

enum { QT_ENTRY_ID_BYTES = 44, QT_TASK_ID_BYTES = 37 };

/* A delivered entry. */
typedef struct qt_entry {
    struct qt_entry *next;
    int stream;
    char id[QT_ENTRY_ID_BYTES]; /* "<milliseconds>-<number>" */
    char task_id[QT_TASK_ID_BYTES];
    int32_t dispatch_seq;
    int32_t delivery_count; /* from 1 */
    qt_trace_ctx trace;     /* none, or of the dispatch */
    int64_t read_ms;        /* when it was read, by the monotonic clock; set by the hub */
    size_t payload_len;     /* 0: the payload did not travel along */
    uint8_t payload[];      /* a serialized TaskPayload */
} qt_entry;

/* A first-in-first-out list that owns its entries; zeroed is empty. */
typedef struct qt_entry_list {
    qt_entry *first;
    qt_entry *last;
    size_t count;
} qt_entry_list;

/* Frees the entries; safe on zeroed memory and twice. */
void qt_entry_list_done(qt_entry_list *list);
void qt_entry_list_push(qt_entry_list *list, qt_entry *entry);
/* The first one, which now belongs to the caller (free()); NULL when the list is empty. */
qt_entry *qt_entry_list_pop(qt_entry_list *list);
/* Moves all entries of `from` behind those of `list`. */
void qt_entry_list_append(qt_entry_list *list, qt_entry_list *from);
/* Moves all entries of `from` in front of those of `list`. */
void qt_entry_list_prepend(qt_entry_list *list, qt_entry_list *from);

/* Reads [id, [field, value, ...]] as Redis answers it; unknown fields are skipped. DATA_CORRUPT
 * when it is none of ours, OUT_OF_MEMORY. */
qt_code qt_entry_decode(const redisReply *reply, int stream, qt_entry **ret_entry, qt_err *err);

#endif
