/* Makes a schema: one pass counts messages, enums and RPCs, the second fills the tables, the third
 * replaces type names by pointers. Field numbers are those of google/protobuf/descriptor.proto. */
#include "gateway/schema.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "gateway/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qt_schema_memory {
    qt_arena arena;
};

typedef struct span {
    const uint8_t *data;
    size_t len;
} span;

/* Where a declaration is in its file, as SourceCodeInfo.Location.path has it. */
typedef struct place {
    uint8_t path[40];
    size_t len;
} place;

typedef struct comment {
    span path;
    span text;
} comment;

typedef struct loader {
    qt_schema *schema;
    qt_arena *arena;
    bool filling; /* second pass */
    comment *comments;
    size_t comment_count;
} loader;

enum { HTTP_EXTENSION = 72295728 };

static qt_code corrupt(qt_err *err) {
    return qt_fail(err, DATA_CORRUPT, "the descriptor set cannot be read");
}

/* Runs the statement for every field of a message; a bad message ends early, which the check of
 * the whole set in qt_schema_new() has ruled out. */
#define EACH_FIELD(f, bytes)                                                                       \
    for (qt_wire_reader f##_reader = qt_wire_reader_make((bytes).data, (bytes).len);               \
         qt_wire_next(&f##_reader, &f) == QT_WIRE_FIELD;)

static span bytes_of(const qt_wire_field *f) {
    return (span){.data = f->data, .len = f->type == QT_WIRE_BYTES ? f->len : 0};
}

static span get_bytes(span message, uint32_t number) {
    qt_wire_field f;
    span found = {0};
    EACH_FIELD(f, message) {
        if (f.number == number) {
            found = bytes_of(&f);
        }
    }
    return found;
}

static uint64_t get_number(span message, uint32_t number, uint64_t missing) {
    qt_wire_field f;
    EACH_FIELD(f, message) {
        if (f.number == number) {
            missing = f.value;
        }
    }
    return missing;
}

static size_t count_of(span message, uint32_t number) {
    qt_wire_field f;
    size_t count = 0;
    EACH_FIELD(f, message) {
        count += f.number == number;
    }
    return count;
}

/* Memory of the schema is small and of a size that the build decides. */
static void *must(void *p) {
    if (p == NULL) {
        abort();
    }
    return p;
}

static void *zeroed(loader *l, size_t count, size_t size) {
    void *p = must(qt_arena_alloc(l->arena, count * size + 1));
    memset(p, 0, count * size + 1);
    return p;
}

static const char *text_of(loader *l, span s) {
    return must(qt_arena_strndup(l->arena, s.data != NULL ? (const char *)s.data : "", s.len));
}

static const char *join(loader *l, const char *scope, const char *separator, const char *name) {
    if (scope[0] == '\0') {
        return name;
    }
    return must(qt_arena_printf(l->arena, "%s%s%s", scope, separator, name));
}

/* ---- comments ---- */

static void place_push(place *p, uint64_t v) {
    while (v >= 0x80 && p->len < sizeof p->path) {
        p->path[p->len++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    if (p->len < sizeof p->path) {
        p->path[p->len++] = (uint8_t)v;
    }
}

static place place_below(const place *outer, uint32_t field, size_t index) {
    place p = *outer;
    place_push(&p, field);
    place_push(&p, index);
    return p;
}

static void read_comments(loader *l, span file) {
    span info = get_bytes(file, 9);
    l->comments = zeroed(l, count_of(info, 1), sizeof *l->comments);
    l->comment_count = 0;
    qt_wire_field f;
    EACH_FIELD(f, info) {
        span location = bytes_of(&f);
        span text = get_bytes(location, 3);
        if (f.number == 1 && text.len > 0) {
            l->comments[l->comment_count++] =
                (comment){.path = get_bytes(location, 1), .text = text};
        }
    }
}

/* Without the space that starts each line and the last newline. */
static const char *tidy_comment(loader *l, span text) {
    char *out = must(qt_arena_alloc(l->arena, text.len + 1));
    size_t len = 0;
    bool line_start = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];
        if (!line_start || c != ' ') {
            out[len++] = c;
        }
        line_start = c == '\n';
    }
    while (len > 0 && out[len - 1] == '\n') {
        len--;
    }
    out[len] = '\0';
    return out;
}

static const char *comment_at(loader *l, const place *p) {
    for (size_t i = 0; i < l->comment_count; i++) {
        const comment *c = &l->comments[i];
        if (c->path.len == p->len && memcmp(c->path.data, p->path, p->len) == 0) {
            return tidy_comment(l, c->text);
        }
    }
    return "";
}

/* ---- enums ---- */

/* "TaskStatus" -> "TASK_STATUS_" */
static void enum_prefix(const char *name, char *out, size_t cap) {
    size_t len = 0;
    for (size_t i = 0; name[i] != '\0' && len + 3 < cap; i++) {
        bool upper = name[i] >= 'A' && name[i] <= 'Z';
        bool after_lower = i > 0 && !(name[i - 1] >= 'A' && name[i - 1] <= 'Z');
        bool before_lower = name[i + 1] >= 'a' && name[i + 1] <= 'z';
        if (i > 0 && upper && (after_lower || before_lower)) {
            out[len++] = '_';
        }
        out[len++] = upper || name[i] < 'a' ? name[i] : (char)(name[i] - 'a' + 'A');
    }
    out[len++] = '_';
    out[len] = '\0';
}

static const char *short_name(loader *l, const char *name, const char *prefix) {
    size_t skip = strlen(prefix);
    bool strip = strncmp(name, prefix, skip) == 0 && name[skip] != '\0';
    char *out = must(qt_arena_strdup(l->arena, strip ? name + skip : name));
    for (char *p = out; *p != '\0'; p++) {
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    }
    return out;
}

static void load_enum(loader *l, span def, const char *scope, const place *at) {
    size_t slot = l->schema->enum_count++;
    if (!l->filling) {
        return;
    }
    qt_enum *e = &l->schema->enums[slot];
    const char *name = text_of(l, get_bytes(def, 1));
    char prefix[128];
    enum_prefix(name, prefix, sizeof prefix);
    *e = (qt_enum){.full_name = join(l, scope, ".", name),
                   .comment = comment_at(l, at),
                   .values = zeroed(l, count_of(def, 2), sizeof *e->values)};
    qt_wire_field f;
    EACH_FIELD(f, def) {
        if (f.number != 2) {
            continue;
        }
        place here = place_below(at, 2, e->value_count);
        const char *value_name = text_of(l, get_bytes(bytes_of(&f), 1));
        e->values[e->value_count++] =
            (qt_enum_value){.name = value_name,
                            .short_name = short_name(l, value_name, prefix),
                            .number = (int32_t)get_number(bytes_of(&f), 2, 0),
                            .comment = comment_at(l, &here)};
    }
}

/* ---- messages ---- */

static const char *lower_camel(loader *l, const char *name) {
    char *out = must(qt_arena_strdup(l->arena, name));
    size_t len = 0;
    bool upper = false;
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '_') {
            upper = true;
            continue;
        }
        out[len++] = upper && *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
        upper = false;
    }
    out[len] = '\0';
    return out;
}

/* `message` and `enumeration` hold the type's name until resolve() replaces it. */
static void load_field(loader *l, qt_message *m, span def, const place *at) {
    enum { REPEATED = 3 };
    span json_name = get_bytes(def, 10);
    span type_name = get_bytes(def, 6);
    qt_field *f = &m->fields[m->field_count];
    place here = place_below(at, 2, m->field_count);
    *f = (qt_field){.name = text_of(l, get_bytes(def, 1)),
                    .number = (uint32_t)get_number(def, 3, 0),
                    .type = (qt_field_type)get_number(def, 5, 0),
                    .repeated = get_number(def, 4, 0) == REPEATED,
                    .oneof = (int)get_number(def, 9, UINT64_MAX),
                    .index = m->field_count,
                    .comment = comment_at(l, &here)};
    f->json_name = json_name.len > 0 ? text_of(l, json_name) : lower_camel(l, f->name);
    if (type_name.len > 0) {
        f->message = (const void *)text_of(l, type_name);
    }
    m->field_count++;
    m->max_number = f->number > m->max_number ? f->number : m->max_number;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const qt_field_name *)a)->name, ((const qt_field_name *)b)->name);
}

static void index_fields(loader *l, qt_message *m) {
    m->names = zeroed(l, m->field_count * 2, sizeof *m->names);
    m->by_number = zeroed(l, (size_t)m->max_number + 1, sizeof *m->by_number);
    for (size_t i = 0; i < m->field_count; i++) {
        const qt_field *f = &m->fields[i];
        m->by_number[f->number] = (uint16_t)(i + 1);
        m->names[m->name_count++] = (qt_field_name){.name = f->name, .field = f};
        if (strcmp(f->name, f->json_name) != 0) {
            m->names[m->name_count++] = (qt_field_name){.name = f->json_name, .field = f};
        }
    }
    qsort(m->names, m->name_count, sizeof *m->names, compare_names);
}

static qt_message_kind kind_of(const char *full_name) {
    static const struct {
        const char *name;
        qt_message_kind kind;
    } rows[] = {
        {"google.protobuf.Timestamp", QT_MESSAGE_TIMESTAMP},
        {"google.protobuf.Duration", QT_MESSAGE_DURATION},
        {"google.protobuf.FieldMask", QT_MESSAGE_FIELD_MASK},
        {"google.protobuf.Any", QT_MESSAGE_ANY},
        {"google.protobuf.DoubleValue", QT_MESSAGE_BARE},
        {"google.protobuf.FloatValue", QT_MESSAGE_BARE},
        {"google.protobuf.Int64Value", QT_MESSAGE_BARE},
        {"google.protobuf.UInt64Value", QT_MESSAGE_BARE},
        {"google.protobuf.Int32Value", QT_MESSAGE_BARE},
        {"google.protobuf.UInt32Value", QT_MESSAGE_BARE},
        {"google.protobuf.BoolValue", QT_MESSAGE_BARE},
        {"google.protobuf.StringValue", QT_MESSAGE_BARE},
        {"google.protobuf.BytesValue", QT_MESSAGE_BARE},
        {"qtaskdist.v1.Scalar", QT_MESSAGE_BARE},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, full_name) == 0) {
            return rows[i].kind;
        }
    }
    return QT_MESSAGE_OBJECT;
}

static void load_message(loader *l, span def, const char *scope, const place *at);

static void load_nested(loader *l, span def, const char *full_name, const place *at) {
    size_t messages = 0;
    size_t enums = 0;
    qt_wire_field f;
    EACH_FIELD(f, def) {
        if (f.number == 3) {
            place here = place_below(at, 3, messages++);
            load_message(l, bytes_of(&f), full_name, &here);
        } else if (f.number == 4) {
            place here = place_below(at, 4, enums++);
            load_enum(l, bytes_of(&f), full_name, &here);
        }
    }
}

static void load_message(loader *l, span def, const char *scope, const place *at) {
    size_t slot = l->schema->message_count++;
    if (!l->filling) {
        load_nested(l, def, "", at);
        return;
    }
    qt_message *m = &l->schema->messages[slot];
    const char *full_name = join(l, scope, ".", text_of(l, get_bytes(def, 1)));
    *m = (qt_message){.full_name = full_name,
                      .kind = kind_of(full_name),
                      .map_entry = get_number(get_bytes(def, 7), 7, 0) != 0,
                      .comment = comment_at(l, at),
                      .fields = zeroed(l, count_of(def, 2), sizeof *m->fields)};
    qt_wire_field f;
    EACH_FIELD(f, def) {
        if (f.number == 2) {
            load_field(l, m, bytes_of(&f), at);
        }
    }
    load_nested(l, def, full_name, at);
}

/* ---- services ---- */

static void load_rule(loader *l, qt_method *m, span def) {
    static const char *const names[] = {
        [2] = "GET", [3] = "PUT", [4] = "POST", [5] = "DELETE", [6] = "PATCH", [8] = ""};
    qt_http_rule *rule = &m->rules[m->rule_count++];
    *rule = (qt_http_rule){.body = text_of(l, get_bytes(def, 7)),
                           .response_body = text_of(l, get_bytes(def, 12))};
    qt_wire_field f;
    EACH_FIELD(f, def) {
        if (f.number == 8) {
            rule->http_method = text_of(l, get_bytes(bytes_of(&f), 1));
            rule->path = text_of(l, get_bytes(bytes_of(&f), 2));
        } else if (f.number < QT_ARRAY_LEN(names) && names[f.number] != NULL) {
            rule->http_method = names[f.number];
            rule->path = text_of(l, bytes_of(&f));
        }
    }
    EACH_FIELD(f, def) {
        if (f.number == 11) {
            load_rule(l, m, bytes_of(&f));
        }
    }
}

static void load_method(loader *l, span def, const char *service, const char *service_comment,
                        const place *at) {
    size_t slot = l->schema->method_count++;
    if (!l->filling) {
        return;
    }
    qt_method *m = &l->schema->methods[slot];
    span http = get_bytes(get_bytes(def, 4), HTTP_EXTENSION);
    const char *name = text_of(l, get_bytes(def, 1));
    *m = (qt_method){.service = service,
                     .name = name,
                     .rpc_path = must(qt_arena_printf(l->arena, "/%s/%s", service, name)),
                     .input = (const void *)text_of(l, get_bytes(def, 2)),
                     .output = (const void *)text_of(l, get_bytes(def, 3)),
                     .client_streaming = get_number(def, 5, 0) != 0,
                     .server_streaming = get_number(def, 6, 0) != 0,
                     .comment = comment_at(l, at),
                     .service_comment = service_comment};
    if (http.len > 0) {
        m->rules = zeroed(l, count_of(http, 11) + 1, sizeof *m->rules);
        load_rule(l, m, http);
    }
}

static void load_service(loader *l, span def, const char *package, const place *at) {
    const char *full_name = join(l, package, ".", text_of(l, get_bytes(def, 1)));
    const char *text = comment_at(l, at);
    size_t methods = 0;
    qt_wire_field f;
    EACH_FIELD(f, def) {
        if (f.number == 2) {
            place here = place_below(at, 2, methods++);
            load_method(l, bytes_of(&f), full_name, text, &here);
        }
    }
}

static void load_file(loader *l, span file) {
    const char *package = text_of(l, get_bytes(file, 2));
    size_t counts[3] = {0};
    read_comments(l, file);
    qt_wire_field f;
    EACH_FIELD(f, file) {
        place root = {0};
        if (f.number < 4 || f.number > 6) {
            continue;
        }
        place here = place_below(&root, f.number, counts[f.number - 4]++);
        if (f.number == 4) {
            load_message(l, bytes_of(&f), package, &here);
        } else if (f.number == 5) {
            load_enum(l, bytes_of(&f), package, &here);
        } else {
            load_service(l, bytes_of(&f), package, &here);
        }
    }
}

static void load_set(loader *l, span set) {
    l->schema->message_count = 0;
    l->schema->enum_count = 0;
    l->schema->method_count = 0;
    qt_wire_field f;
    EACH_FIELD(f, set) {
        if (f.number == 1) {
            load_file(l, bytes_of(&f));
        }
    }
}

/* ---- names to pointers ---- */

static const qt_enum *find_enum(const qt_schema *schema, const char *full_name) {
    for (size_t i = 0; i < schema->enum_count; i++) {
        if (strcmp(schema->enums[i].full_name, full_name) == 0) {
            return &schema->enums[i];
        }
    }
    return NULL;
}

static qt_code find_message(const qt_schema *schema, const qt_message **message, qt_err *err) {
    const char *name = (const void *)*message;
    *message = name[0] == '.' ? qt_schema_message(schema, name + 1) : NULL;
    if (*message == NULL) {
        return qt_fail(err, DATA_CORRUPT, "the descriptor set has no message %s", name);
    }
    return QT_OK;
}

static qt_code resolve_field(const qt_schema *schema, qt_field *f, qt_err *err) {
    if (f->type == QT_FIELD_ENUM) {
        const char *name = (const void *)f->message;
        f->message = NULL;
        f->enumeration = name != NULL ? find_enum(schema, name + 1) : NULL;
        return f->enumeration != NULL ? QT_OK : corrupt(err);
    }
    if (f->type == QT_FIELD_MESSAGE || f->type == QT_FIELD_GROUP) {
        if (f->message == NULL) {
            return corrupt(err);
        }
        QT_TRY(find_message(schema, &f->message, err));
        f->map = f->message->map_entry;
    }
    return QT_OK;
}

static qt_code resolve(loader *l, qt_err *err) {
    qt_schema *schema = l->schema;
    for (size_t i = 0; i < schema->message_count; i++) {
        qt_message *m = &schema->messages[i];
        if (m->max_number > UINT16_MAX || m->field_count > QT_MESSAGE_MAX_FIELDS) {
            return qt_fail(err, DATA_CORRUPT, "%s has too many fields", m->full_name);
        }
        for (size_t j = 0; j < m->field_count; j++) {
            QT_TRY(resolve_field(schema, &m->fields[j], err));
        }
        index_fields(l, m);
    }
    for (size_t i = 0; i < schema->method_count; i++) {
        QT_TRY(find_message(schema, &schema->methods[i].input, err));
        QT_TRY(find_message(schema, &schema->methods[i].output, err));
    }
    return QT_OK;
}

static qt_code check_set(span set, qt_err *err) {
    qt_wire_reader r = qt_wire_reader_make(set.data, set.len);
    qt_wire_field f;
    qt_wire_step step;
    while ((step = qt_wire_next(&r, &f)) == QT_WIRE_FIELD) {
        if (f.number != 1 || f.type != QT_WIRE_BYTES) {
            return corrupt(err);
        }
    }
    return step == QT_WIRE_DONE ? QT_OK : corrupt(err);
}

/* The counting pass wrote nothing. */
static void allocate_tables(loader *l) {
    qt_schema *s = l->schema;
    s->messages = zeroed(l, s->message_count, sizeof *s->messages);
    s->enums = zeroed(l, s->enum_count, sizeof *s->enums);
    s->methods = zeroed(l, s->method_count, sizeof *s->methods);
}

qt_code qt_schema_new(const uint8_t *set, size_t len, qt_schema **ret_schema, qt_err *err) {
    span bytes = {.data = set, .len = len};
    QT_TRY(check_set(bytes, err));
    QT_CLEANUP(qt_schema_free_p) qt_schema *schema = qt_xcalloc(1, sizeof *schema);
    schema->memory = qt_xcalloc(1, sizeof *schema->memory);
    qt_arena_init(&schema->memory->arena, 0);
    loader l = {.schema = schema, .arena = &schema->memory->arena};
    load_set(&l, bytes);
    allocate_tables(&l);
    l.filling = true;
    load_set(&l, bytes);
    QT_TRY(resolve(&l, err));
    *ret_schema = QT_TAKE(schema);
    return QT_OK;
}

void qt_schema_free(qt_schema *schema) {
    if (schema == NULL) {
        return;
    }
    qt_arena_done(&schema->memory->arena);
    free(schema->memory);
    free(schema);
}

void qt_schema_free_p(qt_schema **schema) {
    qt_schema_free(*schema);
}
