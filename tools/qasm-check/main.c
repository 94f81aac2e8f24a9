/* qasm-check: says whether OpenQASM programs are valid, what they are made of, or prints them
 * again. */
#include "base/cleanup.h"
#include "circuit/print.h"
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_VALID = 0, EXIT_BROKEN = 1, EXIT_UNREADABLE = 2 };

static const char usage[] =
    "usage: qasm-check [OPTION...] [FILE...]\n"
    "\n"
    "Checks OpenQASM 2 and 3 programs. Without FILE, or with -, it reads stdin.\n"
    "\n"
    "  --format text|json  json: one object a line for each file (default text)\n"
    "  --language 2|3      do not look at the header\n"
    "  --print 2|3         print the program as OpenQASM 2 or 3 instead of a report\n"
    "  --stats             count the gates one by one\n"
    "  --include DIR       where includes other than the standard ones are read from\n"
    "  --max-bytes N       refuse larger programs (default 1073741824)\n"
    "  --max-ops N         refuse programs with more operations\n"
    "  --max-ms N          refuse programs that take more processor time (default 700)\n"
    "  --input NAME=VALUE  the value of an input, as an OpenQASM 3 constant; several times\n"
    "  --keep-loops        do not unroll loops where that is possible\n"
    "  --help              print this\n"
    "\n"
    "Exit code: 0 all are valid, 1 one is not, 2 a file cannot be read or an option is wrong.\n";

enum { MAX_INPUTS = 256 };

typedef struct arguments {
    qt_qasm_options options;
    qt_qasm_input inputs[MAX_INPUTS];
    bool json;
    bool stats;
    bool help;
    unsigned print; /* 0: a report */
} arguments;

static bool parse_size(const char *text, size_t *ret_value) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text || value == 0 || *text == '-') {
        return false;
    }
    *ret_value = value;
    return true;
}

static bool parse_language(const char *text, unsigned *ret_language) {
    bool known = (*text == '2' || *text == '3') && text[1] == '\0';
    *ret_language = known ? (unsigned)(*text - '0') : 0;
    return known;
}

/* NAME=VALUE: cut in two where it stands. */
static bool take_input(char *text, arguments *a) {
    char *value = strchr(text, '=');
    if (value == NULL || value == text || a->options.input_count == MAX_INPUTS) {
        return false;
    }
    *value = '\0';
    a->inputs[a->options.input_count++] = (qt_qasm_input){.name = text, .value = value + 1};
    return true;
}

static bool take_ms(const char *text, arguments *a) {
    size_t ms = 0;
    if (!parse_size(text, &ms) || ms > UINT32_MAX) {
        return false;
    }
    a->options.max_ms = (int64_t)ms;
    return true;
}

static bool take_option(int option, arguments *a) {
    unsigned language = 0;
    switch (option) {
    case 'f':
        a->json = strcmp(optarg, "json") == 0;
        return a->json || strcmp(optarg, "text") == 0;
    case 'l':
        if (!parse_language(optarg, &language)) {
            return false;
        }
        a->options.version = language == 2 ? QT_QASM_2 : QT_QASM_3;
        return true;
    case 'p':
        return parse_language(optarg, &a->print);
    case 's':
        a->stats = true;
        return true;
    case 'i':
        a->options.include_dir = optarg;
        return true;
    case 'b':
        return parse_size(optarg, &a->options.max_bytes);
    case 'o':
        return parse_size(optarg, &a->options.limits.max_ops);
    case 'm':
        return take_ms(optarg, a);
    case 'v':
        return take_input(optarg, a);
    case 'k':
        a->options.keep_loops = true;
        return true;
    case 'h':
        a->help = true;
        return true;
    default:
        return false;
    }
}

static bool parse_arguments(int argc, char **argv, arguments *ret_arguments) {
    static const struct option known[] = {
        {"format", required_argument, NULL, 'f'},  {"language", required_argument, NULL, 'l'},
        {"print", required_argument, NULL, 'p'},   {"stats", no_argument, NULL, 's'},
        {"include", required_argument, NULL, 'i'}, {"max-bytes", required_argument, NULL, 'b'},
        {"max-ops", required_argument, NULL, 'o'}, {"max-ms", required_argument, NULL, 'm'},
        {"input", required_argument, NULL, 'v'},   {"keep-loops", no_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    arguments a = {.options = {.max_bytes = (size_t)1 << 30}};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (!take_option(c, &a)) {
            return false;
        }
    }
    *ret_arguments = a;
    return true;
}

/* At most one byte more than allowed, so that the parser can say that it is too much. */
static bool read_file(const char *name, size_t max_bytes, qt_buf *ret_text) {
    enum { STEP = 1 << 16 };
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    if (f == NULL) {
        return false;
    }
    size_t n = STEP;
    while (n > 0 && ret_text->len <= max_bytes) {
        char *room = qt_buf_reserve(ret_text, STEP);
        n = room != NULL ? fread(room, 1, STEP, f) : 0;
        ret_text->len += n;
    }
    bool ok = ferror(f) == 0 && !ret_text->failed;
    if (f != stdin) {
        fclose(f);
    }
    return ok;
}

static int complain(const char *name, const qt_err *err, int code) {
    fprintf(stderr, "qasm-check: %s: %s\n", name, err->msg);
    return code;
}

static qt_code print_program(const arguments *a, const qt_circuit *circuit, qt_buf *out,
                             qt_err *err) {
    return a->print == 2 ? qt_circuit_print_qasm2(circuit, out, err)
                         : qt_circuit_print_qasm3(circuit, out, err);
}

static int check_text(const arguments *a, const char *name, const qt_buf *text) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics diagnostics = {0};
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_err parse_err;
    qt_err err;
    qt_code code =
        qt_qasm_parse(qt_buf_str(text), text->len, &a->options, &circuit, &diagnostics, &parse_err);
    if (code == QT_OK && a->print != 0) {
        if (print_program(a, circuit, &out, &err) != QT_OK) {
            return complain(name, &err, EXIT_BROKEN);
        }
    } else {
        report r = {.file = strcmp(name, "-") == 0 ? "<stdin>" : name,
                    .circuit = circuit,
                    .diagnostics = &diagnostics,
                    .err = &parse_err,
                    .stats = a->stats};
        if ((a->json ? report_json : report_text)(&r, &out, &err) != QT_OK) {
            return complain(name, &err, EXIT_UNREADABLE);
        }
    }
    fwrite(qt_buf_str(&out), 1, out.len, stdout);
    return code == QT_OK ? EXIT_VALID : EXIT_BROKEN;
}

static int check_file(const arguments *a, const char *name) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    if (!read_file(name, a->options.max_bytes, &text)) {
        fprintf(stderr, "qasm-check: cannot read '%s': %s\n", name, strerror(errno));
        return EXIT_UNREADABLE;
    }
    return check_text(a, name, &text);
}

int main(int argc, char **argv) {
    arguments a;
    if (!parse_arguments(argc, argv, &a)) {
        fputs(usage, stderr);
        return EXIT_UNREADABLE;
    }
    a.options.inputs = a.inputs;
    if (a.help) {
        fputs(usage, stdout);
        return EXIT_VALID;
    }
    int worst = optind == argc ? check_file(&a, "-") : EXIT_VALID;
    for (int i = optind; i < argc; i++) {
        int code = check_file(&a, argv[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}
