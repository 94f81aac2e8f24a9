/* The settings of task-svc; see config.def. */
#ifndef QT_TASK_SVC_CONFIG_H
#define QT_TASK_SVC_CONFIG_H

#define QT_CONFIG_DEF "services/task-svc/config.def"
#include "base/settings_struct.inc"

#endif
