/* Page tokens: where a list goes on, bound to the filters that it was asked with. */
#ifndef QT_TASK_PAGE_TOKEN_H
#define QT_TASK_PAGE_TOKEN_H

#include "task/uuid.h"

enum { QT_PAGE_TOKEN_BYTES = 48 }; /* with its NUL */

/* `filter_hash` identifies the filters; see qt_hash_bytes(). */
void qt_page_token_make(const qt_uuid *last, uint64_t filter_hash,
                        char ret_token[QT_PAGE_TOKEN_BYTES]);
/* PAGE_TOKEN_INVALID when it is no token of ours or belongs to other filters. */
qt_code qt_page_token_parse(const char *token, uint64_t filter_hash, qt_uuid *ret_last,
                            qt_err *err);

/* FNV-1a, started with QT_HASH_START and continued with what it returned. Stable for ever. */
#define QT_HASH_START 0xCBF29CE484222325U
uint64_t qt_hash_bytes(uint64_t hash, const void *data, size_t len);

#endif
