/* The helper: one thread that forks a child for each socket that its starter sends. A child reads
 * one request, does it, answers, and is gone; a thread in it watches the time and the caller. */
#include "qir/helper_wire.h"

#include "base/cleanup.h"
#include "circuit/pack.h"
#include "qir/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { REQUEST_SECONDS = 60 };

bool qt_qir_is_helper(int argc, char **argv) {
    return argc == 2 && strcmp(argv[1], QT_QIR_HELPER_ARGUMENT) == 0;
}

/* ---- the child ---- */

typedef struct child {
    int fd;
    int64_t time_ms;
    atomic_flag answered;
} child;

static void send_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            _exit(1);
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static void receive_all(int fd, void *to, size_t len) {
    char *at = to;
    while (len > 0) {
        ssize_t n = recv(fd, at, len, 0);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            _exit(1);
        }
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

_Noreturn static void answer(child *c, qt_code code, const qt_err *err, const qt_buf *payload) {
    if (atomic_flag_test_and_set(&c->answered)) {
        for (;;) {
            pause(); /* the other thread ends the process */
        }
    }
    qt_qir_helper_response r = {.magic = QT_QIR_HELPER_RESPONSE};
    if (code != QT_OK) {
        r.reason = (uint32_t)err->reason;
        memcpy(r.msg, err->msg, sizeof r.msg);
    } else {
        r.len = payload->len;
    }
    send_all(c->fd, (const char *)&r, sizeof r);
    send_all(c->fd, qt_buf_str(payload), r.len);
    _exit(0);
}

static void *watch(void *arg) {
    child *c = arg;
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
    if (poll(&p, 1, (int)c->time_ms) != 0) {
        _exit(1); /* nobody waits any more */
    }
    qt_err err;
    const qt_buf nothing = {0};
    qt_code code = qt_fail(&err, STEP_LIMIT, "reading the module takes longer than %lld ms",
                           (long long)c->time_ms);
    answer(c, code, &err, &nothing);
}

/* No new descriptors, no new privileges: what a module that takes this process over cannot do. */
static void lock_child(const child *c, const qt_qir_helper_request *q) {
    qt_llvm_set_isolated();
    qt_llvm_limit_process((uint64_t)c->time_ms / 1000 + 1, q->memory_bytes);
    rlim_t descriptors = (rlim_t)c->fd + 1;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){descriptors, descriptors});
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, 0});
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static qt_code do_read(const qt_qir_helper_request *q, const char *data, qt_buf *out, qt_err *err) {
    const qt_qir_read_options options = {.strict = q->strict != 0,
                                         .entry_point =
                                             q->has_entry_point != 0 ? q->entry_point : NULL,
                                         .max_bytes = q->max_bytes,
                                         .max_steps = q->max_steps,
                                         .limits = q->limits};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_TRY(qt_qir_read(data, q->data_len, &options, &circuit, err));
    qt_circuit_pack(circuit, out);
    return qt_buf_check(out, err);
}

static qt_code do_check(const qt_qir_helper_request *q, const char *data, qt_buf *out,
                        qt_err *err) {
    const qt_qir_check_options options = {.profile = (qt_qir_profile)q->profile,
                                          .max_violations = q->max_violations,
                                          .max_bytes = q->max_bytes};
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
    QT_TRY(qt_qir_check(data, q->data_len, &options, &report, err));
    qt_qir_report_pack(&report, out);
    return qt_buf_check(out, err);
}

static qt_code do_request(const qt_qir_helper_request *q, const char *data, qt_buf *out,
                          qt_err *err) {
    switch ((qt_qir_helper_kind)q->kind) {
    case QT_QIR_HELPER_READ:
        return do_read(q, data, out, err);
    case QT_QIR_HELPER_CHECK:
        return do_check(q, data, out, err);
    case QT_QIR_HELPER_TO_BITCODE:
        return qt_qir_to_bitcode(data, q->data_len, (qt_qir_version)q->version, out, err);
    }
    return qt_fail(err, INTERNAL, "request %u", q->kind);
}

_Noreturn static void serve(int fd) {
    qt_qir_helper_request q;
    alarm(REQUEST_SECONDS); /* until the request is here */
    send_all(fd, "", 1);
    receive_all(fd, &q, sizeof q);
    if (q.magic != QT_QIR_HELPER_REQUEST) {
        _exit(1);
    }
    static child c;
    c = (child){.fd = fd, .time_ms = q.time_ms, .answered = ATOMIC_FLAG_INIT};
    lock_child(&c, &q);
    qt_err err;
    qt_buf out = {0};
    char *data = malloc(q.data_len + 1);
    pthread_t watcher;
    if (data == NULL || pthread_create(&watcher, NULL, watch, &c) != 0) {
        answer(&c, qt_fail(&err, OUT_OF_MEMORY, "no memory for reading the module"), &err, &out);
    }
    receive_all(fd, data, q.data_len);
    data[q.data_len] = '\0';
    alarm(0);
    answer(&c, do_request(&q, data, &out, &err), &err, &out);
}

/* ---- the process that forks ---- */

/* The next socket; -1 when the starter is gone. */
static int receive_socket(void) {
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n = 0;
    do {
        n = recvmsg(QT_QIR_HELPER_FD, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) {
        return -1;
    }
    int fd = -1;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

/* What LLVM sets up once is then there in every child. */
static void warm_up(void) {
    static const char module[] = "define i64 @main() {\n  ret i64 0\n}\n";
    qt_err err;
    qt_buf bitcode = {0};
    if (qt_qir_to_bitcode(module, sizeof module - 1, QT_QIR_2_0, &bitcode, &err) != QT_OK) {
        fprintf(stderr, "qir helper: %s\n", err.msg);
    }
    qt_buf_done(&bitcode);
}

int qt_qir_helper_main(void) {
    signal(SIGCHLD, SIG_IGN); /* children leave nothing behind */
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_IGN); /* of a terminal: the starter decides when to stop */
    warm_up();
    for (;;) {
        int fd = receive_socket();
        if (fd < 0) {
            return EXIT_SUCCESS;
        }
        pid_t pid = fork();
        if (pid == 0) {
            close(QT_QIR_HELPER_FD);
            serve(fd);
        }
        close(fd); /* without a child the client sees the end before the first byte */
    }
}
