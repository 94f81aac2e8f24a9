#include "base/cleanup.h"
#include "base/metrics.h"
#include "suites.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define QT_METRICS_DEF "tests/unit/base/metrics.def"
#include "base/metrics_enum.inc"
#include "base/metrics_table.inc"

#define descs qt_metric_table

static const char *text(qt_buf *buf, qt_metrics_format format) {
    qt_buf_clear(buf);
    qt_metrics_write(buf, format);
    return qt_buf_str(buf);
}

static void assert_lines(const char *out, const char *const *lines, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(strstr(out, lines[i]) != NULL, "missing: %s in\n%s", lines[i], out);
    }
}

static void count_some(void) {
    qt_series_add(qt_series_get(&descs[CALLS], "a\"\\\n", "OK", NULL), 2);
    qt_series_set(qt_series_get(&descs[DEPTH], NULL, NULL, NULL), -1.5);
    qt_series *s = qt_series_get(&descs[LATENCY], "m", NULL, NULL);
    qt_series_observe(s, 0.0001);
    qt_series_observe(s, 1000);
    ck_assert_double_eq(qt_series_value(s), 2);
    qt_series_observe(qt_series_get(&descs[SIZES], NULL, NULL, NULL), 1);
    qt_series_observe(qt_series_get(&descs[SIZES], NULL, NULL, NULL), 6000);
}

START_TEST(text_format) {
    QT_CLEANUP(qt_buf_done) qt_buf buf = {0};
    count_some();
    const char *out = text(&buf, QT_METRICS_PROMETHEUS);
    static const char *const lines[] = {
        "# HELP t_calls_total Calls.\n# TYPE t_calls_total counter\n",
        "t_calls_total{method=\"a\\\"\\\\\\n\",code=\"OK\"} 2\n",
        "# HELP t_depth Depth\\nof \"it\".\n# TYPE t_depth gauge\nt_depth -1.5\n",
        "t_seconds_bucket{method=\"m\",le=\"0.0001\"} 1\n",
        "t_seconds_bucket{method=\"m\",le=\"100\"} 1\n",
        "t_seconds_bucket{method=\"m\",le=\"+Inf\"} 2\n",
        "t_seconds_count{method=\"m\"} 2\n",
        "t_sizes_bucket{le=\"1\"} 1\n",
        ("t_sizes_bucket{le=\"5000\"} 1\nt_sizes_bucket{le=\"10000\"} 2\n"
         "t_sizes_bucket{le=\"+Inf\"} 2\nt_sizes_sum 6001\nt_sizes_count 2\n"),
    };
    assert_lines(out, lines, QT_ARRAY_LEN(lines));
    ck_assert_ptr_null(strstr(out, "t_unused"));
    ck_assert_ptr_null(strstr(out, "# EOF"));
}
END_TEST

START_TEST(open_metrics_format) {
    QT_CLEANUP(qt_buf_done) qt_buf buf = {0};
    count_some();
    const char *out = text(&buf, QT_METRICS_OPENMETRICS);
    static const char *const lines[] = {
        "# HELP t_calls Calls.\n# TYPE t_calls counter\nt_calls_total{",
        "# HELP t_depth Depth\\nof \\\"it\\\".\n",
        "# TYPE t_seconds histogram\n# UNIT t_seconds seconds\n",
        "t_seconds_bucket{method=\"m\",le=\"0.0001\"} 1\n",
        "t_seconds_bucket{method=\"m\",le=\"100.0\"} 1\n",
        "t_sizes_bucket{le=\"1.0\"} 1\n",
    };
    assert_lines(out, lines, QT_ARRAY_LEN(lines));
    ck_assert_str_eq(out + strlen(out) - strlen("# EOF\n"), "# EOF\n");
}
END_TEST

static void look(void *arg) {
    *(int *)arg += 1;
    qt_series_set(qt_series_get(&descs[SEEN], NULL, NULL, NULL), *(int *)arg);
}

START_TEST(collectors_run_before_the_text) {
    QT_CLEANUP(qt_buf_done) qt_buf buf = {0};
    int looks = 0;
    qt_metrics_add_collector(look, &looks);
    static const char *const lines[] = {"\nt_seen 1\n"};
    assert_lines(text(&buf, QT_METRICS_PROMETHEUS), lines, 1);
    qt_metrics_remove_collector(look, &looks);
    assert_lines(text(&buf, QT_METRICS_PROMETHEUS), lines, 1);
    ck_assert_int_eq(looks, 1);
}
END_TEST

START_TEST(switched_off_nothing_counts) {
    qt_series *calls = qt_series_get(&descs[CALLS], "off", "OK", NULL);
    qt_series *latency = qt_series_get(&descs[LATENCY], "off", NULL, NULL);
    qt_metrics_set_enabled(false);
    qt_series_add(calls, 1);
    qt_series_observe(latency, 1);
    qt_metrics_set_enabled(true);
    ck_assert_double_eq(qt_series_value(calls), 0);
    ck_assert_double_eq(qt_series_value(latency), 0);
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
    qt_series *last = NULL;
    for (int i = 0; i < 1010; i++) {
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
    tcase_add_test(tc, open_metrics_format);
    tcase_add_test(tc, collectors_run_before_the_text);
    tcase_add_test(tc, switched_off_nothing_counts);
    tcase_add_test(tc, threads_lose_nothing);
    tcase_add_test(tc, series_are_bounded);
    suite_add_tcase(suite, tc);
}
