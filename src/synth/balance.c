/* balance.c - a training part made whole: weights, or generated rows of the rarer class until the ratio is met. The choices are in
 * registry.c. */
#include "synth/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool weigh(const an__classes *c, size_t n, double **weights, an_error *err)
{
    *weights = an_alloc_data(n ? n : 1, sizeof **weights, "row weights", err);
    if (!*weights) return false;
    for (size_t i = 0; i < n; i++) (*weights)[i] = (double)n / (2 * (double)(c->label[i] ? c->rare_count : c->rest_count));
    return true;
}

/* n rows of the rarer class from a generator of all rows: the minority filter chooses them; elsewhere all are of that class. */
static an_table *draw(const an_generator *g, const an_table *train, size_t n, uint64_t seed, json_t **filter, an_job *job, an_error *err)
{
    if (!g->kind->filtered) return an_generator_sample(g, g->kind->name, seed, 0, n, job, err);
    an_filter_options o;
    memset(&o, 0, sizeof o);
    an_params_defaults(an_filter_params, &o);
    an_table *out = an_filter_sample(g, g->kind->name, train, &o, n, seed, filter, job, err);
    an_params_free(an_filter_params, &o);
    return out;
}

bool an_balance_apply(const an_balance_kind *kind, const json_t *options, double ratio, const an_table *train, an_job *job, an_table **rows,
                      double **weights, json_t **report, an_error *err)
{
    *rows = NULL;
    *weights = NULL;
    if (report) *report = NULL;
    an__classes c;
    if (!an__classes_of(train, &c, err)) return false;
    bool good = true;
    json_t *filter = NULL;
    an_generator *g = NULL;
    size_t wanted = 0, added = 0;
    if (kind->weights) good = weigh(&c, train->rows, weights, err);
    if (good && kind->generator) {
        if (!(ratio > 0 && ratio <= 100)) good = an_fail(err, AN_USAGE, "ratio %g is not between 0 and 100", ratio);
        double total = round(ratio * (double)c.rest_count);
        if (good && total > (double)c.rare_count) wanted = (size_t)total - c.rare_count;
    }
    if (good && wanted) {
        const an_generator_kind *how = an_generator_kind_find(kind->generator, err);
        g = how ? an_generator_fit(how, options, train, job, err) : NULL;
        an_table *more = g ? draw(g, train, wanted, an_seed_derive(an_job_seed(job), "balance", 0), &filter, job, err) : NULL;
        if (more) {
            added = more->rows;
            *rows = an_table_append(train, more, err);
        }
        an_table_free(more);
        good = *rows != NULL;
    }
    if (good && report) {
        *report =
            json_pack("{s:s, s:f, s:s, s:I, s:I, s:I, s:I, s:o, s:O?, s:O?, s:o}", "balance", kind->name, "ratio", ratio, "class", c.rare,
                      "minority", (json_int_t)c.rare_count, "majority", (json_int_t)c.rest_count, "wanted", (json_int_t)wanted, "added",
                      (json_int_t)added, "params", g ? an_params_json(g->kind->params, g->options) : json_null(), "history",
                      g ? g->history : NULL, "scores", g ? g->scores : NULL, "filter", filter ? json_incref(filter) : json_null());
    }
    json_decref(filter);
    an_generator_free(g);
    an__classes_free(&c);
    return good ? good : an_context(err, "balancing by %s", kind->name);
}
