#!/usr/bin/env python3
"""Reading an Excel sheet of 100,000 rows x 50 columns into typed columns: andon against openpyxl's read_only mode, one thread each; and, for
information, the same table written to and read from Parquet against pyarrow (zstd, one thread).

usage: python3 bench/xlsx.py [--program build/bench_table_files] [--rows 100000] [--repeats 3]
Prints one JSON line a case. `ratio` above 1 means andon is faster; the goal for Excel is 10. openpyxl is timed once: it takes a minute."""
import argparse
import datetime
import json
import os
import platform
import subprocess
import tempfile
import time
import zipfile

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def machine():
    model = platform.processor()
    try:
        with open("/proc/cpuinfo") as f:
            model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} processors"


def column_name(j):
    return (chr(64 + j // 26) if j >= 26 else "") + chr(65 + j % 26)


def write_sheet(path, rows, numpy):
    """As Excel writes it: addresses, shared strings, styles; 36 readings, 8 counts, 4 texts, a time, a truth value; one cell in 50 is missing."""
    rng = numpy.random.default_rng(1)
    strings = [f"c{j}" for j in range(50)] + [f"Station {i:02d}" for i in range(40)] + [f"Prüfer {i}" for i in range(60)]
    names = [column_name(j) for j in range(50)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as z:
        z.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                   '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
                   '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
                   '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
                   '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>')
        z.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{RELS}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        z.writestr("xl/workbook.xml", f'<workbook {MAIN} xmlns:r="{RELS}"><sheets><sheet name="Daten" sheetId="1" r:id="rId1"/></sheets></workbook>')
        z.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{RELS}/worksheet" Target="worksheets/sheet1.xml"/>'
                   f'<Relationship Id="rId2" Type="{RELS}/styles" Target="styles.xml"/><Relationship Id="rId3" Type="{RELS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>')
        z.writestr("xl/styles.xml", f'<styleSheet {MAIN}><numFmts count="1"><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy\\ hh:mm:ss"/></numFmts><fonts><font/></fonts>'
                   '<fills><fill><patternFill/></fill></fills><borders><border/></borders><cellStyleXfs><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" applyNumberFormat="1"/></cellXfs></styleSheet>')
        z.writestr("xl/sharedStrings.xml", f'<sst {MAIN} count="{len(strings)}" uniqueCount="{len(strings)}">' + "".join(f"<si><t>{s}</t></si>" for s in strings) + "</sst>")
        with z.open("xl/worksheets/sheet1.xml", "w") as f:
            f.write(f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet {MAIN}><dimension ref="A1:AX{rows + 1}"/><sheetData>'.encode())
            f.write(('<row r="1">' + "".join(f'<c r="{names[j]}1" t="s"><v>{j}</v></c>' for j in range(50)) + "</row>").encode())
            for at in range(0, rows, 1000):
                n = min(1000, rows - at)
                real, whole = rng.normal(50, 20, (n, 36)).tolist(), rng.integers(0, 100000, (n, 8)).tolist()
                text, there = rng.integers(50, 150, (n, 4)).tolist(), (rng.random((n, 50)) > 0.02).tolist()
                out = []
                for i in range(n):
                    r, keep = at + i + 2, there[i]
                    cells = [f'<c r="{names[j]}{r}"><v>{v!r}</v></c>' if j % 2 else f'<c r="{names[j]}{r}"><v>{v:.3f}</v></c>' for j, v in enumerate(real[i])]
                    cells += [f'<c r="{names[36 + j]}{r}"><v>{v}</v></c>' for j, v in enumerate(whole[i])]
                    cells += [f'<c r="{names[44 + j]}{r}" t="s"><v>{v}</v></c>' for j, v in enumerate(text[i])]
                    cells += [f'<c r="AW{r}" s="1"><v>{46000 + r / 1440!r}</v></c>', f'<c r="AX{r}" t="b"><v>{r % 2}</v></c>']
                    out.append(f'<row r="{r}" spans="1:50">' + "".join(c for c, k in zip(cells, keep) if k) + "</row>")
                f.write("".join(out).encode())
            f.write(b"</sheetData></worksheet>")


def openpyxl_seconds(path):
    import openpyxl

    start = time.perf_counter()
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    columns = None
    for row in book.worksheets[0].iter_rows(values_only=True):
        if columns is None:
            columns = [[] for _ in row]
        else:
            for column, value in zip(columns, row):
                column.append(value)
    book.close()
    assert isinstance(next(v for v in columns[48] if v), datetime.datetime)
    return time.perf_counter() - start


def best(f, repeats):
    seconds = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        f()
        seconds = min(seconds, time.perf_counter() - start)
    return seconds


def main():
    import numpy
    import openpyxl
    import pyarrow
    import pyarrow.parquet

    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="build/bench_table_files")
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()

    def tell(case, ours, peer, name, goal):
        print(json.dumps({"bench": "xlsx", "case": case, "ours": round(ours, 4), "peer": round(peer, 4), "peer_name": name, "unit": "s", "ratio": round(peer / ours, 3),
                          "goal": goal, "machine": machine()}), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        sheet, parquet = os.path.join(folder, "bench.xlsx"), os.path.join(folder, "bench.parquet")
        write_sheet(sheet, args.rows, numpy)
        ours = json.loads(subprocess.run([args.program, sheet, parquet, str(args.repeats)], check=True, capture_output=True, text=True).stdout)
        assert (ours["rows"], ours["columns"]) == (args.rows, 50)
        shape = f"{args.rows:,} x 50"
        tell(f"{shape}, .xlsx of {os.path.getsize(sheet) >> 20} MB", ours["read_xlsx"], openpyxl_seconds(sheet), f"openpyxl {openpyxl.__version__} read_only", 10)
        pyarrow.set_cpu_count(1)
        table = pyarrow.parquet.read_table(parquet, use_threads=False)
        again = os.path.join(folder, "again.parquet")
        name = f"pyarrow {pyarrow.__version__}"
        tell(f"{shape}, Parquet written", ours["write_parquet"], best(lambda: pyarrow.parquet.write_table(table, again, compression="zstd"), args.repeats), name, None)
        tell(f"{shape}, Parquet read", ours["read_parquet"], best(lambda: pyarrow.parquet.read_table(parquet, use_threads=False), args.repeats), name, None)


if __name__ == "__main__":
    main()
