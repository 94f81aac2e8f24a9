/* TLS and mTLS with certificates that the openssl program makes. */
#include "rig.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define SPIFFE_ID "spiffe://qtaskdist/worker"

static rig r;
static char files[8][200];
enum { CA, SERVER_CERT, SERVER_KEY, CLIENT_CERT, CLIENT_KEY, OTHER_CA, OTHER_CERT, OTHER_KEY };

static void shell(const char *command) {
    const char *const argv[] = {"sh", "-ec", command, NULL};
    char log[200];
    snprintf(log, sizeof log, "%s/log", r.dir);
    ck_assert_int_eq(qt_test_run_command(NULL, argv, log), 0);
}

static void make_authority(const char *name) {
    char command[1024];
    snprintf(
        command, sizeof command,
        "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=%s -keyout %s.key -out %s.pem",
        r.dir, name, name, name);
    shell(command);
}

static void make_cert(const char *name, const char *authority, const char *alt_name) {
    char command[2048];
    snprintf(command, sizeof command,
             "cd %s && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=%s "
             "-keyout %s.key -out %s.csr && printf 'subjectAltName=%s' >%s.ext && "
             "openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days 2 "
             "-extfile %s.ext -out %s.pem",
             r.dir, name, name, name, alt_name, name, name, authority, authority, name, name);
    shell(command);
}

static void set_up(void) {
    static const char *const names[] = {"ca.pem",     "server.pem", "server.key", "client.pem",
                                        "client.key", "other.pem",  "evil.pem",   "evil.key"};
    rig_init(&r);
    make_authority("ca");
    make_authority("other");
    make_cert("server", "ca", "DNS:localhost");
    make_cert("client", "ca", "URI:" SPIFFE_ID);
    make_cert("evil", "other", "URI:" SPIFFE_ID);
    for (size_t i = 0; i < QT_ARRAY_LEN(names); i++) {
        snprintf(files[i], sizeof files[i], "%s/%s", r.dir, names[i]);
    }
    snprintf(r.addr, sizeof r.addr, "127.0.0.1:0");
    r.options.tls_cert_file = files[SERVER_CERT];
    r.options.tls_key_file = files[SERVER_KEY];
}

static void tear_down(void) {
    rig_done(&r);
}

static void start_server(bool mutual) {
    r.options.tls_ca_file = mutual ? files[CA] : "";
    rig_start_server(&r);
    snprintf(r.target, sizeof r.target, "127.0.0.1:%d", qt_rpc_server_port(r.server));
}

static qt_rpc_channel_options client_options(bool with_cert) {
    return (qt_rpc_channel_options){.target = r.target,
                                    .tls_ca_file = files[CA],
                                    .tls_cert_file = with_cert ? files[CLIENT_CERT] : NULL,
                                    .tls_key_file = with_cert ? files[CLIENT_KEY] : NULL,
                                    .tls_server_name = "localhost"};
}

static qt_code call(const qt_rpc_channel_options *options, char *ret_text, size_t cap,
                    qt_err *err) {
    QT_TRY(qt_rpc_channel_new(options, &r.channel, err));
    qt_code code = rig_get_text(&r, "id", &rig_call, ret_text, cap, err);
    qt_rpc_channel_free(r.channel);
    r.channel = NULL;
    return code;
}

START_TEST(test_tls) {
    qt_err err;
    char text[400];
    start_server(false);
    qt_rpc_channel_options options = client_options(false);
    ck_assert_ok(call(&options, text, sizeof text, &err));
    ck_assert_ptr_null(strstr(text, "spiffe"));
    ck_assert_ok(qt_rpc_probe_options(&options, 5000, &err));
}
END_TEST

START_TEST(test_mutual_tls) {
    qt_err err;
    char text[400];
    start_server(true);
    qt_rpc_channel_options options = client_options(true);
    ck_assert_ok(call(&options, text, sizeof text, &err));
    ck_assert_ptr_nonnull(strstr(text, "|" SPIFFE_ID "|"));
    options.tls_server_name = NULL; /* a program asks itself: its certificate is for localhost */
    ck_assert_ok(qt_rpc_probe_options(&options, 5000, &err));
}
END_TEST

START_TEST(test_strangers_are_refused) {
    qt_err err;
    char text[400];
    start_server(true);
    qt_rpc_channel_options options = client_options(false);
    ck_assert_int_eq(call(&options, text, sizeof text, &err), QT_UNAVAILABLE);
    options = client_options(true);
    options.tls_cert_file = files[OTHER_CERT];
    options.tls_key_file = files[OTHER_KEY];
    ck_assert_int_eq(call(&options, text, sizeof text, &err), QT_UNAVAILABLE);
    options.tls_ca_file = NULL; /* plain text */
    options.tls_cert_file = NULL;
    options.tls_key_file = NULL;
    ck_assert_int_eq(call(&options, text, sizeof text, &err), QT_UNAVAILABLE);
}
END_TEST

START_TEST(test_wrong_servers_are_refused) {
    qt_err err;
    char text[400];
    start_server(false);
    qt_rpc_channel_options options = client_options(false);
    options.tls_server_name = "elsewhere.example";
    ck_assert_int_eq(call(&options, text, sizeof text, &err), QT_UNAVAILABLE);
    options = client_options(false);
    options.tls_ca_file = files[OTHER_CA];
    ck_assert_int_eq(call(&options, text, sizeof text, &err), QT_UNAVAILABLE);
}
END_TEST

START_TEST(test_bad_files) {
    qt_err err;
    r.options.tls_cert_file = "/nowhere.pem";
    ck_assert_int_eq(qt_rpc_server_new(&r.options, &r.server, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_SETTING_INVALID);
    r.options.tls_cert_file = "";
    ck_assert_int_eq(qt_rpc_server_new(&r.options, &r.server, &err), QT_INVALID_ARGUMENT);
    r.options.tls_key_file = "";
    r.options.tls_ca_file = files[CA];
    ck_assert_int_eq(qt_rpc_server_new(&r.options, &r.server, &err), QT_INVALID_ARGUMENT);
    qt_rpc_channel_options options = client_options(true);
    options.tls_key_file = NULL;
    ck_assert_int_eq(qt_rpc_channel_new(&options, &r.channel, &err), QT_INVALID_ARGUMENT);
    ck_assert_ptr_null(r.channel);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rpc_tls");
    TCase *tcase = tcase_create("tls");
    tcase_set_timeout(tcase, 90);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_tls);
    tcase_add_test(tcase, test_mutual_tls);
    tcase_add_test(tcase, test_strangers_are_refused);
    tcase_add_test(tcase, test_wrong_servers_are_refused);
    tcase_add_test(tcase, test_bad_files);
    suite_add_tcase(suite, tcase);
    return qt_test_run(suite);
}
