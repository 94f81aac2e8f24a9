/* What the gateway knows of the API: messages, enums and RPCs as compact tables, made at start
 * from a serialized google.protobuf.FileDescriptorSet.
 *
 * A schema does not change after it was made, so any number of threads may read it. Everything in
 * it is valid until qt_schema_free(). */
#ifndef QT_GATEWAY_SCHEMA_H
#define QT_GATEWAY_SCHEMA_H

#include "base/err.h"
#include "gateway/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of google.protobuf.FieldDescriptorProto.Type. */
typedef enum qt_field_type {
    QT_FIELD_DOUBLE = 1,
    QT_FIELD_FLOAT = 2,
    QT_FIELD_INT64 = 3,
    QT_FIELD_UINT64 = 4,
    QT_FIELD_INT32 = 5,
    QT_FIELD_FIXED64 = 6,
    QT_FIELD_FIXED32 = 7,
    QT_FIELD_BOOL = 8,
    QT_FIELD_STRING = 9,
    QT_FIELD_GROUP = 10,
    QT_FIELD_MESSAGE = 11,
    QT_FIELD_BYTES = 12,
    QT_FIELD_UINT32 = 13,
    QT_FIELD_ENUM = 14,
    QT_FIELD_SFIXED32 = 15,
    QT_FIELD_SFIXED64 = 16,
    QT_FIELD_SINT32 = 17,
    QT_FIELD_SINT64 = 18,
} qt_field_type;

/* More fields, or numbers above 65,535, are refused by qt_schema_new(). */
enum { QT_MESSAGE_MAX_FIELDS = 512 };

/* How a message is written in JSON. */
typedef enum qt_message_kind {
    QT_MESSAGE_OBJECT,     /* an object with its fields */
    QT_MESSAGE_TIMESTAMP,  /* "2026-01-31T23:59:59.5Z" */
    QT_MESSAGE_DURATION,   /* "1.5s" */
    QT_MESSAGE_FIELD_MASK, /* "priority,metaData" */
    QT_MESSAGE_ANY,        /* {"@type": ..., its fields} */
    QT_MESSAGE_BARE,       /* the value of its only set field: wrappers and qtaskdist.v1.Scalar */
} qt_message_kind;

typedef struct qt_message qt_message;

typedef struct qt_enum_value {
    const char *name;       /* "TASK_STATUS_PENDING" */
    const char *short_name; /* "pending" */
    int32_t number;
    const char *comment;
} qt_enum_value;

typedef struct qt_enum {
    const char *full_name; /* "qtaskdist.v1.TaskStatus" */
    const char *comment;   /* leading comment, "" if none; so everywhere below */
    qt_enum_value *values;
    size_t value_count;
} qt_enum;

typedef struct qt_field {
    const char *name;      /* "task_id" */
    const char *json_name; /* "taskId" */
    uint32_t number;
    qt_field_type type;
    bool repeated; /* lists and maps */
    bool map;      /* `message` is the entry: field 1 is the key, field 2 the value */
    int oneof;     /* index of the oneof in the message, -1: none */
    size_t index;  /* in the message's fields */
    const qt_message *message;
    const qt_enum *enumeration;
    const char *comment;
} qt_field;

/* A name to look a field up by. */
typedef struct qt_field_name {
    const char *name;
    const qt_field *field;
} qt_field_name;

struct qt_message {
    const char *full_name; /* "qtaskdist.v1.Task" */
    qt_message_kind kind;
    bool map_entry;
    const char *comment;
    qt_field *fields; /* in the order of the .proto file */
    size_t field_count;
    qt_field_name *names; /* both names of each field, sorted */
    size_t name_count;
    uint16_t *by_number; /* index + 1 for numbers up to max_number; 0: no such field */
    uint32_t max_number;
};

/* One google.api.http binding. */
typedef struct qt_http_rule {
    const char *http_method;   /* "GET"; "*": any */
    const char *path;          /* "/v1/tasks/{task_id}" */
    const char *body;          /* "*", a field of the request, or "" */
    const char *response_body; /* a field of the response, or "" */
} qt_http_rule;

typedef struct qt_method {
    const char *service;  /* "qtaskdist.v1.TaskService" */
    const char *name;     /* "CreateTask" */
    const char *rpc_path; /* "/qtaskdist.v1.TaskService/CreateTask" */
    const qt_message *input;
    const qt_message *output;
    bool client_streaming;
    bool server_streaming;
    qt_http_rule *rules; /* none: not served over HTTP */
    size_t rule_count;
    const char *comment;
    const char *service_comment;
} qt_method;

typedef struct qt_schema {
    qt_message *messages;
    size_t message_count;
    qt_enum *enums;
    size_t enum_count;
    qt_method *methods;
    size_t method_count;
    struct qt_schema_memory *memory;
} qt_schema;

/* DATA_CORRUPT when the bytes are no descriptor set or a type is missing in it. The bytes are not
 * needed afterwards. */
qt_code qt_schema_new(const uint8_t *set, size_t len, qt_schema **ret_schema, qt_err *err);
/* NULL is allowed. */
void qt_schema_free(qt_schema *schema);
void qt_schema_free_p(qt_schema **schema);

/* How a field of that type is on the wire when it is not packed. */
qt_wire_type qt_field_wire_type(qt_field_type type);
/* NULL if there is none of that full name. */
const qt_message *qt_schema_message(const qt_schema *schema, const char *full_name);
/* By original or lowerCamel name; NULL if there is none. */
const qt_field *qt_message_field(const qt_message *message, const char *name, size_t len);
const qt_field *qt_message_field_by_number(const qt_message *message, uint32_t number);
/* The field name nearest to a wrong one; NULL when none is near. */
const char *qt_message_suggest(const qt_message *message, const char *name, size_t len);

/* NULL when the number has no name. */
const qt_enum_value *qt_enum_by_number(const qt_enum *enumeration, int32_t number);
/* By short or full name in any case, with '-' and '.' read as '_'; NULL if there is none. */
const qt_enum_value *qt_enum_by_name(const qt_enum *enumeration, const char *name, size_t len);

#endif
