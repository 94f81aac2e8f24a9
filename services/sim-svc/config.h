/* The settings of sim-svc: struct qt_config. */
#ifndef QT_SIM_SVC_CONFIG_H
#define QT_SIM_SVC_CONFIG_H

#define QT_CONFIG_DEF "services/sim-svc/config.def"
#include "base/settings_struct.inc"

#endif
