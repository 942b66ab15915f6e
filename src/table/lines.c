/* lines.c - where rows came from: files and lines, kept in runs so that a file read as it is costs one run, whatever its length. They are
 * not part of a table: the same rows are the same content whichever file brought them. */
#include "impl.h"

#include <stdlib.h>
#include <string.h>

void an_lines_free(an_lines *l)
{
    an_list_free(&l->file);
    free(l->run);
    *l = (an_lines){ 0 };
}

void an_read_report_free(an_read_report *r)
{
    an_list_free(&r->notes);
    an_lines_free(&r->lines);
    *r = (an_read_report){ 0 };
}

uint32_t an_lines_file(an_lines *l, const char *name)
{
    for (size_t i = 0; i < l->file.count; i++) {
        if (!strcmp(l->file.items[i], name)) return (uint32_t)i;
    }
    an_list_add(&l->file, name);
    return (uint32_t)l->file.count - 1;
}

static void add_run(an_lines *l, an_lines_run run)
{
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 16;
        l->run = an_resize_n(l->run, l->room, sizeof *l->run);
    }
    l->run[l->count++] = run;
}

void an_lines_add(an_lines *l, size_t row, uint32_t file, uint64_t line)
{
    if (l->count) {
        an_lines_run *last = &l->run[l->count - 1];
        if (last->file == file && last->line + last->count == line) {
            if (!last->together && last->row + last->count == row) {
                last->count++;
                return;
            }
            if ((last->together || last->count == 1) && last->row == row) {
                last->together = true;
                last->count++;
                return;
            }
        }
    }
    add_run(l, (an_lines_run){ .row = row, .count = 1, .line = line, .file = file });
}

/* ---- places by row ----------------------------------------------------------------------------------------------------------------------
 */

typedef struct place {
    uint64_t line;
    uint32_t file;
} place;

typedef struct places {
    size_t *start; /* rows + 1 */
    place *place;
} places;

static void free_places(places *p)
{
    free(p->start);
    free(p->place);
}

static bool open_places(const an_lines *l, size_t rows, places *p, an_error *err)
{
    p->start = an_alloc_data(rows + 2, sizeof *p->start, "the lines of rows", err);
    p->place = NULL;
    if (!p->start) return false;
    for (size_t i = 0; i < l->count; i++) {
        const an_lines_run *r = &l->run[i];
        for (size_t k = 0; k < r->count; k++) {
            size_t row = r->together ? r->row : r->row + k;
            if (row < rows) p->start[row + 1]++;
        }
    }
    for (size_t i = 0; i < rows; i++) p->start[i + 1] += p->start[i];
    p->place = an_alloc_data(p->start[rows] + 1, sizeof *p->place, "the lines of rows", err);
    if (!p->place) {
        free(p->start);
        return false;
    }
    for (size_t i = 0; i < l->count; i++) {
        const an_lines_run *r = &l->run[i];
        for (size_t k = 0; k < r->count; k++) {
            size_t row = r->together ? r->row : r->row + k;
            if (row < rows) p->place[p->start[row]++] = (place){ r->line + k, r->file };
        }
    }
    memmove(p->start + 1, p->start, rows * sizeof *p->start); /* filling moved every start to the next one */
    p->start[0] = 0;
    return true;
}

static size_t rows_of(const an_lines *l)
{
    size_t rows = 0;
    for (size_t i = 0; i < l->count; i++) {
        size_t end = l->run[i].row + (l->run[i].together ? 1 : l->run[i].count);
        rows = end > rows ? end : rows;
    }
    return rows;
}

static uint32_t *map_files(an_lines *to, const an_lines *from)
{
    uint32_t *map = an_alloc_n(from->file.count + 1, sizeof *map);
    for (size_t i = 0; i < from->file.count; i++) map[i] = an_lines_file(to, from->file.items[i]);
    return map;
}

bool an_lines_gather(an_lines *to, size_t first, const an_lines *from, const size_t *from_row, size_t rows, an_error *err)
{
    uint32_t *map = map_files(to, from);
    bool ok = true;
    if (!from_row) {
        for (size_t i = 0; i < from->count; i++) {
            an_lines_run r = from->run[i];
            r.row += first;
            r.file = map[r.file];
            add_run(to, r);
        }
    } else {
        size_t known = rows_of(from);
        places p;
        ok = open_places(from, known, &p, err);
        for (size_t i = 0; ok && i < rows; i++) {
            if (from_row[i] >= known) continue;
            for (size_t k = p.start[from_row[i]]; k < p.start[from_row[i] + 1]; k++)
                an_lines_add(to, first + i, map[p.place[k].file], p.place[k].line);
        }
        if (ok) free_places(&p);
    }
    free(map);
    return ok;
}

bool an_lines_merge(an_lines *to, size_t rows, const an_lines *from, const size_t *to_row, size_t from_rows, an_error *err)
{
    /* the rows that went into each row, in their order; then as a gathering */
    size_t *start = an_alloc_data(rows + 2, sizeof *start, "the lines of rows", err);
    size_t *member = start ? an_alloc_data(from_rows + 1, sizeof *member, "the lines of rows", err) : NULL;
    places p;
    bool ok = member && open_places(from, from_rows, &p, err);
    if (ok) {
        uint32_t *map = map_files(to, from);
        for (size_t i = 0; i < from_rows; i++) {
            if (to_row[i] < rows) start[to_row[i] + 1]++;
        }
        for (size_t i = 0; i < rows; i++) start[i + 1] += start[i];
        for (size_t i = 0; i < from_rows; i++) {
            if (to_row[i] < rows) member[start[to_row[i]]++] = i;
        }
        for (size_t i = 0, k = 0; i < rows; i++) {
            for (; k < start[i]; k++) {
                for (size_t m = p.start[member[k]]; m < p.start[member[k] + 1]; m++)
                    an_lines_add(to, i, map[p.place[m].file], p.place[m].line);
            }
        }
        free(map);
        free_places(&p);
    }
    free(start);
    free(member);
    return ok;
}

char **an_lines_texts(const an_lines *l, size_t rows, an_error *err)
{
    places p;
    if (!open_places(l, rows, &p, err)) return NULL;
    char **texts = an_alloc_data(rows + 1, sizeof *texts, "the lines of rows", err);
    an_buf text = { 0 };
    for (size_t i = 0; texts && i < rows; i++) {
        text.size = 0;
        for (size_t k = p.start[i], n; k < p.start[i + 1]; k += n) {
            for (n = 1; k + n < p.start[i + 1] && p.place[k + n].file == p.place[k].file && p.place[k + n].line == p.place[k].line + n;)
                n++;
            bool same_file = k > p.start[i] && p.place[k - 1].file == p.place[k].file;
            if (same_file)
                an_buf_printf(&text, ",%llu", (unsigned long long)p.place[k].line);
            else
                an_buf_printf(&text, "%s%s:%llu", k > p.start[i] ? "; " : "", l->file.items[p.place[k].file],
                              (unsigned long long)p.place[k].line);
            if (n > 1) an_buf_printf(&text, "-%llu", (unsigned long long)p.place[k + n - 1].line);
        }
        texts[i] = an_strndup(text.data ? text.data : "", text.size);
    }
    an_buf_free(&text);
    free_places(&p);
    return texts;
}

/* ---- as a table
 * --------------------------------------------------------------------------------------------------------------------------- */

static const char *const fields[] = { "row", "count", "line", "together" };

an_table *an_lines_table(const an_lines *l, an_error *err)
{
    an_table *t = an_table_new(l->count);
    an_column *c[5] = { 0 };
    for (int k = 0; k < 4; k++) {
        if (!an_table_add(t, fields[k], AN_INTEGER, err)) goto failed;
    }
    if (!an_table_add(t, "file", AN_CATEGORY, err)) goto failed;
    for (int k = 0; k < 5; k++) c[k] = &t->column[k];
    /* codes follow the order of names; files are in the order they came */
    size_t n = l->file.count, *rank = an_alloc_n(n + 1, sizeof *rank);
    c[4]->dictionary.names = an_alloc_n(n + 1, sizeof *c[4]->dictionary.names);
    c[4]->dictionary.count = (int32_t)n;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) rank[i] += strcmp(l->file.items[k], l->file.items[i]) < 0;
        c[4]->dictionary.names[rank[i]] = an_strdup(l->file.items[i]);
    }
    for (size_t i = 0; i < l->count; i++) {
        const an_lines_run *r = &l->run[i];
        c[0]->integer[i] = (int64_t)r->row;
        c[1]->integer[i] = (int64_t)r->count;
        c[2]->integer[i] = (int64_t)r->line;
        c[3]->integer[i] = r->together;
        c[4]->code[i] = (int32_t)rank[r->file];
        for (int k = 0; k < 5; k++) an_set_valid(c[k], i);
    }
    for (int k = 0; k < 5; k++) c[k]->missing = 0;
    free(rank);
    return t;
failed:
    an_table_free(t);
    return NULL;
}

bool an_lines_from_table(const an_table *t, an_lines *out, an_error *err)
{
    const an_column *c[5];
    *out = (an_lines){ 0 };
    for (int k = 0; k < 5; k++) {
        c[k] = an_table_find(t, k < 4 ? fields[k] : "file");
        if (!c[k] || c[k]->type != (k < 4 ? AN_INTEGER : AN_CATEGORY)) return an_fail(err, AN_CORRUPT, "the lines of rows are damaged");
    }
    for (int32_t i = 0; i < c[4]->dictionary.count; i++) an_list_add(&out->file, c[4]->dictionary.names[i]);
    for (size_t i = 0; i < t->rows; i++) {
        bool sound = c[0]->integer[i] >= 0 && c[1]->integer[i] > 0 && c[2]->integer[i] >= 0 && c[4]->code[i] >= 0 &&
                     c[4]->code[i] < c[4]->dictionary.count;
        if (!sound) {
            an_lines_free(out);
            return an_fail(err, AN_CORRUPT, "the lines of rows are damaged (run %zu)", i + 1);
        }
        add_run(out, (an_lines_run){ (size_t)c[0]->integer[i], (size_t)c[1]->integer[i], (uint64_t)c[2]->integer[i],
                                     (uint32_t)c[4]->code[i], c[3]->integer[i] != 0 });
    }
    return true;
}
