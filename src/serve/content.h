/* content.h - content codings (RFC 9110, section 8.4): bodies that come packed, answers that leave packed. */
#ifndef AN_SERVE_CONTENT_H
#define AN_SERVE_CONTENT_H

#include "andon/wire.h"

enum {
    AN__CONTENT_MOST = 64 << 20, /* bytes of a body after unpacking: as many as the server takes of one that is not packed */
    AN__CONTENT_FREE = 1 << 20,  /* so many, and AN__CONTENT_RATIO for each byte that came: rows of a plant become 3 to 20 times as long */
    AN__CONTENT_RATIO = 64,
    AN__CONTENT_LEAST = 1024 /* answers below are never packed: they fit one packet as they are */
};

/* The body without its coding, of at most `most` bytes: where it has none, it lies in the request; else in *room, which the caller frees.
 * false: *status is 415 (a coding that is not known: answer AN__CONTENT_TAKES), 400 (damaged), 413 (too much, packed or not) or 503 (no
 * memory). */
bool an__content_body(const an_http_request *r, size_t most, char **room, an_span *body, int *status, an_error *err);
#define AN__CONTENT_TAKES "Accept-Encoding: gzip, deflate\r\n"

typedef enum an__coding { AN__IDENTITY, AN__GZIP, AN__DEFLATE } an__coding;
/* What Accept-Encoding asks for: the better one, gzip where both are as good. */
an__coding an__content_wanted(const an_http_request *r);
/* Packed, new; NULL where that would not be smaller. */
char *an__content_pack(an__coding c, const void *bytes, size_t n, size_t *packed);

#endif
