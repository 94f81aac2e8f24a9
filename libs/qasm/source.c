#include "qasm/source.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No absolute name, no part "..", nothing but a plain path below the folder. */
static bool name_is_safe(const char *name) {
    if (name[0] == '\0' || name[0] == '/') {
        return false;
    }
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/' ? 1 : 0;
        if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || part[2] == '\0')) {
            return false;
        }
    }
    return true;
}

static qt_code read_all(int fd, const char *name, char *text, size_t len, qt_err *err) {
    size_t done = 0;
    while (done < len) {
        ssize_t n = read(fd, text + done, len - done);
        if (n <= 0 && errno != EINTR) {
            return qt_fail(err, IO_ERROR, "cannot read '%s'", name);
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return QT_OK;
}

qt_code qasm_source_read(const char *dir, const char *name, size_t max_bytes, char **ret_text,
                         size_t *ret_len, qt_err *err) {
    if (!name_is_safe(name)) {
        return qt_fail(err, FIELD_INVALID, "the file name may not leave the include folder");
    }
    QT_AUTO_CLOSE int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    QT_AUTO_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return qt_fail(err, FIELD_INVALID, "the include folder has no file '%s'", name);
    }
    size_t len = (size_t)st.st_size;
    if (len > max_bytes) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "program and includes have more bytes than allowed");
    }
    QT_AUTO_FREE void *text = NULL;
    QT_TRY(qt_try_malloc(len + 1, &text, err));
    QT_TRY(read_all(fd, name, text, len, err));
    *ret_len = len;
    *ret_text = QT_TAKE(text);
    return QT_OK;
}
