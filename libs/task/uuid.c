/* libuuid parses, prints and brings randomness; Debian 12's has no version 7, so the time goes in
 * here: 48 bits of milliseconds and 12 bits of the millisecond's fraction. */
#include "task/uuid.h"

#include <stdatomic.h>
#include <string.h>
#include <uuid/uuid.h>

enum { FRACTION_BITS = 12 };

static _Atomic uint64_t last_stamp; /* milliseconds and fraction of the newest id */

static uint64_t next_stamp(uint64_t now) {
    uint64_t last = atomic_load(&last_stamp);
    uint64_t next = 0;
    do {
        next = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak(&last_stamp, &last, next));
    return next;
}

static uint64_t stamp_of(int64_t wall_us) {
    uint64_t us = wall_us > 0 ? (uint64_t)wall_us : 0;
    return (us / 1000 << FRACTION_BITS) | ((us % 1000 << FRACTION_BITS) / 1000);
}

static void put_stamp(uint64_t stamp, uint8_t bytes[16]) {
    uint64_t ms = stamp >> FRACTION_BITS;
    for (int i = 5; i >= 0; i--) {
        bytes[i] = (uint8_t)(ms & 0xFFU);
        ms >>= 8;
    }
    bytes[6] = (uint8_t)(0x70U | (stamp >> 8 & 0x0FU));
    bytes[7] = (uint8_t)(stamp & 0xFFU);
}

qt_uuid qt_uuid7_make(const qt_clock *clock) {
    qt_uuid id;
    uuid_generate_random(id.bytes); /* has the variant bits already */
    put_stamp(next_stamp(stamp_of(qt_clock_wall_us(clock))), id.bytes);
    return id;
}

qt_uuid qt_uuid7_lowest(int64_t wall_us) {
    qt_uuid id = {.bytes = {0}};
    put_stamp(stamp_of(wall_us - wall_us % 1000), id.bytes);
    id.bytes[6] = 0; /* below every version */
    return id;
}

int64_t qt_uuid7_time_us(const qt_uuid *id) {
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++) {
        ms = ms << 8 | id->bytes[i];
    }
    return (int64_t)(ms * 1000);
}

qt_code qt_uuid_parse(const char *text, qt_uuid *ret_id, qt_err *err) {
    qt_uuid id;
    if (text == NULL || strlen(text) != QT_UUID_TEXT_BYTES - 1 || uuid_parse(text, id.bytes) != 0) {
        return qt_fail(err, ID_INVALID, "not a UUID of 36 characters");
    }
    *ret_id = id;
    return QT_OK;
}

void qt_uuid_format(const qt_uuid *id, char ret_text[QT_UUID_TEXT_BYTES]) {
    uuid_unparse_lower(id->bytes, ret_text);
}

int qt_uuid_compare(const qt_uuid *a, const qt_uuid *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

uint64_t qt_uuid_hash(const qt_uuid *id) {
    uint64_t high = 0;
    uint64_t low = 0;
    memcpy(&high, id->bytes, sizeof high);
    memcpy(&low, id->bytes + sizeof high, sizeof low);
    uint64_t h = (high ^ low) * 0x9E3779B97F4A7C15U;
    return h ^ h >> 32;
}
