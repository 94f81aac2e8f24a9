#include "services/queue-svc/entry.h"

#include "base/alloc.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void qt_entry_list_done(qt_entry_list *list) {
    qt_entry *entry;
    while ((entry = qt_entry_list_pop(list)) != NULL) {
        free(entry);
    }
}

void qt_entry_list_push(qt_entry_list *list, qt_entry *entry) {
    entry->next = NULL;
    if (list->last != NULL) {
        list->last->next = entry;
    } else {
        list->first = entry;
    }
    list->last = entry;
    list->count++;
}

qt_entry *qt_entry_list_pop(qt_entry_list *list) {
    qt_entry *entry = list->first;
    if (entry != NULL) {
        list->first = entry->next;
        list->last = list->first != NULL ? list->last : NULL;
        list->count--;
    }
    return entry;
}

void qt_entry_list_append(qt_entry_list *list, qt_entry_list *from) {
    if (from->first == NULL) {
        return;
    }
    if (list->last != NULL) {
        list->last->next = from->first;
    } else {
        list->first = from->first;
    }
    list->last = from->last;
    list->count += from->count;
    *from = (qt_entry_list){0};
}

void qt_entry_list_prepend(qt_entry_list *list, qt_entry_list *from) {
    qt_entry_list_append(from, list);
    *list = *from;
    *from = (qt_entry_list){0};
}

static bool is_string(const redisReply *reply) {
    return reply->type == REDIS_REPLY_STRING;
}

static bool copy_text(const redisReply *from, char *to, size_t cap) {
    if (!is_string(from) || from->len == 0 || from->len >= cap ||
        memchr(from->str, '\0', from->len) != NULL) {
        return false;
    }
    memcpy(to, from->str, from->len + 1);
    return true;
}

static bool copy_number(const redisReply *from, int32_t *ret_value) {
    char *end = NULL;
    long long value = is_string(from) ? strtoll(from->str, &end, 10) : 0;
    if (end == NULL || end == from->str || *end != '\0' || value < 0 || value > INT32_MAX) {
        return false;
    }
    *ret_value = (int32_t)value;
    return true;
}

static const redisReply *find_field(const redisReply *fields, const char *name) {
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        if (is_string(fields->element[i]) && strcmp(fields->element[i]->str, name) == 0) {
            return fields->element[i + 1];
        }
    }
    return NULL;
}

static qt_code corrupt(qt_err *err, const char *what) {
    return qt_fail(err, DATA_CORRUPT, "a stream entry %s", what);
}

static qt_code decode_fields(const redisReply *reply, qt_entry *entry, qt_err *err) {
    const redisReply *fields = reply->element[1];
    const redisReply *task_id = find_field(fields, "task_id");
    const redisReply *seq = find_field(fields, "seq");
    if (!copy_text(reply->element[0], entry->id, sizeof entry->id)) {
        return corrupt(err, "has no id");
    }
    if (task_id == NULL || !copy_text(task_id, entry->task_id, sizeof entry->task_id)) {
        return corrupt(err, "has no task_id");
    }
    if (seq == NULL || !copy_number(seq, &entry->dispatch_seq)) {
        return corrupt(err, "has no seq");
    }
    return QT_OK;
}

qt_code qt_entry_decode(const redisReply *reply, int stream, qt_entry **ret_entry, qt_err *err) {
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[1]->type != REDIS_REPLY_ARRAY) {
        return corrupt(err, "is no pair of id and fields");
    }
    qt_entry head = {.stream = stream, .delivery_count = 1};
    QT_TRY(decode_fields(reply, &head, err));
    const redisReply *payload = find_field(reply->element[1], "payload");
    const redisReply *trace = find_field(reply->element[1], "trace");
    (void)qt_trace_parse(trace != NULL && is_string(trace) ? trace->str : NULL, &head.trace);
    head.payload_len = payload != NULL && is_string(payload) ? payload->len : 0;
    void *memory = NULL;
    QT_TRY(qt_try_malloc(sizeof head + head.payload_len, &memory, err));
    qt_entry *entry = memory;
    *entry = head;
    if (head.payload_len > 0) {
        memcpy(entry->payload, payload->str, head.payload_len);
    }
    *ret_entry = entry;
    return QT_OK;
}
