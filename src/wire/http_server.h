/* http_server.h - what the files of the HTTP server share: server, connection, exchange.
 *
 * A connection has a queue of exchanges in the order of its requests. Whatever happens to a connection during a turn of the loop marks it,
 * and at the end of the turn an__conn_settle writes what can be written, closes what is to be closed, and sets events and timer anew: so
 * there is one read and one write a turn, and no connection disappears under the hands of a handler.
 */
#ifndef AN_WIRE_HTTP_SERVER_H
#define AN_WIRE_HTTP_SERVER_H

#include "wire/http.h"

enum {
    AN__INPUT_BYTES = 65536,    /* read at once; one buffer for the whole server */
    AN__KEEP_BYTES = 16384,     /* buffers above this are given back after use */
    AN__QUEUED_BYTES = 1 << 20, /* requests and answers of one connection that wait; above it nothing more is read */
    AN__PIECE_BYTES = 65536,    /* asked of a source at once */
    AN__SPARE_EXCHANGES = 256,
};
#define AN__LINGER_S 2.0       /* after the last arrival */
#define AN__LINGER_MOST_S 30.0 /* in all */

typedef struct an__conn an__conn;

enum { AN__WAITING, AN__READY, AN__STREAM }; /* for its answer; to be written; answered by a source */

struct an_exchange {
    an__message message;
    an__conn *conn;
    an_exchange *next; /* in the connection's queue, or of the spare ones */
    double arrived;
    size_t counted; /* bytes of the request, then of the answer, within conn->queued */
    uint8_t state;
    bool head;    /* HEAD: no body */
    bool old;     /* HTTP/1.0 */
    bool keep;    /* the client wants to go on */
    bool closes;  /* the connection ends after this answer */
    bool interim; /* 100 Continue: no answer to a request */
    bool own;     /* made by the server itself, not owed by a handler */
    bool takes;   /* its body goes to the sink */
    an_http_sink sink;
    /* the answer */
    an_buf out;             /* head, and the body when it is small or was copied */
    char *body;             /* taken */
    size_t body_size, sent; /* sent: of out and body together */
    /* a source */
    an_http_source source;
    bool chunked, sized, ended, cut, rests; /* rests: it had nothing, and waits for an_exchange_wake */
    uint64_t left;                          /* sized: bytes still to come */
    an_buf piece;
};

struct an__conn {
    an_http_server *server;
    an__conn *previous, *next;           /* of all */
    an__conn *idle_previous, *idle_next; /* of those that do nothing, longest first */
    an__conn *next_marked, *next_resumed;
    int fd; /* -1: closed; the rest stands until the last exchange is answered */
    an__ssl *ssl;
    an_exchange *first, *last; /* the queue */
    an_exchange *reading;      /* whose message the parser fills */
    an_exchange *taking;       /* the last of the queue, while its body goes to its sink */
    size_t pending, queued;    /* exchanges in the queue, bytes of their requests and answers */
    an_http_parser parser;
    an_buf rest; /* input that was read and must wait, from rest_at */
    size_t rest_at;
    an_timer *timer;
    double timer_at;
    double since;     /* idle or accepted since; the head's first byte; the body's start; the end of lingering */
    double last_in;   /* bytes came */
    double held_at;   /* when reading was held up */
    double last_out;  /* bytes went, or began to wait */
    uint64_t body_in; /* bytes of the body that came */
    bool idle, marked, resumed;
    bool fresh;                   /* nothing has been read yet: over TLS the handshake is due */
    bool in_body;                 /* since and body_in are those of a body */
    bool stopped;                 /* the sink has enough for now */
    bool continuing;              /* 100 Continue is on its way */
    bool held;                    /* nothing is read for the server's own reasons: the client's clock stands still */
    bool no_more;                 /* nothing further is parsed: the connection will be closed */
    bool eof, gone;               /* the client has closed its side; gone: so seen, or broken */
    bool broken, resets, lingers; /* resets: closed by a reset, so that the client does not take a cut answer for a whole one */
    bool lingering;
    bool blocked;          /* the socket took less than there was */
    bool read_needs_write; /* TLS */
    char peer[56];
};

struct an_http_server {
    an_loop *loop;
    an_http_limits limits;
    void *context;
    void (*handle)(void *context, an_exchange *x);
    void (*head)(void *context, an_exchange *x);
    int listener, port;
    bool accepting;
    an_timer *accept_again;
    an__tls *tls; /* of new connections */
    an__renewal *renewal;
    an__conn *conns, *idle_first, *idle_last;
    an__conn *marked, *marked_last, *resumed;
    an_timer *resume; /* of those in `resumed` */
    an_exchange *spare;
    size_t spares;
    char *input;   /* AN__INPUT_BYTES */
    char date[40]; /* the header line, made once a second */
    size_t date_size;
    double date_at;
    an_http_counts counts;
    size_t standing; /* connections whose memory stands */
    bool draining, freed, settling;
    an_timer *drain_timer;
    void (*drained)(void *context);
    void *drained_context;
};

/* http_connection.c */
void an__conn_new(an_http_server *s, int fd, const char *peer);
void an__conn_mark(an__conn *c);  /* to be settled at the end of the turn */
void an__conn_close(an__conn *c); /* at once; frees it when no answer is owed any more and it is not marked */
void an__conn_queue(an__conn *c, an_exchange *x);
void an__server_settle(void *server); /* the end of a turn */

/* http_sink.c */
an_http_state an__conn_head(an__conn *c, int *status); /* the head of c->reading is there and a body follows: MORE or BAD */
void an__conn_piece(an__conn *c, an_span piece);       /* to the sink */
void an__conn_whole(an__conn *c);                      /* the body that the sink takes has come */
an_exchange *an__conn_untake(an__conn *c);             /* it never will; the exchange, which nobody owes an answer now; NULL: none */

/* http_write.c */
void an__conn_write(an__conn *c);            /* what is ready; sets blocked, broken */
bool an__conn_has_output(const an__conn *c); /* something could be written now */
void an__conn_drop_answers(an__conn *c);     /* closed: all that are answered or need no answer leave the queue */
void an__exchange_release(an_http_server *s, an_exchange *x);
an_exchange *an__exchange_get(an_http_server *s);

/* http_answer.c */
void an__exchange_refuse(an_exchange *x, int status, const char *why); /* {"error": why}, and the connection closes */

/* http_server.c */
void an__server_accept(an_http_server *s, bool on);
void an__server_done(an_http_server *s); /* after connections have gone: drained? freed? */

#endif
