/* The helper process: it says what the library says, and whatever modules do to it, callers get an
 * answer and the next request works. This program is its own helper. */
#include "base/cleanup.h"
#include "circuit/hash.h"
#include "qir/helper.h"
#include "testlib.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 8 };

static qt_err err;
static qt_qir_helper *helper;

static const char program[] = "define i64 @main() #0 {\n"
                              "  call void @__quantum__qis__x__body(ptr null)\n"
                              "  call void @__quantum__qis__mz__body(ptr null, ptr null)\n"
                              "  %r = call i1 @__quantum__rt__read_result(ptr null)\n"
                              "  br i1 %r, label %then, label %end\n"
                              "then:\n"
                              "  call void @__quantum__qis__x__body(ptr inttoptr (i64 1 to ptr))\n"
                              "  br label %end\n"
                              "end:\n"
                              "  ret i64 0\n"
                              "}\n"
                              "declare void @__quantum__qis__x__body(ptr)\n"
                              "declare void @__quantum__qis__mz__body(ptr, ptr)\n"
                              "declare i1 @__quantum__rt__read_result(ptr)\n"
                              "attributes #0 = { \"entry_point\" }\n";

/* Counts to 2^62. */
static const char endless[] = "define i64 @main() #0 {\n"
                              "  br label %loop\n"
                              "loop:\n"
                              "  %i = phi i64 [ 0, %0 ], [ %next, %loop ]\n"
                              "  %next = add i64 %i, 1\n"
                              "  %done = icmp eq i64 %next, 4611686018427387904\n"
                              "  br i1 %done, label %end, label %loop\n"
                              "end:\n"
                              "  ret i64 0\n"
                              "}\n"
                              "attributes #0 = { \"entry_point\" }\n";

static void setup(void) {
    ck_assert_ok(qt_qir_helper_new(&(qt_qir_helper_options){.max_processes = 3}, &helper, &err));
}

static void teardown(void) {
    qt_qir_helper_free(helper);
}

static void compare(const qt_circuit *a, const qt_circuit *b) {
    qt_circuit_hash x;
    qt_circuit_hash y;
    ck_assert_ok(qt_circuit_get_hash(a, &x, &err));
    ck_assert_ok(qt_circuit_get_hash(b, &y, &err));
    ck_assert_uint_eq(x.low, y.low);
}

static void read_good(void) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *direct = NULL;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *ours = NULL;
    ck_assert_ok(qt_qir_read(program, sizeof program - 1, NULL, &direct, &err));
    ck_assert_ok(qt_qir_helper_read(helper, program, sizeof program - 1, NULL, NULL, &ours, &err));
    compare(direct, ours);
}

START_TEST(reads_text_and_bitcode) {
    read_good();
    QT_CLEANUP(qt_buf_done) qt_buf bitcode = {0};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *direct = NULL;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *ours = NULL;
    ck_assert_ok(qt_qir_helper_to_bitcode(helper, program, sizeof program - 1, QT_QIR_2_0, NULL,
                                          &bitcode, &err));
    ck_assert(qt_qir_is_bitcode(bitcode.data, bitcode.len));
    ck_assert_ok(qt_qir_read(program, sizeof program - 1, NULL, &direct, &err));
    ck_assert_ok(qt_qir_helper_read(helper, bitcode.data, bitcode.len, NULL, NULL, &ours, &err));
    compare(direct, ours);
}
END_TEST

START_TEST(reports_like_the_library) {
    QT_CLEANUP(qt_qir_report_done) qt_qir_report direct = {.count = 0};
    QT_CLEANUP(qt_qir_report_done) qt_qir_report ours = {.count = 0};
    ck_assert_ok(qt_qir_check(program, sizeof program - 1, NULL, &direct, &err));
    ck_assert_ok(qt_qir_helper_check(helper, program, sizeof program - 1, NULL, NULL, &ours, &err));
    QT_CLEANUP(qt_buf_done) qt_buf a = {0};
    QT_CLEANUP(qt_buf_done) qt_buf b = {0};
    qt_qir_report_print(&direct, &a);
    qt_qir_report_print(&ours, &b);
    ck_assert_uint_gt(ours.count, 3);
    ck_assert_uint_eq(ours.found, direct.found);
    ck_assert_str_eq(qt_buf_str(&a), qt_buf_str(&b));
}
END_TEST

START_TEST(errors_come_back) {
    qt_circuit *c = NULL;
    qt_err direct;
    ck_assert_int_eq(qt_qir_read("define i64 @f(", 14, NULL, &c, &direct), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(qt_qir_helper_read(helper, "define i64 @f(", 14, NULL, NULL, &c, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.msg, direct.msg);
    const qt_qir_read_options strict = {.strict = true};
    ck_assert_int_eq(
        qt_qir_helper_read(helper, program, sizeof program - 1, &strict, NULL, &c, &err),
        QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_UNSUPPORTED);
    const qt_qir_read_options other = {.entry_point = "other"};
    ck_assert_int_eq(
        qt_qir_helper_read(helper, program, sizeof program - 1, &other, NULL, &c, &err),
        QT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.msg, "other"));
    const qt_qir_read_options small = {.max_bytes = 10};
    ck_assert_int_eq(
        qt_qir_helper_read(helper, program, sizeof program - 1, &small, NULL, &c, &err),
        QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_TOO_LARGE);
}
END_TEST

typedef struct attacker {
    const qt_buf *bitcode;
    unsigned seed;
    unsigned refused, broken, read;
} attacker;

static unsigned draw(attacker *a) {
    a->seed = a->seed * 1103515245 + 12345;
    return a->seed >> 16;
}

/* One byte of the first blocks, where a wrong one often ends LLVM's process. */
static void damage(attacker *a, qt_buf *data) {
    data->data[216 + draw(a) % 8] = (char)draw(a);
}

/* Every second round is a good module. */
static void *attack(void *arg) {
    attacker *a = arg;
    qt_err mine;
    for (unsigned i = 0; i < ROUNDS; i++) {
        QT_CLEANUP(qt_buf_done) qt_buf data = {0};
        qt_buf_add(&data, a->bitcode->data, a->bitcode->len);
        if (i % 2 == 1) {
            damage(a, &data);
        }
        const qt_qir_read_options options = {
            .max_steps = 10000,
            .limits = {.max_ops = 10000, .max_qubits = 1000, .max_bytes = 16 << 20}};
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = NULL;
        qt_code code = qt_qir_helper_read(helper, data.data, data.len, &options, NULL, &c, &mine);
        if (code == QT_OK) {
            a->read++;
        } else {
            a->refused++;
            a->broken += strstr(mine.msg, "broke down") != NULL ? 1 : 0;
        }
    }
    return NULL;
}

START_TEST(hostile_bitcode_from_many_threads) {
    qt_qir_helper_free(helper);
    const qt_qir_helper_options options = {.max_processes = 3, .time_ms = 3000};
    ck_assert_ok(qt_qir_helper_new(&options, &helper, &err));
    QT_CLEANUP(qt_buf_done) qt_buf bitcode = {0};
    ck_assert_ok(qt_qir_helper_to_bitcode(helper, program, sizeof program - 1, QT_QIR_2_0, NULL,
                                          &bitcode, &err));
    pid_t pid = qt_qir_helper_pid(helper);
    attacker attackers[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        attackers[i] = (attacker){.bitcode = &bitcode, .seed = i + 1};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, attack, &attackers[i]), 0);
    }
    attacker sum = {.seed = 0};
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum.read += attackers[i].read;
        sum.refused += attackers[i].refused;
        sum.broken += attackers[i].broken;
    }
    ck_assert_uint_eq(sum.read + sum.refused, THREADS * ROUNDS);
    ck_assert_uint_ge(sum.read, THREADS * ROUNDS / 2); /* the good ones */
    ck_assert_uint_gt(sum.refused, 0);
    ck_assert_uint_gt(sum.broken, 0); /* some did bring LLVM down */
    ck_assert_int_eq(qt_qir_helper_pid(helper), pid);
    read_good();
}
END_TEST

START_TEST(time_ends_a_hang) {
    qt_qir_helper *fast = NULL;
    ck_assert_ok(qt_qir_helper_new(&(qt_qir_helper_options){.time_ms = 500}, &fast, &err));
    const qt_qir_read_options options = {.max_steps = SIZE_MAX / 2};
    qt_circuit *c = NULL;
    ck_assert_int_eq(
        qt_qir_helper_read(fast, endless, sizeof endless - 1, &options, NULL, &c, &err),
        QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_STEP_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.msg, "500 ms"));
    qt_qir_helper_free(fast);
}
END_TEST

static bool after_some_polls(void *self) {
    return ++*(int *)self > 3;
}

static void *hold(void *arg) {
    const qt_qir_read_options options = {.max_steps = SIZE_MAX / 2};
    const qt_qir_wait *wait = arg;
    qt_err mine;
    qt_circuit *c = NULL;
    ck_assert_int_eq(
        qt_qir_helper_read(helper, endless, sizeof endless - 1, &options, wait, &c, &mine),
        QT_CANCELLED);
    return NULL;
}

static bool when_told(void *self) {
    return atomic_load((atomic_bool *)self);
}

static bool helper_lives(void *arg) {
    (void)arg;
    return qt_qir_helper_pid(helper) > 0;
}

/* A caller that goes away frees its process, and one that waits for a process can go too. */
START_TEST(callers_can_go_away) {
    int polls = 0;
    qt_qir_wait wait = {.cancelled = after_some_polls, .self = &polls};
    hold(&wait);
    atomic_bool over = false;
    qt_qir_wait long_wait = {.cancelled = when_told, .self = &over};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hold, &long_wait), 0);
    }
    ck_assert(qt_test_wait(helper_lives, NULL, 10000));
    polls = 0;
    hold(&wait); /* maybe the fourth of three */
    atomic_store(&over, true);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    read_good();
}
END_TEST

START_TEST(starts_again_after_its_death) {
    read_good();
    pid_t before = qt_qir_helper_pid(helper);
    ck_assert_int_gt(before, 0);
    kill(before, SIGKILL);
    read_good();
    ck_assert_int_gt(qt_qir_helper_pid(helper), 0);
    ck_assert_int_ne(qt_qir_helper_pid(helper), before);
}
END_TEST

START_TEST(a_missing_program_is_an_error) {
    qt_qir_helper *none = NULL;
    ck_assert_ok(
        qt_qir_helper_new(&(qt_qir_helper_options){.program = "/nowhere/at/all"}, &none, &err));
    qt_circuit *c = NULL;
    ck_assert_int_eq(qt_qir_helper_read(none, program, 10, NULL, NULL, &c, &err), QT_UNAVAILABLE);
    qt_qir_helper_free(none);
    ck_assert_ok(qt_qir_helper_new(&(qt_qir_helper_options){.program = "/bin/true"}, &none, &err));
    ck_assert_int_eq(qt_qir_helper_read(none, program, 10, NULL, NULL, &c, &err), QT_UNAVAILABLE);
    qt_qir_helper_free(none);
}
END_TEST

START_TEST(survives_failed_allocations) {
    read_good();
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = NULL;
        QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
        qt_qir_helper *own = NULL;
        qt_code code = qt_qir_helper_new(&(qt_qir_helper_options){.time_ms = 0}, &own, &err);
        qt_qir_helper_free(own);
        if (code == QT_OK) {
            code = qt_qir_helper_read(helper, program, sizeof program - 1, NULL, NULL, &c, &err);
        }
        if (code == QT_OK) {
            code =
                qt_qir_helper_check(helper, program, sizeof program - 1, NULL, NULL, &report, &err);
        }
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

/* Sanitizers leave no limit of memory to a process; one of single allocations stands in. */
static void limit_allocations(void) {
    const char *given = getenv("ASAN_OPTIONS");
    char options[512];
    snprintf(options, sizeof options, "%s%smax_allocation_size_mb=512", given != NULL ? given : "",
             given != NULL ? ":" : "");
    setenv("ASAN_OPTIONS", options, 1);
}

int main(int argc, char **argv) {
    if (qt_qir_is_helper(argc, argv)) {
        return qt_qir_helper_main();
    }
    limit_allocations();
    Suite *suite = suite_create("qir_helper");
    TCase *tc = tcase_create("helper");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 280);
    tcase_add_test(tc, reads_text_and_bitcode);
    tcase_add_test(tc, reports_like_the_library);
    tcase_add_test(tc, errors_come_back);
    tcase_add_test(tc, hostile_bitcode_from_many_threads);
    tcase_add_test(tc, time_ends_a_hang);
    tcase_add_test(tc, callers_can_go_away);
    tcase_add_test(tc, starts_again_after_its_death);
    tcase_add_test(tc, a_missing_program_is_an_error);
    tcase_add_test(tc, survives_failed_allocations);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
