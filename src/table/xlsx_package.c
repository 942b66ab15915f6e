/* xlsx_package.c - the zip archive around an Excel file: opening it, saying what a file is that is none, and sending parts through expat
 * with a guard against zip bombs. What the parts mean is left to others. */
#include "xlsx.h"

#include <stdlib.h>
#include <string.h>

const an__xlsx_limits an__xlsx_usual = { .bytes = UINT64_C(1) << 30, .ratio = 100, .most = UINT64_C(64) << 30 };

enum { STEP = 1 << 18 };

static const unsigned char ole_magic[8] = { 0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1 };

static bool is_ole(const char *bytes, size_t n)
{
    return n >= sizeof ole_magic && !memcmp(bytes, ole_magic, sizeof ole_magic);
}

static bool is_zip(const char *bytes, size_t n)
{
    return n >= 4 && (!memcmp(bytes, "PK\3\4", 4) || !memcmp(bytes, "PK\5\6", 4));
}

bool an__xlsx_looks_like(const char *bytes, size_t n)
{
    return is_zip(bytes, n) || is_ole(bytes, n);
}

/* An OLE container ([MS-CFB]) holds either an old workbook or an encrypted new one; names in its directory are UTF-16. */
static bool refuse_ole(const char *bytes, size_t n, const char *what, an_error *err)
{
    static const char name[] = "EncryptedPackage";
    char wide[2 * sizeof name] = { 0 };
    for (size_t i = 0; name[i]; i++) wide[2 * i] = name[i];
    if (memmem(bytes, n, wide, 2 * strlen(name))) {
        an_fail(err, AN_INPUT, "%s: the file is encrypted", what);
        return an_hint(err, "open it in Excel with its password and save it without one (File, Info, Protect Workbook)");
    }
    an_fail(err, AN_INPUT, "%s: this is an Excel 97-2003 file (.xls) or another old Office file", what);
    return an_hint(err, "open it in Excel or LibreOffice and save it as .xlsx");
}

bool an__xlsx_has(const an__xlsx_package *p, const char *part)
{
    return zip_name_locate(p->zip, part, ZIP_FL_NOCASE) >= 0;
}

static bool refuse_other(const an__xlsx_package *p, an_error *err)
{
    if (an__xlsx_has(p, "xl/workbook.bin")) {
        an_fail(err, AN_INPUT, "%s: this is an Excel binary workbook (.xlsb)", p->what);
        return an_hint(err, "open it in Excel and save it as .xlsx");
    }
    if (an__xlsx_has(p, "mimetype") && an__xlsx_has(p, "content.xml")) {
        an_fail(err, AN_INPUT, "%s: this is an OpenDocument file (.ods)", p->what);
        return an_hint(err, "open it in LibreOffice and save it as .xlsx");
    }
    an_fail(err, AN_INPUT, "%s: a zip archive, but there is no Excel workbook in it", p->what);
    return an_hint(err, "unpack it and name a file that it holds");
}

static bool refuse_bomb(const an__xlsx_package *p, const char *part, an_error *err)
{
    an_fail(err, AN_INPUT, "%s: the part %s unpacks to more than %.3g GB from very little: it looks like a zip bomb", p->what, part,
            (double)p->limits.bytes / 1073741824.0);
    return an_hint(err, "if the file is what it should be, export the sheet as CSV");
}

bool an__xlsx_open(an__xlsx_package *p, const char *bytes, size_t n, const char *what, const an__xlsx_limits *limits, an_job *job,
                   an_error *err)
{
    *p = (an__xlsx_package){ .what = what, .limits = *limits, .job = job };
    if (is_ole(bytes, n)) return refuse_ole(bytes, n, what, err);
    if (!is_zip(bytes, n)) {
        an_fail(err, AN_INPUT, "%s: this is no .xlsx file (no zip archive)", what);
        return an_hint(err, n ? "was it only renamed? Save it as .xlsx in Excel" : "the file is empty");
    }
    zip_error_t problem;
    zip_error_init(&problem);
    zip_source_t *source = zip_source_buffer_create(bytes, n, 0, &problem);
    p->zip = source ? zip_open_from_source(source, ZIP_RDONLY, &problem) : NULL;
    if (!p->zip) {
        an_fail(err, AN_INPUT, "%s: the zip archive of the file is damaged (%s)", what, zip_error_strerror(&problem));
        an_hint(err, "the file was cut short or changed on the way; copy it again");
        if (source) zip_source_free(source);
        zip_error_fini(&problem);
        return false;
    }
    zip_error_fini(&problem);
    if (an__xlsx_has(p, "[Content_Types].xml") && (an__xlsx_has(p, "xl/workbook.xml") || an__xlsx_has(p, "_rels/.rels")) &&
        !an__xlsx_has(p, "xl/workbook.bin"))
        return true;
    if (an__xlsx_has(p, "xl/workbook.xml")) return true;
    refuse_other(p, err);
    an__xlsx_close(p);
    return false;
}

void an__xlsx_close(an__xlsx_package *p)
{
    if (p->zip) zip_discard(p->zip);
    p->zip = NULL;
}

const char *an__xlsx_attribute(const char **attributes, const char *name)
{
    for (; *attributes; attributes += 2) {
        if (!strcmp(an__xlsx_local(attributes[0]), name)) return attributes[1];
    }
    return NULL;
}

bool an__xlsx_true(const char *value)
{
    return value && (!strcmp(value, "1") || !strcmp(value, "true"));
}

void an__xlsx_stop(an__xlsx_part *part)
{
    if (part->stopped || part->failed) return;
    part->stopped = true;
    if (part->parser) XML_StopParser(part->parser, XML_FALSE);
}

void an__xlsx_give_up(an__xlsx_part *part)
{
    if (part->failed) return;
    part->failed = true;
    if (part->parser) XML_StopParser(part->parser, XML_FALSE);
}

/* Office parts have no document type (ECMA-376 part 2, 9.1.4): whoever sends one wants entities. */
static void doctype(void *user, const char *name, const char *system, const char *public, int internal)
{
    an__xlsx_part *part = user;
    (void)name, (void)system, (void)public, (void)internal;
    an_fail(part->err, AN_INPUT, "it declares a document type, which Excel never does");
    an__xlsx_give_up(part);
}

static void on_start(void *user, const char *name, const char **attributes)
{
    an__xlsx_part *part = user;
    if (!part->stopped && !part->failed) part->start(part->user, an__xlsx_local(name), attributes);
}

static void on_end(void *user, const char *name)
{
    an__xlsx_part *part = user;
    if (!part->stopped && !part->failed) part->end(part->user, an__xlsx_local(name));
}

static void on_text(void *user, const char *text, int n)
{
    an__xlsx_part *part = user;
    if (!part->stopped && !part->failed) part->text(part->user, text, n);
}

static void ignore_start(void *user, const char *name, const char **attributes)
{
    (void)user, (void)name, (void)attributes;
}

static void ignore_end(void *user, const char *name)
{
    (void)user, (void)name;
}

static void ignore_text(void *user, const char *text, int n)
{
    (void)user, (void)text, (void)n;
}

static void begin(an__xlsx_part *part, an_error *err)
{
    part->err = err;
    part->stopped = part->failed = false;
    part->bytes = 0;
    part->parser = NULL;
    if (!part->start) part->start = ignore_start;
    if (!part->end) part->end = ignore_end;
    if (!part->text) part->text = ignore_text;
}

static bool begin_expat(an__xlsx_part *part, an_error *err)
{
    part->parser = XML_ParserCreate(NULL);
    if (!part->parser) return an_fail(err, AN_MEMORY, "no memory to read %s", part->name);
    XML_SetUserData(part->parser, part);
    XML_SetElementHandler(part->parser, on_start, on_end);
    XML_SetCharacterDataHandler(part->parser, on_text);
    XML_SetStartDoctypeDeclHandler(part->parser, doctype);
    return true;
}

/* After a step of the parser. */
static bool judge(const an__xlsx_part *part, enum XML_Status status, const char *what, an_error *err)
{
    if (part->failed) return an_context(err, "%s, %s", what, part->name);
    if (status != XML_STATUS_ERROR || part->stopped) return true;
    an_fail(err, AN_INPUT, "%s: the part %s is damaged: line %lu: %s", what, part->name,
            (unsigned long)XML_GetCurrentLineNumber(part->parser), XML_ErrorString(XML_GetErrorCode(part->parser)));
    return an_hint(err, "open the file in Excel, let it repair it, and save it again");
}

static bool damaged(const an__xlsx_package *p, const char *part, const char *why, an_error *err)
{
    an_fail(err, AN_INPUT, "%s: the part %s is damaged (%s)", p->what, part, why);
    return an_hint(err, "the file was cut short or changed on the way; copy it again");
}

static bool over_limit(const an__xlsx_package *p, uint64_t unpacked, uint64_t packed)
{
    return unpacked > p->limits.most || (unpacked > p->limits.bytes && unpacked / p->limits.ratio > packed);
}

/* One step of unpacking; *n 0 at the end. */
static bool unpack(an__xlsx_package *p, an__xlsx_part *part, zip_file_t *file, const zip_stat_t *about, void *room, size_t size, size_t *n,
                   an_error *err)
{
    zip_int64_t got = zip_fread(file, room, size);
    if (got < 0) return damaged(p, part->name, zip_file_strerror(file), err);
    *n = (size_t)got;
    part->bytes += (uint64_t)got;
    /* what the directory says may be a lie, so what comes is counted */
    if (over_limit(p, part->bytes, about->comp_size)) return refuse_bomb(p, part->name, err);
    if (part->progress) an_job_progress(p->job, (double)part->bytes, (double)about->size, "bytes");
    return an_job_check(p->job, err);
}

static bool pump(an__xlsx_package *p, an__xlsx_part *part, zip_file_t *file, const zip_stat_t *about, an_error *err)
{
    an__xlsx_scan *scan = an__xlsx_scan_new(part);
    bool ok = true, quick = !part->careful, first = true;
    for (size_t n = 1; ok && n && !part->stopped;) {
        size_t size = STEP;
        void *room = quick ? an__xlsx_scan_room(scan, &size) : XML_GetBuffer(part->parser, STEP);
        if (!room) {
            ok = an_fail(err, AN_INPUT, "%s: the part %s holds a text that is too long", p->what, part->name);
            break;
        }
        ok = unpack(p, part, file, about, room, size, &n, err);
        if (!ok) break;
        if (quick && first && !an__xlsx_scannable(room, n)) {
            quick = false;
            ok = begin_expat(part, err) && judge(part, XML_Parse(part->parser, room, (int)n, n == 0), p->what, err);
        } else if (quick) {
            ok = an__xlsx_scan_add(scan, n, n == 0) || an_context(err, "%s, %s", p->what, part->name);
        } else {
            ok = judge(part, XML_ParseBuffer(part->parser, (int)n, n == 0), p->what, err);
        }
        first = false;
    }
    an__xlsx_scan_free(scan);
    return ok;
}

bool an__xlsx_parse(an__xlsx_package *p, an__xlsx_part *part, an_error *err)
{
    zip_int64_t at = zip_name_locate(p->zip, part->name, ZIP_FL_NOCASE);
    zip_stat_t about;
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    if (at < 0) return damaged(p, part->name, "it is not in the archive", err);
    if (zip_stat_index(p->zip, (zip_uint64_t)at, 0, &about) || (about.valid & needed) != needed)
        return damaged(p, part->name, "its size is unknown", err);
    if (about.valid & ZIP_STAT_ENCRYPTION_METHOD && about.encryption_method != ZIP_EM_NONE) {
        an_fail(err, AN_INPUT, "%s: the file is encrypted (a zip archive with a password)", p->what);
        return an_hint(err, "unpack it with the password first");
    }
    if (over_limit(p, about.size, about.comp_size)) return refuse_bomb(p, part->name, err);
    zip_file_t *file = zip_fopen_index(p->zip, (zip_uint64_t)at, 0);
    if (!file) return damaged(p, part->name, zip_strerror(p->zip), err);
    begin(part, err);
    bool ok = (!part->careful || begin_expat(part, err)) && pump(p, part, file, &about, err);
    if (part->parser) XML_ParserFree(part->parser);
    part->parser = NULL;
    zip_fclose(file);
    return ok;
}

bool an__xlsx_parse_bytes(an__xlsx_part *part, const char *bytes, size_t n, const char *what, an_error *err)
{
    if (n > INT32_MAX) return an_fail(err, AN_INPUT, "%s is too long", what);
    begin(part, err);
    if (part->careful || !an__xlsx_scannable(bytes, n)) {
        bool ok = begin_expat(part, err) && judge(part, XML_Parse(part->parser, bytes, (int)n, 1), what, err);
        if (part->parser) XML_ParserFree(part->parser);
        part->parser = NULL;
        return ok;
    }
    an__xlsx_scan *scan = an__xlsx_scan_new(part);
    bool ok = true;
    for (size_t at = 0, size; ok && at <= n && !part->stopped; at += size) { /* in odd steps, as a zip archive gives them */
        char *room = an__xlsx_scan_room(scan, &size);
        if (!room) ok = an_fail(err, AN_INPUT, "%s holds a text that is too long", what);
        if (size > n - at) size = n - at;
        if (size > 1 + at % 8191) size = 1 + at % 8191;
        if (ok && size) memcpy(room, bytes + at, size);
        ok = ok && (an__xlsx_scan_add(scan, size, !size) || an_context(err, "%s", what));
        if (!size) break;
    }
    an__xlsx_scan_free(scan);
    return ok;
}
