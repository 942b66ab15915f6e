/* test_lower.c - the lowered graph against preparation followed by the predictor, bit for bit, in both forms; the probe rows. */
#include "learn/model.h"
#include "learn/testing.h"

typedef struct ran {
    double *prepared, *probability;
    int64_t *label;
} ran;

static void ran_free(ran *r)
{
    free(r->prepared);
    free(r->probability);
    free(r->label);
}

/* Compiles and runs a form of the model on the rows of t, bound by hand. */
static ran run(const an_model *m, const an_table *t, an__layout layout)
{
    an_error err = { 0 };
    size_t n = t->rows, features = m->prep->columns, numbers = 0;
    an_graph *g = an_graph_new();
    an__lowered l;
    if (!an__lower(m, g, layout, &l, &err)) fail_msg("%s", err.message);
    an_node outputs[] = { l.prepared, l.probability, l.label };
    an_target target = {
        .rows = (int64_t)n, .outputs = outputs, .names = (const char *[]){ "prepared", "probability", "label" }, .output_count = 3
    };
    an_program *program = an_compile(g, &target, &err);
    if (!program) fail_msg("%s", err.message);
    an_graph_free(g);
    an_params *none = an_params_new();
    an_session *session = an_session_new(program, none, 1, &err);
    assert_non_null(session);

    an_binding *inputs = an_alloc_n(features + 1, sizeof *inputs);
    void **owned = an_alloc_n(features + 1, sizeof *owned);
    int count = 0;
    for (size_t f = 0; f < features; f++) numbers += an__feature_is_number(&m->prep->column[f]);
    double *matrix = an_alloc_n(n * numbers + 1, sizeof *matrix);
    if (layout == AN__MATRIX && numbers) inputs[count++] = (an_binding){ "input", matrix };
    for (size_t f = 0, at = 0; f < features; f++) {
        const an_prep_column *c = &m->prep->column[f];
        const an_column *x = an_table_find(t, c->name);
        double *real = an_alloc_n(n, sizeof *real);
        int64_t *whole = (int64_t *)(void *)real;
        for (size_t i = 0; i < n; i++) {
            if (an__feature_dtype(c) == AN_STR)
                whole[i] = x->code[i] < 0 ? an__code_missing(c) : c->dictionary.count ? x->code[i] : an__code_unseen(c);
            else if (layout == AN__MATRIX)
                matrix[i * numbers + at] = an_cell_number(x, i) / (x->type == AN_DATETIME ? 1e6 : 1);
            else if (an__feature_dtype(c) == AN_I64)
                whole[i] = x->type == AN_BOOLEAN ? x->boolean[i] : x->integer[i];
            else
                real[i] = an_cell_number(x, i) / (x->type == AN_DATETIME ? 1e6 : 1);
        }
        at += an__feature_is_number(c);
        owned[f] = real;
        if (an__feature_used(c) && (layout == AN__COLUMNS || an__feature_dtype(c) == AN_STR))
            inputs[count++] = (an_binding){ c->name, real };
    }
    an_run r = { .inputs = inputs, .input_count = count, .rows = (int64_t)n };
    if (!an_session_run(session, &r, NULL, &err)) fail_msg("%s", err.message);
    ran out = { an_alloc_n(n * m->prep->width, 8), an_alloc_n(n, 8), an_alloc_n(n, 8) };
    memcpy(out.prepared, an_session_output(session, "prepared"), n * m->prep->width * 8);
    memcpy(out.probability, an_session_output(session, "probability"), n * 8);
    memcpy(out.label, an_session_output(session, "label"), n * 8);
    for (size_t f = 0; f < features; f++) free(owned[f]);
    free(owned);
    free(inputs);
    free(matrix);
    an_session_free(session);
    an_params_release(none);
    an_program_free(program);
    return out;
}

/* The predictor's graph on rows that an_prep_apply prepared. */
static double *predicted(const an_model *m, const double *x, size_t n)
{
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    an_node y = m->predictor->kind->lower(m->predictor, an_input(g, "x", AN_F64, (an_shape){ 2, { AN_BATCH, (int64_t)m->prep->width } }));
    an_target target = { .rows = (int64_t)n, .outputs = &y, .names = (const char *[]){ "y" }, .output_count = 1 };
    an_program *program = an_compile(g, &target, &err);
    if (!program) fail_msg("%s", err.message);
    an_graph_free(g);
    an_params *none = an_params_new();
    an_session *session = an_session_new(program, none, 1, &err);
    an_binding binding = { "x", x };
    an_run r = { .inputs = &binding, .input_count = 1, .rows = (int64_t)n };
    assert_true(an_session_run(session, &r, NULL, &err));
    double *out = an_alloc_n(n, sizeof *out);
    memcpy(out, an_session_output(session, "y"), n * sizeof *out);
    an_session_free(session);
    an_params_release(none);
    an_program_free(program);
    return out;
}

static void compare(an_model *m, const an_table *t)
{
    double *x = an_alloc_n(t->rows * m->prep->width, sizeof *x);
    assert_true(an_prep_apply(m->prep, t, NULL, t->rows, x, NULL, NULL));
    double *y = predicted(m, x, t->rows), *score = scored(m, t);
    assert_same_bits(score, y, t->rows);
    for (int layout = AN__COLUMNS; layout <= AN__MATRIX; layout++) {
        ran r = run(m, t, (an__layout)layout);
        assert_same_bits(r.prepared, x, t->rows * m->prep->width);
        assert_same_bits(r.probability, y, t->rows);
        for (size_t i = 0; i < t->rows; i++) assert_int_equal(r.label[i], y[i] >= m->threshold.value);
        ran_free(&r);
    }
    free(x);
    free(y);
    free(score);
}

static void test_same_bits(void **state)
{
    (void)state;
    for (int gaps = 0; gaps < 2; gaps++) {
        an_table *t = simulate(700, 21, gaps);
        an_model *m = fitted(t, NULL);
        m->threshold.value = 0.42;
        compare(m, t);
        an_table *probe = an_model_probe(m, 300, 5, NULL);
        compare(m, probe);
        an_table_free(probe);
        an_model_free(m);
        an_table_free(t);
    }
}

/* Other scales and encodings than the registry's kinds ask for today. */
static void test_preparations(void **state)
{
    (void)state;
    const char *scales[] = { "standard", "range", "robust", "none" }, *codes[] = { "onehot", "ordinal" };
    an_table *t = simulate(500, 22, true);
    for (size_t s = 0; s < AN_COUNT(scales); s++)
        for (size_t c = 0; c < AN_COUNT(codes); c++) {
            an_error err = { 0 };
            an_model *m = an_alloc(sizeof *m);
            an_prep_options o = { 0 };
            an_params_defaults(an_prep_params, &o);
            assert_ok(an_params_set(an_prep_params, &o, "scale", scales[s], &err));
            assert_ok(an_params_set(an_prep_params, &o, "category", codes[c], &err));
            m->prep = an_prep_fit(t, NULL, t->rows, &o, &err);
            assert_non_null(m->prep);
            m->predictor = an_predictor_new(an_predictor_kind_find("logistic", NULL), NULL, NULL);
            m->target = an_strdup("broken");
            m->threshold.value = 0.5;
            double *x = an_alloc_n(t->rows * m->prep->width, sizeof *x);
            uint8_t *label = an_alloc_n(t->rows, 1);
            assert_true(an_prep_apply(m->prep, t, NULL, t->rows, x, NULL, NULL) && an_table_labels(t, label, NULL));
            an_samples samples = { .n = t->rows, .d = m->prep->width, .x = x, .label = label };
            if (s == 3) /* unscaled datetimes are 1.7e9: fit on something tamer, the bits are what matters */
                for (size_t i = 0; i < t->rows * m->prep->width; i++) x[i] = fmod(x[i], 7);
            assert_ok(m->predictor->kind->fit(m->predictor, &samples, NULL, &err));
            compare(m, t);
            free(x);
            free(label);
            an_params_free(an_prep_params, &o);
            an_model_free(m);
        }
    an_table_free(t);
}

/* A category and a number that were never there in training: no columns, no input; and a fill of zero. */
static void test_empty_columns(void **state)
{
    (void)state;
    an_table *t = simulate(200, 25, true);
    const char *names[] = { "x", "y" };
    add_names(add_column(t, "nothing", AN_CATEGORY), names, 2);
    add_column(t, "never", AN_REAL);
    an_model *m = fitted(t, NULL);
    assert_int_equal(m->prep->columns, FEATURES + 2);
    assert_int_equal(m->prep->column[FEATURES].width, 0);
    compare(m, t);
    an_table *probe = an_model_probe(m, 20, 1, NULL);
    compare(m, probe);
    an_table_free(probe);
    for (size_t i = 0; i < t->rows; i += 3) {
        an_table_find(t, "nothing")->code[i] = (int32_t)(i % 2);
        an_set_valid(an_table_find(t, "nothing"), i);
        an_table_find(t, "never")->real[i] = 0.25 * (double)i;
        an_set_valid(an_table_find(t, "never"), i);
    }
    compare(m, t);
    an_model_free(m);
    an_table_free(t);
}

static void test_inputs(void **state)
{
    (void)state;
    an_error err;
    an_table *t = simulate(300, 23, false);
    an_model *m = fitted(t, NULL);
    const an_dtype expected[FEATURES] = { AN_F64, AN_I64, AN_I64, AN_STR, AN_F64, AN_F64 };
    for (size_t i = 0; i < FEATURES; i++) {
        assert_string_equal(m->prep->column[i].name, feature_names[i]);
        assert_int_equal(an__feature_dtype(&m->prep->column[i]), expected[i]);
    }
    an_graph *g = an_graph_new();
    an_node p, l;
    assert_fails(an_model_lower_matrix(m, g, &p, &l, &err), AN_INPUT, "variant");
    an_graph_free(g);
    an_model_free(m);
    /* a feature called like an output gets another input name, and one that has that name already keeps it */
    an_table_find(t, "hot")->role = AN_IGNORED;
    free(t->column[2].name);
    t->column[2].name = an_strdup("label");
    free(t->column[1].name);
    t->column[1].name = an_strdup("label_");
    m = fitted(t, NULL);
    char *a = an__feature_input(m, 0), *b = an__feature_input(m, 1);
    assert_string_equal(a, "label_");
    assert_string_equal(b, "label__");
    free(a);
    free(b);
    an_model_free(m);
    an_table_free(t);
}

/* Inside the training ranges, missing where training had missing, the same for the same seed, a prefix of more rows, never a training row.
 */
static void test_probe(void **state)
{
    (void)state;
    an_table *t = simulate(600, 24, true);
    an_model *m = fitted(t, NULL);
    an_table *a = an_model_probe(m, 200, 3, NULL), *b = an_model_probe(m, 50, 3, NULL), *c = an_model_probe(m, 50, 4, NULL);
    assert_int_equal(a->columns, FEATURES);
    size_t same = 0, different = 0, missing[FEATURES] = { 0 };
    for (size_t f = 0; f < FEATURES; f++) {
        const an_prep_column *p = &m->prep->column[f];
        assert_string_equal(a->column[f].name, p->name);
        assert_int_equal(a->column[f].type, p->type);
        for (size_t i = 0; i < 200; i++) {
            missing[f] += !an_valid(&a->column[f], i);
            double x = an_cell_number(&a->column[f], i) / (p->type == AN_DATETIME ? 1e6 : 1);
            if (an_valid(&a->column[f], i) && p->type != AN_CATEGORY) assert_true(x >= p->low && x <= p->high);
            if (p->type == AN_CATEGORY && an_valid(&a->column[f], i))
                assert_true(a->column[f].code[i] >= 0 && a->column[f].code[i] < p->dictionary.count);
        }
        for (size_t i = 0; i < 50; i++) {
            an_buf x = { 0 }, y = { 0 }, z = { 0 };
            an_cell_text(&a->column[f], i, &x);
            an_cell_text(&b->column[f], i, &y);
            an_cell_text(&c->column[f], i, &z);
            assert_int_equal(x.size, y.size);
            same += x.size && z.size && !strcmp(x.data, z.data);
            different += !x.size || !z.size || strcmp(x.data, z.data) != 0;
            if (x.size) assert_string_equal(x.data, y.data);
            an_buf_free(&x);
            an_buf_free(&y);
            an_buf_free(&z);
        }
    }
    assert_true(different > same);
    for (size_t f = 0; f < FEATURES; f++) assert_int_equal(missing[f] > 0, m->prep->column[f].missing_share > 0);
    const an_column *force = an_table_find(t, "force"), *torque = an_table_find(t, "torque");
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < t->rows; k++)
            assert_false(an_valid(&a->column[0], i) && an_table_find(a, "force")->real[i] == force->real[k] &&
                         an_table_find(a, "torque")->real[i] == torque->real[k]);
    an_table_free(a);
    an_table_free(b);
    an_table_free(c);
    an_model_free(m);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_preparations), cmocka_unit_test(test_empty_columns),
        cmocka_unit_test(test_inputs),    cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
