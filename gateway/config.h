/* The settings of the gateway: struct qt_config. */
#ifndef QT_GATEWAY_CONFIG_H
#define QT_GATEWAY_CONFIG_H

#define QT_CONFIG_DEF "gateway/config.def"
#include "base/settings_struct.inc"

#endif
