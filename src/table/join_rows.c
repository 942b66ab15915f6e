/* join_rows.c - which rows of the tables stand beside which. Keys that several rows have are for the caller to decide about: refused, one
 * of them, numbered, or every combination. */
#include "join.h"

#include <stdlib.h>
#include <string.h>

/* ---- which rows stand beside which ---- */

/* Key by key, so that memory is walked through once: which row counts, and what there is to report. */
bool an__join_choose(an__join *j, an_error *err)
{
    const an__match *m = &j->match;
    bool pick = j->attempts != AN__ALL && j->attempts != AN__MULTIPLY;
    for (size_t t = 0; t < j->count; t++) {
        if (pick) {
            j->chosen[t] = an_alloc_data(m->keys + 1, sizeof **j->chosen, "the keys of a join", err);
            if (!j->chosen[t]) return false;
        }
        for (size_t k = 0; k < m->keys; k++) {
            uint32_t n = m->count[t][k];
            if (pick) j->chosen[t][k] = n ? m->rows[t][m->start[t][k] + (j->attempts == AN__FIRST ? 0 : n - 1)] : AN__NO_ROW;
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

static void put_alone(an__join *j, size_t t, uint32_t row)
{
    if (j->fill) {
        for (size_t k = 0; k < j->count; k++) j->source[k][j->rows] = k == t ? row : AN__NO_ROW;
        if (j->attempt) j->attempt[j->rows] = AN__NO_ROW;
    }
    j->rows++;
}

/* The part at `row` of table t, which is the first table that has it (or this attempt of it); false: it was left out. */
static bool put_one(an__join *j, size_t t, uint32_t row, uint32_t key, uint32_t nth)
{
    for (size_t k = 0; k < j->count; k++) {
        uint32_t other = k == t ? row : AN__NO_ROW;
        if (k != t && j->attempts == AN__ALL) {
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

static void put_combinations(an__join *j, size_t t, uint32_t row, uint32_t key)
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
static void put_table(an__join *j, size_t t)
{
    const an__match *m = &j->match;
    for (size_t i = 0; i < j->tables[t]->rows; i++) {
        uint32_t key = m->key[t][i], row = (uint32_t)i, nth = 0;
        if (key == AN__NO_ROW) {
            if (j->all) put_alone(j, t, row);
            continue;
        }
        if (j->attempts == AN__ALL) {
            while (m->rows[t][m->start[t][key] + nth] != row) nth++;
        } else if (j->attempts != AN__MULTIPLY && j->chosen[t][key] != row) {
            continue;
        }
        bool earlier = false;
        for (size_t k = 0; k < t && !earlier; k++) earlier = m->count[k][key] > nth;
        if (earlier) continue;
        if (j->attempts == AN__MULTIPLY)
            put_combinations(j, t, row, key);
        else
            put_one(j, t, row, key, nth);
    }
}

static void put_all(an__join *j, bool fill)
{
    j->fill = fill;
    j->rows = 0;
    for (size_t t = 0; t < (j->all ? j->count : 1); t++) put_table(j, t);
}

bool an__join_place(an__join *j, an_job *job, an_error *err)
{
    if (!j->key) {
        j->rows = j->tables[0]->rows;
    } else if (j->attempts == AN__MULTIPLY || j->all) {
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
    if (j->attempts == AN__ALL) {
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

void an__join_key_text(const an__join *j, size_t t, size_t row, an_buf *out)
{
    an_buf_clear(out);
    an_cell_text(j->key[t], row, out);
    if (!out->data) an_buf_puts(out, "");
}

bool an__join_refuse_repeated(const an__join *j, an_error *err)
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
        an__join_key_text(j, t, m->rows[t][m->start[t][worst]], &text);
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
