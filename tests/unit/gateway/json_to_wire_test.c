/* proto3 JSON in: what is accepted and its bytes, what is refused and why. */
#include "gateway/json_to_wire.h"

#include "base/cleanup.h"
#include "gateway/bind.h"
#include "gateway/wire_to_json.h"
#include "gateway_test.h"
#include "testlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static qt_code encode(const char *message, const char *json, size_t len, qt_buf *out, qt_err *err) {
    QT_AUTO_FREE char *exact = malloc(len > 0 ? len : 1);
    memcpy(exact, json, len);
    qt_json_to_wire_input in = {.schema = test_schema(),
                                .message = test_message(message),
                                .json = exact,
                                .json_len = len,
                                .max_depth = 64};
    return qt_json_to_wire(&in, out, err);
}

static void hex(const qt_buf *in, qt_buf *out) {
    for (size_t i = 0; i < in->len; i++) {
        qt_buf_printf(out, "%02x", (unsigned)(unsigned char)in->data[i]);
    }
}

static const struct {
    const char *message;
    const char *json;
    const char *wire;
} accepted[] = {
    {"Types", "{}", ""},
    {"Types", " {\n} ", ""},
    {"Types", "{\"int32_field\":1}", "2801"},
    {"Types", "{\"int32Field\":1}", "2801"},
    {"Types", "{\"int32_field\":-1}", "28ffffffffffffffffff01"},
    {"Types", "{\"int32_field\":\"12\"}", "280c"},
    {"Types", "{\"int32_field\":1e2}", "2864"},
    {"Types", "{\"int32_field\":1.0}", "2801"},
    {"Types", "{\"int32_field\":\"1e2\"}", "2864"},
    {"Types", "{\"int32_field\":2147483647}", "28ffffffff07"},
    {"Types", "{\"int32_field\":null}", ""},
    {"Types", "{\"int64_field\":\"9223372036854775807\"}", "18ffffffffffffffff7f"},
    {"Types", "{\"int64_field\":9223372036854775807}", "18ffffffffffffffff7f"},
    {"Types", "{\"int64_field\":-9223372036854775808}", "1880808080808080808001"},
    {"Types", "{\"uint64_field\":18446744073709551615}", "20ffffffffffffffffff01"},
    {"Types", "{\"uint32_field\":4294967295}", "58ffffffff0f"},
    {"Types", "{\"fixed64_field\":\"1\"}", "310100000000000000"},
    {"Types", "{\"fixed32_field\":1}", "3d01000000"},
    {"Types", "{\"sfixed32_field\":-1}", "6dffffffff"},
    {"Types", "{\"sfixed64_field\":-1}", "71ffffffffffffffff"},
    {"Types", "{\"sint32_field\":-1}", "7801"},
    {"Types", "{\"sint32_field\":-2147483648}", "78ffffffff0f"},
    {"Types", "{\"sint64_field\":\"-2\"}", "800103"},
    {"Types", "{\"bool_field\":true}", "4001"},
    {"Types", "{\"bool_field\":false}", "4000"},
    {"Types", "{\"double_field\":1.5}", "09000000000000f83f"},
    {"Types", "{\"double_field\":\"1.5\"}", "09000000000000f83f"},
    {"Types", "{\"double_field\":\"NaN\"}", "09000000000000f87f"},
    {"Types", "{\"double_field\":\"Infinity\"}", "09000000000000f07f"},
    {"Types", "{\"double_field\":\"-Infinity\"}", "09000000000000f0ff"},
    {"Types", "{\"double_field\":-0}", "090000000000000080"},
    {"Types", "{\"float_field\":0.5}", "150000003f"},
    {"Types", "{\"float_field\":3.4028234e38}", "15ffff7f7f"},
    {"Types", "{\"string_field\":\"h\\u00e9\"}", "4a0368c3a9"},
    {"Types", "{\"string_field\":\"\"}", "4a00"},
    {"Types", "{\"bytes_field\":\"AQID\"}", "5203010203"},
    {"Types", "{\"bytes_field\":\"AQ==\"}", "520101"},
    {"Types", "{\"bytes_field\":\"AQ\"}", "520101"},
    {"Types", "{\"bytes_field\":\"-_\"}", "5201fb"},
    {"Types", "{\"bytes_field\":\"+/\"}", "5201fb"},
    {"Types", "{\"bytes_field\":\"\"}", "5200"},
    {"Types", "{\"enum_field\":\"low\"}", "6001"},
    {"Types", "{\"enum_field\":\"LOW\"}", "6001"},
    {"Types", "{\"enum_field\":\"Very-High\"}", "6002"},
    {"Types", "{\"enum_field\":\"FAN_SPEED_LOW\"}", "6001"},
    {"Types", "{\"enum_field\":\"fan_speed_low\"}", "6001"},
    {"Types", "{\"enum_field\":\"v-1.0\"}", "6003"},
    {"Types", "{\"enum_field\":\"no_prefix\"}", "6004"},
    {"Types", "{\"enum_field\":\"unspecified\"}", "6000"},
    {"Types", "{\"enum_field\":2}", "6002"},
    {"Types", "{\"enum_field\":77}", "604d"},
    {"Types", "{\"nested\":{}}", "8a0100"},
    {"Types", "{\"nested\":null}", ""},
    {"Types", "{\"nested\":{\"nested\":{\"int32_field\":1}}}", "8a01058a01022801"},
    {"Lists", "{\"ints\":[1,2,3]}", "1203010203"},
    {"Lists", "{\"ints\":[]}", ""},
    {"Lists", "{\"ints\":null}", ""},
    {"Lists", "{\"longs\":[\"-1\",1]}", "1a020102"},
    {"Lists", "{\"bools\":[true,false]}", "22020100"},
    {"Lists", "{\"strings\":[\"a\",\"\"]}", "2a01612a00"},
    {"Lists", "{\"enums\":[\"low\",2]}", "3a020102"},
    {"Lists", "{\"messages\":[{},{\"int32_field\":1}]}", "420042022801"},
    {"Lists", "{\"times\":[\"1970-01-01T00:00:01Z\"]}", "4a020801"},
    {"Maps", "{\"strings\":{\"a\":\"b\"}}", "0a060a0161120162"},
    {"Maps", "{\"strings\":{}}", ""},
    {"Maps", "{\"ints\":{\"-1\":\"2\"}}", "120d08ffffffffffffffffff011002"},
    {"Maps", "{\"longs\":{\"1\":true}}", "1a0408011001"},
    {"Maps", "{\"bools\":{\"true\":\"low\",\"false\":1}}", "220408011001220408001001"},
    {"Maps", "{\"messages\":{\"a\":{}}}", "2a050a01611200"},
    {"Maps", "{\"scalars\":{\"s\":\"x\"}}", "32080a017312030a0178"},
    {"Maps", "{\"scalars\":{\"n\":1}}", "320e0a016e120911000000000000f03f"},
    {"Maps", "{\"scalars\":{\"b\":false}}", "32070a016212021800"},
    {"Known", "{\"time\":\"1970-01-01T00:00:00Z\"}", "0a00"},
    {"Known", "{\"time\":\"1970-01-01T00:00:00.5Z\"}", "0a061080cab5ee01"},
    {"Known", "{\"time\":\"1970-01-01T01:00:01+01:00\"}", "0a020801"},
    {"Known", "{\"time\":\"1969-12-31T23:59:59-00:00\"}", "0a0b08ffffffffffffffffff01"},
    {"Known", "{\"duration\":\"1.5s\"}", "120808011080cab5ee01"},
    {"Known", "{\"duration\":\"-1s\"}", "120b08ffffffffffffffffff01"},
    {"Known", "{\"duration\":\"0s\"}", "1200"},
    {"Known", "{\"mask\":\"\"}", "1a00"},
    {"Known", "{\"mask\":\"a,b.cD\"}", "1a0a0a01610a05622e635f64"},
    {"Known", "{\"mask\":\"max_retries\"}", "1a0d0a0b6d61785f72657472696573"},
    {"Known", "{\"any\":{}}", "2200"},
    {"Known", "{\"any\":{\"int32_field\":1,\"@type\":\"x/test.v1.Types\"}}",
     "22150a0f782f746573742e76312e547970657312022801"},
    {"Known", "{\"any\":{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"1s\"}}",
     "22200a1a782f676f6f676c652e70726f746f6275662e4475726174696f6e12020801"},
    {"Known", "{\"int32_value\":5}", "2a020805"},
    {"Known", "{\"int32_value\":null}", ""},
    {"Known", "{\"string_value\":\"a\"}", "32030a0161"},
    {"Known", "{\"uint64_value\":\"7\"}", "3a020807"},
    {"Known", "{\"scalar\":true}", "42021801"},
    {"Oneofs", "{\"number\":0}", "0800"},
    {"Oneofs", "{\"number\":null,\"text\":\"a\"}", "120161"},
    {"Oneofs", "{\"text\":\"a\",\"number\":null}", "120161"},
    {"Oneofs", "{\"limit\":0}", "2000"},
};

START_TEST(test_accepted) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf wire = {0};
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    const char *json = accepted[_i].json;
    qt_code code = encode(accepted[_i].message, json, strlen(json), &wire, &err);
    ck_assert_msg(code == QT_OK, "%s: %s", json, err.msg);
    hex(&wire, &text);
    ck_assert_msg(strcmp(qt_buf_str(&text), accepted[_i].wire) == 0, "%s: %s, not %s", json,
                  qt_buf_str(&text), accepted[_i].wire);
}
END_TEST

static const struct {
    const char *message;
    const char *json;
    const char *reason;
    const char *field;
    const char *says; /* a part of the message */
} refused[] = {
    {"Types", "", "JSON_SYNTAX", "", "1:1"},
    {"Types", "{", "JSON_SYNTAX", "", "1:2"},
    {"Types", "{\"int32_field\":1,}", "JSON_SYNTAX", "", "1:18"},
    {"Types", "{\"int32_field\":1} x", "JSON_SYNTAX", "", "1:19"},
    {"Types", "{\n \"int32_field\": 01}", "JSON_SYNTAX", "", "2:17"},
    {"Types", "{\"string_field\":\"\xFF\"}", "UTF8_INVALID", "", "not valid UTF-8"},
    {"Types", "{\"string_field\":\"a\\u0000\"}", "UTF8_INVALID", "string_field", "NUL"},
    {"Types", "{\"string_field\":\"\\ud800\"}", "JSON_SYNTAX", "", "surrogate"},
    {"Types", "null", "FIELD_INVALID", "", "expected an object, got null"},
    {"Types", "[]", "FIELD_INVALID", "", "expected an object, got an array"},
    {"Types", "\"x\"", "FIELD_INVALID", "", "got a string"},
    {"Types", "{\"int32_fild\":1}", "FIELD_UNKNOWN", "int32_fild", "did you mean int32_field"},
    {"Types", "{\"zzzzzzzzz\":1}", "FIELD_UNKNOWN", "zzzzzzzzz", "no such field"},
    {"Types", "{\"nested\":{\"x\":{}}}", "FIELD_UNKNOWN", "nested.x", "no such field"},
    {"Types", "{\"Int32_field\":1}", "FIELD_UNKNOWN", "Int32_field", "did you mean"},
    {"Types", "{\"x\":[[}", "JSON_SYNTAX", "", "1:8"},
    {"Types", "{\"int32_field\":1,\"int32_field\":1}", "FIELD_INVALID", "int32_field", "twice"},
    {"Types", "{\"int32_field\":1,\"int32Field\":1}", "FIELD_INVALID", "int32_field", "twice"},
    {"Types", "{\"int32_field\":null,\"int32_field\":1}", "FIELD_INVALID", "int32_field", "twice"},
    {"Types", "{\"int32_field\":2147483648}", "FIELD_INVALID", "int32_field", "32 bits"},
    {"Types", "{\"int32_field\":0.5}", "FIELD_INVALID", "int32_field", "32 bits"},
    {"Types", "{\"int32_field\":\"\"}", "FIELD_INVALID", "int32_field", "32 bits"},
    {"Types", "{\"int32_field\":\"1 \"}", "FIELD_INVALID", "int32_field", "32 bits"},
    {"Types", "{\"int32_field\":true}", "FIELD_INVALID", "int32_field", "got a boolean"},
    {"Types", "{\"int32_field\":[]}", "FIELD_INVALID", "int32_field", "got an array"},
    {"Types", "{\"int32_field\":{}}", "FIELD_INVALID", "int32_field", "got an object"},
    {"Types", "{\"uint32_field\":-1}", "FIELD_INVALID", "uint32_field", "not below 0"},
    {"Types", "{\"uint64_field\":18446744073709551616}", "FIELD_INVALID", "uint64_field", "64"},
    {"Types", "{\"int64_field\":9223372036854775808}", "FIELD_INVALID", "int64_field", "64"},
    {"Types", "{\"double_field\":1e309}", "FIELD_INVALID", "double_field", "number"},
    {"Types", "{\"double_field\":\"nan\"}", "FIELD_INVALID", "double_field", "number"},
    {"Types", "{\"double_field\":\"\"}", "FIELD_INVALID", "double_field", "number"},
    {"Types", "{\"float_field\":3.5e38}", "FIELD_INVALID", "float_field", "fits"},
    {"Types", "{\"bool_field\":1}", "FIELD_INVALID", "bool_field", "got a number"},
    {"Types", "{\"bool_field\":\"true\"}", "FIELD_INVALID", "bool_field", "got a string"},
    {"Types", "{\"string_field\":1}", "FIELD_INVALID", "string_field", "expected a string"},
    {"Types", "{\"bytes_field\":\"A\"}", "FIELD_INVALID", "bytes_field", "base64"},
    {"Types", "{\"bytes_field\":\"AQ=\"}", "FIELD_INVALID", "bytes_field", "base64"},
    {"Types", "{\"bytes_field\":\"A Q=\"}", "FIELD_INVALID", "bytes_field", "base64"},
    {"Types", "{\"enum_field\":\"fast\"}", "FIELD_INVALID", "enum_field",
     "none of: low, very_high, v_1_0, no_prefix"},
    {"Types", "{\"enum_field\":\"\"}", "FIELD_INVALID", "enum_field", "none of"},
    {"Types", "{\"enum_field\":\"1\"}", "FIELD_INVALID", "enum_field", "none of"},
    {"Types", "{\"enum_field\":1.5}", "FIELD_INVALID", "enum_field", "enum value"},
    {"Types", "{\"enum_field\":true}", "FIELD_INVALID", "enum_field", "got a boolean"},
    {"Types", "{\"nested\":[]}", "FIELD_INVALID", "nested", "expected an object"},
    {"Lists", "{\"ints\":1}", "FIELD_INVALID", "ints", "expected an array"},
    {"Lists", "{\"ints\":{}}", "FIELD_INVALID", "ints", "expected an array"},
    {"Lists", "{\"ints\":[1,null]}", "FIELD_INVALID", "ints[1]", "got null"},
    {"Lists", "{\"ints\":[1,\"x\"]}", "FIELD_INVALID", "ints[1]", "32 bits"},
    {"Lists", "{\"strings\":[\"a\",2]}", "FIELD_INVALID", "strings[1]", "expected a string"},
    {"Lists", "{\"messages\":[{},{\"x\":1}]}", "FIELD_UNKNOWN", "messages[1].x", "no such"},
    {"Lists", "{\"messages\":[null]}", "FIELD_INVALID", "messages[0]", "got null"},
    {"Lists", "{\"enums\":[[]]}", "FIELD_INVALID", "enums[0]", "got an array"},
    {"Maps", "{\"strings\":[]}", "FIELD_INVALID", "strings", "expected an object"},
    {"Maps", "{\"strings\":{\"a\":\"b\",\"c\":\"d\",\"a\":\"e\"}}", "FIELD_INVALID", "strings",
     "key is given twice"},
    {"Maps", "{\"strings\":{\"a\":null}}", "FIELD_INVALID", "strings.a", "got null"},
    {"Maps", "{\"strings\":{\"a b\":1}}", "FIELD_INVALID", "strings[\"a b\"]", "expected a str"},
    {"Maps", "{\"ints\":{\"x\":1}}", "FIELD_INVALID", "ints.x", "32 bits"},
    {"Maps", "{\"ints\":{\"1\":1,\"1.0\":2}}", "FIELD_INVALID", "ints", "twice"},
    {"Maps", "{\"bools\":{\"1\":1}}", "FIELD_INVALID", "bools.1", "true or false"},
    {"Maps", "{\"scalars\":{\"a\":[]}}", "FIELD_INVALID", "scalars.a", "a string, a number or"},
    {"Known", "{\"time\":\"2026-01-31\"}", "FIELD_INVALID", "time", "a time like"},
    {"Known", "{\"time\":\"2026-02-29T00:00:00Z\"}", "FIELD_INVALID", "time", "a time like"},
    {"Known", "{\"time\":\"0000-01-01T00:00:00Z\"}", "FIELD_INVALID", "time", "a time like"},
    {"Known", "{\"time\":\"0001-01-01T00:00:00+00:01\"}", "FIELD_INVALID", "time", "a time"},
    {"Known", "{\"time\":\"2026-01-31T24:00:00Z\"}", "FIELD_INVALID", "time", "a time like"},
    {"Known", "{\"time\":\"2026-01-31T00:00:00\"}", "FIELD_INVALID", "time", "a time like"},
    {"Known", "{\"time\":\"2026-01-31 00:00:00Z\"}", "FIELD_INVALID", "time", "a time like"},
    {"Known", "{\"time\":\"2026-01-31T00:00:00.Z\"}", "FIELD_INVALID", "time", "a time like"},
    {"Known", "{\"time\":\"2026-01-31T00:00:00.1234567890Z\"}", "FIELD_INVALID", "time", "a ti"},
    {"Known", "{\"time\":1}", "FIELD_INVALID", "time", "expected a time like"},
    {"Known", "{\"duration\":\"1\"}", "FIELD_INVALID", "duration", "a duration like"},
    {"Known", "{\"duration\":\"315576000000.1s\"}", "FIELD_INVALID", "duration", "a duration"},
    {"Known", "{\"duration\":\"1e3s\"}", "FIELD_INVALID", "duration", "a duration like"},
    {"Known", "{\"duration\":\"s\"}", "FIELD_INVALID", "duration", "a duration like"},
    {"Known", "{\"mask\":\"a,\"}", "FIELD_INVALID", "mask", "field names"},
    {"Known", "{\"mask\":\",a\"}", "FIELD_INVALID", "mask", "field names"},
    {"Known", "{\"mask\":\"a b\"}", "FIELD_INVALID", "mask", "field names"},
    {"Known", "{\"mask\":[\"a\"]}", "FIELD_INVALID", "mask", "field names in a string"},
    {"Known", "{\"any\":{\"x\":1}}", "FIELD_INVALID", "any", "@type"},
    {"Known", "{\"any\":{\"@type\":\"x/none\"}}", "FIELD_INVALID", "any", "unknown @type"},
    {"Known", "{\"any\":{\"@type\":1}}", "FIELD_INVALID", "any", "a string"},
    {"Known", "{\"any\":{\"@type\":\"x/test.v1.Types\",\"y\":1}}", "FIELD_UNKNOWN", "any.y", "no"},
    {"Known", "{\"any\":{\"@type\":\"x/google.protobuf.Duration\"}}", "FIELD_INVALID", "any",
     "needs a value"},
    {"Known", "{\"scalar\":{}}", "FIELD_INVALID", "scalar", "a string, a number or a boolean"},
    {"Known", "{\"int32_value\":{\"value\":1}}", "FIELD_INVALID", "int32_value", "got an object"},
    {"Oneofs", "{\"number\":1,\"text\":\"a\"}", "FIELD_INVALID", "text", "together with number"},
    {"Oneofs", "{\"number\":1,\"number\":2}", "FIELD_INVALID", "number", "twice"},
};

START_TEST(test_refused) {
    qt_err err = {0};
    QT_CLEANUP(qt_buf_done) qt_buf wire = {0};
    const char *json = refused[_i].json;
    qt_code code = encode(refused[_i].message, json, strlen(json), &wire, &err);
    ck_assert_msg(code == QT_INVALID_ARGUMENT, "accepted: %s", json);
    ck_assert_msg(strcmp(qt_reason_name(err.reason), refused[_i].reason) == 0, "%s: %s %s", json,
                  qt_reason_name(err.reason), err.msg);
    ck_assert_msg(strcmp(err.field, refused[_i].field) == 0, "%s: field %s", json, err.field);
    ck_assert_msg(strstr(err.msg, refused[_i].says) != NULL, "%s: %s", json, err.msg);
}
END_TEST

/* A bomb is called a bomb wherever it stands. */
START_TEST(test_nesting) {
    static const struct {
        const char *head;
        const char *step;
    } rows[] = {
        {"", "["},
        {"", "{\"nested\":"},
        {"{\"int32_field\":", "["},
        {"{\"unknown\":", "["},
        {"{\"nested\":", "[{\"a\":"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        qt_err err = {0};
        QT_CLEANUP(qt_buf_done) qt_buf json = {0};
        QT_CLEANUP(qt_buf_done) qt_buf wire = {0};
        qt_buf_add_str(&json, rows[i].head);
        for (int n = 0; n < 1000; n++) {
            qt_buf_add_str(&json, rows[i].step);
        }
        qt_code code = encode("Types", json.data, json.len, &wire, &err);
        ck_assert_int_eq(code, QT_INVALID_ARGUMENT);
        ck_assert_msg(err.reason == QT_REASON_NESTING_TOO_DEEP, "%zu: %s", i, err.msg);
    }
}
END_TEST

/* ---- whole requests: path, query and body ---- */

static qt_code encode_request(const char *method, const char *target, const char *json,
                              qt_buf *ret_json, qt_err *err) {
    QT_CLEANUP(qt_router_free_p) qt_router *router = NULL;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    QT_CLEANUP(qt_buf_done) qt_buf wire = {0};
    qt_arena_init(&arena, 0);
    QT_TRY(qt_router_new(test_schema(), &router, err));
    const char *question = strchr(target, '?');
    size_t path_len = question != NULL ? (size_t)(question - target) : strlen(target);
    const char *query = question != NULL ? question + 1 : "";
    qt_route_match match;
    QT_TRY(qt_router_match(router, method, target, path_len, &match, err));
    qt_json_to_wire_input in = {.schema = test_schema(),
                                .message = match.route->method->input,
                                .json = json,
                                .json_len = json != NULL ? strlen(json) : 0,
                                .body_field = match.route->body_field,
                                .mask_field = match.route->mask_field,
                                .max_depth = 64};
    qt_binding *bindings;
    QT_TRY(
        qt_bind_request(&match, query, strlen(query), &arena, &bindings, &in.binding_count, err));
    in.bindings = bindings;
    QT_TRY(qt_json_to_wire(&in, &wire, err));
    hex(&wire, ret_json);
    return qt_buf_check(ret_json, err);
}

static const struct {
    const char *method;
    const char *target;
    const char *json;
    const char *wire;
} requests[] = {
    {"GET", "/v1/things/a%3Ab", NULL, "0a03613a62"},
    {"GET", "/v1/things/a%2Fb", NULL, "0a03612f62"},
    {"GET", "/v1/things/a+b", NULL, "0a03612b62"},
    {"GET", "/v1/files/a/b%2Fc%20d", NULL,
     "0a09612f622532466320"
     "64"},
    {"GET", "/v1/files", NULL, "0a00"},
    {"GET", "/v1/things", NULL, ""},
    {"GET", "/v1/things?page_size=5", NULL, "3005"},
    {"GET", "/v1/things?pageSize=5&&", NULL, "3005"},
    {"GET", "/v1/things?speed=low&speed=very-high&speed=3", NULL, "200120022003"},
    {"GET", "/v1/things?labels%5Ba%5D=b&labels[c]=d", NULL, "2a060a01611201622a060a0163120164"},
    {"GET", "/v1/things?types.string_field=x+y%2B", NULL,
     "12064a0478207"
     "92b"},
    {"GET", "/v1/things?types.int32_field=1&page_size=2&types.string_field=x", NULL,
     "120528014a01783002"},
    {"GET", "/v1/things?types.nested.bool_field=true&types.nested.int32_field=1", NULL,
     "12078a010428014001"},
    {"GET", "/v1/things?known.time=1970-01-01T00:00:01Z&known.duration=1s", NULL,
     "1a080a02080112020801"},
    {"GET", "/v1/things?known.int32_value=7&known.scalar=x", NULL, "1a092a02080742030a0178"},
    {"GET", "/v1/things?update_mask=a,b", NULL, "42060a01610a0162"},
    {"GET", "/v1/things?number=0", NULL, "4800"},
    {"GET", "/v1/things?text=", NULL, "5200"},
    {"POST", "/v1/things", "{\"id\":\"x\"}", "0a0178"},
    {"POST", "/v1/folders/1/things/2:move", "{\"page_size\":1}",
     "30010a12666f6c646572732f312f7468696e67732f32"},
    {"POST", "/v1/folders/1/things/2:move", "{\"id\":\"x\"}",
     "0a01780a12666f6c646572732f312f7468696e67732f32"},
    {"PATCH", "/v1/things/7", "{\"int32Field\":1,\"string_field\":null}",
     "120228014"
     "21b0a0b696e7433325f6669656c640a0c737472696e675f6669656c64"
     "0a0137"},
    {"PATCH", "/v1/things/7?update_mask=x", "{\"int32_field\":1}", "120228010a013742030a0178"},
    {"PATCH", "/v1/things/7", "{\"nested\":{\"bool_field\":true}}",
     "12058a0102400142080a066e65737465640a0137"},
    {"PATCH", "/v1/things/7", "{}", "120042000a0137"},
    {"PUT", "/v1/nested/x", "{\"int32_field\":1}", "120528014a0178"},
    {"PUT", "/v1/nested/x", "null", "12034a0178"},
    {"PUT", "/v1/nested/x", "{}", "12034a0178"},
};

START_TEST(test_request) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_code code =
        encode_request(requests[_i].method, requests[_i].target, requests[_i].json, &text, &err);
    ck_assert_msg(code == QT_OK, "%s: %s", requests[_i].target, err.msg);
    ck_assert_msg(strcmp(qt_buf_str(&text), requests[_i].wire) == 0, "%s: %s, not %s",
                  requests[_i].target, qt_buf_str(&text), requests[_i].wire);
}
END_TEST

static const struct {
    const char *method;
    const char *target;
    const char *json;
    const char *reason;
    const char *field;
    const char *says;
} refused_requests[] = {
    {"GET", "/v1/things?page_siez=5", NULL, "FIELD_UNKNOWN", "page_siez", "did you mean page_size"},
    {"GET", "/v1/things?x", NULL, "FIELD_UNKNOWN", "x", "no such field"},
    {"GET", "/v1/things?=5", NULL, "FIELD_UNKNOWN", "", "no such field"},
    {"GET", "/v1/things?types.x=5", NULL, "FIELD_UNKNOWN", "types.x", "no such field"},
    {"GET", "/v1/things?id.x=5", NULL, "FIELD_UNKNOWN", "id.x", "no such field"},
    {"GET", "/v1/things?speed.x=5", NULL, "FIELD_UNKNOWN", "speed.x", "no such field"},
    {"GET", "/v1/things?page_size=5&page_size=6", NULL, "FIELD_INVALID", "page_size", "twice"},
    {"GET", "/v1/things?page_size=", NULL, "FIELD_INVALID", "page_size", "32 bits"},
    {"GET", "/v1/things?page_size=x", NULL, "FIELD_INVALID", "page_size", "32 bits"},
    {"GET", "/v1/things?page_size=%zz", NULL, "FIELD_INVALID", "", "hexadecimal"},
    {"GET", "/v1/things?speed=fast", NULL, "FIELD_INVALID", "speed", "none of"},
    {"GET", "/v1/things?types=5", NULL, "FIELD_INVALID", "types", "message"},
    {"GET", "/v1/things?many=5", NULL, "FIELD_INVALID", "many", "message"},
    {"GET", "/v1/things?known.any=5", NULL, "FIELD_INVALID", "known.any", "message"},
    {"GET", "/v1/things?labels=5", NULL, "FIELD_INVALID", "labels", "name[key]=value"},
    {"GET", "/v1/things?page_size[a]=5", NULL, "FIELD_INVALID", "page_size[a]", "no map"},
    {"GET", "/v1/things?id=%FF", NULL, "UTF8_INVALID", "id", "UTF-8"},
    {"GET", "/v1/things?id=a%00", NULL, "UTF8_INVALID", "id", "NUL"},
    {"GET", "/v1/things/%FF", NULL, "UTF8_INVALID", "id", "UTF-8"},
    {"GET", "/v1/things/7?id=8", NULL, "FIELD_INVALID", "id", "in the path"},
    {"GET", "/v1/things?number=1&text=a", NULL, "FIELD_INVALID", "text", "together with number"},
    {"GET", "/v1/things?types.bool_field=1", NULL, "FIELD_INVALID", "types.bool_field", "true or"},
    {"POST", "/v1/things?page_size=5", "{}", "FIELD_UNKNOWN", "page_size", "no such field"},
    {"PATCH", "/v1/things/7?types.int32_field=1", "{}", "FIELD_INVALID", "types.int32_field",
     "is the body"},
    {"PATCH", "/v1/things/7", "{\"intt32_field\":1}", "FIELD_UNKNOWN", "intt32_field", "did you"},
    {"PATCH", "/v1/things/7", "[]", "FIELD_INVALID", "", "expected an object"},
};

START_TEST(test_refused_request) {
    qt_err err = {0};
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_code code = encode_request(refused_requests[_i].method, refused_requests[_i].target,
                                  refused_requests[_i].json, &text, &err);
    const char *target = refused_requests[_i].target;
    ck_assert_msg(code == QT_INVALID_ARGUMENT, "accepted: %s", target);
    ck_assert_msg(strcmp(qt_reason_name(err.reason), refused_requests[_i].reason) == 0, "%s: %s %s",
                  target, qt_reason_name(err.reason), err.msg);
    ck_assert_msg(strcmp(err.field, refused_requests[_i].field) == 0, "%s: field %s", target,
                  err.field);
    ck_assert_msg(strstr(err.msg, refused_requests[_i].says) != NULL, "%s: %s", target, err.msg);
}
END_TEST

START_TEST(test_too_many_parameters) {
    qt_err err = {0};
    QT_CLEANUP(qt_buf_done) qt_buf target = {0};
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_buf_add_str(&target, "/v1/things?");
    for (int i = 0; i < QT_QUERY_PARAMETERS + 1; i++) {
        qt_buf_add_str(&target, "speed=low&");
    }
    ck_assert_int_eq(encode_request("GET", qt_buf_str(&target), NULL, &text, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.msg, "more than"));
}
END_TEST

START_TEST(test_each_failure) {
    static const char json[] =
        "{\"id\":\"x\",\"labels\":{\"a\":\"b\\n\",\"c\":\"d\"},\"types\":{\"bytes_field\":\"AQID\"}"
        ","
        "\"known\":{\"any\":{\"@type\":\"x/test.v1.Types\",\"string_field\":\"a long text that "
        "makes the buffer grow again and again and again and again and again\"}}}";
    test_schema();
    QT_EACH_FAILURE(k) {
        qt_err err;
        QT_CLEANUP(qt_buf_done) qt_buf wire = {0};
        qt_code code = encode("Request", json, sizeof json - 1, &wire, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
    QT_EACH_FAILURE(k) {
        qt_err err;
        QT_CLEANUP(qt_buf_done) qt_buf text = {0};
        qt_code code =
            encode_request("GET", "/v1/things/7?speed=low&labels[a]=b", NULL, &text, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

TCase *json_to_wire_cases(void) {
    TCase *tc = tcase_create("json_to_wire");
    tcase_add_loop_test(tc, test_accepted, 0, QT_ARRAY_LEN(accepted));
    tcase_add_loop_test(tc, test_refused, 0, QT_ARRAY_LEN(refused));
    tcase_add_test(tc, test_nesting);
    tcase_add_loop_test(tc, test_request, 0, QT_ARRAY_LEN(requests));
    tcase_add_loop_test(tc, test_refused_request, 0, QT_ARRAY_LEN(refused_requests));
    tcase_add_test(tc, test_too_many_parameters);
    tcase_add_test(tc, test_each_failure);
    return tc;
}
