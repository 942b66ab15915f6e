/* test_draw.c - rows that meet conditions: terms, the minority filter, both; the same rows however many are asked for at a time. */
#include "synth/made.h"

static an_generator *fitted(const char *kind, const an_table *t)
{
    an_error err = { 0 };
    const an_generator_kind *k = an_generator_kind_find(kind, NULL);
    json_t *o = made_options(k);
    an_generator *g = an_generator_fit(k, o, t, NULL, &err);
    if (!g) fail_msg("%s", err.message);
    json_decref(o);
    return g;
}

/* Every row of the stream up to the last one kept, by hand. */
static void terms_keep_what_they_say(void **state)
{
    (void)state;
    an_table *t = made_parts(300, 90, 0, 1), *all, *kept;
    an_generator *g = fitted("smote", t);
    an_error err;
    an_draw d = { .generator = g, .name = "g/1", .seed = 4, .first_row = 50, .limit = 5000, .where = "variant=A,force>45,torque=11..13" };
    assert_ok(kept = an_draw_next(&d, 60, NULL, &err));
    assert_int_equal(kept->rows, 60);
    assert_int_equal(d.passed, 60);
    assert_int_equal(d.met, 60);
    assert_ok(all = an_generator_sample(g, "g/1", 4, 50, (size_t)d.drawn, NULL, &err));
    size_t at = 0;
    for (size_t i = 0; i < all->rows; i++) {
        char *variant = made_text(all, "variant", i);
        double torque = an_table_find(all, "torque")->real[i];
        bool meets = !strcmp(variant, "A") && an_table_find(all, "force")->real[i] > 45 && torque >= 11 && torque <= 13;
        free(variant);
        if (!meets) continue;
        assert_true(at < 60);
        assert_int_equal(kept->origin_row[at], 50 + i);
        assert_true(an_table_generated(kept, at));
        assert_true(same_cells(all, i, kept, at, 1));
        at++;
    }
    assert_int_equal(at, 60);
    assert_int_equal(all->origin_row[all->rows - 1], kept->origin_row[59]); /* none is drawn in vain behind the last */
    an_table_free(all);
    an_table_free(kept);
    an_generator_free(g);
    an_table_free(t);
}

/* In one call, in sevens, and from next_row on: one sequence. */
static void chunks_do_not_matter(void **state)
{
    (void)state;
    an_table *t = made_parts(300, 90, 0, 1), *whole;
    static const char *const kinds[] = { "smote", "wgan" };
    for (size_t k = 0; k < 2; k++) {
        an_generator *g = fitted(kinds[k], t);
        an_error err;
        an_filter_options o;
        memset(&o, 0, sizeof o);
        an_params_defaults(an_filter_params, &o);
        for (int filtered = 0; filtered < 2 - (int)k; filtered++) { /* a WGAN of so few steps passes no filter */
            an_filter *f = NULL;
            if (filtered) assert_ok(f = an_filter_new(t, &o, NULL, &err));
            an_draw d = { .generator = g, .name = "g/1", .seed = 2, .limit = 20000, .where = "force>30", .filter = f };
            assert_ok(whole = an_draw_next(&d, 50, NULL, &err));
            an_draw parts = d;
            parts.drawn = parts.met = parts.passed = 0;
            size_t at = 0;
            for (size_t n = 1; at < whole->rows; n = n % 7 + 1) {
                an_table *some;
                size_t wanted = whole->rows - at < n ? whole->rows - at : n;
                assert_ok(some = an_draw_next(&parts, wanted, NULL, &err));
                assert_int_equal(some->rows, wanted);
                assert_true(same_cells(whole, at, some, 0, some->rows));
                for (size_t i = 0; i < some->rows; i++) assert_int_equal(whole->origin_row[at + i], some->origin_row[i]);
                at += some->rows;
                an_table_free(some);
                if (at == 21) { /* another process goes on here */
                    parts.first_row += parts.drawn;
                    parts.drawn = 0;
                }
            }
            assert_int_equal(parts.first_row + parts.drawn, d.drawn);
            assert_true(d.passed == whole->rows && d.met >= d.passed && d.drawn >= d.met);
            an_table_free(whole);
            an_filter_free(f);
        }
        an_params_free(an_filter_params, &o);
        an_generator_free(g);
    }
    an_table_free(t);
}

/* What nothing meets ends at the limit with no rows; without conditions as many as the limit allows; wrong terms are named. */
static void limits_and_mistakes(void **state)
{
    (void)state;
    an_table *t = made_parts(120, 40, 0, 1), *none;
    an_generator *g = fitted("random", t);
    an_error err;
    an_draw d = { .generator = g, .name = "g/1", .seed = 1, .limit = 3000, .where = "force>1000" };
    assert_ok(none = an_draw_next(&d, 10, NULL, &err));
    assert_int_equal(none->rows, 0);
    assert_int_equal(d.drawn, 3000);
    assert_int_equal(d.met, 0);
    an_table_free(none);
    d = (an_draw){ .generator = g, .name = "g/1", .seed = 1, .limit = 25 };
    assert_ok(none = an_draw_next(&d, 10, NULL, &err));
    assert_int_equal(none->rows, 10);
    an_table_free(none);
    assert_ok(none = an_draw_next(&d, 100, NULL, &err));
    assert_int_equal(none->rows, 15);
    assert_int_equal(none->origin_row[14], 24);
    an_table_free(none);
    static const struct {
        const char *where, *says;
        an_code code;
    } wrong[] = { { "forse>3", "forse", AN_NOT_FOUND }, { "force>much", "much", AN_INPUT }, { "force", "terms", AN_INPUT } };
    for (size_t i = 0; i < AN_COUNT(wrong); i++) {
        d = (an_draw){ .generator = g, .name = "g/1", .seed = 1, .limit = 100, .where = wrong[i].where };
        assert_fails(an_draw_next(&d, 10, NULL, &err), wrong[i].code, wrong[i].says);
    }
    an_job *job = an_job_new(NULL);
    an_job_stop(job);
    d = (an_draw){ .generator = g, .name = "g/1", .seed = 1, .limit = 100, .where = "force>3" };
    assert_fails(an_draw_next(&d, 10, job, &err), AN_STOPPED, "");
    an_job_free(job);
    an_generator_free(g);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_keep_what_they_say),
        cmocka_unit_test(chunks_do_not_matter),
        cmocka_unit_test(limits_and_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
