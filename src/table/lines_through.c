/* lines_through.c - where rows came from, through joins (by the numbers of rows that a join can leave) and pivots (by the key of the part).
 */
#include "match.h"

#include <stdlib.h>
#include <string.h>

bool an_lines_join(an_table *t, const char *const *names, const an_lines *const *lines, size_t count, bool keep, an_lines *out,
                   an_error *err)
{
    bool ok = true;
    for (size_t k = 0; ok && k < count; k++) {
        char *name = an_format("%s.row", names[k]);
        an_column *c = an_table_find(t, name);
        free(name);
        if (!c || c->type != AN_INTEGER) continue;
        size_t *from = an_alloc_data(t->rows + 1, sizeof *from, "the lines of rows", err);
        for (size_t i = 0; from && i < t->rows; i++) from[i] = an_valid(c, i) ? (size_t)c->integer[i] - 1 : SIZE_MAX;
        ok = from && (!lines[k] || an_lines_gather(out, 0, lines[k], from, t->rows, err));
        free(from);
        if (!ok || keep) continue;
        size_t at = (size_t)(c - t->column);
        an__column_free(c);
        memmove(c, c + 1, (t->columns - at - 1) * sizeof *c);
        t->columns--;
    }
    return ok;
}

bool an_lines_pivot(const an_table *t, const char *on, const char *names, const an_table *made, const an_lines *from, an_lines *out,
                    an_error *err)
{
    const an_column *key = an_table_need(t, on, err), *name = key ? an_table_need(t, names, err) : NULL;
    const an_column *part = name ? an_table_need(made, on, err) : NULL;
    an__match m;
    if (!part || !an__match_build((const an_table *const[]){ t, made }, (const an_column *const[]){ key, part }, 2, NULL, &m, err))
        return false;
    size_t *to = an_alloc_data(t->rows + 1, sizeof *to, "the lines of rows", err);
    for (size_t i = 0; to && i < t->rows; i++) {
        uint32_t k = m.key[0][i];
        to[i] = k == AN__NO_ROW || !an_valid(name, i) || !m.count[1][k] ? SIZE_MAX : m.rows[1][m.start[1][k]];
    }
    bool ok = to && an_lines_merge(out, made->rows, from, to, t->rows, err);
    free(to);
    an__match_free(&m);
    return ok;
}
