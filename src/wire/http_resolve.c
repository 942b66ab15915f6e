/* http_resolve.c - getaddrinfo in a thread: it may take many seconds where a name server is silent, and a loop must not stand still. */
#include "wire/http_resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct an__resolver {
    an_loop *loop;
    char *host, service[8];
    an__resolved done; /* NULL: forgotten */
    void *context;
    pthread_t thread;
    struct addrinfo *found;
    int failed;
};

static int look_up(const char *host, const char *service, int flags, struct addrinfo **found)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags };
    *found = NULL;
    return getaddrinfo(host, service, &hints, found);
}

static void deliver(void *context)
{
    an__resolver *r = context;
    if (r->done) {
        pthread_join(r->thread, NULL);
        r->done(r->context, r->found, r->failed ? gai_strerror(r->failed) : NULL);
    } else if (r->found) {
        freeaddrinfo(r->found);
    }
    free(r->host);
    free(r);
}

static void *work(void *context)
{
    an__resolver *r = context;
    r->failed = look_up(r->host, r->service, 0, &r->found);
    an_loop_post(r->loop, deliver, r);
    return NULL;
}

struct addrinfo *an__resolve_digits(const char *host, int port)
{
    char service[8];
    struct addrinfo *found;
    snprintf(service, sizeof service, "%u", (unsigned)port & 0xffff);
    return look_up(host, service, AI_NUMERICHOST, &found) == 0 ? found : NULL;
}

an__resolver *an__resolve(an_loop *l, const char *host, int port, an__resolved done, void *context)
{
    an__resolver *r = an_alloc(sizeof *r);
    *r = (an__resolver){ .loop = l, .host = an_strdup(host), .done = done, .context = context };
    snprintf(r->service, sizeof r->service, "%u", (unsigned)port & 0xffff);
    if (pthread_create(&r->thread, NULL, work, r) == 0) return r;
    free(r->host);
    free(r);
    return NULL;
}

void an__resolve_forget(an__resolver *r)
{
    if (!r) return;
    pthread_join(r->thread, NULL);
    r->done = NULL; /* deliver was posted and will free it */
}
