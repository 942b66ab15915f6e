/* certificate.h - certificates made on the spot, for tests of TLS. */
#ifndef TEST_WIRE_CERTIFICATE_H
#define TEST_WIRE_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>

/* Writes a self-signed certificate for `names` ("IP:127.0.0.1,DNS:localhost") and its key; valid from now + from_s to now + to_s. */
static inline bool make_certificate(const char *certificate, const char *key, const char *names, long from_s, long to_s)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    if (!pair || !x) return false;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), from_s);
    X509_gmtime_adj(X509_getm_notAfter(x), to_s);
    X509_set_pubkey(x, pair);
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"andon test", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *alternatives = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);
    bool ok = alternatives && X509_add_ext(x, alternatives, -1) && X509_sign(x, pair, EVP_sha256());
    FILE *c = fopen(certificate, "w"), *k = fopen(key, "w");
    ok = ok && c && k && PEM_write_X509(c, x) && PEM_write_PrivateKey(k, pair, NULL, NULL, 0, NULL, NULL);
    if (c) fclose(c);
    if (k) fclose(k);
    X509_EXTENSION_free(alternatives);
    X509_free(x);
    EVP_PKEY_free(pair);
    return ok;
}

#endif
