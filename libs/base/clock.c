#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id) {
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t system_mono_us(void *self) {
    (void)self;
    return read_us(CLOCK_MONOTONIC);
}

static int64_t system_wall_us(void *self) {
    (void)self;
    return read_us(CLOCK_REALTIME);
}

const qt_clock *qt_clock_system(void) {
    static const qt_clock clock = {.mono_us = system_mono_us, .wall_us = system_wall_us};
    return &clock;
}

static int64_t fake_now_us(void *self) {
    return ((qt_fake_clock *)self)->now_us;
}

void qt_fake_clock_init(qt_fake_clock *fake, int64_t now_us) {
    fake->now_us = now_us;
    fake->clock = (qt_clock){.mono_us = fake_now_us, .wall_us = fake_now_us, .self = fake};
}

void qt_format_rfc3339(int64_t wall_us, char ret_text[QT_RFC3339_BYTES]) {
    int64_t micros = wall_us % 1000000;
    time_t seconds = (time_t)(wall_us / 1000000);
    if (micros < 0) {
        micros += 1000000;
        seconds--;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(ret_text, QT_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret_text + n, QT_RFC3339_BYTES - n, ".%06dZ", (int)micros);
}
