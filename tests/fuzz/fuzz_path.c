/* Requests: the first line of the input is a template, the rest a path with a query. Any text is
 * matched or not, and the routes of the API make a message of it or an error. */
#include "base/cleanup.h"
#include "gateway/bind.h"
#include "gateway/path.h"
#include "gateway/router.h"
#include "qt_descriptors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static qt_schema *schema;
static qt_router *router;

static void load(void) {
    qt_err err;
    if (router == NULL &&
        (qt_schema_new(qt_descriptor_set, qt_descriptor_set_len, &schema, &err) != QT_OK ||
         qt_router_new(schema, &router, &err) != QT_OK)) {
        abort();
    }
}

static void match_template(const char *text, const char *path, size_t len, qt_arena *arena) {
    qt_path_template template;
    qt_path split;
    qt_capture captures[QT_PATH_VARIABLES];
    qt_err err;
    if (qt_path_template_parse(text, arena, &template, &err) != QT_OK ||
        !qt_path_split(path, len, &split) || !qt_path_match(&template, &split, captures)) {
        return;
    }
    for (size_t i = 0; i < template.variable_count; i++) {
        char *value;
        size_t value_len;
        qt_code code = qt_percent_decode(captures[i].text, captures[i].len, captures[i].multi,
                                         false, arena, &value, &value_len, &err);
        (void)code;
    }
}

static void route(const char *path, size_t path_len, const char *query, qt_arena *arena) {
    static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE"};
    for (size_t i = 0; i < QT_ARRAY_LEN(methods); i++) {
        qt_route_match match;
        qt_binding *bindings;
        size_t count;
        qt_err err;
        QT_CLEANUP(qt_buf_done) qt_buf wire = {0};
        if (qt_router_match(router, methods[i], path, path_len, &match, &err) != QT_OK ||
            qt_bind_request(&match, query, strlen(query), arena, &bindings, &count, &err) !=
                QT_OK) {
            continue;
        }
        const qt_json_to_wire_input input = {.schema = schema,
                                             .message = match.route->method->input,
                                             .bindings = bindings,
                                             .binding_count = count,
                                             .max_depth = 64};
        qt_code code = qt_json_to_wire(&input, &wire, &err);
        (void)code;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    load();
    qt_arena_init(&arena, 1 << 22);
    char *text = qt_arena_strndup(&arena, (const char *)data, len);
    char *target = text != NULL ? strchr(text, '\n') : NULL;
    if (target == NULL) {
        return 0;
    }
    *target++ = '\0';
    char *query = strchr(target, '?');
    size_t path_len = query != NULL ? (size_t)(query - target) : strlen(target);
    match_template(text, target, path_len, &arena);
    route(target, path_len, query != NULL ? query + 1 : "", &arena);
    return 0;
}
