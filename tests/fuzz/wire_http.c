/* Any bytes as HTTP requests: no crash, and the same result however the bytes are divided, and whether bodies are collected or given in
 * pieces. The first byte seeds the division and picks the limits. */
#include "../wire/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const an_buf *a, an_buf *b)
{
    if (a->size != b->size || (a->size && memcmp(a->data, b->data, a->size) != 0)) abort();
    an_buf_clear(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    an_http_limits small = { .line_bytes = 48, .head_bytes = 160, .body_bytes = 64 };
    const an_http_limits *limits = data[0] & 1 ? &small : NULL;
    const char *bytes = (const char *)data + 1;
    an_rng rng = an_rng_at(data[0], size);
    an_buf whole = { 0 }, other = { 0 };
    feed_all(bytes, size - 1, limits, piece_all, NULL, &whole);
    feed_all(bytes, size - 1, limits, piece_one, NULL, &other);
    compare(&whole, &other);
    feed_all(bytes, size - 1, limits, piece_random, &rng, &other);
    compare(&whole, &other);
    feed_pieces(bytes, size - 1, limits, piece_all, NULL, &other);
    compare(&whole, &other);
    feed_pieces(bytes, size - 1, limits, piece_one, NULL, &other);
    compare(&whole, &other);
    feed_pieces(bytes, size - 1, limits, piece_random, &rng, &other);
    compare(&whole, &other);
    an_buf_free(&whole);
    an_buf_free(&other);
    return 0;
}
