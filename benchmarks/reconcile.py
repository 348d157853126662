"""1,000 published tables reconciled, with pandas' own reader beside it.

    python benchmarks/reconcile.py [--tables 1000]

Each table is a county's monthly revenue (12 rows, 7 columns, numbering, 其中,
合计); one in ten has one digit changed. Reported: seconds for reading and
reconciling all files, for reconciling frames in memory, for pandas' reader on
the same files, and how many of the changed digits were found.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from pathlib import Path

import pandas as pd

import fiscalmodel as fm

TAXES = ["增值税", "企业所得税", "个人所得税", "城市维护建设税", "其他税收收入"]
CHARGES = ["专项收入", "行政事业性收费收入", "罚没收入"]
HEADER = ["项目", "年初预算", "累计完成", "上年同期", "完成预算%", "同比增减额", "同比增减%"]


def table(rng: random.Random) -> list[list[str]]:
    """One county's table that ties."""
    tax = [[rng.randint(500, 90_000) for _ in range(3)] for _ in TAXES]
    charges = [[rng.randint(300, 30_000) for _ in range(3)] for _ in CHARGES]
    sums = [[sum(row[j] for row in block) for j in range(3)] for block in (tax, charges)]
    whole = [sums[0][j] + sums[1][j] for j in range(3)]
    of_which = [max(1, v // 3) for v in charges[-1]]
    labelled = [
        ("一、税收收入", sums[0]),
        *zip(TAXES, tax, strict=True),
        ("二、非税收入", sums[1]),
        *zip(CHARGES, charges, strict=True),
        ("其中：交通罚没收入", of_which),
        ("一般公共预算收入合计", whole),
    ]
    return [HEADER, *([name, *derived(values)] for name, values in labelled)]


def derived(values: list[int]) -> list[str]:
    """Budget, outturn and last year with the columns that follow from them."""
    budget, done, last = values
    percents = [f"{done / budget * 100:.2f}", f"{done - last}", f"{(done / last - 1) * 100:.2f}"]
    return [str(budget), str(done), str(last), *percents]


def slipped(rows: list[list[str]], rng: random.Random) -> None:
    """Change the leading digit of one amount that a sum covers."""
    row = rng.choice([r for r in rows[1:] if not r[0].startswith("其中")])
    column = rng.randint(1, 3)
    text = row[column]
    row[column] = str((int(text[0]) % 9) + 1) + text[1:]


def main() -> None:
    """Make the tables, time the runs, print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1000)
    count = parser.parse_args().tables
    rng = random.Random(20241231)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spoilt = set()
        for i in range(count):
            rows = table(rng)
            if i % 10 == 0:
                slipped(rows, rng)
                spoilt.add(i)
            with (folder / f"{i:05d}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)
        paths = sorted(folder.iterdir())
        fm.reconcile(paths[1])  # imports
        start = time.perf_counter()
        frames = [pd.read_csv(path) for path in paths]
        peer = time.perf_counter() - start
        start, cpu = time.perf_counter(), time.process_time()
        found = [bool(fm.reconcile(path)) for path in paths]
        files, files_cpu = time.perf_counter() - start, time.process_time() - cpu
        start, cpu = time.perf_counter(), time.process_time()
        for frame in frames:
            fm.reconcile(frame)
        memory, memory_cpu = time.perf_counter() - start, time.process_time() - cpu
    hits = sum(found[i] for i in spoilt)
    false = sum(found[i] for i in range(count) if i not in spoilt)
    print(f"{count} tables, read and reconciled: {files:.2f} s ({files_cpu:.2f} s of CPU)")
    print(f"{count} frames in memory, reconciled: {memory:.2f} s ({memory_cpu:.2f} s of CPU)")
    print(f"{count} tables, pandas.read_csv alone: {peer:.2f} s (ratio {files / peer:.1f})")
    print(f"changed digits found: {hits} of {len(spoilt)}; false alarms: {false}")


if __name__ == "__main__":
    main()
