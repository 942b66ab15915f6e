/* wire.h - an event loop, and HTTP/1.1 (RFC 9110, 9112) on it: parser, server, client. Knows nothing about models.
 *
 * One thread runs a loop and owns everything attached to it. Only functions marked "from any thread" may be called elsewhere. Slices
 * (pointer and length, not NUL-terminated) are borrowed and live as said.
 */
#ifndef ANDON_WIRE_H
#define ANDON_WIRE_H

#include "andon/base.h"

typedef struct an_span {
    const char *data;
    size_t size;
} an_span;
bool an_span_is(an_span s, const char *text);        /* exactly equal */
bool an_span_is_nocase(an_span s, const char *text); /* ASCII letters alike */

/* ---- the loop: epoll ------------------------------------------------------------------------------------------------------- */

typedef struct an_loop an_loop;
an_loop *an_loop_new(an_error *err);
void an_loop_free(an_loop *l);
/* until an_loop_stop; false when epoll itself fails */
bool an_loop_run(an_loop *l, an_error *err);
void an_loop_stop(an_loop *l);        /* from any thread, and async-signal-safe */
double an_loop_now(const an_loop *l); /* monotonic seconds, read once a turn */

/* AN_HANGUP: the other side has closed (reported when asked for), or the connection is broken (always reported) */
enum { AN_READABLE = 1, AN_WRITABLE = 2, AN_HANGUP = 4 };
typedef void (*an_watch_function)(void *context, int fd, unsigned events);
/* events 0: stop watching (before the fd is closed). The fd must not block. Level-triggered. */
bool an_loop_watch(an_loop *l, int fd, unsigned events, an_watch_function function, void *context, an_error *err);

typedef struct an_timer an_timer; /* owned by the loop; invalid after it fired or was cancelled */
an_timer *an_loop_after(an_loop *l, double seconds, void (*function)(void *context), void *context);
void an_loop_cancel(an_loop *l, an_timer *t); /* NULL is allowed */
/* Calls function in the loop's thread, in the order of posting; from any thread. What was posted and not yet called when the loop is freed
 * is dropped. */
void an_loop_post(an_loop *l, void (*function)(void *context), void *context);
/* Called once at the end of each turn in which anything happened, before the servers write: where work that was collected during the turn
 * is handed on together. Several may be added; they run in that order. */
void an_loop_each_turn(an_loop *l, void (*function)(void *context), void *context);
void an_loop_each_turn_remove(an_loop *l, void (*function)(void *context), void *context);

/* ---- HTTP/1.1 messages -------------------------------------------------------------------------------------------------------- */

enum { AN_HTTP_HEADERS_MAX = 100 };
typedef struct an_http_header {
    an_span name, value; /* value without blanks around it */
} an_http_header;

typedef struct an_http_limits { /* 0: the default */
    size_t line_bytes;          /* request line: 8,192 */
    size_t head_bytes;          /* all of the head: 32,768 */
    size_t body_bytes;          /* after removal of chunking: 64 MiB */
    size_t connections; /* 11,000; above it the one that has been idle for longest gives way, and when none is idle newcomers wait */
    size_t pipelined; /* requests of one connection that wait for their answers: 64 (and 1 MiB of requests and unsent answers); more are not
                         read from the socket */
    double head_s;    /* from the first byte of a head to its end: 10 */
    double body_s;    /* between two arrivals of body bytes: 10; besides at least 1 KiB/s on average after that */
    double idle_s;    /* keep-alive: 75 */
    double write_s;   /* a client that takes no bytes of its answer: 30 */
} an_http_limits;

typedef struct an_http_request {
    an_span method, target; /* target as sent */
    char *path;             /* decoded and normalised: "/v2/models/a"; no "..", no "//", no NUL; owned by the request */
    an_span query;          /* after '?', raw */
    int minor;              /* HTTP/1.minor */
    an_http_header header[AN_HTTP_HEADERS_MAX];
    size_t headers;
    an_span body;
    bool keep_alive, expect_continue;
} an_http_request;

an_span an_http_get(const an_http_request *r, const char *name); /* first header of that name; data NULL: absent */
/* Decoded value of a query parameter (percent and '+'), new text; NULL: absent. index: 0 for the first of several. */
char *an_http_query(const an_http_request *r, const char *name, size_t index);

/* The parser alone, for tests and fuzzing; no input or output. Strict: CRLF line ends (bare LF in the head is 400), no obs-fold, token
 * names, no blank before ':', no control characters in values, one Host in HTTP/1.1, one Content-Length of digits only, no Content-Length
 * beside Transfer-Encoding, Transfer-Encoding exactly "chunked" and 1.1 only, chunk sizes of at most 15 hex digits, chunk extensions
 * skipped within limits, trailers checked like headers and dropped, absolute-form targets with a matching Host, no target that decodes to
 * "..", NUL or invalid percent escapes. Whatever frames ambiguously is refused and the connection closed. Where the RFCs leave room:
 * Content-Length has no leading zeros; one blank line before a request is skipped; a request without a length has no body, but HTTP/1.0
 * POST, PUT and PATCH need one (411); %2F is the same as '/', a backslash is an ordinary character; CONNECT is 501; HTTP/1.2 and above are
 * 505. */
typedef struct an_http_parser an_http_parser;
an_http_parser *an_http_parser_new(const an_http_limits *limits);
void an_http_parser_free(an_http_parser *p);
typedef enum an_http_state { AN_HTTP_MORE, AN_HTTP_DONE, AN_HTTP_BAD, AN_HTTP_HEAD } an_http_state;
/* Feeds bytes; *used says how many were taken (all unless DONE or BAD). DONE: an_http_parser_request is complete, until
 * an_http_parser_next. BAD: *status is the answer (400, 408 is the server's, 411, 413, 414, 417, 431, 501, 503 no memory, 505), `why` of
 * an_http_parser_why a sentence; the connection must be closed. The same bytes in any division give the same result. */
an_http_state an_http_parser_feed(an_http_parser *p, const char *bytes, size_t n, size_t *used, int *status);
const an_http_request *an_http_parser_request(const an_http_parser *p);
const char *an_http_parser_why(const an_http_parser *p);
void an_http_parser_next(an_http_parser *p);          /* forgets the request, keeps memory */
bool an_http_parser_started(const an_http_parser *p); /* bytes of a message have been seen: closing now cuts it short */
/* Bodies in pieces. With `on`, feed stops with HEAD behind the last byte of a head that a body follows (a request whose length is zero or
 * not told has none): the request is there without its body, and an_http_parser_body decides what becomes of that, once; whoever feeds on
 * without it has it collected as usual. pieces: the body, of at most `most` bytes, is not kept; each feed takes at most to the end of one
 * piece (MORE or DONE, possibly with bytes left over), which an_http_parser_piece then shows: a part of what was fed, or empty. BAD: 413,
 * it is longer. */
void an_http_parser_heads(an_http_parser *p, bool on);
an_http_state an_http_parser_body(an_http_parser *p, bool pieces, uint64_t most, int *status);
an_span an_http_parser_piece(const an_http_parser *p);

/* ---- HTTP server ------------------------------------------------------------------------------------------------------------------ */

/* One request that waits for its answer. Answers of a connection go out in the order of its requests. */
typedef struct an_exchange an_exchange;
const an_http_request *an_exchange_request(const an_exchange *x); /* until answered */
const char *an_exchange_peer(const an_exchange *x);               /* "10.0.0.7:51514" */
double an_exchange_arrived(const an_exchange *x);                 /* an_loop_now at the first byte of the head */
/* The client hung up: work may be dropped, an answer is still owed. A client that has closed only its sending side (rare) counts as gone
 * too, but is sent the answer. */
bool an_exchange_gone(const an_exchange *x);

typedef struct an_http_answer {
    int status;
    const char *type;    /* Content-Type; NULL: none */
    const char *headers; /* further ones, each ended by CRLF; NULL: none */
    const void *body;    /* copied, unless body_take */
    size_t body_size;
    char *body_take; /* taken: freed by the server */
    bool close;      /* close the connection afterwards */
} an_http_answer;
/* Exactly once a request, in the loop's thread; x is invalid afterwards. HEAD gets no body. Adds Date, Content-Length, Connection. The
 * bytes of `type` and `headers` go out as they are: no line ends of a user's in them. `body` may lie in the request. */
void an_exchange_answer(an_exchange *x, const an_http_answer *a);
/* A long answer in pieces (event streams, downloads): chunked (HTTP/1.1) or until close (1.0). an_exchange_begin takes the place of
 * an_exchange_answer; `more` is called in the loop's thread whenever the socket takes more: it fills `out` and returns true, or false at
 * the end
 * (`failed`: the connection is cut so that the client notices). Nothing in `out` and true: the source rests until an_exchange_wake. `done`
 * is called once, at the end or when the client went away; x is valid until then. head->body is ignored; body_size above 0 says that so
 * many bytes will come (Content-Length instead of chunks; fewer or more cut the connection). */
typedef struct an_http_source {
    void *context;
    bool (*more)(void *context, an_buf *out, bool *failed);
    void (*done)(void *context);
} an_http_source;
void an_exchange_begin(an_exchange *x, const an_http_answer *head, const an_http_source *source);
/* The source that had nothing has something now; the sink that had enough takes more. In the loop's thread, between an_exchange_begin and
 * `done`, or while a body comes. */
void an_exchange_wake(an_exchange *x);

/* A body in pieces (uploads): the mirror image of a source. A server with `head` calls it for each request that a body follows, as soon as
 * the head is complete. It may take the body; or answer at once: then the body is not read, a client that waits for 100 Continue never
 * sends it, and the connection closes after the answer; or do neither: then the body is collected, within body_bytes, and `handle` is
 * called. `take` gets the bytes in their order, in the loop's thread. It returns false when that is enough for now: nothing more is read
 * from this connection until an_exchange_wake (the bytes it was given are taken nonetheless, and the client's clock stands still
 * meanwhile). `end` is called once, unless x was answered before. whole: all has come, and x is to be answered. Else the rest will never
 * come: the client went away, was too slow, framed it wrongly, sent more than `most`; x is invalid and needs no answer. An answer may be
 * given at any time; before the end it closes the connection, and neither function is called any more. Slices of an_exchange_request(x) may
 * move between two calls. */
typedef struct an_http_sink {
    void *context;
    uint64_t most; /* bytes, more is answered 413; 0: no limit */
    bool waits;    /* it has enough from the start: a client that waits for 100 Continue is not told to go on before an_exchange_wake */
    bool (*take)(void *context, const char *bytes, size_t n);
    void (*end)(void *context, bool whole);
} an_http_sink;
void an_exchange_take(an_exchange *x, const an_http_sink *sink); /* within `head` */

typedef struct an_http_server an_http_server;
typedef struct an_http_server_options {
    const char *address;           /* NULL: 127.0.0.1; "0.0.0.0", "::" ... */
    int port;                      /* 0: one is picked */
    const char *certificate, *key; /* PEM files: TLS 1.2 and up; NULL: plain. When they change, new connections get the new ones. */
    an_http_limits limits;
    void *context;
    void (*handle)(void *context, an_exchange *x); /* in the loop's thread */
    void (*head)(void *context, an_exchange *x);   /* likewise, before a body comes: an_exchange_take; NULL: all bodies are collected */
} an_http_server_options;
an_http_server *an_http_server_new(an_loop *l, const an_http_server_options *o, an_error *err);
int an_http_server_port(const an_http_server *s);
/* What people should know of its certificate: a new one that cannot be used, so that the old one goes on; one that has expired, or will
 * within a week. "": all is well. Until the next call. */
const char *an_http_server_certificate_why(an_http_server *s);
typedef struct an_http_counts {
    uint64_t connections, requests, refused, timeouts, bytes_in,
        bytes_out; /* since the start; refused: answered 4xx or 5xx by the core itself */
    uint64_t open; /* connections now */
} an_http_counts;
void an_http_server_counts(const an_http_server *s, an_http_counts *out);
/* Stops accepting and closes idle connections, others after their answers; `done` when the last is closed or after `seconds`, when the rest
 * is cut. */
void an_http_server_drain(an_http_server *s, double seconds, void (*done)(void *context), void *context);
/* Cuts all connections. Answers that handlers still owe may come later, as long as the loop lives: they go nowhere. Not within `handle`. */
void an_http_server_free(an_http_server *s);

/* ---- HTTP client: one connection on a loop ------------------------------------------------------------------------------------------ */

typedef struct an_http_client an_http_client;
typedef struct an_http_reply {
    int status; /* 0: no answer; why in err */
    an_http_header header[AN_HTTP_HEADERS_MAX];
    size_t headers;
    an_span body;                      /* until the callback returns */
    double sent, first_byte, finished; /* an_clock_s */
} an_http_reply;
typedef void (*an_reply_function)(void *context, const an_http_reply *reply, const an_error *err);
/* url: http://host:port or https://...; ca: PEM file of roots, NULL: the system's; connects when first used, again after a failure. A name
 * is looked up in a thread. timeout_s: of one request in flight, connecting included. */
an_http_client *an_http_client_new(an_loop *l, const char *url, const char *ca, double timeout_s, an_error *err);
/* Queues one request (head and body built by the caller's parts; Host, Content-Length, Connection are added); callback once, in the loop's
 * thread, never within this call. At most one in flight; others wait. When the server has closed the connection meanwhile, a request is
 * sent once more on a new one if nothing of it was sent or its method may be repeated (GET, HEAD, PUT, DELETE, OPTIONS); a POST fails and
 * its sender decides. */
void an_http_client_send(an_http_client *c, const char *method, const char *target, const char *headers, const void *body, size_t n,
                         an_reply_function reply, void *context);
/* Pending callbacks get "closed" (and may not send again). Allowed within a callback. */
void an_http_client_free(an_http_client *c);

/* ---- MQTT ------------------------------------------------------------------------------------------------------------------------- */

/* Publishes to an MQTT 3.1.1 broker with quality of service 1. Blocking, for one thread. */
typedef struct an_mqtt an_mqtt;
typedef struct an_mqtt_options {
    const char *host;
    int port;                      /* 0: 1883, 8883 with TLS */
    const char *client;            /* its name; NULL: the broker makes one */
    const char *user, *password;   /* NULL: none */
    double timeout_s;              /* of one message, connecting included; 0: 5 */
    int keep_alive_s;              /* told to the broker, which gives the connection up after one and a half times that; 0: off */
    bool retain;                   /* the broker keeps the last message of a topic for those who subscribe later */
    bool tls;                      /* TLS 1.2 and up; the certificate must be trusted, and be for `host`, a name or an address */
    const char *ca;                /* PEM file of roots; NULL: the system's */
    const char *certificate, *key; /* PEM files, where the broker asks for a certificate; NULL: none. Read anew for each connection. */
} an_mqtt_options;
an_mqtt *an_mqtt_new(const an_mqtt_options *o, an_error *err); /* connects when first used, again after a failure */
/* True when the broker has acknowledged it. After false it may or may not have it. */
bool an_mqtt_publish(an_mqtt *m, const char *topic, const void *bytes, size_t n, an_error *err);
/* The broker answers: over the connection there is, or a new one. */
bool an_mqtt_ping(an_mqtt *m, an_error *err);
void an_mqtt_hurry(an_mqtt *m, double seconds); /* from any thread: nothing, under way or later, takes longer than until then */
void an_mqtt_free(an_mqtt *m);                  /* NULL is allowed */

#endif
