/* Names in the generated code. Results live on the heap until the program ends; a plugin runs once
 * and exits. */
#ifndef QT_TOOLS_NAMES_H
#define QT_TOOLS_NAMES_H

/* "qtaskdist.v1.CreateTaskRequest" -> "Qtaskdist__V1__CreateTaskRequest", as protoc-gen-c does. */
const char *name_c_type(const char *full_name);
/* "qtaskdist.v1.CreateTaskRequest" -> "qtaskdist__v1__create_task_request". */
const char *name_c_lower(const char *full_name);
/* "CreateTask" -> "create_task". */
const char *name_snake(const char *camel);
/* "create_task" -> "CREATE_TASK"; what is no letter or digit becomes '_'. */
const char *name_upper(const char *name);
/* "a/b.proto" -> "a/b" + suffix. */
const char *name_with_suffix(const char *proto_file, const char *suffix);

#endif
