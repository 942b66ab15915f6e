/* serve_load.c - what a load test reads from a server it does not know: answers, metrics, and metadata from which requests are made. */
#include "serve/load.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    an_span rest = { (const char *)data + 1, size - 1 };
    bool v2 = data[0] & 1;
    char kind[40], why[256];
    switch (data[0] >> 1 & 3) {
    case 0:
        an__load_answer(&(an_http_reply){ .status = data[0] & 8 ? 503 : 200, .body = rest }, v2, kind, why);
        break;
    case 1:
        an__load_metric(rest, "andon_replicas");
        an__load_metric(rest, "a{b=\"c\"}");
        break;
    default: {
        an_error err = { 0 };
        json_t *metadata = an_json_parse(rest.data, rest.size, "fuzz", &err);
        an__load_bodies b;
        an_list types = { 0 };
        if (metadata) an__load_types(metadata, &types);
        if (metadata && an__load_bodies_draw(&b, "m/3", v2, metadata, 2, 1, &err)) {
            for (size_t i = 0; i < b.count; i++) { /* what is sent can be read */
                json_t *j = an_json_parse(b.items[i], b.sizes[i], "made", &err);
                if (!j) abort();
                json_decref(j);
            }
            an__load_bodies_free(&b);
        }
        an_list_free(&types);
        json_decref(metadata);
    }
    }
    return 0;
}
