/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, at most U+10FFFF. */
#ifndef QT_BASE_UTF8_H
#define QT_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes are valid UTF-8. *ret_offset (may be NULL) is the first bad byte when not. */
bool qt_utf8_valid(const char *s, size_t len, size_t *ret_offset);

#endif
