/* explain.c - a linear model's coefficients in the units of the data: prepared = (x - center) / scale is undone. */
#include "learn/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct term {
    char *name;
    const char *unit; /* NULL: none */
    double coefficient, per_sd;
    size_t at;
} term;

static int by_size(const void *a, const void *b)
{
    const term *x = a, *y = b;
    double p = fabs(x->per_sd), q = fabs(y->per_sd);
    if (p != q) return p > q ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

json_t *an_model_explain(const an_model *m, an_error *err)
{
    const an_predictor_kind *kind = m->predictor->kind;
    const double *w, *deviation;
    double intercept;
    size_t d;
    if (!(kind->can & AN_CAN_EXPLAIN) || !kind->coefficients || !kind->coefficients(m->predictor, &w, &deviation, &d, &intercept)) {
        an_fail(err, AN_INPUT, "a model of kind %s has no coefficients to show", kind->name);
        return NULL;
    }
    term *terms = an_alloc_n(d, sizeof *terms);
    for (size_t i = 0; i < m->prep->columns; i++) {
        const an_prep_column *c = &m->prep->column[i];
        for (size_t j = c->first; j < c->first + c->width && j < d; j++) {
            double scale = c->onehot ? 1 : c->scale, center = c->onehot ? 0 : c->center;
            terms[j] = (term){ an_prep_output_name(m->prep, j), an__feature_is_number(c) && !c->onehot ? c->unit : NULL, w[j] / scale,
                               w[j] * deviation[j], j };
            intercept -= w[j] * center / scale;
        }
    }
    qsort(terms, d, sizeof *terms, by_size);
    json_t *list = json_array();
    for (size_t j = 0; j < d; j++) {
        json_t *one = json_object();
        json_object_set_new(one, "name", json_string(terms[j].name));
        json_object_set_new(one, "unit", terms[j].unit ? json_string(terms[j].unit) : json_null());
        json_object_set_new(one, "coefficient", an_json_real(terms[j].coefficient));
        json_object_set_new(one, "odds_ratio", an_json_real(exp(terms[j].coefficient)));
        json_object_set_new(one, "per_sd", an_json_real(terms[j].per_sd));
        json_array_append_new(list, one);
        free(terms[j].name);
    }
    free(terms);
    json_t *out = json_object();
    json_object_set_new(out, "intercept", an_json_real(intercept));
    json_object_set_new(out, "coefficients", list);
    return out;
}
