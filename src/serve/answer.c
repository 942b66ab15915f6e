/* answer.c - request ids, and the way out of every answer: counted, packed where that pays. */
#include "serve/content.h"
#include "serve/server.h"

#include <stdlib.h>
#include <string.h>

/* A word that is safe in a header, a log line and a file name. Anything else is replaced by an id of our own: a gateway with odd ids must
 * not stop the line. */
static bool plain(const char *s, size_t n)
{
    if (!n || n > 128) return false;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("._:-", c)) || !c) return false;
    }
    return true;
}

void an__request_id(an__server *s, const an_http_request *r, char id[AN__ID_ROOM])
{
    const char *given = NULL;
    size_t n = 0;
    for (size_t i = 0; i < r->headers; i++) {
        if (r->header[i].name.size != 12 || strncasecmp(r->header[i].name.data, "X-Request-Id", 12)) continue;
        given = r->header[i].value.data;
        n = r->header[i].value.size;
        break;
    }
    if (given && plain(given, n))
        snprintf(id, AN__ID_ROOM, "%.*s", (int)n, given);
    else
        snprintf(id, AN__ID_ROOM, "%012llx-%08llx", (unsigned long long)s->epoch & 0xffffffffffffULL, (unsigned long long)++s->serial);
}

void an__answer(an__server *s, an_exchange *x, const an__route *route, int status, const char *type, const char *headers, const void *body,
                size_t size)
{
    an__metrics_answer(s->metrics, route, status, an_loop_now(s->o.loop) - an_exchange_arrived(x));
    an_http_answer a = { .status = status, .type = type, .headers = headers, .body = body, .body_size = size };
    char *more = NULL;
    if (size >= AN__CONTENT_LEAST) {
        an__coding coding = an__content_wanted(an_exchange_request(x));
        a.body_take = an__content_pack(coding, body, size, &a.body_size);
        if (!a.body_take) a.body_size = size;
        const char *own = !a.body_take ? "" : coding == AN__GZIP ? "Content-Encoding: gzip\r\n" : "Content-Encoding: deflate\r\n";
        a.headers = more = an_format("%s%sVary: Accept-Encoding\r\n", headers ? headers : "", own);
    }
    an_exchange_answer(x, &a);
    free(more);
}

void an__answer_take(an__server *s, an_exchange *x, const an__route *route, int status, json_t *value)
{
    char *text = an_json_text(value, false);
    an__answer(s, x, route, status, "application/json", NULL, text, strlen(text));
    free(text);
    json_decref(value);
}

int an__status_of(const an_error *err)
{
    switch (err->code) {
    case AN_USAGE:
    case AN_INPUT:
        return 400;
    case AN_NOT_FOUND:
        return 404;
    case AN_REFUSED:
    case AN_BUSY:
    case AN_MEMORY:
        return 503;
    default:
        return 500;
    }
}

void an__answer_error(an__server *s, an_exchange *x, const an__route *route, int status, const an_error *err)
{
    an_buf text = { 0 };
    an_buf_puts(&text, err->message);
    if (err->where[0]) an_buf_printf(&text, " (%s)", err->where);
    if (err->hint[0]) an_buf_printf(&text, "; %s", err->hint);
    json_t *message = json_string(text.data); /* NULL where a name from outside is not UTF-8 */
    an_buf_free(&text);
    an__answer_take(s, x, route, status, json_pack("{s:o}", "error", message ? message : json_string("bad request")));
}
