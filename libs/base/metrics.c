#include "base/metrics.h"

#include "base/alloc.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SERIES = 10000, MAX_TABLES = 64, BUCKETS = 14 };

/* Upper bounds in seconds; one more bucket takes the rest. */
static const double bounds[BUCKETS - 1] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                           0.025,  0.1,     0.5,    2.5,   10,     100};

struct qt_series {
    qt_series *next;
    const qt_metric_desc *desc;
    char *values[QT_METRIC_LABELS];
    _Atomic double value; /* histogram: sum */
    atomic_ullong buckets[BUCKETS];
};

typedef struct family {
    const qt_metric_desc *desc;
    qt_series *series;
    size_t count;
} family;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const qt_metric_desc *table;
    family *families;
    size_t count;
} tables[MAX_TABLES];
static size_t table_count;

void qt_metrics_register(const qt_metric_desc *table, size_t count) {
    pthread_mutex_lock(&lock);
    bool known = false;
    for (size_t i = 0; i < table_count; i++) {
        known = known || tables[i].table == table;
    }
    if (!known) {
        assert(table_count < MAX_TABLES);
        family *families = qt_xcalloc(count, sizeof *families);
        for (size_t i = 0; i < count; i++) {
            families[i].desc = &table[i];
        }
        tables[table_count].table = table;
        tables[table_count].families = families;
        tables[table_count].count = count;
        table_count++;
    }
    pthread_mutex_unlock(&lock);
}

static family *find_family(const qt_metric_desc *desc) {
    for (size_t i = 0; i < table_count; i++) {
        if (desc >= tables[i].table && desc < tables[i].table + tables[i].count) {
            return &tables[i].families[desc - tables[i].table];
        }
    }
    return NULL;
}

static bool same_values(const qt_series *s, const char *const values[QT_METRIC_LABELS]) {
    for (size_t i = 0; i < QT_METRIC_LABELS; i++) {
        const char *v = values[i] != NULL ? values[i] : "";
        if (strcmp(s->values[i] != NULL ? s->values[i] : "", v) != 0) {
            return false;
        }
    }
    return true;
}

static qt_series *find_series(const family *f, const char *const values[QT_METRIC_LABELS]) {
    for (qt_series *s = f->series; s != NULL; s = s->next) {
        if (same_values(s, values)) {
            return s;
        }
    }
    return NULL;
}

static qt_series *add_series(family *f, const char *const values[QT_METRIC_LABELS]) {
    qt_series *s = qt_xcalloc(1, sizeof *s);
    s->desc = f->desc;
    for (size_t i = 0; i < QT_METRIC_LABELS; i++) {
        s->values[i] = values[i] != NULL ? qt_xstrdup(values[i]) : NULL;
    }
    s->next = f->series;
    f->series = s;
    f->count++;
    return s;
}

qt_series *qt_series_get(const qt_metric_desc *desc, const char *v0, const char *v1,
                         const char *v2) {
    const char *values[QT_METRIC_LABELS] = {v0, v1, v2};
    const char *others[QT_METRIC_LABELS] = {0};
    for (size_t i = 0; i < QT_METRIC_LABELS; i++) {
        others[i] = desc->labels[i] != NULL ? "other" : NULL;
    }
    pthread_mutex_lock(&lock);
    family *f = find_family(desc);
    assert(f != NULL);
    qt_series *s = find_series(f, values);
    if (s == NULL && f->count < MAX_SERIES) {
        s = add_series(f, values);
    } else if (s == NULL) {
        s = find_series(f, others);
        s = s != NULL ? s : add_series(f, others);
    }
    pthread_mutex_unlock(&lock);
    return s;
}

void qt_series_add(qt_series *series, double delta) {
    double old = atomic_load_explicit(&series->value, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&series->value, &old, old + delta,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void qt_series_set(qt_series *series, double value) {
    atomic_store_explicit(&series->value, value, memory_order_relaxed);
}

void qt_series_observe(qt_series *series, double seconds) {
    size_t i = 0;
    while (i < BUCKETS - 1 && seconds > bounds[i]) {
        i++;
    }
    atomic_fetch_add_explicit(&series->buckets[i], 1, memory_order_relaxed);
    qt_series_add(series, seconds);
}

double qt_series_value(const qt_series *series) {
    if (series->desc->type != QT_METRIC_HISTOGRAM) {
        return atomic_load(&series->value);
    }
    unsigned long long total = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        total += atomic_load(&series->buckets[i]);
    }
    return (double)total;
}

static void write_escaped(qt_buf *out, const char *s, bool quotes) {
    for (; *s != '\0'; s++) {
        if (*s == '\\') {
            qt_buf_add_str(out, "\\\\");
        } else if (*s == '\n') {
            qt_buf_add_str(out, "\\n");
        } else if (*s == '"' && quotes) {
            qt_buf_add_str(out, "\\\"");
        } else {
            qt_buf_add_char(out, *s);
        }
    }
}

/* `le` is the histogram's label, NULL for none. */
static void write_sample(qt_buf *out, const qt_series *s, const char *suffix, const char *le,
                         double value) {
    qt_buf_printf(out, "%s%s", s->desc->name, suffix);
    char sep = '{';
    for (size_t i = 0; i < QT_METRIC_LABELS; i++) {
        if (s->desc->labels[i] == NULL) {
            continue;
        }
        qt_buf_printf(out, "%c%s=\"", sep, s->desc->labels[i]);
        write_escaped(out, s->values[i] != NULL ? s->values[i] : "", true);
        qt_buf_add_char(out, '"');
        sep = ',';
    }
    if (le != NULL) {
        qt_buf_printf(out, "%cle=\"%s\"", sep, le);
        sep = ',';
    }
    qt_buf_add_str(out, sep == ',' ? "}" : "");
    qt_buf_printf(out, " %.17g\n", value);
}

static void write_histogram(qt_buf *out, const qt_series *s) {
    unsigned long long total = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        total += atomic_load(&s->buckets[i]);
        char le[32] = "+Inf";
        if (i < BUCKETS - 1) {
            snprintf(le, sizeof le, "%g", bounds[i]);
        }
        write_sample(out, s, "_bucket", le, (double)total);
    }
    write_sample(out, s, "_sum", NULL, atomic_load(&s->value));
    write_sample(out, s, "_count", NULL, (double)total);
}

static void write_family(qt_buf *out, const family *f) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    qt_buf_printf(out, "# HELP %s ", f->desc->name);
    write_escaped(out, f->desc->help, false);
    qt_buf_printf(out, "\n# TYPE %s %s\n", f->desc->name, types[f->desc->type]);
    for (const qt_series *s = f->series; s != NULL; s = s->next) {
        if (f->desc->type == QT_METRIC_HISTOGRAM) {
            write_histogram(out, s);
        } else {
            write_sample(out, s, "", NULL, atomic_load(&s->value));
        }
    }
}

void qt_metrics_write(qt_buf *out) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < table_count; i++) {
        for (size_t j = 0; j < tables[i].count; j++) {
            write_family(out, &tables[i].families[j]);
        }
    }
    pthread_mutex_unlock(&lock);
}
