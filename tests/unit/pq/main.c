#include "suites.h"

qt_pg_server pg;

/* The connections keep their URLs, so they live until the test ends. */
static char *urls[4];
static size_t url_count;

qt_pq *new_connection(const char *const *statements, size_t count) {
    ck_assert_uint_lt(url_count, QT_ARRAY_LEN(urls));
    urls[url_count] = qt_pg_server_new_database(&pg);
    const qt_pq_options options = {.url = urls[url_count++],
                                   .application_name = "test",
                                   .statements = statements,
                                   .statement_count = count};
    return qt_pq_new(&options);
}

static void start(void) {
    qt_pg_server_start(&pg, false);
}

static void stop(void) {
    qt_pg_server_stop(&pg);
}

static void add(Suite *suite, TCase *tc) {
    tcase_add_unchecked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 120);
    suite_add_tcase(suite, tc);
}

int main(void) {
    Suite *suite = suite_create("pq");
    add(suite, migrate_cases());
    add(suite, params_cases());
    add(suite, pq_cases());
    return qt_test_run(suite);
}
