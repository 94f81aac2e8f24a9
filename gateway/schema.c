/* Lookups; gateway/schema_load.c makes the tables. */
#include "gateway/schema.h"

#include <stdlib.h>
#include <string.h>

qt_wire_type qt_field_wire_type(qt_field_type type) {
    switch (type) {
    case QT_FIELD_DOUBLE:
    case QT_FIELD_FIXED64:
    case QT_FIELD_SFIXED64:
        return QT_WIRE_FIXED64;
    case QT_FIELD_FLOAT:
    case QT_FIELD_FIXED32:
    case QT_FIELD_SFIXED32:
        return QT_WIRE_FIXED32;
    case QT_FIELD_STRING:
    case QT_FIELD_BYTES:
    case QT_FIELD_MESSAGE:
    case QT_FIELD_GROUP:
        return QT_WIRE_BYTES;
    case QT_FIELD_INT64:
    case QT_FIELD_UINT64:
    case QT_FIELD_INT32:
    case QT_FIELD_BOOL:
    case QT_FIELD_UINT32:
    case QT_FIELD_ENUM:
    case QT_FIELD_SINT32:
    case QT_FIELD_SINT64:
        break;
    }
    return QT_WIRE_VARINT;
}

const qt_message *qt_schema_message(const qt_schema *schema, const char *full_name) {
    for (size_t i = 0; i < schema->message_count; i++) {
        if (strcmp(schema->messages[i].full_name, full_name) == 0) {
            return &schema->messages[i];
        }
    }
    return NULL;
}

/* strcmp of a NUL-terminated name with bytes that may hold anything. */
static int compare_name(const char *name, const char *text, size_t len) {
    size_t name_len = strlen(name);
    int order = memcmp(name, text, name_len < len ? name_len : len);
    if (order != 0) {
        return order;
    }
    return (name_len > len) - (name_len < len);
}

const qt_field *qt_message_field(const qt_message *message, const char *name, size_t len) {
    size_t low = 0;
    size_t high = message->name_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = compare_name(message->names[mid].name, name, len);
        if (order == 0) {
            return message->names[mid].field;
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

const qt_field *qt_message_field_by_number(const qt_message *message, uint32_t number) {
    if (number > message->max_number || message->by_number[number] == 0) {
        return NULL;
    }
    return &message->fields[message->by_number[number] - 1];
}

enum { MAX_SUGGEST_BYTES = 63 };

/* Levenshtein's distance of two short names. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len) {
    size_t row[MAX_SUGGEST_BYTES + 1];
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[b_len];
}

const char *qt_message_suggest(const qt_message *message, const char *name, size_t len) {
    const char *best = NULL;
    size_t best_distance = len / 3 + 1;
    if (len > MAX_SUGGEST_BYTES) {
        return NULL;
    }
    for (size_t i = 0; i < message->field_count; i++) {
        const char *candidate = message->fields[i].name;
        size_t candidate_len = strlen(candidate);
        if (candidate_len > MAX_SUGGEST_BYTES) {
            continue;
        }
        size_t d = distance(name, len, candidate, candidate_len);
        if (d < best_distance) {
            best_distance = d;
            best = candidate;
        }
    }
    return best;
}

const qt_enum_value *qt_enum_by_number(const qt_enum *enumeration, int32_t number) {
    for (size_t i = 0; i < enumeration->value_count; i++) {
        if (enumeration->values[i].number == number) {
            return &enumeration->values[i];
        }
    }
    return NULL;
}

static char fold(char c) {
    if (c == '-' || c == '.') {
        return '_';
    }
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal_folded(const char *name, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '\0' || fold(name[i]) != fold(text[i])) {
            return false;
        }
    }
    return name[len] == '\0';
}

const qt_enum_value *qt_enum_by_name(const qt_enum *enumeration, const char *name, size_t len) {
    for (size_t i = 0; i < enumeration->value_count; i++) {
        const qt_enum_value *value = &enumeration->values[i];
        if (equal_folded(value->short_name, name, len) || equal_folded(value->name, name, len)) {
            return value;
        }
    }
    return NULL;
}
