/* filter.c - what the minority filter learns (Dahdal et al. 2024, section III-A, steps 3-6): k-means on the real rows, the minority's
 * centroid; of the rows generated as minority those pass that lie nearer to it than to any other centroid, and within d_max. Distance to
 * the one centroid alone lets the other class through where that lies closer together than the minority does. Putting rows through it is
 * filter_pass.c's.
 *
 * Two more traps. Clusters may follow a part variant instead of the defect: then each variant is clustered by itself, or the centroids of
 * the classes are used, and the report says so. Too few rows may pass: at most draw_limit times the rows wanted are drawn, and the report
 * says how many passed and why the others did not. */
#include "synth/filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const an_param an_filter_params[] = {
    AN_INT(an_filter_options, clusters, 2, 2, 50, "clusters of the real rows"),
    AN_REAL(an_filter_options, distance_max, NAN, 0, 1e9,
            "largest distance to the minority's centroid, in standard deviations; not given: 0.95 quantile of the real minority rows "
            "nearest to it"),
    AN_CHOICE(an_filter_options, centroid, "auto", "auto|cluster|class",
              "centroid of the most defective cluster, of the minority class, or what the data calls for"),
    AN_INT(an_filter_options, draw_limit, 50, 1, 100000, "at most this many times the rows wanted are drawn"),
    AN_PARAM_END,
};

/* the most values of a variant column; k-means restarts; the fewest rows clustered */
enum { VARIANTS = 20, STARTS = 10, VARIANT_ROWS = 10 };

void an_filter_free(an_filter *f)
{
    if (!f) return;
    an_prep_free(f->prep);
    an__classes_free(&f->classes);
    free(f->x);
    for (size_t i = 0; i < f->count; i++) {
        free(f->centre[i].at);
        free(f->centre[i].others);
    }
    free(f->centre);
    free(f->variant);
    an_list_free(&f->values);
    json_decref(f->clusters);
    an_buf_free(&f->note);
    an_table_free(f->train);
    free(f);
}

/* ---- clusters and what they follow ---- */

/* One-sided: is the share a/n of one group above the rest's by more than chance? Pearson's chi-square with one degree of freedom against
 * its 0.001 quantile. */
static bool significant(double a, double n, double all_a, double all_n)
{
    double b = n - a, c = all_a - a, e = all_n - n - c;
    double product = n * (all_n - n) * all_a * (all_n - all_a);
    if (!(product > 0) || a * all_n <= all_a * n) return false;
    double chi = all_n * (a * e - b * c) * (a * e - b * c) / product;
    return chi > 10.828;
}

/* A cluster separates the defects when its share of them is at least twice the base rate, beyond chance. */
static bool separates(size_t positive, size_t n, size_t all_positive, size_t all)
{
    return (double)positive * (double)all >= 2 * (double)all_positive * (double)n &&
           significant((double)positive, (double)n, (double)all_positive, (double)all);
}

/* Adjusted Rand index of two labellings (Hubert and Arabie 1985) from their table of counts (a x b). */
static double adjusted_rand(const size_t *table, size_t a, size_t b)
{
    double cells = 0, rows = 0, columns = 0, n = 0;
    for (size_t i = 0; i < a; i++) {
        double sum = 0;
        for (size_t j = 0; j < b; j++) {
            double v = (double)table[i * b + j];
            cells += v * (v - 1) / 2;
            sum += v;
        }
        rows += sum * (sum - 1) / 2;
        n += sum;
    }
    for (size_t j = 0; j < b; j++) {
        double sum = 0;
        for (size_t i = 0; i < a; i++) sum += (double)table[i * b + j];
        columns += sum * (sum - 1) / 2;
    }
    double expected = rows * columns / (n * (n - 1) / 2), most = (rows + columns) / 2;
    return most - expected > 0 ? (cells - expected) / (most - expected) : 0;
}

/* How much better the cluster is guessed when the value is known (Goodman and Kruskal's lambda): 1 where each value lies in one cluster. */
static double lambda(const size_t *table, size_t values, size_t k)
{
    size_t hit = 0, n = 0, most = 0;
    for (size_t j = 0; j < k; j++) {
        size_t sum = 0;
        for (size_t i = 0; i < values; i++) sum += table[i * k + j];
        if (sum > most) most = sum;
        n += sum;
    }
    for (size_t i = 0; i < values; i++) {
        size_t best = 0;
        for (size_t j = 0; j < k; j++) best = table[i * k + j] > best ? table[i * k + j] : best;
        hit += best;
    }
    return n > most ? (double)(hit - most) / (double)(n - most) : 0;
}

/* Which value of the column a row holds; values are added to the list as met. VARIANTS when there are too many. */
static size_t value_of(const an_column *c, size_t row, an_list *values, bool add)
{
    an_buf text = { 0 };
    an_cell_text(c, row, &text);
    size_t at = 0;
    while (at < values->count && strcmp(values->items[at], text.data ? text.data : "") != 0) at++;
    if (at == values->count && add && at < VARIANTS)
        an_list_add(values, text.data ? text.data : "");
    else if (at == values->count)
        at = VARIANTS;
    an_buf_free(&text);
    return at;
}

/* A feature column of few values that the clusters follow, or NULL. Fills f->values. */
static const an_column *followed(an_filter *f, const uint32_t *cluster, size_t k)
{
    for (size_t i = 0; i < f->train->columns; i++) {
        const an_column *c = &f->train->column[i];
        if (c->role != AN_FEATURE || (c->type != AN_CATEGORY && c->type != AN_BOOLEAN && c->type != AN_INTEGER)) continue;
        an_list values = { 0 };
        size_t *table = an_alloc_n((VARIANTS + 1) * k, sizeof *table);
        bool few = true;
        for (size_t r = 0; r < f->train->rows && few; r++) {
            size_t v = value_of(c, r, &values, true);
            few = v < VARIANTS;
            if (few) table[v * k + cluster[r]]++;
        }
        bool follows = few && values.count > 1 && (adjusted_rand(table, values.count, k) > 0.9 || lambda(table, values.count, k) > 0.9);
        free(table);
        if (follows) {
            f->values = values;
            return c;
        }
        an_list_free(&values);
    }
    return NULL;
}

/* ---- centroids ---- */

/* Mean of those of the rows listed that are of the rarer class (rare) or of the other; NULL when there is none. */
static double *mean_of(const an_filter *f, const size_t *rows, size_t n, bool rare)
{
    double *at = an_alloc_n(f->d, sizeof *at);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (f->classes.label[rows[i]] != rare) continue;
        count++;
        for (size_t j = 0; j < f->d; j++) at[j] += f->x[rows[i] * f->d + j];
    }
    for (size_t j = 0; j < f->d && count; j++) at[j] /= (double)count;
    if (count) return at;
    free(at);
    return NULL;
}

/* The classes' own centroids among the rows listed. */
static void by_class(const an_filter *f, const size_t *rows, size_t n, an__centre *out)
{
    free(out->at);
    free(out->others);
    out->at = mean_of(f, rows, n, true);
    out->others = mean_of(f, rows, n, false);
    out->other_count = out->others != NULL;
}

static void report_cluster(an_filter *f, const char *variant, size_t rows, size_t positive)
{
    json_array_append_new(f->clusters, json_pack("{s:I, s:o, s:s*}", "rows", (json_int_t)rows, "positive_share",
                                                 an_json_real(rows ? (double)positive / (double)rows : NAN), "variant", variant));
}

/* Clusters the rows listed; the most defective cluster's centroid and the others go to *out, *separated says whether it stands out.
 * assignment (n) may be NULL. */
static bool cluster(an_filter *f, const size_t *rows, size_t n, size_t k, const char *variant, uint32_t *assignment, an__centre *out,
                    bool *separated, an_job *job, an_error *err)
{
    double *x = an_alloc_data(n * f->d, sizeof *x, "standardised rows", err), *centroids = an_alloc_n(k * f->d, sizeof *centroids);
    uint32_t *own = an_alloc_data(n, sizeof *own, "clusters", err);
    bool good = x && own;
    if (k > n) k = n;
    if (good) {
        for (size_t i = 0; i < n; i++) memcpy(x + i * f->d, f->x + rows[i] * f->d, f->d * sizeof *x);
        an_kmeans(x, n, f->d, k, STARTS, an_seed_derive(1, "minority filter", 0), job, own, centroids);
        size_t *size = an_alloc_n(2 * k, sizeof *size), *positive = size + k, all = 0, best = 0;
        for (size_t i = 0; i < n; i++) {
            size[own[i]]++;
            positive[own[i]] += f->classes.label[rows[i]];
            all += f->classes.label[rows[i]];
        }
        for (size_t c = 0; c < k; c++) {
            report_cluster(f, variant, size[c], positive[c]);
            if (size[c] && (!size[best] || positive[c] * size[best] > positive[best] * size[c])) best = c;
        }
        *separated = separates(positive[best], size[best], all, n);
        out->at = an_alloc_n(f->d, sizeof *out->at);
        out->others = an_alloc_n(k * f->d, sizeof *out->others);
        for (size_t c = 0; c < k; c++) {
            if (!size[c]) continue;
            double *to = c == best ? out->at : out->others + out->other_count++ * f->d;
            memcpy(to, centroids + c * f->d, f->d * sizeof *to);
        }
        if (assignment) memcpy(assignment, own, n * sizeof *own);
        free(size);
    }
    free(x);
    free(own);
    free(centroids);
    return good;
}

static bool by_variant(an_filter *f, const an_column *column, size_t k, size_t *rows, an_job *job, an_error *err)
{
    f->variant = an_strdup(column->name);
    f->mode = "variant";
    f->count = f->values.count;
    f->centre = an_alloc_n(f->count, sizeof *f->centre);
    size_t own = 0;
    an_buf_printf(
        &f->note,
        "the clusters of the real rows follow %s, not the class, so the rows of each of its %zu values are clustered by themselves",
        column->name, f->count);
    for (size_t v = 0; v < f->count; v++) {
        size_t n = 0, positive = 0;
        for (size_t i = 0; i < f->train->rows; i++) {
            if (value_of(column, i, &f->values, false) != v) continue;
            rows[n++] = i;
            positive += f->classes.label[i];
        }
        if (positive == 0) {
            report_cluster(f, f->values.items[v], n, 0);
            continue; /* no centre: no row of this variant passes */
        }
        bool separated = false;
        if (n >= VARIANT_ROWS && !cluster(f, rows, n, k, f->values.items[v], NULL, &f->centre[v], &separated, job, err)) return false;
        if (separated) continue;
        by_class(f, rows, n, &f->centre[v]);
        own++;
    }
    if (own) an_buf_printf(&f->note, "; for %zu of the values no cluster stands out, so the centroids of the classes are used there", own);
    return true;
}

static double distance(const double *x, const double *to, size_t d)
{
    double sum = 0;
    for (size_t j = 0; j < d; j++) sum += (x[j] - to[j]) * (x[j] - to[j]);
    return sqrt(sum);
}

an__verdict an__filter_judge(const an_filter *f, const double *x, size_t v, double *away)
{
    *away = INFINITY;
    if (v >= f->count || !f->centre[v].at) return AN__NEARER_TO_OTHERS;
    const an__centre *c = &f->centre[v];
    *away = distance(x, c->at, f->d);
    for (size_t i = 0; i < c->other_count; i++) {
        if (distance(x, c->others + i * f->d, f->d) < *away) return AN__NEARER_TO_OTHERS;
    }
    return *away <= f->distance_max ? AN__PASSES : AN__TOO_FAR;
}

size_t an__filter_variant(an_filter *f, const an_column *column, size_t row)
{
    return f->variant ? value_of(column, row, &f->values, false) : 0;
}

/* d_max when none is given: the 0.95 quantile of the real minority rows that lie nearer to the minority's centroid than to any other (of
 * all of them when none does). */
static bool default_distance(an_filter *f, an_error *err)
{
    double *all = an_alloc_data(2 * f->classes.rare_count, sizeof *all, "distances", err), *near = all ? all + f->classes.rare_count : NULL;
    if (!all) return false;
    const an_column *column = f->variant ? an_table_find(f->train, f->variant) : NULL;
    size_t n = 0, m = 0;
    f->distance_max = INFINITY;
    for (size_t i = 0; i < f->train->rows; i++) {
        if (!f->classes.label[i]) continue;
        double away;
        if (an__filter_judge(f, f->x + i * f->d, an__filter_variant(f, column, i), &away) == AN__PASSES) near[m++] = away;
        all[n++] = away;
    }
    f->distance_max = m ? an_quantile(near, m, 0.95) : an_quantile(all, n, 0.95);
    free(all);
    return true;
}

/* How the rule treats the rows it was learnt from: the best guess at what passes later. */
static void try_on_real(an_filter *f)
{
    const an_column *column = f->variant ? an_table_find(f->train, f->variant) : NULL;
    for (size_t i = 0; i < f->train->rows; i++) {
        double away;
        if (an__filter_judge(f, f->x + i * f->d, an__filter_variant(f, column, i), &away) != AN__PASSES) continue;
        f->real_pass++;
        f->real_rare += f->classes.label[i];
    }
    if (f->real_pass && 2 * f->real_rare < f->real_pass) {
        an_buf_printf(
            &f->note,
            "%sof the %zu real rows that would pass only %zu have %s = %s: distance says little here, and rows of the other class "
            "are to be expected among the generated ones",
            f->note.size ? "; " : "", f->real_pass, f->real_rare, an__target(f->train)->name, f->classes.rare);
    }
}

static bool learn(an_filter *f, const an_filter_options *o, an_job *job, an_error *err)
{
    const an_table *train = f->train;
    size_t n = train->rows;
    an_prep_options prep;
    memset(&prep, 0, sizeof prep);
    an_params_defaults(an_prep_params, &prep);
    bool good = an__classes_of(train, &f->classes, err) && an_params_set(an_prep_params, &prep, "scale", "standard", err) &&
                an_params_set(an_prep_params, &prep, "category", "onehot", err) && (f->prep = an_prep_fit(train, NULL, 0, &prep, err));
    an_params_free(an_prep_params, &prep);
    if (!good) return false;
    f->d = f->prep->width;
    f->clusters = json_array();
    f->x = an_alloc_data(n * f->d, sizeof *f->x, "standardised rows", err);
    size_t *rows = an_alloc_data(n, sizeof *rows, "row numbers", err);
    uint32_t *assignment = an_alloc_data(n, sizeof *assignment, "clusters", err);
    good = f->x && rows && assignment && an_prep_apply(f->prep, train, NULL, n, f->x, NULL, err) &&
           an__measurable(f->prep, f->x, n, "the minority filter", err);
    for (size_t i = 0; good && i < n; i++) rows[i] = i;
    size_t k = (size_t)o->clusters < n ? (size_t)o->clusters : n;
    bool separated = false;
    an__centre found = { 0 };
    good = good && cluster(f, rows, n, k, NULL, assignment, &found, &separated, job, err) && an_job_check(job, err);
    const an_column *variant = good && !strcmp(o->centroid, "auto") ? followed(f, assignment, k) : NULL;
    if (variant)
        good = by_variant(f, variant, k, rows, job, err);
    else if (good) {
        f->count = 1;
        f->centre = an_alloc(sizeof *f->centre);
        bool class = !strcmp(o->centroid, "class") || (!strcmp(o->centroid, "auto") && !separated);
        if (class) {
            f->mode = "class";
            by_class(f, rows, n, &f->centre[0]);
            if (strcmp(o->centroid, "class") != 0) {
                an_buf_printf(&f->note,
                              "no cluster of the real rows stands out by its share of %s = %s (twice that of all rows, beyond chance), so "
                              "the centroids of the classes are used",
                              an__target(f->train)->name, f->classes.rare);
            }
        } else {
            f->centre[0] = found;
            found = (an__centre){ 0 };
        }
    }
    free(found.at);
    free(found.others);
    free(rows);
    free(assignment);
    f->distance_max = o->distance_max;
    if (good && isnan(f->distance_max)) good = default_distance(f, err);
    if (good) try_on_real(f);
    return good;
}

an_filter *an_filter_new(const an_table *train, const an_filter_options *options, an_job *job, an_error *err)
{
    an_filter *f = an_alloc(sizeof *f);
    f->mode = "cluster";
    f->train = an__real_rows(train, "the minority filter", err);
    if (f->train && learn(f, options, job, err)) return f;
    an_filter_free(f);
    an_context(err, "minority filter");
    return NULL;
}
