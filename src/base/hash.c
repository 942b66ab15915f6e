/* hash.c - SHA-256 (FIPS 180-4) by OpenSSL, as bytes and as hexadecimal text. */
#include "andon/base.h"
#include "base/file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct an_hasher {
    EVP_MD_CTX *state;
};

/* OpenSSL fails here only when it has no memory or is broken: like any small allocation, the program ends. */
static void must(bool good)
{
    if (good) return;
    static const char text[] = "andon: libcrypto cannot compute SHA-256\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(1);
}

an_hasher *an_hasher_new(void)
{
    an_hasher *h = an_alloc(sizeof *h);
    h->state = EVP_MD_CTX_new();
    must(h->state && EVP_DigestInit_ex(h->state, EVP_sha256(), NULL) == 1);
    return h;
}

void an_hasher_add(an_hasher *h, const void *bytes, size_t n)
{
    must(n == 0 || EVP_DigestUpdate(h->state, bytes, n) == 1);
}

void an_hasher_end(an_hasher *h, an_hash *out)
{
    must(EVP_DigestFinal_ex(h->state, out->bytes, NULL) == 1);
    EVP_MD_CTX_free(h->state);
    free(h);
}

void an_hash_bytes(const void *bytes, size_t n, an_hash *out)
{
    an_hasher *h = an_hasher_new();
    an_hasher_add(h, bytes, n);
    an_hasher_end(h, out);
}

bool an__hash_fd(int fd, const char *path, an_hash *out, uint64_t *bytes, an_error *err)
{
    enum { PIECE = 1 << 18 };
    char *piece = an_alloc(PIECE);
    an_hasher *h = an_hasher_new();
    uint64_t total = 0;
    ssize_t got;
    while ((got = read(fd, piece, PIECE)) != 0) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        an_hasher_add(h, piece, (size_t)got);
        total += (uint64_t)got;
    }
    int number = errno;
    an_hasher_end(h, out);
    free(piece);
    errno = number;
    if (got < 0) return an_fail_errno(err, "cannot read \"%s\"", path);
    if (bytes) *bytes = total;
    return true;
}

bool an_hash_file(const char *path, an_hash *out, an_error *err)
{
    int fd = an__file_open(path, err);
    if (fd < 0) return false;
    bool good = an__hash_fd(fd, path, out, NULL, err);
    close(fd);
    return good;
}

void an_hash_hex(const an_hash *h, char out[65])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = digits[h->bytes[i] >> 4];
        out[2 * i + 1] = digits[h->bytes[i] & 15];
    }
    out[64] = '\0';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool an_hash_parse(const char *hex64, an_hash *out)
{
    if (!hex64 || strlen(hex64) != 64) return false;
    for (size_t i = 0; i < 32; i++) {
        int high = digit(hex64[2 * i]), low = digit(hex64[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
