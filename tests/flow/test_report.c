/* test_report.c - the report: numbers for people, tables as HTML and CSV, pages rendered from facts made by hand (with closed forms for what page one says),
 * hostile names, missing facts, and a whole report written from a workspace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "andon/flow.h"
#include "flow/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- checks ----------------------------------------------------------------------------------------------------------------------- */

static void has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" is missing", part);
}

static void lacks(const char *text, const char *part)
{
    const char *at = strstr(text, part);
    if (at) fail_msg("\"%s\" should not be there: ...%.120s", part, at);
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = strstr(text, part); p; p = strstr(p + 1, part)) n++;
    return n;
}

/* Every tag is closed by its own end, in order; attributes are quoted. */
static void check_tags(const char *html)
{
    enum { DEEPEST = 64 };
    char open[DEEPEST][16];
    int depth = 0;
    for (const char *p = strchr(html, '<'); p; p = strchr(p, '<')) {
        if (!strncmp(p, "<!DOCTYPE", 9)) {
            p++;
            continue;
        }
        bool end = p[1] == '/';
        char name[16] = "";
        size_t n = strspn(p + 1 + end, "abcdefghijklmnopqrstuvwxyz0123456789");
        assert_true(n > 0 && n < sizeof name);
        memcpy(name, p + 1 + end, n);
        const char *c = p + 1 + end + n;
        bool quoted = false;
        for (; *c && (quoted || *c != '>'); c++) {
            if (*c == '"') quoted = !quoted;
            if (*c == '<') fail_msg("a '<' inside a tag: %.80s", p);
        }
        assert_int_equal(*c, '>');
        bool alone = c[-1] == '/' || !strcmp(name, "meta") || !strcmp(name, "wbr");
        if (end) {
            if (!depth || strcmp(open[depth - 1], name)) fail_msg("</%s> closes <%s>: %.80s", name, depth ? open[depth - 1] : "nothing", p);
            depth--;
        } else if (!alone) {
            assert_true(depth < DEEPEST);
            memcpy(open[depth++], name, sizeof name);
        }
        p = !strcmp(name, "style") && !end ? strstr(c, "</style>") : c;
    }
    assert_int_equal(depth, 0);
}

/* Fields of one CSV line from *p on (RFC 4180); *p moves behind it. */
static int csv_fields(const char **p)
{
    int n = 1;
    bool quoted = false;
    for (; **p && (quoted || **p != '\n'); ++*p) {
        if (**p == '"') quoted = !quoted;
        if (**p == ',' && !quoted) n++;
    }
    assert_false(quoted);
    if (**p == '\n') ++*p;
    return n;
}

/* Every table has a known name, is rectangular, and is linked from the page. */
static void check_tables(const char *html, const an_report_tables *t, const char *href)
{
    for (size_t i = 0; i < t->count; i++) {
        bool known = false;
        for (size_t k = 0; an__report_table_names[k]; k++) known |= !strcmp(an__report_table_names[k], t->items[i].name);
        if (!known) fail_msg("table %s is not among the names", t->items[i].name);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(t->items[k].name, t->items[i].name);
        const char *p = t->items[i].text.data;
        int columns = csv_fields(&p);
        while (*p)
            if (csv_fields(&p) != columns) fail_msg("%s.csv is not rectangular", t->items[i].name);
        char *link = an_format("href=\"%s/%s.csv\"", href, t->items[i].name);
        has(html, link);
        free(link);
    }
    assert_true(count_of(html, "<figure class=\"table") <= t->count);
    assert_int_equal(count_of(html, "class=\"csv\""), t->count);
}

static const char *table(const an_report_tables *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->items[i].name, name)) return t->items[i].text.data;
    fail_msg("there is no table %s", name);
    return "";
}

/* ---- facts by hand --------------------------------------------------------------------------------------------------------------------- */

static json_t *json(const char *text)
{
    json_error_t e;
    char *plain = an_strdup(text); /* written with ' for readability */
    for (char *c = plain; *c; c++)
        if (*c == '\'') *c = '"';
    json_t *j = json_loads(plain, 0, &e);
    if (!j) fail_msg("fixture, column %d: %s: %.60s", e.position, e.text, plain + (e.position > 30 ? e.position - 30 : 0));
    free(plain);
    return j;
}

static json_t *about(const char *kind)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kind", kind, "name", "press", "version", 3, "id", "ab12", "created", "2026-01-02 03:04 UTC", "written",
                     "2026-01-02 03:05 UTC", "andon", "0.1.0", "code", "abc", "cpu", "avx2", "aliases", "");
}

#define METRIC "{'value':0.9,'low':0.8,'high':0.99}"
#define SPREAD "{'mean':0.9,'sd':0.02,'low':0.8,'high':1.04}"
#define METRICS(M) "{'accuracy':" M ",'precision':" M ",'recall':" M ",'f1':" M ",'f2':" M ",'gmean':" M ",'pr_auc':" M ",'roc_auc':" M ",'brier':" M "}"
#define CONFUSION "{'tn':208,'fp':24,'fn':0,'tp':43}"
#define POINT(T, C, R, F) "{'threshold':" T ",'confusion':" C ",'recall':" R ",'precision':0.64,'f1':0.7,'f2':" F ",'cost':" "1.5" "}"
#define ROW(B, D) "{'model':'logistic','balance':'" B "','threshold':{'value':0.3,'rule':'f2'},'metrics':" METRICS(SPREAD) ",'metrics_moved':" METRICS(SPREAD) \
    ",'confusion':" CONFUSION ",'confusion_moved':" CONFUSION ",'difference':{'mean':" D ",'sd':0.01,'low':-0.01,'high':0.03}}"
#define SCORES(K) "{'ks_complement':" K ",'correlation_similarity':0.9,'wasserstein':0.02,'js_distance':0.3,'c2st_auc':0.8,'tstr_f1':null,'dcr_median':0.1,'copies':0," \
    "'sample_1k_s':0.001,'sample_10k_s':0.012}"

/* The gearbox paper's test part: 275 parts, 43 broken, all caught, 24 good ones rejected. */
static an_report_facts facts(void)
{
    an_report_facts f = { .about = about("model") };
    f.model = json("{'target':{'name':'broken','positive':'1','negative':'0'},'predictor':{'kind':'logistic','parameters':{'c':1.0}},'threshold':{'value':0.31,'rule':'f2'},"
                   "'calibrated':false,'balance':'smote','seed':7,'train_rows':825,'data':'cd34'}");
    f.evaluation = json("{'metrics':" METRICS(METRIC) ",'confusion':" CONFUSION ",'threshold':{'value':0.31,'rule':'f2'},'calibrated':false,'balance':'smote','rows':275,"
                        "'positives':43,'escape_upper':0.0673,'cost_per_part':null,'costs':{'escape':null,'reject':null,'test':null,'currency':'EUR'},'curve':["
                        POINT("0.1", "{'tn':100,'fp':132,'fn':0,'tp':43}", "1", "0.6") "," POINT("0.31", CONFUSION, "1", "0.9") ","
                        POINT("0.8", "{'tn':230,'fp':2,'fn':20,'tp':23}", "0.535", "0.6") "," POINT("null", "{'tn':232,'fp':0,'fn':43,'tp':0}", "0", "0") "]}");
    f.explanation = json("{'intercept':-3.5,'coefficients':[{'name':'force','unit':'N','coefficient':0.5,'odds_ratio':1.65,'per_sd':1.2},"
                         "{'name':'angle','unit':null,'coefficient':-0.1,'odds_ratio':0.9,'per_sd':-0.4}]}");
    f.data = json("{'name':'gears','version':2,'id':'cd34','rows':1100,'columns':[{'name':'force','role':'feature'},{'name':'TWF','role':'ignored'},{'name':'broken','role':'target'}],"
                  "'target':'broken','positive':'1','positives':172,'dropped':[{'name':'TWF','reason':'leak'},{'name':'odd','reason':'constant'}],"
                  "'warnings':['TWF: leak: value 1 (46 rows) goes with broken = 1 only; --keep TWF brings it back']}");
    f.profile = json("{'rows':1100,'duplicate_rows':2,'target':{'name':'broken','positive':'1','classes':{'0':928,'1':172}},'columns':["
                     "{'name':'force','type':'real','role':'feature','unit':'N','missing':3,'distinct':900,'min':1.5,'max':12345.678,'mean':100,'sd':3,'quantiles':{'0.5':99},"
                     "'histogram':{'edges':[0,1,2],'counts':[5,10]},'auc':0.73},"
                     "{'name':'variant','type':'category','role':'feature','missing':0,'distinct':2,'top':[{'value':'A','count':700},{'value':'B','count':400}],'cramers_v':0.1}]}");
    f.split = json("{'train':825,'test':275,'train_positives':129,'test_positives':43,'by':'class'}");
    f.comparison = json("{'data':'gears','repeats':10,'share':0.25,'positives':172,'rows_total':1100,'seed':1,'cpu':'avx2','run':'01R','rows':[" ROW("none", "0") "," ROW("smote", "0.02")
                        "],'recommendation':{'model':'logistic','balance':'none','why':'nothing did better','decided_by':'f2'}}");
    f.judgements = json("[{'method':'wgan','generator':'gan/1','minority':true,'rows_real':129,'rows_synthetic':129,'scores':" SCORES("0.759") ",'floor':" SCORES("1") ",'ceiling':"
                        SCORES("0.93") ",'columns':[{'name':'force','ks_complement':0.7,'wasserstein':0.02,'js_distance':0.3},{'name':'variant','tv_complement':0.6,'js_distance':0.1}],"
                        "'pca':{'explained':[0.5,0.2],'axes':[[{'name':'force','loading':0.5}],[]],'real':[[0,0,0],[1,1,1],[2,-1,0]],'synthetic':[[0.5,0.5],[1,2]]},"
                        "'history':{'critic_loss':[[100,1.0],[200,0.5]],'fidelity':[[100,0.7],[200,null],[300,0.9]]}}]");
    f.filter = json("{'wanted':100,'passed':90,'drawn':500,'distance_max':9.5,'centroid':'cluster','note':null}");
    f.provenance = json("[{'kind':'model','names':'model:press/3','address':'0123456789abcdef','run':'01A','what':'train','code':'abc','seed':'1','machine':'{\\u0022cpu\\u0022:\\u0022X\\u0022,\\u0022cores\\u0022:2,"
                        "\\u0022memory_bytes\\u0022:8000000000}','started':'2026-01-01 00:00 UTC'},{'kind':'file','names':'gears.csv','address':'ff'}]");
    return f;
}

/* No "nan" or "inf" that is a word of its own: those are numbers that should have been a dash or left out. */
static void no_odd_numbers(const char *text)
{
    static const char *const odd[] = { "nan", "inf" };
    for (size_t i = 0; i < AN_COUNT(odd); i++)
        for (const char *p = strstr(text, odd[i]); p; p = strstr(p + 1, odd[i])) {
            bool word = (p[-1] >= 'a' && p[-1] <= 'z') || (p[3] >= 'a' && p[3] <= 'z');
            if (!word) fail_msg("a number is %.40s", p - 20);
        }
}

typedef struct page {
    an_buf html;
    an_report_tables tables;
} page;

static page render(const an_report_facts *f)
{
    page p = { 0 };
    an__report_render(f, "press.tables", &p.html, &p.tables);
    check_tags(p.html.data);
    check_tables(p.html.data, &p.tables, "press.tables");
    lacks(p.html.data, "<script");
    lacks(p.html.data, "http"); /* nothing is fetched from anywhere */
    no_odd_numbers(strstr(p.html.data, "</style>"));
    return p;
}

static void page_free(page *p)
{
    an_buf_free(&p->html);
    an__report_tables_free(&p->tables);
}

static void replace(json_t **at, json_t *with)
{
    json_decref(*at);
    *at = with;
}

/* ---- numbers and text -------------------------------------------------------------------------------------------------------------------- */

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
    static const an_grid_column columns[] = { { "name", "name", AN__TEXT, 0 }, { NULL, "hidden", AN__TEXT, 0 }, { "share", "share", AN__SHARE, 1 }, { "f2", "f2", AN__INTERVAL, 2 } };
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
    assert_string_equal(table(&tables, "metrics"), "name,hidden,share,f2,f2_sd,f2_low,f2_high\n\"a,\"\"b\"\"\",h,0.125,0.5,0.1,0.25,1.5\n\"\",h,,,,,\nbeyond,h,,,,,\n");
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

/* ---- pages -------------------------------------------------------------------------------------------------------------------------------- */

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
    has(h, "more than 1.6 tests"); /* flagged / caught */
    has(h, "nothing did better.");
    has(h, "andon model train NAME --data gears --model logistic --balance none");
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
            json_object_set_new(j, key, json_string("<script>x</script>\",'&\n\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
                                                    "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"));
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
    json_t *all[] = { f.about, f.model, f.evaluation, f.explanation, f.data, f.profile, f.comparison, f.judgements, f.filter, f.provenance };
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

/* ---- from a workspace ------------------------------------------------------------------------------------------------------------------- */

static json_t *act(an_store *s, const char *name, const char *const *pairs, an_error *err)
{
    size_t count;
    const an_act *const *acts = an_acts(&count), *a = NULL;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(acts[i]->name, name)) a = acts[i];
    assert_non_null(a);
    void *options = an_alloc(a->options_size);
    an_params_defaults(a->params, options);
    for (; *pairs; pairs += 2) {
        const an_param *p = an_params_find(a->params, pairs[0]);
        assert_non_null(p);
        if (p->type == AN_PARAM_LIST) an_params_clear_list(a->params, options, pairs[0]);
        if (!an_params_set(a->params, options, pairs[0], pairs[1], err)) fail_msg("%s: %s", name, err->message);
    }
    json_t *j = a->run(s, options, NULL, err);
    if (!j) fail_msg("%s: %s", name, err->message);
    an_params_free(a->params, options);
    free(options);
    return j;
}

static void make_csv(const char *path)
{
    an_buf b = { 0 };
    an_rng r = an_rng_at(3, 0);
    an_buf_puts(&b, "serial,force,angle,variant,line,broken\n");
    for (int i = 0; i < 400; i++) {
        bool bad = i % 5 == 0;
        an_buf_printf(&b, "S%05d,%.3f,%.3f,%s,L1,%d\n", i, 10 + 2 * an_rng_normal(&r) + 3 * bad, 40 + an_rng_normal(&r), an_rng_below(&r, 2) ? "A" : "B", bad);
    }
    assert_true(an_file_write(path, b.data, b.size, NULL));
    an_buf_free(&b);
}

static void test_workspace(void **state)
{
    (void)state;
    an_error err = { 0 };
    char folder[] = "/tmp/andon-report-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *csv = an_path_join(folder, "gears.csv"), *html = an_path_join(folder, "press.html"), *tables = an_path_join(folder, "press.tables");
    make_csv(csv);
    assert_true(an_workspace_init(folder, &err));
    an_store *s = an_store_open(folder, &err);
    assert_non_null(s);
    json_decref(act(s, "data import", (const char *const[]){ "name", "gears", "file", csv, "target", "broken", NULL }, &err));
    json_decref(act(s, "model train", (const char *const[]){ "name", "press", "data", "gears", "balance", "random", NULL }, &err));
    json_decref(act(s, "compare", (const char *const[]){ "data", "gears", "balance", "none,random", "repeats", "2", NULL }, &err));
    json_decref(act(s, "synth compare", (const char *const[]){ "data", "gears", "methods", "random,smote", NULL }, &err));
    if (!an_report_write(s, "press", html, NULL, &err)) fail_msg("%s", err.message);

    an_buf page_text = { 0 }, table_text = { 0 };
    assert_true(an_file_read(html, 0, &page_text, &err));
    check_tags(page_text.data);
    has(page_text.data, "of 20</b>"); /* a quarter of 80 broken parts is the test part */
    has(page_text.data, "parts with broken = 1 in the test part");
    has(page_text.data, "one real half against the other");
    has(page_text.data, "summed over 2 repeats");
    has(page_text.data, "every value is L1"); /* what the import said of the constant column */
    has(page_text.data, "300 rows to train on (60 with broken = 1), 100 to test on (20)");
    has(page_text.data, "gears.csv");
    lacks(page_text.data, "class=\"missing\"");
    an_list files = { 0 };
    assert_true(an_folder_list(tables, &files, &err));
    assert_int_equal(files.count, count_of(page_text.data, "class=\"csv\""));
    an_list_free(&files);
    char *fidelity = an_path_join(tables, "fidelity.csv");
    assert_true(an_file_read(fidelity, 0, &table_text, &err));
    assert_true(strstr(table_text.data, "\nrandom,generator,") < strstr(table_text.data, "\nsmote,generator,")); /* simplest first */
    an_table *t = an_csv_read(fidelity, &(an_csv_options){ 0 }, NULL, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_int_equal(t->rows, 4); /* both were judged against the same real rows: one floor, one ceiling */
    an_table_free(t);

    /* a version whose threshold was moved has its own evaluation made */
    json_decref(act(s, "model threshold", (const char *const[]){ "name", "press", "rule", "0.9", NULL }, &err));
    assert_true(an_report_write(s, "model:press/2", html, NULL, &err));
    assert_true(an_file_read(html, 0, &page_text, &err));
    has(page_text.data, "score threshold 0.900");
    has(page_text.data, "Recall, precision and F2");

    /* a data set over the same file: tables of the model go */
    assert_true(an_report_write(s, "data:gears", html, NULL, &err));
    assert_true(an_file_exists(fidelity)); /* the judgements are facts about the data */
    char *coefficients = an_path_join(tables, "coefficients.csv");
    assert_false(an_file_exists(coefficients));
    assert_true(an_file_read(html, 0, &page_text, &err));
    has(page_text.data, "andon report on a data set");

    assert_false(an_report_write(s, "pres", html, NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    err = (an_error){ 0 };
    assert_false(an_report_write(s, "data:press", html, NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    err = (an_error){ 0 };
    assert_false(an_report_write(s, "press", "/proc/no/such/press.html", NULL, &err));
    assert_int_equal(an_code_exit(err.code), 1);
    an_store_close(s);
    an_buf_free(&page_text);
    an_buf_free(&table_text);
    free(coefficients);
    free(fidelity);
    free(csv);
    free(html);
    free(tables);
    assert_true(an_folder_remove(folder, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_html),    cmocka_unit_test(test_grid),    cmocka_unit_test(test_front), cmocka_unit_test(test_costs),
        cmocka_unit_test(test_sections), cmocka_unit_test(test_missing), cmocka_unit_test(test_hostile), cmocka_unit_test(test_link),  cmocka_unit_test(test_workspace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
