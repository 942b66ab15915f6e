/* tracking_help.h - calls of tracking from JSON, and runs to call them for: what the tests of tracking share. */
#ifndef TEST_STORE_TRACKING_HELP_H
#define TEST_STORE_TRACKING_HELP_H

#include "help.h"

#include "store/tracking.h"

/* One call; request: JSON with ' for ". Fails the test unless it succeeds. */
static inline json_t *call(an_store *s, const char *name, const char *request, an_error *err)
{
    char *text = an_strdup(request);
    for (char *p = text; *p; p++)
        if (*p == '\'') *p = '"';
    json_t *q = an_json_parse(text, strlen(text), "request", NULL);
    if (!q) fail_msg("test: %s is no JSON", text);
    free(text);
    an_tracking_work w = { .call = an_tracking_find(name), .request = q };
    if (!w.call) fail_msg("no call %s", name);
    an_tracking_do(s, &w, 1);
    json_decref(q);
    *err = w.err;
    if (!w.answer != (w.err.code != AN_OK)) fail_msg("%s: an answer and an error", name);
    return w.answer;
}

static inline json_t *done(an_store *s, const char *name, const char *request)
{
    an_error err;
    json_t *answer = call(s, name, request, &err);
    if (!answer) fail_msg("%s %s: %s", name, request, err.message);
    return answer;
}

static inline void drop(json_t *answer)
{
    json_decref(answer);
}

static inline void refused(an_store *s, const char *name, const char *request, an_code code)
{
    an_error err;
    json_t *answer = call(s, name, request, &err);
    if (answer) fail_msg("%s %s succeeded", name, request);
    if (err.code != code) fail_msg("%s: code %s: %s", name, an_code_name(err.code), err.message);
}

static inline char *new_run(an_store *s, const char *name)
{
    char *q = an_format("{'experiment_id':'0','run_name':'%s','start_time':5}", name);
    json_t *run = done(s, "POST runs/create", q);
    char *id = an_strdup(an_json_string(json_object_get(json_object_get(run, "run"), "info"), "run_id", NULL));
    json_decref(run);
    free(q);
    return id;
}

static inline void log_one(an_store *s, const char *run, const char *key, const char *value, int step, int timestamp)
{
    char *q = an_format("{'run_id':'%s','key':'%s','value':%s,'step':%d,'timestamp':%d}", run, key, value, step, timestamp);
    drop(done(s, "POST runs/log-metric", q));
    free(q);
}

static inline json_t *search(an_store *s, const char *filter, const char *order, int most, const char *token, an_error *err)
{
    json_t *q = json_pack("{s:[s], s:s, s:i}", "experiment_ids", "0", "filter", filter, "max_results", most);
    if (order) json_object_set_new(q, "order_by", json_pack("[s]", order));
    if (token) json_object_set_new(q, "page_token", json_string(token));
    an_tracking_work w = { .call = an_tracking_find("POST runs/search"), .request = q };
    an_tracking_do(s, &w, 1);
    json_decref(q);
    *err = w.err;
    return w.answer;
}

#endif
