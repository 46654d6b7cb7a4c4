"""Writes speech-*.parquet, one file a codec: what read-text.test.ts reads.

    pip install pyarrow && python make-parquet.py
"""
import pyarrow as pa
import pyarrow.parquet as pq

table = pa.table({"title": ["a", "b", "c"], "body": ["The first.", "The sécond,\nof two lines.", ""]})
for codec in ("snappy", "gzip", "zstd"):
    pq.write_table(table, f"speech-{codec}.parquet", compression=codec)
