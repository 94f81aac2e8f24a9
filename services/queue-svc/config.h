/* The settings of queue-svc: struct qt_config. */
#ifndef QT_QUEUE_SVC_CONFIG_H
#define QT_QUEUE_SVC_CONFIG_H

#define QT_CONFIG_DEF "services/queue-svc/config.def"
#include "base/settings_struct.inc"

#endif
