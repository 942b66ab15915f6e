/* Tests of schemas: text and back, every field applied, messages with lines, constraints, specs through files and copies. */
#include "help.h"

#include <math.h>
#include <unistd.h>

static const char csv[] = "serial,line,variant,length,limit,sum,temp,rework,broken,day\n"
                          "0001,A,x,1.5,2,3.5,20,no,ok,2026-03-01\n"
                          "0002,A,x,2.5,3,5.5,-999,no,nok,2026-03-02\n"
                          "0003,B,y,3.5,4,7.5,22,yes,ok,2026-03-03\n"
                          "0004,B,y,9,5,14,23,no,nok,2026-03-04\n";

static an_yaml *yaml(const char *text)
{
    an_error err = { 0 };
    an_yaml *y = an_yaml_parse(text, strlen(text), "s.yaml", &err);
    if (!y) fail_msg("%s\n%s", err.message, text);
    return y;
}

static json_t *apply(an_table *t, const char *text)
{
    an_error err = { 0 };
    an_yaml *y = yaml(text);
    json_t *report = NULL;
    if (!an_schema_apply(t, y, &report, &err)) fail_msg("%s\n%s", err.message, text);
    an_yaml_free(y);
    assert_non_null(report);
    return report;
}

static char *text_of(const an_table *t)
{
    an_buf b = { 0 };
    an_schema_text(t, &b);
    return an_buf_take(&b);
}

/* Everything a table is, as bytes: both files of a saved one. */
static char *bytes_of(const an_table *t)
{
    char folder[] = "/tmp/andon_schema_XXXXXX";
    assert_non_null(mkdtemp(folder));
    an_error err = { 0 };
    an_artifact *a = an_artifact_new(folder, &err);
    an_hash address;
    an_buf manifest = { 0 };
    assert_true(an_table_save(t, a, &err) && an_artifact_seal(a, &address, &manifest, &err));
    an_artifact_free(a);
    assert_true(an_folder_remove(folder, &err));
    return an_buf_take(&manifest);
}

static an_table *described(void)
{
    an_table *t = parse(csv, NULL);
    json_decref(apply(t, "positive: nok\n"
                         "columns:\n"
                         "  serial: {role: id}\n"
                         "  line: {type: category}\n"
                         "  variant: {type: category, description: \"which, and \\\"how\\\"\"}\n"
                         "  length: {unit: mm, from: cm, low: 5, high: 80.5, direction: more is worse, station: press 2, resolution: 0.1}\n"
                         "  temp: {type: real, sentinels: [-999, n.d.], unit: Cel}\n"
                         "  rework: {after_decision: true}\n"
                         "  broken: {role: target}\n"
                         "  day: {role: time}\n"
                         "  sum: {role: ignored, reason: duplicate, kept: false}\n"
                         "  limit: {kept: true}\n"
                         "constraints:\n"
                         "  - limit < sum\n"
                         "  - fixed: [line, variant]\n"));
    return t;
}

static void every_field(void **state)
{
    (void)state;
    an_table *t = described();
    assert_string_equal(t->positive, "nok");
    assert_int_equal(column(t, "serial")->role, AN_ID);
    assert_int_equal(column(t, "line")->type, AN_CATEGORY);
    an_column *c = column(t, "length");
    assert_string_equal(c->unit, "mm");
    assert_true(c->real[0] == 15 && c->real[3] == 90);
    assert_true(json_number_value(json_object_get(c->spec, "high")) == 80.5);
    assert_string_equal(an_json_string(c->spec, "direction", ""), "more is worse");
    assert_string_equal(an_json_string(c->spec, "station", ""), "press 2");
    assert_true(json_number_value(json_object_get(c->spec, "resolution")) == 0.1);
    assert_string_equal(an_json_string(c->spec, "from", ""), "cm");
    c = column(t, "temp");
    assert_int_equal(c->type, AN_REAL);
    assert_int_equal(c->missing, 1);
    assert_false(an_valid(c, 1));
    assert_true(c->real[0] == 20);
    c = column(t, "rework");
    assert_int_equal(c->role, AN_IGNORED);
    assert_string_equal(c->reason, "after-decision");
    assert_int_equal(column(t, "broken")->role, AN_TARGET);
    assert_int_equal(column(t, "day")->role, AN_TIME);
    assert_string_equal(column(t, "sum")->reason, "duplicate");
    assert_true(column(t, "limit")->kept);
    assert_int_equal(json_array_size(t->constraints), 2);
    json_t *fixed = json_array_get(t->constraints, 1);
    assert_int_equal(json_array_size(json_object_get(fixed, "allowed")), 2); /* (A, x) and (B, y) */
    an_table_free(t);
}

static void identity(void **state)
{
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        an_table *t = plain ? parse(csv, NULL) : described();
        char *text = text_of(t), *before = bytes_of(t);
        json_decref(apply(t, text));
        char *after = bytes_of(t), *again = text_of(t);
        assert_string_equal(before, after);
        assert_string_equal(text, again);
        free(text);
        free(again);
        free(before);
        free(after);
        an_table_free(t);
    }
}

/* The schema of one file, used on the raw next one, gives the same table. */
static void second_file(void **state)
{
    (void)state;
    an_table *a = described(), *b = parse(csv, NULL);
    char *text = text_of(a), *before = bytes_of(a);
    json_decref(apply(b, text));
    char *after = bytes_of(b);
    assert_string_equal(before, after);
    free(text);
    free(before);
    free(after);
    an_table_free(a);
    an_table_free(b);
}

static void odd_names(void **state)
{
    (void)state;
    an_table *t = parse(
        "no,1e5,a: b,\"x \"\"y\"\"\",- z,\"l\xc3\xa4nge [mm]\",#,true,\" \",'q',null,~,\"two\nlines\"\n1,2,3,4,5,6,7,8,9,10,11,12,13\n",
        NULL);
    for (size_t j = 0; j < t->columns; j++) t->column[j].unit = an_strdup(t->column[(j + 1) % t->columns].name);
    char *text = text_of(t), *before = bytes_of(t);
    json_decref(apply(t, text));
    char *after = bytes_of(t);
    assert_string_equal(before, after);
    free(text);
    free(before);
    free(after);
    an_table_free(t);
}

static void units(void **state)
{
    (void)state;
    an_table *t = parse("a,b,n\n1,50,1\n2,68,2\n,86,3\n", NULL);
    json_t *report = apply(t, "columns: {a: {unit: mm, from: in}, b: {unit: Cel, from: \"[degF]\"}, n: {unit: mm, from: in}}\n");
    assert_true(column(t, "a")->real[0] == 25.4 && column(t, "a")->real[1] == 50.8); /* whole inches became reals */
    assert_false(an_valid(column(t, "a"), 2));
    assert_true(fabs(column(t, "b")->real[0] - 10) < 1e-13 && fabs(column(t, "b")->real[1] - 20) < 1e-13);
    assert_int_equal(column(t, "n")->type, AN_REAL);
    assert_int_equal(json_array_size(json_object_get(report, "converted")), 3);
    json_decref(report);
    json_decref(apply(t, "columns: {a: {unit: mm, from: in}}\n")); /* twice is once */
    assert_true(column(t, "a")->real[0] == 25.4);
    json_decref(apply(t, "columns: {a: {unit: cm}}\n")); /* the table says mm */
    assert_true(fabs(column(t, "a")->real[0] - 2.54) < 1e-15);
    json_decref(apply(t, "columns: {a: {unit: km, from: km}}\n")); /* the label was wrong */
    assert_true(fabs(column(t, "a")->real[0] - 2.54) < 1e-15);
    assert_string_equal(column(t, "a")->unit, "km");
    json_decref(apply(t, "columns: {n: {unit: }}\n"));
    assert_null(column(t, "n")->unit);
    an_table_free(t);
}

static void types(void **state)
{
    (void)state;
    an_table *t = parse("i,r,s,d,b,w\n1,1.5,0012,03/04/2026,yes,7\n0,2.0,0013,04/04/2026,no,8\n,,,,,x\n",
                        &(an_csv_options){ .type = { (char *[]){ (char *)(uintptr_t) "w=text", (char *)(uintptr_t) "d=text" }, 2 } });
    json_t *report = apply(t, "columns:\n  i: {type: boolean}\n  s: {type: integer}\n  d: {type: datetime, format: \"%d/%m/%Y\"}\n  b: "
                              "{type: integer}\n  w: {type: real, sentinels: [x]}\n  r: {type: text}\n");
    assert_int_equal(json_array_size(json_object_get(report, "types")), 6);
    json_decref(report);
    assert_true(column(t, "i")->boolean[0] == 1 && column(t, "i")->boolean[1] == 0 && !an_valid(column(t, "i"), 2));
    assert_true(column(t, "s")->integer[0] == 12);
    assert_string_equal(cell(t, "d", 0), "2026-04-03T00:00:00Z");
    assert_true(column(t, "b")->integer[0] == 1);
    assert_true(column(t, "w")->real[1] == 8 && column(t, "w")->missing == 1);
    assert_string_equal(cell(t, "r", 0), "1.5");
    an_table_free(t);
}

static void constraints_judged(void **state)
{
    (void)state;
    an_table *t = parse(csv, NULL);
    json_t *report = apply(t, "columns: {length: {low: 2, high: 4}}\nconstraints: [length < limit, length + limit = sum, \"2 * length - 1 "
                              "<= sum\", {fixed: [line, variant], allowed: [[A, x], [B, x]]}]\n");
    json_t *list = json_object_get(report, "constraints");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "rows_broken")), 1); /* row 4 */
    assert_int_equal(json_integer_value(json_array_get(json_object_get(json_array_get(list, 0), "first"), 0)), 4);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "rows_broken")), 0);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 2), "rows_broken")), 1); /* 2 * 9 - 1 > 14 */
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 3), "rows_broken")), 2); /* both of B, y */
    json_t *outside = json_array_get(json_object_get(report, "outside_limits"), 0);
    assert_int_equal(json_integer_value(json_object_get(outside, "below")), 1);
    assert_int_equal(json_integer_value(json_object_get(outside, "above")), 1);
    assert_int_equal(t->rows, 4); /* listed and kept */
    json_decref(report);
    an_table_free(t);
}

/* Equality allows half a resolution of each gauge. */
static void resolution(void **state)
{
    (void)state;
    an_table *t = parse("a,b,c\n0.1,0.2,0.3\n1.0,2.0,3.1\n1.0,2.0,3.3\n", NULL);
    json_t *report = apply(t, "constraints: [a + b = c]\n");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(report, "constraints"), 0), "rows_broken")), 2);
    json_decref(report);
    report = apply(t, "columns: {a: {resolution: 0.1}, b: {resolution: 0.1}, c: {resolution: 0.1}}\nconstraints: [a + b = c]\n");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(report, "constraints"), 0), "rows_broken")), 1);
    json_decref(report);
    an_table_free(t);
}

/* Without a resolution the last decimal place of the columns says how far rounded values may be off; whole numbers are exact. */
static void decimals(void **state)
{
    (void)state;
    an_buf csv_text = { 0 };
    an_rng r = an_rng_at(3, 1);
    an_buf_puts(&csv_text, "a,b,c,p,q,n,d\n");
    for (int i = 0; i < 200; i++) { /* c is rounded on its own: off by up to 0.001; three rows are really wrong */
        double a = 3 + 0.2 * an_rng_normal(&r), b = 4 + 0.3 * an_rng_normal(&r);
        int n = (int)an_rng_below(&r, 50), m = (int)an_rng_below(&r, 50);
        an_buf_printf(&csv_text, "%.3f,%.3f,%.3f,%d,%d,%d,%.17g\n", a, b, a + b + (i % 70 == 5 ? 0.005 : 0), n, m, n + m + (i == 9), a + b);
    }
    an_table *t = parse(csv_text.data, NULL);
    an_buf_free(&csv_text);
    static const struct {
        const char *schema;
        int broken;
        double tolerance;
        const char *note;
    } each[] = {
        { "constraints: [a + b = c]\n", 3, 0.0015,
          "a + b = c: broken in 3 rows, which stay; off by more than 0.0015: half the resolution" },
        { "constraints: [2 * a + b != c]\n", 0, 0.002, NULL },
        { "columns: {c: {resolution: 0.02}}\nconstraints: [a + b = c]\n", 0, 0.011, NULL },
        { "constraints: [p + q = n]\n", 1, 0, "broken in 1 row, which stay; it is taken as exact" },
        { "constraints: [d < c]\n", -1, NAN, "rows, which stay" },
    };
    for (size_t k = 0; k < AN_COUNT(each); k++) {
        json_t *report = apply(t, each[k].schema), *item = json_array_get(json_object_get(report, "constraints"), 0);
        if (each[k].broken >= 0) assert_int_equal(json_integer_value(json_object_get(item, "rows_broken")), each[k].broken);
        if (isnan(each[k].tolerance))
            assert_true(json_is_null(json_object_get(item, "tolerance")));
        else
            assert_true(fabs(an_json_number(json_object_get(item, "tolerance"), NAN) - each[k].tolerance) < 1e-12);
        const char *note = an_json_string(item, "note", NULL);
        assert_int_equal(note != NULL, each[k].note != NULL);
        if (note && !strstr(note, each[k].note)) fail_msg("\"%s\" is not in \"%s\"", each[k].note, note);
        json_decref(report);
    }
    /* full precision has no decimal place: half the resolution of c is left */
    json_t *report = apply(t, "constraints: [d = c]\n"), *item = json_array_get(json_object_get(report, "constraints"), 0);
    double tolerance = an_json_number(json_object_get(item, "tolerance"), NAN);
    if (tolerance != 0.01) fail_msg("tolerance %.17g", tolerance);
    json_decref(report);
    an_table_free(t);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part1, *part2;
    } all[] = {
        { "columns:\n  length: {}\n  lenght: {unit: mm}\n", "line 3", "no column lenght" },
        { "columns:\n  length:\n    type: float\n", "line 3", "not a type" },
        { "columns:\n  length:\n    role: goal\n", "line 3", "not a role" },
        { "columns:\n  length:\n    unit: mm\n    from: kg\n", "line 4", "cannot be converted" },
        { "columns:\n  length:\n    unit: mm\n    from: cubit\n", "line 4", "no unit cubit" },
        { "columns:\n  length:\n    low: 3\n    high: 2\n", "line 4", "low 3 is not below high 2" },
        { "columns:\n  length:\n    low: big\n", "line 3", "must be a number" },
        { "columns:\n  variant:\n    low: 1\n", "line 3", "has no low" },
        { "columns:\n  variant:\n\n    type: real\n", "line 4", "\"x\" in row 1 is not a number" },
        { "columns:\n  length: {resolution: 0}\n", "line 2", "above 0" },
        { "columns:\n  length: {direction: up}\n", "line 2", "more is worse" },
        { "columns:\n  length: {sentinels: -999}\n", "line 2", "must be a list" },
        { "columns:\n  length: {limits: 3}\n", "line 2", "\"limits\" is not known" },
        { "columns:\n  length: {role: target}\n  limit: {role: target}\n", "line 3", "length is it already" },
        { "columns:\n  length: {role: target, after_decision: true}\n", "line 2", "cannot be the target" },
        { "columns:\n  variant: {role: time}\n", "line 2", "does not order rows" },
        { "columns:\n  length: {reason: odd}\n", "line 2", "belongs to an ignored column" },
        { "columns:\n  length: {format: \"%d\"}\n", "line 2", "format says how dates" },
        { "column:\n  length: {}\n", "line 1", "\"column\" is not known" },
        { "columns:\n  broken: {role: target}\npositive: maybe\n", "line 3", "no value maybe" },
        { "columns: {}\npositive: nok\n", "line 2", "no column has the role target" },
        { "constraints:\n  - length < limit\n  - length << limit\n", "line 3", "expected" },
        { "constraints:\n  - length < limit\n  - length < limt\n", "line 3", "no column limt" },
        { "constraints:\n  - variant < limit\n", "line 2", "column variant is" },
        { "constraints:\n  - length\n", "line 2", "compares nothing" },
        { "constraints:\n  - 3 < 4\n", "line 2", "names no column" },
        { "constraints:\n  - length < limit\n  - limit < sum\n  - sum < length\n", "line ",
          "circle that no row can satisfy: length < limit < sum < length" },
        { "constraints:\n  - length < limit\n  - length >= limit\n", "line ", "circle" },
        { "constraints:\n  - length < length\n", "line 2", "with itself" },
        { "constraints:\n  - length + limit = sum\n  - sum + limit = length\n", "line ", "define each other in a circle" },
        { "constraints:\n  - fixed: [line]\n", "line 2", "two columns" },
        { "constraints:\n  - fixed: [line, varient]\n", "line 2", "no column varient" },
        { "constraints:\n  - fixed: [line, variant]\n    allowed: [[A]]\n", "line 2", "1 values for 2 columns" },
        { "[1, 2]\n", "line 1", "begins with columns" },
    };
    for (size_t i = 0; i < AN_COUNT(all); i++) {
        an_table *t = parse(csv, NULL);
        an_yaml *y = yaml(all[i].text);
        char *before = bytes_of(t);
        an_error err = { 0 };
        json_t *report = NULL;
        if (an_schema_apply(t, y, &report, &err)) fail_msg("accepted: %s", all[i].text);
        if (err.code != AN_INPUT || !strstr(err.message, all[i].part1) || !strstr(err.message, all[i].part2))
            fail_msg("\"%s\" where \"%s\" and \"%s\" were expected", err.message, all[i].part1, all[i].part2);
        assert_null(report);
        char *after = bytes_of(t);
        assert_string_equal(before, after); /* nothing happened */
        free(before);
        free(after);
        an_yaml_free(y);
        an_table_free(t);
    }
}

/* Non-strict orders may run in a circle: the columns are equal then. */
static void allowed_circle(void **state)
{
    (void)state;
    an_table *t = parse(csv, NULL);
    json_decref(apply(t, "constraints: [length <= limit, limit <= sum, sum >= length]\n"));
    json_decref(apply(t, "constraints: [length <= limit, limit <= length]\n"));
    assert_int_equal(json_array_size(t->constraints), 2);
    an_table_free(t);
}

static void copies(void **state)
{
    (void)state;
    an_table *t = described();
    an_error err = { 0 };
    an_table *some = an_table_select(t, (size_t[]){ 2, 0 }, 2, &err);
    assert_string_equal(an_json_string(column(some, "length")->spec, "station", ""), "press 2");
    assert_int_equal(json_array_size(some->constraints), 2);
    an_table *narrow = an_table_select_columns(t, (const char *const[]){ "limit", "sum" }, 2, &err);
    assert_int_equal(json_array_size(narrow->constraints), 1); /* the fixed one lost its columns */
    an_table *both = an_table_append(some, t, &err);
    assert_int_equal(json_array_size(both->constraints), 2);
    assert_string_equal(an_json_string(column(both, "length")->spec, "station", ""), "press 2");
    an_table_free(some);
    an_table_free(narrow);
    an_table_free(both);
    an_table_free(t);
}

static void files(void **state)
{
    (void)state;
    char folder[] = "/tmp/andon_schema_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *inside = an_path_join(folder, "a");
    an_error err = { 0 };
    an_table *t = described();
    an_artifact *a = an_artifact_new(inside, &err);
    assert_true(an_table_save(t, a, &err));
    an_artifact_free(a);
    a = an_artifact_open(inside, &err);
    an_table *back = an_table_load(a, &err);
    if (!back) fail_msg("%s", err.message);
    assert_true(json_equal(back->constraints, t->constraints));
    assert_true(json_equal(column(back, "length")->spec, column(t, "length")->spec));
    assert_null(column(back, "serial")->spec);
    char *x = bytes_of(t), *y = bytes_of(back);
    assert_string_equal(x, y);
    /* without specs and constraints the file does not mention them: tables written before have the same bytes */
    an_table *plain = parse(csv, NULL);
    char *second = an_path_join(folder, "b");
    an_artifact *b = an_artifact_new(second, &err);
    an_buf text = { 0 };
    assert_true(an_table_save(plain, b, &err) && an_artifact_read(b, "schema.json", &text, &err));
    assert_null(strstr(text.data, "spec"));
    assert_null(strstr(text.data, "constraints"));
    an_buf_free(&text);
    an_artifact_free(b);
    /* a damaged spec is found */
    json_t *schema = an_artifact_read_json(a, "schema.json", &err);
    json_object_set_new(json_array_get(json_object_get(schema, "columns"), 0), "spec", json_pack("{s:s}", "low", "much"));
    char *path = an_path_join(inside, "schema.json");
    assert_true(an_json_write(path, schema, &err));
    assert_null(an_table_load(a, &err));
    assert_int_equal(err.code, AN_CORRUPT);
    json_decref(schema);
    free(path);
    an_artifact_free(a);
    assert_true(an_folder_remove(folder, &err));
    free(inside);
    free(second);
    free(x);
    free(y);
    an_table_free(t);
    an_table_free(plain);
    an_table_free(back);
}

/* Rows that have no label yet are no reason to refuse a schema: its own text applies again. */
static void rows_without_a_label(void **state)
{
    (void)state;
    an_table *t = parse("x,broken\n1,ok\n2,nok\n3,\n4,ok\n5,\n", NULL);
    json_decref(apply(t, "columns:\n  broken: {type: category, role: target}\n"));
    assert_string_equal(t->positive, "nok");
    char *text = text_of(t), *before = bytes_of(t);
    json_decref(apply(t, text));
    char *after = bytes_of(t);
    assert_string_equal(before, after);
    json_decref(apply(t, "positive: ok\ncolumns:\n  broken: {role: target}\n"));
    assert_string_equal(t->positive, "ok");
    an_table *none = parse("x,broken\n1,\n2,\n", NULL);
    an_yaml *y = yaml("columns:\n  broken: {role: target}\n");
    an_error err = { 0 };
    assert_false(an_schema_apply(none, y, NULL, &err));
    assert_non_null(strstr(err.message, "the target is missing in every row"));
    an_yaml_free(y);
    an_table_free(none);
    an_table_free(t);
    free(text);
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),
        cmocka_unit_test(identity),
        cmocka_unit_test(second_file),
        cmocka_unit_test(odd_names),
        cmocka_unit_test(units),
        cmocka_unit_test(types),
        cmocka_unit_test(constraints_judged),
        cmocka_unit_test(resolution),
        cmocka_unit_test(decimals),
        cmocka_unit_test(refused),
        cmocka_unit_test(allowed_circle),
        cmocka_unit_test(copies),
        cmocka_unit_test(files),
        cmocka_unit_test(rows_without_a_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
