/* Tests of joining and growing: matched and missing parts, rework, order, names, types of keys, refusals, reports, and a brute-force
 * comparison on random tables. */
#include "help.h"

static an_join_options options(const char *on)
{
    an_join_options o = { 0 };
    an_params_defaults(an_join_params, &o);
    free(o.on);
    o.on = an_strdup(on);
    o.by_row = !on;
    return o;
}

static void set(an_join_options *o, const char *name, const char *value)
{
    an_error err = { 0 };
    if (!an_params_set(an_join_params, o, name, value, &err)) fail_msg("%s", err.message);
}

static an_table *join2(const an_table *a, const an_table *b, const an_join_options *o, json_t **report)
{
    an_error err = { 0 };
    an_table *t = an_table_join((const an_table *const[]){ a, b }, (const char *const[]){ "press", "test" }, 2, o, report, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    return t;
}

static void join_refused(const an_table *a, const an_table *b, const an_join_options *o, an_code code, const char *part1, const char *part2)
{
    an_error err = { 0 };
    json_t *report = NULL;
    an_table *t = an_table_join((const an_table *const[]){ a, b }, (const char *const[]){ "press", "test" }, 2, o, &report, NULL, &err);
    if (t) fail_msg("accepted where \"%s\" was expected", part1);
    if (err.code != code || !strstr(err.message, part1) || !strstr(err.message, part2))
        fail_msg("\"%s\" where \"%s\" and \"%s\" were expected", err.message, part1, part2);
    assert_null(report);
}

/* The table as CSV text in a static buffer. */
static const char *shown(const an_table *t)
{
    static char text[65536];
    an_buf b = { 0 };
    an_csv_text(t, true, &b);
    snprintf(text, sizeof text, "%s", b.data);
    an_buf_free(&b);
    return text;
}

static json_int_t whole(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static an_table *press(void)
{
    return parse("serial,force,temp\np3,3,30\np1,1,10\np2,2,20\np9,9,90\n", NULL);
}

static an_table *test(void)
{
    return parse("temp,serial,result\n11,p1,ok\n22,p2,ok\n33,p3,nok\n44,p4,ok\n", NULL);
}

static void matched(void **state)
{
    (void)state;
    an_table *a = press(), *b = test();
    an_join_options o = options("serial");
    json_t *report;
    an_table *t = join2(a, b, &o, &report);
    assert_string_equal(shown(t), "serial,force,press.temp,test.temp,result\np3,3,30,33,nok\np1,1,10,11,ok\np2,2,20,22,ok\n");
    assert_int_equal(column(t, "serial")->role, AN_ID);
    assert_int_equal(whole(report, "rows"), 3);
    assert_int_equal(whole(report, "left_out"), 2);
    json_t *first = json_array_get(json_object_get(report, "tables"), 0), *second = json_array_get(json_object_get(report, "tables"), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(first, "unmatched"), 0)), "p9");
    assert_string_equal(json_string_value(json_array_get(json_object_get(second, "unmatched"), 0)), "p4");
    assert_int_equal(whole(second, "unmatched_count"), 1);
    json_t *conflict = json_array_get(json_object_get(report, "conflicts"), 0); /* temp is in both and differs */
    assert_string_equal(an_json_string(conflict, "column", ""), "temp");
    assert_int_equal(whole(conflict, "rows"), 3);
    json_decref(report);
    an_table_free(t);
    set(&o, "parts", "all");
    t = join2(a, b, &o, &report);
    assert_string_equal(shown(t),
                        "serial,force,press.temp,test.temp,result\np3,3,30,33,nok\np1,1,10,11,ok\np2,2,20,22,ok\np9,9,90,,\np4,,,44,ok\n");
    assert_int_equal(whole(report, "left_out"), 0);
    json_decref(report);
    an_table_free(t);
    set(&o, "trace", "true");
    set(&o, "parts", "matched");
    t = join2(a, b, &o, NULL);
    assert_string_equal(
        shown(t),
        "serial,force,press.temp,test.temp,result,press.row,test.row\np3,3,30,33,nok,1,3\np1,1,10,11,ok,2,1\np2,2,20,22,ok,3,2\n");
    assert_int_equal(column(t, "press.row")->role, AN_IGNORED);
    an_table_free(t);
    an_params_free(an_join_params, &o);
    an_table_free(a);
    an_table_free(b);
}

static void rework(void **state)
{
    (void)state;
    an_table *a = parse("serial,x\na,1\nb,2\na,3\nc,4\na,5\n", NULL), *b = parse("serial,y\na,10\na,20\nc,30\nc,40\nb,50\n", NULL);
    an_join_options o = options("serial");
    join_refused(a, b, &o, AN_INPUT, "1 part has more than one row in press: serial a has 3 rows, 2 in test", "6 rows of one part");
    set(&o, "attempts", "last");
    json_t *report;
    an_table *t = join2(a, b, &o, &report);
    assert_string_equal(shown(t), "serial,x,y\nb,2,50\nc,4,40\na,5,20\n"); /* in the order of the rows that count */
    json_t *repeated = json_object_get(json_array_get(json_object_get(report, "tables"), 0), "repeated");
    assert_int_equal(json_array_size(repeated), 1);
    assert_string_equal(an_json_string(json_array_get(repeated, 0), "key", ""), "a");
    assert_int_equal(whole(json_array_get(repeated, 0), "rows"), 3);
    assert_int_equal(whole(json_array_get(json_object_get(report, "tables"), 1), "repeated_count"), 2);
    json_decref(report);
    an_table_free(t);
    set(&o, "attempts", "first");
    t = join2(a, b, &o, NULL);
    assert_string_equal(shown(t), "serial,x,y\na,1,10\nb,2,50\nc,4,30\n");
    an_table_free(t);
    set(&o, "attempts", "all");
    t = join2(a, b, &o, &report);
    assert_string_equal(shown(t), "serial,attempt,x,y\na,1,1,10\nb,1,2,50\na,2,3,20\nc,1,4,30\n");
    for (size_t k = 0; k < 2; k++) /* the third of a, the second of c */
        assert_int_equal(whole(json_array_get(json_object_get(report, "tables"), k), "attempts_alone"), 1);
    json_decref(report);
    an_table_free(t);
    set(&o, "parts", "all");
    t = join2(a, b, &o, NULL);
    assert_string_equal(shown(t), "serial,attempt,x,y\na,1,1,10\nb,1,2,50\na,2,3,20\nc,1,4,30\na,3,5,\nc,2,,40\n");
    an_table_free(t);
    set(&o, "parts", "matched");
    set(&o, "attempts", "refuse");
    set(&o, "multiply", "true");
    t = join2(a, b, &o, NULL);
    assert_string_equal(shown(t), "serial,x,y\na,1,10\na,1,20\nb,2,50\na,3,10\na,3,20\nc,4,30\nc,4,40\na,5,10\na,5,20\n");
    an_table_free(t);
    set(&o, "attempts", "last");
    join_refused(a, b, &o, AN_USAGE, "nothing to multiply", "");
    an_params_free(an_join_params, &o);
    an_table_free(a);
    an_table_free(b);
}

/* A key that is a number in one file and text in the other matches by its text; leading zeroes are other keys, and that is said. */
static void key_types(void **state)
{
    (void)state;
    an_table *a = parse("serial,x\n12,1\n13,2\n14,3\n", NULL), *b = parse("serial,y\n0012,5\n0013,6\nA14,7\n", NULL),
             *c = parse("serial,z\n12,7\nX,8\n13,9\n", NULL), *d = parse("serial,w\n12.0,1\n13.5,2\n", NULL);
    assert_int_equal(column(a, "serial")->type, AN_INTEGER);
    assert_int_equal(column(d, "serial")->type, AN_REAL);
    an_join_options o = options("serial");
    json_t *report;
    an_table *t = join2(a, c, &o, &report);
    assert_string_equal(shown(t), "serial,x,z\n12,1,7\n13,2,9\n");
    assert_int_equal(json_array_size(json_object_get(report, "notes")), 0);
    json_decref(report);
    an_table_free(t);
    t = join2(a, d, &o, NULL); /* 12 is 12.0 */
    assert_int_equal(t->rows, 1);
    an_table_free(t);
    join_refused(a, b, &o, AN_INPUT, "no part is in all of the tables", "");
    set(&o, "parts", "all");
    t = join2(a, b, &o, &report);
    assert_int_equal(t->rows, 6);
    assert_int_equal(column(t, "serial")->type, AN_TEXT);
    assert_string_equal(cell(t, "serial", 0), "12");
    assert_string_equal(cell(t, "serial", 3), "0012");
    const char *note = json_string_value(json_array_get(json_object_get(report, "notes"), 0));
    assert_non_null(note);
    assert_non_null(strstr(note, "leading zeroes (0012)"));
    assert_non_null(strstr(note, "2 more parts"));
    json_decref(report);
    an_table_free(t);
    an_params_free(an_join_params, &o);
    an_table_free(a);
    an_table_free(b);
    an_table_free(c);
    an_table_free(d);
}

static void category_keys(void **state)
{
    (void)state;
    an_table *a = parse("k,x\nu,1\nv,2\nu,3\nv,4\nu,5\n", NULL), *b = parse("k,y\nw,1\nw,2\nu,3\nu,4\nw,5\n", NULL);
    assert_int_equal(column(a, "k")->type, AN_CATEGORY);
    an_join_options o = options("k");
    set(&o, "attempts", "first");
    set(&o, "parts", "all");
    an_table *t = join2(a, b, &o, NULL);
    assert_string_equal(shown(t), "k,x,y\nu,1,3\nv,2,\nw,,1\n");
    assert_int_equal(column(t, "k")->type, AN_CATEGORY);
    assert_int_equal(column(t, "k")->dictionary.count, 3);
    an_params_free(an_join_params, &o);
    an_table_free(t);
    an_table_free(a);
    an_table_free(b);
}

static void by_row(void **state)
{
    (void)state;
    an_table *a = press(), *b = parse("y\n1\n2\n3\n4\n", NULL), *c = parse("y\n1\n2\n", NULL);
    an_join_options o = options(NULL);
    an_table *t = join2(a, b, &o, NULL);
    assert_string_equal(shown(t), "serial,force,temp,y\np3,3,30,1\np1,1,10,2\np2,2,20,3\np9,9,90,4\n");
    an_table_free(t);
    join_refused(a, c, &o, AN_INPUT, "press has 4 rows and test has 2", "");
    an_params_free(an_join_params, &o);
    o = options("serial");
    join_refused(a, b, &o, AN_NOT_FOUND, "test: there is no column serial", "");
    o.by_row = true;
    join_refused(a, b, &o, AN_USAGE, "either a key column", "");
    an_params_free(an_join_params, &o);
    an_table_free(a);
    an_table_free(b);
    an_table_free(c);
}

static void missing_keys(void **state)
{
    (void)state;
    an_table *a = parse("k,x\np1,1\n,2\np2,3\n,4\n", NULL), *b = parse("k,y\n,1\np2,2\np1,3\n", NULL);
    an_join_options o = options("k");
    json_t *report;
    an_table *t = join2(a, b, &o, &report);
    assert_string_equal(shown(t), "k,x,y\np1,1,3\np2,3,2\n");
    assert_int_equal(whole(json_array_get(json_object_get(report, "tables"), 0), "without_key"), 2);
    json_decref(report);
    an_table_free(t);
    set(&o, "parts", "all");
    t = join2(a, b, &o, NULL);
    assert_string_equal(shown(t), "k,x,y\np1,1,3\n,2,\np2,3,2\n,4,\n,,1\n");
    an_params_free(an_join_params, &o);
    an_table_free(t);
    an_table_free(a);
    an_table_free(b);
}

static void roles(void **state)
{
    (void)state;
    an_table *a = press(), *b = test();
    an_error err = { 0 };
    column(a, "force")->role = AN_TARGET;
    a->positive = an_strdup("9");
    column(b, "result")->role = AN_TARGET;
    a->constraints = json_pack("[s, s]", "force < 100", "temp < 100");
    column(a, "force")->spec = json_pack("{s:i}", "high", 7);
    an_join_options o = options("serial");
    json_t *report;
    an_table *t = join2(a, b, &o, &report);
    assert_int_equal(column(t, "force")->role, AN_TARGET);
    assert_int_equal(column(t, "result")->role, AN_IGNORED);
    assert_string_equal(column(t, "result")->reason, "second target");
    assert_string_equal(t->positive, "9");
    assert_int_equal(json_array_size(t->constraints), 1); /* temp has another name now */
    assert_int_equal(json_integer_value(json_object_get(column(t, "force")->spec, "high")), 7);
    assert_int_equal(json_array_size(json_object_get(report, "conflicts")), 2);
    json_decref(report);
    an_table_free(t);
    a->origins = an_alloc_n(1, sizeof *a->origins); /* a generated row has no station */
    a->origins[0] = (an_origin){ an_strdup("smote/1"), 1 };
    a->origin_count = 1;
    a->origin = an_alloc_data(a->rows, sizeof *a->origin, "origin", &err);
    a->origin_row = an_alloc_data(a->rows, sizeof *a->origin_row, "origin", &err);
    a->origin[1] = 1;
    join_refused(a, b, &o, AN_REFUSED, "table press", "generated");
    an_params_free(an_join_params, &o);
    an_table_free(a);
    an_table_free(b);
}

/* Against nested loops, for every way of joining, with one and several threads. */
static void brute_force(void **state)
{
    (void)state;
    an_pool *pool = an_pool_new(3);
    an_job_options jo = { .pool = pool, .seed = 1 };
    an_job *job = an_job_new(&jo);
    for (int round = 0; round < 40; round++) {
        an_rng r = an_rng_at(7, (uint64_t)round);
        size_t n = 1 + an_rng_below(&r, 60), m = 1 + an_rng_below(&r, 60), keys = 1 + an_rng_below(&r, 60);
        an_buf x = { 0 }, y = { 0 };
        an_buf_puts(&x, "k,x\n");
        an_buf_puts(&y, "k,y\n");
        long long *p = an_alloc_n(n, sizeof *p), *q = an_alloc_n(m, sizeof *q);
        for (size_t i = 0; i < n; i++) an_buf_printf(&x, "s%lld,%zu\n", p[i] = (long long)an_rng_below(&r, keys), i);
        for (size_t i = 0; i < m; i++) an_buf_printf(&y, "s%lld,%zu\n", q[i] = (long long)an_rng_below(&r, keys), i);
        an_table *a = parse(x.data, NULL), *b = parse(y.data, NULL);
        for (int way = 0; way < 3; way++) {
            an_buf expected = { 0 };
            an_buf_puts(&expected, "k,x,y\n");
            for (size_t i = 0; i < n; i++) {
                for (size_t k = 0; k < m; k++) {
                    bool wanted = p[i] == q[k];
                    for (size_t s = i + 1; way == 1 && s < n; s++) wanted = wanted && p[s] != p[i];
                    for (size_t s = k + 1; way == 1 && s < m; s++) wanted = wanted && q[s] != q[k];
                    for (size_t s = 0; way == 2 && s < i; s++) wanted = wanted && p[s] != p[i];
                    for (size_t s = 0; way == 2 && s < k; s++) wanted = wanted && q[s] != q[k];
                    if (wanted) an_buf_printf(&expected, "s%lld,%zu,%zu\n", p[i], i, k);
                }
            }
            an_join_options o = options("k");
            if (way == 0) set(&o, "multiply", "true");
            if (way) set(&o, "attempts", way == 1 ? "last" : "first");
            an_error err = { 0 };
            for (int threads = 0; threads < 2; threads++) {
                an_table *t = an_table_join((const an_table *const[]){ a, b }, (const char *const[]){ "a", "b" }, 2, &o, NULL,
                                            threads ? job : NULL, &err);
                if (!strcmp(expected.data, "k,x,y\n")) {
                    assert_null(t);
                } else {
                    if (!t) fail_msg("%s", err.message);
                    assert_string_equal(shown(t), expected.data);
                }
                an_table_free(t);
            }
            an_params_free(an_join_params, &o);
            an_buf_free(&expected);
        }
        an_table_free(a);
        an_table_free(b);
        an_buf_free(&x);
        an_buf_free(&y);
        free(p);
        free(q);
    }
    an_job_free(job);
    an_pool_free(pool);
}

/* Many partitions and blocks: every part of one table finds its own row of the other, whatever the threads. */
static void large(void **state)
{
    (void)state;
    size_t n = 150000;
    an_error err = { 0 };
    an_table *a = an_table_new(n), *b = an_table_new(n);
    an_buf x = { 0 }, y = { 0 };
    an_column *ka = an_table_add(a, "k", AN_TEXT, &err), *kb = an_table_add(b, "k", AN_TEXT, &err);
    for (size_t i = 0; i < n; i++) {
        an_buf_printf(&x, "part-%zu", i);
        an_buf_printf(&y, "part-%zu", n - 1 - i);
        ka->text.offset[i + 1] = x.size;
        kb->text.offset[i + 1] = y.size;
        an_set_valid(ka, i);
        an_set_valid(kb, i);
    }
    ka->text.bytes = x.data;
    kb->text.bytes = y.data;
    an_column *v = an_table_add(b, "v", AN_INTEGER, &err);
    for (size_t i = 0; i < n; i++) {
        v->integer[i] = (int64_t)(n - 1 - i);
        an_set_valid(v, i);
    }
    an_join_options o = options("k");
    an_pool *pool = an_pool_new(2);
    an_job_options jo = { .pool = pool, .seed = 1 };
    an_job *job = an_job_new(&jo);
    for (int threads = 0; threads < 2; threads++) {
        an_table *t =
            an_table_join((const an_table *const[]){ a, b }, (const char *const[]){ "a", "b" }, 2, &o, NULL, threads ? job : NULL, &err);
        assert_non_null(t);
        assert_int_equal(t->rows, n);
        an_column *got = column(t, "v");
        for (size_t i = 0; i < n; i++) {
            if (got->integer[i] != (int64_t)i) fail_msg("row %zu got %lld", i, (long long)got->integer[i]);
        }
        an_table_free(t);
    }
    an_job_stop(job);
    assert_null(an_table_join((const an_table *const[]){ a, b }, (const char *const[]){ "a", "b" }, 2, &o, NULL, job, &err));
    assert_int_equal(err.code, AN_STOPPED);
    an_job_free(job);
    an_pool_free(pool);
    an_params_free(an_join_params, &o);
    an_table_free(a);
    an_table_free(b);
}

static void three_tables(void **state)
{
    (void)state;
    an_table *a = parse("k,x\np1,1\np2,2\np3,3\n", NULL), *b = parse("k,x\np3,4\np2,5\n", NULL),
             *c = parse("k,z\np2,6\np3,7\np4,8\n", NULL);
    an_join_options o = options("k");
    an_error err = { 0 };
    an_table *t = an_table_join((const an_table *const[]){ a, b, c }, (const char *const[]){ "a", "b", "c" }, 3, &o, NULL, NULL, &err);
    assert_string_equal(shown(t), "k,a.x,b.x,z\np2,2,5,6\np3,3,4,7\n");
    an_table_free(t);
    set(&o, "parts", "all");
    t = an_table_join((const an_table *const[]){ a, b, c }, (const char *const[]){ "a", "b", "c" }, 3, &o, NULL, NULL, &err);
    assert_string_equal(shown(t), "k,a.x,b.x,z\np1,1,,\np2,2,5,6\np3,3,4,7\np4,,,8\n");
    an_params_free(an_join_params, &o);
    an_table_free(t);
    an_table_free(a);
    an_table_free(b);
    an_table_free(c);
}

/* ---- growing ---- */

static an_table *grow(const an_table *t, const an_table *more, json_t **report)
{
    an_error err = { 0 };
    an_table *out = an_table_grow(t, more, report, &err);
    if (!out) fail_msg("%s", err.message);
    return out;
}

static void grow_by_id(void **state)
{
    (void)state;
    an_table *t = parse("serial,x,c\np1,1,u\np2,2,v\n", NULL),
             *more = parse("c,serial,x\nv,p2,2\nw,p3,3.5\nv,p1,7\nw,p3,3.5\nw,p3,4\n", NULL);
    column(t, "serial")->role = AN_ID;
    json_t *report;
    an_table *out = grow(t, more, &report);
    assert_string_equal(shown(out), "serial,x,c\np1,1,u\np2,2,v\np3,3.5,w\n"); /* integer and real become real */
    assert_int_equal(column(out, "x")->type, AN_REAL);
    assert_int_equal(whole(report, "rows_added"), 1);
    assert_int_equal(whole(report, "rows_known"), 4);
    assert_int_equal(whole(report, "conflict_count"), 2); /* p1 with other values; the third p3 */
    json_t *conflict = json_array_get(json_object_get(report, "conflicts"), 0);
    assert_string_equal(an_json_string(conflict, "id", ""), "p1");
    assert_string_equal(json_string_value(json_array_get(json_object_get(conflict, "columns"), 0)), "x");
    assert_string_equal(an_json_string(json_array_get(json_object_get(report, "conflicts"), 1), "against", ""), "new rows");
    json_decref(report);
    an_table *again = grow(out, more, &report); /* the same file twice adds nothing */
    assert_int_equal(whole(report, "rows_added"), 0);
    assert_int_equal(again->rows, 3);
    json_decref(report);
    an_table_free(again);
    an_table_free(out);
    an_table_free(t);
    an_table_free(more);
}

static void grow_by_content(void **state)
{
    (void)state;
    an_table *t = parse("x,c\n1,u\n1,u\n2,v\n", NULL), *more = parse("x,c\n3,w\n1,u\n1,u\n1,u\n2,v\n", NULL);
    json_t *report;
    an_table *out = grow(t, more, &report);
    assert_string_equal(shown(out), "x,c\n1,u\n1,u\n2,v\n3,w\n1,u\n");
    assert_int_equal(whole(report, "rows_added"), 2);
    json_decref(report);
    an_table *self = grow(t, t, NULL);
    assert_int_equal(self->rows, 3);
    an_table_free(self);
    an_table_free(out);
    an_table_free(t);
    an_table_free(more);
}

static void grow_refused(void **state)
{
    (void)state;
    static const struct {
        const char *more, *part;
    } all[] = {
        { "serial,x\np3,1\n", "they lack c" },
        { "serial,x,c,d\np3,1,u,2\n", "they have d besides" },
        { "serial,y,c\np3,1,u\n", "they lack x and they have y" },
        { "serial,x,c\np3,much,u\np4,more,u\n", "\"much\" in row 1 is not a whole number" },
    };
    an_table *t = parse("serial,x,c\np1,1,u\np2,2,v\n", NULL);
    for (size_t i = 0; i < AN_COUNT(all); i++) {
        an_table *more = parse(all[i].more, NULL);
        an_error err = { 0 };
        if (an_table_grow(t, more, NULL, &err)) fail_msg("accepted %s", all[i].more);
        if (err.code != AN_INPUT || !strstr(err.message, all[i].part))
            fail_msg("\"%s\" where \"%s\" was expected", err.message, all[i].part);
        an_table_free(more);
    }
    an_table_free(t);
}

/* Columns without a value were read as reals; a unit that differs is converted. */
static void grow_types(void **state)
{
    (void)state;
    an_table *t = parse("a,b,l\n,u,1.5\n,v,2.5\n", NULL), *more = parse("a,b,l\nred,,10.5\nred,,20.5\n", NULL);
    column(t, "l")->unit = an_strdup("cm");
    column(more, "l")->unit = an_strdup("mm");
    an_table *out = grow(t, more, NULL);
    assert_int_equal(out->rows, 4);
    assert_string_equal(cell(out, "a", 2), "red");
    assert_string_equal(cell(out, "b", 0), "u");
    assert_false(an_valid(column(out, "b"), 3));
    assert_string_equal(cell(out, "l", 2), "1.05");
    assert_string_equal(column(out, "l")->unit, "cm");
    free(column(more, "l")->unit);
    column(more, "l")->unit = an_strdup("kg");
    an_error err = { 0 };
    assert_null(an_table_grow(t, more, NULL, &err));
    assert_non_null(strstr(err.message, "cannot be converted"));
    an_table_free(out);
    an_table_free(t);
    an_table_free(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matched),      cmocka_unit_test(rework),       cmocka_unit_test(key_types),  cmocka_unit_test(category_keys),
        cmocka_unit_test(by_row),       cmocka_unit_test(missing_keys), cmocka_unit_test(roles),      cmocka_unit_test(brute_force),
        cmocka_unit_test(large),        cmocka_unit_test(three_tables), cmocka_unit_test(grow_by_id), cmocka_unit_test(grow_by_content),
        cmocka_unit_test(grow_refused), cmocka_unit_test(grow_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
