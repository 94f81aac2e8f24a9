/* A diagnostic is made in one go: place, excerpt, then copies of the strings in the list's arena.
 * When the arena has no memory for one of them the diagnostic is dropped whole. */
#include "base/diagnostics.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

enum { MAX_LINE_BYTES = 160, BYTES_BEFORE = 80, MAX_WORD_BYTES = 200 };

static bool is_inside(char c) {
    return ((uint8_t)c & 0xC0U) == 0x80U; /* not the first byte of a character */
}

static uint32_t count_characters(const char *s, size_t len) {
    uint32_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += is_inside(s[i]) ? 0 : 1;
    }
    return count;
}

/* ---- the text ---- */

uint32_t qt_text_line(qt_text *text, size_t offset, size_t *ret_line_start) {
    if (text->line == 0 || offset < text->line_offset) {
        text->line = 1;
        text->line_offset = 0;
    }
    const char *end = text->start + (offset < text->len ? offset : text->len);
    const char *start = text->start + text->line_offset;
    while (start < end) {
        const char *newline = memchr(start, '\n', (size_t)(end - start));
        if (newline == NULL) {
            break;
        }
        start = newline + 1;
        text->line++;
    }
    text->line_offset = (size_t)(start - text->start);
    *ret_line_start = text->line_offset;
    return text->line;
}

static size_t line_end(const qt_text *text, size_t offset) {
    const char *newline = memchr(text->start + offset, '\n', text->len - offset);
    size_t end = newline != NULL ? (size_t)(newline - text->start) : text->len;
    return end > offset && text->start[end - 1] == '\r' ? end - 1 : end;
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (uint8_t)c >= 0x80U;
}

static size_t quoted_length(const char *s, size_t len) {
    for (size_t i = 1; i < len; i++) {
        if (s[i] == s[0]) {
            return i + 1;
        }
    }
    return len;
}

size_t qt_text_word(const qt_text *text, size_t offset) {
    size_t left = offset < text->len ? line_end(text, offset) - offset : 0;
    const char *s = text->start + offset;
    left = left < MAX_WORD_BYTES ? left : MAX_WORD_BYTES;
    if (left > 0 && (s[0] == '"' || s[0] == '\'')) {
        return quoted_length(s, left);
    }
    size_t n = left > 0 ? 1 : 0;
    if (left > 0 && is_word(s[0])) {
        bool number = isdigit((unsigned char)s[0]);
        while (n < left && (is_word(s[n]) || (number && s[n] == '.'))) {
            n++;
        }
    }
    return n;
}

/* ---- the list ---- */

void qt_diagnostics_init(qt_diagnostics *list, size_t max_count) {
    *list = (qt_diagnostics){.max_count = max_count};
}

void qt_diagnostics_done(qt_diagnostics *list) {
    qt_arena_done(&list->arena);
    *list = (qt_diagnostics){.max_count = list->max_count};
}

static size_t max_count(const qt_diagnostics *list) {
    return list->max_count > 0 ? list->max_count : QT_MAX_DIAGNOSTICS;
}

bool qt_diagnostics_is_full(const qt_diagnostics *list) {
    return list->count >= max_count(list);
}

/* A copy that a terminal and JSON can take. *failed stays true once it is. */
static char *copy_text(qt_arena *arena, const char *s, size_t len, bool *failed) {
    char *copy = s != NULL ? qt_arena_strndup(arena, s, len) : NULL;
    if (copy == NULL) {
        *failed = *failed || s != NULL;
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        bool control = ((uint8_t)copy[i] < ' ' && copy[i] != '\t') || copy[i] == 0x7F;
        copy[i] = control ? ' ' : copy[i];
    }
    size_t bad = 0;
    while (!qt_utf8_valid(copy, len, &bad)) {
        copy[bad] = '?';
    }
    return copy;
}

static char *copy_string(qt_arena *arena, const char *s, bool *failed) {
    return copy_text(arena, s, s != NULL ? strlen(s) : 0, failed);
}

/* The line, or the part of a long one around the place. */
static void take_source(qt_arena *arena, const qt_text *text, size_t start, size_t offset,
                        qt_diagnostic *d, bool *failed) {
    size_t end = line_end(text, start);
    size_t from = start;
    if (end - start > MAX_LINE_BYTES && offset - start > BYTES_BEFORE) {
        from = offset - BYTES_BEFORE;
        while (from > start && is_inside(text->start[from])) {
            from--;
        }
    }
    size_t to = end - from > MAX_LINE_BYTES ? from + MAX_LINE_BYTES : end;
    while (to < end && to > from && is_inside(text->start[to])) {
        to--;
    }
    const char *before = from > start ? "..." : "";
    const char *after = to < end ? "..." : "";
    char *part = copy_text(arena, text->start + from, to - from, failed);
    d->source = part != NULL ? qt_arena_printf(arena, "%s%s%s", before, part, after) : NULL;
    *failed = *failed || d->source == NULL;
    size_t place = offset < to ? offset - from : to - from;
    d->source_column = (uint32_t)strlen(before) + count_characters(text->start + from, place) + 1;
}

static bool has_place(const qt_diagnostics *list, const qt_diagnostic *d) {
    for (size_t i = 0; i < list->count; i++) {
        const qt_diagnostic *other = &list->items[i];
        bool same_file = (other->file == NULL) == (d->file == NULL) &&
                         (d->file == NULL || strcmp(other->file, d->file) == 0);
        if (same_file && other->line == d->line && other->column == d->column) {
            return true;
        }
    }
    return false;
}

static qt_code no_memory(qt_err *err) {
    return qt_fail(err, OUT_OF_MEMORY, "no memory for the errors of a program");
}

/* The first error makes room for all. */
static bool has_room(qt_diagnostics *list) {
    if (list->items == NULL) {
        list->items = qt_arena_alloc(&list->arena, max_count(list) * sizeof *list->items);
    }
    return list->items != NULL;
}

qt_code qt_diagnostics_add(qt_diagnostics *list, qt_text *text, const qt_finding *finding,
                           qt_err *err) {
    size_t start = 0;
    bool failed = false;
    size_t offset = finding->offset < text->len ? finding->offset : text->len;
    qt_diagnostic d = {.reason = finding->reason};
    d.line = qt_text_line(text, offset, &start);
    d.column = count_characters(text->start + start, offset - start) + 1;
    size_t left = line_end(text, start) > offset ? line_end(text, start) - offset : 0;
    size_t length = finding->length > 0 ? finding->length : qt_text_word(text, offset);
    d.length = count_characters(text->start + offset, length < left ? length : left);
    d.file = copy_string(&list->arena, text->name, &failed);
    if (has_place(list, &d)) {
        return QT_OK;
    }
    if (qt_diagnostics_is_full(list)) {
        list->is_full = true;
        return QT_OK;
    }
    d.message = copy_string(&list->arena, finding->message, &failed);
    d.expected = copy_string(&list->arena, finding->expected, &failed);
    d.hint = copy_string(&list->arena, finding->hint, &failed);
    take_source(&list->arena, text, start, offset, &d, &failed);
    if (failed || !has_room(list)) {
        return no_memory(err);
    }
    list->items[list->count++] = d;
    list->is_full = qt_diagnostics_is_full(list);
    return QT_OK;
}

static const char *copy_to(qt_arena *arena, const char *s, bool *failed) {
    const char *copy = s != NULL ? qt_arena_strdup(arena, s) : NULL;
    *failed = *failed || (s != NULL && copy == NULL);
    return copy;
}

static const qt_diagnostics *copy_list(const qt_diagnostics *list, qt_arena *arena) {
    qt_diagnostics *copy = qt_arena_alloc(arena, sizeof *copy);
    qt_diagnostic *items = qt_arena_alloc(arena, list->count * sizeof *items);
    bool failed = copy == NULL || items == NULL;
    for (size_t i = 0; i < list->count && !failed; i++) {
        items[i] = list->items[i];
        items[i].file = copy_to(arena, items[i].file, &failed);
        items[i].message = copy_to(arena, items[i].message, &failed);
        items[i].expected = copy_to(arena, items[i].expected, &failed);
        items[i].hint = copy_to(arena, items[i].hint, &failed);
        items[i].source = copy_to(arena, items[i].source, &failed);
    }
    if (failed) {
        return NULL;
    }
    *copy = (qt_diagnostics){.items = items,
                             .count = list->count,
                             .max_count = list->max_count,
                             .is_full = list->is_full};
    return copy;
}

void qt_diagnostics_keep(qt_arena *arena, qt_err *err) {
    const qt_diagnostics *list = err->diagnostics;
    bool keep = arena != NULL && list != NULL && list->count > 0;
    err->diagnostics = keep ? copy_list(list, arena) : NULL;
}

/* ---- as text ---- */

static void add_hint(const qt_diagnostic *d, qt_buf *out) {
    if (d->hint != NULL) {
        qt_buf_printf(out, " (%s)", d->hint);
    }
}

void qt_diagnostic_sentence(const qt_diagnostic *d, qt_buf *out) {
    qt_buf_printf(out, "%u:%u: ", d->line, d->column);
    if (d->file != NULL) {
        qt_buf_printf(out, "in the included file '%s': ", d->file);
    }
    qt_buf_add_str(out, d->message);
    add_hint(d, out);
}

void qt_diagnostics_sentences(const qt_diagnostics *list, size_t max_bytes, qt_buf *out) {
    size_t start = out->len;
    size_t i = 0;
    for (; i < list->count; i++) {
        size_t before = out->len;
        qt_buf_add_str(out, i > 0 ? "\n" : "");
        qt_diagnostic_sentence(&list->items[i], out);
        if (i > 0 && out->len - start > max_bytes) {
            out->len = before;
            break;
        }
    }
    if (i < list->count) {
        qt_buf_printf(out, "\nand %zu more", list->count - i);
    }
}

static const char *reason_word(qt_reason reason) {
    switch ((int)reason) {
    case QT_REASON_CIRCUIT_UNSUPPORTED:
        return "unsupported";
    case QT_REASON_CIRCUIT_TOO_LARGE:
        return "too large";
    default:
        return "error";
    }
}

/* Below the place in the line: tabs stay tabs, so that it stands right at any width of them. */
static void add_caret(const qt_diagnostic *d, qt_buf *out) {
    uint32_t column = 1;
    qt_buf_add_str(out, "  ");
    for (const char *c = d->source; *c != '\0' && column < d->source_column; c++) {
        if (!is_inside(*c)) {
            qt_buf_add_char(out, *c == '\t' ? '\t' : ' ');
        }
        column += is_inside(c[1]) ? 0 : 1;
    }
    qt_buf_add_char(out, '^');
    uint32_t shown = count_characters(d->source, strlen(d->source));
    for (uint32_t i = 1; i < d->length && d->source_column + i <= shown; i++) {
        qt_buf_add_char(out, '~');
    }
    qt_buf_add_char(out, '\n');
}

void qt_diagnostics_render(const qt_diagnostics *list, const char *file, qt_buf *out) {
    for (size_t i = 0; i < list->count; i++) {
        const qt_diagnostic *d = &list->items[i];
        qt_buf_printf(out, "%s:%u:%u: %s: %s", d->file != NULL ? d->file : file, d->line, d->column,
                      reason_word(d->reason), d->message);
        add_hint(d, out);
        qt_buf_printf(out, "\n  %s\n", d->source);
        add_caret(d, out);
    }
    if (list->is_full) {
        qt_buf_printf(out, "%s: stopped after %zu errors\n", file, list->count);
    }
}

qt_code qt_diagnostics_raise(const qt_diagnostics *list, qt_err *err) {
    const qt_diagnostic *d = &list->items[0];
    const char *open = d->hint != NULL ? " (" : "";
    const char *close = d->hint != NULL ? ")" : "";
    qt_code code = qt_err_raise(err, d->reason, NULL, __FILE__, __LINE__, "%u:%u: %s%s%s%s%s%s%s",
                                d->line, d->column, d->file != NULL ? "in the included file '" : "",
                                d->file != NULL ? d->file : "", d->file != NULL ? "': " : "",
                                d->message, open, d->hint != NULL ? d->hint : "", close);
    err->diagnostics = list;
    return code;
}
