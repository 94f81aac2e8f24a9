/* UUIDs of tasks: version 7 (RFC 9562), so that they sort by time of creation. */
#ifndef QT_TASK_UUID_H
#define QT_TASK_UUID_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qt_uuid {
    uint8_t bytes[16];
} qt_uuid;

enum { QT_UUID_TEXT_BYTES = 37 }; /* 36 characters and a NUL */

/* A new id. Ids made by one process grow strictly, also within a microsecond. Any thread. */
qt_uuid qt_uuid7_make(const qt_clock *clock);
/* The lowest id that is made at that time (microseconds since 1970, cut to milliseconds). */
qt_uuid qt_uuid7_lowest(int64_t wall_us);
/* The time in a version 7 id, in microseconds, of millisecond precision. */
int64_t qt_uuid7_time_us(const qt_uuid *id);

/* Any UUID in its 36-character form, in either case. ID_INVALID otherwise. */
qt_code qt_uuid_parse(const char *text, qt_uuid *ret_id, qt_err *err);
/* 36 characters in lower case. */
void qt_uuid_format(const qt_uuid *id, char ret_text[QT_UUID_TEXT_BYTES]);
/* As memcmp of the bytes; the order of PostgreSQL. */
int qt_uuid_compare(const qt_uuid *a, const qt_uuid *b);
/* Well spread for version 7 ids. */
uint64_t qt_uuid_hash(const qt_uuid *id);

#endif
