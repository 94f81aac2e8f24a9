#include "services/backend-svc/reports.h"

#include <stdlib.h>
#include <string.h>

static int by_id(const void *a, const void *b) {
    const qt_job_report *const *x = a;
    const qt_job_report *const *y = b;
    return strcmp((*x)->job_id, (*y)->job_id);
}

qt_code qt_report_index_make(qt_job_report *reports, size_t count, qt_arena *arena,
                             qt_report_index *ret_index, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(arena, count + 1, sizeof(qt_job_report *), &memory, err));
    qt_report_index index = {.sorted = memory, .count = count, .missing = count};
    for (size_t i = 0; i < count; i++) {
        index.sorted[i] = &reports[i];
    }
    qsort(index.sorted, count, sizeof *index.sorted, by_id);
    *ret_index = index;
    return QT_OK;
}

void qt_report_index_put(qt_report_index *index, const qt_job_report *news) {
    if (news->job_id == NULL) {
        return;
    }
    qt_job_report **found =
        bsearch(&news, index->sorted, index->count, sizeof *index->sorted, by_id);
    if (found != NULL && !(*found)->is_found) {
        const char *id = (*found)->job_id;
        **found = *news;
        (*found)->job_id = id;
        (*found)->is_found = true;
        index->missing--;
    }
}
