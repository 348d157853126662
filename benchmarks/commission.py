"""Commissions of ten million receipts: speed, memory and equality to the 分.

    python benchmarks/commission.py [--rows 10000000]

The same receipts go through `fiscalmodel.commission`, through a plain loop with
`decimal`, and through polars and DuckDB. Two loops: one that only adds up, and
one that checks what the package checks (identifiers that stand twice, refunds
against their receipts, dates, words). polars and DuckDB add up with a join for
the refunds' rates and check nothing. Then the same from a CSV file on disk.
Peak memory is that of a process of its own, input included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import fiscalmodel as fm

CHANGE = np.datetime64("2024-07-01")
RATES = [
    {"kind": "罚没", "rate_pct": "0.5", "valid_to": "2024-06-30"},
    {"kind": "罚没", "rate_pct": "0.4", "valid_from": "2024-07-01"},
    {"kind": "收费", "rate_pct": "0.2"},
]


def receipts(rows: int, seed: int = 7) -> pd.DataFrame:
    """Receipts of 20 banks over 12 months; 2 % of the rows are refunds, cut to what is left."""
    draw = np.random.default_rng(seed)
    fen = draw.integers(1, 500_000, rows)
    day = np.datetime64("2024-01-01") + draw.integers(0, 366, rows)
    target = (draw.random(rows) * np.maximum(np.arange(rows) - 1, 0)).astype(np.int64)
    refund = draw.random(rows) < 0.02
    refund[:2] = False
    refund &= ~refund[target]
    first = np.zeros(rows, bool)
    first[np.unique(np.where(refund, target, -1), return_index=True)[1]] = True
    refund &= first  # at most one refund a receipt
    code = [draw.integers(0, n, rows) for n in (20, 2, 2)]
    bank, kind, account = (np.where(refund, c[target], c) for c in code)
    fen = np.where(refund, -np.maximum(fen[target] // 2, 1), fen)
    day = np.where(refund, np.maximum(day, day[target]), day)
    words = ([f"第{i:02d}支行" for i in range(20)], ["罚没", "收费"], ["国库", "财政专户"])
    frame = pd.DataFrame({"receipt_id": np.arange(rows) + 10_000_000})
    for name, codes, names in zip(
        ("bank", "kind", "account"), (bank, kind, account), words, strict=True
    ):
        frame[name] = pd.Series(pd.Categorical.from_codes(codes, names)).astype("str")
    frame["paid_in"] = day.astype("datetime64[s]")
    frame["amount"] = fen / 100
    frame["refund_of"] = pd.array(np.where(refund, target + 10_000_000, -1)).astype("Int64")
    frame.loc[~refund, "refund_of"] = pd.NA
    return frame


def half_up(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def decimal_loop(frame: pd.DataFrame, *, check: bool) -> int:
    """Fee in 分 by a loop over receipts with decimal amounts."""
    july = CHANGE.astype(object)
    rate = {"收费": (Decimal("0.2"), Decimal("0.2")), "罚没": (Decimal("0.5"), Decimal("0.4"))}
    origins: dict[int, tuple[Any, ...]] = {}
    left: dict[int, Decimal] = {}
    sums: dict[tuple[Any, ...], Decimal] = {}
    wanted = set(frame["refund_of"].dropna().astype(int))
    columns = [
        frame[c]
        for c in ("receipt_id", "bank", "kind", "account", "paid_in", "amount", "refund_of")
    ]
    for key, bank, kind, account, stamp, value, back in zip(*columns, strict=True):
        day, amount = stamp.date(), Decimal(str(value))
        origin = day
        if check:
            if key in origins:
                raise ValueError(key)
            if (
                kind not in rate
                or account not in ("国库", "财政专户")
                or amount != round(amount, 2)
            ):
                raise ValueError(key)
        if back is not pd.NA:
            origin = origins[back][1]
            if check:
                left[back] += amount
                if left[back] < 0 or origins[back][0] != (bank, kind, account):
                    raise ValueError(key)
        if check:
            origins[key] = ((bank, kind, account), day)
            left[key] = amount
        elif key in wanted:
            origins[key] = (None, day)
        line = (bank, kind, account, day.year, day.month, rate[kind][origin >= july])
        sums[line] = sums.get(line, Decimal(0)) + amount
    return sum(int(half_up(base * line[-1] / 100) * 100) for line, base in sums.items())


def fee(fen: int, rate: int) -> int:
    """Half away from zero; the rate in hundredths of a percent."""
    whole = (2 * abs(fen) * rate + 10_000) // 20_000
    return whole if fen >= 0 else -whole


def polars_way(frame: Any) -> int:
    import polars as pl

    origin = frame.select(
        pl.col("receipt_id").alias("refund_of"), pl.col("paid_in").alias("origin")
    )
    joined = frame.lazy().join(origin.lazy(), on="refund_of", how="left").with_columns(
        pl.col("origin").fill_null(pl.col("paid_in")),
        (pl.col("amount") * 100).round().cast(pl.Int64).alias("fen"),
    )  # fmt: skip
    old = pl.col("origin") < pl.datetime(2024, 7, 1)
    rate = pl.when(pl.col("kind") == "收费").then(20).when(old).then(50).otherwise(40).alias("rate")
    month = pl.col("paid_in").dt.month().alias("month")
    sums = (
        joined.group_by("bank", "kind", "account", month, rate).agg(pl.col("fen").sum()).collect()
    )
    return sum(fee(f, r) for f, r in sums.select("fen", "rate").iter_rows())


def duckdb_way(frame: Any) -> int:
    import duckdb

    sums = duckdb.sql("""
        select sum(cast(round(r.amount * 100) as bigint)) as fen,
               case when r.kind = '收费' then 20
                    when coalesce(o.paid_in, r.paid_in) < date '2024-07-01' then 50
                    else 40 end as rate
        from frame r left join frame o on r.refund_of = o.receipt_id
        group by r.bank, r.kind, r.account, month(r.paid_in), rate""").fetchall()
    return sum(fee(int(f), r) for f, r in sums)


def timed(call: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def cpu_timed(call: Any) -> tuple[float, float, Any]:
    """Wall seconds, processor seconds of all threads, result: the second is steadier."""
    busy = time.process_time()
    seconds, result = timed(call)
    return seconds, time.process_time() - busy, result


def peak_mb() -> float:
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) / 1024


def child(mode: str, path: str) -> None:
    """Settle in a process of its own; print seconds, fee and peak memory."""
    if mode == "frame":
        data: Any = pd.read_parquet(path)
    else:
        data = Path(path)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts here, with the input
    before = peak_mb()
    seconds, statement = timed(lambda: fm.commission(data, rates=RATES, period="month"))
    print(
        json.dumps(
            {
                "seconds": seconds,
                "fee": statement.fee_fen,
                "peak_mb": peak_mb(),
                "before_mb": before,
            }
        )
    )


def in_child(mode: str, path: Path) -> dict[str, Any]:
    words = [sys.executable, __file__, "--child", mode, str(path)]
    return dict(
        json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--child", nargs=2, metavar=("MODE", "PATH"))
    options = parser.parse_args()
    if options.child:
        return child(*options.child)
    frame = receipts(options.rows)
    runs = [cpu_timed(lambda: fm.commission(frame, rates=RATES, period="month")) for _ in range(3)]
    ours, busy = min(r[0] for r in runs), min(r[1] for r in runs)
    ours_fen = runs[0][2].fee_fen
    print(f"{options.rows:,} receipts, {int(frame['refund_of'].notna().sum()):,} refunds, "
          f"{len(runs[0][2].table):,} lines, fee {ours_fen / 100:,.2f} 元")  # fmt: skip
    print(f"fiscalmodel               {ours:8.2f} s, {busy:.2f} s of processor (best of 3)")
    peers: list[tuple[str, Any]] = []
    try:
        import polars as pl

        table = pl.from_pandas(frame)
        peers.append(("polars, no checks", lambda: polars_way(table)))
    except ImportError:
        print("polars is not installed")
    try:
        import duckdb  # noqa: F401

        peers.append(("DuckDB, no checks", lambda: duckdb_way(frame)))
    except ImportError:
        print("DuckDB is not installed")
    peers.append(("decimal loop, no checks", lambda: decimal_loop(frame, check=False)))
    peers.append(("decimal loop, same checks", lambda: decimal_loop(frame, check=True)))
    for name, call in peers:
        seconds, cpu, other = cpu_timed(call)
        same = "same to the 分" if other == ours_fen else f"DIFFERS by {other - ours_fen} 分"
        print(
            f"{name:25s} {seconds:8.2f} s = {seconds / ours:6.1f} times ours, "
            f"{cpu:.2f} s of processor = {cpu / busy:.1f} times ours, {same}"
        )
    with tempfile.TemporaryDirectory() as folder:
        parquet, csv = Path(folder) / "receipts.parquet", Path(folder) / "receipts.csv"
        frame.to_parquet(parquet)
        frame.assign(amount=frame["amount"].map("{:.2f}".format)).to_csv(csv, index=False)
        for mode, path in (("frame", parquet), ("file", csv)):
            result = in_child(mode, path)
            size = f", {csv.stat().st_size / 1e6:,.0f} MB of CSV" if mode == "file" else ""
            print(f"{mode}{size}: {result['seconds']:.2f} s, peak {result['peak_mb']:,.0f} MB "
                  f"({result['before_mb']:,.0f} MB before), "
                  f"{'same' if result['fee'] == ours_fen else 'DIFFERS'}")  # fmt: skip


if __name__ == "__main__":
    main()
