/* Read from /proc/self: see proc(5) for the fields of stat. A value that cannot be read stays as it
 * was. */
#include "observe/process_metrics.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define QT_METRICS_DEF "observe/metrics.def"
#include "base/metrics_enum.inc"
#include "base/metrics_table.inc"

static void set(int id, double value) {
    qt_series_set(qt_series_get(&qt_metric_table[id], NULL, NULL, NULL), value);
}

/* The whole of a small file of /proc; false when it cannot be read. */
static bool read_proc(const char *path, char *text, size_t cap) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t len = fread(text, 1, cap - 1, file);
    text[len] = '\0';
    fclose(file);
    return len > 0;
}

/* Seconds since 1970 at which the machine started. */
static double boot_seconds(void) {
    struct timespec wall;
    struct timespec boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9;
}

static void collect_stat(void) {
    char text[1024];
    unsigned long long user = 0, system = 0, threads = 0, start = 0, vm_bytes = 0;
    long long rss_pages = 0;
    if (!read_proc("/proc/self/stat", text, sizeof text)) {
        return;
    }
    const char *after = strrchr(text, ')'); /* the name before may hold anything */
    int found = after == NULL ? 0
                              : sscanf(after + 1,
                                       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu"
                                       " %*d %*d %*d %*d %llu %*d %llu %llu %lld",
                                       &user, &system, &threads, &start, &vm_bytes, &rss_pages);
    if (found != 6) {
        return;
    }
    double ticks = (double)sysconf(_SC_CLK_TCK);
    static double boot;
    if (boot == 0) { /* once, or the start would move with every adjustment of the clock */
        boot = boot_seconds();
    }
    set(QT_OBSERVE_CPU, (double)(user + system) / ticks);
    set(QT_OBSERVE_THREADS, (double)threads);
    set(QT_OBSERVE_START, boot + (double)start / ticks);
    set(QT_OBSERVE_VM, (double)vm_bytes);
    set(QT_OBSERVE_RSS, (double)rss_pages * (double)sysconf(_SC_PAGESIZE));
}

static void collect_fds(void) {
    struct rlimit limit;
    DIR *dir = opendir("/proc/self/fd");
    if (dir != NULL) {
        int count = -3; /* ".", ".." and the folder's own */
        while (readdir(dir) != NULL) {
            count++;
        }
        closedir(dir);
        set(QT_OBSERVE_FDS, count);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        set(QT_OBSERVE_MAX_FDS, (double)limit.rlim_cur);
    }
}

static void collect_log(void) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < QT_ARRAY_LEN(names); i++) {
        qt_series_set(qt_series_get(&qt_metric_table[QT_OBSERVE_LOG_LINES], names[i], NULL, NULL),
                      (double)qt_log_lines((qt_log_level)i));
    }
}

static void collect(void *arg) {
    (void)arg;
    collect_stat();
    collect_fds();
    collect_log();
}

static const char *service_name;

static void init(void) {
    qt_series_set(qt_series_get(&qt_metric_table[QT_OBSERVE_BUILD], service_name, QT_VERSION, NULL),
                  1);
    qt_metrics_add_collector(collect, NULL);
}

void qt_process_metrics_init(const char *service) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    service_name = service;
    pthread_once(&once, init);
}
