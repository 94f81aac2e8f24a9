/* The OpenAPI document of the real API: it is JSON, its references lead somewhere, and every
 * annotated RPC is in it. */
#include "gateway/openapi.h"

#include "base/cleanup.h"
#include "gateway_test.h"
#include "qt_descriptors.h"
#include "testlib.h"
#include "json/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static qt_schema *schema;
static qt_router *router;
static qt_buf document;

static void setup(void) {
    qt_err err;
    ck_assert_ok(qt_schema_new(qt_descriptor_set, qt_descriptor_set_len, &schema, &err));
    ck_assert_ok(qt_router_new(schema, &router, &err));
    ck_assert_ok(qt_openapi_write(schema, router, &document, &err));
}

static void teardown(void) {
    qt_buf_done(&document);
    qt_router_free(router);
    qt_schema_free(schema);
}

/* Calls fn for each string value and the key before it. */
static void each_string(void (*fn)(const char *key, const char *value)) {
    qt_err err;
    char key[128] = "";
    QT_CLEANUP(qt_json_reader_done) qt_json_reader r;
    qt_json_reader_init(&r, document.data, document.len, 64);
    for (;;) {
        qt_json_token t;
        ck_assert_ok(qt_json_next(&r, &t, &err));
        if (t.type == QT_JSON_END) {
            return;
        }
        if (t.type == QT_JSON_KEY) {
            snprintf(key, sizeof key, "%.*s", (int)t.len, t.text);
        } else if (t.type == QT_JSON_STRING) {
            char value[256];
            snprintf(value, sizeof value, "%.*s", (int)t.len, t.text);
            fn(key, value);
        }
    }
}

static bool says(const char *text) {
    return strstr(qt_buf_str(&document), text) != NULL;
}

static size_t count_of(const char *text) {
    size_t count = 0;
    for (const char *p = strstr(document.data, text); p != NULL; p = strstr(p + 1, text)) {
        count++;
    }
    return count;
}

static void check_ref(const char *key, const char *value) {
    static const char prefix[] = "#/components/schemas/";
    if (strcmp(key, "$ref") != 0) {
        return;
    }
    char definition[300];
    ck_assert_int_eq(strncmp(value, prefix, sizeof prefix - 1), 0);
    snprintf(definition, sizeof definition, "\"%s\":{\"type\":", value + sizeof prefix - 1);
    ck_assert_msg(says(definition), "%s leads nowhere", value);
}

START_TEST(test_references) {
    each_string(check_ref);
}
END_TEST

static void check_operation(const char *key, const char *value) {
    char text[300];
    if (strcmp(key, "operationId") == 0) {
        snprintf(text, sizeof text, "\"operationId\":\"%s\"", value);
        ck_assert_msg(count_of(text) == 1, "%s is there twice", value);
    }
}

START_TEST(test_operations) {
    each_string(check_operation);
    ck_assert_uint_gt(router->count, 20);
    ck_assert_uint_eq(count_of("\"operationId\""), router->count);
    for (size_t i = 0; i < router->count; i++) {
        char path[300];
        snprintf(path, sizeof path, "\"%s\":{", router->routes[i].rule->path);
        ck_assert_msg(count_of(path) == 1, "%s", path);
    }
    ck_assert(!says("ClaimTasks"));
}
END_TEST

START_TEST(test_content) {
    static const char *const wanted[] = {
        "\"openapi\":\"3.1.0\"",
        "\"enum\":[\"unspecified\",\"simulate\",\"c_qir_convert\",\"backend_run\"]",
        "\"version\":{\"description\":\"Grows with every change of the task. Output only.\","
        "\"type\":\"string\",\"format\":\"int64\"}",
        "\"created_at\":{\"description\":\"When it was created. Output only.\","
        "\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}",
        "\"name\":\"task_id\",\"in\":\"path\",\"required\":true",
        "\"name\":\"page_size\",\"in\":\"query\"",
        "\"TASK_NOT_FOUND\"",
        "\"summary\":\"Stores a task, and enqueues it when asked to.\"",
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(wanted); i++) {
        ck_assert_msg(says(wanted[i]), "no %s", wanted[i]);
    }
}
END_TEST

START_TEST(test_schema_of_garbage) {
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"\xFF", 1}, {"\x08\x01", 2}, {"\x0A\x7F", 2}, {"garbage", 7}};
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        qt_err err;
        qt_schema *none = NULL;
        ck_assert_int_eq(qt_schema_new((const uint8_t *)bad[i].bytes, bad[i].len, &none, &err),
                         QT_DATA_LOSS);
        ck_assert_ptr_null(none);
    }
}
END_TEST

START_TEST(test_each_failure) {
    QT_EACH_FAILURE(k) {
        qt_err err;
        QT_CLEANUP(qt_buf_done) qt_buf out = {0};
        qt_code code = qt_openapi_write(schema, router, &out, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

TCase *openapi_cases(void) {
    TCase *tc = tcase_create("openapi");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_references);
    tcase_add_test(tc, test_operations);
    tcase_add_test(tc, test_content);
    tcase_add_test(tc, test_schema_of_garbage);
    tcase_add_test(tc, test_each_failure);
    return tc;
}
