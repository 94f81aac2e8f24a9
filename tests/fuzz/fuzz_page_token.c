/* Page tokens: what is accepted is what would have been made. */
#include "task/page_token.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    char token[200];
    char again[QT_PAGE_TOKEN_BYTES];
    qt_uuid last;
    qt_err err;
    if (len >= sizeof token) {
        return 0;
    }
    memcpy(token, data, len);
    token[len] = '\0';
    if (qt_page_token_parse(token, 7, &last, &err) == QT_OK) {
        qt_page_token_make(&last, 7, again);
        if (strcmp(again, token) != 0) {
            abort();
        }
    }
    return 0;
}
