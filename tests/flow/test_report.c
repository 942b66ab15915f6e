/* test_report.c - the report: numbers for people, tables as HTML and CSV, pages rendered from facts made by hand (with closed forms for
 * what page one says), hostile names, missing facts. A whole report from a workspace: test_report_write.c. */
#include "report_help.h"

/* ---- numbers and text --------------------------------------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
    (void)state;
    assert_string_equal(an__count(0).t, "0");
    assert_string_equal(an__count(999).t, "999");
    assert_string_equal(an__count(1100).t, "1,100");
    assert_string_equal(an__count(1234567).t, "1,234,567");
    assert_string_equal(an__count(-1234).t, "\u22121,234");
    assert_string_equal(an__count(NAN).t, "\u2013");
    assert_string_equal(an__real(-0.0004, 3).t, "0.000");
    assert_string_equal(an__real(-0.25, 2).t, "\u22120.25");
    assert_string_equal(an__real(INFINITY, 2).t, "\u2013");
    assert_string_equal(an__share(0.0673, 1).t, "6.7\u00a0%");
    assert_string_equal(an__share(NAN, 1).t, "\u2013");
    assert_string_equal(an__few(3.64).t, "3.6");
    assert_string_equal(an__few(0).t, "0");
    assert_string_equal(an__few(316.4).t, "316");
    assert_string_equal(an__value(12345.678).t, "12,346");
    assert_string_equal(an__value(0.0012345).t, "0.001234");
    assert_string_equal(an__value(-1e-9).t, "\u22121.00e-09");
    assert_string_equal(an__score(0.31).t, "0.310");
    assert_string_equal(an__score(0.0001611).t, "0.00016");
    assert_string_equal(an__score(0.99987).t, "0.99987");
    assert_string_equal(an__score(0).t, "0.000");
    assert_string_equal(an__score(NAN).t, "\u2013");
    assert_string_equal(an__when("2026-03-01T06:30:15Z").t, "2026-03-01 06:30");
    assert_string_equal(an__when("2026-03-01T00:00:00Z").t, "2026-03-01");
    assert_string_equal(an__when("1600").t, "1600");
}

static void test_html(void **state)
{
    (void)state;
    an_buf b = { 0 };
    an__htmlf(&b, "%s", "<b a='1'>\"R&D\"\x01\n\u00b5</b>");
    assert_string_equal(b.data, "&lt;b a=&#39;1&#39;&gt;&quot;R&amp;D&quot;  \u00b5&lt;/b&gt;");
    an_buf_free(&b);
}

/* One table, both forms: quoting, empty cells, intervals, rows beyond the limit, columns of one form only. */
static void test_grid(void **state)
{
    (void)state;
    an_buf html = { 0 };
    an_report_tables tables = { 0 };
    an_page p = { .html = &html, .tables = &tables, .href = (char *)"t" };
    static const an_grid_column columns[] = { { "name", "name", AN__TEXT, 0 },
                                              { NULL, "hidden", AN__TEXT, 0 },
                                              { "share", "share", AN__SHARE, 1 },
                                              { "f2", "f2", AN__INTERVAL, 2 } };
    an_grid g = an__grid_open(&p, "metrics", columns, 4);
    g.limit = 2;
    json_t *interval = json("{'mean':0.5,'sd':0.1,'low':0.25,'high':1.5}");
    const char *names[] = { "a,\"b\"", "", "beyond" };
    for (size_t i = 0; i < 3; i++) {
        an__grid_row(&g, NULL);
        an__grid_text(&g, names[i]);
        an__grid_text(&g, "h");
        an__grid_number(&g, i ? NAN : 0.125);
        an__grid_interval(&g, i ? NULL : interval, true);
    }
    an__grid_close(&g, "caption");
    assert_string_equal(
        table(&tables, "metrics"),
        "name,hidden,share,f2,f2_sd,f2_low,f2_high\n\"a,\"\"b\"\"\",h,0.125,0.5,0.1,0.25,1.5\n\"\",h,,,,,\nbeyond,h,,,,,\n");
    check_tags(html.data);
    has(html.data, "a,&quot;b&quot;");
    has(html.data, "12.5\u00a0%");
    has(html.data, "<small>0.25\u20131.00</small>"); /* no share beyond 1 on the page */
    has(html.data, "The first 2 of 3 rows");
    lacks(html.data, "beyond");
    lacks(html.data, "hidden");
    json_decref(interval);
    an_buf_free(&html);
    an__report_tables_free(&tables);
}

/* ---- pages -------------------------------------------------------------------------------------------------------------------------- */

static void test_front(void **state)
{
    (void)state;
    an_report_facts f = facts();
    page p = render(&f);
    const char *h = p.html.data;
    has(h, "caught 43 of 43");
    has(h, "parts with broken = 1 in the test part");
    has(h, "escape rate at most 6.7\u00a0%");
    has(h, "(95\u00a0%, one-sided)");
    has(h, "falsely rejected 24 of 232");
    has(h, "Per 1,000 parts, 156 of them with broken = 1 as in this data (15.6\u00a0%)");
    /* 172 of 1,100 are broken: 156.36 caught, 0.0673 x 156.36 escape at most, 24/232 of 843.64 rejected */
    const char *t = table(&p.tables, "per-1000");
    double share = 172 / 1100.0, values[3], want[] = { 1000 * share, 1000 * share * 0.0673, 1000 * (1 - share) * 24 / 232 };
    const char *rows[] = { "\ncaught,", "\n\"escaped, at most (95\u00a0%, one-sided)\",", "\nfalsely rejected," };
    for (int i = 0; i < 3; i++) {
        const char *at = strstr(t, rows[i]);
        if (!at) at = strstr(t, "\nescaped, at most");
        assert_non_null(at);
        assert_int_equal(sscanf(strrchr(rows[i], ',') + 1 - rows[i] + at, "%lf", &values[i]), 1);
        if (fabs(values[i] - want[i]) > 1e-9) fail_msg("%s %.12g, not %.12g", rows[i], values[i], want[i]);
    }
    /* break-even: (1 - flagged) / escapes at most = (1 - .15636 - .08727) / .010523 = 71.9 tests */
    has(h, "costs less than 71 tests");
    has(h, "more than 1.7 tests"); /* flagged / caught at least, (.15636 + .08727) / (.15636 - .01052) = 1.67 */
    has(h, "Nothing that was tried did better.");
    /* of 1,000: 156.36 x 43/43 caught, 843.64 x 24/232 rejected */
    has(h, "it caught 156 and falsely rejected 87.3, on average over 10 random splits");
    has(h, "These test parts are 25\u00a0% of the data, drawn by chance, the same share of each class.");
    has(h, "andon model train NAME --data gears --model logistic --balance none<");
    lacks(h, "Thin evidence");
    lacks(h, "probability threshold");
    has(h, "a score, not a probability");
    page_free(&p);

    page again = render(&f), once = render(&f);
    assert_string_equal(again.html.data, once.html.data);
    page_free(&again);
    page_free(&once);

    replace(&f.data, json("{'name':'gears','version':2,'rows':100,'target':'broken','positive':'1','positives':12,'columns':[]}"));
    json_object_set_new(f.evaluation, "calibrated", json_true());
    p = render(&f);
    has(p.html.data, "Thin evidence");
    has(p.html.data, "holds only 12 parts");
    has(p.html.data, "probability threshold 0.310");
    page_free(&p);
    an__report_facts_free(&f);
}

static void test_costs(void **state)
{
    (void)state;
    an_report_facts f = facts();
    json_object_set_new(f.evaluation, "costs", json("{'escape':400,'reject':5,'test':12,'currency':'CHF'}"));
    json_object_set_new(f.evaluation, "confusion", json("{'tn':200,'fp':32,'fn':3,'tp':40}"));
    page p = render(&f);
    const char *at = strstr(table(&p.tables, "per-1000"), "\ncost (CHF),");
    assert_non_null(at);
    double model, all, none, share = 172 / 1100.0, caught = share * 40 / 43, rejected = (1 - share) * 32 / 232;
    assert_int_equal(sscanf(at, "\ncost (CHF),%lf,%lf,%lf", &model, &all, &none), 3);
    assert_true(fabs(model - 1000 * (400 * share * 3 / 43 + 5 * rejected + 12 * (caught + rejected))) < 1e-6);
    assert_true(fabs(all - 12000) < 1e-6);
    assert_true(fabs(none - 400000 * share) < 1e-6);
    has(p.html.data, "Cost per 1,000 parts");
    has(p.html.data, "test everything");
    lacks(p.html.data, "Costs are not known");
    page_free(&p);
    an__report_facts_free(&f);
}

/* Limits recorded from scipy.stats.beta.ppf; 43 of 43 has the closed form 0.025^(1/43). */
static void test_exact(void **state)
{
    (void)state;
    json_t *c = json(CONFUSION);
    static const struct {
        const char *metric;
        double low, high;
    } want[] = { { "recall", 0.9177888788458615, 1 },
                 { "precision", 0.5153034891687531, 0.755305098190286 },
                 { "accuracy", 0.872928907601335, 0.9432817568833525 } };
    double low, high;
    for (size_t i = 0; i < AN_COUNT(want); i++) {
        an__exact_limits(c, want[i].metric, &low, &high);
        if (!(fabs(low - want[i].low) < 1e-9 && fabs(high - want[i].high) < 1e-9)) fail_msg("%s: %.12g %.12g", want[i].metric, low, high);
    }
    an__exact_limits(c, "recall", &low, &high);
    assert_true(fabs(low - pow(0.025, 1 / 43.0)) < 1e-12);
    an__exact_limits(c, "f2", &low, &high);
    assert_true(isnan(low) && isnan(high));
    json_decref(c);
    c = json("{'tn':5,'fp':0,'fn':0,'tp':0}"); /* nothing to catch, nothing rejected */
    an__exact_limits(c, "recall", &low, &high);
    assert_true(isnan(low) && isnan(high));
    an__exact_limits(c, "precision", &low, &high);
    assert_true(isnan(low) && isnan(high));
    json_decref(c);

    an_report_facts f = facts();
    page p = render(&f);
    has(p.html.data, "the true share lies between 91.8\u00a0% and 100.0\u00a0%");
    lacks(p.html.data, "bootstrap interval).");
    const char *at = strstr(table(&p.tables, "metrics"), "\nRecall,0.9,,");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\nRecall,0.9,,%lf,%lf", &low, &high), 2);
    assert_true(fabs(low - want[0].low) < 1e-9 && high == 1);
    has(table(&p.tables, "metrics"), "\nF2,0.9,,0.8,0.99"); /* no proportion: its own interval */
    lacks(p.html.data, "without width");
    page_free(&p);
    json_object_set_new(json_object_get(f.evaluation, "metrics"), "f2", json("{'value':1,'low':1,'high':1}"));
    p = render(&f);
    has(p.html.data, "without width");
    page_free(&p);
    an__report_facts_free(&f);
}

/* Of 275 parts 43 are broken: rejecting every part has F2 5 x 43 / (4 x 43 + 275) = 0.481. */
static void test_worthless(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *confusion, *costs, *says, *lacks;
    } cases[] = {
        { "f2", CONFUSION, "null", "costs less than 71 tests", "This model " },
        { "f2", "{'tn':0,'fp':232,'fn':0,'tp':43}", "null", "<b>This model is no better than rejecting every part.</b>",
          "catches nothing" },
        { "f2", "{'tn':120,'fp':112,'fn':20,'tp':23}", "null",
          "Its F2 on the test part is 0.375; rejecting every part, without any model, has 0.481.", "catches nothing" },
        { "f2", "{'tn':232,'fp':0,'fn':43,'tp':0}", "null", "<b>This model catches nothing.</b> All 43 parts", "is cheaper than testing" },
        { "f2", "{'tn':222,'fp':10,'fn':43,'tp':0}", "null", "<b>This model catches nothing.</b> All 43 parts", "is cheaper than testing" },
        /* prices decide where they are known: catching a little without a false reject saves, whatever its F2 */
        { "f2", "{'tn':232,'fp':0,'fn':33,'tp':10}", "{'escape':10,'reject':5,'test':4,'currency':'EUR'}", "cost (EUR)", "This model " },
        { "f2", "{'tn':132,'fp':100,'fn':3,'tp':40}", "{'escape':10,'reject':5,'test':4,'currency':'EUR'}",
          "<b>This model is no better than passing every part.</b> At the prices given", "than rejecting every part" },
        { "f2", "{'tn':222,'fp':10,'fn':23,'tp':20}", "{'escape':400,'reject':5,'test':4,'currency':'EUR'}",
          "<b>This model is no better than testing every part.</b> At the prices given", "than passing every part" },
        { "f2", "{'tn':275,'fp':0,'fn':0,'tp':0}", "null", "the share caught is not known", "This model " },
        /* a plain threshold of 0.5 that is too high for scores that rank well; only f2 itself is not told to try f2 */
        { "0.5", "{'tn':232,'fp':0,'fn':43,'tp':0}", "null",
          "(ROC-AUC 0.900), so another threshold may help: <code>andon model threshold press --rule f2<", "is cheaper" },
        { "f2", "{'tn':232,'fp':0,'fn':43,'tp':0}", "null", "catches nothing", "another threshold" },
        /* with a limit on rejects, rejecting every part is not to be had: chance is the rival */
        { "rejects<=0.1", "{'tn':230,'fp':2,'fn':23,'tp':5}", "null", "caught 5 of 28", "This model " },
        { "rejects<=0.1", "{'tn':180,'fp':20,'fn':27,'tp':3}", "null",
          "rejecting as many parts blindly.</b> It rejects 10.0\u00a0% of the parts with broken = 1 and 10.0\u00a0% of the others.",
          "every part.</b>" },
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        an_report_facts f = facts();
        json_object_set_new(f.evaluation, "confusion", json(cases[i].confusion));
        json_object_set_new(json_object_get(f.evaluation, "threshold"), "rule", json_string(cases[i].rule));
        if (strcmp(cases[i].costs, "null")) json_object_set_new(f.evaluation, "costs", json(cases[i].costs));
        page p = render(&f);
        const char *body = strstr(p.html.data, "</nav>");
        char *end = strstr(p.html.data, "<div class=\"break\">");
        assert_non_null(body);
        assert_non_null(end);
        *end = 0; /* page one alone */
        has(body, cases[i].says);
        lacks(body, cases[i].lacks);
        page_free(&p);
        an__report_facts_free(&f);
    }
}

/* A comparison in which nothing was learnt has no green box and no advice; one that ignored the time says so twice. */
static void test_trivial(void **state)
{
    (void)state;
    const char *nothing = "<p class=\"warn\"><b>Nothing tried here beats doing without a model (testing, rejecting or passing every part) "
                          "beyond noise.</b>",
               *random = "The repeats are random splits; the data has a time column, and the newest parts may behave differently: see the "
                         "model&#39;s own test part.";
    an_report_facts f = facts();
    json_t *r = json_object_get(f.comparison, "recommendation");
    for (int beats = 1; beats >= 0; beats--) {
        json_object_set_new(r, "better_than_trivial", json_boolean(beats));
        json_object_set_new(f.comparison, "time_ignored", json_boolean(!beats));
        page p = render(&f);
        assert_int_equal(count_of(p.html.data, nothing), beats ? 0 : 2); /* page one, and beside the comparison */
        assert_int_equal(count_of(p.html.data, random), beats ? 0 : 2);
        (beats ? has : lacks)(p.html.data, "<p class=\"box\">");
        (beats ? has : lacks)(p.html.data, "recommended; the original data");
        (beats ? has : lacks)(p.html.data, "andon model train NAME");
        has(p.html.data, "Nothing that was tried did better.");
        page_free(&p);
    }
    replace(&f.model, NULL); /* the report on a data set says the same */
    replace(&f.evaluation, NULL);
    page p = render(&f);
    assert_int_equal(count_of(p.html.data, nothing), 2);
    assert_int_equal(count_of(p.html.data, random), 2);
    page_free(&p);
    an__report_facts_free(&f);
}

static void test_sections(void **state)
{
    (void)state;
    an_report_facts f = facts();
    page p = render(&f);
    const char *h = p.html.data;
    /* table I beside floor and ceiling */
    has(h, "0.759");
    has(table(&p.tables, "fidelity"), "\nfloor,floor,1,");
    has(table(&p.tables, "fidelity"), "\nceiling,ceiling,0.93,");
    has(h, "generated, broken = 1 (2)");
    has(h, "real, broken = 0 (2)");
    assert_true(strstr(table(&p.tables, "fidelity"), "\nwgan,generator,0.759,0.9,0.02,0.3,0.001,0.012,129,129\n") != NULL);
    has(table(&p.tables, "map"), "\nwgan,generated,0.5,0.5,1\n");
    has(table(&p.tables, "curves"), "\nwgan,fidelity,200,\n");
    has(h, "critic loss");
    has(h, "best: 0.900");
    has(h, "90 of the 100 wanted passed");
    /* least alike first */
    has(table(&p.tables, "fidelity-columns"), "js_distance\nvariant,wgan,0.6,,0.1\nforce,wgan,0.7,0.02,0.3\n");
    /* table II, twice, the recommended row marked */
    has(h, "recommended; the original data");
    has(table(&p.tables, "compare"), "\nnone,logistic,0.9,0.02,0.8,1.04,");
    has(table(&p.tables, "compare"), "balance,model,f2,f2_sd,f2_low,f2_high,recall,"); /* what decides comes first */
    has(table(&p.tables, "compare-moved"), "\nsmote,logistic,");
    assert_int_equal(count_of(h, "confusion matrix of"), 5); /* the model's, and two for each of two balancings */
    has(table(&p.tables, "confusion"), "\nthis model,own,208,24,0,43\n");
    /* the goal of catching half needs no more than 2 false rejects */
    has(table(&p.tables, "threshold"), "\n50\u00a0%,0.8,23,20,2,");
    has(table(&p.tables, "threshold"), "\nin use,0.31,43,0,24,");
    has(table(&p.tables, "threshold-curve"), "\n\"\",232,0,43,0,0,");
    has(table(&p.tables, "coefficients"), "\nforce,N,0.5,1.65,1.2\n");
    /* data: reasons in words, from the import where it said more */
    has(h, "value 1 (46 rows) goes with broken = 1 only");
    has(h, "holds one value only");
    has(table(&p.tables, "columns"), "\nforce,N,real,feature,1.5,99,12345.678,100,3,3,900,0.73,\n");
    has(table(&p.tables, "histograms"), "\nforce,1,2,10\n");
    has(table(&p.tables, "categories"), "\nvariant,B,400\n");
    has(h, "X, 2 cores, 8 GB");
    has(h, "0123456789ab\u2026");
    has(table(&p.tables, "provenance"), "0123456789abcdef");
    has(h, "id=\"glossary\"");
    page_free(&p);
    an__report_facts_free(&f);
}

/* What does not exist is said in one line, with the command that makes it. */
static void test_missing(void **state)
{
    (void)state;
    an_report_facts f = facts();
    replace(&f.comparison, NULL);
    replace(&f.judgements, NULL);
    replace(&f.explanation, NULL);
    replace(&f.filter, NULL);
    page p = render(&f);
    has(p.html.data, "<code>andon compare --data gears</code>");
    has(p.html.data, "<code>andon synth compare --data gears --methods random,smote,wgan</code>");
    has(p.html.data, "no coefficients to show");
    page_free(&p);
    replace(&f.evaluation, NULL);
    replace(&f.data, NULL);
    replace(&f.profile, NULL);
    replace(&f.provenance, NULL);
    p = render(&f);
    has(p.html.data, "<code>andon model evaluate press</code>");
    has(p.html.data, "not in this workspace");
    lacks(p.html.data, "caught 43");
    page_free(&p);
    an__report_facts_free(&f);

    /* a data set: its own parts only */
    f = facts();
    replace(&f.about, about("data"));
    replace(&f.model, NULL);
    replace(&f.evaluation, NULL);
    replace(&f.explanation, NULL);
    replace(&f.comparison, NULL);
    replace(&f.judgements, NULL);
    p = render(&f);
    has(p.html.data, "172 with broken = 1");
    has(p.html.data, "id=\"data\"");
    lacks(p.html.data, "id=\"threshold\"");
    lacks(p.html.data, "id=\"comparison\"");
    lacks(p.html.data, "class=\"missing\"");
    page_free(&p);
    an__report_facts_free(&f);
}

/* Names and values come from files: nothing of them may become markup, and no empty or odd number may break a picture. */
static void hostile(json_t *j)
{
    const char *key;
    json_t *value;
    void *next;
    size_t i;
    if (json_is_object(j)) json_object_foreach_safe(j, next, key, value)
        {
            if (json_is_string(value) && strcmp(key, "role") && strcmp(key, "threshold"))
                json_object_set_new(j, key,
                                    json_string("<script>x</"
                                                "script>\",'&"
                                                "\n\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
                                                "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
                                                "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
                                                "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"));
            else
                hostile(value);
        }
    json_array_foreach(j, i, value) hostile(value);
}

static void empty_numbers(json_t *j, double with)
{
    const char *key;
    json_t *value;
    void *next;
    size_t i;
    if (json_is_object(j)) json_object_foreach_safe(j, next, key, value)
        {
            if (json_is_number(value))
                json_object_set_new(j, key, an_json_real(with));
            else
                empty_numbers(value, with);
        }
    for (i = 0; i < json_array_size(j); i++) {
        value = json_array_get(j, i);
        if (json_is_number(value))
            json_array_set_new(j, i, an_json_real(with));
        else
            empty_numbers(value, with);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    an_report_facts f = facts();
    json_t *all[] = {
        f.about, f.model, f.evaluation, f.explanation, f.data, f.profile, f.comparison, f.judgements, f.filter, f.provenance
    };
    for (size_t i = 0; i < AN_COUNT(all); i++) hostile(all[i]);
    page p = render(&f); /* checks tags, tables, and that there is no script */
    has(p.html.data, "&lt;script&gt;");
    page_free(&p);
    an__report_facts_free(&f);

    static const double odd[] = { NAN, 0, 1e300, -1e300, 1e-300 };
    for (size_t k = 0; k < AN_COUNT(odd); k++) {
        f = facts();
        json_t *numbers[] = { f.about, f.model, f.evaluation, f.explanation, f.data, f.profile, f.comparison, f.judgements, f.filter };
        for (size_t i = 0; i < AN_COUNT(numbers); i++) empty_numbers(numbers[i], odd[k]);
        p = render(&f);
        page_free(&p);
        an__report_facts_free(&f);
    }
}

/* A folder with blanks and signs is a link that works. */
static void test_link(void **state)
{
    (void)state;
    an_report_facts f = facts();
    page p = { 0 };
    an__report_render(&f, "my \"press\" 50%.tables", &p.html, &p.tables);
    check_tags(p.html.data);
    check_tables(p.html.data, &p.tables, "my%20%22press%22%2050%25.tables");
    page_free(&p);
    an__report_facts_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_html),     cmocka_unit_test(test_grid),      cmocka_unit_test(test_front),
        cmocka_unit_test(test_costs),   cmocka_unit_test(test_sections), cmocka_unit_test(test_missing),   cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_link),    cmocka_unit_test(test_exact),    cmocka_unit_test(test_worthless), cmocka_unit_test(test_trivial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
