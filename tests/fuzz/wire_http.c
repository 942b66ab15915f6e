/* Any bytes as HTTP requests: no crash, and the same result however the bytes are divided. The first byte seeds the division and picks the
 * limits. */
#include "../wire/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    an_http_limits small = { .line_bytes = 48, .head_bytes = 160, .body_bytes = 64 };
    const an_http_limits *limits = data[0] & 1 ? &small : NULL;
    const char *bytes = (const char *)data + 1;
    an_rng rng = an_rng_at(data[0], size);
    an_buf whole = { 0 }, single = { 0 }, pieces = { 0 };
    feed_all(bytes, size - 1, limits, piece_all, NULL, &whole);
    feed_all(bytes, size - 1, limits, piece_one, NULL, &single);
    feed_all(bytes, size - 1, limits, piece_random, &rng, &pieces);
    if (whole.size != single.size || whole.size != pieces.size) abort();
    if (whole.size && (memcmp(whole.data, single.data, whole.size) != 0 || memcmp(whole.data, pieces.data, whole.size) != 0)) abort();
    an_buf_free(&whole);
    an_buf_free(&single);
    an_buf_free(&pieces);
    return 0;
}
