/* registry.c - the table of predictor kinds, and a predictor made from a kind and its options. A new predictor is one file and one line
 * here. */
#include "learn/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const an_predictor_kind *const kinds[] = {
    &an__logistic,
};

const an_predictor_kind *const *an_predictor_kinds(size_t *count)
{
    *count = AN_COUNT(kinds);
    return kinds;
}

const an_predictor_kind *an_predictor_kind_find(const char *name, an_error *err)
{
    const char *names[AN_COUNT(kinds)];
    for (size_t i = 0; i < AN_COUNT(kinds); i++) {
        if (!strcmp(kinds[i]->name, name)) return kinds[i];
        names[i] = kinds[i]->name;
    }
    an_fail(err, AN_USAGE, "there is no model kind \"%s\"", name);
    const char *near = an_nearest(name, names, AN_COUNT(names));
    if (near) {
        an_hint(err, "did you mean %s?", near);
        return NULL;
    }
    an_buf all = { 0 };
    for (size_t i = 0; i < AN_COUNT(names); i++) an_buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    an_hint(err, "model kinds: %s", all.data);
    an_buf_free(&all);
    return NULL;
}

an_predictor *an_predictor_new(const an_predictor_kind *kind, const json_t *options, an_error *err)
{
    an_predictor *p = an_alloc(sizeof *p);
    p->kind = kind;
    p->options = an_alloc(kind->options_size ? kind->options_size : 1);
    an_params_defaults(kind->params, p->options);
    if (options && !json_is_null(options) && !an_params_set_all(kind->params, p->options, options, err)) {
        an_context(err, "%s", kind->name);
        an_predictor_free(p);
        return NULL;
    }
    return p;
}

void an_predictor_free(an_predictor *p)
{
    if (!p) return;
    if (p->kind->free) p->kind->free(p);
    an_params_free(p->kind->params, p->options);
    free(p->options);
    free(p);
}

bool an__samples_check(const an_samples *s, an_error *err)
{
    if (!s->n) return an_fail(err, AN_INPUT, "there are no rows to train on");
    if (!s->d) return an_fail(err, AN_INPUT, "there are no feature columns to train on");
    bool have[2] = { false, false }, weighted[2] = { false, false };
    for (size_t i = 0; i < s->n; i++) {
        double w = s->weight ? s->weight[i] : 1;
        if (!(w >= 0) || !isfinite(w))
            return an_fail(err, AN_INPUT, "the weight of training row %zu is %g; weights are finite and not negative", i + 1, w);
        have[s->label[i] != 0] = true;
        if (w > 0) weighted[s->label[i] != 0] = true;
    }
    if (!have[0] || !have[1]) {
        an_fail(err, AN_INPUT, "the training rows have one class only (%s)", have[1] ? "all positive" : "all negative");
        return an_hint(err, "a classifier needs rows of both classes; look at the target column and the split");
    }
    if (!weighted[0] || !weighted[1])
        return an_fail(err, AN_INPUT, "all %s training rows have weight zero", weighted[0] ? "positive" : "negative");
    for (size_t i = 0; i < s->n * s->d; i++)
        if (!isfinite(s->x[i]))
            return an_fail(err, AN_INPUT, "training row %zu, prepared column %zu is not finite", i / s->d + 1, i % s->d + 1);
    return true;
}
