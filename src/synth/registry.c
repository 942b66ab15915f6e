/* registry.c - the table of generator kinds and the table of --balance choices, simplest first. */
#include "synth/rows.h"

#include <string.h>

static const an_generator_kind *const kinds[] = {
    &an__random, &an__smote, &an__borderline1, &an__borderline2, &an__adasyn, &an__smote_nc, &an__wgan, &an__wgan_filter,
};

const an_generator_kind *const *an_generator_kinds(size_t *count)
{
    *count = AN_COUNT(kinds);
    return kinds;
}

static bool unknown(const char *what, const char *name, const char *const *names, size_t count, an_error *err)
{
    an_buf list = { 0 };
    for (size_t i = 0; i < count; i++) an_buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    an_fail(err, AN_USAGE, "there is no %s \"%s\"", what, name);
    const char *near = an_nearest(name, names, count);
    if (near)
        an_hint(err, "did you mean %s? There are: %s", near, list.data);
    else
        an_hint(err, "there are: %s", list.data);
    an_buf_free(&list);
    return false;
}

const an_generator_kind *an_generator_kind_find(const char *name, an_error *err)
{
    const char *names[AN_COUNT(kinds)];
    for (size_t i = 0; i < AN_COUNT(kinds); i++) {
        if (!strcmp(kinds[i]->name, name)) return kinds[i];
        names[i] = kinds[i]->name;
    }
    unknown("generator kind", name, names, AN_COUNT(kinds), err);
    return NULL;
}

static const an_balance_kind choices[] = {
    { "none", "the training part as it is, threshold 0.5", NULL, false, true },
    { "threshold", "the training part as it is, the threshold moved", NULL, false, true },
    { "weights", "each class weighs the same: n / (2 n_class) a row", NULL, true, false },
    { "random", "rows of the rarer class repeated at random", "random", false, false },
    { "smote", "points between neighbours of the rarer class", "smote", false, false },
    { "borderline1", "SMOTE from the rows at the border of the classes", "borderline1", false, false },
    { "borderline2", "SMOTE from the border, also half-way towards the other class", "borderline2", false, false },
    { "adasyn", "SMOTE with more rows where the other class is near", "adasyn", false, false },
    { "smote-nc", "SMOTE with categories by vote of the neighbours", "smote-nc", false, false },
    { "wgan", "rows of a Wasserstein GAN trained on the rarer class", "wgan", false, false },
    { "wgan-filter", "rows of a Wasserstein GAN trained on all rows, then the minority filter", "wgan-filter", false, false },
};

const an_balance_kind *an_balance_kinds(size_t *count)
{
    *count = AN_COUNT(choices);
    return choices;
}

const an_balance_kind *an_balance_kind_find(const char *name, an_error *err)
{
    const char *names[AN_COUNT(choices)];
    for (size_t i = 0; i < AN_COUNT(choices); i++) {
        if (!strcmp(choices[i].name, name)) return &choices[i];
        names[i] = choices[i].name;
    }
    unknown("balancing", name, names, AN_COUNT(choices), err);
    return NULL;
}
