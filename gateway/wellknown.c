#include "gateway/wellknown.h"

#include <stdio.h>
#include <string.h>

#define MIN_SECONDS INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define MAX_SECONDS INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define MAX_DURATION INT64_C(315576000000)
enum { NANOS = 1000000000, SECONDS_PER_DAY = 86400 };

/* Days since 1970-01-01 of a date of the Gregorian calendar. The year starts in March here, so
 * that the leap day is its last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int *ret_year, int *ret_month, int *ret_day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

typedef struct cursor {
    const char *pos;
    const char *end;
} cursor;

static bool take_char(cursor *c, char a, char b) {
    if (c->pos == c->end || (*c->pos != a && *c->pos != b)) {
        return false;
    }
    c->pos++;
    return true;
}

static bool take_digits(cursor *c, int count, int *ret_value) {
    int v = 0;
    for (int i = 0; i < count; i++) {
        if (c->pos == c->end || *c->pos < '0' || *c->pos > '9') {
            return false;
        }
        v = v * 10 + (*c->pos++ - '0');
    }
    *ret_value = v;
    return true;
}

/* ".5": at most nine digits. No point: 0. */
static bool take_fraction(cursor *c, int32_t *ret_nanos) {
    *ret_nanos = 0;
    if (!take_char(c, '.', '.')) {
        return true;
    }
    int32_t unit = NANOS / 10;
    int digit;
    if (!take_digits(c, 1, &digit)) {
        return false;
    }
    do {
        *ret_nanos += digit * unit;
        unit /= 10;
    } while (unit > 0 && take_digits(c, 1, &digit));
    return true;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(cursor *c, int64_t *ret_days) {
    int year;
    int month;
    int day;
    if (!take_digits(c, 4, &year) || !take_char(c, '-', '-') || !take_digits(c, 2, &month) ||
        !take_char(c, '-', '-') || !take_digits(c, 2, &day) || year < 1 || month < 1 ||
        month > 12 || day < 1 || day > days_in_month(year, month)) {
        return false;
    }
    *ret_days = days_of(year, month, day);
    return true;
}

static bool take_time(cursor *c, int *ret_seconds) {
    int hour;
    int minute;
    int second;
    if (!take_digits(c, 2, &hour) || !take_char(c, ':', ':') || !take_digits(c, 2, &minute) ||
        !take_char(c, ':', ':') || !take_digits(c, 2, &second) || hour > 23 || minute > 59 ||
        second > 59) {
        return false;
    }
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

static bool take_offset(cursor *c, int *ret_seconds) {
    *ret_seconds = 0;
    if (take_char(c, 'Z', 'z')) {
        return true;
    }
    bool negative = c->pos < c->end && *c->pos == '-';
    int hour;
    int minute;
    if (!take_char(c, '+', '-') || !take_digits(c, 2, &hour) || !take_char(c, ':', ':') ||
        !take_digits(c, 2, &minute) || hour > 23 || minute > 59) {
        return false;
    }
    *ret_seconds = (hour * 3600 + minute * 60) * (negative ? -1 : 1);
    return true;
}

bool qt_timestamp_parse(const char *text, size_t len, int64_t *ret_seconds, int32_t *ret_nanos) {
    cursor c = {.pos = text, .end = text + len};
    int64_t days;
    int time;
    int offset;
    int32_t nanos;
    if (!take_date(&c, &days) || !take_char(&c, 'T', 't') || !take_time(&c, &time) ||
        !take_fraction(&c, &nanos) || !take_offset(&c, &offset) || c.pos != c.end) {
        return false;
    }
    int64_t seconds = days * SECONDS_PER_DAY + time - offset;
    if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
        return false;
    }
    *ret_seconds = seconds;
    *ret_nanos = nanos;
    return true;
}

static size_t format_fraction(int32_t nanos, char *out, size_t cap) {
    if (nanos == 0) {
        out[0] = '\0';
        return 0;
    }
    int digits = 9;
    while (nanos % 1000 == 0) {
        nanos /= 1000;
        digits -= 3;
    }
    return (size_t)snprintf(out, cap, ".%0*d", digits, (int)nanos);
}

bool qt_timestamp_format(int64_t seconds, int32_t nanos, char ret_text[QT_WELLKNOWN_BYTES]) {
    if (seconds < MIN_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos >= NANOS) {
        return false;
    }
    int64_t days = seconds / SECONDS_PER_DAY - (seconds % SECONDS_PER_DAY < 0);
    int in_day = (int)(seconds - days * SECONDS_PER_DAY);
    int year;
    int month;
    int day;
    char fraction[16];
    date_of(days, &year, &month, &day);
    format_fraction(nanos, fraction, sizeof fraction);
    snprintf(ret_text, QT_WELLKNOWN_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", year, month, day,
             in_day / 3600, in_day / 60 % 60, in_day % 60, fraction);
    return true;
}

bool qt_duration_parse(const char *text, size_t len, int64_t *ret_seconds, int32_t *ret_nanos) {
    cursor c = {.pos = text, .end = text + len};
    bool negative = take_char(&c, '-', '-');
    int64_t seconds = 0;
    int digit;
    if (!take_digits(&c, 1, &digit)) {
        return false;
    }
    do {
        seconds = seconds * 10 + digit;
    } while (seconds <= MAX_DURATION && take_digits(&c, 1, &digit));
    int32_t nanos;
    if (!take_fraction(&c, &nanos) || !take_char(&c, 's', 's') || c.pos != c.end ||
        seconds > MAX_DURATION || (seconds == MAX_DURATION && nanos > 0)) {
        return false;
    }
    *ret_seconds = negative ? -seconds : seconds;
    *ret_nanos = negative ? -nanos : nanos;
    return true;
}

bool qt_duration_format(int64_t seconds, int32_t nanos, char ret_text[QT_WELLKNOWN_BYTES]) {
    bool mixed = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
    if (mixed || seconds < -MAX_DURATION || seconds > MAX_DURATION || nanos <= -NANOS ||
        nanos >= NANOS) {
        return false;
    }
    bool negative = seconds < 0 || nanos < 0;
    char fraction[16];
    format_fraction(nanos < 0 ? -nanos : nanos, fraction, sizeof fraction);
    snprintf(ret_text, QT_WELLKNOWN_BYTES, "%s%lld%ss", negative ? "-" : "",
             (long long)(seconds < 0 ? -seconds : seconds), fraction);
    return true;
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool qt_mask_path_parse(const char *text, size_t len, qt_buf *out) {
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (is_upper(c)) {
            qt_buf_add(out, (char[]){'_', (char)(c - 'A' + 'a')}, 2);
        } else if (is_lower_or_digit(c) || c == '_' || c == '.') {
            qt_buf_add_char(out, c);
        } else {
            return false;
        }
    }
    return len > 0;
}

bool qt_mask_path_format(const char *path, size_t len, qt_buf *out) {
    for (size_t i = 0; i < len; i++) {
        char c = path[i];
        if (c == '_') {
            i++;
            if (i == len || path[i] < 'a' || path[i] > 'z') {
                return false;
            }
            c = (char)(path[i] - 'a' + 'A');
        } else if (!is_lower_or_digit(c) && c != '.') {
            return false;
        }
        qt_buf_add_char(out, c);
    }
    return true;
}
