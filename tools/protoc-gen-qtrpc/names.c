#include "names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *new_text(size_t cap) {
    char *text = calloc(cap, 1);
    if (text == NULL) {
        fputs("protoc-gen-qtrpc: out of memory\n", stderr);
        exit(1);
    }
    return text;
}

static char to_upper(char c) {
    return (char)toupper((unsigned char)c);
}

const char *name_c_type(const char *full_name) {
    char *out = new_text(strlen(full_name) * 2 + 1);
    char *to = out;
    bool raise = true;
    for (const char *p = full_name; *p != '\0'; p++) {
        if (*p == '.') {
            *to++ = '_';
            *to++ = '_';
        }
        if (*p == '.' || *p == '_') {
            raise = true;
            continue;
        }
        *to++ = raise ? to_upper(*p) : *p;
        raise = false;
    }
    return out;
}

const char *name_snake(const char *camel) {
    char *out = new_text(strlen(camel) * 2 + 1);
    char *to = out;
    bool was_upper = true;
    for (const char *p = camel; *p != '\0'; p++) {
        bool is_upper = isupper((unsigned char)*p) != 0;
        if (is_upper && !was_upper) {
            *to++ = '_';
        }
        *to++ = (char)tolower((unsigned char)*p);
        was_upper = is_upper;
    }
    return out;
}

const char *name_c_lower(const char *full_name) {
    size_t len = strlen(full_name);
    char *out = new_text(len * 3 + 1);
    const char *rest = full_name;
    while (*rest != '\0') {
        size_t part_len = strcspn(rest, ".");
        char *part = new_text(part_len + 1);
        memcpy(part, rest, part_len);
        strcat(out, name_snake(part));
        free(part);
        rest += part_len;
        if (*rest == '.') {
            strcat(out, "__");
            rest++;
        }
    }
    return out;
}

const char *name_upper(const char *name) {
    char *out = new_text(strlen(name) + 1);
    for (size_t i = 0; name[i] != '\0'; i++) {
        out[i] = isalnum((unsigned char)name[i]) ? to_upper(name[i]) : '_';
    }
    return out;
}

const char *name_with_suffix(const char *proto_file, const char *suffix) {
    size_t len = strlen(proto_file);
    const char *dot = strrchr(proto_file, '.');
    size_t stem = dot != NULL ? (size_t)(dot - proto_file) : len;
    char *out = new_text(stem + strlen(suffix) + 1);
    memcpy(out, proto_file, stem);
    strcpy(out + stem, suffix);
    return out;
}
