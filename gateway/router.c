#include "gateway/router.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool qt_field_path_parse(const qt_message *message, const char *text, size_t len,
                         qt_field_path *ret_path) {
    qt_field_path path = {0};
    const char *end = text + len;
    for (const char *p = text;;) {
        const char *dot = memchr(p, '.', (size_t)(end - p));
        const char *stop = dot != NULL ? dot : end;
        const qt_field *f =
            message != NULL ? qt_message_field(message, p, (size_t)(stop - p)) : NULL;
        if (f == NULL || path.count == QT_FIELD_PATH_STEPS) {
            return false;
        }
        path.steps[path.count++] = f;
        if (dot == NULL) {
            break;
        }
        bool single =
            f->type == QT_FIELD_MESSAGE && !f->repeated && f->message->kind == QT_MESSAGE_OBJECT;
        message = single ? f->message : NULL;
        p = dot + 1;
    }
    *ret_path = path;
    return true;
}

static qt_code bad_rule(const qt_method *m, const qt_http_rule *rule, const char *what,
                        const char *name, qt_err *err) {
    return qt_fail(err, INTERNAL, "%s.%s, %s: %s %s", m->service, m->name, rule->path, what, name);
}

static qt_code resolve_variables(qt_route *route, qt_err *err) {
    for (size_t i = 0; i < route->template.variable_count; i++) {
        const char *name = route->template.variables[i].field_path;
        qt_field_path *path = &route->variables[i];
        if (!qt_field_path_parse(route->method->input, name, strlen(name), path)) {
            return bad_rule(route->method, route->rule, "no such field", name, err);
        }
        const qt_field *last = path->steps[path->count - 1];
        if (last->repeated ||
            (last->type == QT_FIELD_MESSAGE && last->message->kind == QT_MESSAGE_OBJECT)) {
            return bad_rule(route->method, route->rule, "cannot be in a path:", name, err);
        }
    }
    return QT_OK;
}

static qt_code resolve_field(const qt_route *route, const qt_message *message, const char *name,
                             const qt_field **ret_field, qt_err *err) {
    *ret_field = NULL;
    if (name[0] == '\0' || strcmp(name, "*") == 0) {
        return QT_OK;
    }
    *ret_field = qt_message_field(message, name, strlen(name));
    if (*ret_field == NULL) {
        return bad_rule(route->method, route->rule, "no such field", name, err);
    }
    return QT_OK;
}

static const qt_field *only_mask(const qt_message *message) {
    const qt_field *found = NULL;
    for (size_t i = 0; i < message->field_count; i++) {
        const qt_field *f = &message->fields[i];
        if (f->type == QT_FIELD_MESSAGE && f->message->kind == QT_MESSAGE_FIELD_MASK &&
            !f->repeated) {
            if (found != NULL) {
                return NULL;
            }
            found = f;
        }
    }
    return found;
}

static qt_code add_route(qt_router *router, const qt_method *method, const qt_http_rule *rule,
                         qt_err *err) {
    if (rule->path == NULL || rule->http_method == NULL) {
        return qt_fail(err, INTERNAL, "%s.%s has a binding without a path", method->service,
                       method->name);
    }
    qt_route *route = &router->routes[router->count];
    *route = (qt_route){.method = method, .rule = rule, .whole_body = strcmp(rule->body, "*") == 0};
    QT_TRY(qt_path_template_parse(rule->path, &router->arena, &route->template, err));
    QT_TRY(resolve_variables(route, err));
    QT_TRY(resolve_field(route, method->input, rule->body, &route->body_field, err));
    QT_TRY(resolve_field(route, method->output, rule->response_body, &route->response_field, err));
    if (route->body_field != NULL && strcmp(rule->http_method, "PATCH") == 0) {
        route->mask_field = only_mask(method->input);
    }
    router->count++;
    return QT_OK;
}

static int compare_routes(const void *a, const void *b) {
    const qt_route *x = a;
    const qt_route *y = b;
    int order = qt_path_template_compare(&x->template, &y->template);
    return order != 0 ? order : strcmp(x->rule->http_method, y->rule->http_method);
}

static qt_code finish(qt_router *router, qt_err *err) {
    if (router->count > 1) {
        qsort(router->routes, router->count, sizeof *router->routes, compare_routes);
    }
    for (size_t i = 0; i < router->count; i++) {
        router->routes[i].index = i;
        if (i > 0 && compare_routes(&router->routes[i - 1], &router->routes[i]) == 0) {
            const qt_route *r = &router->routes[i];
            return bad_rule(r->method, r->rule, "is bound twice:", r->rule->http_method, err);
        }
    }
    return QT_OK;
}

qt_code qt_router_new(const qt_schema *schema, qt_router **ret_router, qt_err *err) {
    QT_CLEANUP(qt_router_free_p) qt_router *router = qt_xcalloc(1, sizeof *router);
    qt_arena_init(&router->arena, 0);
    size_t rules = 0;
    for (size_t i = 0; i < schema->method_count; i++) {
        rules += schema->methods[i].rule_count;
    }
    router->routes = qt_xcalloc(rules + 1, sizeof *router->routes);
    for (size_t i = 0; i < schema->method_count; i++) {
        const qt_method *m = &schema->methods[i];
        for (size_t j = 0; j < m->rule_count; j++) {
            QT_TRY(add_route(router, m, &m->rules[j], err));
        }
    }
    QT_TRY(finish(router, err));
    *ret_router = QT_TAKE(router);
    return QT_OK;
}

void qt_router_free(qt_router *router) {
    if (router == NULL) {
        return;
    }
    free(router->routes);
    qt_arena_done(&router->arena);
    free(router);
}

void qt_router_free_p(qt_router **router) {
    qt_router_free(*router);
}

static bool serves(const qt_route *route, const char *http_method) {
    const char *own = route->rule->http_method;
    return strcmp(own, http_method) == 0 || strcmp(own, "*") == 0 ||
           (strcmp(http_method, "HEAD") == 0 && strcmp(own, "GET") == 0);
}

static void add_allowed(const char *http_method, char *allow, size_t cap) {
    size_t len = strlen(allow);
    if (strstr(allow, http_method) == NULL) {
        snprintf(allow + len, cap - len, "%s%s", len > 0 ? ", " : "", http_method);
    }
}

qt_code qt_router_match(const qt_router *router, const char *http_method, const char *path,
                        size_t len, qt_route_match *ret_match, qt_err *err) {
    qt_path split;
    ret_match->allow[0] = '\0';
    bool is_path = qt_path_split(path, len, &split);
    for (size_t i = 0; is_path && i < router->count; i++) {
        const qt_route *route = &router->routes[i];
        if (!qt_path_match(&route->template, &split, ret_match->captures)) {
            continue;
        }
        if (serves(route, http_method)) {
            ret_match->route = route;
            return QT_OK;
        }
        add_allowed(route->rule->http_method, ret_match->allow, sizeof ret_match->allow);
    }
    if (ret_match->allow[0] != '\0') {
        return qt_fail(err, HTTP_METHOD_NOT_ALLOWED, "%s is not allowed here, but %s", http_method,
                       ret_match->allow);
    }
    return qt_fail(err, ROUTE_NOT_FOUND, "there is no path %.*s", len < 128 ? (int)len : 128, path);
}
