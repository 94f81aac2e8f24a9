#include "qir/isolate.h"

#include "base/cleanup.h"
#include "qir/llvm_module.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { CHILD_SECONDS = 30, READ_BYTES = 1 << 16, MARK_TEXT = 'T', MARK_ERROR = 'E' };

#define CHILD_MEMORY_BYTES ((rlim_t)4 << 30)
#define MAX_TEXT_BYTES ((size_t)1 << 30)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define QT_SANITIZED 1 /* shadow memory does not fit into a limit */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define QT_SANITIZED 1
#endif
#endif

static bool is_isolated; /* set before threads start */

void qt_llvm_set_isolated(void) {
    is_isolated = true;
}

bool qt_llvm_is_isolated(void) {
    return is_isolated;
}

/* The child. */

void qt_llvm_limit_process(uint64_t seconds, uint64_t memory_bytes) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_CPU, &(struct rlimit){seconds, seconds});
#ifdef QT_SANITIZED
    (void)memory_bytes;
#else
    setrlimit(RLIMIT_AS, &(struct rlimit){memory_bytes, memory_bytes});
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO); /* what LLVM says when it dies */
    }
#endif
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTERM, SIGPIPE};
    for (size_t i = 0; i < QT_ARRAY_LEN(deadly); i++) {
        signal(deadly[i], SIG_DFL);
    }
}

static void send_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            _exit(1);
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static void send_marked(int fd, char mark, const char *text) {
    send_all(fd, &mark, 1);
    send_all(fd, text, strlen(text));
}

static void run_child(int fd, const char *data, size_t len) {
    qt_llvm_limit_process(CHILD_SECONDS, CHILD_MEMORY_BYTES);
    qt_err err;
    qt_llvm_module m = {0};
    qt_code code = qt_llvm_module_parse(data, len, false, &m, &err);
    if (code == QT_OK) {
        code = qt_llvm_module_verify(&m, &err);
    }
    if (code != QT_OK) {
        send_marked(fd, MARK_ERROR, err.msg);
    } else {
        send_marked(fd, MARK_TEXT, LLVMPrintModuleToString(m.module));
    }
    _exit(0);
}

/* The parent. */

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Everything until the child closes the pipe; false when time or memory is over. */
static bool receive(int fd, qt_buf *out) {
    int64_t end = now_ms() + 2 * CHILD_SECONDS * 1000;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = end - now_ms();
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        char *to = ready > 0 ? qt_buf_reserve(out, READ_BYTES) : NULL;
        if (to == NULL) {
            return false;
        }
        ssize_t n = read(fd, to, READ_BYTES);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return n == 0;
        }
        out->len += n > 0 ? (size_t)n : 0;
    }
}

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return status;
}

static qt_code judge(bool complete, int status, qt_buf *out, qt_err *err) {
    if (!complete || status != 0 || out->len == 0) {
        return qt_fail(err, CIRCUIT_SYNTAX, "not valid LLVM bitcode%s",
                       complete ? "" : ": reading it takes too long");
    }
    out->data[out->len] = '\0';
    if (out->data[0] == MARK_ERROR) {
        return qt_fail(err, CIRCUIT_SYNTAX, "%.200s", out->data + 1);
    }
    memmove(out->data, out->data + 1, out->len);
    out->len--;
    return QT_OK;
}

qt_code qt_llvm_isolated_text(const char *data, size_t len, qt_buf *ret_text, qt_err *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return qt_fail(err, OUT_OF_MEMORY, "a pipe for reading bitcode: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_child(ends[1], data, len);
    }
    close(ends[1]);
    QT_AUTO_CLOSE int from_child = ends[0];
    if (pid < 0) {
        return qt_fail(err, OUT_OF_MEMORY, "a process for reading bitcode: %s", strerror(errno));
    }
    QT_CLEANUP(qt_buf_done) qt_buf out = {.limit_bytes = MAX_TEXT_BYTES};
    bool complete = receive(from_child, &out);
    if (!complete) {
        kill(pid, SIGKILL);
    }
    int status = wait_for(pid);
    if (out.failed) {
        return qt_buf_check(&out, err);
    }
    QT_TRY(judge(complete, status, &out, err));
    *ret_text = out;
    out = (qt_buf){0};
    return QT_OK;
}
