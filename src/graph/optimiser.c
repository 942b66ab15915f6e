/* optimiser.c - parameter updates as graph: SGD with momentum, RMSProp, Adam; clipping afterwards. */
#include "graph/op.h"

#include <stdlib.h>

typedef struct builder {
    an_graph *g;
    an_params *params;
    const char *prefix;
    const an_optimiser *o;
    an_update *updates;
    int count;
    an_error *err;
} builder;

/* A state parameter "<prefix>/<of>/<name>" like `like`, zeros when it is new. */
static an_node state(builder *b, const char *of, const char *name, an_dtype t, an_shape shape)
{
    char *full = of == NULL ? an_format("%s/%s", b->prefix, name) : an_format("%s/%s/%s", b->prefix, of, name);
    an_node n = an__broken(b->g);
    const an_tensor *old = an_params_get(b->params, full);
    if (old != NULL || an_params_add(b->params, full, t, shape, NULL, b->err) != NULL) n = an_param_node(b->g, full, t, shape);
    free(full);
    return n;
}

static void update(builder *b, an_node param, an_node value)
{
    b->updates[b->count++] = (an_update){ param, value };
}

static an_node clipped(const builder *b, an_node value)
{
    return b->o->clip > 0 ? an_clip(value, -b->o->clip, b->o->clip) : value;
}

/* ---- the rules --------------------------------------------------------------------------------------------------------------- */

static bool sgd(builder *b, an_node p, an_node g, const char *name)
{
    an_node step = g;
    if (b->o->momentum > 0) {
        an_node m = state(b, name, "m", an_node_dtype(p), an_node_shape(p));
        step = an_add(an_mul_scalar(m, b->o->momentum), g);
        update(b, m, step);
    }
    update(b, p, clipped(b, an_sub(p, an_mul_scalar(step, b->o->rate))));
    return true;
}

/* T. Tieleman and G. Hinton, Coursera "Neural Networks for Machine Learning", lecture 6.5, 2012: divide by the root of a running mean of
 * squares. */
static bool rmsprop(builder *b, an_node p, an_node g, const char *name)
{
    an_node v = state(b, name, "v", an_node_dtype(p), an_node_shape(p));
    an_node v1 = an_add(an_mul_scalar(v, b->o->rho), an_mul_scalar(an_square(g), 1 - b->o->rho));
    an_node step = an_div(g, an_add_scalar(an_sqrt(v1), b->o->epsilon));
    update(b, v, v1);
    if (b->o->momentum > 0) {
        an_node m = state(b, name, "m", an_node_dtype(p), an_node_shape(p));
        step = an_add(an_mul_scalar(m, b->o->momentum), step);
        update(b, m, step);
    }
    update(b, p, clipped(b, an_sub(p, an_mul_scalar(step, b->o->rate))));
    return true;
}

/* D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1. The corrections are scalars, computed once a
 * step. */
static bool adam(builder *b, an_node p, an_node g, const char *name, an_node rate, an_node correction2)
{
    an_node m = state(b, name, "m", an_node_dtype(p), an_node_shape(p)), v = state(b, name, "v", an_node_dtype(p), an_node_shape(p));
    an_node m1 = an_add(an_mul_scalar(m, b->o->beta1), an_mul_scalar(g, 1 - b->o->beta1));
    an_node v1 = an_add(an_mul_scalar(v, b->o->beta2), an_mul_scalar(an_square(g), 1 - b->o->beta2));
    an_node root = an_sqrt(an_mul(v1, correction2));
    update(b, m, m1);
    update(b, v, v1);
    update(b, p, clipped(b, an_sub(p, an_mul(rate, an_div(m1, an_add_scalar(root, b->o->epsilon))))));
    return true;
}

/* beta1^t and beta2^t are kept as state: two numbers that are multiplied once a step. They are stored as 1 - beta^t, so that zeros are the
 * start. */
static void adam_scalars(builder *b, an_dtype t, an_node *rate, an_node *correction2)
{
    const an_optimiser *o = b->o;
    const an_shape one = { 0, { 0 } };
    an_node s1 = state(b, NULL, "bias1", AN_F64, one), s2 = state(b, NULL, "bias2", AN_F64, one);
    an_node n1 = an_add_scalar(an_mul_scalar(s1, o->beta1), 1 - o->beta1), n2 = an_add_scalar(an_mul_scalar(s2, o->beta2), 1 - o->beta2);
    update(b, s1, n1);
    update(b, s2, n2);
    *rate = an_cast(an_mul_scalar(an_reciprocal(n1), o->rate), t);
    *correction2 = an_cast(an_reciprocal(n2), t);
}

static bool check(const an_optimiser *o, an_error *err)
{
    const struct {
        const char *name;
        double value, low, high;
    } range[] = { { "rate", o->rate, 0, INFINITY },
                  { "rho", o->rho, 0, 1 },
                  { "beta1", o->beta1, 0, 1 },
                  { "beta2", o->beta2, 0, 1 },
                  { "epsilon", o->epsilon, 0, INFINITY },
                  { "momentum", o->momentum, 0, 1 },
                  { "clip", o->clip, 0, INFINITY } };
    for (size_t i = 0; i < AN_COUNT(range); i++)
        if (!(range[i].value >= range[i].low && range[i].value <= range[i].high))
            return an_fail(err, AN_USAGE, "optimiser %s: %s %g is outside %g .. %g", o->kind, range[i].name, range[i].value, range[i].low,
                           range[i].high);
    return true;
}

int an_optimiser_build(an_graph *g, an_params *params, const char *prefix, const an_optimiser *o, const an_node *param,
                       const an_node *gradient, int count, an_update *updates, an_error *err)
{
    static const char *const kinds[] = { "rmsprop", "adam", "sgd" };
    size_t kind = 0;
    while (kind < AN_COUNT(kinds) && (o->kind == NULL || strcmp(o->kind, kinds[kind]) != 0)) kind++;
    if (kind == AN_COUNT(kinds)) {
        an_fail(err, AN_USAGE, "no optimiser is named \"%s\"; there are rmsprop, adam and sgd", o->kind == NULL ? "" : o->kind);
        return -1;
    }
    if (!check(o, err)) return -1;
    an_error own = { .code = AN_OK };
    builder b = { g, params, prefix, o, updates, 0, &own };
    an_node rate = { 0 }, correction2 = { 0 };
    for (int i = 0; i < count; i++) {
        if (param[i].id < 0 || gradient[i].id < 0 || an__item_of(param[i])->op != &an__op_param) {
            if (!an_graph_error(g, err)) an_fail(err, AN_FAILED, "optimiser: %d of the nodes is no parameter", i);
            return -1;
        }
        const char *name = an__item_of(param[i])->name;
        if (kind == 1 && i == 0) adam_scalars(&b, an_node_dtype(param[0]), &rate, &correction2);
        if (kind == 0)
            rmsprop(&b, param[i], gradient[i], name);
        else if (kind == 1)
            adam(&b, param[i], gradient[i], name, rate, correction2);
        else
            sgd(&b, param[i], gradient[i], name);
    }
    if (own.code != AN_OK) {
        if (err != NULL) *err = own;
        return -1;
    }
    if (an_graph_error(g, err)) return -1;
    return b.count;
}
