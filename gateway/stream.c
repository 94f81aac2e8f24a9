/* Server streams as HTTP answers in parts. Happy path: the stream is opened, the first message
 * starts the answer, each message is written as it comes (on the channel's thread), the next one is
 * asked for when few bytes wait to be sent, the end of the stream ends the answer. A thread looks
 * once a second for clients that are gone, and writes a sign of life to those that wait. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"
#include "gateway/gateway_impl.h"
#include "gateway/wire.h"
#include "gateway/wire_to_json.h"
#include "rpc/status.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 1000, PING_MS = 15000, AHEAD_BYTES = 64 * 1024 };

/* How the messages of a stream are written. */
typedef struct stream_format {
    const char *accept; /* what asks for it */
    const char *content_type;
    const char *begin; /* before everything, */
    const char *first; /* before the first message, */
    const char *other; /* before the others, */
    const char *after; /* after each message, */
    const char *error; /* before the error that ends the stream, */
    const char *end;   /* after everything, */
    const char *ping;  /* from time to time */
    bool has_ids;      /* "id: " in front of a message */
} stream_format;

/* The last one is for everybody else. */
static const stream_format formats[] = {
    {.accept = "text/event-stream",
     .content_type = "text/event-stream",
     .begin = "",
     .first = "data: ",
     .other = "data: ",
     .after = "\n\n",
     .error = "event: error\ndata: ",
     .end = "",
     .ping = ": still here\n\n",
     .has_ids = true},
    {.accept = "ndjson",
     .content_type = "application/x-ndjson",
     .begin = "",
     .first = "",
     .other = "",
     .after = "\n",
     .error = "",
     .end = "",
     .ping = "\n"},
    {.accept = "",
     .content_type = "application/json",
     .begin = "[",
     .first = "",
     .other = ",\n",
     .after = "",
     .error = "",
     .end = "]",
     .ping = "\n"},
};

typedef struct stream {
    struct stream *prev, *next; /* among all */
    qt_exchange *x;
    qt_streams *streams;
    const stream_format *format;
    const qt_field *version; /* of a response; NULL: it has none to go on from */
    qt_rpc_raw_stream *rpc;  /* NULL when it is over; under the lock */
    int64_t written_ms;      /* under the lock */
    atomic_bool has_begun;   /* the answer */
    bool has_message;        /* of the channel's thread */
    atomic_bool is_full;     /* the next message is asked for when all was sent */
    qt_err failed;           /* why the gateway ended the stream; code QT_OK: it did not */
} stream;

struct qt_streams {
    pthread_t thread;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t changed;
    stream *first;
    bool is_stopping;
};

static int64_t now_ms(void) {
    return qt_clock_mono_ms(qt_clock_system());
}

/* ---- which format, from where ---- */

static const stream_format *pick_format(const qt_exchange *x) {
    const char *accept = qt_http_header(x->http, "Accept");
    const stream_format *format = formats;
    while (format->accept[0] != '\0' &&
           (accept == NULL || strstr(accept, format->accept) == NULL)) {
        format++;
    }
    return format;
}

static const qt_field *int64_field(const qt_message *message, const char *name) {
    const qt_field *field = qt_message_field(message, name, strlen(name));
    return field != NULL && field->type == QT_FIELD_INT64 && !field->repeated ? field : NULL;
}

/* A browser that lost its connection asks again with the last id that it saw; of a field that is
 * given twice the last counts. */
static qt_code add_last_event_id(const qt_exchange *x, qt_buf *message, qt_err *err) {
    const char *id = qt_http_header(x->http, "Last-Event-ID");
    const qt_field *after = int64_field(x->route->method->input, "after_version");
    if (id == NULL || after == NULL) {
        return QT_OK;
    }
    char *end = NULL;
    errno = 0;
    long long version = strtoll(id, &end, 10);
    if (end == id || *end != '\0' || version < 0 || errno != 0) {
        return qt_fail_field(err, FIELD_INVALID, "Last-Event-ID",
                             "header Last-Event-ID is no id of an event");
    }
    qt_wire_add_tag(message, after->number, QT_WIRE_VARINT);
    qt_wire_add_varint(message, (uint64_t)version);
    return qt_buf_check(message, err);
}

static int64_t version_of(const stream *s, const uint8_t *bytes, size_t len) {
    qt_wire_reader reader = qt_wire_reader_make(bytes, len);
    qt_wire_field field;
    int64_t version = 0;
    while (s->version != NULL && qt_wire_next(&reader, &field) == QT_WIRE_FIELD) {
        if (field.number == s->version->number && field.type == QT_WIRE_VARINT) {
            version = (int64_t)field.value;
        }
    }
    return version;
}

/* ---- writing ---- */

static void ask_next(stream *s) {
    pthread_mutex_lock(&s->streams->lock);
    if (s->rpc != NULL) {
        qt_rpc_raw_stream_next(s->rpc);
    }
    pthread_mutex_unlock(&s->streams->lock);
}

static void on_drained(void *arg) {
    stream *s = arg;
    if (atomic_exchange(&s->is_full, false)) {
        ask_next(s);
    }
}

static void begin_answer(stream *s) {
    qt_exchange *x = s->x;
    qt_answer_stream(x, s->format->content_type, on_drained, s);
    qt_http_stream_write(x->http, s->format->begin, strlen(s->format->begin));
    atomic_store(&s->has_begun, true);
}

static void write_part(stream *s, const qt_buf *part) {
    pthread_mutex_lock(&s->streams->lock);
    s->written_ms = now_ms();
    pthread_mutex_unlock(&s->streams->lock);
    if (qt_http_stream_write(s->x->http, qt_buf_str(part), part->len) < AHEAD_BYTES) {
        ask_next(s);
        return;
    }
    atomic_store(&s->is_full, true);
    bool was_drained = qt_http_stream_pending(s->x->http) == 0;
    if (was_drained && atomic_exchange(&s->is_full, false)) {
        ask_next(s);
    }
}

static qt_code write_message(stream *s, const uint8_t *bytes, size_t len, qt_buf *out,
                             qt_err *err) {
    const qt_exchange *x = s->x;
    int64_t version = s->format->has_ids ? version_of(s, bytes, len) : 0;
    if (version > 0) {
        qt_buf_printf(out, "id: %lld\n", (long long)version);
    }
    qt_buf_add_str(out, s->has_message ? s->format->other : s->format->first);
    qt_json_writer w = qt_json_writer_make(out);
    QT_TRY(qt_wire_to_json(x->gateway->schema, x->route->method->output, bytes, len, &w, err));
    qt_buf_add_str(out, s->format->after);
    return qt_buf_check(out, err);
}

static void cancel(stream *s) {
    pthread_mutex_lock(&s->streams->lock);
    if (s->rpc != NULL) {
        qt_rpc_raw_stream_cancel(s->rpc);
    }
    pthread_mutex_unlock(&s->streams->lock);
}

static void on_message(void *arg, const uint8_t *bytes, size_t len) {
    stream *s = arg;
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    if (write_message(s, bytes, len, &out, &s->failed) != QT_OK) {
        cancel(s);
        return;
    }
    if (!atomic_load(&s->has_begun)) {
        begin_answer(s);
    }
    s->has_message = true;
    write_part(s, &out);
}

/* ---- the end ---- */

/* The answer has begun, so an error can only be its last part. */
static void end_answer(stream *s, const qt_err *err) {
    qt_exchange *x = s->x;
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    if (err != NULL) {
        const stream_format *f = s->format;
        bool in_list = f->end[0] != '\0' && s->has_message;
        qt_buf_add_str(&out, in_list ? f->other : f->error);
        qt_buf_add_str(&out, "{\"error\":");
        qt_answer_write_error(x, err, &out);
        qt_buf_add_str(&out, "}");
        qt_buf_add_str(&out, f->after);
    }
    qt_buf_add_str(&out, s->format->end);
    qt_http_stream_write(x->http, qt_buf_str(&out), out.len);
    qt_answer_stream_end(x, err);
}

/* Nothing was sent yet: an error gets its own status, an empty stream an empty list. */
static void answer_late(void *arg, qt_http_request *http) {
    stream *s = arg;
    (void)http;
    if (s->failed.code != QT_OK) {
        qt_answer_error(s->x, &s->failed);
    } else if (s->x->code != QT_OK) {
        qt_answer_upstream_error(s->x);
    } else {
        begin_answer(s);
        end_answer(s, NULL);
    }
}

static void unlink_stream(stream *s) {
    qt_streams *streams = s->streams;
    pthread_mutex_lock(&streams->lock);
    s->rpc = NULL;
    *(s->prev != NULL ? &s->prev->next : &streams->first) = s->next;
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    pthread_mutex_unlock(&streams->lock);
}

static void on_end(void *arg, const qt_rpc_raw_reply *reply) {
    stream *s = arg;
    unlink_stream(s);
    if (!atomic_load(&s->has_begun)) {
        qt_exchange_take_reply(s->x, reply);
        qt_http_continue(s->x->http, answer_late, s);
    } else if (s->failed.code != QT_OK) {
        end_answer(s, &s->failed);
    } else if (reply->code != QT_OK) {
        qt_err err;
        (void)qt_rpc_err_from_status(reply->code, reply->message, reply->status_details,
                                     reply->status_details_len, &err);
        end_answer(s, &err);
    } else {
        end_answer(s, NULL);
    }
}

/* ---- the start ---- */

static void open_stream(stream *s, const qt_buf *message) {
    static const qt_rpc_raw_stream_ops ops = {.message = on_message, .end = on_end};
    qt_streams *streams = s->streams;
    qt_exchange *x = s->x;
    const qt_rpc_call call = {
        .timeout_ms = x->timeout_ms, .request_id = x->request_id, .trace = &x->trace};
    pthread_mutex_lock(&streams->lock); /* its callbacks wait until it is on the list */
    s->next = streams->first;
    if (s->next != NULL) {
        s->next->prev = s;
    }
    streams->first = s;
    qt_rpc_raw_stream_open(x->upstream->channel, x->route->method->rpc_path, &call,
                           (const uint8_t *)qt_buf_str(message), message->len, &ops, s, &s->rpc);
    pthread_mutex_unlock(&streams->lock);
}

void qt_stream_proxy(qt_exchange *x, qt_buf *message) {
    qt_err err;
    stream *s = qt_arena_alloc(qt_http_arena(x->http), sizeof *s);
    if (s == NULL) {
        qt_code code = qt_fail(&err, OUT_OF_MEMORY, "no memory for the stream");
        (void)code;
        qt_answer_error(x, &err);
        return;
    }
    *s = (stream){.x = x,
                  .streams = x->gateway->streams,
                  .format = pick_format(x),
                  .version = int64_field(x->route->method->output, "version"),
                  .written_ms = now_ms()};
    if (add_last_event_id(x, message, &err) != QT_OK) {
        qt_answer_error(x, &err);
        return;
    }
    open_stream(s, message);
}

/* ---- the thread ---- */

/* With the lock held, so that no stream ends meanwhile. */
static void look_at(stream *s, int64_t now) {
    if (s->rpc == NULL) {
        return;
    }
    if (qt_http_gone(s->x->http)) {
        qt_rpc_raw_stream_cancel(s->rpc);
    } else if (atomic_load(&s->has_begun) && now - s->written_ms >= PING_MS &&
               qt_http_stream_pending(s->x->http) == 0) {
        s->written_ms = now;
        qt_http_stream_write(s->x->http, s->format->ping, strlen(s->format->ping));
    }
}

static void *look_main(void *arg) {
    qt_streams *streams = arg;
    pthread_mutex_lock(&streams->lock);
    while (!streams->is_stopping) {
        const struct timespec end = qt_cond_deadline(LOOK_MS);
        pthread_cond_timedwait(&streams->changed, &streams->lock, &end);
        int64_t now = now_ms();
        for (stream *s = streams->first; s != NULL; s = s->next) {
            look_at(s, now);
        }
    }
    pthread_mutex_unlock(&streams->lock);
    return NULL;
}

qt_code qt_streams_new(qt_streams **ret_streams, qt_err *err) {
    qt_streams *streams = qt_xcalloc(1, sizeof *streams);
    pthread_mutex_init(&streams->lock, NULL);
    qt_cond_init(&streams->changed);
    if (pthread_create(&streams->thread, NULL, look_main, streams) != 0) {
        free(streams);
        return qt_fail(err, OUT_OF_MEMORY, "no thread for streams");
    }
    *ret_streams = streams;
    return QT_OK;
}

void qt_streams_free(qt_streams *streams) {
    if (streams == NULL) {
        return;
    }
    pthread_mutex_lock(&streams->lock);
    streams->is_stopping = true;
    pthread_cond_signal(&streams->changed);
    pthread_mutex_unlock(&streams->lock);
    pthread_join(streams->thread, NULL);
    pthread_cond_destroy(&streams->changed);
    pthread_mutex_destroy(&streams->lock);
    free(streams);
}
