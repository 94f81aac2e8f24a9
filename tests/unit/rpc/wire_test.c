/* The check of messages from outside, without a server. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "rpc/wire.h"
#include "testlib.h"

#include <google/protobuf/descriptor.pb-c.h>
#include <google/protobuf/timestamp.pb-c.h>
#include <qtaskdist/v1/task_requests.pb-c.h>
#include <string.h>

#define BATCH (&qtaskdist__v1__batch_create_tasks_request__descriptor)
#define CREATE (&qtaskdist__v1__create_task_request__descriptor)
#define LIST (&qtaskdist__v1__list_tasks_request__descriptor)
#define NESTED (&google__protobuf__descriptor_proto__descriptor)

static void add_tag(qt_buf *buf, unsigned field, unsigned wire) {
    qt_buf_add_char(buf, (char)((field << 3) | wire));
}

static void add_varint(qt_buf *buf, size_t v) {
    for (; v >= 128; v >>= 7) {
        qt_buf_add_char(buf, (char)((v & 127U) | 128U));
    }
    qt_buf_add_char(buf, (char)v);
}

static void add_bytes(qt_buf *buf, unsigned field, const void *data, size_t len) {
    add_tag(buf, field, 2);
    add_varint(buf, len);
    qt_buf_add(buf, data, len);
}

static qt_code check(const ProtobufCMessageDescriptor *type, const qt_buf *buf, qt_err *err) {
    return qt_rpc_check_wire(type, (const uint8_t *)buf->data, buf->len, err);
}

static qt_code unpack(const ProtobufCMessageDescriptor *type, const qt_buf *buf, size_t limit,
                      qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, limit);
    ProtobufCMessage *msg = NULL;
    QT_TRY(qt_rpc_unpack(type, (const uint8_t *)buf->data, buf->len, &arena, &msg, err));
    ck_assert_ptr_nonnull(msg);
    return QT_OK;
}

START_TEST(test_empty) {
    qt_err err;
    const qt_buf none = {0};
    ck_assert_ok(check(BATCH, &none, &err));
    ck_assert_ok(unpack(BATCH, &none, 0, &err));
}
END_TEST

START_TEST(test_path_of_a_bad_text) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf payload = {0};
    QT_CLEANUP(qt_buf_done) qt_buf task = {0};
    QT_CLEANUP(qt_buf_done) qt_buf batch = {0};
    add_bytes(&payload, 2, "\xff", 1); /* circuit_data */
    add_bytes(&task, 2, payload.data, payload.len);
    add_bytes(&batch, 1, "", 0);
    add_bytes(&batch, 1, "", 0);
    add_bytes(&batch, 1, task.data, task.len);
    ck_assert_int_eq(check(BATCH, &batch, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_UTF8_INVALID);
    ck_assert_str_eq(err.field, "tasks[2].payload.circuit_data");
}
END_TEST

START_TEST(test_path_of_a_map_value) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf entry = {0};
    QT_CLEANUP(qt_buf_done) qt_buf task = {0};
    add_bytes(&entry, 1, "a\0b", 3);
    add_bytes(&task, 5, entry.data, entry.len);
    ck_assert_int_eq(check(CREATE, &task, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_UTF8_INVALID);
    ck_assert_str_eq(err.field, "meta_data[0].key");
}
END_TEST

START_TEST(test_depth) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf deep = {0};
    for (int level = 1; level < QT_RPC_MAX_DEPTH; level++) {
        QT_CLEANUP(qt_buf_done) qt_buf outer = {0};
        add_bytes(&outer, 3, deep.data, deep.len); /* nested_type */
        qt_buf_clear(&deep);
        qt_buf_add(&deep, outer.data, outer.len);
    }
    ck_assert_ok(unpack(NESTED, &deep, 0, &err));
    QT_CLEANUP(qt_buf_done) qt_buf too_deep = {0};
    add_bytes(&too_deep, 3, deep.data, deep.len);
    ck_assert_int_eq(check(NESTED, &too_deep, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_NESTING_TOO_DEEP);
}
END_TEST

/* 40 000 levels in 200 KiB: protobuf-c alone overflows the stack. */
START_TEST(test_depth_bomb) {
    enum { LEVELS = 40000 };
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf bomb = {0};
    size_t len = 0;
    static size_t lengths[LEVELS];
    for (int i = 0; i < LEVELS; i++) {
        lengths[i] = len;
        len += 1 + (len < 128 ? 1U : len < 16384 ? 2U : len < 2097152 ? 3U : 4U);
    }
    for (int i = LEVELS - 1; i >= 0; i--) {
        add_tag(&bomb, 3, 2);
        add_varint(&bomb, lengths[i]);
    }
    ck_assert_int_eq(unpack(NESTED, &bomb, 0, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_NESTING_TOO_DEEP);
}
END_TEST

START_TEST(test_field_budget) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf many = {0};
    for (int i = 0; i <= QT_RPC_FIELD_BUDGET; i++) {
        qt_buf_add(&many, "\x10\x01", 2); /* nanos: 1 */
    }
    ck_assert_int_eq(check(&google__protobuf__timestamp__descriptor, &many, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_MESSAGE_MALFORMED);
    many.len -= 2;
    ck_assert_ok(check(&google__protobuf__timestamp__descriptor, &many, &err));
}
END_TEST

/* Empty sub-messages grow forty times in memory; the arena's limit stops that. */
START_TEST(test_arena_limit) {
    enum { COUNT = 100000, LIMIT = 1 << 20 };
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf many = {0};
    for (int i = 0; i < COUNT; i++) {
        qt_buf_add(&many, "\x0a\x00", 2);
    }
    ck_assert_int_eq(unpack(BATCH, &many, LIMIT, &err), QT_RESOURCE_EXHAUSTED);
    ck_assert_int_eq(err.reason, QT_REASON_MEMORY_LIMIT);
    ck_assert_ok(unpack(BATCH, &many, 0, &err));
}
END_TEST

START_TEST(test_packed_and_unpacked) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf list = {0};
    add_bytes(&list, 1, "\x01\x02", 2); /* status, packed */
    add_tag(&list, 1, 0);
    add_varint(&list, 3);
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    ProtobufCMessage *msg = NULL;
    ck_assert_ok(qt_rpc_unpack(LIST, (const uint8_t *)list.data, list.len, &arena, &msg, &err));
    const Qtaskdist__V1__ListTasksRequest *req = (const Qtaskdist__V1__ListTasksRequest *)msg;
    ck_assert_uint_eq(req->n_status, 3);
    ck_assert_int_eq(req->status[2], QTASKDIST__V1__TASK_STATUS__TASK_STATUS_PROCESSING);
    qt_buf_clear(&list);
    add_bytes(&list, 1, "\x81", 1); /* a cut element */
    ck_assert_int_eq(check(LIST, &list, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "status[0]");
}
END_TEST

START_TEST(test_unknown_fields_are_kept) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf buf = {0};
    add_bytes(&buf, 15, "\xff\x00", 2); /* no text of ours, so not checked */
    add_tag(&buf, 14, 5);
    qt_buf_add(&buf, "1234", 4);
    ck_assert_ok(unpack(CREATE, &buf, 0, &err));
}
END_TEST

START_TEST(test_malformed) {
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\x00\x01", 2},                                          /* field 0 */
        {"\x80", 1},                                              /* cut tag */
        {"\x13", 1},                                              /* start of a group */
        {"\x14", 1},                                              /* end of a group */
        {"\x16\x00", 2},                                          /* wire type 6 */
        {"\x12\x05\x0a", 3},                                      /* length over the end */
        {"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     /* length 2^64 - 1 */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11},     /* varint over 64 bits */
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12}, /* varint of 11 bytes */
        {"\x0d\x01\x02\x03\x04", 5},                              /* fixed32 for an enum */
        {"\x10\x01", 2},                                          /* varint for a message */
        {"\x0d\x01", 2},                                          /* cut fixed32 */
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        qt_err err;
        qt_code code =
            qt_rpc_check_wire(CREATE, (const uint8_t *)cases[i].bytes, cases[i].len, &err);
        ck_assert_msg(code == QT_INVALID_ARGUMENT && err.reason == QT_REASON_MESSAGE_MALFORMED,
                      "case %zu", i);
    }
}
END_TEST

START_TEST(test_each_allocation_may_fail) {
    QT_CLEANUP(qt_buf_done) qt_buf batch = {0};
    for (int i = 0; i < 200; i++) {
        add_bytes(&batch, 1, "\x42\x01p", 3);
    }
    QT_EACH_FAILURE(k) {
        qt_err err;
        qt_code code = unpack(BATCH, &batch, 0, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rpc_wire");
    TCase *tcase = tcase_create("wire");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_empty);
    tcase_add_test(tcase, test_path_of_a_bad_text);
    tcase_add_test(tcase, test_path_of_a_map_value);
    tcase_add_test(tcase, test_depth);
    tcase_add_test(tcase, test_depth_bomb);
    tcase_add_test(tcase, test_field_budget);
    tcase_add_test(tcase, test_arena_limit);
    tcase_add_test(tcase, test_packed_and_unpacked);
    tcase_add_test(tcase, test_unknown_fields_are_kept);
    tcase_add_test(tcase, test_malformed);
    tcase_add_test(tcase, test_each_allocation_may_fail);
    suite_add_tcase(suite, tcase);
    return qt_test_run(suite);
}
