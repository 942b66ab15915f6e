/* audit.c - finds columns that no model should learn from: constant, empty, identifier, duplicate, leak. The rules are those of the
 * header; each asks for enough evidence that a small table does not lose honest measurements by chance. */
#include "audit.h"

#include "andon/score.h"
#include "csv_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAK_ROWS = 10, LEAK_VALUES = 10, CATEGORY_VALUES = 1000, FEW_VALUES = 20, SCREEN_ROWS = 50000 };
static const double chance = 1e-9; /* evidence must be less likely than this where the column knows nothing of the target */

/* ---- text as category ------------------------------------------------------------------------------------------------------- */

/* Hash table of row numbers by the text in them. */
typedef struct texts {
    size_t *slot; /* row + 1 */
    size_t slots, count;
} texts;

static size_t find_text(const texts *s, const an_column *c, size_t row)
{
    const char *text = c->text.bytes + c->text.offset[row];
    size_t n = c->text.offset[row + 1] - c->text.offset[row];
    size_t at = an__hash(text, n) & (s->slots - 1);
    for (; s->slot[at]; at = (at + 1) & (s->slots - 1)) {
        size_t other = s->slot[at] - 1;
        if (c->text.offset[other + 1] - c->text.offset[other] == n && !memcmp(c->text.bytes + c->text.offset[other], text, n)) break;
    }
    return at;
}

/* Distinct values of a text column, up to limit + 1. */
static size_t distinct_texts(const an_table *t, const an_column *c, size_t limit, bool *repeated)
{
    texts s = { .slots = 64 };
    while (s.slots < 2 * (limit < t->rows ? limit : t->rows) + 4) s.slots *= 2;
    s.slot = an_alloc_n(s.slots, sizeof *s.slot);
    *repeated = false;
    for (size_t i = 0; i < t->rows && s.count <= limit; i++) {
        if (!an_valid(c, i)) continue;
        size_t at = find_text(&s, c, i);
        if (s.slot[at]) {
            *repeated = true;
        } else {
            s.slot[at] = i + 1;
            s.count++;
        }
    }
    free(s.slot);
    return s.count;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool an__text_to_category(const an_table *t, an_column *c, an_error *err)
{
    bool repeated;
    size_t n = distinct_texts(t, c, CATEGORY_VALUES, &repeated);
    if (n > CATEGORY_VALUES)
        return an_fail(err, AN_INPUT, "column %s has more than %d distinct texts and cannot be a category", c->name, CATEGORY_VALUES);
    an_column made = { .type = AN_CATEGORY };
    if (!an__column_cells(&made, t->rows, err)) return false;
    made.dictionary.names = an_alloc_n(n + 1, sizeof *made.dictionary.names);
    texts s = { .slots = 4096 };
    s.slot = an_alloc_n(s.slots, sizeof *s.slot);
    for (size_t i = 0; i < t->rows; i++) {
        if (!an_valid(c, i)) continue;
        size_t at = find_text(&s, c, i);
        if (s.slot[at]) continue;
        s.slot[at] = i + 1;
        made.dictionary.names[made.dictionary.count++] =
            an_strndup(c->text.bytes + c->text.offset[i], c->text.offset[i + 1] - c->text.offset[i]);
    }
    free(s.slot);
    qsort(made.dictionary.names, (size_t)made.dictionary.count, sizeof *made.dictionary.names, by_text);
    for (size_t i = 0; i < t->rows; i++) {
        if (!an_valid(c, i)) continue;
        made.code[i] = an__dictionary_find(&made.dictionary, c->text.bytes + c->text.offset[i], c->text.offset[i + 1] - c->text.offset[i]);
    }
    free(c->text.offset);
    free(c->text.bytes);
    c->type = AN_CATEGORY;
    c->text.bytes = NULL;
    c->code = made.code;
    c->dictionary = made.dictionary;
    return true;
}

/* ---- the rules --------------------------------------------------------------------------------------------------------------- */

static bool same_cell(const an_column *a, const an_column *b, size_t i, size_t k)
{
    if (a->type == AN_TENSOR || b->type == AN_TENSOR) return false;
    bool valid = an_valid(a, i);
    if (valid != an_valid(b, k)) return false;
    if (!valid) return true;
    if (an__is_number(a->type) != an__is_number(b->type)) return false;
    if (a->type == b->type && (a->type == AN_INTEGER || a->type == AN_DATETIME)) return a->integer[i] == b->integer[k];
    if (an__is_number(a->type)) return an_cell_number(a, i) == an_cell_number(b, k);
    if (a == b && a->type == AN_CATEGORY) return a->code[i] == b->code[k];
    if (a->type == AN_CATEGORY && b->type == AN_CATEGORY) return !strcmp(a->dictionary.names[a->code[i]], b->dictionary.names[b->code[k]]);
    an_buf x = { 0 }, y = { 0 };
    an_cell_text(a, i, &x);
    an_cell_text(b, k, &y);
    bool same = x.size == y.size && (!x.size || !memcmp(x.data, y.data, x.size));
    an_buf_free(&x);
    an_buf_free(&y);
    return same;
}

static bool constant(const an_table *t, const an_column *c)
{
    size_t first = 0;
    while (!an_valid(c, first)) first++;
    for (size_t i = first + 1; i < t->rows; i++) {
        if (an_valid(c, i) && !same_cell(c, c, first, i)) return false;
    }
    return true;
}

/* Whole numbers that never repeat: a set of the values seen, given up at the first repetition, so that measurements cost little. */
static bool distinct_whole(const an_table *t, const an_column *c, an_error *err, bool *out)
{
    size_t values = t->rows - c->missing, slots = 64;
    while (slots < 2 * values) slots *= 2;
    *out = false;
    if (values < 3) return true;
    bool rising = true, falling = true;
    double last = NAN;
    for (size_t i = 0; i < t->rows; i++) {
        if (!an_valid(c, i)) continue;
        double x = an_cell_number(c, i);
        if (x != floor(x)) return true;
        rising = rising && !(x <= last);
        falling = falling && !(x >= last);
        last = x;
    }
    if (rising || falling) {
        *out = true;
        return true;
    }
    double *slot = an_alloc_data(slots, sizeof *slot, "distinct values", err);
    if (!slot) return false;
    bool zero = false, repeated = false;
    for (size_t i = 0; i < t->rows && !repeated; i++) {
        if (!an_valid(c, i)) continue;
        double x = an_cell_number(c, i);
        if (x == 0) {
            repeated = zero;
            zero = true;
            continue;
        }
        size_t at = an__hash(&x, 8) & (slots - 1);
        while (slot[at] != 0 && slot[at] != x) at = (at + 1) & (slots - 1);
        repeated = slot[at] == x;
        slot[at] = x;
    }
    free(slot);
    *out = !repeated;
    return true;
}

static uint64_t column_hash(const an_table *t, const an_column *c)
{
    an_buf block = { 0 };
    uint64_t h = 0;
    for (size_t i = 0; i < t->rows; i++) {
        an__cell_content(c, i, &block);
        if (block.size >= 65536 || i + 1 == t->rows) {
            an_buf_add(&block, &h, 8);
            h = an__hash(block.data, block.size);
            an_buf_clear(&block);
        }
    }
    an_buf_free(&block);
    return h;
}

/* A value that goes with the rarer class only: looked for in columns of few distinct values (flags, codes). A measurement with hundreds of
 * values holds such runs honestly: the areas of surface faults, say, of which every one of 15 rows with area 16 is a stain. */
static bool value_leak(const an_table *t, const an_column *c, const uint8_t *label, double share, an_buf *why, const char *target,
                       const char *rare)
{
    size_t first[LEAK_VALUES], rows[LEAK_VALUES] = { 0 }, with[LEAK_VALUES] = { 0 }, n = 0, values = 0, all_with = 0;
    bool many = c->type == AN_TENSOR;
    for (size_t i = 0; i < t->rows; i++) {
        if (!an_valid(c, i) || label[i] == AN__NO_LABEL) continue;
        values++;
        all_with += label[i];
        size_t k = 0;
        while (!many && k < n && !same_cell(c, c, first[k], i)) k++;
        many = many || k == LEAK_VALUES;
        if (many) continue;
        if (k == n) first[n++] = i;
        rows[k]++;
        with[k] += label[i];
    }
    if (c->missing && values >= LEAK_ROWS && all_with == values && pow(share, (double)values) < chance) {
        an_buf_printf(why, "it has a value only (%zu rows) where %s = %s", values, target, rare);
        return true;
    }
    for (size_t k = 0; k < n && !many; k++) {
        if (rows[k] < LEAK_ROWS || with[k] != rows[k] || pow(share, (double)rows[k]) >= chance) continue;
        an_buf_puts(why, "value ");
        an_cell_text(c, first[k], why);
        an_buf_printf(why, " (%zu rows) goes with %s = %s only", rows[k], target, rare);
        return true;
    }
    return false;
}

static double auc(const an_table *t, const an_column *c, const uint8_t *label, size_t stride, uint8_t *y, double *x, size_t *positives,
                  size_t *n)
{
    *positives = *n = 0;
    for (size_t i = 0; i < t->rows; i += stride) {
        if (!an_valid(c, i) || label[i] == AN__NO_LABEL) continue;
        y[*n] = label[i];
        *positives += label[i];
        x[(*n)++] = an_cell_number(c, i);
    }
    return an_roc_auc(y, x, *n);
}

static bool extreme(double area, double margin)
{
    return area >= 1 - margin || area <= margin; /* false for NaN */
}

static bool rank_leak(const an_table *t, const an_column *c, const uint8_t *label, uint8_t *y, double *x, an_buf *why, const char *target)
{
    size_t positives, n;
    if (!an__is_number(c->type)) return false;
    if (t->rows > 2 * SCREEN_ROWS && !extreme(auc(t, c, label, t->rows / SCREEN_ROWS, y, x, &positives, &n), 0.02)) return false;
    double area = auc(t, c, label, 1, y, x, &positives, &n);
    if (!extreme(area, 0.005)) return false;
    /* positives of n rows can stand on top by chance in one of (n choose positives) ways */
    double ways = lgamma((double)n + 1) - lgamma((double)positives + 1) - lgamma((double)(n - positives) + 1);
    if (ways < -log(chance)) return false;
    an_buf_printf(why, "it alone ranks %s with ROC-AUC %.4f", target, area);
    return true;
}

/* ---- all columns --------------------------------------------------------------------------------------------------------------- */

static void set_aside(an_column *c, const char *reason, const char *why, an_list *notes)
{
    if (c->kept) {
        if (notes) an_list_add_take(notes, an_format("%s: %s: %s; kept as asked", c->name, reason, why));
        return;
    }
    c->role = AN_IGNORED;
    free(c->reason);
    c->reason = an_strdup(reason);
    if (notes) an_list_add_take(notes, an_format("%s: %s: %s; --keep %s brings it back", c->name, reason, why, c->name));
}

/* What a column that never repeats may be good for, where the table has no such column yet. */
static const char *use_as(const an_table *t, an_role role)
{
    for (size_t j = 0; j < t->columns; j++)
        if (t->column[j].role == role) return "";
    return role == AN_TIME ? " (with --time the newest rows become the test part)" : " (does it name the part? then --id)";
}

/* What makes a text look like a number that was not read. */
typedef enum oddity { ODD_NOT, ODD_PLAIN, ODD_MARKS, ODD_UNIT, ODD_PERCENT, ODD_MINUS, ODDITIES } oddity;

/* 13.209,63 or 12 500 or 12,5 % or 2.10 kN or 0,2-: digits, marks and blanks between them, and at most one word behind. */
static oddity like_number(const char *text, size_t n)
{
    size_t i = n && (text[0] == '-' || text[0] == '+'), marks = 0, gap = 0;
    if (i == n || text[i] < '0' || text[i] > '9') return ODD_NOT;
    for (size_t bytes; i < n; i += bytes) {
        bool digit = text[i] >= '0' && text[i] <= '9', mark = text[i] == '.' || text[i] == ',';
        bytes = digit || mark ? 1 : an__group_mark(text + i, n - i, ' ');
        if (!bytes) bytes = an__group_mark(text + i, n - i, '\'');
        if (!bytes) break;
        if (!digit && !mark && (i + bytes == n || text[i + bytes] < '0' || text[i + bytes] > '9')) break; /* a blank in front of a unit */
        marks += !digit;
    }
    for (size_t bytes; i < n && (bytes = an__group_mark(text + i, n - i, ' ')); i += bytes) gap++;
    if (marks > 3) return ODD_NOT;
    if (i == n) return marks ? ODD_MARKS : ODD_PLAIN;
    if (i + 1 == n && text[i] == '-') return ODD_MINUS;
    if (i + 1 == n && text[i] == '%') return ODD_PERCENT;
    if (n - i > 7 || (!marks && !gap)) return ODD_NOT;
    for (; i < n; i++) {
        if (text[i] == ' ' || (text[i] >= '0' && text[i] <= '9')) return ODD_NOT;
    }
    return ODD_UNIT;
}

/* What to do about texts that look like numbers: of `values` texts so many are odd in each way. NULL: they do not look so. */
static const char *number_advice(const size_t seen[ODDITIES], size_t values)
{
    size_t odd = seen[ODD_MARKS] + seen[ODD_UNIT] + seen[ODD_PERCENT] + seen[ODD_MINUS];
    if (!odd || (double)(odd + seen[ODD_PLAIN]) < 0.9 * (double)values) return NULL;
    if (seen[ODD_MINUS])
        return "though they look like numbers: a minus behind the number is not read; write it in front (-0,2 for 0,2-) in the file";
    if (2 * seen[ODD_PERCENT] > odd) return "though they look like numbers: take the % out of the cells, and say it by --unit COLUMN=%";
    if (2 * seen[ODD_UNIT] > odd) return "though they look like numbers: take the unit out of the cells, and say it by --unit COLUMN=UNIT";
    return "though they look like numbers: is it --decimal, --thousands, --date-format, or a unit behind each?";
}

/* A column of numbers that were not understood must not get lost as an identifier without a word. */
static const char *advice_of_texts(const an_table *t, const an_column *c)
{
    size_t values = t->rows - c->missing, seen[ODDITIES] = { 0 }, digits = 0;
    for (size_t i = 0; i < t->rows; i++) {
        if (!an_valid(c, i)) continue;
        const char *text = c->text.bytes + c->text.offset[i];
        size_t n = c->text.offset[i + 1] - c->text.offset[i];
        seen[like_number(text, n)]++;
        digits += n && text[0] >= '0' && text[0] <= '9';
    }
    const char *advice = number_advice(seen, values);
    if (advice || seen[ODD_PLAIN] == values || 2 * digits <= values) return advice;
    return "though most begin with digits: if they are numbers or dates, is it --decimal, --thousands or --date-format?";
}

/* The same of a category: it can be learnt from, but as names without an order. */
static void tell_numbers(const an_column *c, an_list *notes)
{
    size_t seen[ODDITIES] = { 0 };
    if (!notes || c->dictionary.count < 3) return;
    for (int32_t k = 0; k < c->dictionary.count; k++) seen[like_number(c->dictionary.names[k], strlen(c->dictionary.names[k]))]++;
    const char *advice = number_advice(seen, (size_t)c->dictionary.count);
    if (advice) an_list_add_take(notes, an_format("%s: a category of %d texts, %s", c->name, (int)c->dictionary.count, advice));
}

static bool audit_text(const an_table *t, an_column *c, an_list *notes, an_error *err)
{
    bool repeated;
    size_t values = t->rows - c->missing, n = distinct_texts(t, c, CATEGORY_VALUES, &repeated);
    bool few = n <= CATEGORY_VALUES && repeated && (2 * n < values || n <= FEW_VALUES);
    if (few || c->kept) return an__text_to_category(t, c, err);
    char *why = repeated ? an_format("more than half of its %zu texts are different", values)
                         : an_format("all %zu texts are different%s", values, use_as(t, AN_ID));
    if (n > CATEGORY_VALUES && repeated) {
        free(why);
        why = an_format("it holds more than %d different texts", CATEGORY_VALUES);
    }
    if (n > CATEGORY_VALUES && !repeated) {
        free(why);
        why = an_format("its texts do not repeat%s", use_as(t, AN_ID));
    }
    const char *advice = advice_of_texts(t, c);
    if (advice) {
        char *more = an_format("%s, %s", why, advice);
        free(why);
        why = more;
    }
    set_aside(c, "identifier", why, notes);
    free(why);
    return true;
}

static bool audit_column(an_table *t, size_t j, uint64_t *hash, const uint8_t *label, double share, uint8_t *y, double *x,
                         const char *target, const char *rare, an_list *notes, an_error *err)
{
    an_column *c = &t->column[j];
    if (c->missing == t->rows) {
        set_aside(c, "empty", "every cell is missing", notes);
        return true;
    }
    if (c->type == AN_TENSOR) return true;
    if (constant(t, c)) {
        an_buf why = { 0 };
        size_t first = 0;
        while (!an_valid(c, first)) first++;
        an_buf_puts(&why, "every value is ");
        an_cell_text(c, first, &why);
        set_aside(c, "constant", why.data, notes);
        an_buf_free(&why);
        return true;
    }
    if (c->type == AN_TEXT) {
        if (!audit_text(t, c, notes, err)) return false;
        if (c->role == AN_IGNORED) return true;
    }
    if (c->type == AN_CATEGORY) tell_numbers(c, notes);
    if (c->type == AN_INTEGER || c->type == AN_REAL || c->type == AN_DATETIME) {
        bool identifier;
        if (!distinct_whole(t, c, err, &identifier)) return false;
        if (identifier) {
            bool time = c->type == AN_DATETIME;
            char *why = an_format("%s that never repeat%s", time ? "times" : "whole numbers", time ? use_as(t, AN_TIME) : use_as(t, AN_ID));
            set_aside(c, "identifier", why, notes);
            free(why);
            return true;
        }
    }
    hash[j] = column_hash(t, c);
    for (size_t k = 0; k < j; k++) {
        const an_column *earlier = &t->column[k];
        if (earlier->role != AN_FEATURE || hash[k] != hash[j] || !hash[k]) continue;
        size_t i = 0;
        while (i < t->rows && same_cell(earlier, c, i, i)) i++;
        if (i < t->rows) continue;
        char *why = an_format("equal to %s in every row", earlier->name);
        set_aside(c, "duplicate", why, notes);
        free(why);
        return true;
    }
    if (!label) return true;
    an_buf why = { 0 };
    if (value_leak(t, c, label, share, &why, target, rare) || rank_leak(t, c, label, y, x, &why, target))
        set_aside(c, "leak", why.data, notes);
    an_buf_free(&why);
    return true;
}

bool an__audit(an_table *t, const uint8_t *label, const char *target, const char *rare, an_list *notes, an_error *err)
{
    size_t rows = t->rows, positives = 0, known = 0;
    if (!rows) return true;
    uint64_t *hash = an_alloc_n(t->columns + 1, sizeof *hash);
    uint8_t *y = an_alloc_data(rows, 1, "labels", err);
    double *x = y ? an_alloc_data(rows, sizeof *x, "values of a column", err) : NULL;
    bool ok = x != NULL;
    for (size_t i = 0; label && i < rows; i++) {
        known += label[i] != AN__NO_LABEL;
        positives += label[i] == 1;
    }
    double share = known ? (double)positives / (double)known : 0;
    for (size_t j = 0; ok && j < t->columns; j++) {
        if (t->column[j].role != AN_FEATURE) continue;
        ok = audit_column(t, j, hash, label, share, y, x, target, rare, notes, err);
    }
    free(hash);
    free(y);
    free(x);
    return ok;
}
