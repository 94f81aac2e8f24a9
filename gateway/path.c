#include "gateway/path.h"

#include <string.h>

typedef struct parser {
    const char *text; /* the whole template, for messages */
    const char *pos;
    qt_arena *arena;
    qt_path_template *out;
} parser;

static qt_code fail(const parser *p, const char *what, qt_err *err) {
    return qt_fail(err, INTERNAL, "path template %s, character %zu: %s", p->text,
                   (size_t)(p->pos - p->text) + 1, what);
}

static qt_code copy(parser *p, const char *from, size_t len, const char **ret_text, qt_err *err) {
    char *text = qt_arena_strndup(p->arena, from, len);
    if (text == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "path template %s", p->text);
    }
    *ret_text = text;
    return QT_OK;
}

static bool is_literal_char(char c) {
    return c != '\0' && strchr("/{}*:=?# \t", c) == NULL;
}

static qt_code parse_literal(parser *p, const char **ret_text, qt_err *err) {
    const char *from = p->pos;
    while (is_literal_char(*p->pos)) {
        p->pos++;
    }
    if (p->pos == from) {
        return fail(p, "expected a segment", err);
    }
    return copy(p, from, (size_t)(p->pos - from), ret_text, err);
}

/* A segment that is no variable. */
static qt_code parse_plain(parser *p, qt_err *err) {
    qt_path_template *t = p->out;
    if (t->segment_count == QT_PATH_SEGMENTS) {
        return fail(p, "too many segments", err);
    }
    if (t->segment_count > 0 && t->segments[t->segment_count - 1].kind == QT_SEGMENT_REST) {
        return fail(p, "nothing may follow **", err);
    }
    qt_segment *segment = &t->segments[t->segment_count];
    *segment = (qt_segment){.kind = QT_SEGMENT_LITERAL};
    if (strncmp(p->pos, "**", 2) == 0) {
        segment->kind = QT_SEGMENT_REST;
        p->pos += 2;
    } else if (*p->pos == '*') {
        segment->kind = QT_SEGMENT_ONE;
        p->pos++;
    } else {
        QT_TRY(parse_literal(p, &segment->literal, err));
    }
    t->segment_count++;
    return QT_OK;
}

static bool is_name_char(char c, bool first) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && c >= '0' && c <= '9');
}

static qt_code parse_field_path(parser *p, const char **ret_text, qt_err *err) {
    const char *from = p->pos;
    bool first = true;
    while (is_name_char(*p->pos, first) || (!first && *p->pos == '.')) {
        first = *p->pos == '.';
        p->pos++;
    }
    if (first) {
        return fail(p, "expected a field name", err);
    }
    return copy(p, from, (size_t)(p->pos - from), ret_text, err);
}

/* p->pos is behind '{'. */
static qt_code parse_variable(parser *p, qt_err *err) {
    qt_path_template *t = p->out;
    if (t->variable_count == QT_PATH_VARIABLES) {
        return fail(p, "too many variables", err);
    }
    qt_path_variable *v = &t->variables[t->variable_count];
    *v = (qt_path_variable){.first = t->segment_count};
    QT_TRY(parse_field_path(p, &v->field_path, err));
    if (*p->pos == '=') {
        do {
            p->pos++;
            QT_TRY(parse_plain(p, err));
        } while (*p->pos == '/');
    } else if (t->segment_count == QT_PATH_SEGMENTS) {
        return fail(p, "too many segments", err);
    } else {
        t->segments[t->segment_count++] = (qt_segment){.kind = QT_SEGMENT_ONE};
    }
    if (*p->pos != '}') {
        return fail(p, "expected '}'", err);
    }
    p->pos++;
    v->count = t->segment_count - v->first;
    t->variable_count++;
    return QT_OK;
}

static bool after_rest(const qt_path_template *t) {
    return t->segment_count > 0 && t->segments[t->segment_count - 1].kind == QT_SEGMENT_REST;
}

static qt_code parse_segments(parser *p, qt_err *err) {
    if (*p->pos != '/') {
        return fail(p, "expected '/'", err);
    }
    while (*p->pos == '/') {
        p->pos++;
        if (after_rest(p->out)) {
            return fail(p, "nothing may follow **", err);
        }
        if (*p->pos == '{') {
            p->pos++;
            QT_TRY(parse_variable(p, err));
        } else {
            QT_TRY(parse_plain(p, err));
        }
    }
    return QT_OK;
}

qt_code qt_path_template_parse(const char *text, qt_arena *arena, qt_path_template *ret_template,
                               qt_err *err) {
    qt_path_template t = {.verb = ""};
    parser p = {.text = text, .pos = text, .arena = arena, .out = &t};
    QT_TRY(parse_segments(&p, err));
    if (*p.pos == ':') {
        p.pos++;
        QT_TRY(parse_literal(&p, &t.verb, err));
    }
    if (*p.pos != '\0') {
        return fail(&p, "unexpected character", err);
    }
    *ret_template = t;
    return QT_OK;
}

bool qt_path_split(const char *text, size_t len, qt_path *ret_path) {
    if (len == 0 || text[0] != '/') {
        return false;
    }
    qt_path path = {0};
    const char *end = text + len;
    for (const char *p = text; p < end;) {
        const char *from = p + 1;
        const char *slash = memchr(from, '/', (size_t)(end - from));
        if (path.count == QT_PATH_SEGMENTS) {
            return false;
        }
        p = slash != NULL ? slash : end;
        path.segments[path.count] = from;
        path.lens[path.count++] = (size_t)(p - from);
    }
    *ret_path = path;
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that %XX at p stands for; -1 when it is none. */
static int percent_byte(const char *p, const char *end) {
    if (end - p < 3 || *p != '%') {
        return -1;
    }
    int high = hex_digit(p[1]);
    int low = hex_digit(p[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool equals_literal(const char *literal, const char *text, size_t len) {
    const char *end = text + len;
    while (text < end && *literal != '\0') {
        int decoded = percent_byte(text, end);
        unsigned char c = decoded >= 0 ? (unsigned char)decoded : (unsigned char)*text;
        if (c != (unsigned char)*literal++) {
            return false;
        }
        text += decoded >= 0 ? 3 : 1;
    }
    return text == end && *literal == '\0';
}

static bool match_segment(const qt_segment *segment, const char *text, size_t len) {
    if (segment->kind == QT_SEGMENT_LITERAL) {
        return equals_literal(segment->literal, text, len);
    }
    return len > 0;
}

/* Length of the last segment without its verb; false when it does not end with it. */
static bool strip_verb(const char *verb, const qt_path *path, size_t *ret_len) {
    size_t len = path->lens[path->count - 1];
    size_t verb_len = strlen(verb);
    const char *last = path->segments[path->count - 1];
    if (verb_len == 0) {
        *ret_len = len;
        return true;
    }
    if (len <= verb_len || last[len - verb_len - 1] != ':' ||
        memcmp(last + len - verb_len, verb, verb_len) != 0) {
        return false;
    }
    *ret_len = len - verb_len - 1;
    return true;
}

static qt_capture capture(const qt_path_template *t, const qt_path_variable *v, const qt_path *path,
                          size_t last_len) {
    bool rest = t->segments[v->first + v->count - 1].kind == QT_SEGMENT_REST;
    size_t count = rest ? path->count - v->first : v->count;
    if (count == 0) {
        return (qt_capture){.text = "", .multi = true};
    }
    size_t last = v->first + count - 1;
    const char *from = path->segments[v->first];
    const char *to = path->segments[last] + (last + 1 == path->count ? last_len : path->lens[last]);
    return (qt_capture){.text = from, .len = (size_t)(to - from), .multi = v->count > 1 || rest};
}

bool qt_path_match(const qt_path_template *template, const qt_path *path,
                   qt_capture ret_captures[QT_PATH_VARIABLES]) {
    const qt_path_template *t = template;
    size_t fixed = t->segment_count - after_rest(t);
    size_t last_len;
    if ((after_rest(t) ? path->count < fixed : path->count != fixed) || path->count == 0 ||
        !strip_verb(t->verb, path, &last_len)) {
        return false;
    }
    for (size_t i = 0; i < fixed; i++) {
        size_t len = i + 1 == path->count ? last_len : path->lens[i];
        if (!match_segment(&t->segments[i], path->segments[i], len)) {
            return false;
        }
    }
    for (size_t i = 0; i < t->variable_count; i++) {
        ret_captures[i] = capture(t, &t->variables[i], path, last_len);
    }
    return true;
}

/* Templates with a verb first, then literals before "*" before "**". */
int qt_path_template_compare(const qt_path_template *a, const qt_path_template *b) {
    bool a_verb = a->verb[0] != '\0';
    bool b_verb = b->verb[0] != '\0';
    if (a_verb != b_verb) {
        return a_verb ? -1 : 1;
    }
    for (size_t i = 0; i < a->segment_count && i < b->segment_count; i++) {
        const qt_segment *x = &a->segments[i];
        const qt_segment *y = &b->segments[i];
        if (x->kind != y->kind) {
            return x->kind < y->kind ? -1 : 1;
        }
        int order = x->kind == QT_SEGMENT_LITERAL ? strcmp(x->literal, y->literal) : 0;
        if (order != 0) {
            return order;
        }
    }
    if (a->segment_count != b->segment_count) {
        return a->segment_count > b->segment_count ? -1 : 1;
    }
    return strcmp(a->verb, b->verb);
}

qt_code qt_percent_decode(const char *text, size_t len, bool keep_slash, bool plus_is_space,
                          qt_arena *arena, char **ret_text, size_t *ret_len, qt_err *err) {
    void *memory;
    QT_TRY(qt_arena_try_alloc(arena, len + 1, &memory, err));
    char *out = memory;
    size_t out_len = 0;
    const char *end = text + len;
    for (const char *p = text; p < end;) {
        int byte = percent_byte(p, end);
        if (*p == '%' && byte < 0) {
            return qt_fail(err, FIELD_INVALID, "'%%' is not followed by two hexadecimal digits");
        }
        bool keep = byte < 0 || (keep_slash && byte == '/');
        char c = plus_is_space && *p == '+' ? ' ' : *p;
        out[out_len++] = keep ? c : (char)(unsigned char)byte;
        p += keep ? 1 : 3;
    }
    out[out_len] = '\0';
    *ret_text = out;
    *ret_len = out_len;
    return QT_OK;
}
