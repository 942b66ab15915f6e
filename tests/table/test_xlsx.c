/* Excel files: what becomes of cells, which sheet is read, what people are told, and what is refused. The files in data/ are made by
 * tests/reference/record_xlsx.py. */
#include "help.h"

#include "table/xlsx.h"

static char *data_path(const char *name)
{
    return an_format("%s/tests/table/data/%s", AN_SOURCE_DIR, name);
}

/* The sheet as CSV text; NULL: failed. */
static char *csv(const char *name, const char *sheet, an_list *notes, an_error *err)
{
    char *path = data_path(name), *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    bool ok = an_xlsx_to_csv(path, sheet, f, notes, NULL, err);
    fclose(f);
    free(path);
    if (ok) return text;
    free(text);
    return NULL;
}

static void expect(const char *name, const char *sheet, const char *text)
{
    an_error err = { 0 };
    char *found = csv(name, sheet, NULL, &err);
    if (!found) fail_msg("%s: %s", name, err.message);
    assert_string_equal(found, text);
    free(found);
}

static void refused(const char *name, const char *sheet, an_code code, const char *part, const char *hint)
{
    an_error err = { 0 };
    char *found = csv(name, sheet, NULL, &err);
    if (found) fail_msg("%s was accepted, where \"%s\" was expected", name, part);
    if (err.code != code || !strstr(err.message, part) || !strstr(err.hint, hint) || !strstr(err.message, name)) {
        fail_msg("%s: code %d \"%s\" hint \"%s\" where \"%s\" was expected", name, (int)err.code, err.message, err.hint, part);
    }
}

static bool noted(const an_list *notes, const char *part)
{
    for (size_t i = 0; i < notes->count; i++) {
        if (strstr(notes->items[i], part)) return true;
    }
    return false;
}

static void test_cells(void **state)
{
    (void)state;
    const char *text = "serial,torque,note,in,made,true\n\n1,3.14,\"a\r\nb \xc3\xa4 "
                       "_xZZZZ_\",rich,y,false\n2,#DIV/0!,,,2026-03-01T07:05:09,\n\n\n\n\n\n,,\"12,5\",,,\n";
    an_error err = { 0 };
    an_list notes = { 0 };
    char *found = csv("by_hand.xlsx", NULL, &notes, &err);
    assert_non_null(found);
    assert_string_equal(found, text);
    assert_true(noted(&notes, "without a stored result: 1, the first in F4"));
    assert_true(noted(&notes, "decimal comma that are text: 1, the first in C10"));
    assert_int_equal(notes.count, 2);
    an_list_free(&notes);
    free(found);
    expect("chart.xlsx", "2", text);
    expect("chart.xlsx", NULL, text);
    expect("prefix.xlsx", "daten", "n\n7\n");
}

static void test_dates(void **state)
{
    (void)state;
    static const char *const codes[] = { "dd.mm.yyyy", "yyyy-mm-dd hh:mm:ss", "\"d\"\" of \"\"mmmm yy\"", "[$-407]d. mmm yyyy;@",
                                         "mm-dd-yy",   "yyyy-mm-dd h:mm:ss" };
    const char *stamps[2] = { "2025-12-09T18:00:00", "2029-12-10T18:00:00" };
    const char *ends[2] = { "dd.mm.yyyy,1900-01-01\ndd.mm.yyyy,1900-02-28\ndd.mm.yyyy,1900-03-01\ndd.mm.yyyy,-3\ndd.mm.yyyy,9999-12-31\n",
                            "dd.mm.yyyy,1904-01-02\ndd.mm.yyyy,1904-02-29\ndd.mm.yyyy,1904-03-02\ndd.mm.yyyy,-3\ndd.mm.yyyy,2958465\n" };
    for (int k = 0; k < 2; k++) {
        an_buf text = { 0 };
        an_buf_puts(&text, "format,shown\n");
        for (size_t i = 0; i < AN_COUNT(codes); i++) an_buf_printf(&text, "%s,%s\n", codes[i], stamps[k]);
        an_buf_puts(&text, "[Red]0.00,46000.75\n\"0.00\"\" dm\"\"\",46000.75\nGeneral,46000.75\n0%,46000.75\n\"#,##0 \\d\",46000.75\n");
        an_buf_printf(
            &text, "mmm yy,%s\n\"[>100]0.0;\"\"h:mm\"\"\",46000.75\nh:mm,07:30:00\n[h]:mm:ss,36:00:00\nmm:ss.0,00:01:26.400\nh:mm,%s\n%s",
            stamps[k], stamps[k], ends[k]);
        expect(k ? "dates_1904.xlsx" : "dates_1900.xlsx", NULL, text.data);
        an_buf_free(&text);
    }
    char out[40];
    assert_true(an__xlsx_date_text(45000.999999999, XLSX_DATE, false, out)); /* rounds to the next day, not to 24:00 */
    assert_string_equal(out, "2023-03-16");
    assert_true(an__xlsx_date_text(123456.5, XLSX_ELAPSED, false, out));
    assert_string_equal(out, "2962956:00:00");
    assert_true(an__xlsx_date_text(60, XLSX_DATE, false, out)); /* the day that never was */
    assert_string_equal(out, "1900-02-28");
    assert_false(an__xlsx_date_text(-0.5, XLSX_DATE, false, out));
    assert_false(an__xlsx_date_text(2958466, XLSX_DATE, false, out));
    assert_int_equal(an__xlsx_format_kind("[Blue][hh]:mm"), XLSX_ELAPSED);
    assert_int_equal(an__xlsx_format_kind("0.0\\%"), XLSX_NUMBER);
    assert_int_equal(an__xlsx_format_kind("0.0 %;[Red]-0.0 %"), XLSX_PERCENT);
    assert_int_equal(an__xlsx_format_kind("\"unclosed dd"), XLSX_NUMBER);
    assert_int_equal(an__xlsx_format_kind("h:mm AM/PM"), XLSX_TIME);
    assert_int_equal(an__xlsx_builtin_kind(14), XLSX_DATE);
}

static void test_sheets(void **state)
{
    (void)state;
    char *path = data_path("stations.xlsx");
    an_list names = { 0 };
    an_error err = { 0 };
    assert_true(an_xlsx_sheets(path, &names, &err));
    assert_int_equal(names.count, 4);
    assert_string_equal(names.items[2], "Ma\xc3\x9f"
                                        "e");
    an_list_free(&names);
    free(path);
    refused("stations.xlsx", NULL, AN_INPUT,
            "2 sheets hold values: Verschraubung, Ma\xc3\x9f"
            "e",
            "--sheet \"Verschraubung\"");
    refused("stations.xlsx", "Verschrabung", AN_NOT_FOUND, "no sheet Verschrabung; there are: Verschraubung, leer,",
            "did you mean Verschraubung?");
    refused("stations.xlsx", "9", AN_NOT_FOUND, "no sheet 9", "");
    refused("stations.xlsx", "leer", AN_INPUT, "holds no value", "");
    refused("stations.xlsx", "Verschraubung!C1:A9", AN_USAGE, "\"C1:A9\" is no range", "A1:F200");
    refused("chart.xlsx", "Bild", AN_INPUT, "is a chart", "");
    expect("stations.xlsx",
           "Ma\xc3\x9f"
           "e",
           "Serial,H\xc3\xb6he\n0001,3.25\n");
    expect("stations.xlsx", "3", "Serial,H\xc3\xb6he\n0001,3.25\n");
    expect("stations.xlsx", "Listen", "a\n1\n");
    expect("stations.xlsx", "Verschraubung!A1:C3",
           "Serial,Pr\xc3\xbc"
           "fer,Drehmoment [Nm]\n0000,M\xc3\xbcller,10.4\n0001,Wei\xc3\x9f,10.525\n");
    expect("stations.xlsx", "'Verschraubung'!d3:d4", "\n\nfalse\ntrue\n");
}

static void test_station_table(void **state)
{
    (void)state;
    char *path = data_path("stations.xlsx"), sheet[] = "Verschraubung";
    an_csv_options o = { .sheet = sheet };
    an_list notes = { 0 };
    an_error err = { 0 };
    an_csv_dialect d;
    an_table *t = an_table_read(path, &o, &d, &notes, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_int_equal(t->rows, 12);
    assert_int_equal(t->columns, 7);
    assert_int_equal(column(t, "Serial")->type, AN_TEXT);
    assert_int_equal(column(t, "Drehmoment [Nm]")->type, AN_REAL);
    assert_int_equal(column(t, "Drehmoment [Nm]")->missing, 2); /* #N/A and blank */
    assert_int_equal(column(t, "gut")->type, AN_BOOLEAN);
    assert_int_equal(column(t, "Zeit")->type, AN_DATETIME);
    assert_int_equal(column(t, "Pr\xc3\xbc"
                               "fer")
                         ->type,
                     AN_CATEGORY);
    assert_string_equal(cell(t, "Zeit", 1), "2026-03-01T07:12:09.125000Z");
    assert_string_equal(cell(t, "Ausschuss", 1), "0.005");
    assert_string_equal(cell(t, "Bemerkung", 4), "sagt \"gut\", und\nfertig");
    assert_int_equal(column(t, "Bemerkung")->missing, 9);
    assert_true(noted(&notes, "column F shows percent"));
    assert_int_equal(d.delimiter, ',');
    an_list_free(&notes);
    an_table_free(t);
    free(path);
    o.sheet = (char[]){ "1" };
    path = an_format("%s/tests/reference/record_xlsx.py", AN_SOURCE_DIR);
    assert_null(an_table_read(path, &o, NULL, NULL, NULL, &err));
    assert_int_equal(err.code, AN_USAGE);
    free(path);
}

static void test_layout(void **state)
{
    (void)state;
    an_list notes = { 0 };
    an_error err = { 0 };
    char *text = csv("merged.xlsx", NULL, &notes, &err);
    assert_non_null(text);
    assert_string_equal(text, "Pr\xc3\xbc"
                              "fbericht,,\n\npart,torque,angle\np0,10,30.5\n,11,31.5\np1,12,32.5\n,13,33.5\n");
    assert_true(noted(&notes, "merged cells A1:C1, A4:A5, A6:A7"));
    assert_true(noted(&notes, "hidden rows are read, too (1)"));
    assert_false(noted(&notes, "separate tables")); /* a title is none */
    free(text);
    an_list_free(&notes);
    text = csv("two_tables.xlsx", "1", &notes, &err); /* B2:C4 and E2:G5; blank column A is dropped, row 1 stays a line */
    assert_non_null(text);
    assert_string_equal(text, "\nserial,torque,,lot,temperature,ok\n1,10.5,,A,20.5,true\n2,11.5,,B,21.5,false\n,,,C,22,true\n");
    assert_true(noted(
        &notes, "blank columns separate B2:C5 and E2:G5; if these are separate tables, read one with --sheet \"Zwei Tabellen!B2:C5\""));
    free(text);
    an_list_free(&notes);
    text = csv("two_tables.xlsx", "untereinander", &notes, &err);
    assert_non_null(text);
    assert_true(noted(&notes, "blank rows separate A1:B2 and A4:B5"));
    free(text);
    an_list_free(&notes);
    char *path = data_path("two_tables.xlsx"), both[] = "Zwei Tabellen", one[] = "Zwei Tabellen!E:G";
    an_csv_options o = { .sheet = both };
    assert_null(an_table_read(path, &o, NULL, NULL, NULL, &err)); /* no header above the blank column: the hint says how to read one */
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.hint, "Zwei Tabellen!B2:C5"));
    o.sheet = one;
    an_table *t = an_table_read(path, &o, NULL, NULL, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_int_equal(t->rows, 3);
    assert_string_equal(cell(t, "temperature", 2), "22");
    an_table_free(t);
    free(path);
}

static void test_refused(void **state)
{
    (void)state;
    refused("encrypted.xlsx", NULL, AN_INPUT, "is encrypted", "password");
    refused("old.xls", NULL, AN_INPUT, ".xls", "save it as .xlsx");
    refused("binary.xlsb", NULL, AN_INPUT, ".xlsb", "save it as .xlsx");
    refused("document.ods", NULL, AN_INPUT, ".ods", "save it as .xlsx");
    refused("not_excel.zip", NULL, AN_INPUT, "no Excel workbook", "unpack");
    refused("damaged.xlsx", NULL, AN_INPUT, "the part xl/worksheets/sheet1.xml is damaged", "copy it again");
    refused("truncated_xml.xlsx", NULL, AN_INPUT, "xl/worksheets/sheet1.xml: the XML is damaged at byte ", "repair");
    refused("entities.xlsx", NULL, AN_INPUT, "document type", "");
    refused("missing_string.xlsx", NULL, AN_INPUT, "cell A1: it points to a shared string that is not there", "");
    refused("order.xlsx", NULL, AN_INPUT, "cell B2", "");
    an_error err = { 0 };
    assert_false(an_xlsx_to_csv("/nonexistent.xlsx", NULL, stdout, NULL, NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    char *path = an_format("%s/tests/reference/record_xlsx.py", AN_SOURCE_DIR);
    assert_false(an_xlsx_to_csv(path, NULL, stdout, NULL, NULL, &err));
    assert_non_null(strstr(err.message, "no .xlsx file"));
    free(path);
}

/* ---- files made here ---- */

/* A workbook of one sheet in memory. */
static void make_book(const char *sheet, size_t n, const char *strings, an_buf *out)
{
    static const char main[] = "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
                      rels[] = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    char *book = an_format(
        "<workbook xmlns=\"%s\" xmlns:r=\"%s\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>", main, rels);
    char *beside = an_format("<Relationships><Relationship Id=\"rId1\" Type=\"%s/worksheet\" Target=\"worksheets/sheet1.xml\"/>"
                             "<Relationship Id=\"rId2\" Type=\"%s/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>",
                             rels, rels);
    const struct {
        const char *name, *text;
        size_t n;
    } parts[] = { { "xl/workbook.xml", book, strlen(book) },
                  { "xl/_rels/workbook.xml.rels", beside, strlen(beside) },
                  { "xl/worksheets/sheet1.xml", sheet, n },
                  { "xl/sharedStrings.xml", strings, strings ? strlen(strings) : 0 } };
    zip_error_t problem;
    zip_error_init(&problem);
    zip_source_t *file = zip_source_buffer_create(NULL, 0, 0, &problem);
    assert_non_null(file);
    zip_source_keep(file);
    zip_t *zip = zip_open_from_source(file, ZIP_TRUNCATE, &problem);
    assert_non_null(zip);
    for (size_t i = 0; i < AN_COUNT(parts); i++) {
        if (parts[i].text) assert_true(zip_file_add(zip, parts[i].name, zip_source_buffer(zip, parts[i].text, parts[i].n, 0), 0) >= 0);
    }
    assert_int_equal(zip_close(zip), 0);
    zip_stat_t about;
    assert_int_equal(zip_source_stat(file, &about), 0);
    assert_int_equal(zip_source_open(file), 0);
    char *bytes = an_alloc(about.size);
    assert_int_equal(zip_source_read(file, bytes, about.size), (zip_int64_t)about.size);
    an_buf_clear(out);
    an_buf_add(out, bytes, about.size);
    free(bytes);
    zip_source_close(file);
    zip_source_free(file);
    free(book);
    free(beside);
}

static bool convert(const an_buf *file, const an__xlsx_limits *limits, const char *sheet, an_buf *out, an_error *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    bool ok = an__xlsx_convert(file->data, file->size, "made.xlsx", sheet, limits ? limits : &an__xlsx_usual, f, NULL, NULL, err);
    fclose(f);
    if (out) {
        an_buf_clear(out);
        an_buf_add(out, text, n);
    }
    free(text);
    return ok;
}

static void test_bombs(void **state)
{
    (void)state;
    static const an__xlsx_limits small = { .bytes = 1 << 20, .ratio = 100, .most = 8 << 20 };
    an_buf sheet = { 0 }, file = { 0 };
    an_error err = { 0 };
    an_buf_puts(&sheet, "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData>");
    char *blanks = an_alloc(4 << 20);
    memset(blanks, ' ', 4 << 20);
    an_buf_add(&sheet, blanks, 4 << 20);
    an_buf_puts(&sheet, "</worksheet>");
    make_book(sheet.data, sheet.size, NULL, &file);
    assert_true(convert(&file, NULL, NULL, NULL, &err)); /* 4 MB of blanks are no harm */
    assert_false(convert(&file, &small, "S", NULL, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "zip bomb"));
    /* the directory says 3 GB */
    for (size_t i = 0; i + 46 < file.size; i++) {
        if (memcmp(file.data + i, "PK\1\2", 4) || !memmem(file.data + i + 46, 24, "sheet1.xml", 10)) continue;
        uint32_t size = 3u << 30;
        memcpy(file.data + i + 24, &size, 4);
        break;
    }
    memset(&err, 0, sizeof err);
    assert_false(convert(&file, NULL, "S", NULL, &err));
    assert_non_null(strstr(err.message, "zip bomb"));
    /* the directory says a hundred bytes where there are 4 MB */
    for (size_t i = 0; i + 46 < file.size; i++) {
        if ((memcmp(file.data + i, "PK\1\2", 4) && memcmp(file.data + i, "PK\3\4", 4)) || !memmem(file.data + i + 30, 40, "sheet1.xml", 10))
            continue;
        uint32_t size = 100;
        memcpy(file.data + i + (file.data[i + 2] == 1 ? 24 : 22), &size, 4);
    }
    memset(&err, 0, sizeof err);
    assert_false(convert(&file, &small, "S", NULL, &err));
    assert_int_equal(err.code, AN_INPUT);

    /* a long string in every cell, and a cell far to the right in every row */
    an_buf strings = { 0 };
    an_buf_puts(&strings, "<sst><si><t>");
    memset(blanks, 'x', 30000);
    an_buf_add(&strings, blanks, 30000);
    an_buf_puts(&strings, "</t></si></sst>");
    an_buf_clear(&sheet);
    an_buf_puts(&sheet, "<worksheet><sheetData>");
    for (int i = 0; i < 200; i++) an_buf_puts(&sheet, "<row><c t=\"s\"><v>0</v></c></row>");
    an_buf_puts(&sheet, "</sheetData></worksheet>");
    make_book(sheet.data, sheet.size, strings.data, &file);
    assert_true(convert(&file, NULL, NULL, NULL, &err));
    memset(&err, 0, sizeof err);
    assert_false(convert(&file, &small, NULL, NULL, &err));
    assert_non_null(strstr(err.message, "zip bomb"));
    an_buf_clear(&sheet);
    an_buf_puts(&sheet, "<worksheet><sheetData><row><c r=\"XFD1\"><v>1</v></c></row>");
    for (int i = 0; i < 3000; i++) an_buf_puts(&sheet, "<row><c><v>1</v></c></row>");
    an_buf_puts(&sheet, "</sheetData></worksheet>");
    make_book(sheet.data, sheet.size, NULL, &file);
    memset(&err, 0, sizeof err);
    assert_false(convert(&file, &small, NULL, NULL, &err));
    assert_non_null(strstr(err.message, "column XFD"));
    assert_non_null(strstr(err.hint, "--sheet"));
    free(blanks);
    an_buf_free(&strings);
    an_buf_free(&sheet);
    an_buf_free(&file);
}

static void sheet_bytes(const char *cells, const char *text, const char *problem)
{
    an_buf sheet = { 0 }, file = { 0 }, out = { 0 };
    an_error err = { 0 };
    an_buf_printf(&sheet,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- made by hand --><worksheet><sheetData>%s</sheetData></worksheet>\n",
                  cells);
    make_book(sheet.data, sheet.size, NULL, &file);
    bool ok = convert(&file, NULL, "S", &out, &err);
    if (ok && problem) fail_msg("accepted, where \"%s\" was expected: %s", problem, cells);
    if (!ok && (!problem || !strstr(err.message, problem))) fail_msg("%s", err.message);
    if (ok) assert_string_equal(out.data, text);
    an_buf_free(&sheet);
    an_buf_free(&file);
    an_buf_free(&out);
}

static void test_xml(void **state)
{
    (void)state;
    sheet_bytes("<row><c t='str'><v>a &lt;&amp;&gt; &#xe4;&#228;&quot;&apos;</v></c><c ><v >1</v ></c></row>",
                "\"a <&> \xc3\xa4\xc3\xa4\"\"'\",1\n", NULL);
    sheet_bytes("<row><c t=\"str\"><v><![CDATA[<b> & ]]>c</v></c></row>", "<b> & c\n", NULL);
    sheet_bytes("<row><c r=\"B1\"><v>1<!-- > -->2<?x ?></v></c></row><row r=\"3\"><c r=\"AA3\"><v>5</v></c></row>",
                "12,,,,,,,,,,,,,,,,,,,,,,,,,\n\n,,,,,,,,,,,,,,,,,,,,,,,,,5\n", NULL);
    sheet_bytes("<row><c><v>1</v><extLst><ext><v2>9</v2></ext></extLst></c></row>", "1\n", NULL);
    sheet_bytes(
        "<row><c><v>0.1</v></c><c><v>0.10000000000000001</v></c><c><v>100000000000000000</v></c><c><v>1.2345678901234567E-5</v></c></row>",
        "0.1,0.1,1e+17,1.2345678901234567E-5\n", NULL);
    sheet_bytes("<row><c><v>1</w></c></row>", NULL, "mismatched tag");
    sheet_bytes("<row><c><v>&nbsp;</v></c></row>", NULL, "undefined entity");
    sheet_bytes("<row><c><v>&#0;</v></c></row>", NULL, "undefined entity");
    sheet_bytes("<row><c r=\"A1></c></row>", NULL, "damaged");
    sheet_bytes("<row r=\"1048577\"><c><v>1</v></c></row>", NULL, "beyond Excel's last");
    sheet_bytes("<row><c r=\"XFE1\"><v>1</v></c></row>", NULL, "wrong address");
    sheet_bytes("<row r=\"2\"/><row r=\"2\"/>", NULL, "in order");
    sheet_bytes("<row><c t=\"str\"><v>\xff</v></c></row>", NULL, "not UTF-8");
    sheet_bytes("</sheetData></worksheet><worksheet><sheetData>", NULL, "behind the end");
}

static void test_encodings(void **state)
{
    (void)state;
    static const char latin[] = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><worksheet><sheetData><row><c "
                                "t=\"str\"><v>M\xfcller</v></c></row></sheetData></worksheet>";
    an_buf file = { 0 }, out = { 0 }, wide = { 0 };
    an_error err = { 0 };
    make_book(latin, strlen(latin), NULL, &file);
    if (!convert(&file, NULL, NULL, &out, &err)) fail_msg("%s", err.message);
    assert_string_equal(out.data, "M\xc3\xbcller\n");
    static const char narrow[] = "<worksheet><sheetData><row><c><v>7</v></c></row></sheetData></worksheet>";
    an_buf_add(&wide, "\xff\xfe", 2);
    for (const char *p = narrow; *p; p++) an_buf_add(&wide, (char[2]){ *p, 0 }, 2);
    make_book(wide.data, wide.size, NULL, &file);
    if (!convert(&file, NULL, NULL, &out, &err)) fail_msg("%s", err.message);
    assert_string_equal(out.data, "7\n");
    an_buf_clear(&wide);
    an_buf_printf(&wide, "\xef\xbb\xbf%s", narrow);
    make_book(wide.data, wide.size, NULL, &file);
    if (!convert(&file, NULL, NULL, &out, &err)) fail_msg("%s", err.message);
    assert_string_equal(out.data, "7\n");
    an_buf_free(&file);
    an_buf_free(&out);
    an_buf_free(&wide);
}

/* Both readers of XML see the same rows. */
static void test_quick_and_careful(void **state)
{
    (void)state;
    an_buf xml = { 0 };
    an_rng r = an_rng_at(3, 0);
    an_buf_puts(&xml, "<worksheet xmlns:x='u'>\n<sheetData>");
    for (int i = 1; i < 400; i++) {
        an_buf_printf(&xml, "<x:row r='%d'  spans=\"1:9\">", i);
        for (int j = 0; j < 9; j++) {
            if (an_rng_below(&r, 4) == 0) continue;
            an_buf_printf(&xml, "<c r=\"%c%d\" t=\"%s\"\n><v>%s%d</v></c>", 'A' + j, i, an_rng_below(&r, 2) ? "str" : "n",
                          an_rng_below(&r, 2) ? "&#50;" : "", j * i);
        }
        an_buf_puts(&xml, "</x:row>\r\n");
    }
    an_buf_puts(&xml, "</sheetData></worksheet>");
    an_buf text[2] = { 0 };
    for (int k = 0; k < 2; k++) {
        an__xlsx_book book = { 0 };
        an__xlsx_rows *rows = an_alloc(sizeof *rows);
        an_error err = { 0 };
        char *bytes = NULL;
        size_t n = 0;
        rows->spool = open_memstream(&bytes, &n);
        if (!an__xlsx_read_sheet_bytes(&book, xml.data, xml.size, k, NULL, rows, &err)) fail_msg("%s", err.message);
        assert_int_equal(rows->lines, 399);
        an__xlsx_free_rows(rows);
        free(rows);
        an_buf_add(&text[k], bytes, n);
        free(bytes);
    }
    assert_int_equal(text[0].size, text[1].size);
    assert_memory_equal(text[0].data, text[1].data, text[0].size);
    an_buf_free(&text[0]);
    an_buf_free(&text[1]);
    an_buf_free(&xml);
}

/* Cut short anywhere, and with a byte changed anywhere: a word of refusal or a table, never more. */
static void test_damage(void **state)
{
    (void)state;
    static const char *const names[] = { "by_hand.xlsx", "prefix.xlsx" };
    for (size_t k = 0; k < AN_COUNT(names); k++) {
        char *path = data_path(names[k]);
        an_buf whole = { 0 }, part = { 0 };
        an_error err = { 0 };
        assert_true(an_file_read(path, 0, &whole, &err));
        for (size_t n = 0; n < whole.size; n += 1 + n % 3) {
            an_buf_clear(&part);
            an_buf_add(&part, whole.data, n);
            memset(&err, 0, sizeof err);
            assert_false(convert(&part, NULL, NULL, NULL, &err));
            assert_int_equal(err.code, AN_INPUT);
        }
        size_t accepted = 0, refusals = 0;
        for (size_t i = 0; i < whole.size; i++) {
            an_buf_clear(&part);
            an_buf_add(&part, whole.data, whole.size);
            part.data[i] = (char)(part.data[i] ^ (1 << i % 8));
            memset(&err, 0, sizeof err);
            if (convert(&part, NULL, NULL, NULL, &err)) {
                accepted++;
            } else {
                refusals++;
                assert_true(err.message[0] && err.code != AN_OK);
            }
        }
        assert_true(accepted && refusals);
        an_buf_free(&whole);
        an_buf_free(&part);
        free(path);
    }
}

static void test_stop(void **state)
{
    (void)state;
    an_job *job = an_job_new(&(an_job_options){ 0 });
    an_job_stop(job);
    char *path = data_path("by_hand.xlsx");
    an_error err = { 0 };
    assert_null(an_table_read(path, NULL, NULL, NULL, job, &err));
    assert_int_equal(err.code, AN_STOPPED);
    an_job_free(job);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),     cmocka_unit_test(test_dates),
        cmocka_unit_test(test_sheets),    cmocka_unit_test(test_station_table),
        cmocka_unit_test(test_layout),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bombs),     cmocka_unit_test(test_xml),
        cmocka_unit_test(test_encodings), cmocka_unit_test(test_quick_and_careful),
        cmocka_unit_test(test_damage),    cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
