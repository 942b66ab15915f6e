/* Any bytes as HTTP replies, as the client reads them: no crash, and the same result however the bytes are divided. The first byte seeds
 * the division and says whether the request was HEAD. */
#include "wire/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* At most `most` bytes a feed, 0: all at once. */
static void read_replies(const char *bytes, size_t n, bool headless, size_t most, an_buf *out)
{
    an_http_limits limits = an__limits(&(an_http_limits){ .body_bytes = 256, .head_bytes = 512 });
    an__message m = { 0 };
    an_http_parser p;
    an__parser_init(&p, &limits, true);
    p.m = &m;
    p.headless = headless;
    an_http_state state = AN_HTTP_MORE;
    int status = 0;
    for (size_t at = 0, used; at < n && state != AN_HTTP_BAD; at += used) {
        size_t take = most && most < n - at ? most : n - at;
        char *copy = malloc(take);
        if (!copy) abort();
        memcpy(copy, bytes + at, take);
        state = an_http_parser_feed(&p, copy, take, &used, &status);
        free(copy);
        if (state == AN_HTTP_DONE) {
            an_buf_printf(out, "%d %zu [%.*s]\n", m.status, m.request.headers, (int)m.request.body.size, m.request.body.data);
            an_http_parser_next(&p);
            an__message_clear(&m, 4096);
            p.headless = headless;
        }
    }
    if (state != AN_HTTP_BAD) state = an__parser_end(&p, &status);
    if (state == AN_HTTP_BAD)
        an_buf_printf(out, "%d %s", status, an_http_parser_why(&p));
    else
        an_buf_printf(out, "%d [%.*s]", m.status, (int)m.request.body.size, m.request.body.data);
    an__message_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    an_buf whole = { 0 }, single = { 0 }, pieces = { 0 };
    const char *bytes = (const char *)data + 1;
    read_replies(bytes, size - 1, data[0] & 1, 0, &whole);
    read_replies(bytes, size - 1, data[0] & 1, 1, &single);
    read_replies(bytes, size - 1, data[0] & 1, 2 + data[0] % 13, &pieces);
    if (strcmp(whole.data, single.data) != 0 || strcmp(whole.data, pieces.data) != 0) abort();
    an_buf_free(&whole);
    an_buf_free(&single);
    an_buf_free(&pieces);
    return 0;
}
