/* serve_content.c - foreign packed bodies and Accept-Encoding headers: the first byte says which coding is claimed, the rest is the body,
 * and as text the header. What unpacks is packed and unpacked again to the same. */
#include "serve/content.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool body_of(const char *coding, const char *bytes, size_t n, char **room, an_span *body)
{
    an_http_request r = { .body = { bytes, n }, .headers = 1 };
    r.header[0] = (an_http_header){ { "Content-Encoding", 16 }, { coding, strlen(coding) } };
    an_error err = { 0 };
    int status = 0;
    if (an__content_body(&r, AN__CONTENT_MOST, room, body, &status, &err)) return true;
    if (!err.message[0] || (status != 400 && status != 413) || *room) abort();
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!size) return 0;
    const char *rest = (const char *)bytes + 1;
    an_http_request r = { .headers = 1 };
    r.header[0] = (an_http_header){ { "Accept-Encoding", 15 }, { rest, size - 1 } };
    an__coding wanted = an__content_wanted(&r);
    char *room;
    an_span body;
    if (!body_of(bytes[0] & 1 ? "gzip" : "deflate", rest, size - 1, &room, &body)) return 0;
    if (body.size > AN__CONTENT_MOST) abort();
    if (body.size && body.size <= 1 << 20 && wanted != AN__IDENTITY) {
        size_t n;
        char *packed = an__content_pack(wanted, body.data, body.size, &n), *again;
        an_span same;
        if (packed && (n > body.size || !body_of(wanted == AN__GZIP ? "gzip" : "deflate", packed, n, &again, &same))) abort();
        if (packed && (same.size != body.size || memcmp(same.data, body.data, same.size))) abort();
        if (packed) free(again);
        free(packed);
    }
    free(room);
    return 0;
}
