/* The raw view of the gearbox line: two station files, from which the parts come back by serial number. */
#include "help.h"

static const char *kind_of(const an_gearbox *g, int station, const char *name)
{
    const an_column *s = column(g->columns, "station"), *c = column(g->columns, "column"), *k = column(g->columns, "kind");
    for (size_t i = 0; i < g->columns->rows; i++) {
        char *text = cell(c, i);
        bool same = s->integer[i] == station + 1 && !strcmp(text, name);
        free(text);
        if (same) return k->dictionary.names[k->code[i]];
    }
    fail_msg("station %d: nothing is said of %s", station + 1, name);
    return NULL;
}

/* Row of the last pass of each part, or -1. */
static long *last_pass(const an_gearbox *g, int station)
{
    const an_column *serial = column(g->station[station], "serial");
    long *last = an_alloc_n(g->parts->rows, sizeof *last);
    for (size_t i = 0; i < g->parts->rows; i++) last[i] = -1;
    for (size_t i = 0; i < g->station[station]->rows; i++) {
        char *text = cell(serial, i);
        last[strtol(text + 2, NULL, 10) - 1] = (long)i;
        free(text);
    }
    return last;
}

static void about_700_metrics_of_which_66_are_useful(void **state)
{
    (void)state;
    an_gearbox g = simulate("rows=400 raw=true", 3, NULL);
    size_t columns = g.station[0]->columns + g.station[1]->columns, useful = 0;
    assert_true(columns >= 670 && columns <= 730);
    assert_int_equal(g.columns->rows, columns);
    for (int s = 0; s < 2; s++) {
        for (size_t j = 0; j < g.station[s]->columns; j++) {
            const an_column *c = &g.station[s]->column[j];
            const char *kind = kind_of(&g, s, c->name);
            bool varies = false;
            for (size_t i = 1; i < g.station[s]->rows && c->type == AN_REAL; i++) varies = varies || c->real[i] != c->real[0];
            if (!strcmp(kind, "useful")) useful++;
            if (!strcmp(kind, "useful")) assert_non_null(an_table_find(g.parts, c->name));
            if (!strcmp(kind, "empty")) assert_int_equal(c->missing, g.station[s]->rows);
            if (!strcmp(kind, "constant")) assert_false(varies);
            if (c->type == AN_REAL && strcmp(kind, "constant")) assert_true(varies);
            if (!strcmp(kind, "counter")) {
                for (size_t i = 1; i < g.station[s]->rows; i++) assert_true(c->integer[i] > c->integer[i - 1]);
            }
        }
    }
    assert_int_equal(useful, FEATURES);
    an_gearbox_free(&g);
}

static void the_serial_brings_the_parts_back(void **state)
{
    (void)state;
    an_gearbox g = simulate("rows=900 raw=true missing=0.02", 4, NULL);
    size_t twice[2] = { 0 }, both = 0;
    for (int s = 0; s < 2; s++) {
        long *last = last_pass(&g, s);
        const an_column *time = column(g.station[s], s ? "screw_time" : "press_time"),
                        *attempt = column(g.station[s], s ? "screw_attempt" : "press_attempt");
        const an_column *result = column(g.station[s], s ? "screw_result" : "press_result");
        size_t present = 0;
        for (size_t i = 1; i < g.station[s]->rows; i++) assert_true(time->integer[i] >= time->integer[i - 1]);
        for (size_t i = 0; i < g.parts->rows; i++) {
            if (last[i] < 0) continue;
            present++;
            size_t at = (size_t)last[i];
            assert_int_equal(result->code[at], 1); /* OK, of NOK and OK */
            twice[s] += attempt->integer[at] == 2;
            for (size_t j = 0; j < g.station[s]->columns; j++) {
                const an_column *c = &g.station[s]->column[j], *p = an_table_find(g.parts, c->name);
                if (!p) continue;
                char *x = cell(c, at), *y = cell(p, i);
                assert_string_equal(x, y);
                free(x);
                free(y);
            }
        }
        assert_true(present < g.parts->rows && present > 0.95 * (double)g.parts->rows); /* not every part is in both files */
        assert_int_equal(g.station[s]->rows, present + twice[s]);
        assert_true(twice[s] > 10 && twice[s] < 80);
        free(last);
    }
    long *press = last_pass(&g, 0), *screw = last_pass(&g, 1);
    size_t turned = 0;
    for (size_t i = 0; i < g.parts->rows; i++) {
        both += press[i] >= 0 && screw[i] >= 0;
        turned += i && screw[i] >= 0 && screw[i - 1] >= 0 && screw[i] < screw[i - 1];
    }
    assert_true(both < g.parts->rows - 5 && turned > 50); /* other sets, other order */
    free(press);
    free(screw);
    an_gearbox_free(&g);
}

static void rework_is_another_measurement_of_the_same_part(void **state)
{
    (void)state;
    an_gearbox g = simulate("rows=900 raw=true", 7, NULL);
    const an_table *t = g.station[1];
    long *last = last_pass(&g, 1);
    const an_column *serial = column(t, "serial"), *result = column(t, "screw_result"), *recipe = column(t, "screw_recipe"),
                    *torque = column(t, "screw1_angle");
    size_t first = 0;
    for (size_t i = 0; i < t->rows; i++) {
        char *text = cell(serial, i);
        size_t part = (size_t)strtol(text + 2, NULL, 10) - 1, end = (size_t)last[part];
        free(text);
        if (end == i) continue;
        first++;
        assert_int_equal(result->code[i], 0);
        assert_int_equal(column(t, "screw_attempt")->integer[i], 1);
        assert_int_equal(column(t, "screw_attempt")->integer[end], 2);
        assert_int_equal(recipe->code[i], recipe->code[end]);
        assert_true(torque->real[i] != torque->real[end]);
    }
    assert_true(first > 10);
    free(last);
    an_gearbox_free(&g);
}

static void the_raw_view_is_of_the_same_parts(void **state)
{
    (void)state;
    an_gearbox a = simulate("rows=200", 6, NULL), b = simulate("rows=200 raw=true", 6, NULL), c = simulate("rows=200 raw=true", 6, NULL);
    char *x = csv(a.parts), *y = csv(b.parts), *u = csv(b.station[1]), *v = csv(c.station[1]);
    assert_string_equal(x, y);
    assert_string_equal(u, v);
    free(x);
    free(y);
    free(u);
    free(v);
    an_gearbox_free(&a);
    an_gearbox_free(&b);
    an_gearbox_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(about_700_metrics_of_which_66_are_useful),
        cmocka_unit_test(the_serial_brings_the_parts_back),
        cmocka_unit_test(rework_is_another_measurement_of_the_same_part),
        cmocka_unit_test(the_raw_view_is_of_the_same_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
