/* TLS on the experimental grpc_tls_* functions, which read the files again when they change. */
#include "rpc/core.h"

#include <unistd.h>

enum { REFRESH_S = 10 };

static bool given(const char *file) {
    return file != NULL && file[0] != '\0';
}

/* gRPC itself only logs a file that it cannot read, and then refuses every handshake. */
static qt_code check_readable(const char *file, qt_err *err) {
    if (given(file) && access(file, R_OK) != 0) {
        return qt_fail(err, SETTING_INVALID, "TLS file %s cannot be read", file);
    }
    return QT_OK;
}

static qt_code check_files(const qt_core_tls_files *files, qt_err *err) {
    if (given(files->cert_file) != given(files->key_file)) {
        return qt_fail(err, SETTING_INVALID, "TLS needs a certificate and its key, or neither");
    }
    QT_TRY(check_readable(files->cert_file, err));
    QT_TRY(check_readable(files->key_file, err));
    return check_readable(files->ca_file, err);
}

static grpc_tls_credentials_options *options_of(const qt_core_tls_files *files) {
    bool has_cert = given(files->cert_file);
    bool has_ca = given(files->ca_file);
    grpc_tls_certificate_provider *provider = grpc_tls_certificate_provider_file_watcher_create(
        has_cert ? files->key_file : NULL, has_cert ? files->cert_file : NULL,
        has_ca ? files->ca_file : NULL, REFRESH_S);
    grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
    grpc_tls_credentials_options_set_certificate_provider(options, provider);
    grpc_tls_certificate_provider_release(provider);
    if (has_cert) {
        grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
    }
    if (has_ca) {
        grpc_tls_credentials_options_watch_root_certs(options);
    }
    return options;
}

qt_code qt_core_server_creds(const qt_core_tls_files *files, grpc_server_credentials **ret_creds,
                             qt_err *err) {
    QT_TRY(check_files(files, err));
    if (!given(files->cert_file)) {
        if (given(files->ca_file)) {
            return qt_fail(err, SETTING_INVALID, "mTLS needs a certificate of the server");
        }
        *ret_creds = grpc_insecure_server_credentials_create();
        return QT_OK;
    }
    grpc_tls_credentials_options *options = options_of(files);
    grpc_tls_credentials_options_set_cert_request_type(
        options, given(files->ca_file) ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                       : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    *ret_creds = grpc_tls_server_credentials_create(options); /* takes the options */
    return *ret_creds != NULL ? QT_OK : qt_fail(err, SETTING_INVALID, "TLS cannot be set up");
}

qt_code qt_core_channel_creds(const qt_core_tls_files *files, grpc_channel_credentials **ret_creds,
                              qt_err *err) {
    QT_TRY(check_files(files, err));
    if (!given(files->ca_file)) {
        *ret_creds = grpc_insecure_credentials_create();
        return QT_OK;
    }
    grpc_tls_credentials_options *options = options_of(files);
    grpc_tls_credentials_options_set_verify_server_cert(options, 1);
    *ret_creds = grpc_tls_credentials_create(options); /* takes the options */
    return *ret_creds != NULL ? QT_OK : qt_fail(err, SETTING_INVALID, "TLS cannot be set up");
}
