#include "emit.h"

#include "names.h"

#include <stdbool.h>
#include <string.h>

typedef Google__Protobuf__ServiceDescriptorProto service_proto;
typedef Google__Protobuf__MethodDescriptorProto method_proto;

/* The names that one method's code is made of. */
typedef struct method_names {
    const char *service; /* "task_service" */
    const char *method;  /* "create_task" */
    const char *input;   /* C types */
    const char *output;
    bool streams;
} method_names;

/* Descriptors name types with a leading dot. */
static const char *bare(const char *type_name) {
    return type_name[0] == '.' ? type_name + 1 : type_name;
}

static method_names names_of(const service_proto *service, const method_proto *method) {
    return (method_names){.service = name_snake(service->name),
                          .method = name_snake(method->name),
                          .input = name_c_type(bare(method->input_type)),
                          .output = name_c_type(bare(method->output_type)),
                          .streams = method->server_streaming != 0};
}

/* ---- which header defines a type ---- */

static bool file_defines(const file_proto *file, const char *full_name) {
    size_t package_len = strlen(file->package);
    if (strncmp(full_name, file->package, package_len) != 0 || full_name[package_len] != '.') {
        return false;
    }
    const char *name = full_name + package_len + 1;
    size_t top_len = strcspn(name, ".");
    for (size_t i = 0; i < file->n_message_type; i++) {
        const char *have = file->message_type[i]->name;
        if (strlen(have) == top_len && strncmp(have, name, top_len) == 0) {
            return true;
        }
    }
    return false;
}

static bool file_uses(const file_proto *file, const file_proto *other) {
    for (size_t s = 0; s < file->n_service; s++) {
        for (size_t m = 0; m < file->service[s]->n_method; m++) {
            const method_proto *method = file->service[s]->method[m];
            if (file_defines(other, bare(method->input_type)) ||
                file_defines(other, bare(method->output_type))) {
                return true;
            }
        }
    }
    return false;
}

static void emit_message_includes(FILE *out, const code_request *request, const file_proto *file) {
    for (size_t i = 0; i < request->n_proto_file; i++) {
        const file_proto *other = request->proto_file[i];
        if (file_uses(file, other)) {
            fprintf(out, "#include <%s>\n", name_with_suffix(other->name, ".pb-c.h"));
        }
    }
}

/* ---- header ---- */

static void emit_op(FILE *out, const method_names *n) {
    fprintf(out, "    qt_code (*%s)(qt_rpc_ctx *ctx, const %s *req, ", n->method, n->input);
    if (!n->streams) {
        fprintf(out, "%s **ret_resp, ", n->output);
    }
    fprintf(out, "qt_err *err);\n");
}

static void emit_stub_signature(FILE *out, const method_names *n) {
    fprintf(out,
            "qt_code qt_%s_%s(qt_rpc_channel *channel, const qt_rpc_call *call, const %s *req, ",
            n->service, n->method, n->input);
    if (n->streams) {
        fprintf(out, "qt_rpc_reader **ret_reader, qt_err *err)");
    } else {
        fprintf(out, "qt_arena *arena, %s **ret_resp, qt_err *err)", n->output);
    }
}

static void emit_service_header(FILE *out, const file_proto *file, const service_proto *service) {
    const char *snake = name_snake(service->name);
    fprintf(out, "/* Handlers of %s.%s; a NULL one answers UNIMPLEMENTED. */\n", file->package,
            service->name);
    fprintf(out, "typedef struct qt_%s_ops {\n", snake);
    for (size_t m = 0; m < service->n_method; m++) {
        method_names n = names_of(service, service->method[m]);
        emit_op(out, &n);
    }
    fprintf(out, "} qt_%s_ops;\n\n", snake);
    fprintf(out,
            "void qt_%s_register(qt_rpc_server *server, const qt_%s_ops *ops, void *self);\n\n",
            snake, snake);
    for (size_t m = 0; m < service->n_method; m++) {
        method_names n = names_of(service, service->method[m]);
        fprintf(out, "#define QT_%s_%s_PATH \"/%s.%s/%s\"\n", name_upper(n.service),
                name_upper(n.method), file->package, service->name, service->method[m]->name);
        emit_stub_signature(out, &n);
        fprintf(out, ";\n\n");
    }
}

void emit_header(FILE *out, const code_request *request, const file_proto *file) {
    const char *guard = name_upper(name_with_suffix(file->name, "_RPC_H"));
    fprintf(out, "/* Written by protoc-gen-qtrpc from %s. */\n", file->name);
    fprintf(out, "#ifndef QT_%s\n#define QT_%s\n\n", guard, guard);
    fprintf(out, "#include \"rpc/client.h\"\n#include \"rpc/server.h\"\n\n");
    emit_message_includes(out, request, file);
    fprintf(out, "\n");
    for (size_t s = 0; s < file->n_service; s++) {
        emit_service_header(out, file, file->service[s]);
    }
    fprintf(out, "#endif\n");
}

/* ---- source ---- */

/* The function between the runtime and a typed handler. */
static void emit_invoke(FILE *out, const method_names *n) {
    fprintf(out,
            "static qt_code call_%s_%s(const void *ops, qt_rpc_ctx *ctx, const ProtobufCMessage "
            "*req, %sqt_err *err) {\n",
            n->service, n->method, n->streams ? "" : "ProtobufCMessage **ret_resp, ");
    fprintf(out, "    const qt_%s_ops *typed = ops;\n", n->service);
    fprintf(out,
            "    if (typed->%s == NULL) {\n        return qt_rpc_unimplemented(ctx, err);\n    }\n",
            n->method);
    if (n->streams) {
        fprintf(out, "    return typed->%s(ctx, (const %s *)req, err);\n}\n\n", n->method,
                n->input);
        return;
    }
    fprintf(out, "    %s *resp = NULL;\n", n->output);
    fprintf(out, "    qt_code code = typed->%s(ctx, (const %s *)req, &resp, err);\n", n->method,
            n->input);
    fprintf(out, "    *ret_resp = resp != NULL ? &resp->base : NULL;\n    return code;\n}\n\n");
}

static void emit_method_row(FILE *out, const file_proto *file, const service_proto *service,
                            const method_proto *method) {
    method_names n = names_of(service, method);
    fprintf(out, "    {.path = \"/%s.%s/%s\",\n", file->package, service->name, method->name);
    fprintf(out, "     .input = &%s__descriptor,\n", name_c_lower(bare(method->input_type)));
    fprintf(out, "     .output = &%s__descriptor,\n", name_c_lower(bare(method->output_type)));
    fprintf(out, "     .%s = call_%s_%s},\n", n.streams ? "stream" : "unary", n.service, n.method);
}

static void emit_stub(FILE *out, const method_names *n, const char *output_type) {
    emit_stub_signature(out, n);
    const char *path_service = name_upper(n->service);
    const char *path_method = name_upper(n->method);
    if (n->streams) {
        fprintf(out,
                " {\n    return qt_rpc_stream_open(channel, QT_%s_%s_PATH, call, &req->base, "
                "ret_reader, err);\n}\n\n",
                path_service, path_method);
        return;
    }
    fprintf(out,
            " {\n    ProtobufCMessage *resp = NULL;\n    qt_code code = qt_rpc_unary(channel, "
            "QT_%s_%s_PATH, call, &req->base, &%s__descriptor, arena, &resp, err);\n",
            path_service, path_method, name_c_lower(output_type));
    fprintf(out,
            "    if (code == QT_OK) {\n        *ret_resp = (%s *)resp;\n    }\n    return "
            "code;\n}\n\n",
            n->output);
}

static void emit_service_source(FILE *out, const file_proto *file, const service_proto *service) {
    const char *snake = name_snake(service->name);
    for (size_t m = 0; m < service->n_method; m++) {
        method_names n = names_of(service, service->method[m]);
        emit_invoke(out, &n);
    }
    fprintf(out, "static const qt_rpc_method %s_methods[] = {\n", snake);
    for (size_t m = 0; m < service->n_method; m++) {
        emit_method_row(out, file, service, service->method[m]);
    }
    fprintf(out, "};\n\n");
    fprintf(out, "void qt_%s_register(qt_rpc_server *server, const qt_%s_ops *ops, void *self) {\n",
            snake, snake);
    fprintf(out,
            "    static const qt_rpc_service service = {.name = \"%s.%s\", .methods = %s_methods, "
            ".method_count = %zu};\n",
            file->package, service->name, snake, service->n_method);
    fprintf(out, "    qt_rpc_server_add_service(server, &service, ops, self);\n}\n\n");
    for (size_t m = 0; m < service->n_method; m++) {
        method_names n = names_of(service, service->method[m]);
        emit_stub(out, &n, bare(service->method[m]->output_type));
    }
}

void emit_source(FILE *out, const file_proto *file) {
    fprintf(out, "/* Written by protoc-gen-qtrpc from %s. */\n", file->name);
    fprintf(out, "#include \"%s\"\n\n#include <stddef.h>\n\n",
            name_with_suffix(file->name, ".rpc.h"));
    for (size_t s = 0; s < file->n_service; s++) {
        emit_service_source(out, file, file->service[s]);
    }
}
