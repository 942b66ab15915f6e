/* http.h - what the files of the HTTP core share: the message that a parser fills, the parser's state, sockets with or without TLS. */
#ifndef AN_WIRE_HTTP_H
#define AN_WIRE_HTTP_H

#include "andon/wire.h"

/* ---- the loop, beyond its public face ------------------------------------------------------------------------------------------ */

/* Called after all functions of an_loop_each_turn: where a server writes what was answered during the turn. */
void an__loop_last(an_loop *l, void (*function)(void *context), void *context);
void an__loop_last_remove(an_loop *l, void (*function)(void *context), void *context);

/* ---- messages and their parser --------------------------------------------------------------------------------------------------- */

/* One request or reply. All text lies in one block that grows: head, decoded path, body; the slices of `request` follow when it moves. */
typedef struct an__message {
    char *data;
    size_t size, capacity;
    int status; /* of a reply */
    char why[160];
    an_http_request request; /* a reply uses header, headers, body, minor and keep_alive */
} an__message;

/* Room for n more bytes; false: no memory, or more than anyone may ask for. */
bool an__message_reserve(an__message *m, size_t n);
/* Empty again; memory above `keep` bytes is given back. */
void an__message_clear(an__message *m, size_t keep);
void an__message_free(an__message *m);

enum an__place {
    AN__START, /* nothing of a message yet */
    AN__BLANK, /* the CR of one blank line before a request */
    AN__LINE,
    AN__HEADERS,
    AN__HEAD, /* a head that a body follows, before it is decided what becomes of that */
    AN__BODY,
    AN__TO_END, /* the body of a reply that ends with the connection */
    AN__SIZE,
    AN__EXTENSION,
    AN__SIZE_LF,
    AN__DATA,
    AN__DATA_CR,
    AN__DATA_LF,
    AN__TRAILERS,
    AN__DONE,
    AN__BAD
};

struct an_http_parser {
    an__message *m;                  /* who feeds sets it */
    const an_http_limits *limits;    /* without zeros */
    uint8_t place;                   /* enum an__place */
    bool reply;                      /* replies are parsed, not requests */
    bool headless;                   /* reply: to a HEAD, so that no body follows */
    bool owned;                      /* made by an_http_parser_new */
    bool heads;                      /* stops at heads */
    bool pieces;                     /* this body is given in pieces, not kept */
    bool blank;                      /* a blank line went before the request */
    bool chunked, continues;         /* Transfer-Encoding: chunked; Expect: 100-continue and the body is still to come */
    uint8_t hosts, lengths, codings; /* how many of these headers, at most 2 */
    uint8_t digits;                  /* of a chunk size */
    int16_t status;                  /* when BAD */
    uint16_t trailers;
    uint32_t host; /* index of the Host header */
    size_t line;   /* where the current line begins in m->data */
    size_t extra;  /* bytes of chunk extensions, trailers */
    size_t body;   /* where the body begins in m->data */
    uint64_t left; /* of the body, of the chunk; the chunk size while it is read */
    uint64_t most; /* bytes of this body that are allowed */
    uint64_t got;  /* bytes of this body so far */
    an_span piece; /* of the last feed */
};

void an__parser_init(an_http_parser *p, const an_http_limits *limits, bool reply);
an_http_limits an__limits(const an_http_limits *given); /* with the defaults filled in; NULL: all defaults */
bool an__parser_in_body(const an_http_parser *p);       /* the head is complete, the body is not */
/* A reply whose body ends with the connection: the end has come. DONE, or BAD when the message was cut short. */
an_http_state an__parser_end(an_http_parser *p, int *status);
/* BAD from now on; false. */
bool an__parser_bad(an_http_parser *p, int status, const char *format, ...) AN_PRINTF(3, 4);

/* http_head.c: one line of a head in m->data[from .. to), without CRLF, and the end of the head. False: BAD. */
bool an__head_line(an_http_parser *p, size_t from, size_t to);
bool an__head_header(an_http_parser *p, size_t from, size_t to);
bool an__head_trailer(an_http_parser *p, size_t from, size_t to);
bool an__head_end(an_http_parser *p); /* sets chunked and left */

/* http_text.c */
bool an__token_char(unsigned char c);
bool an__host_char(unsigned char c);  /* of the name of a host */
bool an__value_char(unsigned char c); /* what a header value may hold */
int an__hex(unsigned char c);         /* -1: no hex digit */
bool an__nocase(const char *a, const char *b, size_t n);
const char *an__status_text(int status);

/* ---- sockets ------------------------------------------------------------------------------------------------------------------------ */

typedef struct ssl_st an__ssl;
typedef struct ssl_ctx_st an__tls;

enum { AN__AGAIN_READ = -1, AN__AGAIN_WRITE = -2, AN__BROKEN = -3 }; /* instead of a byte count */

/* The contexts of servers and clients. */
an__tls *an__tls_server(const char *certificate, const char *key, an_error *err);
an__tls *an__tls_client(const char *ca, an_error *err);
/* A certificate of one's own and its key, PEM: what a client shows to a server that asks. */
bool an__tls_present(an__tls *t, const char *certificate, const char *key, an_error *err);
double an__tls_days(const an__tls *t); /* until its own certificate expires; negative: since; INFINITY: it has none */
void an__tls_free(an__tls *t);         /* sessions may still run: it ends with the last */
an__ssl *an__ssl_server(an__tls *t, int fd);
an__ssl *an__ssl_client(an__tls *t, int fd, const char *host); /* verifies that the certificate is for `host` */
void an__ssl_close(an__ssl *s);                                /* says goodbye if that is possible at once */
void an__ssl_free(an__ssl *s);
bool an__ssl_greeted(an__ssl *s);                     /* the handshake is over, as far as this side knows */
void an__ssl_why(an__ssl *s, char *out, size_t size); /* why the last call was AN__BROKEN */

/* http_renew.c: a server's certificate that is replaced while it runs. new: before its files are read for the first time. */
typedef struct an__renewal an__renewal;
an__renewal *an__renewal_new(const char *certificate, const char *key);
void an__renewal_look(an__renewal *r, an__tls **tls, double now); /* at most once a second of `now`; r NULL: nothing */
const char *an__renewal_why(an__renewal *r, const an__tls *tls);  /* what people should know of it; "": nothing; until the next call */
void an__renewal_free(an__renewal *r);

struct iovec;
/* Both never raise SIGPIPE and never wait. Receive: 0 is the end. Send: bytes taken of all parts together. s NULL: plain. */
ssize_t an__io_receive(int fd, an__ssl *s, void *to, size_t room);
ssize_t an__io_send(int fd, an__ssl *s, const struct iovec *parts, size_t count);
bool an__io_prepare(int fd); /* TCP_NODELAY */

#endif
