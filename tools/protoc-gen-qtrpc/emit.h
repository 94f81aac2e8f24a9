/* Writes the .rpc.h and .rpc.c of one .proto file with services. */
#ifndef QT_TOOLS_EMIT_H
#define QT_TOOLS_EMIT_H

#include <plugin.pb-c.h>
#include <stdio.h>

typedef Qtaskdist__Plugin__CodeGeneratorRequest code_request;
typedef Google__Protobuf__FileDescriptorProto file_proto;

void emit_header(FILE *out, const code_request *request, const file_proto *file);
void emit_source(FILE *out, const file_proto *file);

#endif
