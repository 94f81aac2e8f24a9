/* Each rule of both profiles, broken once in a program that is right otherwise, is named. */
#include "base/cleanup.h"
#include "qir/check.h"
#include "qir/llvm.h"
#include "testlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static qt_err err;

#define FLAGS(qubits, results, more)                                                               \
    "!llvm.module.flags = !{!0, !1, !2, !3" more "}\n"                                             \
    "!0 = !{i32 1, !\"qir_major_version\", i32 2}\n"                                               \
    "!1 = !{i32 7, !\"qir_minor_version\", i32 0}\n"                                               \
    "!2 = !{i32 1, !\"dynamic_qubit_management\", i1 " qubits "}\n"                                \
    "!3 = !{i32 1, !\"dynamic_result_management\", i1 " results "}\n"

static const char base[] = "@0 = internal constant [3 x i8] c\"r0\\00\"\n"
                           "@1 = internal constant [3 x i8] c\"r1\\00\"\n"
                           "@2 = internal constant [3 x i8] c\"raw\"\n"
                           "define i64 @main() #0 {\n"
                           "entry:\n"
                           "  call void @__quantum__rt__initialize(ptr null)\n"
                           "  br label %body\n"
                           "body:\n"
                           "  call void @__quantum__qis__h__body(ptr null)\n"
                           "  br label %measurements\n"
                           "measurements:\n"
                           "  call void @__quantum__qis__mz__body(ptr null, ptr writeonly null)\n"
                           "  br label %output\n"
                           "output:\n"
                           "  call void @__quantum__rt__result_record_output(ptr null, ptr @0)\n"
                           "  ret i64 0\n"
                           "}\n"
                           "declare void @__quantum__qis__h__body(ptr)\n"
                           "declare void @__quantum__qis__rx__body(double, ptr)\n"
                           "declare void @__quantum__qis__mz__body(ptr, ptr) #1\n"
                           "declare i1 @__quantum__qis__read_result__body(ptr)\n"
                           "declare void @__quantum__rt__initialize(ptr)\n"
                           "declare void @__quantum__rt__message(ptr)\n"
                           "declare void @__quantum__rt__result_record_output(ptr, ptr)\n"
                           "declare void @puts()\n"
                           "attributes #0 = { \"entry_point\" \"qir_profiles\"=\"base_profile\" "
                           "\"output_labeling_schema\"=\"x\" \"required_num_qubits\"=\"1\" "
                           "\"required_num_results\"=\"1\" }\n"
                           "attributes #1 = { \"irreversible\" }\n" FLAGS("false", "false", "");

static const char adaptive[] =
    "@0 = internal constant [3 x i8] c\"r0\\00\"\n"
    "define i64 @main() #0 {\n"
    "entry:\n"
    "  call void @__quantum__rt__initialize(ptr null)\n"
    "  call void @__quantum__qis__mz__body(ptr null, ptr writeonly null)\n"
    "  %r = call i1 @__quantum__rt__read_result(ptr readonly null)\n"
    "  br i1 %r, label %then, label %end\n"
    "then:\n"
    "  call void @__quantum__qis__x__body(ptr null)\n"
    "  br label %end\n"
    "end:\n"
    "  %b = phi i1 [ %r, %entry ], [ false, %then ]\n"
    "  call void @__quantum__rt__result_record_output(ptr null, ptr @0)\n"
    "  ret i64 0\n"
    "}\n"
    "declare void @__quantum__qis__x__body(ptr)\n"
    "declare void @__quantum__qis__mz__body(ptr, ptr) #1\n"
    "declare i64 @__quantum__qis__roll__body()\n"
    "declare void @puts()\n"
    "declare void @__quantum__rt__message(ptr)\n"
    "declare void @__quantum__rt__initialize(ptr)\n"
    "declare i1 @__quantum__rt__read_result(ptr)\n"
    "declare void @__quantum__rt__result_record_output(ptr, ptr)\n"
    "declare void @__quantum__rt__int_record_output(i64, ptr)\n"
    "declare ptr @__quantum__rt__qubit_allocate(ptr)\n"
    "declare void @__quantum__rt__qubit_array_allocate(i64, ptr, ptr)\n"
    "attributes #0 = { \"entry_point\" \"qir_profiles\"=\"adaptive_profile\" "
    "\"output_labeling_schema\"=\"x\" \"required_num_qubits\"=\"1\" "
    "\"required_num_results\"=\"1\" }\n"
    "attributes #1 = { \"irreversible\" }\n" FLAGS("false", "false", "");

/* The first occurrence of `find` becomes `put`; the rules are all that is then found. */
typedef struct seeded {
    const char *program;
    const char *find, *put;
    const char *rules; /* ids, separated by spaces, in the order of the table */
} seeded;

#define BEFORE_H "  call void @__quantum__qis__h__body"
#define BEFORE_X "  call void @__quantum__qis__x__body"
#define BEFORE_END "  ret i64 0\n}\n"

static const seeded cases[] = {
    {base, "", "", ""},
    {adaptive, "", "", ""},
    /* Both. */
    {base, "\"entry_point\" ", "", "entry-count"},
    {base, "@main()", "@main(i64 %x)", "entry-parameters"},
    {base, "define i64 @main", "define i32 @main", "entry-return-type"},
    {base, "\"base_profile\"", "\"base\"", "attribute-profile"},
    {base, "\"output_labeling_schema\"=\"x\"", "", "attribute-schema"},
    {base, "\"required_num_qubits\"=\"1\"", "", "attribute-qubits"},
    {base, "\"required_num_qubits\"=\"1\"", "\"required_num_qubits\"=\"-1\"", "attribute-qubits"},
    {base, "\"required_num_results\"=\"1\"", "", "attribute-results"},
    {base, "declare void @puts()", "declare void @puts() #2\nattributes #2 = {\"entry_point\"}",
     "attribute-declaration"},
    {base, "!{!0, !1", "!{!1", "flag-major-version"},
    {base, "i32 1, !\"qir_major_version\"", "i32 2, !\"qir_major_version\"", "flag-major-version"},
    {base, "i32 7, !\"qir_minor_version\"", "i32 1, !\"qir_minor_version\"", "flag-minor-version"},
    {base, "!2, !3}", "!3}", "flag-dynamic-qubits"},
    {base, "!2, !3}", "!2}", "flag-dynamic-results"},
    {base, "!{!0, !1, !2, !3}", "!{!0, !1, !2, !3, !9}\n!9 = !{i32 1, !\"mine\", i32 4}",
     "flag-extra"},
    {base, BEFORE_H, "  call void inttoptr (i64 64 to ptr)()\n" BEFORE_H, "call-direct base-gates"},
    {base, BEFORE_H, "  call void @puts()\n" BEFORE_H, "call-function base-gates"},
    {base, "  ret i64 0", "  call void @__quantum__rt__message(ptr null)\n  ret i64 0",
     "runtime-function base-output"},
    {base, "@__quantum__rt__initialize(ptr)", "@__quantum__rt__initialize(i64)",
     "runtime-signature"},
    {base, "mz__body(ptr, ptr) #1", "mz__body(ptr, ptr)", "qis-irreversible"},
    {base, "writeonly null", "null", "base-result-writeonly"},
    {base, "h__body(ptr null)", "h__body(ptr inttoptr (i64 1 to ptr))", "qubit-range"},
    {base, "writeonly null", "writeonly inttoptr (i64 7 to ptr)", "result-range"},
    {base, "(ptr null, ptr @0)", "(ptr null, ptr null)", "record-label"},
    {base, "(ptr null, ptr @0)", "(ptr null, ptr @2)", "record-label"},
    /* Base. */
    {base, "qubit_management\", i1 false", "qubit_management\", i1 true", "base-static-only"},
    {base, "  ret i64 0",
     "  call void @__quantum__rt__result_record_output(ptr null, ptr @0)\n  ret i64 0",
     "base-label-unique"},
    {base, "declare void @puts()", "define void @puts() {\n  ret void\n}", "base-one-function"},
    {base, "  br label %output\noutput:\n", "", "base-four-blocks"},
    {base, BEFORE_H, "  %a = alloca i64\n" BEFORE_H, "base-instruction"},
    {base, "  call void @__quantum__rt__initialize(ptr null)\n", "", "base-initialize"},
    {base, "  br label %measurements",
     "  call void @__quantum__rt__initialize(ptr null)\n"
     "  br label %measurements",
     "base-gates"},
    {base, "  br label %output",
     "  call void @__quantum__rt__initialize(ptr null)\n"
     "  br label %output",
     "base-measurements"},
    {base, "  ret i64 0", "  call void @__quantum__rt__initialize(ptr null)\n  ret i64 0",
     "base-output"},
    {base, "ret i64 0", "ret i64 1", "base-exit-code"},
    {base, BEFORE_H,
     "  call void @__quantum__qis__rx__body(double bitcast (i64 ptrtoint (ptr @0 "
     "to i64) to double), ptr null)\n" BEFORE_H,
     "base-argument"},
    {base, "  br label %output",
     "  call void @__quantum__qis__h__body(ptr null)\n"
     "  br label %output",
     "base-measurements base-qubit-use"},
    {base, BEFORE_H, "  %r = call i1 @__quantum__qis__read_result__body(ptr null)\n" BEFORE_H,
     "qis-return-type base-result-use"},
    /* Both, in the Adaptive profile. */
    {adaptive, "\"entry_point\" ", "", /* main is then any other function */
     "entry-count adaptive-ir-functions adaptive-ir-function-type adaptive-ir-function-output"},
    {adaptive, "@main()", "@main(i64 %x)", "entry-parameters"},
    {adaptive, "define i64 @main", "define i32 @main", "entry-return-type"},
    {adaptive, "\"adaptive_profile\"", "\"adaptive\"", "attribute-profile"},
    {adaptive, "\"output_labeling_schema\"=\"x\"", "", "attribute-schema"},
    {adaptive, "\"required_num_qubits\"=\"1\"", "", "attribute-qubits"},
    {adaptive, "\"required_num_results\"=\"1\"", "", "attribute-results"},
    {adaptive, "!{!0, !1", "!{!1", "flag-major-version"},
    {adaptive, "i32 7, !\"qir_minor_version\"", "i32 1, !\"qir_minor_version\"",
     "flag-minor-version"},
    {adaptive, "!2, !3}", "!3}", "flag-dynamic-qubits"},
    {adaptive, "!2, !3}", "!2}", "flag-dynamic-results"},
    {adaptive, "!{!0, !1, !2, !3}", "!{!0, !1, !2, !3, !9}\n!9 = !{i32 1, !\"mine\", i32 4}",
     "flag-extra"},
    {adaptive, BEFORE_X, "  call void inttoptr (i64 64 to ptr)()\n" BEFORE_X, "call-direct"},
    {adaptive, BEFORE_X, "  call void @puts()\n" BEFORE_X, "call-function"},
    {adaptive, BEFORE_X, "  call void @__quantum__rt__message(ptr null)\n" BEFORE_X,
     "runtime-function"},
    {adaptive, "@__quantum__rt__initialize(ptr)", "@__quantum__rt__initialize(i64)",
     "runtime-signature"},
    {adaptive, "mz__body(ptr, ptr) #1", "mz__body(ptr, ptr)", "qis-irreversible"},
    {adaptive, "x__body(ptr null)", "x__body(ptr inttoptr (i64 1 to ptr))", "qubit-range"},
    {adaptive, "writeonly null", "writeonly inttoptr (i64 7 to ptr)", "result-range"},
    {adaptive, "(ptr null, ptr @0)", "(ptr null, ptr null)", "record-label"},
    /* Adaptive. */
    {adaptive, "!2, !3}", "!2, !3, !9}\n!9 = !{i32 1, !\"arrays\", i32 1}", "adaptive-flag"},
    {adaptive, "!2, !3}", "!2, !3, !9}\n!9 = !{i32 1, !\"int_computations\", i32 64}",
     "adaptive-flag"},
    {adaptive, BEFORE_X, "  call void @f()\n" BEFORE_X, "adaptive-ir-functions"},
    {adaptive, "!2, !3}",
     "!2, !3, !9}\n!9 = !{i32 1, !\"ir_functions\", i1 true}\n"
     "define void @g(i64 %x) {\n  ret void\n}",
     "adaptive-ir-function-type"},
    {adaptive, "!2, !3}",
     "!2, !3, !9}\n!9 = !{i32 1, !\"ir_functions\", i1 true}\n"
     "define void @g() {\n  call void @__quantum__rt__result_record_output("
     "ptr null, ptr @0)\n  ret void\n}",
     "adaptive-ir-function-output"},
    {adaptive, "!2, !3}",
     "!2, !3, !9}\n!9 = !{i32 1, !\"ir_functions\", i1 true}\n"
     "define void @g() {\n  call void @g()\n  ret void\n}",
     "adaptive-recursion"},
    {adaptive, "  call void @__quantum__rt__initialize(ptr null)\n", "", "adaptive-initialize"},
    {adaptive, BEFORE_X, "  call void @__quantum__rt__initialize(ptr null)\n" BEFORE_X,
     "adaptive-initialize"},
    {adaptive, BEFORE_X,
     "  call void @__quantum__rt__result_record_output(ptr null, ptr @0)\n" BEFORE_X,
     "adaptive-output-last"},
    {adaptive, "  br label %end", "  ret i64 1", "adaptive-return-points"},
    {adaptive, "ret i64 0", "ret i64 64", "adaptive-exit-code"},
    {adaptive, "label %then, label %end\n",
     "label %then, label %loop\nloop:\n"
     "  br i1 false, label %loop, label %end\n",
     "adaptive-loop"},
    {adaptive, "!2, !3}", "!2, !3, !9}\n!9 = !{i32 1, !\"backwards_branching\", i2 1}",
     "adaptive-loop-kind"},
    {adaptive, BEFORE_X, "  switch i1 %r, label %x [ i1 false, label %x ]\nx:\n" BEFORE_X,
     "adaptive-switch"},
    {adaptive, BEFORE_X, "  %f = freeze i1 %r\n" BEFORE_X, "adaptive-instruction"},
    {adaptive, BEFORE_X, "  %z = zext i1 %r to i64\n  %y = add i64 %z, 1\n" BEFORE_X,
     "adaptive-integer"},
    {adaptive, "  ret i64 0",
     "  call void @__quantum__rt__int_record_output(i64 3, ptr @0)\n"
     "  ret i64 0",
     "adaptive-integer"},
    {adaptive, BEFORE_X, "  %q = call i64 @__quantum__qis__roll__body()\n" BEFORE_X,
     "qis-return-type"},
    {adaptive, BEFORE_X, "  %f = fadd double 1.0, 2.0\n" BEFORE_X, "adaptive-float"},
    {adaptive, BEFORE_X, "  %n = add nsw i1 %r, %r\n" BEFORE_X, "adaptive-wrap-flags"},
    {adaptive, BEFORE_X, "  %s = select i1 %r, double 1.0, double 2.0\n" BEFORE_X,
     "adaptive-select"},
    {adaptive, BEFORE_X, "  %s = select i1 %r, ptr null, ptr null\n" BEFORE_X,
     "adaptive-pointer-variable"},
    {adaptive, BEFORE_X, "  %p = inttoptr i1 false to ptr\n" BEFORE_X, "adaptive-pointer-variable"},
    {adaptive, BEFORE_X, "  %p = inttoptr i1 %r to ptr\n" BEFORE_X, "adaptive-pointer-measured"},
    {adaptive, BEFORE_X, "  %a = alloca [2 x ptr]\n" BEFORE_X, "adaptive-arrays"},
    {adaptive, BEFORE_X, "  %q = call ptr @__quantum__rt__qubit_allocate(ptr null)\n" BEFORE_X,
     "adaptive-dynamic"},
    {adaptive, BEFORE_X,
     "  call void @__quantum__rt__qubit_array_allocate(i64 1, ptr null, ptr "
     "null)\n" BEFORE_X,
     "adaptive-arrays adaptive-dynamic"},
    {adaptive, "qubit_management\", i1 false", "qubit_management\", i1 true",
     "adaptive-mixed-pointers"},
};

/* The program with its edit, and what the edit needs besides. */
static char *edited(const seeded *s) {
    const char *at = strstr(s->program, s->find);
    ck_assert_msg(at != NULL, "%s is not there", s->find);
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_buf_add(&out, s->program, (size_t)(at - s->program));
    qt_buf_add_str(&out, s->put);
    qt_buf_add_str(&out, at + strlen(s->find));
    if (strstr(s->put, "call void @f()") != NULL) {
        qt_buf_add_str(&out, "define void @f() {\n  ret void\n}\n");
    }
    return qt_buf_take(&out, &(size_t){0});
}

static char *replace(char *text, const char *find, const char *put) {
    char *at = strstr(text, find);
    ck_assert_ptr_nonnull(at);
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_buf_add(&out, text, (size_t)(at - text));
    qt_buf_add_str(&out, put);
    qt_buf_add_str(&out, at + strlen(find));
    free(text);
    return qt_buf_take(&out, &(size_t){0});
}

/* Edits in a second place that LLVM's verifier asks for. */
static char *completed(const seeded *s) {
    char *text = edited(s);
    if (strcmp(s->rules, "entry-return-type") == 0) {
        text = replace(text, "ret i64 0", "ret i32 0");
    } else if (strcmp(s->rules, "runtime-signature") == 0) {
        text = replace(text, "initialize(ptr null)", "initialize(i64 0)");
    } else if (strcmp(s->rules, "adaptive-return-points") == 0) {
        text = replace(text, ", [ false, %then ]", "");
    } else if (strcmp(s->rules, "adaptive-loop") == 0) {
        text = replace(text, "[ %r, %entry ]", "[ %r, %loop ]");
    } else if (strcmp(s->rules, "adaptive-loop-kind") == 0) {
        text = replace(text, "label %then, label %end\n",
                       "label %loop, label %then\nloop:\n"
                       "  br i1 %r, label %loop, label %then\n");
        text = replace(text, "[ %r, %entry ], ", "");
    } else if (strcmp(s->rules, "adaptive-switch") == 0) {
        text = replace(text, "[ false, %then ]", "[ false, %x ]");
    }
    return text;
}

static bool is_found(const qt_qir_report *report, qt_qir_rule rule) {
    for (size_t i = 0; i < report->count; i++) {
        if (report->violations[i].rule == rule) {
            return true;
        }
    }
    return false;
}

START_TEST(test_seeded) {
    const seeded *s = &cases[_i];
    QT_AUTO_FREE char *text = completed(s);
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
    qt_qir_check_options options = {.profile = s->program == base ? QT_QIR_BASE : QT_QIR_ADAPTIVE};
    ck_assert_msg(qt_qir_check(text, strlen(text), &options, &report, &err) == QT_OK, "%s\n%s",
                  err.msg, text);
    QT_CLEANUP(qt_buf_done) qt_buf found = {0};
    for (int rule = 0; rule < QT_QIR_RULE_COUNT_; rule++) {
        if (is_found(&report, (qt_qir_rule)rule)) {
            qt_buf_printf(&found, "%s%s", found.len > 0 ? " " : "",
                          qt_qir_rule_get_info((qt_qir_rule)rule)->id);
        }
    }
    ck_assert_msg(strcmp(qt_buf_str(&found), s->rules) == 0, "expected %s, found %s in\n%s",
                  s->rules, qt_buf_str(&found), text);
}
END_TEST

START_TEST(test_all_rules_seeded) {
    for (int rule = 0; rule < QT_QIR_RULE_COUNT_; rule++) {
        const char *id = qt_qir_rule_get_info((qt_qir_rule)rule)->id;
        bool seen = false;
        for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
            seen = seen || strstr(cases[i].rules, id) != NULL;
        }
        ck_assert_msg(seen, "no case breaks %s", id);
    }
}
END_TEST

START_TEST(test_place) {
    QT_AUTO_FREE char *text =
        edited(&(seeded){base, "h__body(ptr null)", "h__body(ptr inttoptr (i64 5 to ptr))", ""});
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
    ck_assert_ok(qt_qir_check(text, strlen(text), NULL, &report, &err));
    ck_assert_uint_eq(report.found, 1);
    ck_assert_int_eq(report.profile, QT_QIR_BASE);
    const qt_qir_violation *v = &report.violations[0];
    ck_assert_str_eq(v->function, "main");
    ck_assert_str_eq(v->block, "body");
    ck_assert_str_eq(v->instruction,
                     "call void @__quantum__qis__h__body(ptr inttoptr (i64 5 to ptr))");
    ck_assert_str_eq(v->detail, "number 5, and there are 1");
    QT_CLEANUP(qt_buf_done) qt_buf printed = {0};
    qt_qir_report_print(&report, &printed);
    ck_assert_ptr_nonnull(strstr(printed.data, "[qubit-range]"));
    ck_assert_ptr_nonnull(strstr(printed.data, "Base Profile, Data Types and Values"));
}
END_TEST

START_TEST(test_limit) {
    const char text[] = "define void @f() {\n  ret void\n}\n";
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
    qt_qir_check_options options = {.max_violations = 2};
    ck_assert_ok(qt_qir_check(text, strlen(text), &options, &report, &err));
    ck_assert_uint_eq(report.count, 2);
    ck_assert_uint_eq(report.found, 5); /* four flags and the entry point */
}
END_TEST

START_TEST(test_failures) {
    const char *text = _i == 0 ? base : adaptive;
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
        qt_qir_check_options options = {.profile = QT_QIR_ADAPTIVE};
        qt_code code = qt_qir_check(text, strlen(text), &options, &report, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qir_check");
    TCase *c = tcase_create("rules");
    tcase_add_loop_test(c, test_seeded, 0, (int)QT_ARRAY_LEN(cases));
    tcase_add_test(c, test_all_rules_seeded);
    tcase_add_test(c, test_place);
    tcase_add_test(c, test_limit);
    tcase_add_loop_test(c, test_failures, 0, 2);
    suite_add_tcase(suite, c);
    return qt_test_run(suite);
}
