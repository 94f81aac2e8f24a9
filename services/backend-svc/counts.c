/* All ways lead through a list of outcomes, each as '0' and '1' with the highest bit first. */
#include "services/backend-svc/counts.h"

#include "base/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEY_DIGITS = 100000, MAX_DECIMAL_DIGITS = 400 };

typedef struct outcome {
    const char *bits; /* bit_count of them, later the key that users see */
    double weight;
    uint64_t count;
} outcome;

typedef struct outcomes {
    const qt_layout *layout;
    qt_arena *arena;
    outcome *items;
    size_t count;
} outcomes;

static qt_code invalid(const char *what, qt_err *err) {
    return qt_fail(err, PROVIDER_REPLY_INVALID, "the result cannot be read: %s", what);
}

static size_t count_children(const qt_json_node *node) {
    size_t count = 0;
    for (const qt_json_node *c = node->child; c != NULL; c = c->next) {
        count++;
    }
    return count;
}

static qt_code outcomes_new(outcomes *o, size_t count, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(o->arena, count + 1, sizeof(outcome), &memory, err));
    o->items = memory;
    return QT_OK;
}

/* ---- keys ---- */

static qt_code new_bits(outcomes *o, char **ret_bits, qt_err *err) {
    void *memory = NULL;
    uint32_t width = o->layout->bit_count;
    QT_TRY(qt_arena_try_alloc(o->arena, width + 1, &memory, err));
    char *bits = memory;
    memset(bits, '0', width);
    bits[width] = '\0';
    *ret_bits = bits;
    return QT_OK;
}

/* Sets bit n; a one beyond the width is an error. */
static bool set_bit(const outcomes *o, char *bits, size_t n, bool value) {
    if (n >= o->layout->bit_count) {
        return !value;
    }
    bits[o->layout->bit_count - 1 - n] = value ? '1' : '0';
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const outcomes *o, const char *key, size_t len, char *bits) {
    for (size_t i = 0; i < len; i++) {
        int digit = hex_digit(key[len - 1 - i]);
        for (size_t b = 0; b < 4; b++) {
            if (digit < 0 || !set_bit(o, bits, i * 4 + b, (digit >> b & 1) != 0)) {
                return false;
            }
        }
    }
    return len > 0;
}

static bool read_binary(const outcomes *o, const char *key, size_t len, char *bits) {
    size_t n = 0;
    for (size_t i = len; i-- > 0;) {
        if (key[i] == ' ') {
            continue;
        }
        if ((key[i] != '0' && key[i] != '1') || !set_bit(o, bits, n++, key[i] == '1')) {
            return false;
        }
    }
    return true;
}

static qt_code read_key(outcomes *o, const char *key, const char **ret_bits, qt_err *err) {
    char *bits = NULL;
    size_t len = strlen(key);
    if (len > MAX_KEY_DIGITS) {
        return invalid("a key of the counts is too long", err);
    }
    QT_TRY(new_bits(o, &bits, err));
    bool is_hex = key[0] == '0' && (key[1] | 32) == 'x';
    bool ok = is_hex ? read_hex(o, key + 2, len - 2, bits) : read_binary(o, key, len, bits);
    if (!ok) {
        return qt_fail(err, PROVIDER_REPLY_INVALID,
                       "the result cannot be read: '%.60s' is no outcome of %u bits", key,
                       o->layout->bit_count);
    }
    *ret_bits = bits;
    return QT_OK;
}

/* ---- decimal keys over qubits ---- */

/* Halves a decimal number in place; its lowest bit. */
static bool halve(char *digits, size_t len) {
    int carry = 0;
    for (size_t i = 0; i < len; i++) {
        int value = carry * 10 + (digits[i] - '0');
        digits[i] = (char)('0' + value / 2);
        carry = value % 2;
    }
    return carry != 0;
}

static bool is_zero(const char *digits, size_t len) {
    return strspn(digits, "0") >= len;
}

static qt_code read_decimal_key(outcomes *o, const char *key, const char **ret_bits, qt_err *err) {
    char digits[MAX_DECIMAL_DIGITS + 1];
    char *bits = NULL;
    size_t len = strlen(key);
    if (len == 0 || len > MAX_DECIMAL_DIGITS || strspn(key, "0123456789") != len) {
        return invalid("a key is no decimal number", err);
    }
    memcpy(digits, key, len + 1);
    QT_TRY(new_bits(o, &bits, err));
    for (uint32_t qubit = 0; !is_zero(digits, len); qubit++) {
        bool one = halve(digits, len);
        for (uint32_t b = 0; one && b < o->layout->bit_count; b++) {
            if (o->layout->qubit_of_bit[b] == qubit) {
                set_bit(o, bits, b, true);
            }
        }
    }
    *ret_bits = bits;
    return QT_OK;
}

/* ---- weights ---- */

static qt_code read_count(const qt_json_node *node, double *ret_weight, qt_err *err) {
    double value = 0;
    if (!qt_json_value(node, &value) || value < 0 || value > UINT32_MAX ||
        fabs(value - nearbyint(value)) > 1e-6) {
        return invalid("a count is no whole number", err);
    }
    *ret_weight = nearbyint(value);
    return QT_OK;
}

static qt_code read_probability(const qt_json_node *node, double *ret_weight, qt_err *err) {
    double value = 0;
    if (!qt_json_value(node, &value) || value < -1e-9 || value > 1.001) {
        return invalid("a probability is not from 0 to 1", err);
    }
    *ret_weight = value > 0 ? value : 0;
    return QT_OK;
}

typedef qt_code (*key_reader)(outcomes *, const char *, const char **, qt_err *);
typedef qt_code (*weight_reader)(const qt_json_node *, double *, qt_err *);

static qt_code read_object(outcomes *o, const qt_json_node *node, key_reader read_one_key,
                           weight_reader read_weight, qt_err *err) {
    if (!qt_json_is(node, QT_JSON_OBJECT)) {
        return invalid("there is no object of counts", err);
    }
    QT_TRY(outcomes_new(o, count_children(node), err));
    for (const qt_json_node *c = node->child; c != NULL; c = c->next) {
        outcome *item = &o->items[o->count];
        QT_TRY(read_one_key(o, c->key, &item->bits, err));
        QT_TRY(read_weight(c, &item->weight, err));
        o->count += item->weight > 0;
    }
    return QT_OK;
}

static int by_weight(const void *a, const void *b) {
    double x = ((const outcome *)a)->weight;
    double y = ((const outcome *)b)->weight;
    return x < y ? 1 : x > y ? -1 : strcmp(((const outcome *)a)->bits, ((const outcome *)b)->bits);
}

/* Whole parts first; what is left goes to the largest remainders. */
static qt_code deal_out(outcomes *o, uint32_t shots, qt_err *err) {
    double total = 0;
    uint64_t dealt = 0;
    for (size_t i = 0; i < o->count; i++) {
        total += o->items[i].weight;
    }
    if (!(total > 0)) {
        return invalid("all probabilities are 0", err);
    }
    for (size_t i = 0; i < o->count; i++) {
        double exact = o->items[i].weight / total * shots;
        o->items[i].count = (uint64_t)exact;
        o->items[i].weight = exact - floor(exact);
        dealt += o->items[i].count;
    }
    qsort(o->items, o->count, sizeof *o->items, by_weight);
    for (size_t i = 0; dealt < shots; i = (i + 1) % o->count) {
        o->items[i].count++;
        dealt++;
    }
    return QT_OK;
}

/* ---- the result ---- */

static int by_bits(const void *a, const void *b) {
    return strcmp(((const outcome *)a)->bits, ((const outcome *)b)->bits);
}

static qt_code apply_layout(outcomes *o, qt_err *err) {
    for (size_t i = 0; i < o->count; i++) {
        QT_TRY(qt_layout_key(o->layout, o->items[i].bits, o->arena, &o->items[i].bits, err));
    }
    qsort(o->items, o->count, sizeof *o->items, by_bits);
    size_t kept = 0;
    for (size_t i = 0; i < o->count; i++) {
        if (kept > 0 && strcmp(o->items[kept - 1].bits, o->items[i].bits) == 0) {
            o->items[kept - 1].count += o->items[i].count;
        } else {
            o->items[kept++] = o->items[i];
        }
    }
    o->count = kept;
    return QT_OK;
}

static qt_code fill(outcomes *o, Qtaskdist__V1__TaskResult *result, qt_err *err) {
    typedef Qtaskdist__V1__TaskResult__MeasurementsEntry entry;
    void *memory = NULL;
    void *list = NULL;
    QT_TRY(apply_layout(o, err));
    QT_TRY(qt_arena_try_calloc(o->arena, o->count + 1, sizeof(entry), &memory, err));
    QT_TRY(qt_arena_try_calloc(o->arena, o->count + 1, sizeof(entry *), &list, err));
    entry *entries = memory;
    for (size_t i = 0; i < o->count; i++) {
        if (o->items[i].count > UINT32_MAX) {
            return invalid("a count is too large", err);
        }
        qtaskdist__v1__task_result__measurements_entry__init(&entries[i]);
        entries[i].key = (char *)(uintptr_t)o->items[i].bits;
        entries[i].value = (uint32_t)o->items[i].count;
        ((entry **)list)[i] = &entries[i];
    }
    result->measurements = list;
    result->n_measurements = o->count;
    return QT_OK;
}

static void count_weights(outcomes *o) {
    for (size_t i = 0; i < o->count; i++) {
        o->items[i].count = (uint64_t)o->items[i].weight;
    }
}

qt_code qt_counts_of_bits(const qt_json_node *counts, const qt_layout *layout, qt_arena *arena,
                          Qtaskdist__V1__TaskResult *result, qt_err *err) {
    outcomes o = {.layout = layout, .arena = arena};
    QT_TRY(read_object(&o, counts, read_key, read_count, err));
    count_weights(&o);
    return fill(&o, result, err);
}

qt_code qt_counts_of_probabilities(const qt_json_node *probabilities, const qt_layout *layout,
                                   uint32_t shots, qt_arena *arena,
                                   Qtaskdist__V1__TaskResult *result, qt_err *err) {
    outcomes o = {.layout = layout, .arena = arena};
    QT_TRY(read_object(&o, probabilities, read_key, read_probability, err));
    QT_TRY(deal_out(&o, shots, err));
    return fill(&o, result, err);
}

qt_code qt_counts_of_qubits(const qt_json_node *probabilities, const qt_layout *layout,
                            uint32_t shots, qt_arena *arena, Qtaskdist__V1__TaskResult *result,
                            qt_err *err) {
    outcomes o = {.layout = layout, .arena = arena};
    QT_TRY(read_object(&o, probabilities, read_decimal_key, read_probability, err));
    QT_TRY(deal_out(&o, shots, err));
    return fill(&o, result, err);
}
