/* Families live in tables that are only added to, series in hash chains that only grow at their
 * heads; so both are read without a lock, and the lock is for those who add. */
#include "base/metrics.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_SERIES = 1000,
    MAX_TABLES = 64,
    MAX_COLLECTORS = 32,
    BUCKETS = 14, /* at most; the last takes the rest */
    CHAINS = 32,
};

/* Upper bounds, ending with 0. */
static const double bounds[][BUCKETS] = {
    [QT_BUCKETS_SECONDS] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5,
                            2.5, 10, 100},
    [QT_BUCKETS_COUNT] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000},
    [QT_BUCKETS_BYTES] = {1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
                          268435456, 1073741824, 8589934592, 68719476736},
    [QT_BUCKETS_QUBITS] = {2, 5, 10, 15, 20, 22, 24, 26, 28, 30, 32, 100, 1000},
};

struct qt_series {
    qt_series *next; /* older ones; fixed */
    const qt_metric_desc *desc;
    char *values[QT_METRIC_LABELS];
    _Atomic double value; /* histogram: sum */
    atomic_ullong buckets[BUCKETS];
};

typedef struct family {
    const qt_metric_desc *desc;
    _Atomic(qt_series *) chains[CHAINS];
    size_t count;
} family;

typedef struct collector {
    void (*collect)(void *arg);
    void *arg;
} collector;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;         /* of those who add */
static pthread_mutex_t collect_lock = PTHREAD_MUTEX_INITIALIZER; /* of the collectors */
static struct {
    const qt_metric_desc *table;
    family *families;
    size_t count;
} tables[MAX_TABLES];
static atomic_size_t table_count;
static collector collectors[MAX_COLLECTORS];
static size_t collector_count;
static atomic_bool enabled = true;

/* ---- families and series ---- */

static bool is_known(const qt_metric_desc *table) {
    for (size_t i = 0; i < atomic_load(&table_count); i++) {
        if (tables[i].table == table) {
            return true;
        }
    }
    return false;
}

void qt_metrics_register(const qt_metric_desc *table, size_t count) {
    pthread_mutex_lock(&lock);
    size_t n = atomic_load(&table_count);
    if (!is_known(table)) {
        assert(n < MAX_TABLES);
        family *families = qt_xcalloc(count, sizeof *families);
        for (size_t i = 0; i < count; i++) {
            families[i].desc = &table[i];
        }
        tables[n].table = table;
        tables[n].families = families;
        tables[n].count = count;
        atomic_store(&table_count, n + 1);
    }
    pthread_mutex_unlock(&lock);
}

static family *find_family(const qt_metric_desc *desc) {
    size_t n = atomic_load_explicit(&table_count, memory_order_acquire);
    for (size_t i = 0; i < n; i++) {
        if (desc >= tables[i].table && desc < tables[i].table + tables[i].count) {
            return &tables[i].families[desc - tables[i].table];
        }
    }
    return NULL;
}

static const char *label_name(const qt_metric_desc *desc, size_t i) {
    return desc->labels[i] != NULL && desc->labels[i][0] != '\0' ? desc->labels[i] : NULL;
}

static const char *or_empty(const char *s) {
    return s != NULL ? s : "";
}

static bool same_values(const qt_series *s, const char *const values[QT_METRIC_LABELS]) {
    for (size_t i = 0; i < QT_METRIC_LABELS; i++) {
        if (strcmp(or_empty(s->values[i]), or_empty(values[i])) != 0) {
            return false;
        }
    }
    return true;
}

/* FNV-1a over the values. */
static size_t chain_of(const char *const values[QT_METRIC_LABELS]) {
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < QT_METRIC_LABELS; i++) {
        for (const char *p = or_empty(values[i]); *p != '\0'; p++) {
            h = (h ^ (unsigned char)*p) * 16777619U;
        }
    }
    return (h ^ (h >> 16)) % CHAINS;
}

static qt_series *find_series(family *f, const char *const values[QT_METRIC_LABELS]) {
    qt_series *s = atomic_load_explicit(&f->chains[chain_of(values)], memory_order_acquire);
    while (s != NULL && !same_values(s, values)) {
        s = s->next;
    }
    return s;
}

static qt_series *add_series(family *f, const char *const values[QT_METRIC_LABELS]) {
    qt_series *s = qt_xcalloc(1, sizeof *s);
    size_t chain = chain_of(values);
    s->desc = f->desc;
    for (size_t i = 0; i < QT_METRIC_LABELS; i++) {
        s->values[i] = values[i] != NULL ? qt_xstrdup(values[i]) : NULL;
    }
    s->next = atomic_load(&f->chains[chain]);
    atomic_store_explicit(&f->chains[chain], s, memory_order_release);
    f->count++;
    return s;
}

static qt_series *find_or_add(family *f, const char *const values[QT_METRIC_LABELS]) {
    qt_series *s = find_series(f, values);
    return s != NULL ? s : add_series(f, values);
}

static qt_series *new_series(family *f, const char *const values[QT_METRIC_LABELS]) {
    const char *others[QT_METRIC_LABELS] = {0};
    for (size_t i = 0; i < QT_METRIC_LABELS; i++) {
        others[i] = label_name(f->desc, i) != NULL ? "other" : NULL;
    }
    pthread_mutex_lock(&lock);
    qt_series *s = find_or_add(f, f->count < MAX_SERIES ? values : others);
    pthread_mutex_unlock(&lock);
    return s;
}

qt_series *qt_series_get(const qt_metric_desc *desc, const char *v0, const char *v1,
                         const char *v2) {
    const char *values[QT_METRIC_LABELS] = {v0, v1, v2};
    family *f = find_family(desc);
    assert(f != NULL);
    qt_series *s = find_series(f, values);
    return s != NULL ? s : new_series(f, values);
}

/* ---- counting ---- */

void qt_metrics_set_enabled(bool on) {
    atomic_store(&enabled, on);
}

static bool is_enabled(void) {
    return atomic_load_explicit(&enabled, memory_order_relaxed);
}

static void add(qt_series *series, double delta) {
    double old = atomic_load_explicit(&series->value, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&series->value, &old, old + delta,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void qt_series_add(qt_series *series, double delta) {
    if (is_enabled()) {
        add(series, delta);
    }
}

void qt_series_set(qt_series *series, double value) {
    atomic_store_explicit(&series->value, value, memory_order_relaxed);
}

static bool is_last(const double *limits, size_t i) {
    return i == BUCKETS - 1 || limits[i] == 0;
}

void qt_series_observe(qt_series *series, double value) {
    const double *limits = bounds[series->desc->buckets];
    size_t i = 0;
    if (!is_enabled()) {
        return;
    }
    while (!is_last(limits, i) && value > limits[i]) {
        i++;
    }
    atomic_fetch_add_explicit(&series->buckets[i], 1, memory_order_relaxed);
    add(series, value);
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

/* ---- collectors ---- */

void qt_metrics_add_collector(void (*collect)(void *arg), void *arg) {
    pthread_mutex_lock(&collect_lock);
    assert(collector_count < MAX_COLLECTORS);
    collectors[collector_count++] = (collector){collect, arg};
    pthread_mutex_unlock(&collect_lock);
}

void qt_metrics_remove_collector(void (*collect)(void *arg), void *arg) {
    pthread_mutex_lock(&collect_lock);
    for (size_t i = 0; i < collector_count; i++) {
        if (collectors[i].collect == collect && collectors[i].arg == arg) {
            collectors[i] = collectors[--collector_count];
            break;
        }
    }
    pthread_mutex_unlock(&collect_lock);
}

static void collect_all(void) {
    pthread_mutex_lock(&collect_lock);
    for (size_t i = 0; i < collector_count; i++) {
        collectors[i].collect(collectors[i].arg);
    }
    pthread_mutex_unlock(&collect_lock);
}

/* ---- text ---- */

typedef struct writer {
    qt_buf *out;
    bool open; /* OpenMetrics */
} writer;

const char *qt_metrics_content_type(qt_metrics_format format) {
    return format == QT_METRICS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

/* OpenMetrics escapes quotes in help texts too. */
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
    qt_buf_add_str(out, s->desc->name);
    qt_buf_add_str(out, suffix);
    char sep = '{';
    for (size_t i = 0; i < QT_METRIC_LABELS; i++) {
        if (label_name(s->desc, i) == NULL) {
            continue;
        }
        qt_buf_add_char(out, sep);
        qt_buf_add_str(out, s->desc->labels[i]);
        qt_buf_add_str(out, "=\"");
        write_escaped(out, or_empty(s->values[i]), true);
        qt_buf_add_char(out, '"');
        sep = ',';
    }
    if (le != NULL) {
        qt_buf_printf(out, "%cle=\"%s\"", sep, le);
        sep = ',';
    }
    qt_buf_add_str(out, sep == ',' ? "}" : "");
    qt_buf_printf(out, " %.15g\n", value);
}

/* OpenMetrics wants floats: "1.0" and not "1". */
static void write_bound(const writer *w, double bound, char text[32]) {
    snprintf(text, 32, "%.15g", bound);
    if (w->open && strpbrk(text, ".e") == NULL) {
        size_t len = strlen(text);
        snprintf(text + len, 32 - len, ".0");
    }
}

static void write_histogram(const writer *w, const qt_series *s) {
    const double *limits = bounds[s->desc->buckets];
    unsigned long long total = 0;
    for (size_t i = 0;; i++) {
        total += atomic_load(&s->buckets[i]);
        if (is_last(limits, i)) {
            break;
        }
        char le[32];
        write_bound(w, limits[i], le);
        write_sample(w->out, s, "_bucket", le, (double)total);
    }
    write_sample(w->out, s, "_bucket", "+Inf", (double)total);
    write_sample(w->out, s, "_sum", NULL, atomic_load(&s->value));
    write_sample(w->out, s, "_count", NULL, (double)total);
}

static void write_chain(const writer *w, const qt_series *s) {
    for (; s != NULL; s = s->next) {
        if (s->desc->type == QT_METRIC_HISTOGRAM) {
            write_histogram(w, s);
        } else {
            write_sample(w->out, s, "", NULL, atomic_load(&s->value));
        }
    }
}

static bool ends_with(const char *s, size_t len, const char *end) {
    size_t n = strlen(end);
    return len > n && memcmp(s + len - n, end, n) == 0;
}

/* In OpenMetrics a counter's family has no _total, and a unit is told apart. */
static void write_head(const writer *w, const qt_metric_desc *desc) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    static const char *const units[] = {"seconds", "bytes"};
    size_t len = strlen(desc->name);
    if (w->open && ends_with(desc->name, len, "_total")) {
        len -= strlen("_total");
    }
    qt_buf_printf(w->out, "# HELP %.*s ", (int)len, desc->name);
    write_escaped(w->out, desc->help, w->open);
    qt_buf_printf(w->out, "\n# TYPE %.*s %s\n", (int)len, desc->name, types[desc->type]);
    for (size_t i = 0; w->open && i < QT_ARRAY_LEN(units); i++) {
        if (ends_with(desc->name, len, units[i]) && desc->name[len - strlen(units[i]) - 1] == '_') {
            qt_buf_printf(w->out, "# UNIT %.*s %s\n", (int)len, desc->name, units[i]);
        }
    }
}

static void write_family(const writer *w, family *f) {
    bool has_head = false;
    for (size_t i = 0; i < CHAINS; i++) {
        const qt_series *s = atomic_load_explicit(&f->chains[i], memory_order_acquire);
        if (s != NULL && !has_head) {
            write_head(w, f->desc);
            has_head = true;
        }
        write_chain(w, s);
    }
}

void qt_metrics_write(qt_buf *out, qt_metrics_format format) {
    const writer w = {.out = out, .open = format == QT_METRICS_OPENMETRICS};
    collect_all();
    size_t n = atomic_load_explicit(&table_count, memory_order_acquire);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < tables[i].count; j++) {
            write_family(&w, &tables[i].families[j]);
        }
    }
    qt_buf_add_str(out, w.open ? "# EOF\n" : "");
}
