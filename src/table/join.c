/* join.c - tables of stations side by side: by key or by row. Which rows have equal keys is found by match.c; what reworked parts (a key
 * several times in one table) become is said by the caller, never guessed.
 */
#include "match.h"
#include "schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 20 };

const an_param an_join_params[] = {
    AN_JOIN_PARAMS(0),
    AN_PARAM_END,
};

typedef enum attempts { REFUSE, LAST, FIRST, ALL, MULTIPLY } attempts;

typedef struct join {
    const an_table *const *tables;
    const char *const *names;
    size_t count;
    const an_column **key; /* of each table; NULL by row */
    attempts attempts;
    bool all;
    an__match match;
    uint32_t **chosen;            /* [table][key]: its first or last row; AN__NO_ROW: none. NULL with ALL and MULTIPLY */
    size_t *unmatched, *repeated; /* [table]: keys that another table lacks, keys of several rows */
    uint32_t **source;            /* [table][result row]; AN__NO_ROW: missing */
    uint32_t *attempt;            /* [result row], with ALL */
    size_t rows, room;
    bool fill; /* false: rows are counted only */
} join;

/* ---- which rows stand beside which ---- */

/* Key by key, so that memory is walked through once: which row counts, and what there is to report. */
static bool choose_rows(join *j, an_error *err)
{
    const an__match *m = &j->match;
    bool pick = j->attempts != ALL && j->attempts != MULTIPLY;
    for (size_t t = 0; t < j->count; t++) {
        if (pick) {
            j->chosen[t] = an_alloc_data(m->keys + 1, sizeof **j->chosen, "the keys of a join", err);
            if (!j->chosen[t]) return false;
        }
        for (size_t k = 0; k < m->keys; k++) {
            uint32_t n = m->count[t][k];
            if (pick) j->chosen[t][k] = n ? m->rows[t][m->start[t][k] + (j->attempts == FIRST ? 0 : n - 1)] : AN__NO_ROW;
            j->repeated[t] += n > 1;
        }
    }
    for (size_t k = 0; k < m->keys; k++) {
        bool every = true;
        for (size_t t = 0; t < j->count; t++) every = every && m->count[t][k];
        for (size_t t = 0; !every && t < j->count; t++) j->unmatched[t] += m->count[t][k] > 0;
    }
    return true;
}

static void put_alone(join *j, size_t t, uint32_t row)
{
    if (j->fill) {
        for (size_t k = 0; k < j->count; k++) j->source[k][j->rows] = k == t ? row : AN__NO_ROW;
        if (j->attempt) j->attempt[j->rows] = AN__NO_ROW;
    }
    j->rows++;
}

/* The part at `row` of table t, which is the first table that has it (or this attempt of it); false: it was left out. */
static bool put_one(join *j, size_t t, uint32_t row, uint32_t key, uint32_t nth)
{
    for (size_t k = 0; k < j->count; k++) {
        uint32_t other = k == t ? row : AN__NO_ROW;
        if (k != t && j->attempts == ALL) {
            if (nth < j->match.count[k][key]) other = j->match.rows[k][j->match.start[k][key] + nth];
        } else if (k != t) {
            other = j->chosen[k][key];
        }
        if (other == AN__NO_ROW && !j->all) return false;
        if (j->fill) j->source[k][j->rows] = other;
    }
    if (j->fill && j->attempt) j->attempt[j->rows] = nth + 1;
    j->rows++;
    return true;
}

static void put_combinations(join *j, size_t t, uint32_t row, uint32_t key)
{
    size_t combinations = 1;
    for (size_t k = t + 1; k < j->count; k++) {
        uint32_t n = j->match.count[k][key];
        if (!n && !j->all) return;
        if (__builtin_mul_overflow(combinations, (size_t)(n ? n : 1), &combinations)) combinations = SIZE_MAX / 2;
    }
    if (j->fill) {
        for (size_t c = 0; c < combinations; c++) {
            size_t rest = c;
            for (size_t k = j->count; k-- > 0;) {
                uint32_t n = k > t ? j->match.count[k][key] : 0;
                j->source[k][j->rows + c] = n ? j->match.rows[k][j->match.start[k][key] + rest % n] : k == t ? row : AN__NO_ROW;
                if (n) rest /= n;
            }
        }
    }
    if (__builtin_add_overflow(j->rows, combinations, &j->rows)) j->rows = SIZE_MAX / 2;
}

/* Rows of table t, in order; parts that an earlier table has are its business. */
static void put_table(join *j, size_t t)
{
    const an__match *m = &j->match;
    for (size_t i = 0; i < j->tables[t]->rows; i++) {
        uint32_t key = m->key[t][i], row = (uint32_t)i, nth = 0;
        if (key == AN__NO_ROW) {
            if (j->all) put_alone(j, t, row);
            continue;
        }
        if (j->attempts == ALL) {
            while (m->rows[t][m->start[t][key] + nth] != row) nth++;
        } else if (j->attempts != MULTIPLY && j->chosen[t][key] != row) {
            continue;
        }
        bool earlier = false;
        for (size_t k = 0; k < t && !earlier; k++) earlier = m->count[k][key] > nth;
        if (earlier) continue;
        if (j->attempts == MULTIPLY)
            put_combinations(j, t, row, key);
        else
            put_one(j, t, row, key, nth);
    }
}

static void put_all(join *j, bool fill)
{
    j->fill = fill;
    j->rows = 0;
    for (size_t t = 0; t < (j->all ? j->count : 1); t++) put_table(j, t);
}

static bool place_rows(join *j, an_job *job, an_error *err)
{
    if (!j->key) {
        j->rows = j->tables[0]->rows;
    } else if (j->attempts == MULTIPLY || j->all) {
        put_all(j, false);
        if (j->rows >= UINT32_MAX) return an_fail(err, AN_INPUT, "the join would have %zu rows; %u is the limit", j->rows, UINT32_MAX - 1);
    } else {
        j->rows = j->tables[0]->rows; /* at most */
    }
    size_t room = j->rows + 1;
    for (size_t t = 0; t < j->count; t++) {
        j->source[t] = an_alloc_data(room, sizeof **j->source, "the rows of a join", err);
        if (!j->source[t]) return false;
    }
    if (j->attempts == ALL) {
        j->attempt = an_alloc_data(room, sizeof *j->attempt, "the rows of a join", err);
        if (!j->attempt) return false;
    }
    if (j->key) {
        put_all(j, true);
    } else {
        for (size_t t = 0; t < j->count; t++) {
            for (size_t i = 0; i < j->rows; i++) j->source[t][i] = (uint32_t)i;
        }
    }
    return an_job_check(job, err);
}

/* ---- refusing ---- */

static void key_text(const join *j, size_t t, size_t row, an_buf *out)
{
    an_buf_clear(out);
    an_cell_text(j->key[t], row, out);
    if (!out->data) an_buf_puts(out, "");
}

/* No key may occur several times where nobody said what that means. */
static bool refuse_repeated(const join *j, an_error *err)
{
    const an__match *m = &j->match;
    for (size_t t = 0; t < j->count; t++) {
        size_t repeated = 0, worst = 0;
        for (size_t k = 0; k < m->keys; k++) {
            if (m->count[t][k] < 2) continue;
            repeated++;
            if (m->count[t][k] > m->count[t][worst]) worst = k;
        }
        if (!repeated) continue;
        an_buf text = { 0 }, others = { 0 };
        key_text(j, t, m->rows[t][m->start[t][worst]], &text);
        double product = m->count[t][worst];
        for (size_t k = 0; k < j->count; k++) {
            if (k == t || !m->count[k][worst]) continue;
            an_buf_printf(&others, ", %u in %s", m->count[k][worst], j->names[k]);
            product *= m->count[k][worst];
        }
        an_fail(err, AN_INPUT,
                "%zu part%s more than one row in %s: %s %.100s has %u rows%s; joined as they are, they would become %.0f rows of one part",
                repeated, repeated == 1 ? " has" : "s have", j->names[t], j->key[t]->name, text.data, m->count[t][worst],
                others.data ? others.data : "", product);
        an_hint(err, "say which attempt counts: --attempts last or first, or all to number them; --multiply gives every combination");
        an_buf_free(&text);
        an_buf_free(&others);
        return false;
    }
    return true;
}

/* ---- columns ---- */

typedef struct piece { /* one column of the result */
    size_t table, column;
    an_column made;
    bool ok;
} piece;

typedef struct gathering {
    const join *join;
    piece *piece;
    an_error *errors;
} gathering;

static void gather_piece(void *context, size_t index, int worker)
{
    (void)worker;
    gathering *g = context;
    piece *p = &g->piece[index];
    const an_column *from = &g->join->tables[p->table]->column[p->column];
    an__column_describe(&p->made, from);
    p->ok = an__gather(&p->made, from, g->join->source[p->table], g->join->rows, &g->errors[index]);
}

static bool named_twice(const join *j, size_t table, const char *name)
{
    if (j->attempts == ALL && !strcmp(name, "attempt")) return true;
    for (size_t t = 0; t < j->count; t++) {
        if (t != table && an_table_find(j->tables[t], name) && !(j->key && an_table_find(j->tables[t], name) == j->key[t])) return true;
    }
    return false;
}

/* The key column of the result: the type of the first table where all have it, else text. */
static bool make_key(const join *j, an_column *out, an_error *err)
{
    const an_column *first = j->key[0];
    bool same = true;
    for (size_t t = 1; t < j->count; t++) same = same && j->key[t]->type == first->type;
    uint32_t *from = NULL;
    bool one_source = true;
    for (size_t i = 0; one_source && i < j->rows; i++) one_source = j->source[0][i] != AN__NO_ROW;
    if (one_source) {
        an__column_describe(out, first);
        return an__gather(out, first, j->source[0], j->rows, err);
    }
    /* cells from whichever table has the part: all keys below each other as one column, then gathered */
    size_t at = 0;
    an_table stacked = { 0 };
    an_column below = { 0 };
    bool ok = true;
    for (size_t t = 0; ok && t < j->count; t++) {
        an_column text = { 0 }, *c = (an_column *)(uintptr_t)j->key[t]; /* borrowed for appending, not changed */
        if (!same) {
            ok = an__column_as_text(j->tables[t], j->key[t], &text, err);
            c = &text;
        }
        an_column one = ok ? *c : (an_column){ 0 };
        one.name = (char *)(uintptr_t)first->name;
        an_table part = { .rows = j->tables[t]->rows, .columns = 1, .column = &one };
        if (ok && !t) {
            an_table *copy = an_table_select_columns(&part, (const char *const[]){ first->name }, 1, err);
            ok = copy != NULL;
            if (ok) {
                below = copy->column[0];
                copy->columns = 0;
                an_table_free(copy);
            }
        } else if (ok) {
            stacked = (an_table){ .rows = at, .columns = 1, .column = &below };
            an_table *both = an_table_append(&stacked, &part, err);
            ok = both != NULL;
            if (ok) {
                an__column_free(&below);
                below = both->column[0];
                both->columns = 0;
                an_table_free(both);
            }
        }
        if (!same) an__column_free(&text);
        at += j->tables[t]->rows;
    }
    from = ok ? an_alloc_data(j->rows + 1, sizeof *from, "the rows of a join", err) : NULL;
    ok = from != NULL;
    for (size_t i = 0; ok && i < j->rows; i++) {
        size_t t = 0, before = 0;
        while (j->source[t][i] == AN__NO_ROW) before += j->tables[t++]->rows;
        from[i] = (uint32_t)(before + j->source[t][i]);
    }
    if (ok) {
        an_column like = *first;
        like.type = below.type;
        like.dictionary = below.dictionary;
        an__column_describe(out, &like);
        ok = an__gather(out, &below, from, j->rows, err);
    }
    an__column_free(&below);
    free(from);
    return ok;
}

/* A table has one target, one id: those of the first table that has one; what the others called so stays in the table, used by nobody. */
static void settle_role(an_table *out, an_column *c, json_t *conflicts)
{
    if (c->role == AN_FEATURE || c->role == AN_IGNORED) return;
    for (size_t k = 0; k + 1 < out->columns; k++) {
        if (out->column[k].role != c->role) continue;
        json_array_append_new(conflicts, json_pack("{s:s, s:s, s:s, s:s}", "column", c->name, "what", "role", "role", an_role_name(c->role),
                                                   "kept", out->column[k].name));
        free(c->reason);
        c->reason = an_format("second %s", an_role_name(c->role));
        c->role = AN_IGNORED;
        return;
    }
}

static bool push(an_table *out, an_column *c, json_t *conflicts, an_error *err)
{
    if (an_table_find(out, c->name)) {
        an_fail(err, AN_INPUT, "two columns of the join would be called %s", c->name);
        an_hint(err, "rename one in its file, or import a table under another name");
        an__column_free(c);
        return false;
    }
    settle_role(out, an__table_push(out, c), conflicts);
    *c = (an_column){ 0 };
    return true;
}

static bool add_numbers(an_table *out, char *name, const uint32_t *values, uint32_t base, an_error *err)
{
    an_column *c = an_table_add(out, name, AN_INTEGER, err);
    free(name);
    if (!c) return false;
    for (size_t i = 0; i < out->rows; i++) {
        if (values[i] == AN__NO_ROW) continue;
        c->integer[i] = (int64_t)values[i] + base;
        an_set_valid(c, i);
    }
    c->role = AN_IGNORED;
    c->reason = an_strdup("identifier");
    return true;
}

static an_table *build(const join *j, bool trace, json_t *conflicts, an_job *job, an_error *err)
{
    size_t count = 0;
    for (size_t t = 0; t < j->count; t++) count += j->tables[t]->columns;
    gathering g = { .join = j, .piece = an_alloc_n(count + 1, sizeof *g.piece) };
    count = 0;
    for (size_t t = 0; t < j->count; t++) {
        for (size_t k = 0; k < j->tables[t]->columns; k++) {
            if (!j->key || &j->tables[t]->column[k] != j->key[t]) g.piece[count++] = (piece){ .table = t, .column = k };
        }
    }
    g.errors = an_alloc_n(count + 1, sizeof *g.errors);
    an_pool_each(an_job_pool(job), count, gather_piece, &g); /* column by column: independent, in any order */
    bool ok = an_job_check(job, err);
    for (size_t k = 0; ok && k < count; k++) {
        if (g.piece[k].ok) continue;
        if (err) *err = g.errors[k];
        ok = false;
    }
    an_table *out = an_table_new(j->rows);
    size_t done = 0;
    for (size_t t = 0; ok && t < j->count; t++) {
        size_t key_at = j->key ? (size_t)(j->key[t] - j->tables[t]->column) : SIZE_MAX;
        for (size_t k = 0; ok && k < j->tables[t]->columns; k++) {
            if (k == key_at) {
                if (t) continue;
                an_column key = { 0 };
                ok = make_key(j, &key, err);
                if (!ok) {
                    an__column_free(&key);
                    break;
                }
                bool other_id = false;
                for (size_t i = 0; i < j->tables[0]->columns; i++) other_id = other_id || j->tables[0]->column[i].role == AN_ID;
                if (!other_id && (key.role == AN_FEATURE || key.role == AN_IGNORED)) {
                    key.role = AN_ID;
                    free(key.reason);
                    key.reason = NULL;
                }
                ok = push(out, &key, conflicts, err) && (!j->attempt || add_numbers(out, an_strdup("attempt"), j->attempt, 0, err));
                continue;
            }
            an_column *c = &g.piece[done++].made;
            if (named_twice(j, t, c->name)) {
                char *name = an_format("%s.%s", j->names[t], c->name);
                free(c->name);
                c->name = name;
            }
            ok = push(out, c, conflicts, err);
        }
        if (ok && !out->positive) {
            const an_column *target = an_table_target(out, NULL);
            if (target) out->positive = an_strdup(j->tables[t]->positive);
        }
    }
    for (size_t t = 0; ok && trace && t < j->count; t++) ok = add_numbers(out, an_format("%s.row", j->names[t]), j->source[t], 1, err);
    for (size_t k = 0; k < count; k++) an__column_free(&g.piece[k].made);
    free(g.piece);
    free(g.errors);
    json_t *constraints = json_array();
    for (size_t t = 0; t < j->count; t++) json_array_extend(constraints, j->tables[t]->constraints);
    if (ok) an__constraints_keep(out, constraints);
    json_decref(constraints);
    if (ok) return out;
    an_table_free(out);
    return NULL;
}

/* ---- what is said about it ---- */

/* Cells of columns with one name in two tables, on rows that both have. */
static bool same_value(const an_column *a, size_t i, const an_column *b, size_t k, an_buf *x, an_buf *y)
{
    if (an__is_number(a->type) && an__is_number(b->type)) return an_cell_number(a, i) == an_cell_number(b, k);
    an_buf_clear(x);
    an_buf_clear(y);
    an_cell_text(a, i, x);
    an_cell_text(b, k, y);
    return x->size == y->size && (!x->size || !memcmp(x->data, y->data, x->size));
}

static void compare_shared(const join *j, json_t *conflicts)
{
    an_buf x = { 0 }, y = { 0 };
    for (size_t s = 0; s < j->count; s++) {
        for (size_t t = s + 1; t < j->count; t++) {
            for (size_t k = 0; k < j->tables[s]->columns; k++) {
                const an_column *a = &j->tables[s]->column[k], *b = an_table_find(j->tables[t], a->name);
                if (!b || (j->key && (a == j->key[s] || b == j->key[t])) || a->type == AN_TENSOR || b->type == AN_TENSOR) continue;
                size_t different = 0;
                json_t *first = json_array();
                for (size_t i = 0; i < j->rows; i++) {
                    uint32_t p = j->source[s][i], q = j->source[t][i];
                    if (p == AN__NO_ROW || q == AN__NO_ROW || !an_valid(a, p) || !an_valid(b, q) || same_value(a, p, b, q, &x, &y))
                        continue;
                    if (different++ >= LISTED) continue;
                    an_buf_clear(&x);
                    if (j->key)
                        an_cell_text(j->key[s], p, &x);
                    else
                        an_buf_printf(&x, "row %zu", i + 1);
                    json_array_append_new(first, json_string(x.data ? x.data : ""));
                }
                if (different) {
                    json_array_append_new(conflicts,
                                          json_pack("{s:s, s:s, s:[s, s], s:I, s:O}", "column", a->name, "what", "values differ", "tables",
                                                    j->names[s], j->names[t], "rows", (json_int_t)different, "first", first));
                }
                json_decref(first);
            }
        }
    }
    an_buf_free(&x);
    an_buf_free(&y);
}

static json_t *table_report(const join *j, size_t t)
{
    json_t *unmatched = json_array(), *repeated = json_array();
    size_t unmatched_count = j->unmatched[t], repeated_count = j->repeated[t];
    const an__match *m = &j->match;
    an_buf text = { 0 };
    for (size_t i = 0; j->key && i < j->tables[t]->rows; i++) { /* the first of them in the order of the rows */
        bool more_unmatched = json_array_size(unmatched) < (unmatched_count < LISTED ? unmatched_count : LISTED);
        bool more_repeated = json_array_size(repeated) < (repeated_count < LISTED ? repeated_count : LISTED);
        if (!more_unmatched && !more_repeated) break;
        uint32_t key = m->key[t][i];
        if (key == AN__NO_ROW || m->rows[t][m->start[t][key]] != i) continue; /* once a part */
        bool everywhere = true;
        for (size_t k = 0; k < j->count && everywhere; k++) everywhere = m->count[k][key] > 0;
        if (more_unmatched && !everywhere) {
            key_text(j, t, i, &text);
            json_array_append_new(unmatched, json_string(text.data));
        }
        if (more_repeated && m->count[t][key] > 1) {
            key_text(j, t, i, &text);
            json_array_append_new(repeated, json_pack("{s:s, s:I}", "key", text.data, "rows", (json_int_t)m->count[t][key]));
        }
    }
    an_buf_free(&text);
    return json_pack("{s:s, s:I, s:o, s:I, s:o, s:I, s:I}", "name", j->names[t], "rows", (json_int_t)j->tables[t]->rows, "unmatched",
                     unmatched, "unmatched_count", (json_int_t)unmatched_count, "repeated", repeated, "repeated_count",
                     (json_int_t)repeated_count, "without_key", (json_int_t)(j->key ? j->key[t]->missing : 0));
}

/* First unmatched key of table t that is digits with a leading zero; AN__NO_ROW: none. */
static uint32_t zero_led(const join *j, size_t t, size_t other, an_buf *text)
{
    const an__match *m = &j->match;
    if (!j->unmatched[t] || !j->unmatched[other] || (j->key[t]->type != AN_TEXT && j->key[t]->type != AN_CATEGORY)) return AN__NO_ROW;
    for (size_t i = 0; i < j->tables[t]->rows; i++) {
        uint32_t key = m->key[t][i];
        if (key == AN__NO_ROW || m->count[other][key]) continue;
        key_text(j, t, i, text);
        if (text->size > 1 && text->data[0] == '0' && strspn(text->data, "0123456789") == text->size) return (uint32_t)i;
    }
    return AN__NO_ROW;
}

/* "0012" and "12" are different keys; where only the zeroes keep parts apart, somebody should know. */
static bool compare_zeroes(const join *j, json_t *notes, an_job *job, an_error *err)
{
    an_buf text = { 0 };
    bool ok = true;
    for (size_t s = 0; ok && j->key && s < j->count; s++) {
        for (size_t t = 0; ok && t < j->count; t++) {
            if (s == t || zero_led(j, s, t, &text) == AN__NO_ROW) continue;
            char *example = an_strdup(text.data);
            /* both keys without leading zeroes, of parts that found nothing in the other table */
            an_column bare[2] = { { .type = AN_TEXT }, { .type = AN_TEXT } };
            an_table part[2] = { { 0 }, { 0 } };
            for (int side = 0; ok && side < 2; side++) {
                size_t own = side ? t : s, other = side ? s : t;
                part[side].rows = j->tables[own]->rows;
                an_buf all = { 0 };
                ok = an__column_cells(&bare[side], part[side].rows, err);
                if (ok) bare[side].valid = an_alloc_data(an__valid_words(part[side].rows) + 1, sizeof(uint64_t), "the keys of a join", err);
                ok = ok && bare[side].valid;
                for (size_t i = 0; ok && i < part[side].rows; i++) {
                    uint32_t key = j->match.key[own][i];
                    if (key != AN__NO_ROW && !j->match.count[other][key]) {
                        key_text(j, own, i, &text);
                        an_buf_puts(&all, text.data + strspn(text.data, "0"));
                        bare[side].valid[i / 64] |= UINT64_C(1) << (i % 64);
                    }
                    bare[side].text.offset[i + 1] = all.size;
                }
                bare[side].text.bytes = all.data;
            }
            an__match m = { 0 };
            ok = ok && an__match_build((const an_table *const[]){ &part[0], &part[1] }, (const an_column *const[]){ &bare[0], &bare[1] }, 2,
                                       job, &m, err);
            size_t would = 0;
            for (size_t k = 0; ok && k < m.keys; k++) would += m.count[0][k] && m.count[1][k];
            if (ok && would) {
                char *note = an_format("%s writes %s with leading zeroes (%s), %s without: %zu more parts would match without them; the "
                                       "two are different keys here",
                                       j->names[s], j->key[s]->name, example, j->names[t], would);
                json_array_append_new(notes, json_string(note));
                an_job_say(job, "%s", note);
                free(note);
            }
            an__match_free(&m);
            an__column_free(&bare[0]);
            an__column_free(&bare[1]);
            free(example);
        }
    }
    an_buf_free(&text);
    return ok;
}

/* Parts (rows, by row) of all tables that are not in the result. */
static json_int_t left_out(const join *j)
{
    if (!j->key || j->all) return 0;
    json_int_t parts = 0;
    for (size_t k = 0; k < j->match.keys; k++) {
        bool some = false, every = true;
        for (size_t t = 0; t < j->count; t++) {
            some = some || j->match.count[t][k];
            every = every && j->match.count[t][k];
        }
        parts += some && !every;
    }
    return parts;
}

/* ---- all of it ---- */

static bool check(join *j, const an_join_options *o, an_error *err)
{
    if (j->count < 2) return an_fail(err, AN_USAGE, "a join needs two tables or more");
    if (!o->on == !o->by_row) return an_fail(err, AN_USAGE, "a join needs either a key column (--on) or --by-row");
    for (size_t t = 0; t < j->count; t++) {
        for (size_t k = 0; k < t; k++) {
            if (!strcmp(j->names[k], j->names[t])) return an_fail(err, AN_USAGE, "table %s is named twice", j->names[t]);
        }
        char *what = an_format("table %s", j->names[t]);
        bool real = an_table_require_real(j->tables[t], what, err);
        free(what);
        if (!real) return false;
        if (o->by_row && j->tables[t]->rows != j->tables[0]->rows) {
            an_fail(err, AN_INPUT, "%s has %zu rows and %s has %zu: row by row they cannot be the same parts", j->names[0],
                    j->tables[0]->rows, j->names[t], j->tables[t]->rows);
            return an_hint(err, "join by a column that names the part: --on SERIAL");
        }
        if (!o->on) continue;
        j->key[t] = an_table_need(j->tables[t], o->on, err);
        if (!j->key[t]) return an_context(err, "%s", j->names[t]);
    }
    return true;
}

static bool read_attempts(join *j, const an_join_options *o, an_error *err)
{
    static const char *const names[] = { "refuse", "last", "first", "all" };
    const char *said = o->attempts ? o->attempts : "refuse", *keep = o->keep ? o->keep : "matched";
    size_t k = 0;
    while (k < AN_COUNT(names) && strcmp(names[k], said)) k++;
    if (k == AN_COUNT(names)) return an_fail(err, AN_USAGE, "attempts is last, first, all or refuse, not \"%s\"", said);
    if (strcmp(keep, "matched") && strcmp(keep, "all")) return an_fail(err, AN_USAGE, "keep is matched or all, not \"%s\"", keep);
    if (o->multiply && (k == LAST || k == FIRST))
        return an_fail(err, AN_USAGE, "attempts %s takes one row a part: there is nothing to multiply", said);
    j->attempts = o->by_row ? REFUSE : o->multiply ? MULTIPLY : (attempts)k;
    j->all = !strcmp(keep, "all");
    return true;
}

an_table *an_table_join(const an_table *const *tables, const char *const *names, size_t count, const an_join_options *options,
                        json_t **report, an_job *job, an_error *err)
{
    join j = { .tables = tables, .names = names, .count = count };
    if (report) *report = NULL;
    j.key = an_alloc_n(count + 1, sizeof *j.key);
    j.source = an_alloc_n(count + 1, sizeof *j.source);
    j.chosen = an_alloc_n(count + 1, sizeof *j.chosen);
    j.unmatched = an_alloc_n(count + 1, sizeof *j.unmatched);
    j.repeated = an_alloc_n(count + 1, sizeof *j.repeated);
    const an_column **keys = j.key;
    an_table *out = NULL;
    json_t *conflicts = json_array(), *notes = json_array();
    an_job_stage(job, "joining");
    bool ok = read_attempts(&j, options, err) && check(&j, options, err);
    if (!options->on) j.key = NULL;
    ok = ok && (!j.key || an__match_build(tables, j.key, count, job, &j.match, err)) &&
         (!j.key || j.attempts != REFUSE || refuse_repeated(&j, err)) && (!j.key || choose_rows(&j, err)) && place_rows(&j, job, err);
    if (ok && !j.rows) {
        ok = an_fail(err, AN_INPUT, "no part is in all of the tables: the join has no rows");
        an_buf x = { 0 }, y = { 0 };
        if (j.key && tables[0]->rows && tables[1]->rows) {
            key_text(&j, 0, 0, &x);
            key_text(&j, 1, 0, &y);
            an_hint(err, "%s begins with %s %.60s, %s with %.60s; --parts all keeps parts with missing cells", names[0], options->on,
                    x.data, names[1], y.data);
        }
        an_buf_free(&x);
        an_buf_free(&y);
    }
    out = ok ? build(&j, options->trace, conflicts, job, err) : NULL;
    if (out && report) {
        compare_shared(&j, conflicts);
        if (compare_zeroes(&j, notes, job, err)) {
            json_t *list = json_array();
            for (size_t t = 0; t < count; t++) json_array_append_new(list, table_report(&j, t));
            *report = json_pack("{s:I, s:o, s:O, s:I, s:O}", "rows", (json_int_t)out->rows, "tables", list, "conflicts", conflicts,
                                "left_out", left_out(&j), "notes", notes);
        } else {
            an_table_free(out);
            out = NULL;
        }
    }
    json_decref(conflicts);
    json_decref(notes);
    an__match_free(&j.match);
    for (size_t t = 0; t < count; t++) {
        free(j.source[t]);
        free(j.chosen[t]);
    }
    free(j.source);
    free(j.chosen);
    free(j.unmatched);
    free(j.repeated);
    free(j.attempt);
    free(keys);
    return out;
}
