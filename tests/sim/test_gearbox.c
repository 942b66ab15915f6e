/* The simulated gearbox line: shares, the row that does not depend on the number of rows, correlations, difficulty, truth, the import
 * audit. */
#include "help.h"

#include "learn/logistic_solver.h"

static void parameters_are_sound(void **state)
{
    (void)state;
    char *wrong = an_params_audit(an_gearbox_params);
    assert_string_equal(wrong, "");
    free(wrong);
    an_gearbox g = simulate("", 1, NULL);
    assert_int_equal(g.parts->rows, 1100);
    assert_int_equal(g.parts->columns, FEATURES + AN_COUNT(meaningless) + 1);
    assert_int_equal(g.truth->rows, 1100);
    assert_null(g.station[0]);
    assert_null(g.columns);
    size_t features = 0;
    for (size_t j = 0; j < g.parts->columns; j++)
        features += !is_meaningless(g.parts->column[j].name) && strcmp(g.parts->column[j].name, "broken");
    assert_int_equal(features, FEATURES);
    an_gearbox_free(&g);
    assert_null(g.parts);
    an_gearbox_free(&g);
}

/* |observed - expected| within 4.5 standard deviations of a binomial share: one in 150,000 by chance, and the seeds are fixed. */
static void share_near(double count, double rows, double expected, const char *what)
{
    double sd = sqrt(expected * (1 - expected) / rows);
    if (fabs(count / rows - expected) > 4.5 * sd) fail_msg("%s: %.4f where %.4f is expected, sd %.4f", what, count / rows, expected, sd);
}

static void shares(const char *settings, double rows, double broken, double mislabelled, uint64_t seed)
{
    an_gearbox g = simulate(settings, seed, NULL);
    const an_column *clean = column(g.truth, "broken_clean"), *row = column(g.truth, "row");
    uint8_t *y = labels(g.parts);
    double said = 0, is = 0, escaped = 0, alarms = 0, faulty = 0;
    for (size_t i = 0; i < g.parts->rows; i++) {
        assert_int_equal(row->integer[i], i + 1);
        bool ok = !strcmp(mode_of(&g, i), "ok");
        if (clean->integer[i]) assert_false(ok);
        said += y[i];
        is += (double)clean->integer[i];
        faulty += !ok;
        escaped += clean->integer[i] && !y[i];
        alarms += !clean->integer[i] && y[i];
    }
    share_near(said, rows, broken, "labels");
    share_near(is, rows, broken, "truly broken");
    share_near(escaped, rows, mislabelled / 2, "broken recorded as good");
    share_near(alarms, rows, mislabelled / 2, "good recorded as broken");
    share_near(faulty, rows, broken / 0.71, "faulty");
    free(y);
    an_gearbox_free(&g);
}

static void shares_are_as_asked(void **state)
{
    (void)state;
    shares("rows=20000", 20000, 0.156, 0.04, 1);
    for (uint64_t seed = 2; seed <= 4; seed++) {
        shares("rows=5000", 5000, 0.156, 0.04, seed);
        shares("rows=5000 broken=0.05 mislabelled=0.05", 5000, 0.05, 0.05, seed);
        shares("rows=5000 broken=0.4 mislabelled=0.3", 5000, 0.4, 0.3, seed);
        shares("rows=5000 mislabelled=0", 5000, 0.156, 0, seed);
    }
}

static void all_modes_occur_as_documented(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double share;
    } modes[] = { { "misaligned_bearing", 0.25 },
                  { "undersized_seat", 0.2 },
                  { "cross_threaded", 0.2 },
                  { "soft_joint", 0.2 },
                  { "dry_assembly", 0.15 } };
    an_gearbox g = simulate("rows=20000", 9, NULL);
    for (size_t k = 0; k < AN_COUNT(modes); k++) {
        double count = 0;
        for (size_t i = 0; i < g.parts->rows; i++) count += !strcmp(mode_of(&g, i), modes[k].name);
        share_near(count, 20000, modes[k].share * 0.156 / 0.71, modes[k].name);
    }
    an_gearbox_free(&g);
    /* at any size and share there is no broken part without a fault, nor a mode without a name */
    g = simulate("rows=10", 3, NULL);
    assert_int_equal(g.truth->rows, 10);
    an_gearbox_free(&g);
}

static void impossible_shares_are_refused(void **state)
{
    (void)state;
    an_gearbox_options o = { 0 };
    an_params_defaults(an_gearbox_params, &o);
    an_error err = { 0 };
    an_gearbox g;
    o.broken = 0.02;
    assert_false(an_gearbox_simulate(&o, 1, &g, NULL, &err));
    assert_int_equal(err.code, AN_USAGE);
    assert_non_null(strstr(err.hint, "--mislabelled 0.02"));
    assert_null(g.parts);
    o.mislabelled = 0.02;
    assert_true(an_gearbox_simulate(&o, 1, &g, NULL, &err));
    an_gearbox_free(&g);
    o.raw = true;
    o.rows = 100001;
    assert_false(an_gearbox_simulate(&o, 1, &g, NULL, &err));
    assert_int_equal(err.code, AN_USAGE);
    assert_null(g.parts);
}

/* The CSV of few rows is the beginning of the CSV of many. */
static void a_row_does_not_depend_on_the_rows(void **state)
{
    (void)state;
    static const char *const settings[] = { "", "missing=0.1 drift=1 variants=6", "broken=0.3 mislabelled=0.2 severity=2" };
    for (size_t k = 0; k < AN_COUNT(settings); k++) {
        char *text[2][2];
        for (int few = 0; few < 2; few++) {
            char *all = an_format("rows=%d %s", few ? 333 : 1100, settings[k]);
            an_gearbox g = simulate(all, 5, NULL);
            text[few][0] = csv(g.parts);
            text[few][1] = csv(g.truth);
            an_gearbox_free(&g);
            free(all);
        }
        for (int which = 0; which < 2; which++) {
            assert_int_equal(strncmp(text[0][which], text[1][which], strlen(text[1][which])), 0);
            assert_true(strlen(text[0][which]) > 3 * strlen(text[1][which]));
            free(text[0][which]);
            free(text[1][which]);
        }
    }
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    an_pool *pool = an_pool_new(3);
    an_job *job = an_job_new(&(an_job_options){ .pool = pool });
    an_gearbox a = simulate("rows=700", 11, NULL), b = simulate("rows=700", 11, job), c = simulate("rows=700", 12, job);
    char *x = csv(a.parts), *y = csv(b.parts), *z = csv(c.parts);
    assert_string_equal(x, y);
    assert_string_not_equal(x, z);
    free(x);
    free(y);
    free(z);
    an_gearbox_free(&a);
    an_gearbox_free(&b);
    an_gearbox_free(&c);
    an_job_stop(job);
    an_gearbox_options o = { 0 };
    an_params_defaults(an_gearbox_params, &o);
    an_error err = { 0 };
    assert_false(an_gearbox_simulate(&o, 1, &a, job, &err));
    assert_int_equal(err.code, AN_STOPPED);
    assert_null(a.parts);
    an_job_free(job);
    an_pool_free(pool);
}

/* Wrong labels change labels, lost cells lose cells, and nothing else. */
static void options_change_what_they_say(void **state)
{
    (void)state;
    an_gearbox plain = simulate("rows=2000 mislabelled=0", 4, NULL), wrong = simulate("rows=2000", 4, NULL),
               lost = simulate("rows=2000 missing=0.2", 4, NULL);
    double cells = 0, missing = 0;
    for (size_t j = 0; j < plain.parts->columns; j++) {
        const an_column *p = &plain.parts->column[j], *w = &wrong.parts->column[j], *l = &lost.parts->column[j];
        if (p->type != AN_REAL) continue;
        assert_memory_equal(p->real, w->real, 2000 * sizeof *p->real);
        for (size_t i = 0; i < 2000; i++) {
            cells++;
            missing += !an_valid(l, i);
            if (an_valid(l, i)) assert_true(l->real[i] == p->real[i]);
        }
    }
    assert_true(fabs(missing / cells - 0.2) < 0.01);
    for (size_t i = 0; i < 2000; i++) {
        assert_int_equal(column(plain.parts, "broken")->integer[i], column(plain.truth, "broken_clean")->integer[i]);
        assert_int_equal(column(plain.truth, "broken_clean")->integer[i], column(wrong.truth, "broken_clean")->integer[i]);
    }
    assert_int_equal(
        column(lost.parts, "export_ms")->missing + column(lost.parts, "variant")->missing + column(lost.parts, "broken")->missing, 0);
    an_gearbox_free(&plain);
    an_gearbox_free(&wrong);
    an_gearbox_free(&lost);
}

static void variants_are_as_many_as_asked(void **state)
{
    (void)state;
    for (int n = 1; n <= 8; n++) {
        char *settings = an_format("rows=600 variants=%d", n);
        an_gearbox g = simulate(settings, 2, NULL);
        assert_int_equal(column(g.parts, "variant")->dictionary.count, n);
        assert_string_equal(column(g.parts, "variant")->dictionary.names[0], "A");
        an_gearbox_free(&g);
        free(settings);
    }
}

/* Mean correlation over pairs of good parts of variant A, from columns x and y. */
static double correlation(const an_gearbox *g, const char *x, const char *y)
{
    const an_column *a = column(g->parts, x), *b = column(g->parts, y), *v = column(g->parts, "variant");
    double *u = an_alloc_n(g->parts->rows, sizeof *u), *w = an_alloc_n(g->parts->rows, sizeof *w);
    size_t n = 0;
    for (size_t i = 0; i < g->parts->rows; i++) {
        if (v->code[i] || strcmp(mode_of(g, i), "ok")) continue;
        u[n] = a->real[i];
        w[n++] = b->real[i];
    }
    double r = an_correlation(u, w, n);
    free(u);
    free(w);
    return r;
}

static void measurements_hang_together(void **state)
{
    (void)state;
    an_gearbox g = simulate("rows=5000", 8, NULL);
    assert_true(correlation(&g, "bearing_left_peak_force", "bearing_left_work") > 0.9);
    assert_true(correlation(&g, "bearing_left_slope", "bearing_left_work") > 0.8);
    double joints = correlation(&g, "bearing_left_work", "ring_gear_work"); /* one housing, one lubricant */
    assert_true(joints > 0.5 && joints < 0.98);
    double screws = correlation(&g, "screw1_angle", "screw4_angle");
    assert_true(screws > 0.5 && screws < 0.98);
    assert_true(correlation(&g, "screw2_rate", "screw2_angle") < -0.8);
    assert_true(correlation(&g, "screw2_run_torque", "screw2_rate") > 0.2);
    assert_true(fabs(correlation(&g, "bearing_left_work", "screw1_rate")) < 0.35); /* grease and screw lots know nothing of each other */
    assert_true(correlation(&g, "grease_pressure", "ring_gear_peak_force") > 0.15);
    an_gearbox_free(&g);
}

/* Largest ROC-AUC of one measurement, either direction. */
static double best_auc(const an_table *parts)
{
    uint8_t *y = labels(parts);
    double best = 0.5;
    for (size_t j = 0; j < parts->columns; j++) {
        const an_column *c = &parts->column[j];
        if (c->type != AN_REAL) continue;
        double auc = an_roc_auc(y, c->real, parts->rows);
        if (fmax(auc, 1 - auc) > best) best = fmax(auc, 1 - auc);
    }
    free(y);
    return best;
}

struct cell_label {
    double value;
    uint8_t label;
};

static int by_value(const void *a, const void *b)
{
    const struct cell_label *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static void no_measurement_gives_the_game_away(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        an_gearbox g = simulate(seed < 8 ? "" : "rows=5000", seed, NULL);
        double best = best_auc(g.parts);
        assert_true(best > 0.8 && best < 0.97);
        uint8_t *y = labels(g.parts);
        struct cell_label *cells = an_alloc_n(g.parts->rows, sizeof *cells);
        for (size_t j = 0; j < g.parts->columns; j++) { /* no value of ten rows or more goes with broken only */
            const an_column *c = &g.parts->column[j];
            if (is_meaningless(c->name) || !strcmp(c->name, "broken")) continue;
            for (size_t i = 0; i < g.parts->rows; i++) cells[i] = (struct cell_label){ c->type == AN_REAL ? c->real[i] : c->code[i], y[i] };
            qsort(cells, g.parts->rows, sizeof *cells, by_value);
            for (size_t i = 0, rows, with; i < g.parts->rows; i += rows) {
                for (rows = with = 0; i + rows < g.parts->rows && cells[i + rows].value == cells[i].value; rows++)
                    with += cells[i + rows].label;
                assert_false(with == rows && rows >= 10);
            }
        }
        free(cells);
        free(y);
        an_gearbox_free(&g);
    }
    an_gearbox blind = simulate("rows=5000 severity=0", 1, NULL);
    assert_true(best_auc(blind.parts) < 0.55);
    an_gearbox_free(&blind);
}

static void drift_moves_the_line(void **state)
{
    (void)state;
    an_gearbox still = simulate("rows=4000", 6, NULL), worn = simulate("rows=4000 drift=1", 6, NULL);
    const an_column *a = column(still.parts, "ring_gear_work"), *b = column(worn.parts, "ring_gear_work");
    double early = 0, late = 0;
    for (size_t i = 0; i < 100; i++) {
        early += b->real[i] / a->real[i] / 100;
        late += b->real[3900 + i] / a->real[3900 + i] / 100;
    }
    assert_true(early > 1 && early < 1.02);
    assert_true(late > 1.1 && late < 1.3);
    an_gearbox_free(&still);
    an_gearbox_free(&worn);
}

/* ---- what the import makes of it ----------------------------------------------------------------------------------------------------- */

static void audit(an_table *t)
{
    char target[] = "broken";
    an_roles roles = { .target = target };
    an_error err = { 0 };
    an_list notes = { 0 };
    if (!an_table_assign(t, &roles, &notes, &err)) fail_msg("%s", err.message);
    static const char *const reasons[] = { "identifier", "constant", "duplicate", "empty", "identifier" };
    size_t features = 0;
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        if (is_meaningless(c->name)) {
            size_t k = 0;
            while (strcmp(meaningless[k], c->name)) k++;
            assert_int_equal(c->role, AN_IGNORED);
            assert_string_equal(c->reason, reasons[k]);
        } else if (strcmp(c->name, "broken")) {
            if (c->role != AN_FEATURE) fail_msg("%s was set aside: %s", c->name, c->reason);
            features++;
        }
    }
    assert_int_equal(features, FEATURES);
    assert_string_equal(t->positive, "1");
    an_list_free(&notes);
}

static void the_audit_sets_aside_the_meaningless_only(void **state)
{
    (void)state;
    static const int rows[] = { 300, 1100, 5000 };
    for (uint64_t seed = 1; seed <= 8; seed++) {
        for (size_t k = 0; k < AN_COUNT(rows); k++) {
            if (rows[k] == 5000 && seed > 2) continue;
            char *settings = an_format("rows=%d missing=%s", rows[k], seed % 2 ? "0" : "0.03");
            an_gearbox g = simulate(settings, seed, NULL);
            char *text = csv(g.parts);
            an_error err = { 0 };
            an_table *read = an_csv_parse(text, strlen(text), "parts.csv", NULL, NULL, NULL, &err);
            if (!read) fail_msg("%s", err.message);
            for (size_t j = 0; j < read->columns; j++) { /* what is written is read back with the same type */
                if (!strcmp(read->column[j].name, "remark")) continue;
                assert_int_equal(read->column[j].type, g.parts->column[j].type);
            }
            audit(g.parts);
            audit(read);
            an_table_free(read);
            free(text);
            free(settings);
            an_gearbox_free(&g);
        }
    }
}

/* ---- how hard it is ------------------------------------------------------------------------------------------------------------------ */

/* Logistic regression (C = 1, standardised) on a stratified 75/25 split, at 0.5; weights: 1:1 class weights. */
static an_metrics judge(an_table *t, uint64_t split_seed, bool weights)
{
    an_error err = { 0 };
    char target[] = "broken";
    an_roles roles = { .target = target };
    if (!an_table_assign(t, &roles, NULL, &err)) fail_msg("%s", err.message);
    an_split s = { 0 };
    if (!an_split_make(t, &(an_split_options){ .seed = split_seed }, &s, &err)) fail_msg("%s", err.message);
    an_prep_options options = { 0 };
    an_params_defaults(an_prep_params, &options);
    an_params_set(an_prep_params, &options, "scale", "standard", &err);
    an_prep *p = an_prep_fit(t, s.train, s.train_count, &options, &err);
    if (!p) fail_msg("%s", err.message);
    double *x = an_alloc_n(t->rows * p->width, sizeof *x), *weight = an_alloc_n(t->rows, sizeof *weight);
    uint8_t *all = an_alloc_n(t->rows, 1), *y = an_alloc_n(t->rows, 1);
    assert_true(an_table_labels(t, all, &err) && an_prep_apply(p, t, s.train, s.train_count, x, NULL, &err));
    double positives = 0, n = (double)s.train_count;
    for (size_t i = 0; i < s.train_count; i++) positives += y[i] = all[s.train[i]];
    for (size_t i = 0; i < s.train_count; i++) weight[i] = y[i] ? n / (2 * positives) : n / (2 * (n - positives));
    an__logistic_fit fit = { 0 };
    an__logistic_options how = { .c = 1, .tolerance = 1e-8, .iterations = 100 };
    if (!an__logistic_solve(x, s.train_count, p->width, y, weights ? weight : NULL, &how, &fit, NULL, &err)) fail_msg("%s", err.message);
    assert_true(an_prep_apply(p, t, s.test, s.test_count, x, NULL, &err));
    double *score = an_alloc_n(t->rows, sizeof *score);
    for (size_t i = 0; i < s.test_count; i++) {
        double z = fit.intercept;
        for (size_t j = 0; j < p->width; j++) z += fit.w[j] * x[i * p->width + j];
        score[i] = 1 / (1 + exp(-z));
        y[i] = all[s.test[i]];
    }
    an_metrics m;
    an_metrics_all(y, score, s.test_count, 0.5, &m);
    free(fit.w);
    free(score);
    free(x);
    free(weight);
    free(all);
    free(y);
    an_prep_free(p);
    an_params_free(an_prep_params, &options);
    an_split_free(&s);
    return m;
}

/* The regime of the paper: .90 accuracy, .65 precision, .81 recall, .72 F1, .77 F2 on the plain data; what balancing can win: F2 of .88 to
 * .90. */
static void as_hard_as_the_paper(void **state)
{
    (void)state;
    an_metrics mean = { 0 };
    double f2_weights = 0;
    enum { SEEDS = 6, SPLITS = 2 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        an_gearbox g = simulate("", seed, NULL);
        for (uint64_t split = 0; split < SPLITS; split++) {
            an_metrics m = judge(g.parts, split, false);
            mean.accuracy += m.accuracy / (SEEDS * SPLITS);
            mean.precision += m.precision / (SEEDS * SPLITS);
            mean.recall += m.recall / (SEEDS * SPLITS);
            mean.f1 += m.f1 / (SEEDS * SPLITS);
            mean.f2 += m.f2 / (SEEDS * SPLITS);
            f2_weights += judge(g.parts, split, true).f2 / (SEEDS * SPLITS);
        }
        an_gearbox_free(&g);
    }
    print_message("plain: accuracy %.3f precision %.3f recall %.3f F1 %.3f F2 %.3f; class weights: F2 %.3f\n", mean.accuracy,
                  mean.precision, mean.recall, mean.f1, mean.f2, f2_weights);
    assert_true(mean.accuracy > 0.88 && mean.accuracy < 0.93);
    assert_true(mean.precision > 0.62 && mean.precision < 0.75);
    assert_true(mean.recall > 0.69 && mean.recall < 0.85);
    assert_true(mean.f1 > 0.67 && mean.f1 < 0.77);
    assert_true(mean.f2 > 0.70 && mean.f2 < 0.80);
    assert_true(f2_weights > 0.84 && f2_weights < 0.93);
}

/* Two clusters of the prepared measurements are part variants, not good and broken: what a minority filter by k-means has to notice. */
static void clusters_are_variants(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        an_gearbox g = simulate("", seed, NULL);
        size_t n = g.parts->rows, d = 0;
        double *x = an_alloc_n(n * FEATURES, sizeof *x);
        for (size_t j = 0; j < g.parts->columns; j++) {
            const an_column *c = &g.parts->column[j];
            if (c->type != AN_REAL || is_meaningless(c->name)) continue;
            double mean = 0, square = 0;
            for (size_t i = 0; i < n; i++) mean += c->real[i] / (double)n;
            for (size_t i = 0; i < n; i++) square += (c->real[i] - mean) * (c->real[i] - mean) / (double)n;
            for (size_t i = 0; i < n; i++) x[i * (FEATURES - 2) + d] = (c->real[i] - mean) / sqrt(square);
            d++;
        }
        assert_int_equal(d, FEATURES - 2);
        uint32_t *cluster = an_alloc_n(n, sizeof *cluster);
        double *centroids = an_alloc_n(2 * d, sizeof *centroids);
        an_kmeans(x, n, d, 2, 8, 1, NULL, cluster, centroids);
        const an_column *v = column(g.parts, "variant");
        uint8_t *y = labels(g.parts);
        double is_b[2] = { 0 }, rows[2] = { 0 }, broken[2] = { 0 };
        for (size_t i = 0; i < n; i++) {
            rows[cluster[i]]++;
            is_b[cluster[i]] += v->code[i] == 1;
            broken[cluster[i]] += y[i];
        }
        int b = is_b[1] / rows[1] > is_b[0] / rows[0];
        assert_true(is_b[b] / rows[b] > 0.85 && is_b[!b] / rows[!b] < 0.1);
        assert_true(broken[b] / rows[b] < 0.3 && broken[!b] / rows[!b] < 0.3);
        free(x);
        free(cluster);
        free(centroids);
        free(y);
        an_gearbox_free(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_sound),
        cmocka_unit_test(shares_are_as_asked),
        cmocka_unit_test(all_modes_occur_as_documented),
        cmocka_unit_test(impossible_shares_are_refused),
        cmocka_unit_test(a_row_does_not_depend_on_the_rows),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(options_change_what_they_say),
        cmocka_unit_test(variants_are_as_many_as_asked),
        cmocka_unit_test(measurements_hang_together),
        cmocka_unit_test(no_measurement_gives_the_game_away),
        cmocka_unit_test(drift_moves_the_line),
        cmocka_unit_test(the_audit_sets_aside_the_meaningless_only),
        cmocka_unit_test(as_hard_as_the_paper),
        cmocka_unit_test(clusters_are_variants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
