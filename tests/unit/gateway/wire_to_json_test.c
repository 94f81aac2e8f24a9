/* proto3 JSON out, from bytes in hexadecimal. */
#include "gateway/wire_to_json.h"

#include "base/cleanup.h"
#include "gateway_test.h"
#include "testlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t unhex(const char *text, uint8_t *out) {
    size_t len = strlen(text) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned byte = 0;
        ck_assert_int_eq(sscanf(text + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return len;
}

static qt_code decode(const char *message, const char *text, qt_buf *out, qt_err *err) {
    uint8_t bytes[512];
    size_t len = unhex(text, bytes);
    QT_AUTO_FREE uint8_t *exact = malloc(len > 0 ? len : 1);
    memcpy(exact, bytes, len);
    qt_json_writer w = qt_json_writer_make(out);
    return qt_wire_to_json(test_schema(), test_message(message), exact, len, &w, err);
}

#define NO_TYPES                                                                                   \
    "{\"double_field\":0,\"float_field\":0,\"int64_field\":\"0\",\"uint64_field\":\"0\","          \
    "\"int32_field\":0,\"fixed64_field\":\"0\",\"fixed32_field\":0,\"bool_field\":false,"          \
    "\"string_field\":\"\",\"bytes_field\":\"\",\"uint32_field\":0,"                               \
    "\"enum_field\":\"unspecified\",\"sfixed32_field\":0,\"sfixed64_field\":\"0\","                \
    "\"sint32_field\":0,\"sint64_field\":\"0\",\"nested\":null}"

static const struct {
    const char *message;
    const char *wire;
    const char *json;
} rows[] = {
    {"Types", "", NO_TYPES},
    {"Types",
     "09000000000000f83f150000003f18ffffffffffffffff7f20ffffffffffffffffff0128ffffffffffffffffff01"
     "3101000000000000003dffffffff40014a0368c3a9520201fb58ffffffff0f60026dffffffff71ffffffffffffff"
     "ff7801800103",
     "{\"double_field\":1.5,\"float_field\":0.5,\"int64_field\":\"9223372036854775807\","
     "\"uint64_field\":\"18446744073709551615\",\"int32_field\":-1,\"fixed64_field\":\"1\","
     "\"fixed32_field\":4294967295,\"bool_field\":true,\"string_field\":\"h\xC3\xA9\","
     "\"bytes_field\":\"Afs=\",\"uint32_field\":4294967295,\"enum_field\":\"very_high\","
     "\"sfixed32_field\":-1,\"sfixed64_field\":\"-1\",\"sint32_field\":-1,\"sint64_field\":\"-2\","
     "\"nested\":null}"},
    {"Oneofs", "", "{\"last\":\"\"}"},
    {"Oneofs", "0800", "{\"number\":0,\"last\":\"\"}"},
    {"Oneofs", "0805120161", "{\"text\":\"a\",\"last\":\"\"}"},
    {"Oneofs", "1201610805", "{\"number\":5,\"last\":\"\"}"},
    {"Oneofs", "20002a0161", "{\"limit\":0,\"last\":\"a\"}"},
    {"Oneofs", "1a00", "{\"message\":" NO_TYPES ",\"last\":\"\"}"},
    {"Lists", "",
     "{\"doubles\":[],\"ints\":[],\"longs\":[],\"bools\":[],\"strings\":[],\"blobs\":[],"
     "\"enums\":[],\"messages\":[],\"times\":[]}"},
    {"Lists",
     "1203010203"
     "1004"
     "2a00"
     "1a0201022a0161"
     "2202010032003a03014d02"
     "4a020801",
     "{\"doubles\":[],\"ints\":[1,2,3,4],\"longs\":[\"-1\",\"1\"],\"bools\":[true,false],"
     "\"strings\":[\"\",\"a\"],\"blobs\":[\"\"],\"enums\":[\"low\",77,\"very_high\"],"
     "\"messages\":[],\"times\":[\"1970-01-01T00:00:01Z\"]}"},
    {"Maps",
     "0a060a0161120162"
     "0a00"
     "120d08ffffffffffffffffff011002"
     "1a0408011001"
     "220408011001"
     "32080a017312030a0178"
     "320e0a016e120911000000000000f03f"
     "32030a0171",
     "{\"strings\":{\"a\":\"b\",\"\":\"\"},\"ints\":{\"-1\":\"2\"},\"longs\":{\"1\":true},"
     "\"bools\":{\"true\":\"low\"},\"messages\":{},"
     "\"scalars\":{\"s\":\"x\",\"n\":1,\"q\":null}}"},
    {"Maps", "2a030a0161",
     "{\"strings\":{},\"ints\":{},\"longs\":{},\"bools\":{},\"messages\":{\"a\":" NO_TYPES
     "},\"scalars\":{}}"},
    {"Known", "",
     "{\"time\":null,\"duration\":null,\"mask\":null,\"any\":null,\"int32_value\":null,"
     "\"string_value\":null,\"uint64_value\":null,\"scalar\":null,\"status\":null}"},
    {"Known",
     "0a061080cab5ee01"
     "120808011080cab5ee01"
     "1a0a0a01610a05622e635f64"
     "2200"
     "2a00"
     "32030a0161"
     "3a020807"
     "42021801",
     "{\"time\":\"1970-01-01T00:00:00.500Z\",\"duration\":\"1.500s\",\"mask\":\"a,b.cD\","
     "\"any\":{},\"int32_value\":0,\"string_value\":\"a\",\"uint64_value\":\"7\",\"scalar\":true,"
     "\"status\":null}"},
    {"Known",
     "2220"
     "0a1a782f676f6f676c652e70726f746f6275662e4475726174696f6e12020801",
     "{\"time\":null,\"duration\":null,\"mask\":null,"
     "\"any\":{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"1s\"},\"int32_value\":null,"
     "\"string_value\":null,\"uint64_value\":null,\"scalar\":null,\"status\":null}"},
    {"Known",
     "22080a03782f7a12"
     "0101",
     "{\"time\":null,\"duration\":null,\"mask\":null,"
     "\"any\":{\"@type\":\"x/z\",\"value\":\"AQ==\"},\"int32_value\":null,"
     "\"string_value\":null,\"uint64_value\":null,\"scalar\":null,\"status\":null}"},
    /* Messages that come twice are merged; unknown fields and wrong wire types are skipped. */
    {"Oneofs", "1a02280110011a023801f801012500000000",
     "{\"message\":"
     "{\"double_field\":0,\"float_field\":0,\"int64_field\":\"0\",\"uint64_field\":\"0\","
     "\"int32_field\":1,\"fixed64_field\":\"0\",\"fixed32_field\":0,\"bool_field\":false,"
     "\"string_field\":\"\",\"bytes_field\":\"\",\"uint32_field\":0,"
     "\"enum_field\":\"unspecified\",\"sfixed32_field\":0,\"sfixed64_field\":\"0\","
     "\"sint32_field\":0,\"sint64_field\":\"0\",\"nested\":null},\"last\":\"\"}"},
};

START_TEST(test_decode) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_code code = decode(rows[_i].message, rows[_i].wire, &out, &err);
    ck_assert_msg(code == QT_OK, "%s: %s", rows[_i].wire, err.msg);
    ck_assert_str_eq(qt_buf_str(&out), rows[_i].json);
}
END_TEST

START_TEST(test_bad_bytes) {
    static const struct {
        const char *message;
        const char *wire;
    } bad[] = {
        {"Types", "28"},
        {"Types", "2880"},
        {"Types", "4a05"},
        {"Types", "00"},
        {"Types", "0900"},
        {"Types", "2b"},
        {"Types", "4a01ff"},
        {"Types", "8a010128"},
        {"Maps", "0a010a"},
        {"Maps", "0a030a01ff"},
        {"Lists", "120180"},
        {"Lists", "0a0100"},
        {"Known", "0a070880808080808080"},
        {"Known", "0a0708808080808020"},
        {"Known", "1a050a03612d62"},
        {"Known", "1a01ff"},
        {"Known", "2201ff"},
        {"Known", "22030a01ff"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        qt_err err;
        QT_CLEANUP(qt_buf_done) qt_buf out = {0};
        ck_assert_msg(decode(bad[i].message, bad[i].wire, &out, &err) == QT_INTERNAL, "%s",
                      bad[i].wire);
    }
}
END_TEST

START_TEST(test_depth) {
    qt_err err;
    enum { LEVELS = 150 };
    uint8_t bytes[LEVELS * 4];
    size_t at = sizeof bytes;
    for (size_t i = 0, len = 0; i < LEVELS; i++) { /* from the inside out */
        at -= len < 128 ? 1 : 2;
        if (len < 128) {
            bytes[at] = (uint8_t)len;
        } else {
            bytes[at] = (uint8_t)(len | 0x80);
            bytes[at + 1] = (uint8_t)(len >> 7);
        }
        at -= 2;
        bytes[at] = 0x8a;
        bytes[at + 1] = 0x01;
        len = sizeof bytes - at;
    }
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_json_writer w = qt_json_writer_make(&out);
    qt_code code = qt_wire_to_json(test_schema(), test_message("Types"), bytes + at,
                                   sizeof bytes - at, &w, &err);
    ck_assert_int_eq(code, QT_INTERNAL);
    ck_assert_ptr_nonnull(strstr(err.msg, "too deep"));
}
END_TEST

START_TEST(test_response_field) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_json_writer w = qt_json_writer_make(&out);
    const qt_message *m = test_message("Lists");
    uint8_t bytes[16];
    size_t len = unhex("1203010203", bytes);
    ck_assert_ok(qt_wire_field_to_json(test_schema(), m, qt_message_field(m, "ints", 4), bytes, len,
                                       &w, &err));
    ck_assert_str_eq(qt_buf_str(&out), "[1,2,3]");
}
END_TEST

START_TEST(test_each_failure) {
    test_schema();
    QT_EACH_FAILURE(k) {
        qt_err err;
        QT_CLEANUP(qt_buf_done) qt_buf out = {0};
        qt_code code = decode("Oneofs",
                              "1a0428014001"
                              "1a025200",
                              &out, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
    QT_EACH_FAILURE(k) {
        qt_err err;
        QT_CLEANUP(qt_buf_done) qt_buf out = {0};
        qt_code code = decode("Maps", "120d08ffffffffffffffffff0110022a030a0161", &out, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

TCase *wire_to_json_cases(void) {
    TCase *tc = tcase_create("wire_to_json");
    tcase_add_loop_test(tc, test_decode, 0, QT_ARRAY_LEN(rows));
    tcase_add_test(tc, test_bad_bytes);
    tcase_add_test(tc, test_depth);
    tcase_add_test(tc, test_response_field);
    tcase_add_test(tc, test_each_failure);
    return tc;
}
