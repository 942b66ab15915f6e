/* http_io.c - bytes in and out of sockets, plain or through TLS (OpenSSL), and the TLS contexts. Nothing here waits and nothing raises
 * SIGPIPE: OpenSSL's own socket BIO writes without MSG_NOSIGNAL, so it gets one of ours.
 */
#include "wire/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool an__io_prepare(int fd)
{
    int one = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0;
}

/* ---- the socket as OpenSSL sees it ---- */

static int bio_write(BIO *b, const char *bytes, int n)
{
    ssize_t sent = send((int)(intptr_t)BIO_get_data(b), bytes, (size_t)n, MSG_NOSIGNAL);
    BIO_clear_retry_flags(b);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(b);
    return (int)sent;
}

static int bio_read(BIO *b, char *to, int room)
{
    ssize_t got = recv((int)(intptr_t)BIO_get_data(b), to, (size_t)room, 0);
    BIO_clear_retry_flags(b);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(b);
    if (got == 0) BIO_set_flags(b, BIO_FLAGS_IN_EOF);
    return (int)got;
}

static long bio_control(BIO *b, int command, long number, void *pointer)
{
    (void)number, (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_EOF:
        return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
    default:
        return 0;
    }
}

/* ---- contexts ---- */

/* The method table of the BIO belongs to the context (application data 0): no global state. A context whose certificate was replaced lives
 * until its last session ends, as their BIOs need the table; `users` counts the owner and the sessions, which are all of one thread. */
typedef struct held {
    BIO_METHOD *method;
    size_t users;
} held;

enum { HELD = 0 };

/* A key with a passphrase is an error: OpenSSL would ask for it on the terminal, and wait. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    (void)out, (void)size, (void)writing, (void)context;
    return 0;
}

static an__tls *context_new(const SSL_METHOD *kind, an_error *err)
{
    SSL_CTX *t = SSL_CTX_new(kind);
    BIO_METHOD *method = t ? BIO_meth_new(BIO_TYPE_SOURCE_SINK | 127, "andon socket") : NULL;
    if (!method || !SSL_CTX_set_min_proto_version(t, TLS1_2_VERSION) || !BIO_meth_set_write(method, bio_write) ||
        !BIO_meth_set_read(method, bio_read) || !BIO_meth_set_ctrl(method, bio_control)) {
        BIO_meth_free(method);
        SSL_CTX_free(t);
        an_fail(err, AN_FAILED, "cannot set up TLS");
        return NULL;
    }
    held *h = an_alloc(sizeof *h);
    *h = (held){ .method = method, .users = 1 };
    SSL_CTX_set_ex_data(t, HELD, h);
    SSL_CTX_set_default_passwd_cb(t, no_passphrase);
    SSL_CTX_set_mode(t, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(t, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    return t;
}

void an__tls_free(an__tls *t)
{
    if (!t) return;
    held *h = SSL_CTX_get_ex_data(t, HELD);
    if (--h->users) return;
    SSL_CTX_free(t);
    BIO_meth_free(h->method);
    free(h);
}

/* The last thing that OpenSSL has to say, for people. */
static void reason(char *out, size_t size)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    snprintf(out, size, "%s", text ? text : code ? "an error without a name" : "no reason given");
    ERR_clear_error();
}

static int choose_protocol(SSL *s, const unsigned char **out, unsigned char *size, const unsigned char *offered, unsigned int n,
                           void *context)
{
    (void)s, (void)context;
    static const unsigned char ours[] = "\x08http/1.1";
    if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, size, ours, sizeof ours - 1, offered, n) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    return SSL_TLSEXT_ERR_OK;
}

/* OpenSSL says "system lib" of a file that is not there. */
static bool readable(const char *what, const char *path, an_error *err)
{
    FILE *f = fopen(path, "re");
    if (!f) return an_fail(err, AN_INPUT, "cannot read the %s %s: %s", what, path, strerror(errno));
    fclose(f);
    return true;
}

bool an__tls_present(an__tls *t, const char *certificate, const char *key, an_error *err)
{
    char why[200];
    ERR_clear_error();
    if (!certificate || !key) {
        an_fail(err, AN_USAGE, "TLS needs a certificate and its key");
        return an_hint(err, "Give both PEM files, or neither.");
    }
    if (!readable("certificate", certificate, err) || !readable("key", key, err)) return false;
    if (SSL_CTX_use_certificate_chain_file(t, certificate) != 1) {
        reason(why, sizeof why);
        an_fail(err, AN_INPUT, "cannot use the certificate %s: %s", certificate, why);
        return an_hint(err, "Give a PEM file that holds the certificate, followed by those of its issuers.");
    }
    if (SSL_CTX_use_PrivateKey_file(t, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(t) != 1) {
        reason(why, sizeof why);
        an_fail(err, AN_INPUT, "cannot use the key %s with the certificate %s: %s", key, certificate, why);
        return an_hint(err, "Give the PEM file of the private key that the certificate was made for, without a passphrase.");
    }
    return true;
}

an__tls *an__tls_server(const char *certificate, const char *key, an_error *err)
{
    an__tls *t = context_new(TLS_server_method(), err);
    if (t && an__tls_present(t, certificate, key, err)) {
        SSL_CTX_set_alpn_select_cb(t, choose_protocol, NULL);
        return t;
    }
    an__tls_free(t);
    return NULL;
}

double an__tls_days(const an__tls *t)
{
    const X509 *own = SSL_CTX_get0_certificate(t);
    int days, seconds;
    return own && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(own)) ? days + seconds / 86400.0 : INFINITY;
}

an__tls *an__tls_client(const char *ca, an_error *err)
{
    ERR_clear_error();
    an__tls *t = context_new(TLS_client_method(), err);
    if (!t) return NULL;
    SSL_CTX_set_verify(t, SSL_VERIFY_PEER, NULL);
    if (ca && !readable("root certificates", ca, err)) {
        an__tls_free(t);
        return NULL;
    }
    int ok = ca ? SSL_CTX_load_verify_locations(t, ca, NULL) : SSL_CTX_set_default_verify_paths(t);
    if (ok == 1) return t;
    char why[200];
    reason(why, sizeof why);
    an_fail(err, AN_INPUT, "cannot read the root certificates %s: %s", ca ? ca : "of the system", why);
    an__tls_free(t);
    return NULL;
}

static SSL *session(an__tls *t, int fd)
{
    SSL *s = SSL_new(t);
    held *h = SSL_CTX_get_ex_data(t, HELD);
    BIO *b = s ? BIO_new(h->method) : NULL;
    if (!b) {
        SSL_free(s);
        return NULL;
    }
    BIO_set_data(b, (void *)(intptr_t)fd);
    BIO_set_init(b, 1);
    SSL_set_bio(s, b, b);
    h->users++;
    return s;
}

an__ssl *an__ssl_server(an__tls *t, int fd)
{
    SSL *s = session(t, fd);
    if (s) SSL_set_accept_state(s);
    return s;
}

an__ssl *an__ssl_client(an__tls *t, int fd, const char *host)
{
    SSL *s = session(t, fd);
    if (!s) return NULL;
    SSL_set_connect_state(s);
    struct in6_addr address;
    bool number = inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
    bool ok = number ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s), host) == 1
                     : SSL_set1_host(s, host) == 1 && SSL_set_tlsext_host_name(s, (char *)(uintptr_t)host) == 1;
    if (ok) return s;
    an__ssl_free(s);
    return NULL;
}

void an__ssl_close(an__ssl *s)
{
    ERR_clear_error();
    if (s && SSL_is_init_finished(s)) SSL_shutdown(s);
}

void an__ssl_free(an__ssl *s)
{
    if (!s) return;
    SSL_CTX *t = SSL_get_SSL_CTX(s);
    SSL_free(s);
    an__tls_free(t); /* its user is gone */
}

bool an__ssl_greeted(an__ssl *s)
{
    return SSL_is_init_finished(s);
}

void an__ssl_why(an__ssl *s, char *out, size_t size)
{
    long verified = SSL_get_verify_result(s);
    if (verified != X509_V_OK) {
        snprintf(out, size, "the certificate is not trusted: %s", X509_verify_cert_error_string(verified));
        ERR_clear_error();
        return;
    }
    if (!ERR_peek_last_error()) {
        snprintf(out, size, "the connection closed");
        return;
    }
    reason(out, size);
}

/* ---- in and out ---- */

static ssize_t ssl_result(SSL *s, int n)
{
    switch (SSL_get_error(s, n)) {
    case SSL_ERROR_WANT_READ:
        return AN__AGAIN_READ;
    case SSL_ERROR_WANT_WRITE:
        return AN__AGAIN_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        return AN__BROKEN;
    }
}

ssize_t an__io_receive(int fd, an__ssl *s, void *to, size_t room)
{
    if (s) {
        ERR_clear_error();
        int n = SSL_read(s, to, room > INT32_MAX ? INT32_MAX : (int)room);
        return n > 0 ? n : ssl_result(s, n);
    }
    for (;;) {
        ssize_t n = recv(fd, to, room, 0);
        if (n >= 0) return n;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return AN__AGAIN_READ;
        if (errno != EINTR) return AN__BROKEN;
    }
}

ssize_t an__io_send(int fd, an__ssl *s, const struct iovec *parts, size_t count)
{
    if (!s) {
        struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count };
        for (;;) {
            ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
            if (n >= 0) return n;
            if (errno == EAGAIN || errno == EWOULDBLOCK) return AN__AGAIN_WRITE;
            if (errno != EINTR) return AN__BROKEN;
        }
    }
    ssize_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t done = 0;
        while (done < parts[i].iov_len) {
            size_t left = parts[i].iov_len - done;
            ERR_clear_error();
            int n = SSL_write(s, (const char *)parts[i].iov_base + done, left > INT32_MAX ? INT32_MAX : (int)left);
            if (n <= 0) return total ? total : ssl_result(s, n);
            done += (size_t)n;
            total += n;
        }
    }
    return total;
}
