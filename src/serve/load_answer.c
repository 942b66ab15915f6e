/* load_answer.c - is this answer a right one? A fast server that answers nonsense must not pass. */
#include "serve/load.h"

#include <string.h>

static bool wrong(char kind[40], char why[256], const char *what, const char *more)
{
    snprintf(kind, 40, "%s", what);
    snprintf(why, 256, "%.255s", more);
    return false;
}

/* A number within 0 and 1. */
static bool probability(const json_t *p, char kind[40], char why[256])
{
    if (!json_is_number(p)) return wrong(kind, why, "no probability", "the answer has no number as probability");
    double value = json_number_value(p);
    if (value >= 0 && value <= 1) return true;
    char text[64];
    snprintf(text, sizeof text, "a probability of %.17g", value);
    return wrong(kind, why, "probability outside 0 to 1", text);
}

static bool row(const json_t *r, char kind[40], char why[256])
{
    const char *label = an_json_string(r, "label", "");
    if (!*label) return wrong(kind, why, "no label", "the answer has no label");
    return probability(json_object_get(r, "probability"), kind, why);
}

static bool rows(const json_t *j, char kind[40], char why[256])
{
    if (!json_is_array(j)) return row(j, kind, why);
    if (!json_array_size(j)) return wrong(kind, why, "no label", "the answer is an empty list");
    size_t i;
    const json_t *r;
    json_array_foreach(j, i, r)
        if (!row(r, kind, why)) return false;
    return true;
}

static bool outputs(const json_t *j, char kind[40], char why[256])
{
    const json_t *all = json_object_get(j, "outputs"), *o, *value;
    if (!json_array_size(all)) return wrong(kind, why, "no outputs", "the answer has no outputs");
    size_t i, k;
    json_array_foreach(all, i, o) {
        const json_t *data = json_object_get(o, "data");
        const char *name = an_json_string(o, "name", "");
        if (!json_array_size(data)) return wrong(kind, why, "no outputs", "an output of the answer has no data");
        if (!strcmp(name, "label") && (!json_is_string(json_array_get(data, 0)) || !*json_string_value(json_array_get(data, 0))))
            return wrong(kind, why, "no label", "the answer has no label");
        if (!strcmp(name, "probability"))
            json_array_foreach(data, k, value)
                if (!probability(value, kind, why)) return false;
    }
    return true;
}

bool an__load_answer(const an_http_reply *reply, bool v2, char kind[40], char why[256])
{
    if (reply->status != 200) {
        char status[24];
        snprintf(status, sizeof status, "status %d", reply->status);
        snprintf(kind, 40, "%s", status);
        size_t n = reply->body.size < 200 ? reply->body.size : 200;
        snprintf(why, 256, "%s: %.*s", status, (int)n, reply->body.data ? reply->body.data : "");
        return false;
    }
    an_error err = { 0 };
    json_t *j = an_json_parse(reply->body.data ? reply->body.data : "", reply->body.size, "the answer", &err);
    if (!j) return wrong(kind, why, "not JSON", err.message);
    bool ok = v2 ? outputs(j, kind, why) : rows(j, kind, why);
    json_decref(j);
    return ok;
}
