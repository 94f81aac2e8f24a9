/* grpc.reflection v1 and v1alpha. Both have the same messages on the wire, so v1's structs serve
 * both. Each request of the stream is answered by itself. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "rpc/server_impl.h"
#include "rpc/symbols.h"

#include <grpc/reflection/v1/reflection.pb-c.h>
#include <stdlib.h>
#include <string.h>

typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;
typedef Grpc__Reflection__V1__ExtensionRequest extension_request;

struct qt_rpc_reflection {
    const qt_rpc_server *server; /* for the list of services */
    qt_arena arena;
    qt_rpc_symbols *symbols; /* NULL: no descriptors */
};

qt_rpc_reflection *qt_rpc_reflection_new(void) {
    qt_rpc_reflection *reflection = qt_xcalloc(1, sizeof *reflection);
    qt_arena_init(&reflection->arena, 0);
    return reflection;
}

bool qt_rpc_reflection_load(qt_rpc_reflection *reflection, const uint8_t *data, size_t len) {
    qt_err err;
    if (qt_rpc_symbols_new(data, len, &reflection->arena, &reflection->symbols, &err) != QT_OK) {
        qt_log_err(ERROR, "the descriptor set cannot be read", &err);
        return false;
    }
    return true;
}

void qt_rpc_reflection_free(qt_rpc_reflection *reflection) {
    qt_arena_done(&reflection->arena);
    free(reflection);
}

/* ---- answers; each returns NULL only when the call's memory is exhausted ---- */

static reflection_response *set_error(qt_rpc_ctx *ctx, reflection_response *resp, qt_code code,
                                      const char *text) {
    Grpc__Reflection__V1__ErrorResponse *error =
        (void *)qt_rpc_message(ctx, &grpc__reflection__v1__error_response__descriptor);
    if (error == NULL) {
        return NULL;
    }
    error->error_code = (int32_t)code;
    error->error_message = qt_arena_strdup(qt_rpc_arena(ctx), text);
    resp->error_response = error;
    resp->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    return resp;
}

/* Marks a file and all that it imports. */
static void mark_files(const qt_rpc_symbols *symbols, int file, bool *marked) {
    if (marked[file]) {
        return;
    }
    marked[file] = true;
    size_t count = 0;
    const int *imports = qt_rpc_symbols_imports(symbols, file, &count);
    for (size_t i = 0; i < count; i++) {
        mark_files(symbols, imports[i], marked);
    }
}

/* The file that was asked for comes first. */
static bool fill_files(const qt_rpc_symbols *symbols, int file, const bool *marked, qt_arena *arena,
                       Grpc__Reflection__V1__FileDescriptorResponse *into) {
    size_t count = qt_rpc_symbols_file_count(symbols);
    into->file_descriptor_proto =
        qt_arena_alloc(arena, count * sizeof *into->file_descriptor_proto);
    if (into->file_descriptor_proto == NULL) {
        return false;
    }
    into->file_descriptor_proto[into->n_file_descriptor_proto++] =
        qt_rpc_symbols_bytes(symbols, file);
    for (size_t i = 0; i < count; i++) {
        if (marked[i] && (int)i != file) {
            into->file_descriptor_proto[into->n_file_descriptor_proto++] =
                qt_rpc_symbols_bytes(symbols, (int)i);
        }
    }
    return true;
}

static reflection_response *set_files(qt_rpc_ctx *ctx, const qt_rpc_reflection *reflection,
                                      reflection_response *resp, int file) {
    if (file < 0) {
        return set_error(ctx, resp, QT_NOT_FOUND, "not found");
    }
    Grpc__Reflection__V1__FileDescriptorResponse *files =
        (void *)qt_rpc_message(ctx, &grpc__reflection__v1__file_descriptor_response__descriptor);
    void *marked = NULL;
    qt_err err;
    if (files == NULL ||
        qt_arena_try_calloc(qt_rpc_arena(ctx), qt_rpc_symbols_file_count(reflection->symbols),
                            sizeof(bool), &marked, &err) != QT_OK) {
        return NULL;
    }
    mark_files(reflection->symbols, file, marked);
    resp->file_descriptor_response = files;
    resp->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    bool filled = fill_files(reflection->symbols, file, marked, qt_rpc_arena(ctx), files);
    return filled ? resp : NULL;
}

static reflection_response *set_services(qt_rpc_ctx *ctx, const qt_rpc_server *server,
                                         reflection_response *resp) {
    Grpc__Reflection__V1__ListServiceResponse *list =
        (void *)qt_rpc_message(ctx, &grpc__reflection__v1__list_service_response__descriptor);
    Grpc__Reflection__V1__ServiceResponse **services =
        qt_arena_alloc(qt_rpc_arena(ctx), server->service_count * sizeof(void *));
    if (list == NULL || services == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < server->service_count; i++) {
        services[i] =
            (void *)qt_rpc_message(ctx, &grpc__reflection__v1__service_response__descriptor);
        if (services[i] == NULL) {
            return NULL;
        }
        services[i]->name = qt_arena_strdup(qt_rpc_arena(ctx), server->services[i]->name);
    }
    list->service = services;
    list->n_service = server->service_count;
    resp->list_services_response = list;
    resp->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    return resp;
}

static int file_of_extension(const qt_rpc_symbols *symbols, const extension_request *req) {
    size_t count = 0;
    const qt_rpc_extension *extensions = qt_rpc_symbols_extensions(symbols, &count);
    for (size_t i = 0; i < count; i++) {
        if (extensions[i].number == req->extension_number &&
            strcmp(extensions[i].extendee, req->containing_type) == 0) {
            return extensions[i].file;
        }
    }
    return -1;
}

static reflection_response *set_extension_numbers(qt_rpc_ctx *ctx, const qt_rpc_symbols *symbols,
                                                  reflection_response *resp, const char *type) {
    if (qt_rpc_symbols_find(symbols, type) < 0) {
        return set_error(ctx, resp, QT_NOT_FOUND, "no such type");
    }
    size_t count = 0;
    const qt_rpc_extension *extensions = qt_rpc_symbols_extensions(symbols, &count);
    Grpc__Reflection__V1__ExtensionNumberResponse *numbers =
        (void *)qt_rpc_message(ctx, &grpc__reflection__v1__extension_number_response__descriptor);
    int32_t *list = qt_arena_alloc(qt_rpc_arena(ctx), count * sizeof *list);
    if (numbers == NULL || list == NULL) {
        return NULL;
    }
    numbers->base_type_name = qt_arena_strdup(qt_rpc_arena(ctx), type);
    numbers->extension_number = list;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(extensions[i].extendee, type) == 0) {
            list[numbers->n_extension_number++] = extensions[i].number;
        }
    }
    resp->all_extension_numbers_response = numbers;
    resp->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    return resp;
}

static reflection_response *answer(qt_rpc_ctx *ctx, const qt_rpc_reflection *reflection,
                                   const reflection_request *req, reflection_response *resp) {
    const qt_rpc_symbols *symbols = reflection->symbols;
    if (req->message_request_case ==
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES) {
        return set_services(ctx, reflection->server, resp);
    }
    if (symbols == NULL) {
        return set_error(ctx, resp, QT_UNIMPLEMENTED, "this server has no descriptors");
    }
    switch ((int)req->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        return set_files(ctx, reflection, resp,
                         qt_rpc_symbols_file(symbols, req->file_by_filename));
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        return set_files(ctx, reflection, resp,
                         qt_rpc_symbols_find(symbols, req->file_containing_symbol));
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        return set_files(ctx, reflection, resp,
                         file_of_extension(symbols, req->file_containing_extension));
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        return set_extension_numbers(ctx, symbols, resp, req->all_extension_numbers_of_type);
    default:
        return set_error(ctx, resp, QT_INVALID_ARGUMENT, "the request asks for nothing");
    }
}

static qt_code reflect(const void *ops, qt_rpc_ctx *ctx, const ProtobufCMessage *msg,
                       ProtobufCMessage **ret_resp, qt_err *err) {
    (void)ops;
    reflection_request *req = (reflection_request *)msg;
    reflection_response *resp =
        (void *)qt_rpc_message(ctx, &grpc__reflection__v1__server_reflection_response__descriptor);
    if (resp == NULL || answer(ctx, qt_rpc_self(ctx), req, resp) == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for the response");
    }
    resp->valid_host = req->host;
    resp->original_request = req;
    *ret_resp = &resp->base;
    return QT_OK;
}

#define REFLECTION_METHODS(package)                                                                \
    {                                                                                              \
        {                                                                                          \
            .path = "/" package ".ServerReflection/ServerReflectionInfo",                          \
            .input = &grpc__reflection__v1__server_reflection_request__descriptor,                 \
            .output = &grpc__reflection__v1__server_reflection_response__descriptor,               \
            .unary = reflect,                                                                      \
        }                                                                                          \
    }

void qt_rpc_reflection_register(qt_rpc_server *server) {
    static const qt_rpc_method v1_methods[] = REFLECTION_METHODS("grpc.reflection.v1");
    static const qt_rpc_method alpha_methods[] = REFLECTION_METHODS("grpc.reflection.v1alpha");
    static const qt_rpc_service v1 = {
        .name = "grpc.reflection.v1.ServerReflection", .methods = v1_methods, .method_count = 1};
    static const qt_rpc_service alpha = {.name = "grpc.reflection.v1alpha.ServerReflection",
                                         .methods = alpha_methods,
                                         .method_count = 1};
    server->reflection->server = server;
    qt_rpc_methods_add(server, &v1, NULL, server->reflection, true);
    qt_rpc_methods_add(server, &alpha, NULL, server->reflection, true);
    qt_rpc_server_set_flags(server, v1_methods[0].path, QT_RPC_INLINE);
    qt_rpc_server_set_flags(server, alpha_methods[0].path, QT_RPC_INLINE);
}
