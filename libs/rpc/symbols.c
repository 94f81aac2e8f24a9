/* Two passes over the descriptors with the same code: one counts the symbols, one stores them. */
#include "rpc/symbols.h"

#include "rpc/wire.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef Google__Protobuf__FileDescriptorSet file_set;
typedef Google__Protobuf__FileDescriptorProto file_proto;
typedef Google__Protobuf__DescriptorProto message_proto;
typedef Google__Protobuf__EnumDescriptorProto enum_proto;
typedef Google__Protobuf__FieldDescriptorProto field_proto;
typedef Google__Protobuf__ServiceDescriptorProto service_proto;

typedef struct symbol {
    const char *name;
    int file;
} symbol;

typedef struct file_entry {
    const char *name;
    ProtobufCBinaryData bytes;
    int *imports;
    size_t import_count;
} file_entry;

struct qt_rpc_symbols {
    file_entry *files;
    size_t file_count;
    symbol *symbols; /* sorted by name */
    size_t symbol_count;
    qt_rpc_extension *extensions;
    size_t extension_count;
};

/* ---- walk ---- */

typedef struct walk {
    qt_rpc_symbols *into;
    qt_arena *arena;
    bool store; /* second pass */
    bool failed;
    int file;
} walk;

/* "package.name"; the name itself in the first pass. */
static const char *join(walk *w, const char *prefix, const char *name) {
    if (!w->store || prefix[0] == '\0') {
        return name;
    }
    const char *full = qt_arena_printf(w->arena, "%s.%s", prefix, name);
    w->failed = w->failed || full == NULL;
    return full != NULL ? full : "";
}

static const char *add_symbol(walk *w, const char *prefix, const char *name) {
    const char *full = join(w, prefix, name);
    if (w->store) {
        w->into->symbols[w->into->symbol_count] = (symbol){full, w->file};
    }
    w->into->symbol_count++;
    return full;
}

static void add_extension(walk *w, const char *prefix, const field_proto *field) {
    add_symbol(w, prefix, field->name);
    if (w->store) {
        const char *extendee = field->extendee[0] == '.' ? field->extendee + 1 : field->extendee;
        w->into->extensions[w->into->extension_count] =
            (qt_rpc_extension){extendee, field->number, w->file};
    }
    w->into->extension_count++;
}

static void add_enum(walk *w, const char *prefix, const enum_proto *e) {
    add_symbol(w, prefix, e->name);
    for (size_t i = 0; i < e->n_value; i++) {
        add_symbol(w, prefix, e->value[i]->name);
    }
}

static void add_service(walk *w, const char *prefix, const service_proto *service) {
    const char *full = add_symbol(w, prefix, service->name);
    for (size_t i = 0; i < service->n_method; i++) {
        add_symbol(w, full, service->method[i]->name);
    }
}

/* The descriptors passed the wire check, so their nesting is bounded. */
static void add_message(walk *w, const char *prefix, const message_proto *msg) {
    const char *full = add_symbol(w, prefix, msg->name);
    for (size_t i = 0; i < msg->n_field; i++) {
        add_symbol(w, full, msg->field[i]->name);
    }
    for (size_t i = 0; i < msg->n_extension; i++) {
        add_extension(w, full, msg->extension[i]);
    }
    for (size_t i = 0; i < msg->n_enum_type; i++) {
        add_enum(w, full, msg->enum_type[i]);
    }
    for (size_t i = 0; i < msg->n_nested_type; i++) {
        add_message(w, full, msg->nested_type[i]);
    }
}

static void add_file(walk *w, const file_proto *file) {
    const char *package = file->package != NULL ? file->package : "";
    for (size_t i = 0; i < file->n_message_type; i++) {
        add_message(w, package, file->message_type[i]);
    }
    for (size_t i = 0; i < file->n_enum_type; i++) {
        add_enum(w, package, file->enum_type[i]);
    }
    for (size_t i = 0; i < file->n_service; i++) {
        add_service(w, package, file->service[i]);
    }
    for (size_t i = 0; i < file->n_extension; i++) {
        add_extension(w, package, file->extension[i]);
    }
}

static void add_all(walk *w, const file_set *set) {
    w->into->symbol_count = 0;
    w->into->extension_count = 0;
    for (size_t i = 0; i < set->n_file; i++) {
        w->file = (int)i;
        add_file(w, set->file[i]);
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const symbol *)a)->name, ((const symbol *)b)->name);
}

static qt_code build_symbols(qt_rpc_symbols *into, const file_set *set, qt_arena *arena,
                             qt_err *err) {
    walk w = {.into = into, .arena = arena};
    add_all(&w, set);
    void *symbols = NULL;
    void *extensions = NULL;
    QT_TRY(qt_arena_try_calloc(arena, into->symbol_count, sizeof(symbol), &symbols, err));
    QT_TRY(qt_arena_try_calloc(arena, into->extension_count, sizeof(qt_rpc_extension), &extensions,
                               err));
    into->symbols = symbols;
    into->extensions = extensions;
    w.store = true;
    add_all(&w, set);
    if (w.failed) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for the index of symbols");
    }
    if (into->symbol_count > 0) {
        qsort(into->symbols, into->symbol_count, sizeof(symbol), by_name);
    }
    return QT_OK;
}

/* ---- files ---- */

static qt_code build_file(qt_rpc_symbols *into, file_proto *file, file_entry *entry,
                          qt_arena *arena, qt_err *err) {
    void *bytes = NULL;
    void *imports = NULL;
    file->source_code_info = NULL;
    size_t size = google__protobuf__file_descriptor_proto__get_packed_size(file);
    QT_TRY(qt_arena_try_alloc(arena, size, &bytes, err));
    QT_TRY(qt_arena_try_calloc(arena, file->n_dependency, sizeof(int), &imports, err));
    entry->bytes.len = google__protobuf__file_descriptor_proto__pack(file, bytes);
    entry->bytes.data = bytes;
    entry->imports = imports;
    for (size_t i = 0; i < file->n_dependency; i++) {
        int import = qt_rpc_symbols_file(into, file->dependency[i]);
        if (import < 0) {
            return qt_fail(err, MESSAGE_MALFORMED, "%s imports %s, which is missing", file->name,
                           file->dependency[i]);
        }
        entry->imports[entry->import_count++] = import;
    }
    return QT_OK;
}

static bool file_is_named(const file_proto *file) {
    return file->name != NULL;
}

static qt_code build_files(qt_rpc_symbols *into, const file_set *set, qt_arena *arena,
                           qt_err *err) {
    void *files = NULL;
    QT_TRY(qt_arena_try_calloc(arena, set->n_file, sizeof(file_entry), &files, err));
    into->files = files;
    for (size_t i = 0; i < set->n_file; i++) {
        if (!file_is_named(set->file[i])) {
            return qt_fail(err, MESSAGE_MALFORMED, "a file of the descriptor set has no name");
        }
        into->files[i].name = set->file[i]->name;
    }
    into->file_count = set->n_file;
    for (size_t i = 0; i < set->n_file; i++) {
        QT_TRY(build_file(into, set->file[i], &into->files[i], arena, err));
    }
    return QT_OK;
}

qt_code qt_rpc_symbols_new(const uint8_t *data, size_t len, qt_arena *arena,
                           qt_rpc_symbols **ret_symbols, qt_err *err) {
    ProtobufCMessage *set = NULL;
    void *symbols = NULL;
    QT_TRY(qt_arena_try_calloc(arena, 1, sizeof(qt_rpc_symbols), &symbols, err));
    QT_TRY(qt_rpc_unpack(&google__protobuf__file_descriptor_set__descriptor, data, len, arena, &set,
                         err));
    QT_TRY(build_files(symbols, (const file_set *)set, arena, err));
    QT_TRY(build_symbols(symbols, (const file_set *)set, arena, err));
    *ret_symbols = symbols;
    return QT_OK;
}

/* ---- look-up ---- */

int qt_rpc_symbols_file(const qt_rpc_symbols *symbols, const char *name) {
    for (size_t i = 0; i < symbols->file_count; i++) {
        if (strcmp(symbols->files[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int qt_rpc_symbols_find(const qt_rpc_symbols *symbols, const char *full_name) {
    const symbol key = {.name = full_name};
    const symbol *found =
        symbols->symbol_count > 0
            ? bsearch(&key, symbols->symbols, symbols->symbol_count, sizeof(symbol), by_name)
            : NULL;
    return found != NULL ? found->file : -1;
}

ProtobufCBinaryData qt_rpc_symbols_bytes(const qt_rpc_symbols *symbols, int file) {
    return symbols->files[file].bytes;
}

size_t qt_rpc_symbols_file_count(const qt_rpc_symbols *symbols) {
    return symbols->file_count;
}

const int *qt_rpc_symbols_imports(const qt_rpc_symbols *symbols, int file, size_t *ret_count) {
    *ret_count = symbols->files[file].import_count;
    return symbols->files[file].imports;
}

const qt_rpc_extension *qt_rpc_symbols_extensions(const qt_rpc_symbols *symbols,
                                                  size_t *ret_count) {
    *ret_count = symbols->extension_count;
    return symbols->extensions;
}
