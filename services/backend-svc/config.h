/* The settings of backend-svc: struct qt_config. */
#ifndef QT_BACKEND_SVC_CONFIG_H
#define QT_BACKEND_SVC_CONFIG_H

#define QT_CONFIG_DEF "services/backend-svc/config.def"
#include "base/settings_struct.inc"

#endif
