/* protoc-gen-qtrpc: reads a CodeGeneratorRequest on standard input and writes, for each .proto file
 * with services, the .rpc.h and .rpc.c of docs/rpc.md. What it cannot do (client streaming, no
 * package) is an error of protoc. */
#include "emit.h"
#include "names.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef Qtaskdist__Plugin__CodeGeneratorResponse code_response;
typedef Qtaskdist__Plugin__CodeGeneratorResponse__File response_file;

static void *must(void *p) {
    if (p == NULL) {
        fputs("protoc-gen-qtrpc: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static uint8_t *read_all(FILE *in, size_t *ret_len) {
    size_t cap = 1U << 16;
    size_t len = 0;
    uint8_t *data = must(malloc(cap));
    for (size_t n; (n = fread(data + len, 1, cap - len, in)) > 0;) {
        len += n;
        if (len == cap) {
            cap *= 2;
            data = must(realloc(data, cap));
        }
    }
    *ret_len = len;
    return data;
}

static const file_proto *find_file(const code_request *request, const char *name) {
    for (size_t i = 0; i < request->n_proto_file; i++) {
        if (strcmp(request->proto_file[i]->name, name) == 0) {
            return request->proto_file[i];
        }
    }
    return NULL;
}

/* NULL when the file's services can be generated. */
static char *refusal(const file_proto *file) {
    char *text = NULL;
    if (file->package == NULL || file->package[0] == '\0') {
        return asprintf(&text, "%s: a package is required", file->name) >= 0 ? text : must(NULL);
    }
    for (size_t s = 0; s < file->n_service; s++) {
        for (size_t m = 0; m < file->service[s]->n_method; m++) {
            if (file->service[s]->method[m]->client_streaming) {
                int n = asprintf(&text, "%s: %s.%s: client streaming is not supported", file->name,
                                 file->service[s]->name, file->service[s]->method[m]->name);
                return n >= 0 ? text : must(NULL);
            }
        }
    }
    return NULL;
}

static void add_file(code_response *response, const char *name, char *content) {
    response_file *f = must(malloc(sizeof *f));
    qtaskdist__plugin__code_generator_response__file__init(f);
    f->name = must(strdup(name));
    f->content = content;
    response->file = must(realloc(response->file, (response->n_file + 1) * sizeof(void *)));
    response->file[response->n_file++] = f;
}

static void generate(const code_request *request, const file_proto *file, code_response *response) {
    char *header = NULL;
    char *source = NULL;
    size_t len = 0;
    FILE *out = must(open_memstream(&header, &len));
    emit_header(out, request, file);
    fclose(out);
    add_file(response, name_with_suffix(file->name, ".rpc.h"), must(header));
    out = must(open_memstream(&source, &len));
    emit_source(out, file);
    fclose(out);
    add_file(response, name_with_suffix(file->name, ".rpc.c"), must(source));
}

static void answer(const code_request *request, code_response *response) {
    for (size_t i = 0; i < request->n_file_to_generate; i++) {
        const file_proto *file = find_file(request, request->file_to_generate[i]);
        if (file == NULL || file->n_service == 0) {
            continue;
        }
        char *reason = refusal(file);
        if (reason != NULL) {
            response->error = reason;
            return;
        }
        generate(request, file, response);
    }
}

int main(void) {
    size_t len = 0;
    uint8_t *data = read_all(stdin, &len);
    code_request *request = qtaskdist__plugin__code_generator_request__unpack(NULL, len, data);
    if (request == NULL) {
        fputs("protoc-gen-qtrpc: standard input is no CodeGeneratorRequest\n", stderr);
        return 1;
    }
    code_response response = QTASKDIST__PLUGIN__CODE_GENERATOR_RESPONSE__INIT;
    answer(request, &response);

    size_t size = qtaskdist__plugin__code_generator_response__get_packed_size(&response);
    uint8_t *packed = must(malloc(size > 0 ? size : 1));
    qtaskdist__plugin__code_generator_response__pack(&response, packed);
    bool written = fwrite(packed, 1, size, stdout) == size && fflush(stdout) == 0;
    return written ? 0 : 1; /* memory ends with the program */
}
