#include "services/task-svc/window.h"

static size_t index_of(int32_t type) {
    return type > 0 && type < QT_TASK_TYPES ? (size_t)type : 0;
}

void qt_window_init(qt_window *window, int64_t limit) {
    window->limit = limit;
    for (size_t i = 0; i < QT_TASK_TYPES; i++) {
        atomic_init(&window->types[i].used, 0);
        atomic_init(&window->types[i].has_line, false);
    }
}

bool qt_window_take(qt_window *window, int32_t type) {
    size_t i = index_of(type);
    if (atomic_load(&window->types[i].has_line)) {
        return false;
    }
    if (atomic_fetch_add(&window->types[i].used, 1) >= window->limit) {
        atomic_fetch_sub(&window->types[i].used, 1);
        return false;
    }
    return true;
}

void qt_window_release(qt_window *window, int32_t type) {
    atomic_fetch_sub(&window->types[index_of(type)].used, 1);
}

void qt_window_line_begins(qt_window *window, int32_t type) {
    atomic_store(&window->types[index_of(type)].has_line, true);
}

void qt_window_line_ends(qt_window *window, int32_t type) {
    atomic_store(&window->types[index_of(type)].has_line, false);
}

bool qt_window_has_line(qt_window *window, int32_t type) {
    return atomic_load(&window->types[index_of(type)].has_line);
}

void qt_window_add(qt_window *window, int32_t type) {
    atomic_fetch_add(&window->types[index_of(type)].used, 1);
}

void qt_window_set(qt_window *window, int32_t type, int64_t used, bool has_line) {
    size_t i = index_of(type);
    atomic_store(&window->types[i].used, used);
    atomic_store(&window->types[i].has_line, has_line);
}

int64_t qt_window_room(qt_window *window, int32_t type) {
    return window->limit - atomic_load(&window->types[index_of(type)].used);
}
