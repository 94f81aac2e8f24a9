#include "gateway/bind.h"

#include <string.h>

typedef struct list {
    qt_binding *items;
    size_t count;
} list;

/* Path variables come first. */
static qt_code bind_path(const qt_route_match *match, qt_arena *arena, list *out, qt_err *err) {
    const qt_route *route = match->route;
    for (size_t i = 0; i < route->template.variable_count; i++) {
        const qt_capture *c = &match->captures[i];
        qt_binding *b = &out->items[out->count];
        char *text;
        size_t len;
        *b = (qt_binding){.path = route->variables[i]};
        QT_TRY(qt_percent_decode(c->text, c->len, c->multi, false, arena, &text, &len, err));
        b->value = text;
        b->value_len = len;
        out->count++;
    }
    return QT_OK;
}

static qt_code fail_parameter(const char *name, qt_reason reason, const char *what,
                              const char *hint, qt_err *err) {
    return qt_err_raise(err, reason, name, __FILE__, __LINE__, "query parameter %.64s: %s%s", name,
                        what, hint);
}

/* The nearest field for a wrong step of a dotted name. */
static const char *suggest(const qt_message *m, const char *name, size_t len) {
    const char *end = name + len;
    for (const char *p = name; m != NULL;) {
        const char *dot = memchr(p, '.', (size_t)(end - p));
        size_t step = (size_t)((dot != NULL ? dot : end) - p);
        const qt_field *f = qt_message_field(m, p, step);
        if (f == NULL) {
            return qt_message_suggest(m, p, step);
        }
        if (dot == NULL) {
            break;
        }
        m = f->message;
        p = dot + 1;
    }
    return NULL;
}

static qt_code unknown_parameter(const qt_message *m, const char *name, size_t len, qt_err *err) {
    const char *near = suggest(m, name, len);
    return fail_parameter(name, QT_REASON_FIELD_UNKNOWN,
                          near != NULL ? "there is no such field; did you mean "
                                       : "there is no such field",
                          near != NULL ? near : "", err);
}

static bool same_path(const qt_field_path *a, const qt_field_path *b) {
    return a->count == b->count && memcmp(a->steps, b->steps, a->count * sizeof *a->steps) == 0;
}

static bool is_object(const qt_field *f) {
    return f->type == QT_FIELD_MESSAGE && f->message->kind != QT_MESSAGE_TIMESTAMP &&
           f->message->kind != QT_MESSAGE_DURATION && f->message->kind != QT_MESSAGE_FIELD_MASK &&
           f->message->kind != QT_MESSAGE_BARE;
}

static qt_code check_parameter(const qt_route *route, const list *out, const qt_binding *b,
                               const char *name, qt_err *err) {
    const qt_field *last = b->path.steps[b->path.count - 1];
    const qt_field *value = last->map ? qt_message_field_by_number(last->message, 2) : last;
    if (last->map != (b->map_key != NULL)) {
        return fail_parameter(name, QT_REASON_FIELD_INVALID,
                              last->map ? "a map needs name[key]=value" : "the field is no map", "",
                              err);
    }
    if (is_object(value)) {
        return fail_parameter(name, QT_REASON_FIELD_INVALID, "a message cannot be given here", "",
                              err);
    }
    if (route->body_field != NULL && b->path.steps[0] == route->body_field) {
        return fail_parameter(name, QT_REASON_FIELD_INVALID, "the field is the body", "", err);
    }
    for (size_t i = 0; i < out->count; i++) {
        bool from_path = i < route->template.variable_count;
        if ((from_path || !last->repeated) && same_path(&out->items[i].path, &b->path)) {
            return fail_parameter(name, QT_REASON_FIELD_INVALID,
                                  from_path ? "the field is in the path" : "is given twice", "",
                                  err);
        }
    }
    return QT_OK;
}

static qt_code bind_parameter(const qt_route *route, const char *text, size_t len, qt_arena *arena,
                              list *out, qt_err *err) {
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
    const char *value = equals != NULL ? equals + 1 : text + len;
    qt_binding *b = &out->items[out->count];
    char *name;
    char *decoded;
    QT_TRY(qt_percent_decode(text, name_len, false, true, arena, &name, &name_len, err));
    *b = (qt_binding){0};
    char *bracket = memchr(name, '[', name_len);
    size_t path_len = name_len;
    if (bracket != NULL && name[name_len - 1] == ']') {
        path_len = (size_t)(bracket - name);
        b->map_key = bracket + 1;
        b->map_key_len = name_len - path_len - 2;
    }
    if (route->whole_body || !qt_field_path_parse(route->method->input, name, path_len, &b->path)) {
        return unknown_parameter(route->whole_body ? NULL : route->method->input, name, path_len,
                                 err);
    }
    QT_TRY(check_parameter(route, out, b, name, err));
    QT_TRY(qt_percent_decode(value, (size_t)(text + len - value), false, true, arena, &decoded,
                             &b->value_len, err));
    b->value = decoded;
    out->count++;
    return QT_OK;
}

static size_t count_parameters(const char *query, size_t len) {
    size_t count = len > 0;
    for (size_t i = 0; i < len; i++) {
        count += query[i] == '&';
    }
    return count;
}

static qt_code bind_query(const qt_route *route, const char *query, size_t len, qt_arena *arena,
                          list *out, qt_err *err) {
    const char *end = query + len;
    for (const char *p = query; p < end;) {
        const char *amp = memchr(p, '&', (size_t)(end - p));
        const char *stop = amp != NULL ? amp : end;
        if (stop > p) {
            QT_TRY(bind_parameter(route, p, (size_t)(stop - p), arena, out, err));
        }
        p = amp != NULL ? amp + 1 : end;
    }
    return QT_OK;
}

qt_code qt_bind_request(const qt_route_match *match, const char *query, size_t len, qt_arena *arena,
                        qt_binding **ret_bindings, size_t *ret_count, qt_err *err) {
    size_t parameters = count_parameters(query, len);
    void *memory;
    if (parameters > QT_QUERY_PARAMETERS) {
        return qt_fail(err, FIELD_INVALID, "more than %d query parameters", QT_QUERY_PARAMETERS);
    }
    QT_TRY(qt_arena_try_calloc(arena, QT_PATH_VARIABLES + parameters, sizeof(qt_binding), &memory,
                               err));
    list out = {.items = memory};
    QT_TRY(bind_path(match, arena, &out, err));
    QT_TRY(bind_query(match->route, query, len, arena, &out, err));
    qt_bindings_sort(out.items, out.count);
    *ret_bindings = out.items;
    *ret_count = out.count;
    return QT_OK;
}
