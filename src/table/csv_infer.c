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
    else if (an__number_parse(text, strlen(text), ',', ' ', &number, &real) ||
             an__number_parse(text, strlen(text), '.', ' ', &number, &real))
        how = ", or --thousands space";
    else if (an__number_parse(text, strlen(text), '.', '\'', &number, &real) ||
             an__number_parse(text, strlen(text), ',', '\'', &number, &real))
        how = ", or --thousands \"'\"";
    size_t last = strlen(text);
    if (last > 1 && (text[last - 1] == '-' || text[last - 1] == '%') && an__csv_any_number(text, last - 1)) {
        return an_hint(err, text[last - 1] == '-' ? "write the minus in front of the number (-0,2 for 0,2-) in the file"
                                                  : "take the %% out of the cells: some numbers have it and some have not");
    }
    return an_hint(err, "correct the cell, or --type \"%s=category\", or --missing \"%s\"%s", c->name, text, how);
}

static bool named_like_a_date(const char *name)
{
    static const char *const words[] = { "date", "datum", "time", "zeit", "stamp", "tag", "day" };
    for (size_t k = 0; k < AN_COUNT(words); k++) {
        if (strcasestr(name, words[k])) return true;
    }
    return false;
}

bool an__csv_serial_dates(const an__csv_column *c, size_t rows)
{
    if (c->kind > KIND_REAL || !c->cells || c->missing == rows || !named_like_a_date(c->name)) return false;
    for (size_t i = 0; i < rows; i++) {
        if (c->valid && !(c->valid[i / 64] >> (i % 64) & 1)) continue;
        double value = c->kind == KIND_REAL ? c->real[i] : (double)c->integer[i];
        if (value < 30000 || value > 60000) return false;
    }
    return true;
}

/* All cells are dates such as 03/04/2026: their order by the cells, by the other columns, or the person has to say. */
static bool settle_slashed(an__csv_column *c, char order, bool *again, an_error *err)
{
    if (c->day_first && c->month_first) return true; /* not one way of writing: texts */
    c->order = c->day_first ? 'd' : c->month_first ? 'm' : order;
    if (c->order) {
        *again = true;
        c->kind = KIND_DATETIME;
        return true;
    }
    an__slashed s = { 0 };
    int64_t us[2] = { 0 };
    char day[32] = "", month[32] = "", mark = strchr(c->odd_text, '-') ? '-' : '/';
    if (an__time_slashed(c->odd_text, strlen(c->odd_text), &s) && an__time_ordered(&s, true, &us[0]) &&
        an__time_ordered(&s, false, &us[1])) {
        an_time_text(us[0], day);
        an_time_text(us[1], month);
    }
    an_fail(err, AN_INPUT, "line %zu, column %s: \"%s\" may be %.10s (day first) or %.10s (month first), and no cell of the file tells",
            c->odd_line, c->name, c->odd_text, day, month);
    bool time = strchr(c->odd_text, ':') != NULL, seconds = time && strchr(strchr(c->odd_text, ':') + 1, ':');
    const char *year = s.year && strlen(c->odd_text) >= 8 && c->odd_text[strcspn(c->odd_text, " ") - 3] == mark ? "%y" : "%Y";
    const char *clock = s.afternoon >= 0 ? (seconds ? " %I:%M:%S %p" : " %I:%M %p") : seconds ? " %H:%M:%S" : time ? " %H:%M" : "";
    return an_hint(err, "--date-format \"%%d%c%%m%c%s%s\" (day first) or \"%%m%c%%d%c%s%s\" (month first)", mark, mark, year, clock, mark,
                   mark, year, clock);
}

bool an__csv_settle(an__csv_column *c, const an__csv_format *f, size_t rows, char order, bool skip, bool *again, an_error *err)
{
    *again = false;
    if (c->forced >= 0) return true;
    if (c->kind != KIND_STRING) {
        size_t n = rows - c->missing, other = c->seen[CLASS_OTHER];
        bool number = c->kind <= KIND_REAL;
        if (number && other && (double)(n - other) >= 0.95 * (double)n) {
            c->collect = skip;
            return skip || odd_cell(c, n - other, n, err);
        }
        if (number && !other && f->excel_dates && an__csv_serial_dates(c, rows)) {
            *again = c->serials = true;
            c->kind = KIND_DATETIME;
            return true;
        }
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
        c->collect = skip;
        return skip || odd_cell(c, good, n, err);
    } else if (c->seen[CLASS_SLASHED] && c->seen[CLASS_SLASHED] == n) {
        return settle_slashed(c, order, again, err);
    } else if (c->seen[CLASS_TRUE_FALSE] == n || c->seen[CLASS_YES_NO] == n) {
        kind = KIND_BOOLEAN;
    } else if (c->seen[CLASS_DATETIME] == n) {
        kind = KIND_DATETIME;
    }
    *again = kind != KIND_STRING;
    c->kind = kind;
    return true;
}
