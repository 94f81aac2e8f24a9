#include "json/tree.h"

#include "base/cleanup.h"
#include "json/number.h"

#include <math.h>
#include <string.h>

typedef struct builder {
    qt_json_reader reader;
    qt_arena *arena;
    const char *skip;
} builder;

static qt_code keep(builder *b, const qt_json_token *token, const char **ret_text, qt_err *err) {
    char *text = qt_arena_strndup(b->arena, token->text, token->len);
    if (text == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "the JSON text does not fit the memory for it");
    }
    *ret_text = text;
    return QT_OK;
}

static qt_code build(builder *b, const qt_json_token *first, qt_json_node *to, qt_err *err);

static qt_code new_node(builder *b, qt_json_node **ret_node, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(b->arena, 1, sizeof(qt_json_node), &memory, err));
    *ret_node = memory;
    return QT_OK;
}

static bool is_skipped(const builder *b, const qt_json_token *key) {
    return b->skip != NULL && key->len == strlen(b->skip) &&
           memcmp(key->text, b->skip, key->len) == 0;
}

/* One member or element behind `token`, appended at *link. */
static qt_code build_child(builder *b, qt_json_token *token, const qt_json_node ***link,
                           qt_err *err) {
    const char *key = NULL;
    qt_json_node *node = NULL;
    if (token->type == QT_JSON_KEY) {
        bool skipped = is_skipped(b, token);
        if (!skipped) {
            QT_TRY(keep(b, token, &key, err));
        }
        QT_TRY(qt_json_next(&b->reader, token, err));
        if (skipped) {
            return qt_json_skip(&b->reader, token, err);
        }
    }
    QT_TRY(new_node(b, &node, err));
    QT_TRY(build(b, token, node, err));
    node->key = key;
    **link = node;
    *link = &node->next;
    return QT_OK;
}

static qt_code build(builder *b, const qt_json_token *first, qt_json_node *to, qt_err *err) {
    to->type = first->type;
    if (first->type == QT_JSON_STRING || first->type == QT_JSON_NUMBER) {
        to->len = first->len;
        return keep(b, first, &to->text, err);
    }
    if (first->type != QT_JSON_OBJECT && first->type != QT_JSON_ARRAY) {
        return QT_OK;
    }
    const qt_json_node **link = &to->child;
    while (true) {
        qt_json_token token;
        QT_TRY(qt_json_next(&b->reader, &token, err));
        if (token.type == QT_JSON_OBJECT_END || token.type == QT_JSON_ARRAY_END) {
            return QT_OK;
        }
        QT_TRY(build_child(b, &token, &link, err));
    }
}

qt_code qt_json_tree_parse(const char *text, size_t len, size_t max_depth, const char *skip,
                           qt_arena *arena, const qt_json_node **ret_root, qt_err *err) {
    builder b = {.arena = arena, .skip = skip};
    qt_json_token token;
    qt_json_node *root = NULL;
    qt_json_reader_init(&b.reader, text, len, max_depth);
    qt_code code = qt_json_next(&b.reader, &token, err);
    if (code == QT_OK) {
        code = new_node(&b, &root, err);
    }
    if (code == QT_OK) {
        code = build(&b, &token, root, err);
    }
    if (code == QT_OK) {
        code = qt_json_next(&b.reader, &token, err); /* nothing may follow */
    }
    qt_json_reader_done(&b.reader);
    if (code == QT_OK) {
        *ret_root = root;
    }
    return code;
}

const qt_json_node *qt_json_get(const qt_json_node *node, const char *key) {
    if (!qt_json_is(node, QT_JSON_OBJECT)) {
        return NULL;
    }
    for (const qt_json_node *child = node->child; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

const qt_json_node *qt_json_get_any(const qt_json_node *node, const char *const *keys) {
    for (; *keys != NULL; keys++) {
        const qt_json_node *child = qt_json_get(node, *keys);
        if (child != NULL && child->type != QT_JSON_NULL) {
            return child;
        }
    }
    return NULL;
}

const char *qt_json_text(const qt_json_node *node) {
    bool is_text = qt_json_is(node, QT_JSON_STRING) && strlen(node->text) == node->len;
    return is_text ? node->text : NULL;
}

bool qt_json_value(const qt_json_node *node, double *ret_value) {
    double value = 0;
    bool is_numeric = qt_json_is(node, QT_JSON_NUMBER) || qt_json_is(node, QT_JSON_STRING);
    if (!is_numeric || !qt_json_parse_double(node->text, node->len, &value) || !isfinite(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool qt_json_is(const qt_json_node *node, qt_json_type type) {
    return node != NULL && node->type == type;
}
