/* selecting columns: parts of the method against closed forms, what is found in tables whose truth is known, how much is found in noise,
 * that the test part is not read, that threads do not matter, and a person's word. */
#include "learn/select.h"
#include "learn/testing.h"

#include "andon/score.h"

typedef struct world {
    an_table *t;
    size_t *rows; /* all */
} world;

/* n parts of which `positives` are broken; `noise` columns n00, n01 ... that mean nothing; more columns are added by the tests. */
static world world_make(size_t n, size_t positives, int noise, uint64_t seed)
{
    world w = { an_table_new(n), an_alloc_n(n, sizeof *w.rows) };
    an_column *y = add_column(w.t, "broken", AN_INTEGER);
    y->role = AN_TARGET;
    w.t->positive = an_strdup("1");
    for (size_t i = 0; i < n; i++) {
        w.rows[i] = i;
        y->integer[i] = (i + 1) * positives / n > i * positives / n;
        an_set_valid(y, i);
    }
    an_rng r = an_rng_at(seed, 1);
    for (int k = 0; k < noise; k++) {
        char name[16];
        snprintf(name, sizeof name, "n%02d", k);
        an_column *c = add_column(w.t, name, AN_REAL);
        for (size_t i = 0; i < n; i++) {
            c->real[i] = an_rng_normal(&r);
            an_set_valid(c, i);
        }
    }
    return w;
}

static void world_free(world *w)
{
    an_table_free(w->t);
    free(w->rows);
}

static bool broken(const world *w, size_t i)
{
    return an_table_find(w->t, "broken")->integer[i] == 1;
}

/* shift: of the broken parts; wide: their spread as a multiple of the others'; like: a column it follows (NULL: none) */
static an_column *measure(world *w, const char *name, double shift, double wide, const char *like, double noise, uint64_t seed)
{
    an_column *c = add_column(w->t, name, AN_REAL);
    const an_column *from = like ? an_table_find(w->t, like) : NULL;
    an_rng r = an_rng_at(seed, 2);
    for (size_t i = 0; i < w->t->rows; i++) {
        double z = an_rng_normal(&r);
        c->real[i] = from ? from->real[i] + noise * z : (broken(w, i) ? shift + wide * z : z);
        an_set_valid(c, i);
    }
    return c;
}

static an_select_options defaults(void)
{
    an_select_options o = { 0 };
    an_params_defaults(an_select_params, &o);
    return o;
}

static void options_free(an_select_options *o)
{
    an_params_free(an_select_params, o);
}

static an_selection *chosen(const world *w, const an_select_options *o, int threads, uint64_t seed)
{
    an_error err = { 0 };
    an_pool *pool = an_pool_new(threads);
    an_job *job = an_job_new(&(an_job_options){ .pool = pool, .seed = seed });
    an_selection *s = an_select_columns(w->t, w->rows, w->t->rows, o, job, &err);
    if (!s) fail_msg("%s", err.message);
    an_job_free(job);
    an_pool_free(pool);
    return s;
}

static const an_select_group *group_of(const world *w, const an_selection *s, const char *name)
{
    for (size_t k = 0; k < s->groups; k++)
        for (size_t m = 0; m < s->group[k].members; m++)
            if (!strcmp(w->t->column[s->group[k].member[m]].name, name)) return &s->group[k];
    return NULL;
}

static const char *speaker(const world *w, const an_select_group *g)
{
    return w->t->column[g->representative].name;
}

/* ---- parts ---- */

static void closed_forms(void **state)
{
    (void)state;
    for (double x = 0.5; x < 5000; x *= 1.7) {
        double two = an__minus_log_p(x, 2), one = an__minus_log_p(x, 1), four = an__minus_log_p(x, 4);
        assert_true(fabs(two - x / 2) < 1e-9 * x + 1e-12);                                   /* p = exp(-x / 2) */
        assert_true(fabs(four - (x / 2 - log1p(x / 2))) < 1e-9 * x + (x > 1200 ? 0.01 : 0)); /* p = (1 + x / 2) exp(-x / 2) */
        if (x < 1200) assert_true(fabs(one + log(erfc(sqrt(x / 2)))) < 1e-6 * (1 + one));
    }
    assert_true(an__minus_log_p(0, 2) == 0);
    assert_true(an__minus_log_p(NAN, 2) == 0);
    double x[11], y[11], sum = 0;
    for (int i = 0; i < 11; i++) {
        x[i] = i;
        y[i] = 0.5 * i - 1;
        sum += x[i] * y[i];
    }
    assert_true(fabs(an__dot(x, y, 11) - sum) < 1e-12);
}

/* With orthogonal variables the path is soft thresholding: they come in by the size of their moment, and a copy never beside its original.
 */
static void path_order(void **state)
{
    (void)state;
    enum { M = 64, V = 6 };
    double x[(V + 1) * M], y[M] = { 0 };
    static const double coefficient[V] = { 0.1, -0.9, 0.4, 0, 0.7, -0.2 };
    for (int v = 0; v < V; v++) {
        for (int i = 0; i < M; i++) { /* Walsh functions: orthogonal, mean 0, variance 1 */
            x[v * M + i] = __builtin_parity((unsigned)(i & (v + 1))) ? -1 : 1;
            y[i] += coefficient[v] * x[v * M + i];
        }
    }
    memcpy(x + V * M, x + 1 * M, M * sizeof *x); /* a copy of the strongest */
    static const size_t group[V + 1] = { 0, 1, 2, 3, 4, 5, 6 }, pairs[V + 1] = { 0, 1, 1, 2, 2, 3, 1 };
    size_t entered[V + 1];
    assert_int_equal(an__path_enter(x, y, M, V, group, V, entered), 5); /* the one without a coefficient never comes in */
    static const size_t expected[] = { 1, 4, 2, 5, 0 };
    assert_memory_equal(entered, expected, sizeof expected);
    assert_int_equal(an__path_enter(x, y, M, V, group, 2, entered), 2);
    assert_memory_equal(entered, expected, 2 * sizeof *expected);
    assert_int_equal(an__path_enter(x, y, M, V + 1, pairs, 9, entered), 4);
    static const size_t by_group[] = { 1, 2, 3, 0 };
    assert_memory_equal(entered, by_group, sizeof by_group);
    memset(y, 0, sizeof y);
    assert_int_equal(an__path_enter(x, y, M, V, group, V, entered), 0);
}

/* ---- what is found ---- */

static void finds(void **state)
{
    (void)state;
    world w = world_make(600, 90, 40, 5);
    measure(&w, "shifted", 1.2, 1, NULL, 0, 11);
    measure(&w, "wider", 0, 2.5, NULL, 0, 12); /* broken parts lie on both sides: no difference of means */
    measure(&w, "shifted_again", 0, 1, "shifted", 0.1, 13);
    measure(&w, "opposite", 0, 1, "shifted", 0.1, 14);
    measure(&w, "gaps", 1.5, 1, NULL, 0, 15);
    add_column(w.t, "kind", AN_CATEGORY);
    add_column(w.t, "flag", AN_BOOLEAN);
    an_column *opposite = an_table_find(w.t, "opposite"), *gaps = an_table_find(w.t, "gaps"), *kind = an_table_find(w.t, "kind"),
              *flag = an_table_find(w.t, "flag");
    const char *kinds[] = { "A", "B", "C", "rare" };
    add_names(kind, kinds, 4);
    an_rng r = an_rng_at(3, 3);
    for (size_t i = 0; i < w.t->rows; i++) {
        opposite->real[i] = -opposite->real[i];
        kind->code[i] = i == 7 || i == 70 ? 3 : broken(&w, i) && an_rng_uniform(&r) < 0.5 ? 2 : (int32_t)an_rng_below(&r, 3);
        an_set_valid(kind, i);
        flag->boolean[i] = an_rng_uniform(&r) < (broken(&w, i) ? 0.7 : 0.3);
        an_set_valid(flag, i);
        if (i % 3 == 0) an_set_missing(w.t, gaps, i);
    }
    an_select_options o = defaults();
    an_selection *s = chosen(&w, &o, 1, 1);
    assert_int_equal(s->rows, 600);
    assert_int_equal(s->positives, 90);
    assert_int_equal(s->candidates, 47);
    assert_int_equal(s->groups, 45);
    static const char *const found[] = { "shifted", "wider", "gaps", "kind", "flag" };
    for (size_t k = 0; k < AN_COUNT(found); k++) {
        const an_select_group *g = group_of(&w, s, found[k]);
        assert_non_null(g);
        if (!g->selected) fail_msg("%s is chosen by %.2f and %.2f only", found[k], g->association, g->joint);
        assert_string_equal(speaker(&w, g), found[k]);
    }
    assert_true(s->selected <= 6); /* at most one by mistake */
    assert_ptr_equal(group_of(&w, s, "shifted"), group_of(&w, s, "opposite"));
    assert_ptr_equal(group_of(&w, s, "shifted"), group_of(&w, s, "shifted_again"));
    assert_int_equal(group_of(&w, s, "shifted")->members, 3);
    assert_string_equal(group_of(&w, s, "kind")->measure, "cramers_v");
    assert_string_equal(group_of(&w, s, "gaps")->measure, "auc");
    assert_true(fabs(group_of(&w, s, "gaps")->effect - 0.85) < 0.06); /* Phi(1.5 / sqrt 2) = 0.856 */
    assert_true(s->expected_false <= 0.91);
    json_t *j = an_selection_json(s, w.t);
    assert_int_equal(json_array_size(json_object_get(j, "groups")), s->groups);
    assert_int_equal(json_integer_value(json_object_get(j, "selected")), (json_int_t)s->selected);
    json_decref(j);

    an_error err = { 0 };
    assert_ok(an_selection_apply(s, w.t, &o, &err));
    assert_int_equal(an_table_find(w.t, "shifted")->role, AN_FEATURE);
    assert_int_equal(an_table_find(w.t, "opposite")->role, AN_IGNORED);
    assert_string_equal(an_table_find(w.t, "opposite")->reason, "redundant");
    assert_int_equal(an_table_find(w.t, "broken")->role, AN_TARGET);
    size_t features = 0;
    for (size_t k = 0; k < w.t->columns; k++) {
        const an_column *c = &w.t->column[k];
        features += c->role == AN_FEATURE;
        if (c->role == AN_IGNORED && c->name[0] == 'n') assert_string_equal(c->reason, "unselected");
    }
    assert_int_equal(features, s->selected);
    an_selection_free(s);
    options_free(&o);
    world_free(&w);
}

/* Two columns that tell nothing alone and everything together: the L1 path sees what the ranking cannot. */
static void jointly(void **state)
{
    (void)state;
    world w = world_make(800, 200, 30, 6);
    measure(&w, "a", 0, 1, NULL, 0, 21);
    measure(&w, "b", 0, 1, NULL, 0, 22);
    an_column *a = an_table_find(w.t, "a"), *b = an_table_find(w.t, "b");
    an_rng r = an_rng_at(4, 4);
    for (size_t i = 0; i < w.t->rows; i++) { /* b - a is what differs; both follow something else that hides it */
        double common = 3 * an_rng_normal(&r), difference = 1.2 * broken(&w, i) + 0.7 * an_rng_normal(&r);
        a->real[i] = common;
        b->real[i] = common + 2.2 * difference;
    }
    an_select_options o = defaults();
    an_selection *s = chosen(&w, &o, 1, 1);
    const an_select_group *ga = group_of(&w, s, "a");
    assert_true(ga->association < 0.9);
    assert_true(ga->joint >= 0.9 && ga->selected);
    an_selection_free(s);
    options_free(&o);
    world_free(&w);
}

/* What is wrong shows only within the variants, whose difference is ten times as large. */
static void context(void **state)
{
    (void)state;
    world w = world_make(600, 90, 30, 7);
    static const char *const measures[] = { "torque", "limit", "other", "third", "fourth" };
    for (size_t k = 0; k < AN_COUNT(measures); k++) measure(&w, measures[k], k ? 0 : -1, 1, NULL, 0, 31 + k);
    add_column(w.t, "variant", AN_CATEGORY);
    const char *names[] = { "A", "B", "C" };
    an_column *column[AN_COUNT(measures)], *variant = an_table_find(w.t, "variant");
    for (size_t k = 0; k < AN_COUNT(measures); k++) column[k] = an_table_find(w.t, measures[k]);
    add_names(variant, names, 3);
    for (size_t i = 0; i < w.t->rows; i++) {
        variant->code[i] = (int32_t)(i * 7 % 3);
        an_set_valid(variant, i);
        column[1]->real[i] = 0;
        for (size_t k = 0; k < AN_COUNT(measures); k++) column[k]->real[i] += (k == 4 ? -10 : 10) * variant->code[i];
    }
    an_select_options o = defaults();
    an_selection *s = chosen(&w, &o, 1, 1);
    assert_int_equal(s->context.count, 1);
    assert_string_equal(s->context.items[0], "variant");
    assert_true(group_of(&w, s, "torque")->selected);
    assert_int_equal(group_of(&w, s, "torque")->members, 1); /* alike only because of the variant */
    assert_false(group_of(&w, s, "other")->selected);
    assert_false(group_of(&w, s, "limit")->selected);
    an_error err = { 0 };
    assert_ok(an_selection_apply(s, w.t, &o, &err));
    assert_int_equal(variant->role, AN_FEATURE); /* needed to read the others */
    assert_int_equal(column[1]->role, AN_IGNORED);
    an_selection_free(s);
    options_free(&o);
    world_free(&w);

    w = world_make(200, 50, 3, 8);
    an_list_add(&o.context, "n00");
    assert_fails(an_select_columns(w.t, w.rows, 200, &o, NULL, &err), AN_INPUT, "no category");
    an_list_free(&o.context);
    an_list_add(&o.context, "nobody");
    assert_fails(an_select_columns(w.t, w.rows, 200, &o, NULL, &err), AN_NOT_FOUND, "nobody");
    options_free(&o);
    world_free(&w);
}

/* ---- what is found in noise ---- */

static void noise(void **state)
{
    (void)state;
    an_select_options o = defaults();
    o.expected_false = 2;
#ifdef ANDON_SANITIZED
    enum { WORLDS = 3 };
#else
    enum { WORLDS = 20 };
#endif
    size_t found = 0;
    for (uint64_t k = 0; k < WORLDS; k++) {
        world w = world_make(200, 30, 100, 100 + k);
        an_selection *s = chosen(&w, &o, 1, k);
        assert_true(s->expected_false <= 2 && s->expected_false > 1);
        found += s->selected;
        an_selection_free(s);
        world_free(&w);
    }
    if (found > 2 * WORLDS) fail_msg("%zu columns of noise selected in %d tables", found, WORLDS); /* the bound: 2 a table */
    options_free(&o);
}

/* A column that is constant within batches, in 12 batches of which three went wrong for another reason: no evidence. */
static void units(void **state)
{
    (void)state;
    world w = world_make(600, 60, 20, 9);
    measure(&w, "real", 0, 1, NULL, 0, 41);
    add_column(w.t, "batch", AN_INTEGER)->role = AN_GROUP;
    add_column(w.t, "setting", AN_REAL);
    an_column *batch = an_table_find(w.t, "batch"), *setting = an_table_find(w.t, "setting"), *y = an_table_find(w.t, "broken");
    an_rng r = an_rng_at(5, 5);
    for (size_t i = 0; i < w.t->rows; i++) {
        int64_t b = (int64_t)i / 50;
        batch->integer[i] = b;
        setting->real[i] = (double)((b * 5) % 12);
        y->integer[i] = an_rng_uniform(&r) < (b == 2 || b == 7 || b == 9 ? 0.35 : 0.05);
        an_set_valid(batch, i);
        an_set_valid(setting, i);
    }
    an_column *real = an_table_find(w.t, "real");
    for (size_t i = 0; i < w.t->rows; i++) real->real[i] += 2.0 * (double)y->integer[i];
    an_select_options o = defaults();
    an_selection *s = chosen(&w, &o, 1, 1);
    assert_true(group_of(&w, s, "real")->selected);
    double with = group_of(&w, s, "setting")->association;
    an_selection_free(s);
    batch->role = AN_IGNORED; /* taken for independent rows, the same data look like evidence */
    s = chosen(&w, &o, 1, 1);
    double without = group_of(&w, s, "setting")->association;
    if (!(with < without)) fail_msg("chosen by %.2f of the halves with batches kept together, %.2f without", with, without);
    an_selection_free(s);
    options_free(&o);
    world_free(&w);
}

/* ---- what is not read, what does not matter ---- */

static void same_selection(const world *w, const an_selection *a, const an_selection *b)
{
    json_t *x = an_selection_json(a, w->t), *y = an_selection_json(b, w->t);
    assert_true(json_equal(x, y));
    json_decref(x);
    json_decref(y);
}

static void only_training_rows(void **state)
{
    (void)state;
    world w = world_make(400, 80, 20, 10);
    measure(&w, "shifted", 1, 1, NULL, 0, 51);
    size_t n = 0;
    for (size_t i = 0; i < 400; i++)
        if (i % 4) w.rows[n++] = i;
    an_select_options o = defaults();
    an_error err = { 0 };
    an_selection *before = an_select_columns(w.t, w.rows, n, &o, NULL, &err);
    assert_non_null(before);
    for (size_t i = 0; i < 400; i += 4) { /* the rest says the opposite, in other orders of magnitude */
        for (size_t k = 0; k < w.t->columns; k++) {
            an_column *c = &w.t->column[k];
            if (c->type == AN_REAL) c->real[i] = c->real[i] * -1e6 + (double)k;
        }
        an_table_find(w.t, "broken")->integer[i] ^= 1;
    }
    an_selection *after = an_select_columns(w.t, w.rows, n, &o, NULL, &err);
    assert_non_null(after);
    same_selection(&w, before, after);
    an_selection_free(before);
    an_selection_free(after);
    options_free(&o);
    world_free(&w);
}

static void threads(void **state)
{
    (void)state;
    world w = world_make(300, 60, 30, 12);
    measure(&w, "shifted", 1, 1, NULL, 0, 61);
    measure(&w, "weak", 0.4, 1, NULL, 0, 62);
    an_select_options o = defaults();
    an_selection *one = chosen(&w, &o, 1, 7), *three = chosen(&w, &o, 3, 7), *other = chosen(&w, &o, 1, 8);
    same_selection(&w, one, three);
    json_t *x = an_selection_json(one, w.t), *y = an_selection_json(other, w.t);
    assert_false(json_equal(x, y)); /* another seed, other halves */
    json_decref(x);
    json_decref(y);
    an_selection_free(one);
    an_selection_free(three);
    an_selection_free(other);
    options_free(&o);
    world_free(&w);
}

/* More rows than are looked at: all of the rarer class, a draw of the others. */
static void many_rows(void **state)
{
    (void)state;
    world w = world_make(3000, 120, 10, 13);
    measure(&w, "shifted", 1, 1, NULL, 0, 71);
    an_select_options o = defaults();
    o.rows = 500;
    an_selection *s = chosen(&w, &o, 1, 1);
    assert_int_equal(s->rows, 500);
    assert_int_equal(s->positives, 120);
    assert_true(group_of(&w, s, "shifted")->selected);
    an_selection_free(s);
    options_free(&o);
    world_free(&w);
}

static void numeric_target(void **state)
{
    (void)state;
    world w = world_make(300, 60, 30, 14);
    an_column *y = an_table_find(w.t, "broken");
    y->role = AN_IGNORED;
    measure(&w, "wear", 0, 1, NULL, 0, 81)->role = AN_TARGET;
    free(w.t->positive);
    w.t->positive = NULL;
    measure(&w, "cause", 0, 1, "wear", 1, 82);
    an_select_options o = defaults();
    an_selection *s = chosen(&w, &o, 1, 1);
    assert_int_equal(s->positives, 0);
    const an_select_group *g = group_of(&w, s, "cause");
    assert_true(g->selected);
    assert_string_equal(g->measure, "spearman");
    assert_true(fabs(g->effect - 6 / M_PI * asin(sqrt(0.5) / 2)) < 0.08); /* Spearman's for r = 1 / sqrt 2 */
    an_selection_free(s);
    options_free(&o);
    world_free(&w);
}

/* ---- a person's word ---- */

static void by_hand(void **state)
{
    (void)state;
    world w = world_make(400, 80, 20, 15);
    measure(&w, "shifted", 1.5, 1, NULL, 0, 91);
    measure(&w, "twin", 0, 1, "shifted", 0.1, 92);
    measure(&w, "clock", 1.5, 1, NULL, 0, 93);
    measure(&w, "fixed", 0, 1, NULL, 0, 94);
    measure(&w, "late", 3, 1, NULL, 0, 95);
    an_column *fixed = an_table_find(w.t, "fixed"), *late = an_table_find(w.t, "late");
    for (size_t i = 0; i < w.t->rows; i++) fixed->real[i] = 7;
    late->role = AN_IGNORED;
    late->reason = an_strdup("after-decision");
    an_select_options o = defaults();
    an_list_add(&o.keep, "twin");
    an_list_add(&o.keep, "n03");
    an_list_add(&o.drop, "clock");
    an_selection *s = chosen(&w, &o, 1, 1);
    assert_null(group_of(&w, s, "clock"));
    assert_string_equal(speaker(&w, group_of(&w, s, "shifted")), "twin"); /* who is kept speaks */
    assert_true(group_of(&w, s, "n03")->kept && !group_of(&w, s, "n03")->selected);
    assert_int_equal(s->constant.count, 1);
    assert_string_equal(s->constant.items[0], "fixed");
    an_error err = { 0 };
    assert_ok(an_selection_apply(s, w.t, &o, &err));
    static const struct {
        const char *name, *reason;
    } expected[] = { { "twin", NULL },         { "n03", NULL },         { "shifted", "redundant" },
                     { "clock", "requested" }, { "fixed", "constant" }, { "late", "after-decision" } };
    for (size_t k = 0; k < AN_COUNT(expected); k++) {
        const an_column *c = an_table_find(w.t, expected[k].name);
        assert_int_equal(c->role, expected[k].reason ? AN_IGNORED : AN_FEATURE);
        if (expected[k].reason) assert_string_equal(c->reason, expected[k].reason);
    }
    assert_true(an_table_find(w.t, "twin")->kept);
    an_selection_free(s);

    an_list_add(&o.drop, "n03");
    assert_fails(an_select_columns(w.t, w.rows, 400, &o, NULL, &err), AN_USAGE, "both kept and dropped");
    options_free(&o);
    o = defaults();
    an_list_add(&o.keep, "late");
    assert_fails(an_select_columns(w.t, w.rows, 400, &o, NULL, &err), AN_REFUSED, "after the decision");
    options_free(&o);
    o = defaults();
    an_list_add(&o.drop, "broken");
    assert_fails(an_select_columns(w.t, w.rows, 400, &o, NULL, &err), AN_USAGE, "target");
    options_free(&o);
    o = defaults();
    an_list_add(&o.drop, "clok");
    assert_fails(an_select_columns(w.t, w.rows, 400, &o, NULL, &err), AN_NOT_FOUND, "clok");
    options_free(&o);
    world_free(&w);
}

static void refused(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_select_options o = defaults();
    world w = world_make(100, 5, 3, 16);
    assert_fails(an_select_columns(w.t, w.rows, 100, &o, NULL, &err), AN_INPUT, "5 positive");
    assert_fails(an_select_columns(w.t, w.rows, 15, &o, NULL, &err), AN_INPUT, "one value");
    an_table_find(w.t, "broken")->role = AN_IGNORED;
    assert_fails(an_select_columns(w.t, w.rows, 100, &o, NULL, &err), AN_INPUT, "target");
    world_free(&w);

    w = world_make(100, 40, 0, 17);
    assert_fails(an_select_columns(w.t, w.rows, 100, &o, NULL, &err), AN_INPUT, "no feature");
    add_column(w.t, "empty", AN_REAL);
    assert_fails(an_select_columns(w.t, w.rows, 100, &o, NULL, &err), AN_INPUT, "no feature");
    world_free(&w);

    w = world_make(200, 40, 8, 18); /* nothing to find: said when it is to be applied */
    an_selection *s = chosen(&w, &o, 1, 1);
    if (!s->selected) assert_fails(an_selection_apply(s, w.t, &o, &err), AN_INPUT, "beyond chance");
    assert_int_equal(s->selected, 0);
    an_selection_free(s);

    an_column *y = an_table_find(w.t, "broken"); /* three classes and none of them positive */
    y->role = AN_IGNORED;
    an_column *grade = add_column(w.t, "grade", AN_CATEGORY);
    const char *names[] = { "a", "b", "c" };
    add_names(grade, names, 3);
    grade->role = AN_TARGET;
    for (size_t i = 0; i < 200; i++) {
        grade->code[i] = (int32_t)(i % 3);
        an_set_valid(grade, i);
    }
    free(w.t->positive);
    w.t->positive = NULL;
    assert_fails(an_select_columns(w.t, w.rows, 200, &o, NULL, &err), AN_INPUT, "classes");
    world_free(&w);

    w = world_make(200, 40, 8, 19);
    an_job *job = an_job_new(&(an_job_options){ .seed = 1 });
    an_job_stop(job);
    assert_fails(an_select_columns(w.t, w.rows, 200, &o, job, &err), AN_STOPPED, "");
    an_job_free(job);
    world_free(&w);
    options_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_forms),   cmocka_unit_test(path_order),
        cmocka_unit_test(finds),          cmocka_unit_test(jointly),
        cmocka_unit_test(context),        cmocka_unit_test(noise),
        cmocka_unit_test(units),          cmocka_unit_test(only_training_rows),
        cmocka_unit_test(threads),        cmocka_unit_test(many_rows),
        cmocka_unit_test(numeric_target), cmocka_unit_test(by_hand),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
