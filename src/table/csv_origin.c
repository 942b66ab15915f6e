/* csv_origin.c - columns _generator, _seed and _row of a file become the origin of its rows. */
#include "csv_impl.h"

#include <stdlib.h>
#include <strings.h>

static const char *const origin_names[3] = { "_generator", "_seed", "_row" };

int an__origin_part(const char *name)
{
    for (int k = 0; k < 3; k++) {
        if (!strcasecmp(name, origin_names[k])) return k;
    }
    return -1;
}

/* A row whose marks are half gone may be generated, and nothing tells: it must not pass as measured and get into a test part. */
bool an__origin_whole(const size_t found[3], an_error *err)
{
    if (found[0] == 1 && found[1] == 1 && found[2] == 1) return true;
    if (!found[0] && !found[1] && !found[2]) return true;
    an_buf has = { 0 }, lacks = { 0 };
    for (int k = 0; k < 3; k++) {
        an_buf *list = found[k] ? &has : &lacks;
        an_buf_printf(list, "%s%s%s", list->size ? ", " : "", origin_names[k], found[k] > 1 ? " (several times)" : "");
    }
    an_fail(err, AN_REFUSED, "the header has %s%s%s: these columns mark generated rows, and only all three tell which rows were measured",
            has.data, lacks.size ? " but not " : "", lacks.size ? lacks.data : "");
    an_hint(err,
            "bring back the columns _generator, _seed and _row as 'synth sample' or 'data export' wrote them; a column of another meaning "
            "needs another name in the file");
    an_buf_free(&has);
    an_buf_free(&lacks);
    return false;
}

bool an__csv_find_origin(const an__csv_reader *r, size_t at[3])
{
    for (int k = 0; k < 3; k++) at[k] = SIZE_MAX;
    for (size_t j = 0; j < r->columns; j++) {
        int k = an__origin_part(r->column[j].name);
        if (k >= 0) at[k] = j;
    }
    return at[0] != SIZE_MAX && at[1] != SIZE_MAX && at[2] != SIZE_MAX;
}

bool an__csv_check_origin(const an__csv_reader *r, an_error *err)
{
    size_t found[3] = { 0 };
    for (size_t j = 0; j < r->columns; j++) {
        int k = an__origin_part(r->column[j].name);
        if (k >= 0) found[k]++;
    }
    return an__origin_whole(found, err);
}

static bool parse_u64(const char *text, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, UINT64_C(10), &value) || __builtin_add_overflow(value, digit, &value)) return false;
    }
    *out = value;
    return n > 0;
}

/* Turns three text columns into the origin of rows. */
bool an__csv_take_origin(an_table *t, const an_column from[3], an_error *err)
{
    t->origin = an_alloc_data(t->rows, sizeof *t->origin, "the origin of rows", err);
    t->origin_row = t->origin ? an_alloc_data(t->rows, sizeof *t->origin_row, "the origin of rows", err) : NULL;
    if (!t->origin_row) return false;
    uint32_t last = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const char *text[3];
        size_t n[3];
        for (int k = 0; k < 3; k++) {
            text[k] = from[k].text.bytes ? from[k].text.bytes + from[k].text.offset[i] : "";
            n[k] = from[k].text.offset[i + 1] - from[k].text.offset[i];
        }
        if (!n[0] && !n[1] && !n[2]) continue;
        uint64_t seed, number;
        if (!n[0] || !parse_u64(text[1], n[1], &seed) || !parse_u64(text[2], n[2], &number)) {
            an_fail(err, AN_INPUT, "row %zu: _generator, _seed and _row do not say where the row came from", i + 1);
            return an_hint(err, "all three are empty for a measured row; else a name and two whole numbers");
        }
        if (!last || t->origins[last - 1].seed != seed || strlen(t->origins[last - 1].generator) != n[0] ||
            memcmp(t->origins[last - 1].generator, text[0], n[0])) {
            last = 0;
            for (size_t k = 0; k < t->origin_count && !last; k++) {
                const an_origin *o = &t->origins[k];
                if (o->seed == seed && strlen(o->generator) == n[0] && !memcmp(o->generator, text[0], n[0])) last = (uint32_t)k + 1;
            }
        }
        if (!last) {
            if (t->origin_count >= 1000000) return an_fail(err, AN_INPUT, "row %zu: more than a million generators and seeds", i + 1);
            if (!(t->origin_count & (t->origin_count - 1))) {
                t->origins = an_resize_n(t->origins, t->origin_count ? 2 * t->origin_count : 1, sizeof *t->origins);
            }
            t->origins[t->origin_count++] = (an_origin){ an_strndup(text[0], n[0]), seed };
            last = (uint32_t)t->origin_count;
        }
        t->origin[i] = last;
        t->origin_row[i] = number;
    }
    if (t->origin_count) return true;
    free(t->origin); /* all rows are measured */
    free(t->origin_row);
    t->origin = NULL;
    t->origin_row = NULL;
    return true;
}
