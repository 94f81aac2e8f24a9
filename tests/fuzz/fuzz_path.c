/* HTTP paths and path templates: any text is matched or not. */
#include "base/cleanup.h"
#include "gateway/path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 1 << 20);
    char *text = qt_arena_strndup(&arena, (const char *)data, len);
    qt_path_template template;
    qt_path path;
    qt_err err;
    if (text == NULL) {
        return 0;
    }
    (void)qt_path_template_parse(text, &arena, &template, &err);
    (void)qt_path_split(text, strlen(text), &path);
    return 0;
}
