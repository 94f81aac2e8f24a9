/* Templates, matching and routing by tables. */
#include "gateway/path.h"
#include "gateway/router.h"

#include "base/cleanup.h"
#include "gateway_test.h"
#include "testlib.h"

#include <stdio.h>
#include <string.h>

static const char *const good_templates[] = {
    "/v1/tasks",
    "/v1/tasks:batchCreate",
    "/v1/tasks/{task_id}",
    "/v1/tasks/{task_id}/cancel",
    "/{x}",
    "/*",
    "/**",
    "/*/*/a",
    "/v1/{name=shelves/*}",
    "/v1/{name=shelves/*/books/*}:move",
    "/v1/{name=**}",
    "/v1/{name=a/**}",
    "/v1/{a.b.c}",
    "/v1/{a.b.c=*}/x/{d}",
    "/a-b/c_d/e.f/%41~",
    "/v1/{x}:verb",
    "/**:verb",
    "/v1/{_x1}",
};

START_TEST(test_good_template) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    qt_path_template t;
    ck_assert_ok(qt_path_template_parse(good_templates[_i], &arena, &t, &err));
}
END_TEST

static const char *const bad_templates[] = {
    "",           "v1",       "//",     "/a//b",  "/a/",           "/a/**/b",   "/**/*", "/{",
    "/{}",        "/{x",      "/{x=}",  "/{x=*",  "/{x=a/}",       "/{x=**/a}", "/{x}}", "/{x={y}}",
    "/{x=*/{y}}", "/a:",      "/a:b:c", "/a:b/c", "/{1x}",         "/{x.}",     "/{.x}", "/{x..y}",
    "/a b",       "/a?b",     "/***",   "/a*",    "/*a",           "/{x}a",     "/a{x}", "/a#b",
    "/{x=**}/b",  "/{x}/{x=", "/{x y}", "/}",     "/a/{x=**}/{y}", "/:verb",
};

START_TEST(test_bad_template) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    qt_path_template t;
    ck_assert_msg(qt_path_template_parse(bad_templates[_i], &arena, &t, &err) == QT_INTERNAL,
                  "accepted %s", bad_templates[_i]);
}
END_TEST

static const struct {
    const char *template;
    const char *path;
    const char *captures; /* joined by '|'; NULL: no match */
} matches[] = {
    {"/v1/tasks", "/v1/tasks", ""},
    {"/v1/tasks", "/v1/tasks/", NULL},
    {"/v1/tasks", "/v1/tasksx", NULL},
    {"/v1/tasks", "/v1/task", NULL},
    {"/v1/tasks", "/v1", NULL},
    {"/v1/tasks", "/v1/%74asks", ""},
    {"/v1/tasks", "/v1/Tasks", NULL},
    {"/v1/tasks", "v1/tasks", NULL},
    {"/v1/tasks", "", NULL},
    {"/v1/tasks/{id}", "/v1/tasks/abc", "abc"},
    {"/v1/tasks/{id}", "/v1/tasks/", NULL},
    {"/v1/tasks/{id}", "/v1/tasks/a/b", NULL},
    {"/v1/tasks/{id}", "/v1/tasks/a%2Fb", "a%2Fb"},
    {"/v1/tasks/{id}", "/v1/tasks/qbraid:sim:sv", "qbraid:sim:sv"},
    {"/v1/tasks/{id}", "/v1/tasks/qbraid%3Asim", "qbraid%3Asim"},
    {"/v1/tasks/{id}/cancel", "/v1/tasks/a:b/cancel", "a:b"},
    {"/v1/tasks/{id}/cancel", "/v1/tasks//cancel", NULL},
    {"/v1/tasks/{id}:cancel", "/v1/tasks/a:cancel", "a"},
    {"/v1/tasks/{id}:cancel", "/v1/tasks/a:b:cancel", "a:b"},
    {"/v1/tasks/{id}:cancel", "/v1/tasks/:cancel", NULL},
    {"/v1/tasks/{id}:cancel", "/v1/tasks/cancel", NULL},
    {"/v1/tasks/{id}:cancel", "/v1/tasks/a:cancelled", NULL},
    {"/v1/tasks:batch", "/v1/tasks:batch", ""},
    {"/v1/tasks:batch", "/v1/tasks", NULL},
    {"/v1/tasks:batch", "/v1/tasks%3Abatch", NULL},
    {"/v1/{name=shelves/*}", "/v1/shelves/7", "shelves/7"},
    {"/v1/{name=shelves/*}", "/v1/shelves", NULL},
    {"/v1/{name=shelves/*}", "/v1/books/7", NULL},
    {"/v1/{a=x/*}/{b}", "/v1/x/1/2", "x/1|2"},
    {"/v1/{name=**}", "/v1", ""},
    {"/v1/{name=**}", "/v1/a", "a"},
    {"/v1/{name=**}", "/v1/a/b%2Fc/d", "a/b%2Fc/d"},
    {"/v1/{name=a/**}", "/v1/a", "a"},
    {"/v1/{name=a/**}", "/v1/b", NULL},
    {"/v1/{name=**}:verb", "/v1/a/b:verb", "a/b"},
    {"/**", "/", ""},
    {"/*/b", "/a/b", ""},
    {"/{x}/{y}", "/1/2", "1|2"},
};

START_TEST(test_match) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    qt_path_template t;
    ck_assert_ok(qt_path_template_parse(matches[_i].template, &arena, &t, &err));
    qt_path path;
    qt_capture captures[QT_PATH_VARIABLES];
    bool found = qt_path_split(matches[_i].path, strlen(matches[_i].path), &path) &&
                 qt_path_match(&t, &path, captures);
    ck_assert_msg(found == (matches[_i].captures != NULL), "%s with %s", matches[_i].template,
                  matches[_i].path);
    QT_CLEANUP(qt_buf_done) qt_buf all = {0};
    for (size_t i = 0; found && i < t.variable_count; i++) {
        qt_buf_printf(&all, "%s%.*s", i > 0 ? "|" : "", (int)captures[i].len, captures[i].text);
    }
    if (found) {
        ck_assert_str_eq(qt_buf_str(&all), matches[_i].captures);
    }
}
END_TEST

START_TEST(test_percent_decode) {
    static const struct {
        const char *in;
        bool keep_slash;
        bool plus;
        const char *out;
    } rows[] = {
        {"abc", false, false, "abc"},
        {"a%20b", false, false, "a b"},
        {"a+b", false, false, "a+b"},
        {"a+b", false, true, "a b"},
        {"%2f%2F", false, false, "//"},
        {"%2f%2F%41", true, false, "%2f%2FA"},
        {"%C3%A9", false, false, "\xC3\xA9"},
        {"", false, false, ""},
        {"%", false, false, NULL},
        {"%4", false, false, NULL},
        {"%zz", false, false, NULL},
        {"100%", false, false, NULL},
        {"%%41", false, false, NULL},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        qt_err err = {0};
        QT_CLEANUP(qt_arena_done) qt_arena arena;
        qt_arena_init(&arena, 0);
        char *text = NULL;
        size_t len = 0;
        qt_code code = qt_percent_decode(rows[i].in, strlen(rows[i].in), rows[i].keep_slash,
                                         rows[i].plus, &arena, &text, &len, &err);
        ck_assert_int_eq(code, rows[i].out != NULL ? QT_OK : QT_INVALID_ARGUMENT);
        if (code == QT_OK) {
            ck_assert_str_eq(text, rows[i].out);
            ck_assert_uint_eq(len, strlen(rows[i].out));
        }
    }
}
END_TEST

START_TEST(test_routes) {
    static const struct {
        const char *method;
        const char *path;
        const char *rpc;   /* NULL: none */
        const char *allow; /* when none: NULL is ROUTE_NOT_FOUND */
    } rows[] = {
        {"GET", "/v1/things/7", "Get", NULL},
        {"HEAD", "/v1/things/7", "Get", NULL},
        {"GET", "/things/7", "Get", NULL},
        {"GET", "/v1/things/a:b", "Get", NULL},
        {"GET", "/v1/things", "List", NULL},
        {"POST", "/v1/things", "Create", NULL},
        {"POST", "/v1/things:batch", "BatchCreate", NULL},
        {"PATCH", "/v1/things/7", "Update", NULL},
        {"COPY", "/v1/things/7", "Copy", NULL},
        {"POST", "/v1/folders/1/things/2:move", "Move", NULL},
        {"GET", "/v1/files/a/b/c", "Read", NULL},
        {"GET", "/v1/files", "Read", NULL},
        {"GET", "/", NULL, NULL},
        {"GET", "/v1/nothing", NULL, NULL},
        {"GET", "/v1/things/7/8", NULL, NULL},
        {"POST", "/v1/things:other", NULL, NULL},
        {"DELETE", "/v1/things", NULL, "GET, POST"},
        {"DELETE", "/v1/things/7", NULL, "COPY, GET, PATCH"},
        {"GET", "/v1/things:batch", NULL, "POST"},
        {"GET", "/test.v1.Routes/Internal", NULL, NULL},
    };
    qt_err err;
    QT_CLEANUP(qt_router_free_p) qt_router *router = NULL;
    ck_assert_ok(qt_router_new(test_schema(), &router, &err));
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        qt_route_match m;
        qt_code code =
            qt_router_match(router, rows[i].method, rows[i].path, strlen(rows[i].path), &m, &err);
        if (rows[i].rpc != NULL) {
            ck_assert_ok(code);
            ck_assert_str_eq(m.route->method->name, rows[i].rpc);
            continue;
        }
        ck_assert_int_ne(code, QT_OK);
        ck_assert_str_eq(qt_reason_name(err.reason),
                         rows[i].allow != NULL ? "HTTP_METHOD_NOT_ALLOWED" : "ROUTE_NOT_FOUND");
        ck_assert_str_eq(m.allow, rows[i].allow != NULL ? rows[i].allow : "");
    }
}
END_TEST

START_TEST(test_path_limits) {
    qt_path path;
    char many[2 * (QT_PATH_SEGMENTS + 1) + 1];
    for (size_t i = 0; i + 1 < sizeof many; i += 2) {
        memcpy(many + i, "/a", 2);
    }
    ck_assert(qt_path_split(many, (size_t)2 * QT_PATH_SEGMENTS, &path));
    ck_assert_uint_eq(path.count, QT_PATH_SEGMENTS);
    ck_assert(!qt_path_split(many, sizeof many - 1, &path));
}
END_TEST

TCase *path_cases(void) {
    TCase *tc = tcase_create("path");
    tcase_add_loop_test(tc, test_good_template, 0, QT_ARRAY_LEN(good_templates));
    tcase_add_loop_test(tc, test_bad_template, 0, QT_ARRAY_LEN(bad_templates));
    tcase_add_loop_test(tc, test_match, 0, QT_ARRAY_LEN(matches));
    tcase_add_test(tc, test_percent_decode);
    tcase_add_test(tc, test_routes);
    tcase_add_test(tc, test_path_limits);
    return tc;
}
