/* join_report.c - what people should know about a join: parts that found nobody, parts with several rows, values that differ, keys that
 * only zeroes keep apart. */
#include "join.h"

#include <stdlib.h>
#include <string.h>

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

void an__join_compare_shared(const an__join *j, json_t *conflicts)
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
                    if (different++ >= AN__LISTED) continue;
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

/* Attempts of table t at parts that all tables have, for which another table has none of the same number: left out unless all are kept. */
static size_t attempts_alone(const an__join *j, size_t t)
{
    size_t alone = 0;
    for (size_t k = 0; j->attempts == AN__ALL && !j->all && k < j->match.keys; k++) {
        uint32_t fewest = j->match.count[t][k];
        for (size_t other = 0; other < j->count; other++)
            if (j->match.count[other][k] < fewest) fewest = j->match.count[other][k];
        if (fewest) alone += j->match.count[t][k] - fewest;
    }
    return alone;
}

json_t *an__join_table_report(const an__join *j, size_t t)
{
    json_t *unmatched = json_array(), *repeated = json_array();
    size_t unmatched_count = j->unmatched[t], repeated_count = j->repeated[t];
    const an__match *m = &j->match;
    an_buf text = { 0 };
    for (size_t i = 0; j->key && i < j->tables[t]->rows; i++) { /* the first of them in the order of the rows */
        bool more_unmatched = json_array_size(unmatched) < (unmatched_count < AN__LISTED ? unmatched_count : AN__LISTED);
        bool more_repeated = json_array_size(repeated) < (repeated_count < AN__LISTED ? repeated_count : AN__LISTED);
        if (!more_unmatched && !more_repeated) break;
        uint32_t key = m->key[t][i];
        if (key == AN__NO_ROW || m->rows[t][m->start[t][key]] != i) continue; /* once a part */
        bool everywhere = true;
        for (size_t k = 0; k < j->count && everywhere; k++) everywhere = m->count[k][key] > 0;
        if (more_unmatched && !everywhere) {
            an__join_key_text(j, t, i, &text);
            json_array_append_new(unmatched, json_string(text.data));
        }
        if (more_repeated && m->count[t][key] > 1) {
            an__join_key_text(j, t, i, &text);
            json_array_append_new(repeated, json_pack("{s:s, s:I}", "key", text.data, "rows", (json_int_t)m->count[t][key]));
        }
    }
    an_buf_free(&text);
    return json_pack("{s:s, s:I, s:o, s:I, s:o, s:I, s:I, s:I}", "name", j->names[t], "rows", (json_int_t)j->tables[t]->rows, "unmatched",
                     unmatched, "unmatched_count", (json_int_t)unmatched_count, "repeated", repeated, "repeated_count",
                     (json_int_t)repeated_count, "attempts_alone", (json_int_t)attempts_alone(j, t), "without_key",
                     (json_int_t)(j->key ? j->key[t]->missing : 0));
}

/* First unmatched key of table t that is digits with a leading zero; AN__NO_ROW: none. */
static uint32_t zero_led(const an__join *j, size_t t, size_t other, an_buf *text)
{
    const an__match *m = &j->match;
    if (!j->unmatched[t] || !j->unmatched[other] || (j->key[t]->type != AN_TEXT && j->key[t]->type != AN_CATEGORY)) return AN__NO_ROW;
    for (size_t i = 0; i < j->tables[t]->rows; i++) {
        uint32_t key = m->key[t][i];
        if (key == AN__NO_ROW || m->count[other][key]) continue;
        an__join_key_text(j, t, i, text);
        if (text->size > 1 && text->data[0] == '0' && strspn(text->data, "0123456789") == text->size) return (uint32_t)i;
    }
    return AN__NO_ROW;
}

/* "0012" and "12" are different keys; where only the zeroes keep parts apart, somebody should know. */
bool an__join_compare_zeroes(const an__join *j, json_t *notes, an_job *job, an_error *err)
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
                        an__join_key_text(j, own, i, &text);
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
json_int_t an__join_left_out(const an__join *j)
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
