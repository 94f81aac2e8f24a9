/* QIR as other tools write it: what the reader makes of it, and what it refuses by name. */
#include "base/cleanup.h"
#include "qir/llvm.h"
#include "sim/sim.h"
#include "testlib.h"

#include <stdlib.h>
#include <string.h>

static qt_err err;

#define DECLARATIONS                                                                               \
    "declare void @__quantum__rt__initialize(ptr)\n"                                               \
    "declare void @__quantum__qis__h__body(ptr)\n"                                                 \
    "declare void @__quantum__qis__x__body(ptr)\n"                                                 \
    "declare void @__quantum__qis__s__adj(ptr)\n"                                                  \
    "declare void @__quantum__qis__rx__body(double, ptr)\n"                                        \
    "declare void @__quantum__qis__ry__adj(double, ptr)\n"                                         \
    "declare void @__quantum__qis__cnot__body(ptr, ptr)\n"                                         \
    "declare void @__quantum__qis__reset__body(ptr)\n"                                             \
    "declare void @__quantum__qis__mystery__body(ptr)\n"                                           \
    "declare void @__quantum__qis__mz__body(ptr, ptr writeonly) #1\n"                              \
    "declare i1 @__quantum__rt__read_result(ptr)\n"                                                \
    "declare void @__quantum__rt__result_record_output(ptr, ptr)\n"                                \
    "declare void @__quantum__rt__array_record_output(i64, ptr)\n"                                 \
    "declare void @__quantum__rt__tuple_record_output(i64, ptr)\n"                                 \
    "declare void @__quantum__rt__int_record_output(i64, ptr)\n"                                   \
    "declare void @__quantum__rt__bool_record_output(i1, ptr)\n"                                   \
    "declare void @__quantum__rt__result_array_record_output(i64, ptr, ptr)\n"                     \
    "declare ptr @__quantum__rt__qubit_allocate(ptr)\n"                                            \
    "declare void @__quantum__rt__qubit_release(ptr)\n"                                            \
    "declare ptr @__quantum__rt__result_allocate(ptr)\n"                                           \
    "declare void @__quantum__rt__qubit_array_allocate(i64, ptr, ptr)\n"                           \
    "declare void @__quantum__rt__result_array_allocate(i64, ptr, ptr)\n"                          \
    "declare void @__quantum__rt__qubit_array_release(i64, ptr)\n"                                 \
    "declare ptr @__quantum__qis__m__body(ptr)\n"                                                  \
    "declare ptr @__quantum__rt__result_get_one()\n"                                               \
    "declare i1 @__quantum__rt__result_equal(ptr, ptr)\n"                                          \
    "attributes #0 = { \"entry_point\" }\n"                                                        \
    "attributes #1 = { \"irreversible\" }\n"                                                       \
    "@c = internal constant [2 x i8] c\"c\\00\"\n"                                                 \
    "@n = internal constant [2 x i8] c\"n\\00\"\n"

#define MAIN(body) "define i64 @main() #0 {\n" body "}\n" DECLARATIONS
#define CALL(name, args) "  call void @__quantum__" name "(" args ")\n"
#define H(q) CALL("qis__h__body", q)
#define X(q) CALL("qis__x__body", q)
#define MZ(q, r) CALL("qis__mz__body", q ", " r)
#define ID(n) "ptr inttoptr (i64 " #n " to ptr)"
#define READ(v, r) "  " v " = call i1 @__quantum__rt__read_result(" r ")\n"
#define RECORD(r) CALL("rt__result_record_output", r ", ptr null")
#define END "  ret i64 0\n"

/* The program and the one outcome that each shot of it has. */
static const struct {
    const char *name, *text, *key;
} certain[] = {
    {"void entry without attributes, nothing recorded",
     "%Qubit = type opaque\n%Result = type opaque\ndefine void @run() {\n"
     "  call void @__quantum__qis__x__body(%Qubit* inttoptr (i64 1 to %Qubit*))\n"
     "  call void @__quantum__qis__mz__body(%Qubit* null, %Result* null)\n"
     "  call void @__quantum__qis__mz__body(%Qubit* inttoptr (i64 1 to %Qubit*), "
     "%Result* inttoptr (i64 1 to %Result*))\n  ret void\n}\n"
     "declare void @__quantum__qis__x__body(%Qubit*)\n"
     "declare void @__quantum__qis__mz__body(%Qubit*, %Result*)\n",
     "10"},
    {"an array and a lone result, in the order of their records",
     MAIN(X("ptr null") MZ("ptr null", ID(2)) MZ(ID(1), ID(1)) MZ(ID(1), "ptr null")
              CALL("rt__array_record_output", "i64 2, ptr @c") RECORD(ID(1)) RECORD(ID(2))
                  CALL("rt__result_record_output", "ptr null, ptr @n") END),
     "0 10"},
    {"a result recorded twice",
     MAIN(X("ptr null") MZ("ptr null", "ptr null") RECORD("ptr null") RECORD("ptr null") END),
     "11"},
    {"a branch on a result",
     MAIN(X("ptr null") MZ("ptr null", "ptr null")
              READ("%r", "ptr null") "  br i1 %r, label %t, label %e\nt:\n" X(
                  ID(1)) "  br label %e\ne:\n" MZ(ID(1), ID(1)) RECORD(ID(1)) END),
     "1"},
    {"a value read before the result is measured again",
     MAIN(X("ptr null") MZ("ptr null", "ptr null") READ("%r", "ptr null") X("ptr null")
              MZ("ptr null", "ptr null") CALL("rt__bool_record_output", "i1 %r, ptr @c")
                  RECORD("ptr null") END),
     "0 1"},
    {"a loop over qubits",
     MAIN("entry:\n  br label %l\nl:\n  %i = phi i64 [ 0, %entry ], [ %j, %l ]\n"
          "  %q = inttoptr i64 %i to ptr\n" CALL(
              "qis__x__body", "ptr %q") "  %j = add i64 %i, 2\n  %m = icmp slt i64 %j, 4\n  br i1 "
                                        "%m, label %l, label %e\ne:\n" MZ("ptr null", "ptr null")
                                            MZ(ID(1), ID(1)) MZ(ID(2), ID(2)) MZ(ID(3), ID(3))
                                                RECORD("ptr null") RECORD(ID(1)) RECORD(ID(2))
                                                    RECORD(ID(3)) END),
     "0101"},
    {"a loop that ends on a result",
     MAIN(
         "entry:\n  br label %l\nl:\n  %n = phi i64 [ 0, %entry ], [ %m, %l ]\n" H("ptr null")
             MZ("ptr null", "ptr null") READ(
                 "%r",
                 "ptr null") "  %m = add i64 %n, 1\n"
                             "  br i1 %r, label %e, label %l\ne:\n  %z = icmp ugt i64 %m, 0\n" CALL(
                                 "rt__bool_record_output", "i1 %z, ptr @n") RECORD("ptr null") END),
     "1 1"},
    {"integers that meet behind a branch",
     MAIN("entry:\n" X("ptr null") MZ("ptr null", "ptr null") READ(
         "%r", "ptr null") "  br i1 %r, label %t, label %e\nt:\n  br label %e\ne:\n"
                           "  %v = phi i64 [ 5, %t ], [ 3, %entry ]\n  %w = mul i64 %v, 3\n" CALL(
                               "rt__int_record_output", "i64 %w, ptr @n") END),
     "0000000000000000000000000000000000000000000000000000000000001111"},
    {"signed arithmetic on measured values",
     MAIN("entry:\n" X("ptr null") MZ("ptr null", "ptr null") READ(
         "%r", "ptr null") "  %a = sext i1 %r to i8\n  %b = ashr i8 %a, 3\n  %c = sdiv i8 %b, 1\n"
                           "  %d = icmp slt i8 %c, 0\n  %e = select i1 %d, i8 9, i8 6\n  %f = zext "
                           "i8 %e to i64\n" CALL("rt__int_record_output", "i64 %f, ptr @n") END),
     "0000000000000000000000000000000000000000000000000000000000001001"},
    {"a switch on measured bits",
     MAIN(
         "entry:\n" X(ID(1)) MZ("ptr null", "ptr null") MZ(ID(1), ID(1)) READ("%a", "ptr null")
             READ("%b", ID(1)) "  %x = zext i1 %a to i64\n  %y = zext i1 %b to i64\n"
                               "  %z = shl i64 %y, 1\n  %w = or i64 %x, %z\n"
                               "  switch i64 %w, label %d [ i64 2, label %two\n i64 1, label %d ]\n"
                               "two:\n" X("ptr null") "  br label %e\nd:\n" X(
                                   ID(2)) "  br label %e\ne:\n" MZ("ptr null", ID(2))
                                   MZ(ID(2), ID(3)) RECORD(ID(2)) RECORD(ID(3)) END),
     "01"},
    {"a function with a body and a value",
     MAIN("  %v = call i64 @twice(i64 3)\n  %w = icmp eq i64 %v, 6\n"
          "  br i1 %w, label %y, label %e\ny:\n  call void @flip(ptr null)\n  br label %e\ne:\n" MZ(
              "ptr null", "ptr null") RECORD("ptr null")
              END) "define i64 @twice(i64 %x) {\n  %y = add i64 %x, %x\n  ret i64 %y\n}\n"
                   "define void @flip(ptr %q) {\n  call void @__quantum__qis__x__body(ptr %q)\n  "
                   "ret void\n}\n",
     "1"},
    {"early returns of a function, on a result",
     MAIN(
         X("ptr null") MZ("ptr null", "ptr null") "  %v = call i64 @pick()\n" CALL(
             "rt__int_record_output", "i64 %v, ptr @n")
             END) "define i64 @pick() {\n" READ("%r",
                                                "ptr null") "  br i1 %r, label %a, label %b\n"
                                                            "a:\n  ret i64 2\nb:\n  ret i64 1\n}\n",
     "0000000000000000000000000000000000000000000000000000000000000010"},
    {"dynamic qubits, used again after release",
     MAIN(
         "  %q = call ptr @__quantum__rt__qubit_allocate(ptr null)\n" CALL("qis__x__body", "ptr %q")
             CALL("rt__qubit_release",
                  "ptr %q") "  %p = call ptr @__quantum__rt__qubit_allocate(ptr null)\n"
                            "  %r = call ptr @__quantum__rt__result_allocate(ptr null)\n" CALL(
                                "qis__mz__body", "ptr %p, ptr %r") RECORD("ptr %r") END),
     "0"},
    {"arrays of qubits and results",
     MAIN("  %q = alloca [3 x ptr], align 8\n  %r = alloca [3 x ptr], align 8\n"
          "  %f = alloca i1\n" CALL("rt__qubit_array_allocate", "i64 3, ptr %q, ptr %f")
              CALL("rt__result_array_allocate",
                   "i64 3, ptr %r, ptr null") "  %failed = load i1, ptr %f\n  br i1 %failed, label "
                                              "%bad, label %good\n"
                                              "bad:\n  ret i64 1\ngood:\n"
                                              "  %q1p = getelementptr inbounds [3 x ptr], ptr %q, "
                                              "i64 0, i64 1\n"
                                              "  %q1 = load ptr, ptr %q1p\n" CALL(
                                                  "qis__x__body",
                                                  "ptr %q1") "  %r2p = getelementptr i8, ptr %r, "
                                                             "i64 16\n  %r2 = load ptr, ptr "
                                                             "%r2p\n" CALL("qis__mz__body",
                                                                           "ptr %q1, ptr %r2")
                                                                 CALL("rt__result_array_record_"
                                                                      "output",
                                                                      "i64 3, ptr %r, ptr @c")
                                                                     CALL("rt__qubit_array_release",
                                                                          "i64 3, ptr %q") END),
     "100"},
    {"memory that branches on results store to",
     MAIN("  %n = alloca i64\n  store i64 4, ptr %n\n" X("ptr null") MZ("ptr null", "ptr null")
              READ("%r", "ptr null") "  br i1 %r, label %t, label %e\nt:\n  store i64 7, ptr %n\n"
                                     "  br label %e\ne:\n  %v = load i64, ptr %n\n" CALL(
                                         "rt__int_record_output", "i64 %v, ptr @n") END),
     "0000000000000000000000000000000000000000000000000000000000000111"},
    {"aggregates",
     MAIN("  %a = insertvalue [2 x ptr] undef, ptr null, 0\n"
          "  %b = insertvalue [2 x ptr] %a, " ID(
              1) ", 1\n"
                 "  %q = extractvalue [2 x ptr] %b, 1\n" CALL("qis__x__body", "ptr %q")
                     MZ(ID(1), "ptr null") RECORD("ptr null") END),
     "1"},
    {"results that are returned",
     MAIN(X("ptr null") "  %r = call ptr @__quantum__qis__m__body(ptr null)\n"
                        "  %o = call ptr @__quantum__rt__result_get_one()\n"
                        "  %s = call i1 @__quantum__rt__result_equal(ptr %r, ptr %o)\n"
                        "  br i1 %s, label %t, label %e\nt:\n" X(
                            ID(1)) "  br label %e\ne:\n"
                                   "  %p = call ptr @__quantum__qis__m__body(" ID(1) ")\n" RECORD(
                                       "ptr %p") END),
     "1"},
    {"a failure path that records nothing",
     MAIN(MZ("ptr null", "ptr null")
              READ("%r", "ptr null") "  br i1 %r, label %bad, label %good\n"
                                     "bad:\n  ret i64 1\ngood:\n" RECORD("ptr null") END),
     "0"},
    {"angles computed at run time",
     MAIN("entry:\n" X("ptr null") MZ("ptr null", "ptr null") READ(
         "%r", "ptr null") "  br i1 %r, label %t, label %e\nt:\n  br label %e\ne:\n"
                           "  %a = phi double [ 0x400921FB54442D18, %t ], [ 0.0, %entry ]\n"
                           "  %b = fmul double %a, 0.5\n  %c = fadd double %b, %b\n" CALL(
                               "qis__rx__body", "double %c, " ID(1))
                               CALL("qis__ry__adj", "double 0.0, " ID(1)) MZ(ID(1), ID(1))
                                   RECORD(ID(1)) END),
     "1"},
};

START_TEST(test_certain) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = NULL;
    const char *text = certain[_i].text;
    ck_assert_msg(qt_qir_read(text, strlen(text), NULL, &c, &err) == QT_OK, "%s: %s",
                  certain[_i].name, err.msg);
    ck_assert_ok(qt_circuit_validate(c, &err));
    qt_sim_options options = {.shots = 50, .seed = 3};
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *result = NULL;
    ck_assert_ok(qt_sim_run(c, &options, &result, &err));
    ck_assert_msg(result->count_count == 1 && strcmp(result->counts[0].key, certain[_i].key) == 0,
                  "%s: %zu outcomes, first %s", certain[_i].name, result->count_count,
                  result->counts[0].key);
}
END_TEST

START_TEST(test_certain_failures) {
    const char *text = certain[_i].text;
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = NULL;
        qt_code code = qt_qir_read(text, strlen(text), NULL, &c, &err);
        ck_assert_msg(code == QT_OK || code == QT_RESOURCE_EXHAUSTED, "%s: %s", certain[_i].name,
                      err.msg);
    }
}
END_TEST

static const struct {
    const char *text;
    qt_reason reason;
    const char *what;
} refused[] = {
    {"define void @main( {\n", QT_REASON_CIRCUIT_SYNTAX, "2:1: "},
    {"not llvm at all", QT_REASON_CIRCUIT_SYNTAX, "1:1: "},
    {"BC\xC0\xDE rubbish", QT_REASON_CIRCUIT_SYNTAX, "not valid LLVM IR"},
    {"define void @main() {\n  %x = add i64 %y, 1\n  %y = add i64 %x, 1\n  ret void\n}\n",
     QT_REASON_CIRCUIT_SYNTAX, "not valid LLVM IR"},
    {"", QT_REASON_CIRCUIT_UNSUPPORTED, "no function is an entry point"},
    {"define void @a() {\n  ret void\n}\ndefine void @b() {\n  ret void\n}\n",
     QT_REASON_CIRCUIT_UNSUPPORTED, "no function is an entry point"},
    {"define void @a(i64 %n) {\n  ret void\n}\n", QT_REASON_CIRCUIT_UNSUPPORTED, "has parameters"},
    {MAIN(CALL("qis__mystery__body", "ptr null") END), QT_REASON_CIRCUIT_UNSUPPORTED,
     "__quantum__qis__mystery__body is not known: in main"},
    {MAIN(CALL("qis__cnot__body", "ptr null, ptr null") END), QT_REASON_CIRCUIT_UNSUPPORTED,
     "qubit 0 stands twice"},
    {MAIN("  br label %l\nl:\n" X("ptr null") "  br label %l\n"), QT_REASON_STEP_LIMIT, "steps"},
    {MAIN(X(ID(99999999)) END), QT_REASON_CIRCUIT_TOO_LARGE, "qubit 99999999 is over the limit"},
    {MAIN(MZ("ptr null", "ptr null") READ("%r", "ptr null") "  %q = select i1 %r, ptr null, " ID(
         1) "\n" CALL("qis__x__body", "ptr %q") END),
     QT_REASON_CIRCUIT_UNSUPPORTED, "a pointer depends on a measurement"},
    {MAIN(MZ("ptr null", "ptr null") READ("%r", "ptr null") "  %n = zext i1 %r to i64\n"
                                                            "  %q = inttoptr i64 %n to ptr\n" CALL(
                                                                "qis__x__body", "ptr %q") END),
     QT_REASON_CIRCUIT_UNSUPPORTED, "the number of a qubit or result depends on a measurement"},
    {MAIN(MZ("ptr null", "ptr null") READ("%r", "ptr null") "  br i1 %r, label %a, label %b\n"
                                                            "a:\n" RECORD("ptr null") END
          "b:\n" RECORD("ptr null") RECORD("ptr null") END),
     QT_REASON_CIRCUIT_UNSUPPORTED, "record different outputs"},
    {MAIN("  call void @f()\n" END) "define void @f() {\n  call void @f()\n  ret void\n}\n",
     QT_REASON_CIRCUIT_UNSUPPORTED, "recursion"},
    {MAIN("  %a = alloca i64\n  %v = load i64, ptr %a\n" END), QT_REASON_CIRCUIT_UNSUPPORTED,
     "memory that nothing was stored to"},
    {MAIN("  %v = udiv i64 1, 0\n" END), QT_REASON_CIRCUIT_UNSUPPORTED, "division by zero"},
    {MAIN("  unreachable\n"), QT_REASON_CIRCUIT_UNSUPPORTED, "neither br, switch nor ret"},
};

START_TEST(test_refused) {
    const char *text = refused[_i].text;
    qt_circuit *c = NULL;
    qt_qir_read_options options = {.max_steps = 10000};
    ck_assert_int_ne(qt_qir_read(text, strlen(text), &options, &c, &err), QT_OK);
    ck_assert_msg(err.reason == refused[_i].reason && strstr(err.msg, refused[_i].what) != NULL,
                  "%s: %s", qt_reason_name(err.reason), err.msg);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(test_strict) {
    qt_circuit *c = NULL;
    const char *text = certain[0].text;
    qt_qir_read_options options = {.strict = true};
    ck_assert_int_eq(qt_qir_read(text, strlen(text), &options, &c, &err), QT_INVALID_ARGUMENT);
    ck_assert_msg(strstr(err.msg, "breaks the base profile in ") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(test_limits) {
    qt_circuit *c = NULL;
    const char *text = certain[0].text;
    qt_qir_read_options options = {.max_bytes = 100};
    ck_assert_int_eq(qt_qir_read(text, strlen(text), &options, &c, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_TOO_LARGE);
    QT_CLEANUP(qt_buf_done) qt_buf deep = {0};
    qt_buf_add_str(&deep, "@x = global ");
    for (int i = 0; i < 100000; i++) {
        qt_buf_add_str(&deep, "[1 x ");
    }
    ck_assert_int_eq(qt_qir_read(deep.data, deep.len, NULL, &c, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_NESTING_TOO_DEEP);
}
END_TEST

START_TEST(test_to_text) {
    QT_CLEANUP(qt_buf_done) qt_buf bitcode = {0};
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    const char *source = certain[0].text;
    ck_assert_ok(qt_qir_to_bitcode(source, strlen(source), QT_QIR_1_0, &bitcode, &err));
    ck_assert_ok(qt_qir_to_text(bitcode.data, bitcode.len, &text, &err));
    ck_assert_ptr_nonnull(strstr(text.data, "call void @__quantum__qis__x__body(ptr inttoptr"));
    ck_assert_ok(qt_qir_verify(bitcode.data, bitcode.len, &err));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qir_read");
    TCase *c = tcase_create("read");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, test_certain, 0, (int)QT_ARRAY_LEN(certain));
    tcase_add_loop_test(c, test_certain_failures, 0, (int)QT_ARRAY_LEN(certain));
    tcase_add_loop_test(c, test_refused, 0, (int)QT_ARRAY_LEN(refused));
    tcase_add_test(c, test_strict);
    tcase_add_test(c, test_limits);
    tcase_add_test(c, test_to_text);
    suite_add_tcase(suite, c);
    return qt_test_run(suite);
}
