/* act_demo.c - demo gearbox with its end: the model that flow's demo made is served on a free port, one real part is sent through HTTP, the
 * server is stopped again, and the lines are printed that do the same by hand. Everything before that: src/flow/act_demo.c. */
#include "serve/acts.h"
#include "serve/load.h"
#include "serve/server.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct demo_options { /* as those of flow's demo */
    char *dir;
    int64_t rows, repeats;
} demo_options;

static const an_param params[] = {
    AN_TEXT(demo_options, dir, "gearbox-demo", "folder to make; an unfinished demo there goes on"),
    AN_INT(demo_options, rows, 1100, 200, 1000000, "parts to simulate"),
    AN_INT(demo_options, repeats, 5, 1, 100, "splits of the comparison"),
    AN_PARAM_END,
};

/* ---- one question to a server of our own, both on one loop ---- */

typedef struct trial {
    an_loop *loop;
    an_http_client *client;
    const char *csv;
    an_job *job;
    an__load_bodies bodies; /* the question: the first part of the table */
    json_t *verdict;
    an_error *err;
    bool failed;
} trial;

static void end(trial *t, bool ok)
{
    t->failed = !ok;
    an_loop_stop(t->loop);
}

static json_t *body_of(trial *t, const char *what, const an_http_reply *reply, const an_error *err)
{
    if (reply->status == 200) return an_json_parse(reply->body.data, reply->body.size, what, t->err);
    if (reply->status)
        an_fail(t->err, AN_FAILED, "%s: the server answered %d: %.*s", what, reply->status, (int)(reply->body.size % 400),
                reply->body.data);
    else
        an_fail(t->err, AN_FAILED, "%s: %s", what, err->message);
    return NULL;
}

static void answered(void *context, const an_http_reply *reply, const an_error *err)
{
    trial *t = context;
    t->verdict = body_of(t, "asking for a verdict", reply, err);
    end(t, t->verdict != NULL);
}

static void described(void *context, const an_http_reply *reply, const an_error *err)
{
    trial *t = context;
    json_t *about = body_of(t, "asking what the model needs", reply, err);
    an_csv_options csv = { 0 };
    an_params_defaults(an_csv_params, &csv);
    an_params_clear_list(an_csv_params, &csv, "type");
    if (about) an__load_types(about, &csv.type);
    an_table *table = about ? an_table_read(t->csv, &csv, NULL, NULL, t->job, t->err) : NULL;
    an_params_free(an_csv_params, &csv);
    if (table && an__load_bodies_table(&t->bodies, "gearbox", false, about, table, 1, t->err))
        an_http_client_send(t->client, "POST", t->bodies.target, "Content-Type: application/json\r\n", t->bodies.items[0],
                            t->bodies.sizes[0], answered, t);
    else
        end(t, false);
    an_table_free(table);
    json_decref(about);
}

static bool try_once(an_store *s, trial *t)
{
    an_list names = { 0 };
    an_list_add(&names, "gearbox");
    an__server *server = NULL;
    an__models *models = an__models_new(s, &(an__models_options){ .references = &names, .unapproved = true, .poll_s = 60 }, t->err);
    t->loop = models ? an_loop_new(t->err) : NULL;
    if (t->loop)
        server = an__server_new(&(an__server_options){ .store = s,
                                                       .loop = t->loop,
                                                       .models = models,
                                                       .batch = { .rows = 1, .queue = 8 },
                                                       .deadline_s = 30,
                                                       .rows = 8,
                                                       .part_s = 3600,
                                                       .http = { .address = "127.0.0.1" } },
                                t->err);
    if (server) {
        char *url = an_format("http://127.0.0.1:%d", an__server_port(server));
        t->client = an_http_client_new(t->loop, url, NULL, 30, t->err);
        free(url);
    }
    bool ok = t->client != NULL;
    if (ok) {
        an_http_client_send(t->client, "GET", "/v2/models/gearbox", NULL, NULL, 0, described, t);
        ok = an_loop_run(t->loop, t->err) && !t->failed;
        an_http_client_free(t->client);
    }
    an__models_free(models);
    an__server_free(server);
    an_loop_free(t->loop);
    an_list_free(&names);
    return ok;
}

/* ---- what to type ---- */

static void shell_word(an_buf *out, const char *word)
{
    bool plain = *word;
    for (const char *c = word; *c; c++) plain &= isalnum((unsigned char)*c) || strchr("@%+=:,./_-", *c);
    if (plain) {
        an_buf_puts(out, word);
        return;
    }
    an_buf_putc(out, '\'');
    for (; *word; word++) *word == '\'' ? an_buf_puts(out, "'\\''") : an_buf_putc(out, *word);
    an_buf_putc(out, '\'');
}

static bool serve_and_tell(an_store *s, const demo_options *o, json_t *result, an_job *job, an_error *err)
{
    an_job_say(job, "5. serving the model for one request");
    char *csv = an_path_join(o->dir, "gearbox.csv"), *file = an_path_join(o->dir, "part.json"), *whole = NULL;
    trial t = { .csv = csv, .job = job, .err = err };
    bool ok = try_once(s, &t) && an_file_write(file, t.bodies.items[0], t.bodies.sizes[0], err) &&
              ((whole = realpath(file, NULL)) != NULL || an_fail_errno(err, "%s", file));
    if (ok) {
        an_buf text = { 0 }, curl = { 0 };
        char *at = an_format("@%s", whole);
        an_buf_puts(&curl, "curl -s http://127.0.0.1:8080/api/models/gearbox/predict -d ");
        shell_word(&curl, at);
        an_buf_puts(&text, an_json_string(result, "text", ""));
        an_buf_printf(&text,
                      "\n\nserved for a moment, the model was asked over HTTP about the first part of gearbox.csv (part.json): %s = %s, "
                      "probability %.3f, threshold %.3f\nto serve it and ask by hand (the second line in another terminal):\n"
                      "        andon serve --model gearbox --unapproved\n        %s",
                      "broken", an_json_string(t.verdict, "label", "?"), an_json_number(json_object_get(t.verdict, "probability"), NAN),
                      an_json_number(json_object_get(t.verdict, "threshold"), NAN), curl.data);
        json_object_set_new(result, "text", json_string(text.data));
        json_object_set_new(result, "serve", json_string("andon serve --model gearbox --unapproved"));
        json_object_set_new(result, "curl", json_string(curl.data));
        json_object_set(result, "verdict", t.verdict);
        an_buf_free(&text);
        an_buf_free(&curl);
        free(at);
    }
    an__load_bodies_free(&t.bodies);
    json_decref(t.verdict);
    free(whole);
    free(file);
    free(csv);
    return ok;
}

static const an_act *flows_demo(void)
{
    size_t count;
    const an_act *const *all = an_acts(&count);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(all[i]->name, an__act_demo_served.name)) return all[i];
    return NULL;
}

static json_t *demo_run(an_store *unused, const void *options, an_job *job, an_error *err)
{
    const demo_options *o = options;
    const an_act *flow = flows_demo();
    if (!flow) {
        an_fail(err, AN_FAILED, "the demo is not part of this program");
        return NULL;
    }
    void *inner = an_alloc(flow->options_size);
    an_params_defaults(flow->params, inner);
    json_t *given = an_params_json(params, o);
    json_t *result = an_params_set_all(flow->params, inner, given, err) ? flow->run(unused, inner, job, err) : NULL;
    json_decref(given);
    an_params_free(flow->params, inner);
    free(inner);
    an_store *s = result ? an_store_open(o->dir, err) : NULL;
    bool ok = s && serve_and_tell(s, o, result, job, err);
    an_store_close(s);
    if (ok) return result;
    json_decref(result);
    return NULL;
}

const an_act an__act_demo_served = {
    .name = "demo gearbox",
    .args = "[DIR]",
    .doc = "a whole line on simulated data in a new folder: WGAN, classifier, comparison, report, a served model",
    .more = "Simulates a gearbox line, runs the two example pipelines, compares ways to balance, writes a report, and asks the model once "
            "over HTTP. Ends saying what to open and what to type next on data of your own, and how to serve the model. Nothing is left "
            "running.",
    .examples = { "andon demo gearbox", "andon demo gearbox /tmp/demo --rows 3000" },
    .params = params,
    .options_size = sizeof(demo_options),
    .run = demo_run,
    .no_store = true,
};
