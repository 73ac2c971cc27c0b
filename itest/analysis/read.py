"""Reads what `tide report` exported, as people do: read.py DIR, which holds

    rows.csv       DuckDB and pandas
    rows.parquet   DuckDB and pandas; the same rows
    omb.json       what OpenMessaging Benchmark's chart script does with it

Prints one line "ok NAME" for each thing that held; anything else is an error.
"""

import json
import math
import sys

import duckdb
import pandas

where = sys.argv[1]
CSV, PARQUET = where + "/rows.csv", where + "/rows.parquet"


duckdb.sql("set TimeZone = 'UTC'")


def rows(source):
    """The rows of a source with the columns that this looks at."""
    return duckdb.sql(f"""
        select trial, phase, verdict, started::timestamptz, closed_loop, acked, acked_mib_per_s,
               produce_response_p99_us, config_load_value_bytes, figure_target_peak_rss_mib
        from {source} order by trial, phase
    """).fetchall()


def duckdb_reads_both():
    csv, parquet = rows(f"read_csv('{CSV}')"), rows(f"read_parquet('{PARQUET}')")
    assert len(csv) > 3, csv
    assert csv == parquet, (csv, parquet)
    kinds = dict(duckdb.sql(f"select column_name, column_type from (describe select * from '{PARQUET}')").fetchall())
    assert kinds["started"].startswith("TIMESTAMP"), kinds["started"]
    assert kinds["produce_response_p99_us"] == "DOUBLE" and kinds["closed_loop"] == "BOOLEAN"
    assert kinds["config_load_value_bytes"] == "BIGINT", kinds["config_load_value_bytes"]
    # A broken folder is a row without numbers, never a zero in a mean.
    broken = duckdb.sql(f"select acked, warnings from '{PARQUET}' where verdict = 'BROKEN'").fetchall()
    assert len(broken) == 1 and broken[0][0] is None and "run.json" in broken[0][1], broken


def pandas_reads_both():
    csv, parquet = pandas.read_csv(CSV), pandas.read_parquet(PARQUET)
    assert list(csv.columns) == list(parquet.columns)
    assert len(csv) == len(parquet)
    for column in ("produce_response_p99_us", "acked_per_s", "figure_target_peak_rss_mib"):
        left, right = csv[column].dropna(), parquet[column].dropna()
        assert len(left) > 0 and (left == right).all(), column
    assert parquet.groupby("workload")["acked_mib_per_s"].median().notna().any()


def charts_can_be_drawn():
    with open(where + "/omb.json") as f:
        result = json.load(f)
    for series in ("publishLatency99pct", "publishDelayLatency99pct", "publishRate",
                   "endToEndLatency95pct", "consumeRate", "endToEndLatencyAvg"):
        points = [(10 * i, y) for i, y in enumerate(result[series])]
        assert points and max(y for _, y in points) > 0, series
    for quantiles in ("aggregatedPublishLatencyQuantiles", "aggregatedPublishDelayLatencyQuantiles",
                      "aggregatedEndToEndLatencyQuantiles"):
        points = sorted((float(x), y) for x, y in result[quantiles].items())
        assert [float(x) for x in result[quantiles]] == [x for x, _ in points], "in order"
        curve = [(math.log10(100 / (100 - x)), y) for x, y in points if x <= 99.999]
        assert len(curve) > 100 and curve[-1][0] > 3, quantiles
        assert all(a[1] <= b[1] for a, b in zip(curve, curve[1:])), "values rise with the percentile"


for check in (duckdb_reads_both, pandas_reads_both, charts_can_be_drawn):
    check()
    print("ok", check.__name__)
