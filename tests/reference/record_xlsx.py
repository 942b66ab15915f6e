#!/usr/bin/env python3
"""Records Excel files for tests/table/test_xlsx.c with openpyxl, and by hand what openpyxl does not write (shared strings with runs, cells
without addresses, prefixes, chart sheets, damage). usage: python3 tests/reference/record_xlsx.py [folder], default tests/table/data.
The same content gives the same bytes only for the files made by hand; openpyxl writes the time of day."""
import datetime
import io
import os
import sys
import zipfile

import openpyxl
from openpyxl.styles import numbers

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "table", "data")
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def path(name):
    return os.path.join(folder, name)


def formatted(ws, cell, value, code):
    ws[cell] = value
    ws[cell].number_format = code


def stations():
    """A station's export as Excel users make it: two sheets with data, umlauts, missing cells, errors, formulas, dates, percent."""
    wb = openpyxl.Workbook()
    ws = wb.active
    ws.title = "Verschraubung"
    ws.append(["Serial", "Prüfer", "Drehmoment [Nm]", "gut", "Zeit", "Ausschuss", "Bemerkung"])
    start = datetime.datetime(2026, 3, 1, 7, 5, 9)
    for i in range(12):
        ws.append([f"{i:04d}", ["Müller", "Weiß", "Öztürk"][i % 3], 10.4 + i / 8, i % 2 == 0, start + datetime.timedelta(minutes=7 * i, milliseconds=125 * i),
                   i / 200, None if i % 4 else 'sagt "gut", und\nfertig'])
        ws.cell(i + 2, 6).number_format = "0.0%"
    ws["C5"] = "#N/A"
    ws["C6"] = None
    wb.create_sheet("leer")
    other = wb.create_sheet("Maße")
    other.append(["Serial", "Höhe"])
    other.append(["0001", 3.25])
    hidden = wb.create_sheet("Listen")
    hidden.sheet_state = "hidden"
    hidden.append(["a"])
    hidden.append([1])
    wb.save(path("stations.xlsx"))


def dates(name, epoch):
    wb = openpyxl.Workbook()
    wb.epoch = epoch
    ws = wb.active
    ws.append(["format", "shown"])
    codes = ["dd.mm.yyyy", "yyyy-mm-dd hh:mm:ss", 'd" of "mmmm yy', "[$-407]d. mmm yyyy;@", numbers.FORMAT_DATE_XLSX14, numbers.FORMAT_DATE_DATETIME,
             "[Red]0.00", '0.00" dm"', "General", "0%", "#,##0 \\d", "mmm yy", '[>100]0.0;"h:mm"']
    for i, code in enumerate(codes):
        ws.append([code, 46000.75])
        ws.cell(i + 2, 2).number_format = code
    for i, (code, value) in enumerate([("h:mm", 0.3125), ("[h]:mm:ss", 1.5), ("mm:ss.0", 0.001), ("h:mm", 46000.75), ("dd.mm.yyyy", 1), ("dd.mm.yyyy", 59),
                                       ("dd.mm.yyyy", 61), ("dd.mm.yyyy", -3), ("dd.mm.yyyy", 2958465)]):
        ws.append([code, value])
        ws.cell(len(codes) + i + 2, 2).number_format = code
    wb.save(path(name))


def merged():
    wb = openpyxl.Workbook()
    ws = wb.active
    ws.title = "Bericht"
    ws["A1"] = "Prüfbericht"
    ws.merge_cells("A1:C1")
    ws["A3"], ws["B3"], ws["C3"] = "part", "torque", "angle"
    for i in range(4):
        ws.cell(4 + i, 1, f"p{i // 2}")
        ws.cell(4 + i, 2, 10 + i)
        ws.cell(4 + i, 3, 30.5 + i)
    ws.merge_cells("A4:A5")
    ws.merge_cells("A6:A7")
    ws.row_dimensions[5].hidden = True
    wb.save(path("merged.xlsx"))


def two_tables():
    wb = openpyxl.Workbook()
    ws = wb.active
    ws.title = "Zwei Tabellen"
    for i, row in enumerate([["serial", "torque"], [1, 10.5], [2, 11.5]]):
        for j, value in enumerate(row):
            ws.cell(2 + i, 2 + j, value)
    for i, row in enumerate([["lot", "temperature", "ok"], ["A", 20.5, True], ["B", 21.5, False], ["C", 22, True]]):
        for j, value in enumerate(row):
            ws.cell(2 + i, 5 + j, value)
    below = wb.create_sheet("untereinander")
    for row in [["serial", "torque"], [1, 10.5], [], ["serial", "height"], [1, 3.5]]:
        below.append(row)
    wb.save(path("two_tables.xlsx"))


def package(parts):
    """A zip archive with a fixed time, so that it is the same at each run."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in parts.items():
            z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def book(sheet, strings=None, prefix="", more="", sheets='<sheet name="Daten" sheetId="1" r:id="rId1"/>', relations=""):
    p = prefix + ":" if prefix else ""
    main = MAIN.replace("xmlns", "xmlns:" + prefix) if prefix else MAIN
    parts = {
        "[Content_Types].xml": f'<?xml version="1.0"?><Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{RELS}/officeDocument" Target="/xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<{p}workbook {main} xmlns:r="{RELS}">{more}<{p}sheets>{sheets.replace("<sheet", "<" + p + "sheet")}</{p}sheets></{p}workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{RELS}/worksheet" Target="worksheets/sheet1.xml"/>'
                                      f'<Relationship Id="rId8" Type="{RELS}/sharedStrings" Target="sharedStrings.xml"/>{relations}</Relationships>',
        "xl/worksheets/sheet1.xml": f'<?xml version="1.0" encoding="UTF-8"?><{p}worksheet {main}>{sheet}</{p}worksheet>',
    }
    if strings is not None:
        parts["xl/sharedStrings.xml"] = f"<sst {MAIN}>{strings}</sst>"
    return parts


STRINGS = ("<si><t>serial</t></si><si><r><t>tor</t></r><r><rPr><b/></rPr><t xml:space=\"preserve\">que </t></r></si><si><t>note</t><rPh sb=\"0\" eb=\"1\"><t>NOTE</t></rPh></si>"
           "<si><t>a_x000D__x000a_b _x00e4_ _xZZZZ_</t></si><si><t></t></si><si><t>12,5</t></si>")
SHEET = ('<sheetData><row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="s"><v>2</v></c><c t="inlineStr"><is><t>in</t></is></c><c t="str"><f>"x"&amp;1</f><v>made</v></c><c t="b"><v>1</v></c></row>'
         '<row r="3"><c r="A3"><v>1</v></c><c r="B3"><v>3.1400000000000001</v></c><c r="C3" t="s"><v>3</v></c><c r="D3" t="inlineStr"><is><r><t>ri</t></r><r><t>ch</t></r></is></c>'
         '<c r="E3" t="str"><f>A3</f><v>y</v></c><c r="F3" t="b"><v>0</v></c></row>'
         '<row><c><v>2</v></c><c r="B4" t="e"><v>#DIV/0!</v></c><c r="C4" t="s"><v>4</v></c><c r="E4" t="d"><v>2026-03-01T07:05:09</v></c><c r="F4"><f>1/B3</f></c></row>'
         '<row r="9"/><row r="10"><c r="C10" t="s"><v>5</v></c></row></sheetData>')


def by_hand():
    files = {
        "by_hand.xlsx": book(SHEET, STRINGS),
        "prefix.xlsx": book('<x:sheetData><x:row r="1"><x:c r="A1" t="str"><x:v>n</x:v></x:c></x:row><x:row r="2"><x:c r="A2"><x:v>7</x:v></x:c></x:row></x:sheetData>', prefix="x",
                            more='<x:workbookPr date1904="false"/>'),
        "chart.xlsx": book(SHEET, STRINGS, sheets='<sheet name="Bild" sheetId="2" r:id="rId2"/><sheet name="Daten" sheetId="1" r:id="rId1"/>',
                           relations=f'<Relationship Id="rId2" Type="{RELS}/chartsheet" Target="chartsheets/sheet1.xml"/>'),
        "truncated_xml.xlsx": book(SHEET[:400], STRINGS),
        "entities.xlsx": book('<sheetData><row><c t="str"><v>&b;</v></c></row></sheetData>', STRINGS),
        "missing_string.xlsx": book('<sheetData><row><c t="s"><v>99</v></c></row></sheetData>', STRINGS),
        "order.xlsx": book('<sheetData><row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>2</v></c></row></sheetData>'),
        "not_excel.zip": {"readme.txt": "nothing to see"},
        "binary.xlsb": {"[Content_Types].xml": "<Types/>", "xl/workbook.bin": "x"},
        "document.ods": {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"},
    }
    files["entities.xlsx"]["xl/worksheets/sheet1.xml"] = files["entities.xlsx"]["xl/worksheets/sheet1.xml"].replace(
        "<worksheet", '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet')
    for name, parts in files.items():
        with open(path(name), "wb") as f:
            f.write(package(parts))
    data = bytearray(package(book(SHEET, STRINGS)))
    at = data.index(b"PK\x01\x02")
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        info = z.getinfo("xl/worksheets/sheet1.xml")
    for i in range(20):  # inside the packed sheet
        data[info.header_offset + 30 + len(info.filename) + 60 + i] ^= 0x5A
    assert at > info.header_offset
    with open(path("damaged.xlsx"), "wb") as f:
        f.write(data)


def ole(name, entry):
    """The first sectors of an OLE container ([MS-CFB]): header and a directory with one named entry."""
    head = bytearray(512)
    head[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    head[24:34] = bytes.fromhex("3e000300feff09000600")
    directory = bytearray(512)
    for i, text in enumerate(["Root Entry", entry]):
        wide = text.encode("utf-16-le")
        directory[128 * i:128 * i + len(wide)] = wide
        directory[128 * i + 64] = len(wide) + 2
    with open(path(name), "wb") as f:
        f.write(head + directory)


stations()
dates("dates_1900.xlsx", openpyxl.utils.datetime.WINDOWS_EPOCH)
dates("dates_1904.xlsx", openpyxl.utils.datetime.MAC_EPOCH)
merged()
two_tables()
by_hand()
ole("encrypted.xlsx", "EncryptedPackage")
ole("old.xls", "Workbook")
