#include "suites.h"

#define QT_CONFIG_DEF "tests/unit/base/config.def"
#include "base/settings_struct.inc"
#include "base/settings_table.inc"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ARGS = 8 };

typedef struct loaded {
    qt_settings_outcome outcome;
    int argc;
    char *argv[MAX_ARGS];
    qt_config config;
    char out[8192]; /* standard output and error */
} loaded;

static loaded load(const char *const words[], size_t count) {
    loaded l = {.argc = (int)count + 1, .argv = {(char[]){"test"}}};
    for (size_t i = 0; i < count; i++) {
        l.argv[i + 1] = (char *)(uintptr_t)words[i];
    }
    FILE *f = tmpfile();
    ck_assert_ptr_nonnull(f);
    fflush(stdout);
    int out = dup(1);
    int errfd = dup(2);
    dup2(fileno(f), 1);
    dup2(fileno(f), 2);
    l.outcome =
        qt_settings_load(qt_settings, qt_settings_count, "test", &l.argc, l.argv, &l.config);
    fflush(stdout);
    dup2(out, 1);
    dup2(errfd, 2);
    rewind(f);
    l.out[fread(l.out, 1, sizeof l.out - 1, f)] = '\0';
    fclose(f);
    return l;
}

#define LOAD(...)                                                                                  \
    load((const char *const[]){__VA_ARGS__},                                                       \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void clear_env(void) {
    for (size_t i = 0; i < qt_settings_count; i++) {
        unsetenv(qt_settings[i].name);
    }
    unsetenv("T_API_KEY_FILE");
}

START_TEST(defaults_environment_flags) {
    loaded l = load(NULL, 0);
    ck_assert_int_eq(l.outcome, QT_SETTINGS_RUN);
    ck_assert_str_eq(l.config.listen_addr, "0.0.0.0:1");
    ck_assert_int_eq(l.config.max_shots, 100);
    ck_assert(!l.config.tls);
    setenv("T_MAX_SHOTS", "7", 1);
    setenv("T_LISTEN_ADDR", "", 1); /* empty counts as unset */
    setenv("T_TLS", "yes", 1);
    l = LOAD("migrate", "--t-max-shots", "9", "--t-listen-addr=x:2", "word");
    ck_assert_int_eq(l.outcome, QT_SETTINGS_RUN);
    ck_assert_int_eq(l.config.max_shots, 9);
    ck_assert_str_eq(l.config.listen_addr, "x:2");
    ck_assert(l.config.tls);
    ck_assert_int_eq(l.argc, 3);
    ck_assert_str_eq(l.argv[1], "migrate");
    ck_assert_str_eq(l.argv[2], "word");
}
END_TEST

START_TEST(bad_values_are_named) {
    static const char *const rows[][2] = {
        {"--t-max-shots=0", "T_MAX_SHOTS: 0 is not from 1 to 1000"},
        {"--t-max-shots=1001", "T_MAX_SHOTS: 1001 is not from 1 to 1000"},
        {"--t-max-shots=7x", "T_MAX_SHOTS: '7x' is no whole number"},
        {"--t-max-shots=99999999999999999999", "is no whole number"},
        {"--t-tls=maybe", "T_TLS: 'maybe' is neither true nor false"},
        {"--no-such=1", "unknown flag --no-such"},
        {"--t-max-shots", "needs a value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        loaded l = LOAD(rows[i][0]);
        ck_assert_int_eq(l.outcome, QT_SETTINGS_BAD);
        ck_assert_msg(strstr(l.out, rows[i][1]) != NULL, "%s: %s", rows[i][0], l.out);
    }
}
END_TEST

START_TEST(secrets_are_not_printed) {
    setenv("T_API_KEY", "hush", 1);
    loaded l = LOAD("--print-config", "--t-listen-addr=postgresql://u:hush@h/db");
    ck_assert_int_eq(l.outcome, QT_SETTINGS_EXIT);
    ck_assert_str_eq(l.config.api_key, "hush");
    ck_assert_ptr_null(strstr(l.out, "hush"));
    ck_assert_ptr_nonnull(strstr(l.out, "T_API_KEY=***\n"));
    ck_assert_ptr_nonnull(strstr(l.out, "T_LISTEN_ADDR=postgresql://***@h/db\n"));
}
END_TEST

START_TEST(secret_from_file) {
    char *dir = qt_test_dir_new();
    char path[300];
    snprintf(path, sizeof path, "%s/key", dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("from-file\n", f);
    fclose(f);
    setenv("T_API_KEY_FILE", path, 1);
    loaded l = load(NULL, 0);
    ck_assert_int_eq(l.outcome, QT_SETTINGS_RUN);
    ck_assert_str_eq(l.config.api_key, "from-file");
    qt_test_dir_remove(dir);
    l = load(NULL, 0);
    ck_assert_int_eq(l.outcome, QT_SETTINGS_BAD);
    ck_assert_ptr_nonnull(strstr(l.out, "T_API_KEY: cannot read the file"));
    free(dir);
}
END_TEST

START_TEST(common_flags) {
    loaded l = LOAD("--help");
    ck_assert_int_eq(l.outcome, QT_SETTINGS_EXIT);
    ck_assert_ptr_nonnull(strstr(l.out, "--t-max-shots, T_MAX_SHOTS"));
    l = LOAD("--version");
    ck_assert_int_eq(l.outcome, QT_SETTINGS_EXIT);
    ck_assert_int_eq(strncmp(l.out, "test ", 5), 0);
    ck_assert_int_eq(LOAD("--probe").outcome, QT_SETTINGS_PROBE);
}
END_TEST

void add_settings_tests(Suite *suite) {
    TCase *tc = tcase_create("settings");
    tcase_add_checked_fixture(tc, clear_env, clear_env);
    tcase_add_test(tc, defaults_environment_flags);
    tcase_add_test(tc, bad_values_are_named);
    tcase_add_test(tc, secrets_are_not_printed);
    tcase_add_test(tc, secret_from_file);
    tcase_add_test(tc, common_flags);
    suite_add_tcase(suite, tc);
}
