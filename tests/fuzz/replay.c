/* Runs a fuzz target over all files of a folder, so that its corpus is a regression test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int replay(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return 0;
    }
    enum { MAX_BYTES = 1 << 20 };
    uint8_t *data = malloc(MAX_BYTES);
    size_t len = data != NULL ? fread(data, 1, MAX_BYTES, f) : 0;
    fclose(f);
    /* An exact copy lets the sanitizer see a read behind the end. */
    uint8_t *exact = malloc(len > 0 ? len : 1);
    if (data != NULL && exact != NULL) {
        memcpy(exact, data, len);
        LLVMFuzzerTestOneInput(exact, len);
    }
    free(exact);
    free(data);
    return 1;
}

int main(int argc, char **argv) {
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (dir == NULL) {
        fprintf(stderr, "usage: %s CORPUS_DIR\n", argv[0]);
        return 2;
    }
    int count = 0;
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        count += e->d_name[0] != '.' ? replay(path) : 0;
    }
    closedir(dir);
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
