#include "testlib.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Lets a refused allocation return NULL under AddressSanitizer, as it does without it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

int qt_test_run(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool qt_test_failure_begin(long k) {
    bool go_on = k == 0 || qt_alloc_failed();
    qt_alloc_fail_at(go_on ? k : -1);
    return go_on;
}

static bool port_is_free(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_free;
}

int qt_test_free_port(void) {
    enum { FIRST = 10000, COUNT = 20000 };
    static unsigned turn;
    for (int tries = 0; tries < COUNT; tries++) {
        unsigned spread = (unsigned)getpid() * 131U + turn++ * 7U;
        int port = FIRST + (int)(spread % COUNT);
        if (port_is_free(port)) {
            return port;
        }
    }
    ck_abort_msg("no free port");
}

char *qt_test_dir_new(void) {
    const char *tmp = getenv("TMPDIR");
    char name[200];
    snprintf(name, sizeof name, "%s/qt-XXXXXX", tmp != NULL && strlen(tmp) < 60 ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(name));
    ck_assert_int_eq(chmod(name, 0755), 0);
    return qt_xstrdup(name);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void qt_test_dir_remove(const char *dir) {
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void become(const char *user) {
    if (user == NULL || geteuid() != 0) {
        return;
    }
    struct passwd *pw = getpwnam(user);
    if (pw == NULL || initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
        setuid(pw->pw_uid) != 0) {
        _exit(126);
    }
}

pid_t qt_test_spawn_as(const char *user, const char *const argv[], const char *log_file) {
    pid_t parent = getpid();
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0) {
        return pid;
    }
    if (log_file != NULL) {
        int fd = open(log_file, O_WRONLY | O_CREAT | O_APPEND, 0666);
        if (fd >= 0) {
            dup2(fd, STDOUT_FILENO);
            dup2(fd, STDERR_FILENO);
        }
    }
    become(user);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* after setuid, which clears it */
    if (getppid() != parent) {
        _exit(125);
    }
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

pid_t qt_test_spawn(const char *const argv[], const char *log_file) {
    return qt_test_spawn_as(NULL, argv, log_file);
}

typedef struct exit_wait {
    pid_t pid;
    int status;
} exit_wait;

static bool has_exited(void *arg) {
    exit_wait *w = arg;
    return waitpid(w->pid, &w->status, WNOHANG) != 0;
}

int qt_test_stop(pid_t pid, int sig) {
    exit_wait w = {.pid = pid};
    kill(pid, sig);
    if (!qt_test_wait(has_exited, &w, 10000)) {
        kill(pid, SIGKILL);
        waitpid(pid, &w.status, 0);
    }
    return w.status;
}

int qt_test_run_command(const char *user, const char *const argv[], const char *log_file) {
    pid_t pid = qt_test_spawn_as(user, argv, log_file);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool qt_test_wait(bool (*condition)(void *arg), void *arg, int64_t timeout_ms) {
    const qt_clock *clock = qt_clock_system();
    int64_t end_ms = qt_clock_mono_ms(clock) + timeout_ms;
    while (!condition(arg)) {
        if (qt_clock_mono_ms(clock) >= end_ms) {
            return false;
        }
        usleep(2000); /* between two looks at the condition */
    }
    return true;
}

static const char *env_or_die(const char *name) {
    const char *value = getenv(name);
    ck_assert_msg(value != NULL, "%s is not set; run the test through ctest", name);
    return value;
}

const char *qt_test_source_dir(void) {
    return env_or_die("QT_SOURCE_DIR");
}

const char *qt_test_binary_dir(void) {
    return env_or_die("QT_BINARY_DIR");
}

char *qt_test_read_file(const char *path, size_t *ret_len) {
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "cannot open %s: %s", path, strerror(errno));
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    long len = ftell(f);
    ck_assert_int_ge(len, 0);
    rewind(f);
    char *text = qt_xmalloc((size_t)len + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)len, f), (size_t)len);
    text[len] = '\0';
    fclose(f);
    if (ret_len != NULL) {
        *ret_len = (size_t)len;
    }
    return text;
}
