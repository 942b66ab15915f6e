/* read.c - a table from a file of any kind this room can read, told by its first bytes, and the public readers of Excel and Parquet files.
 */
#include "csv_impl.h"
#include "parquet.h"
#include "schema.h"
#include "xlsx.h"

#include <stdlib.h>
#include <unistd.h>

bool an_xlsx_to_csv(const char *path, const char *sheet, FILE *out, an_list *notes, an_job *job, an_error *err)
{
    an__csv_source s;
    if (!an__csv_open(&s, path, job, err)) return false;
    bool ok = an__xlsx_convert(s.data, s.size, path, sheet, &an__xlsx_usual, out, notes, job, err);
    an__csv_close(&s);
    return ok;
}

bool an_xlsx_sheets(const char *path, an_list *names, an_error *err)
{
    an__csv_source s;
    an__xlsx_package p;
    an__xlsx_book book = { 0 };
    if (!an__csv_open(&s, path, NULL, err)) return false;
    bool ok = an__xlsx_open(&p, s.data, s.size, path, &an__xlsx_usual, NULL, err);
    if (ok) {
        ok = an__xlsx_read_book(&p, &book, err);
        for (size_t i = 0; ok && i < book.sheets; i++) an_list_add(names, book.sheet[i].name);
        an__xlsx_free_book(&book);
        an__xlsx_close(&p);
    }
    an__csv_close(&s);
    return ok;
}

an_table *an_parquet_read(const char *path, an_job *job, an_error *err)
{
    an__csv_source s;
    if (!an__csv_open(&s, path, job, err)) return NULL;
    an_table *t = an__parquet_decode((const uint8_t *)s.data, s.size, path, AN__PARQUET_BOMB, job, err);
    an__csv_close(&s);
    return t;
}

/* The sheet as an unnamed CSV file, read by the CSV reader under the dialect it was written in. */
static an_table *read_sheet(const an__csv_source *s, const char *path, const an_csv_options *options, an_read_report *report, an_job *job,
                            an_error *err)
{
    char comma[] = "comma", point[] = ".", utf8[] = "utf-8", none[] = "none";
    an_csv_options o = options ? *options : (an_csv_options){ 0 };
    o.delimiter = comma;
    o.decimal = point;
    o.encoding = utf8;
    o.thousands = none; /* a text 2,817 in a sheet may mean 2.817 */
    int fd = an__spill_open(err);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        if (fd >= 0) close(fd);
        return NULL;
    }
    an_list found = { 0 };
    an__csv_source csv;
    an_table *t = NULL;
    if (an__xlsx_convert(s->data, s->size, path, o.sheet, &an__xlsx_usual, f, &found, job, err) && an__csv_open_fd(&csv, fd, path, err)) {
        t = an__csv_read_source(&csv, path, &o, report, job, err);
        for (size_t i = 0; !t && err && i < found.count; i++) { /* what makes a sheet no table is more of a hint than the CSV reader's */
            if (strstr(found.items[i], "separate tables")) {
                an_hint(err, "%s", found.items[i]);
                break;
            }
        }
    }
    for (size_t i = 0; i < found.count; i++) an_list_add(&report->notes, found.items[i]);
    an_list_free(&found);
    fclose(f);
    return t;
}

/* --type on a file that says its types itself. */
static bool change_type(an_table *t, an_column *c, an_type type, const char *date_format, an_error *err)
{
    an_column out;
    if (!an__column_convert(t, c, type, date_format, &out, err)) {
        return an_hint(err, "another --type for this column, or change it where the file is written");
    }
    an__column_free(c);
    *c = out;
    return true;
}

static bool types_name(const an_list *types, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < types->count; i++) {
        const char *sign = strrchr(types->items[i], '=');
        if (sign && (size_t)(sign - types->items[i]) == n && !memcmp(types->items[i], name, n)) return true;
    }
    return false;
}

/* over: types that go before these. there: a column that is absent is an error. */
static bool change_types(an_table *t, const an_list *types, const an_list *over, bool there, const char *date_format, an_error *err)
{
    for (size_t i = 0; i < types->count; i++) {
        const char *item = types->items[i], *sign = strrchr(item, '=');
        an_type type;
        if (!sign || !an_type_parse(sign + 1, &type) || type == AN_TENSOR) {
            an_fail(err, AN_USAGE, "--type \"%s\" is not COLUMN=TYPE", item);
            return an_hint(err, "types: integer real boolean category datetime text");
        }
        char *name = an_strndup(item, (size_t)(sign - item));
        an_column *c = there ? an_table_need(t, name, err) : types_name(over, name) ? NULL : an_table_find(t, name);
        free(name);
        if (!c && there) return an_context(err, "--type %s", item);
        if (c && c->type != type && !change_type(t, c, type, type == AN_DATETIME ? date_format : NULL, err)) return false;
    }
    return true;
}

static an_table *read_parquet(const an__csv_source *s, const char *path, const an_csv_options *options, an_read_report *report, an_job *job,
                              an_error *err)
{
    report->dialect = (an_csv_dialect){ .header = true, .gzip = s->gzip, .encoding = "utf-8" };
    an_table *t = an__parquet_decode((const uint8_t *)s->data, s->size, path, AN__PARQUET_BOMB, job, err);
    static const an_csv_options none;
    const an_csv_options *o = options ? options : &none;
    if (!t) return NULL;
    if (change_types(t, &o->expected, &o->type, false, o->date_format, err) &&
        change_types(t, &o->type, &none.type, true, o->date_format, err))
        return t;
    an_context(err, "%s", path);
    an_table_free(t);
    return NULL;
}

an_table *an_table_read_report(const char *path, const an_csv_options *options, an_read_report *report, an_job *job, an_error *err)
{
    an__csv_source s;
    if (!an__csv_open(&s, path, job, err)) return NULL;
    bool excel = an__xlsx_looks_like(s.data, s.size), parquet = an__parquet_looks_like(s.data, s.size);
    an_table *t = NULL;
    if (!excel && options && options->sheet && *options->sheet) {
        an_fail(err, AN_USAGE, "--sheet \"%s\": %s is no Excel file", options->sheet, path);
        an_hint(err, "leave --sheet out");
    } else if (excel) {
        t = read_sheet(&s, path, options, report, job, err);
    } else if (parquet) {
        t = read_parquet(&s, path, options, report, job, err);
    } else {
        return an__csv_read_source(&s, path, options, report, job, err);
    }
    an__csv_close(&s);
    return t;
}

an_table *an_table_read(const char *path, const an_csv_options *options, an_csv_dialect *dialect, an_list *notes, an_job *job,
                        an_error *err)
{
    an_read_report report = { 0 };
    an_table *t = an_table_read_report(path, options, &report, job, err);
    for (size_t i = 0; notes && i < report.notes.count; i++) an_list_add(notes, report.notes.items[i]);
    if (dialect) *dialect = report.dialect;
    an_read_report_free(&report);
    return t;
}
