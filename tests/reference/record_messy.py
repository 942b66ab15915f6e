#!/usr/bin/env python3
"""Writes the tables of tests/table/messy: exports as plants have them, each with several things a clean CSV file has not. What each must read
as stands in tests/table/test_messy.c.

usage: python3 tests/reference/record_messy.py     (needs openpyxl)"""
import datetime
import os
import re
import zipfile

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "table", "messy")


def write(name, text, encoding="utf-8"):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(text.encode(encoding))


def freeze(path):
    """The same bytes at every run: no times in the archive or in the document."""
    with zipfile.ZipFile(path) as z:
        parts = [(i.filename, z.read(i.filename)) for i in z.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in parts:
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-01-01T00:00:00Z", data)
            z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def sheets():
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Prüfung"
    sheet.append(["Prüfprotokoll Linie 2"])
    sheet.merge_cells("A1:E1")
    sheet.append(["Stand", datetime.date(2026, 4, 30)])
    sheet.append([])
    sheet.append(["Serial", "Datum", "Drehmoment", "Weg", "OK"])
    sheet.append([None, None, "[Nm]", "[mm]", None])
    for i in range(8):
        sheet.append([f"{7 + i:05d}", datetime.datetime(2026, 4, 3 + i, 6, 12, i), 12.5 + i, 30 - i if i != 3 else None, i % 4 != 0])
    sheet.append(["Mittelwert", None, 16.0, 26.6, None])
    book.save(os.path.join(folder, "protocol.xlsx"))
    freeze(os.path.join(folder, "protocol.xlsx"))

    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["part", "force"], ["A", 1.5], ["B", 2.5], [], ["operator", "shift"], ["Kim", "early"], ["Lee", "late"]):
        sheet.append(row)
    book.save(os.path.join(folder, "two_tables.xlsx"))
    freeze(os.path.join(folder, "two_tables.xlsx"))


def main():
    os.makedirs(folder, exist_ok=True)
    # an MES export: titles, units, German numbers, a total, Windows-1252
    write("mes.csv",
          "Qualitätsdaten – Station 30;;;;;\r\nWerk;Nürnberg;;;;\r\n\r\n"
          "Serial;Zeit;Kraft;Weg;Prüfer;Ergebnis\r\n;;N;mm;;\r\n"
          "000123;03.04.26 06:01;1.204,5;12,30;Jörg;i.O.\r\n000124;03.04.26 06:03;998,25;12,35;Jörg;i.O.\r\n"
          "000125;03.04.26 06:05;#NV;12,31;Zoë;n.i.O.\r\n000126;03.04.26 06:07;1.187,0;12,29;Jörg;i.O.\r\n"
          "000127;03.04.26 06:09;1.190,75;;Zoë;i.O.\r\nSumme;;4.580,5;49,25;;\r\n", "cp1252")
    # a Minitab worksheet: tabs, * for missing, statistics below
    write("minitab.txt",
          "C1\tC2-T\tThickness\tYield\n1\tA\t0.215\t98.1\n2\tA\t0.214\t*\n3\tB\t*\t97.5\n4\tB\t0.219\t97.9\n5\tA\t0.216\t98.4\n6\tB\t0.217\t98.0\n"
          "\nMean\t\t0.2162\t97.98\nStDev\t\t0.0019\t0.33\nN\t\t5\t5\n")
    # 'Unicode text' of Excel
    write("unicode_text.txt", "\ufeffTeil\tGröße [mm]\tPreis €\r\nWelle Ø 12\t12,05\t3,5\r\nWelle Ø 14\t14,1\t4,25\r\nBüchse\t20,0\t1,75\r\n", "utf-16-le")
    # a line for Excel, codes for missing, yes and no
    write("sep.csv", "sep=;\r\nid;temp;pressure;passed\r\n1;81,5;-999;yes\r\n2;80,25;5,1;no\r\n3;-999;5,3;yes\r\n4;82,75;5,2;yes\r\n")
    # an American export: month first, thousands in quotes
    write("us.csv",
          'Lot,Tested,Cycles,Leak (sccm)\r\nL-1,4/3/2026 1:05 PM,"1,250",0.12\r\nL-2,4/13/2026 11:59 AM,"12,500",0.09\r\n'
          'L-3,5/1/2026 12:00 AM,980,0.31\r\n')
    # a log that repeats its header at every restart, and restarts below a blank line
    write("restarts.csv", "time,channel,value\n2026-04-03T06:00:00Z,1,0.5\n2026-04-03T06:00:01Z,2,0.75\n\ntime,channel,value\n"
                          "2026-04-03T07:00:00Z,1,0.25\n\ntime,channel,value\n2026-04-03T08:00:00Z,2,1.5\n")
    # byte order mark, pipes, an index column without a name, delimiters at the end of lines
    write("pipes.csv", "\ufeff|name|torque|angle|\r\n0|a|1.5|10|\r\n1|b|2.5|20|\r\n2|c|3.5|30|\r\n")
    # texts over several lines with quotes and delimiters in them
    write("remarks.csv", 'id,remark,x\n1,"torn ""O"" ring,\nreplaced",1.5\n2,"ok",2.5\n3,"see\n\nmanual, page 4",3.5\n')
    # columns aligned with blanks, as a controller writes them
    write("aligned.txt", "  step   load[kN]  stroke\n     1       12.5     0.1\n     2       13.0     0.2\n\n     3       13.25    0.35\n")
    # line ends of old Macs
    write("mac.csv", "a;b\r1;2,5\r2;3,5\r3;4,75\r")
    # what may not be guessed
    write("ambiguous_date.csv", "part;checked\nA;03/04/2026\nB;05/06/2026\nC;07/08/2026\n")
    write("ambiguous_number.csv", "part;force\nA;1.204\nB;2.187\nC;1.998\n")
    with open(os.path.join(folder, "two_encodings.csv"), "wb") as f:
        f.write("name;x\nMüller;1\n".encode("utf-8") + "Jäger;2\n".encode("cp1252"))
    write("stacked.csv", "part,force\nA,1.5\nB,2.5\n\noperator,shift\nKim,early\nLee,late\n")
    sheets()


if __name__ == "__main__":
    main()
