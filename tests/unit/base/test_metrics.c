#include "base/cleanup.h"
#include "base/metrics.h"
#include "suites.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { CALLS, DEPTH, LATENCY };

static const qt_metric_desc descs[] = {
    [CALLS] = {QT_METRIC_COUNTER, "t_calls_total", "Calls.", {"method", "code"}},
    [DEPTH] = {QT_METRIC_GAUGE, "t_depth", "Depth\nof it.", {NULL}},
    [LATENCY] = {QT_METRIC_HISTOGRAM, "t_seconds", "Time.", {"method"}},
};

static const char *text(qt_buf *buf) {
    qt_buf_clear(buf);
    qt_metrics_write(buf);
    return qt_buf_str(buf);
}

START_TEST(text_format) {
    QT_CLEANUP(qt_buf_done) qt_buf buf = {0};
    qt_metrics_register(descs, QT_ARRAY_LEN(descs));
    qt_metrics_register(descs, QT_ARRAY_LEN(descs));
    qt_series_add(qt_series_get(&descs[CALLS], "a\"\\\n", "OK", NULL), 2);
    qt_series_set(qt_series_get(&descs[DEPTH], NULL, NULL, NULL), -1.5);
    qt_series *s = qt_series_get(&descs[LATENCY], "m", NULL, NULL);
    qt_series_observe(s, 0.0001);
    qt_series_observe(s, 1000);
    ck_assert_double_eq(qt_series_value(s), 2);
    const char *out = text(&buf);
    static const char *const lines[] = {
        "# HELP t_calls_total Calls.\n# TYPE t_calls_total counter\n",
        "t_calls_total{method=\"a\\\"\\\\\\n\",code=\"OK\"} 2\n",
        "# HELP t_depth Depth\\nof it.\n# TYPE t_depth gauge\nt_depth -1.5\n",
        "t_seconds_bucket{method=\"m\",le=\"0.0001\"} 1\n",
        "t_seconds_bucket{method=\"m\",le=\"100\"} 1\n",
        "t_seconds_bucket{method=\"m\",le=\"+Inf\"} 2\n",
        "t_seconds_count{method=\"m\"} 2\n",
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(lines); i++) {
        ck_assert_msg(strstr(out, lines[i]) != NULL, "missing: %s in\n%s", lines[i], out);
    }
}
END_TEST

static void *count_up(void *arg) {
    for (int i = 0; i < 20000; i++) {
        qt_series_add(qt_series_get(&descs[CALLS], "par", "OK", NULL), 1);
        qt_series_observe(arg, 0.001);
    }
    return NULL;
}

START_TEST(threads_lose_nothing) {
    qt_metrics_register(descs, QT_ARRAY_LEN(descs));
    qt_series *latency = qt_series_get(&descs[LATENCY], "par", NULL, NULL);
    pthread_t threads[4];
    for (size_t i = 0; i < QT_ARRAY_LEN(threads); i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, latency), 0);
    }
    for (size_t i = 0; i < QT_ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_double_eq(qt_series_value(qt_series_get(&descs[CALLS], "par", "OK", NULL)), 80000);
    ck_assert_double_eq(qt_series_value(latency), 80000);
}
END_TEST

START_TEST(series_are_bounded) {
    qt_metrics_register(descs, QT_ARRAY_LEN(descs));
    qt_series *last = NULL;
    for (int i = 0; i < 10010; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        last = qt_series_get(&descs[LATENCY], name, NULL, NULL);
    }
    ck_assert_ptr_eq(last, qt_series_get(&descs[LATENCY], "other", NULL, NULL));
}
END_TEST

void add_metrics_tests(Suite *suite) {
    TCase *tc = tcase_create("metrics");
    tcase_add_test(tc, text_format);
    tcase_add_test(tc, threads_lose_nothing);
    tcase_add_test(tc, series_are_bounded);
    suite_add_tcase(suite, tc);
}
