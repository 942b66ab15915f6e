#!/usr/bin/env python3
"""Records Parquet files for tests/table/test_parquet.c with pyarrow and DuckDB: the same 60 rows of every type in several encodings, codecs and
page versions, nested columns, types that have no place in a table. usage: python3 tests/reference/record_parquet.py [folder], default
tests/table/data. Row i holds what `rows` says; every fifth cell is missing, shifted from column to column."""
import datetime
import decimal
import os
import sys
import uuid

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "table", "data")
N = 60
UTC = datetime.timezone.utc
START = datetime.datetime(2026, 3, 1, 7, 5, 9, 123456, UTC)


def path(name):
    return os.path.join(folder, name)


def column(j, f, type_):
    return pa.array([None if (i + j) % 5 == 0 else f(i) for i in range(N)], type_)


FIELDS = [
    ("i8", lambda i: i - 30, pa.int8()), ("u16", lambda i: 1000 * i, pa.uint16()), ("i32", lambda i: i * 1000003 - 20000000, pa.int32()),
    ("u32", lambda i: 4294967295 - i, pa.uint32()), ("i64", lambda i: (i - 30) * 10**15, pa.int64()), ("u64", lambda i: i, pa.uint64()),
    ("f16", lambda i: i / 8, pa.float16()), ("f32", lambda i: i / 4, pa.float32()), ("f64", lambda i: i / 7, pa.float64()), ("bool", lambda i: i % 3 == 0, pa.bool_()),
    ("kind", lambda i: ["Müller", "Weiß", "x"][i % 3], pa.string()), ("text", lambda i: f"part {i:04d} é", pa.string()),
    ("date", lambda i: datetime.date(2026, 3, 1) + datetime.timedelta(days=i - 30), pa.date32()),
    ("ms", lambda i: START.replace(microsecond=123000) + datetime.timedelta(hours=i), pa.timestamp("ms", "UTC")), ("us", lambda i: START + datetime.timedelta(hours=i), pa.timestamp("us", "UTC")),
    ("ns", lambda i: START + datetime.timedelta(hours=i), pa.timestamp("ns", "UTC")), ("local", lambda i: START.replace(tzinfo=None) + datetime.timedelta(hours=i), pa.timestamp("us")),
    ("clock", lambda i: datetime.time(7, i, 5, 250000), pa.time64("us")), ("d9", lambda i: decimal.Decimal(i * 125 - 500).scaleb(-2), pa.decimal128(9, 2)),
    ("d30", lambda i: decimal.Decimal(i * 125 - 500).scaleb(-3), pa.decimal128(30, 3)), ("uuid", lambda i: uuid.UUID(int=i * 0x1234567890ABCDEF).bytes, pa.uuid()),
    ("none", lambda i: None, pa.null()),
]


def table(names=None):
    fields = [(j, f) for j, f in enumerate(FIELDS) if names is None or f[0] in names]
    return pa.table({name: column(j, make, type_) for j, (name, make, type_) in fields})


everything = table()
pq.write_table(everything, path("snappy_v1.parquet"), compression="snappy", row_group_size=25, data_page_size=64)
pq.write_table(everything, path("zstd_v2.parquet"), compression="zstd", data_page_version="2.0", use_dictionary=False)
pq.write_table(everything, path("gzip_v2_dictionary.parquet"), compression="gzip", data_page_version="2.0", write_page_checksum=True)
pq.write_table(everything, path("plain.parquet"), compression="none", use_dictionary=False, store_schema=False)
plain = {"i32", "i64", "f32", "f64", "kind", "text", "us", "date", "d30"}
encodings = {"i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "us": "DELTA_BINARY_PACKED", "date": "DELTA_BINARY_PACKED", "f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT",
             "kind": "DELTA_LENGTH_BYTE_ARRAY", "text": "DELTA_BYTE_ARRAY", "d30": "BYTE_STREAM_SPLIT"}
pq.write_table(table(plain), path("encodings.parquet"), use_dictionary=False, column_encoding=encodings)
pq.write_table(table({"i64", "us", "ns"}), path("int96.parquet"), use_deprecated_int96_timestamps=True)
required = pa.table({"n": pa.array(range(N), pa.int64()), "s": pa.array([f"s{i % 4}" for i in range(N)])}, schema=pa.schema([pa.field("n", pa.int64(), False), pa.field("s", pa.string(), False)]))
pq.write_table(required, path("required.parquet"))
pq.write_table(pa.table({"n": [1, 2], "curve": [[1.0, 2.0], [3.0]]}), path("nested_list.parquet"))
pq.write_table(pa.table({"n": [1, 2], "place": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}), path("nested_struct.parquet"))
pq.write_table(pa.table({"n": [1, 2], "bytes": pa.array([b"\xff\x00", b"a"], pa.binary())}), path("binary.parquet"))
pq.write_table(pa.table({"n": pa.array([], pa.int64())}), path("no_rows.parquet"))
pq.write_table(pa.table({"n": [1, 2]}), path("brotli.parquet"), compression="brotli")
pq.write_table(pa.table({"n": pa.array([1, 2**63 + 5], pa.uint64())}), path("above.parquet"))
db = duckdb.connect()
db.execute(f"""COPY (SELECT CASE WHEN i % 5 = 0 THEN NULL ELSE (i - 30) * 1000000000000000 END AS i64, CASE WHEN i % 5 = 1 THEN NULL ELSE i / 7 END AS f64, CASE WHEN i % 5 = 2 THEN NULL
ELSE ['Müller', 'Weiß', 'x'][i % 3 + 1] END AS kind, CASE WHEN i % 5 = 3 THEN NULL ELSE i % 3 = 0 END AS bool, CASE WHEN i % 5 = 4 THEN NULL ELSE TIMESTAMPTZ '2026-03-01 07:05:09.123456+00' + i * INTERVAL 1 HOUR END AS us,
'part ' || i AS text, i::DECIMAL(18, 2) / 4 AS quarter FROM range({N}) t(i)) TO '{path("duckdb.parquet")}' (FORMAT parquet)""")
db.execute(f"COPY (SELECT i AS n, 'part ' || i AS text, i / 7 AS f64 FROM range({N}) t(i)) TO '{path('duckdb_v2.parquet')}' (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)")
