/* Paths in the order of the .proto files; schemas for what they reach. */
#include "gateway/openapi.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "json/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_QUERY_DEPTH = 3, NAME_BYTES = 256 };

typedef struct document {
    const qt_schema *schema;
    const qt_router *router;
    qt_json_writer w;
    bool *messages; /* reached, by index */
    bool *enums;
} document;

static void document_done(document *d) {
    free(d->messages);
    free(d->enums);
}

/* ---- what is reached ---- */

static void reach(document *d, const qt_message *m) {
    size_t index = (size_t)(m - d->schema->messages);
    if (d->messages[index]) {
        return;
    }
    d->messages[index] = true;
    for (size_t i = 0; i < m->field_count; i++) {
        const qt_field *f = &m->fields[i];
        if (f->message != NULL) {
            reach(d, f->message);
        }
        if (f->enumeration != NULL) {
            d->enums[f->enumeration - d->schema->enums] = true;
        }
    }
}

static void reach_all(document *d) {
    for (size_t i = 0; i < d->router->count; i++) {
        reach(d, d->router->routes[i].method->input);
        reach(d, d->router->routes[i].method->output);
    }
}

/* ---- types ---- */

/* The API's own names go without their package. */
static const char *component_name(const char *full_name) {
    static const char own[] = "qtaskdist.v1.";
    return strncmp(full_name, own, sizeof own - 1) == 0 ? full_name + sizeof own - 1 : full_name;
}

static void write_ref(document *d, const char *name) {
    char ref[NAME_BYTES];
    snprintf(ref, sizeof ref, "#/components/schemas/%s", component_name(name));
    qt_json_pair(&d->w, "$ref", ref);
}

static void write_type(document *d, const char *type, const char *format, bool nullable) {
    qt_json_key(&d->w, "type");
    if (nullable) {
        qt_json_open_array(&d->w);
        qt_json_str(&d->w, type);
        qt_json_str(&d->w, "null");
        qt_json_close_array(&d->w);
    } else {
        qt_json_str(&d->w, type);
    }
    qt_json_pair(&d->w, "format", format);
}

static void write_scalar(document *d, const qt_field *f, bool nullable) {
    switch (f->type) {
    case QT_FIELD_DOUBLE:
    case QT_FIELD_FLOAT:
        write_type(d, "number", f->type == QT_FIELD_FLOAT ? "float" : "double", nullable);
        break;
    case QT_FIELD_INT64:
    case QT_FIELD_SFIXED64:
    case QT_FIELD_SINT64:
        write_type(d, "string", "int64", nullable);
        break;
    case QT_FIELD_UINT64:
    case QT_FIELD_FIXED64:
        write_type(d, "string", "uint64", nullable);
        break;
    case QT_FIELD_INT32:
    case QT_FIELD_SFIXED32:
    case QT_FIELD_SINT32:
        write_type(d, "integer", "int32", nullable);
        break;
    case QT_FIELD_UINT32:
    case QT_FIELD_FIXED32:
        write_type(d, "integer", "uint32", nullable);
        qt_json_key(&d->w, "minimum");
        qt_json_i64(&d->w, 0);
        break;
    case QT_FIELD_BOOL:
        write_type(d, "boolean", NULL, nullable);
        break;
    case QT_FIELD_BYTES:
        write_type(d, "string", NULL, nullable);
        qt_json_pair(&d->w, "contentEncoding", "base64");
        break;
    case QT_FIELD_ENUM:
        write_ref(d, f->enumeration->full_name);
        break;
    case QT_FIELD_STRING:
    case QT_FIELD_MESSAGE:
    case QT_FIELD_GROUP:
        write_type(d, "string", NULL, nullable);
        break;
    }
}

static void write_bare(document *d, const qt_message *m, bool nullable) {
    if (m->field_count == 1) {
        write_scalar(d, &m->fields[0], nullable);
        return;
    }
    qt_json_key(&d->w, "type");
    qt_json_open_array(&d->w);
    qt_json_str(&d->w, "string");
    qt_json_str(&d->w, "number");
    qt_json_str(&d->w, "boolean");
    if (nullable) {
        qt_json_str(&d->w, "null");
    }
    qt_json_close_array(&d->w);
}

static void write_object_ref(document *d, const qt_message *m, bool nullable) {
    if (!nullable) {
        write_ref(d, m->full_name);
        return;
    }
    qt_json_key(&d->w, "anyOf");
    qt_json_open_array(&d->w);
    qt_json_open_object(&d->w);
    write_ref(d, m->full_name);
    qt_json_close_object(&d->w);
    qt_json_open_object(&d->w);
    qt_json_pair(&d->w, "type", "null");
    qt_json_close_object(&d->w);
    qt_json_close_array(&d->w);
}

/* The members of the schema of one value, without the braces. */
static void write_value(document *d, const qt_field *f, bool nullable) {
    if (f->type != QT_FIELD_MESSAGE) {
        write_scalar(d, f, false);
        return;
    }
    switch (f->message->kind) {
    case QT_MESSAGE_TIMESTAMP:
        write_type(d, "string", "date-time", nullable);
        break;
    case QT_MESSAGE_DURATION:
    case QT_MESSAGE_FIELD_MASK:
        write_type(d, "string", NULL, nullable);
        break;
    case QT_MESSAGE_ANY:
        write_type(d, "object", NULL, nullable);
        break;
    case QT_MESSAGE_BARE:
        write_bare(d, f->message, nullable);
        break;
    case QT_MESSAGE_OBJECT:
        write_object_ref(d, f->message, nullable);
        break;
    }
}

/* The schema of a field with its list or map around. */
static void write_field(document *d, const qt_field *f, bool describe) {
    qt_json_open_object(&d->w);
    if (describe && f->comment[0] != '\0') {
        qt_json_pair(&d->w, "description", f->comment);
    }
    if (f->map || f->repeated) {
        qt_json_pair(&d->w, "type", f->map ? "object" : "array");
        qt_json_key(&d->w, f->map ? "additionalProperties" : "items");
        qt_json_open_object(&d->w);
        write_value(d, f->map ? qt_message_field_by_number(f->message, 2) : f, false);
        qt_json_close_object(&d->w);
    } else {
        write_value(d, f, true);
    }
    qt_json_close_object(&d->w);
}

/* ---- schemas ---- */

static void write_message(document *d, const qt_message *m) {
    qt_json_key(&d->w, component_name(m->full_name));
    qt_json_open_object(&d->w);
    qt_json_pair(&d->w, "type", "object");
    if (m->comment[0] != '\0') {
        qt_json_pair(&d->w, "description", m->comment);
    }
    qt_json_key(&d->w, "properties");
    qt_json_open_object(&d->w);
    for (size_t i = 0; i < m->field_count; i++) {
        qt_json_key(&d->w, m->fields[i].name);
        write_field(d, &m->fields[i], true);
    }
    qt_json_close_object(&d->w);
    qt_json_key(&d->w, "additionalProperties");
    qt_json_bool(&d->w, false);
    qt_json_close_object(&d->w);
}

static void write_enum(document *d, const qt_enum *e) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_buf_add_str(&text, e->comment);
    qt_json_key(&d->w, component_name(e->full_name));
    qt_json_open_object(&d->w);
    qt_json_pair(&d->w, "type", "string");
    qt_json_key(&d->w, "enum");
    qt_json_open_array(&d->w);
    for (size_t i = 0; i < e->value_count; i++) {
        const qt_enum_value *v = &e->values[i];
        qt_json_str(&d->w, v->short_name);
        qt_buf_printf(&text, "\n- `%s`: %s", v->short_name, v->comment);
    }
    qt_json_close_array(&d->w);
    qt_json_pair(&d->w, "description", qt_buf_str(&text));
    qt_json_close_object(&d->w);
}

static void write_reasons(document *d) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_buf_add_str(&text, "The stable word for an error, in ErrorInfo.reason.");
    qt_json_key(&d->w, "ErrorReason");
    qt_json_open_object(&d->w);
    qt_json_pair(&d->w, "type", "string");
    qt_json_key(&d->w, "enum");
    qt_json_open_array(&d->w);
    for (int i = 1; i < QT_REASON_COUNT_; i++) {
        qt_json_str(&d->w, qt_reason_name((qt_reason)i));
        qt_buf_printf(&text, "\n- `%s`: %s", qt_reason_name((qt_reason)i),
                      qt_reason_text((qt_reason)i));
    }
    qt_json_close_array(&d->w);
    qt_json_pair(&d->w, "description", qt_buf_str(&text));
    qt_json_close_object(&d->w);
}

/* The body of every error; details hold ErrorInfo, BadRequest and RetryInfo. */
static const char error_schema[] =
    "{\"type\":\"object\",\"description\":\"What every failed call answers with: google.rpc.Status"
    " with the name of its code.\",\"properties\":{"
    "\"code\":{\"type\":\"integer\",\"description\":\"Number of the gRPC code.\"},"
    "\"status\":{\"type\":\"string\",\"description\":\"Name of the gRPC code.\"},"
    "\"message\":{\"type\":\"string\",\"description\":\"What went wrong, in English.\"},"
    "\"details\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"@type\":{\"type\":\"string\"},"
    "\"reason\":{\"$ref\":\"#/components/schemas/ErrorReason\"},"
    "\"domain\":{\"type\":\"string\"},"
    "\"metadata\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"field_violations\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"field\":{\"type\":\"string\"},\"description\":{\"type\":\"string\"}}}},"
    "\"retry_delay\":{\"type\":\"string\"}}}}},"
    "\"required\":[\"code\",\"status\",\"message\",\"details\"]}";

static void write_components(document *d) {
    static const char security[] = "{\"ApiKey\":{\"type\":\"http\",\"scheme\":\"bearer\","
                                   "\"description\":\"Where the gateway has API keys.\"}}";
    qt_json_key(&d->w, "components");
    qt_json_open_object(&d->w);
    qt_json_key(&d->w, "securitySchemes");
    qt_json_raw(&d->w, security, sizeof security - 1);
    qt_json_key(&d->w, "schemas");
    qt_json_open_object(&d->w);
    qt_json_key(&d->w, "Error");
    qt_json_raw(&d->w, error_schema, sizeof error_schema - 1);
    write_reasons(d);
    for (size_t i = 0; i < d->schema->message_count; i++) {
        const qt_message *m = &d->schema->messages[i];
        if (d->messages[i] && m->kind == QT_MESSAGE_OBJECT && !m->map_entry) {
            write_message(d, m);
        }
    }
    for (size_t i = 0; i < d->schema->enum_count; i++) {
        if (d->enums[i]) {
            write_enum(d, &d->schema->enums[i]);
        }
    }
    qt_json_close_object(&d->w);
    qt_json_close_object(&d->w);
}

/* ---- paths ---- */

/* Without the patterns of variables: "{name=**}" becomes "{name}". */
static void path_of(const qt_route *route, char *out, size_t cap) {
    size_t len = 0;
    bool skip = false;
    for (const char *p = route->rule->path; *p != '\0' && len + 1 < cap; p++) {
        skip = *p == '=' || (skip && *p != '}');
        if (!skip) {
            out[len++] = *p;
        }
    }
    out[len] = '\0';
}

static void write_parameter(document *d, const char *name, const char *where, const qt_field *f) {
    qt_json_open_object(&d->w);
    qt_json_pair(&d->w, "name", name);
    qt_json_pair(&d->w, "in", where);
    if (strcmp(where, "path") == 0) {
        qt_json_key(&d->w, "required");
        qt_json_bool(&d->w, true);
    }
    if (f->comment[0] != '\0') {
        qt_json_pair(&d->w, "description", f->comment);
    }
    qt_json_key(&d->w, "schema");
    qt_json_open_object(&d->w);
    if (f->repeated) {
        qt_json_pair(&d->w, "type", f->map ? "object" : "array");
        qt_json_key(&d->w, f->map ? "additionalProperties" : "items");
        qt_json_open_object(&d->w);
        write_value(d, f->map ? qt_message_field_by_number(f->message, 2) : f, false);
        qt_json_close_object(&d->w);
    } else {
        write_value(d, f, false);
    }
    qt_json_close_object(&d->w);
    qt_json_close_object(&d->w);
}

static bool in_path(const qt_route *route, const char *name) {
    for (size_t i = 0; i < route->template.variable_count; i++) {
        if (strcmp(route->template.variables[i].field_path, name) == 0) {
            return true;
        }
    }
    return false;
}

static void write_query(document *d, const qt_route *route, const qt_message *m, const char *prefix,
                        int depth) {
    for (size_t i = 0; i < m->field_count; i++) {
        const qt_field *f = &m->fields[i];
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", f->name);
        bool object = f->type == QT_FIELD_MESSAGE && !f->map &&
                      (f->message->kind == QT_MESSAGE_OBJECT || f->message->kind == QT_MESSAGE_ANY);
        if (f == route->body_field || in_path(route, name)) {
            continue;
        }
        if (!object) {
            write_parameter(d, name, "query", f);
        } else if (!f->repeated && depth < MAX_QUERY_DEPTH) {
            write_query(d, route, f->message, name, depth + 1);
        }
    }
}

static void write_parameters(document *d, const qt_route *route) {
    qt_json_key(&d->w, "parameters");
    qt_json_open_array(&d->w);
    for (size_t i = 0; i < route->template.variable_count; i++) {
        const qt_field_path *path = &route->variables[i];
        write_parameter(d, route->template.variables[i].field_path, "path",
                        path->steps[path->count - 1]);
    }
    if (!route->whole_body) {
        write_query(d, route, route->method->input, "", 1);
    }
    qt_json_close_array(&d->w);
}

static void open_content(document *d) {
    qt_json_key(&d->w, "content");
    qt_json_open_object(&d->w);
    qt_json_key(&d->w, "application/json");
    qt_json_open_object(&d->w);
    qt_json_key(&d->w, "schema");
}

static void close_content(document *d) {
    qt_json_close_object(&d->w);
    qt_json_close_object(&d->w);
}

static void write_content(document *d, const qt_message *m, const qt_field *f) {
    open_content(d);
    if (f != NULL) {
        write_field(d, f, false);
    } else {
        qt_json_open_object(&d->w);
        write_ref(d, m->full_name);
        qt_json_close_object(&d->w);
    }
    close_content(d);
}

/* The three forms of a stream (gateway/stream.c). */
static void write_stream_content(document *d, const qt_message *m) {
    static const char events[] = "{\"schema\":{\"type\":\"string\"}}";
    qt_json_key(&d->w, "content");
    qt_json_open_object(&d->w);
    qt_json_key(&d->w, "text/event-stream");
    qt_json_raw(&d->w, events, sizeof events - 1);
    qt_json_key(&d->w, "application/x-ndjson");
    qt_json_open_object(&d->w);
    qt_json_key(&d->w, "schema");
    qt_json_open_object(&d->w);
    write_ref(d, m->full_name);
    qt_json_close_object(&d->w);
    qt_json_close_object(&d->w);
    qt_json_key(&d->w, "application/json");
    qt_json_open_object(&d->w);
    qt_json_key(&d->w, "schema");
    qt_json_open_object(&d->w);
    qt_json_pair(&d->w, "type", "array");
    qt_json_key(&d->w, "items");
    qt_json_open_object(&d->w);
    write_ref(d, m->full_name);
    qt_json_close_object(&d->w);
    qt_json_close_object(&d->w);
    qt_json_close_object(&d->w);
    qt_json_close_object(&d->w);
}

static void write_body(document *d, const qt_route *route) {
    if (!route->whole_body && route->body_field == NULL) {
        return;
    }
    qt_json_key(&d->w, "requestBody");
    qt_json_open_object(&d->w);
    qt_json_key(&d->w, "required");
    qt_json_bool(&d->w, route->template.variable_count == 0 || route->body_field != NULL);
    write_content(d, route->method->input, route->body_field);
    qt_json_close_object(&d->w);
}

static void write_responses(document *d, const qt_route *route) {
    qt_json_key(&d->w, "responses");
    qt_json_open_object(&d->w);
    qt_json_key(&d->w, "200");
    qt_json_open_object(&d->w);
    if (route->method->server_streaming) {
        qt_json_pair(&d->w, "description",
                     "A stream: server-sent events, one JSON object per line, or a JSON array that "
                     "grows, by Accept.");
        write_stream_content(d, route->method->output);
    } else {
        qt_json_pair(&d->w, "description", "The call succeeded.");
        write_content(d, route->method->output, route->response_field);
    }
    qt_json_close_object(&d->w);
    qt_json_key(&d->w, "default");
    qt_json_open_object(&d->w);
    qt_json_pair(&d->w, "description", "The call failed.");
    open_content(d);
    qt_json_open_object(&d->w);
    write_ref(d, "Error");
    qt_json_close_object(&d->w);
    close_content(d);
    qt_json_close_object(&d->w);
    qt_json_close_object(&d->w);
}

static const char *short_service(const qt_method *m) {
    const char *dot = strrchr(m->service, '.');
    return dot != NULL ? dot + 1 : m->service;
}

static void write_operation(document *d, const qt_route *route) {
    const qt_method *m = route->method;
    char id[NAME_BYTES];
    char key[16];
    size_t binding = (size_t)(route->rule - m->rules);
    snprintf(id, sizeof id, binding > 0 ? "%s_%s_%zu" : "%s_%s", short_service(m), m->name,
             binding + 1);
    size_t len = 0;
    for (const char *p = route->rule->http_method; *p != '\0' && len + 1 < sizeof key; p++) {
        key[len++] = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    }
    qt_json_key_n(&d->w, key, len);
    qt_json_open_object(&d->w);
    qt_json_pair(&d->w, "operationId", id);
    qt_json_key(&d->w, "tags");
    qt_json_open_array(&d->w);
    qt_json_str(&d->w, short_service(m));
    qt_json_close_array(&d->w);
    qt_json_pair(&d->w, "summary", m->comment);
    write_parameters(d, route);
    write_body(d, route);
    write_responses(d, route);
    qt_json_close_object(&d->w);
}

/* A path item holds the operations that OpenAPI knows. */
static bool is_standard(const qt_route *route) {
    static const char *const names[] = {"GET", "PUT", "POST", "DELETE", "PATCH"};
    for (size_t i = 0; i < QT_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], route->rule->http_method) == 0) {
            return true;
        }
    }
    return false;
}

/* All routes with the path of route `first`, unless an earlier one had it. */
static void write_path(document *d, size_t first) {
    const qt_route *routes = d->router->routes;
    char path[NAME_BYTES];
    char other[NAME_BYTES];
    path_of(&routes[first], path, sizeof path);
    for (size_t i = 0; i < first; i++) {
        path_of(&routes[i], other, sizeof other);
        if (is_standard(&routes[i]) && strcmp(path, other) == 0) {
            return;
        }
    }
    qt_json_key(&d->w, path);
    qt_json_open_object(&d->w);
    for (size_t i = first; i < d->router->count; i++) {
        path_of(&routes[i], other, sizeof other);
        if (is_standard(&routes[i]) && strcmp(path, other) == 0) {
            write_operation(d, &routes[i]);
        }
    }
    qt_json_close_object(&d->w);
}

static void write_paths(document *d) {
    qt_json_key(&d->w, "paths");
    qt_json_open_object(&d->w);
    for (size_t i = 0; i < d->router->count; i++) {
        if (is_standard(&d->router->routes[i])) {
            write_path(d, i);
        }
    }
    qt_json_close_object(&d->w);
}

static void write_tags(document *d) {
    const char *last = "";
    qt_json_key(&d->w, "tags");
    qt_json_open_array(&d->w);
    for (size_t i = 0; i < d->schema->method_count; i++) {
        const qt_method *m = &d->schema->methods[i];
        if (m->rule_count == 0 || strcmp(last, m->service) == 0) {
            continue;
        }
        last = m->service;
        qt_json_open_object(&d->w);
        qt_json_pair(&d->w, "name", short_service(m));
        qt_json_pair(&d->w, "description", m->service_comment);
        qt_json_close_object(&d->w);
    }
    qt_json_close_array(&d->w);
}

static void write_info(document *d) {
    qt_json_pair(&d->w, "openapi", "3.1.0");
    qt_json_key(&d->w, "info");
    qt_json_open_object(&d->w);
    qt_json_pair(&d->w, "title", "qtaskdist");
    qt_json_pair(&d->w, "version", QT_VERSION);
    qt_json_pair(&d->w, "description",
                 "Distributes quantum circuits to simulators, converters and devices.");
    qt_json_close_object(&d->w);
    qt_json_key(&d->w, "servers");
    qt_json_raw(&d->w, "[{\"url\":\"/\"}]", 13);
    qt_json_key(&d->w, "security"); /* either is enough */
    qt_json_raw(&d->w, "[{},{\"ApiKey\":[]}]", 18);
}

qt_code qt_openapi_write(const qt_schema *schema, const qt_router *router, qt_buf *out,
                         qt_err *err) {
    QT_CLEANUP(document_done)
    document d = {.schema = schema, .router = router, .w = qt_json_writer_make(out)};
    d.messages = qt_xcalloc(schema->message_count + 1, sizeof *d.messages);
    d.enums = qt_xcalloc(schema->enum_count + 1, sizeof *d.enums);
    reach_all(&d);
    qt_json_open_object(&d.w);
    write_info(&d);
    write_tags(&d);
    write_paths(&d);
    write_components(&d);
    qt_json_close_object(&d.w);
    return qt_buf_check(out, err);
}
