/* Fills the option structs of libs/rpc from a qt_config that includes rpc/config.def. */
#ifndef QT_RPC_CONFIG_MACROS_H
#define QT_RPC_CONFIG_MACROS_H

#include "rpc/client.h"
#include "rpc/server.h"

#define QT_RPC_SERVER_OPTIONS(name, cfg)                                                           \
    ((qt_rpc_server_options){.service = (name),                                                    \
                             .listen_addr = (cfg)->listen_addr,                                    \
                             .worker_threads = (cfg)->rpc_worker_threads,                          \
                             .queue_limit = (cfg)->rpc_queue_limit,                                \
                             .max_message_bytes = (cfg)->rpc_max_message_bytes,                    \
                             .max_concurrent = (cfg)->rpc_max_concurrent,                          \
                             .max_metadata_bytes = (cfg)->rpc_max_metadata_bytes,                  \
                             .default_deadline_ms = (cfg)->rpc_default_deadline_ms,                \
                             .lame_duck_ms = (cfg)->rpc_lame_duck_ms,                              \
                             .grace_ms = (cfg)->rpc_grace_ms,                                      \
                             .connection_age_ms = (cfg)->rpc_connection_age_ms,                    \
                             .tls_cert_file = (cfg)->tls_cert_file,                                \
                             .tls_key_file = (cfg)->tls_key_file,                                  \
                             .tls_ca_file = (cfg)->tls_ca_file})

#define QT_RPC_CHANNEL_OPTIONS(addr, cfg)                                                          \
    ((qt_rpc_channel_options){.target = (addr),                                                    \
                              .max_message_bytes = (cfg)->rpc_max_message_bytes,                   \
                              .tls_ca_file = (cfg)->tls_ca_file,                                   \
                              .tls_cert_file = (cfg)->tls_cert_file,                               \
                              .tls_key_file = (cfg)->tls_key_file})

#endif
