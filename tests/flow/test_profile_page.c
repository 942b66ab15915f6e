/* The page of a profile: what it says, that it is sound HTML without anything from elsewhere, its tables as CSV; hostile names; tables of
 * an earlier page; the act on a workspace. */
#include "flow/acts.h"
#include "flow/lines.h"
#include "flow/profile_page.h"
#include "flow/report_help.h"

#include <math.h>
#include <unistd.h>

static json_t *profile_act(const line *l, const char *const *pairs, an_error *err)
{
    const an_act *a = &an__act_data_profile;
    void *options = an_alloc(a->options_size);
    an_params_defaults(a->params, options);
    bool ok = true;
    for (size_t i = 0; ok && pairs[i]; i += 2) ok = an_params_set(a->params, options, pairs[i], pairs[i + 1], err);
    json_t *result = ok ? a->run(l->store, options, NULL, err) : NULL;
    an_params_free(a->params, options);
    free(options);
    return result;
}
#define PROFILE(...) profile_act(l, (const char *const[]){ __VA_ARGS__, NULL }, &err)

/* 400 parts, a reading a minute; torque sticks, force steps, two variants; the name of one column would break a careless page. */
static an_table *parts(const char *odd)
{
    an_error err = { 0 };
    an_table *t = parts_make(400, 60, 1, 4);
    an_column *time = an_table_add(t, "time", AN_DATETIME, &err);
    an_column *torque = an_table_add(t, odd, AN_REAL, &err);
    an_column *variant = an_table_add(t, "variant", AN_CATEGORY, &err);
    assert_true(time && torque && variant);
    time = an_table_find(t, "time");
    torque = an_table_find(t, odd);
    time->role = AN_TIME;
    torque->spec = json_pack("{s:f, s:f, s:s}", "low", 8.0, "high", 12.0, "station", "<4>");
    variant->dictionary.count = 2;
    variant->dictionary.names = an_alloc_n(2, sizeof(char *));
    variant->dictionary.names[0] = an_strdup("A & <b>");
    variant->dictionary.names[1] = an_strdup("B");
    an_rng r = an_rng_at(8, 8);
    for (size_t i = 0; i < 400; i++) {
        an_set_valid(time, i);
        an_set_valid(torque, i);
        time->integer[i] = (INT64_C(1775196000) + 300 * (int64_t)i) * 1000000;
        torque->real[i] = i >= 100 && i < 140 ? 12.5 : round(1000 * (10 + 0.4 * an_rng_normal(&r))) / 1000;
        an_table_find(t, "y")->real[i] += i < 200 ? 0 : 3;
        an_set_valid(variant, i);
        variant->code[i] = (int32_t)an_rng_below(&r, 2);
    }
    an_table_find(t, "marker")->role = AN_ID;
    return t;
}

static json_t *profile_of(const an_table *t, const char *by)
{
    an_error err = { 0 };
    json_t *p = an_table_profile_full(t, by, NULL, &err);
    if (!p) fail_msg("%s", err.message);
    json_object_set_new(p, "name", json_string("press"));
    json_object_set_new(p, "version", json_integer(3));
    json_object_set_new(p, "id", json_string("abcdef0123456789"));
    json_object_set_new(p, "written", json_string("2026-01-02T03:04:00Z"));
    if (by) json_object_set_new(p, "by", json_string(by));
    return p;
}

static void check_page(const char *html, const an_report_tables *t)
{
    check_tags(html);
    static const char *const outside[] = { "http:", "https:", "<script", "url(", "@import", " nan", ">nan", "\"nan", ">inf", " inf " };
    for (size_t i = 0; i < AN_COUNT(outside); i++) lacks(html, outside[i]);
    for (size_t i = 0; i < t->count; i++) {
        bool known = false;
        for (size_t k = 0; an__profile_table_names[k]; k++) known |= !strcmp(an__profile_table_names[k], t->items[i].name);
        if (!known) fail_msg("table %s is not among the names", t->items[i].name);
        const char *p = t->items[i].text.data;
        int columns = csv_fields(&p);
        while (*p)
            if (csv_fields(&p) != columns) fail_msg("%s.csv is not rectangular", t->items[i].name);
        char *link = an_format("href=\"a%%20b/%s.csv\"", t->items[i].name);
        has(html, link);
        free(link);
    }
}

static void test_page(void **state)
{
    (void)state;
    an_table *t = parts("torque<&\"3'");
    json_t *p = profile_of(t, "variant");
    an_report_tables tables = { 0 };
    an_buf html = { 0 };
    an__profile_render(p, "a b", &html, &tables);
    check_page(html.data, &tables);
    static const char *const parts_of[] = {
        "<h1>press/3</h1>",
        "By variant.",
        "torque&lt;&amp;&quot;3&#39; stuck at 12.5 from 2026-04-03 14:20 to 17:35 on station &lt;4&gt; (40 rows)",
        "y steps from ",
        "A &amp; &lt;b&gt;",
        "6-14 h",
        "class=\"limit\"",
        "data:image/png;base64,iVBOR",
        "Specification limits",
        "Ppk",
        "400 rows",
        "15.0\u00a0% of broken = 1",
        "Bissell (1990)",
        "class=\"step\"",
        ">2026-04-03</span> to <span class=\"day\">2026-04-04<"
    };
    for (size_t i = 0; i < AN_COUNT(parts_of); i++) has(html.data, parts_of[i]);
    has(table(&tables, "findings"), "2026-04-03T14:20:00Z");
    has(table(&tables, "by-columns"), "A & <b>");
    has(table(&tables, "capability"), "moving range");
    has(table(&tables, "steps"), "y,");
    an_buf_free(&html);
    an__report_tables_free(&tables);
    json_decref(p);
    an_table_free(t);
}

/* Without time, limits, variant or target; without rows; a constant. */
static void test_little(void **state)
{
    (void)state;
    for (size_t rows = 0; rows < 3; rows++) {
        an_error err = { 0 };
        an_table *t = an_table_new(rows);
        assert_non_null(an_table_add(t, "empty", AN_REAL, &err));
        an_column *one = an_table_add(t, "one", AN_INTEGER, &err);
        for (size_t i = 0; i < rows; i++) an_set_valid(one, i);
        json_t *p = profile_of(t, NULL);
        an_report_tables tables = { 0 };
        an_buf html = { 0 };
        an__profile_render(p, "a b", &html, &tables);
        check_page(html.data, &tables);
        has(html.data, "No column has the role of the time");
        has(html.data, "Fewer than two numbers vary");
        lacks(html.data, "By value");
        an_buf_free(&html);
        an__report_tables_free(&tables);
        json_decref(p);
        an_table_free(t);
    }
}

/* One limit, a second column of dates, a unit that changed: no "nan", no seconds since 1970, no Cp; the matrix of correlations as CSV. */
static void test_kinds_of_numbers(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t = parts("torque");
    assert_non_null(an_table_add(t, "made", AN_DATETIME, &err));
    an_column *made = an_table_find(t, "made"), *torque = an_table_find(t, "torque"), *y = an_table_find(t, "y");
    for (size_t i = 0; i < t->rows; i++) {
        an_set_valid(made, i);
        made->integer[i] = INT64_C(1772323200) * 1000000 + (int64_t)(i / 20) * 86400 * INT64_C(1000000); /* 2026-03-01, days */
        y->real[i] = (y->real[i] + (i < 200 ? 40 : 37)) * (i >= 250 ? 1000 : 1);
    }
    json_decref(torque->spec);
    torque->spec = json_pack("{s:f}", "high", 11.0);
    json_t *p = profile_of(t, NULL);
    an_report_tables tables = { 0 };
    an_buf html = { 0 };
    an__profile_render(p, "a b", &html, &tables);
    check_page(html.data, &tables);
    static const char *const lacking[] = { "e+09", "Cp ", "nan" }, *const there[] = { "limit 11 (upper)", "at most 11", "2026-03-01",
                                                                                      "another unit? a thousand times as large" };
    for (size_t i = 0; i < AN_COUNT(there); i++) has(html.data, there[i]);
    lacks(html.data, lacking[0]);
    for (size_t i = 0; i < AN_COUNT(lacking); i++) lacks(table(&tables, "findings"), lacking[i]);
    has(table(&tables, "columns"), "2026-03-01T00:00:00Z");
    has(table(&tables, "histograms"), "2026-03-20T00:00:00Z");
    lacks(table(&tables, "histograms"), "1772");
    /* row by row: 1 on the diagonal, the same on both sides of it, what the picture has */
    const json_t *k = json_object_get(p, "correlation"), *r = json_object_get(k, "r_1000");
    size_t d = json_array_size(json_object_get(k, "columns"));
    assert_true(d >= 3);
    const char *line_at = strchr(table(&tables, "correlations"), '\n') + 1;
    double *cell = an_alloc_n(d * d, sizeof *cell);
    for (size_t i = 0; i < d; i++, line_at = strchr(line_at, '\n') + 1) {
        const char *at = strchr(line_at, ',');
        for (size_t j = 0; j < d; j++, at = strpbrk(at + 1, ",\n")) cell[i * d + j] = strtod(at + 1, NULL);
    }
    assert_int_equal(*line_at, 0);
    for (size_t i = 0, n = 0; i < d; i++) {
        assert_true(cell[i * d + i] == 1);
        for (size_t j = 0; j < i; j++, n++)
            assert_true(cell[i * d + j] == cell[j * d + i] && cell[i * d + j] == an_json_number(json_array_get(r, n), NAN) / 1000);
    }
    free(cell);
    an_buf_free(&html);
    an__report_tables_free(&tables);
    json_decref(p);
    an_table_free(t);
}

static void test_act(void **state)
{
    line *l = *state;
    an_error err = { 0 };
    an_table *t = parts("torque");
    an_hash address;
    json_t *r;
    MUST(an__table_put(l->store, t, "data", &address, &err));
    MUST((r = an__data_register(l->store, "press", t, &address, NULL, NULL, &err)) != NULL);
    json_decref(r);
    an_table_free(t);
    char *out = an_path_join(l->folder, "p.html"), *csv = an_path_join(l->folder, "p.tables/by-columns.csv"),
         *findings = an_path_join(l->folder, "p.tables/findings.csv");
    MUST((r = PROFILE("name", "press", "by", "variant", "out", out)) != NULL);
    assert_string_equal(an_json_string(r, "out", ""), out);
    assert_true(json_array_size(json_object_get(r, "findings")) >= 2);
    assert_true(an_file_exists(out) && an_file_exists(csv) && an_file_exists(findings));
    json_decref(r);
    MUST((r = PROFILE("name", "press", "out", out)) != NULL); /* tables of the page before that this one lacks are gone */
    assert_true(an_file_exists(findings) && !an_file_exists(csv));
    json_decref(r);
    MUST((r = PROFILE("name", "press/1")) != NULL);
    assert_null(json_object_get(r, "out"));
    json_decref(r);
    MUST_FAIL(PROFILE("name", "press", "by", "varant"), AN_NOT_FOUND, "varant");
    assert_non_null(strstr(err.hint, "variant"));
    MUST_FAIL(PROFILE("name", "pres"), AN_NOT_FOUND, "pres");
    MUST_FAIL(PROFILE("name", "press", "out", "/dev/null/p.html"), AN_IO, "");
    free(out);
    free(csv);
    free(findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_little),
        cmocka_unit_test(test_kinds_of_numbers),
        cmocka_unit_test_setup_teardown(test_act, line_make, line_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
