/* qir-check: says whether a QIR program keeps to its profile, and what breaks it. */
#include "base/cleanup.h"
#include "qir/check.h"
#include "qir/llvm.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_KEEPS = 0, EXIT_BREAKS = 1, EXIT_UNREADABLE = 2, MAX_FILE_BYTES = 1 << 30 };

static const char usage[] =
    "usage: qir-check [--profile base|adaptive] [--max N] [--json] [FILE]\n"
    "\n"
    "Checks a QIR program, LLVM text or bitcode, against the Base or the Adaptive profile: the "
    "one\n"
    "that its entry point claims, or the one asked for. Without FILE, or with -, it reads stdin.\n"
    "\n"
    "  --profile NAME  base or adaptive\n"
    "  --max N         print the first N violations (default 1000)\n"
    "  --json          print one JSON object instead of text\n"
    "  --help          print this\n"
    "\n"
    "Exit code: 0 it keeps to the profile, 1 it does not, 2 it cannot be read.\n"
    "The rules are listed in docs/qir-rules.md.\n";

typedef struct arguments {
    qt_qir_check_options options;
    bool json;
    bool help;
    const char *file; /* NULL: stdin */
} arguments;

static bool parse_count(const char *text, size_t *ret_count) {
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text || value == 0) {
        return false;
    }
    *ret_count = value;
    return true;
}

static bool parse_profile(const char *text, qt_qir_profile *ret_profile) {
    if (strcmp(text, "base") == 0) {
        *ret_profile = QT_QIR_BASE;
    } else if (strcmp(text, "adaptive") == 0) {
        *ret_profile = QT_QIR_ADAPTIVE;
    } else {
        return false;
    }
    return true;
}

static bool parse_arguments(int argc, char **argv, arguments *ret_arguments) {
    static const struct option known[] = {{"profile", required_argument, NULL, 'p'},
                                          {"max", required_argument, NULL, 'm'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    arguments a = {.options = {.max_bytes = MAX_FILE_BYTES}};
    bool good = true;
    for (int c = 0; good && (c = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        good = c == 'p'   ? parse_profile(optarg, &a.options.profile)
               : c == 'm' ? parse_count(optarg, &a.options.max_violations)
                          : c == 'j' || c == 'h';
        a.json = a.json || c == 'j';
        a.help = a.help || c == 'h';
    }
    if (!good || argc - optind > 1) {
        return false;
    }
    a.file = optind < argc && strcmp(argv[optind], "-") != 0 ? argv[optind] : NULL;
    *ret_arguments = a;
    return true;
}

static void file_close_p(FILE **file) {
    if (*file != NULL && *file != stdin) {
        fclose(*file);
    }
}

static bool read_all(const char *name, qt_buf *ret_data) {
    QT_CLEANUP(file_close_p) FILE *file = name != NULL ? fopen(name, "rb") : stdin;
    if (file == NULL) {
        fprintf(stderr, "qir-check: %s: %s\n", name, strerror(errno));
        return false;
    }
    for (;;) {
        char part[65536];
        size_t len = fread(part, 1, sizeof part, file);
        qt_buf_add(ret_data, part, len);
        if (len < sizeof part) {
            break;
        }
    }
    if (ferror(file) || ret_data->failed) {
        fprintf(stderr, "qir-check: cannot read %s\n", name != NULL ? name : "stdin");
        return false;
    }
    return true;
}

static void add_json_string(qt_buf *out, const char *name, const char *text) {
    qt_buf_printf(out, "\"%s\":\"", name);
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') {
            qt_buf_add_char(out, '\\');
        }
        if (c < 0x20) {
            qt_buf_printf(out, "\\u%04x", c);
        } else {
            qt_buf_add_char(out, (char)c);
        }
    }
    qt_buf_add_char(out, '"');
}

static void add_violation(qt_buf *out, const qt_qir_violation *v) {
    const qt_qir_rule_info *rule = qt_qir_rule_get_info(v->rule);
    const struct {
        const char *name, *text;
    } fields[] = {{"rule", rule->id},
                  {"text", rule->text},
                  {"section", rule->section},
                  {"hint", rule->hint},
                  {"function", v->function},
                  {"block", v->block},
                  {"instruction", v->instruction},
                  {"detail", v->detail}};
    for (size_t i = 0; i < QT_ARRAY_LEN(fields); i++) {
        qt_buf_add_char(out, i == 0 ? '{' : ',');
        add_json_string(out, fields[i].name, fields[i].text);
    }
    qt_buf_add_char(out, '}');
}

static void print_json(const qt_qir_report *report) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_buf_printf(&out, "{\"profile\":\"%s\",\"found\":%llu,\"violations\":[",
                  qt_qir_profile_name(report->profile), (unsigned long long)report->found);
    for (size_t i = 0; i < report->count; i++) {
        qt_buf_add_str(&out, i > 0 ? "," : "");
        add_violation(&out, &report->violations[i]);
    }
    qt_buf_add_str(&out, "]}\n");
    fwrite(qt_buf_str(&out), 1, out.len, stdout);
}

static void print_text(const qt_qir_report *report) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_qir_report_print(report, &out);
    fwrite(qt_buf_str(&out), 1, out.len, stdout);
    if (report->found == 0) {
        printf("keeps to the %s profile\n", qt_qir_profile_name(report->profile));
    } else {
        printf("%llu violation%s of the %s profile\n", (unsigned long long)report->found,
               report->found == 1 ? "" : "s", qt_qir_profile_name(report->profile));
    }
}

int main(int argc, char **argv) {
    arguments a;
    if (!parse_arguments(argc, argv, &a)) {
        fputs(usage, stderr);
        return EXIT_UNREADABLE;
    }
    if (a.help) {
        fputs(usage, stdout);
        return EXIT_KEEPS;
    }
    QT_CLEANUP(qt_buf_done) qt_buf data = {0};
    if (!read_all(a.file, &data)) {
        return EXIT_UNREADABLE;
    }
    qt_err err;
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
    if (qt_qir_check(qt_buf_str(&data), data.len, &a.options, &report, &err) != QT_OK) {
        fprintf(stderr, "qir-check: %s: %s\n", a.file != NULL ? a.file : "stdin", err.msg);
        return EXIT_UNREADABLE;
    }
    a.json ? print_json(&report) : print_text(&report);
    return report.found == 0 ? EXIT_KEEPS : EXIT_BREAKS;
}
