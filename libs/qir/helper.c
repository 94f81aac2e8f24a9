/* The client: starts the helper, sends it one end of a new socket for each request, and talks to
 * the child at the other end. */
#include "qir/helper.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"
#include "circuit/pack.h"
#include "qir/helper_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum {
    DEFAULT_PROCESSES = 4,
    DEFAULT_TIME_MS = 30000,
    MARGIN_MS = 5000, /* after the child's own limit */
    POLL_MS = 50,
    READ_BYTES = 1 << 16,
    MAX_ENVIRONMENT = 4,
};

#define DEFAULT_MEMORY_BYTES ((size_t)2 << 30)
#define MAX_RESPONSE_BYTES ((size_t)4 << 30)

struct qt_qir_helper {
    qt_qir_helper_options options;
    pthread_mutex_t lock;
    pthread_cond_t freed; /* a request is over */
    unsigned running;
    pid_t pid;   /* -1: none */
    int control; /* socket to the helper; -1: none */
};

qt_code qt_qir_helper_new(const qt_qir_helper_options *options, qt_qir_helper **ret_helper,
                          qt_err *err) {
    qt_qir_helper *h = NULL;
    QT_TRY(qt_try_calloc(1, sizeof *h, (void **)&h, err));
    h->options = *options;
    h->options.program = options->program != NULL ? options->program : "/proc/self/exe";
    h->options.max_processes =
        options->max_processes > 0 ? options->max_processes : DEFAULT_PROCESSES;
    h->options.time_ms = options->time_ms > 0 ? options->time_ms : DEFAULT_TIME_MS;
    h->options.memory_bytes =
        options->memory_bytes > 0 ? options->memory_bytes : DEFAULT_MEMORY_BYTES;
    pthread_mutex_init(&h->lock, NULL);
    qt_cond_init(&h->freed);
    h->pid = -1;
    h->control = -1;
    *ret_helper = h;
    return QT_OK;
}

/* ---- starting and ending the helper; under the lock ---- */

static void reap(qt_qir_helper *h) {
    if (h->control >= 0) {
        close(h->control);
        h->control = -1;
    }
    if (h->pid > 0) {
        kill(h->pid, SIGKILL); /* children go on; they have limits of their own */
        while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        h->pid = -1;
    }
}

/* The little that the helper needs of our environment, where secrets are too. */
static void pick_environment(char *ret_environment[MAX_ENVIRONMENT + 1]) {
    static const char *const names[] = {
        "LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS="};
    size_t count = 0;
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        for (size_t i = 0; i < QT_ARRAY_LEN(names) && count < MAX_ENVIRONMENT; i++) {
            if (strncmp(*e, names[i], strlen(names[i])) == 0) {
                ret_environment[count++] = *e;
            }
        }
    }
    ret_environment[count] = NULL;
}

static int spawn(qt_qir_helper *h, int its_end) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, its_end, QT_QIR_HELPER_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, QT_QIR_HELPER_FD + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char *argv[] = {(char *)(uintptr_t)h->options.program,
                    (char *)(uintptr_t)QT_QIR_HELPER_ARGUMENT, NULL};
    char *environment[MAX_ENVIRONMENT + 1];
    pick_environment(environment);
    int failure =
        posix_spawn(&h->pid, h->options.program, &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failure;
}

static qt_code start(qt_qir_helper *h, qt_err *err) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return qt_fail(err, IO_ERROR, "a socket to the QIR helper: %s", strerror(errno));
    }
    /* dup2 onto itself would keep close-on-exec */
    int its_end = ends[1] == QT_QIR_HELPER_FD ? fcntl(ends[1], F_DUPFD_CLOEXEC, 16) : ends[1];
    int failure = its_end >= 0 ? spawn(h, its_end) : errno;
    close(ends[1]);
    if (its_end >= 0 && its_end != ends[1]) {
        close(its_end);
    }
    if (failure != 0) {
        close(ends[0]);
        h->pid = -1;
        return qt_fail(err, IO_ERROR, "the QIR helper cannot start: %s", strerror(failure));
    }
    h->control = ends[0];
    return QT_OK;
}

static bool send_socket(int control, int fd) {
    char byte = 0;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } space;
    memset(&space, 0, sizeof space);
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    ssize_t n = 0;
    do {
        n = sendmsg(control, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n == 1;
}

/* Hands one end of a socket to the helper, which is started (again) when it does not live. */
static qt_code hand_over(qt_qir_helper *h, int fd, qt_err *err) {
    for (int attempt = 0; attempt < 2; attempt++) {
        if (h->control < 0) {
            QT_TRY(start(h, err));
        }
        if (send_socket(h->control, fd)) {
            return QT_OK;
        }
        reap(h);
    }
    return qt_fail(err, IO_ERROR, "the QIR helper does not stay alive");
}

/* ---- one request ---- */

static bool is_cancelled(const qt_qir_wait *wait) {
    return wait != NULL && wait->cancelled != NULL && wait->cancelled(wait->self);
}

static qt_code cancelled(qt_err *err) {
    return qt_fail(err, CALL_CANCELLED, "cancelled while a module was read");
}

static void wait_a_little(qt_qir_helper *h) {
    const struct timespec until = qt_cond_deadline(POLL_MS);
    pthread_cond_timedwait(&h->freed, &h->lock, &until);
}

static qt_code begin(qt_qir_helper *h, const qt_qir_wait *wait, int fd, pid_t *ret_pid,
                     qt_err *err) {
    qt_code code = QT_OK;
    pthread_mutex_lock(&h->lock);
    while (code == QT_OK && h->running >= h->options.max_processes) {
        wait_a_little(h);
        code = is_cancelled(wait) ? cancelled(err) : QT_OK;
    }
    code = code == QT_OK ? hand_over(h, fd, err) : code;
    h->running += code == QT_OK ? 1 : 0;
    *ret_pid = h->pid;
    pthread_mutex_unlock(&h->lock);
    return code;
}

/* A helper that gave no child is replaced. */
static void end(qt_qir_helper *h, pid_t pid, bool had_child) {
    pthread_mutex_lock(&h->lock);
    if (!had_child && h->pid == pid) {
        reap(h);
    }
    h->running--;
    pthread_cond_signal(&h->freed);
    pthread_mutex_unlock(&h->lock);
}

typedef struct exchange {
    int fd;
    const char *parts[2]; /* header, data */
    size_t lens[2];
    size_t part;
    size_t sent; /* of the part */
    qt_buf *in;
    bool over; /* the child closed its end */
} exchange;

static void send_some(exchange *x) {
    ssize_t n = send(x->fd, x->parts[x->part] + x->sent, x->lens[x->part] - x->sent,
                     MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        x->part = errno == EAGAIN || errno == EINTR ? x->part : 2; /* it answers before it read */
        return;
    }
    x->sent += (size_t)n;
    while (x->part < 2 && x->sent == x->lens[x->part]) {
        x->part++;
        x->sent = 0;
    }
}

static void receive_some(exchange *x) {
    char *to = qt_buf_reserve(x->in, READ_BYTES);
    if (to == NULL) {
        x->over = true;
        return;
    }
    ssize_t n = recv(x->fd, to, READ_BYTES, MSG_DONTWAIT);
    if (n > 0) {
        x->in->len += (size_t)n;
    } else {
        x->over = n == 0 || (errno != EAGAIN && errno != EINTR);
    }
}

static qt_code converse(qt_qir_helper *h, exchange *x, const qt_qir_wait *wait, qt_err *err) {
    int64_t end_us = qt_clock_mono_us(qt_clock_system()) + (h->options.time_ms + MARGIN_MS) * 1000;
    while (!x->over) {
        struct pollfd p = {.fd = x->fd, .events = (short)(x->part < 2 ? POLLIN | POLLOUT : POLLIN)};
        int ready = poll(&p, 1, POLL_MS);
        if (ready > 0 && (p.revents & POLLOUT) != 0 && x->part < 2) {
            send_some(x);
        }
        if (ready > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            receive_some(x);
        }
        if (ready == 0 && is_cancelled(wait)) {
            return cancelled(err);
        }
        if (qt_clock_mono_us(qt_clock_system()) > end_us) {
            return qt_fail(err, STEP_LIMIT, "reading the module takes longer than %lld ms",
                           (long long)h->options.time_ms);
        }
    }
    return QT_OK;
}

/* What the child said behind its first byte; without a whole answer it died of the module. */
static qt_code judge(qt_buf *in, qt_err *err) {
    qt_qir_helper_response r;
    QT_TRY(qt_buf_check(in, err));
    size_t len = in->len - 1;
    if (len >= sizeof r) {
        memcpy(&r, in->data + 1, sizeof r);
    }
    if (len < sizeof r || r.magic != QT_QIR_HELPER_RESPONSE || r.len != len - sizeof r ||
        r.reason >= QT_REASON_COUNT_) {
        return qt_fail(err, CIRCUIT_SYNTAX,
                       "the module is damaged: LLVM's reader broke down, or ran out of memory");
    }
    if (r.reason != QT_REASON_NONE) {
        r.msg[sizeof r.msg - 1] = '\0';
        return qt_err_raise(err, (qt_reason)r.reason, NULL, __FILE__, __LINE__, "%s", r.msg);
    }
    return QT_OK;
}

/* One try; *ret_in is empty when there was no child. */
static qt_code try_request(qt_qir_helper *h, const qt_qir_helper_request *q, const char *data,
                           const qt_qir_wait *wait, qt_buf *ret_in, qt_err *err) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return qt_fail(err, IO_ERROR, "a socket to the QIR helper: %s", strerror(errno));
    }
    QT_AUTO_CLOSE int ours = ends[0];
    pid_t pid = -1;
    qt_code code = begin(h, wait, ends[1], &pid, err);
    close(ends[1]);
    QT_TRY(code);
    exchange x = {.fd = ours,
                  .parts = {(const char *)q, data},
                  .lens = {sizeof *q, q->data_len},
                  .in = ret_in};
    code = converse(h, &x, wait, err);
    end(h, pid, code != QT_OK || ret_in->len > 0 || ret_in->failed);
    return code;
}

/* *ret_in then holds the first byte, the response and the bytes behind it. A helper that died
 * between two requests takes the next one with it, so there is a second try. */
static qt_code request(qt_qir_helper *h, qt_qir_helper_request *q, const char *data, size_t len,
                       const qt_qir_wait *wait, qt_buf *ret_in, qt_err *err) {
    q->magic = QT_QIR_HELPER_REQUEST;
    q->time_ms = h->options.time_ms;
    q->memory_bytes = h->options.memory_bytes;
    q->data_len = len;
    ret_in->limit_bytes = MAX_RESPONSE_BYTES;
    for (int attempt = 0; attempt < 2; attempt++) {
        QT_TRY(try_request(h, q, data, wait, ret_in, err));
        if (ret_in->len > 0 || ret_in->failed) {
            return judge(ret_in, err);
        }
    }
    return qt_fail(err, IO_ERROR, "no process for reading the module could be had");
}

static const char *payload(const qt_buf *in) {
    return in->data + 1 + sizeof(qt_qir_helper_response);
}

static size_t payload_len(const qt_buf *in) {
    return in->len - 1 - sizeof(qt_qir_helper_response);
}

qt_code qt_qir_helper_read(qt_qir_helper *helper, const char *data, size_t len,
                           const qt_qir_read_options *options, const qt_qir_wait *wait,
                           qt_circuit **ret_circuit, qt_err *err) {
    static const qt_qir_read_options defaults;
    const qt_qir_read_options *o = options != NULL ? options : &defaults;
    qt_qir_helper_request q = {.kind = QT_QIR_HELPER_READ,
                               .strict = o->strict,
                               .has_entry_point = o->entry_point != NULL,
                               .max_bytes = o->max_bytes,
                               .max_steps = o->max_steps,
                               .limits = o->limits};
    const char *entry = o->entry_point != NULL ? o->entry_point : "";
    if ((size_t)snprintf(q.entry_point, sizeof q.entry_point, "%s", entry) >=
        sizeof q.entry_point) {
        return qt_fail_field(err, FIELD_INVALID, "entry_point",
                             "the entry point's name is longer than %zu bytes",
                             sizeof q.entry_point - 1);
    }
    QT_CLEANUP(qt_buf_done) qt_buf in = {0};
    QT_TRY(request(helper, &q, data, len, wait, &in, err));
    return qt_circuit_unpack(payload(&in), payload_len(&in), ret_circuit, err);
}

qt_code qt_qir_helper_check(qt_qir_helper *helper, const char *data, size_t len,
                            const qt_qir_check_options *options, const qt_qir_wait *wait,
                            qt_qir_report *ret_report, qt_err *err) {
    static const qt_qir_check_options defaults;
    const qt_qir_check_options *o = options != NULL ? options : &defaults;
    qt_qir_helper_request q = {.kind = QT_QIR_HELPER_CHECK,
                               .profile = (uint32_t)o->profile,
                               .max_violations = o->max_violations,
                               .max_bytes = o->max_bytes};
    QT_CLEANUP(qt_buf_done) qt_buf in = {0};
    QT_TRY(request(helper, &q, data, len, wait, &in, err));
    return qt_qir_report_unpack(payload(&in), payload_len(&in), ret_report, err);
}

qt_code qt_qir_helper_to_bitcode(qt_qir_helper *helper, const char *text, size_t len,
                                 qt_qir_version version, const qt_qir_wait *wait,
                                 qt_buf *ret_bitcode, qt_err *err) {
    qt_qir_helper_request q = {.kind = QT_QIR_HELPER_TO_BITCODE, .version = (uint32_t)version};
    QT_CLEANUP(qt_buf_done) qt_buf in = {0};
    QT_TRY(request(helper, &q, text, len, wait, &in, err));
    qt_buf_add(ret_bitcode, payload(&in), payload_len(&in));
    return qt_buf_check(ret_bitcode, err);
}

pid_t qt_qir_helper_pid(qt_qir_helper *helper) {
    pthread_mutex_lock(&helper->lock);
    pid_t pid = helper->pid;
    pthread_mutex_unlock(&helper->lock);
    return pid;
}

void qt_qir_helper_free(qt_qir_helper *helper) {
    if (helper == NULL) {
        return;
    }
    reap(helper);
    pthread_cond_destroy(&helper->freed);
    pthread_mutex_destroy(&helper->lock);
    free(helper);
}
