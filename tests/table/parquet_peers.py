"""Both ways between andon and pyarrow, DuckDB, polars: run by test_parquet.c in a folder of its own.

usage: parquet_peers.py write FOLDER    writes peer_N.parquet and peer_N.csv (what a reader must see)
       parquet_peers.py check FOLDER    reads ours.parquet by every peer and compares it with ours.csv
Leaves with 77 where pyarrow or DuckDB is not installed."""
import csv
import datetime
import os
import sys

try:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    sys.exit(77)


def text(value):
    """A cell as andon writes it to CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        value = value.astimezone(datetime.timezone.utc)
        return value.strftime("%Y-%m-%dT%H:%M:%S") + (f".{value.microsecond:06d}" if value.microsecond else "") + "Z"
    return str(value)


def same(a, b):
    return a == b or (a and b and a[0] in "-0123456789ni" and b[0] in "-0123456789ni" and is_number(a) and is_number(b) and float(a) == float(b))


def is_number(s):
    try:
        float(s)
        return True
    except ValueError:
        return False


def write(folder):
    n = 5000
    state = 12345

    def draw():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return state >> 33

    start = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
    columns = {
        "count": pa.array([None if draw() % 7 == 0 else draw() - 2**30 for _ in range(n)], pa.int64()),
        "few": pa.array([draw() % 5 for _ in range(n)], pa.int32()),
        "torque": pa.array([None if draw() % 9 == 0 else draw() / 1e6 for _ in range(n)], pa.float64()),
        "ok": pa.array([None if draw() % 11 == 0 else draw() % 3 > 0 for _ in range(n)], pa.bool_()),
        "station": pa.array([None if draw() % 13 == 0 else ["Süd", "Nord", "West, außen", 'so "genannt"'][draw() % 4] for _ in range(n)]),
        "serial": pa.array([f"S{draw():010d}" for _ in range(n)]),
        "time": pa.array([None if draw() % 17 == 0 else start + datetime.timedelta(microseconds=draw() * 1000003) for _ in range(n)], pa.timestamp("us", "UTC")),
        "nothing": pa.array([None] * n, pa.float64()),
    }
    table = pa.table(columns)
    rows = list(zip(*(c.to_pylist() for c in table.columns)))
    writers = []
    for codec in ("none", "snappy", "gzip", "zstd"):
        for version in ("1.0", "2.0"):
            for dictionary in (True, False):
                writers.append(lambda p, c=codec, v=version, d=dictionary: pq.write_table(table, p, compression=c, data_page_version=v, use_dictionary=d, row_group_size=1777, data_page_size=3000,
                                                                                          write_page_checksum=d))
    db = duckdb.connect()
    for options in ("COMPRESSION snappy", "COMPRESSION zstd, ROW_GROUP_SIZE 2048", "COMPRESSION gzip, PARQUET_VERSION v2", "COMPRESSION uncompressed, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1"):
        writers.append(lambda p, o=options: db.execute(f"COPY (SELECT * FROM table_) TO '{p}' (FORMAT parquet, {o})"))
    db.register("table_", table)
    try:
        import polars
        frame = polars.from_arrow(table)
        writers.append(lambda p: frame.write_parquet(p))
        writers.append(lambda p: frame.write_parquet(p, compression="snappy", row_group_size=999))
    except ImportError:
        pass
    for k, f in enumerate(writers):
        f(os.path.join(folder, f"peer_{k}.parquet"))
    with open(os.path.join(folder, "peer.csv"), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(columns)
        out.writerows([text(v) for v in row] for row in rows)
    print(len(writers))


def check(folder):
    ours = os.path.join(folder, "ours.parquet")
    with open(os.path.join(folder, "ours.csv"), newline="") as f:
        wanted = list(csv.reader(f))

    def compare(who, names, rows):
        assert list(names) == wanted[0], (who, names, wanted[0])
        assert len(rows) == len(wanted) - 1, (who, len(rows), len(wanted) - 1)
        for i, (row, want) in enumerate(zip(rows, wanted[1:])):
            for name, value, cell in zip(names, row, want):
                assert same(text(value), cell), (who, i, name, value, cell)

    file = pq.ParquetFile(ours, page_checksum_verification=True)
    table = file.read()
    compare("pyarrow", table.column_names, list(zip(*(c.to_pylist() for c in table.columns))))
    for g in range(file.metadata.num_row_groups):  # statistics are true
        part = file.read_row_group(g)
        for j in range(file.metadata.num_columns):
            s = file.metadata.row_group(g).column(j).statistics
            values = [v for v in part.column(j).to_pylist() if v is not None]
            assert s.null_count == part.num_rows - len(values)
            if s.has_min_max:
                assert s.min == min(values) and s.max == max(values), (part.column_names[j], s.min, s.max, min(values), max(values))
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    found = db.execute(f"SELECT * FROM read_parquet('{ours}')")
    compare("DuckDB", [d[0] for d in found.description], found.fetchall())
    try:
        import polars
        frame = polars.read_parquet(ours)
        compare("polars", frame.columns, frame.rows())
    except ImportError:
        pass


{"write": write, "check": check}[sys.argv[1]](sys.argv[2])
