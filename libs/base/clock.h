/* Time. Durations and deadlines use the monotonic clock; only what a person reads uses the wall
 * clock. A module that waits or compares times takes a `const qt_clock *`, so tests can replace
 * it. Any thread. */
#ifndef QT_BASE_CLOCK_H
#define QT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef struct qt_clock {
    int64_t (*mono_us)(void *self); /* microseconds since some start; never goes back */
    int64_t (*wall_us)(void *self); /* microseconds since 1970-01-01 UTC */
    void *self;
} qt_clock;

/* The clocks of the machine. Static storage. */
const qt_clock *qt_clock_system(void);

static inline int64_t qt_clock_mono_us(const qt_clock *clock) {
    return clock->mono_us(clock->self);
}

static inline int64_t qt_clock_mono_ms(const qt_clock *clock) {
    return clock->mono_us(clock->self) / 1000;
}

static inline int64_t qt_clock_wall_us(const qt_clock *clock) {
    return clock->wall_us(clock->self);
}

/* A clock that stands still until a test moves it. */
typedef struct qt_fake_clock {
    qt_clock clock;
    int64_t now_us;
} qt_fake_clock;
void qt_fake_clock_init(qt_fake_clock *fake, int64_t now_us);

enum { QT_RFC3339_BYTES = 32 };
/* "2026-01-31T23:59:59.123456Z" with its NUL. */
void qt_format_rfc3339(int64_t wall_us, char ret_text[QT_RFC3339_BYTES]);

#endif
