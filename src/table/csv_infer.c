/* csv_infer.c - which type a column has: guessed from a sample, settled over the whole file. */
#include "csv_impl.h"

static size_t total(const size_t seen[CLASS_COUNT])
{
    size_t n = 0;
    for (int k = 0; k < CLASS_COUNT; k++) n += seen[k];
    return n;
}

static size_t numbers(const size_t seen[CLASS_COUNT])
{
    return seen[CLASS_INTEGER] + seen[CLASS_PADDED] + seen[CLASS_REAL];
}

/* Part numbers such as 007 would lose their zeroes as integers; 00.50 is a number all the same. */
static bool coded(const size_t seen[CLASS_COUNT])
{
    return seen[CLASS_PADDED] && !seen[CLASS_REAL];
}

an__csv_kind an__csv_guess(const size_t seen[CLASS_COUNT])
{
    size_t n = total(seen);
    if (!n) return KIND_INTEGER;
    if (seen[CLASS_TRUE_FALSE] == n || seen[CLASS_YES_NO] == n) return KIND_BOOLEAN;
    if (seen[CLASS_DATETIME] == n) return KIND_DATETIME;
    if ((double)numbers(seen) >= 0.95 * (double)n && !coded(seen)) return seen[CLASS_REAL] ? KIND_REAL : KIND_INTEGER;
    return KIND_STRING;
}

static bool odd_cell(const an__csv_column *c, size_t good, size_t n, an_error *err)
{
    an_fail(err, AN_INPUT, "line %zu, column %s: \"%s\" is not a number, as %zu of %zu values are", c->odd_line, c->name, c->odd_text, good,
            n);
    an__number number;
    double real;
    const char *text = c->odd_text, *how = "";
    if (an__number_parse(text, strlen(text), ',', 0, &number, &real))
        how = ", or --decimal ,";
    else if (an__number_parse(text, strlen(text), '.', ',', &number, &real))
        how = ", or --thousands ,";
    else if (an__number_parse(text, strlen(text), ',', '.', &number, &real))
        how = ", or --thousands .";
    return an_hint(err, "correct the cell, or --type \"%s=category\", or --missing \"%s\"%s", c->name, text, how);
}

bool an__csv_settle(an__csv_column *c, size_t rows, bool *again, an_error *err)
{
    *again = false;
    if (c->forced >= 0) return true;
    if (c->kind != KIND_STRING) {
        size_t n = rows - c->missing, other = c->seen[CLASS_OTHER];
        bool number = c->kind <= KIND_REAL;
        if (number && other && (double)(n - other) >= 0.95 * (double)n) return odd_cell(c, n - other, n, err);
        if (other || (c->kind == KIND_INTEGER && c->seen[CLASS_PADDED])) {
            *again = true;
            c->kind = KIND_STRING;
        }
        return true;
    }
    for (size_t k = 0; k < c->entries && !c->as_text; k++) c->seen[c->entry[k].class] += c->entry[k].count;
    size_t n = total(c->seen), good = numbers(c->seen);
    an__csv_kind kind = KIND_STRING;
    if (!n) return true;
    if (good == n && !coded(c->seen)) {
        kind = c->seen[CLASS_REAL] ? KIND_REAL : KIND_INTEGER;
    } else if (good < n && (double)good >= 0.95 * (double)n && !coded(c->seen)) {
        return odd_cell(c, good, n, err);
    } else if (c->seen[CLASS_TRUE_FALSE] == n || c->seen[CLASS_YES_NO] == n) {
        kind = KIND_BOOLEAN;
    } else if (c->seen[CLASS_DATETIME] == n) {
        kind = KIND_DATETIME;
    }
    *again = kind != KIND_STRING;
    c->kind = kind;
    return true;
}
