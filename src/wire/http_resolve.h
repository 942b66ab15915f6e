/* http_resolve.h - names to addresses without holding up the loop. */
#ifndef AN_WIRE_HTTP_RESOLVE_H
#define AN_WIRE_HTTP_RESOLVE_H

#include "andon/wire.h"

struct addrinfo;
typedef struct an__resolver an__resolver;
/* found: NULL when the name is not known; owned by the callee (freeaddrinfo) */
typedef void (*an__resolved)(void *context, struct addrinfo *found, const char *why);

struct addrinfo *an__resolve_digits(const char *host, int port); /* an address in digits; NULL: it is a name */
/* A name, by a thread of its own; `done` in the loop's thread. NULL: no thread could be started. */
an__resolver *an__resolve(an_loop *l, const char *host, int port, an__resolved done, void *context);
void an__resolve_forget(an__resolver *r); /* before `done` was called: it will not be; waits for the thread */

#endif
