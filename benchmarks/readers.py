"""Time to read a 20,000-row Excel sheet and a CSV of the same size, beside pandas' own reader.

Run: ``python benchmarks/readers.py [ROWS]``. Every reader reads the same file in the
same run, in turn; the figure to look at is the ratio, since machines differ.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import xlsxwriter

from fiscalmodel.tables.readers import read_table

COLUMNS = 10


def write(folder: Path, rows: int) -> tuple[Path, Path]:
    """The same table as xlsx (number formats, one percent column) and CSV."""
    rng = random.Random(1)
    header = ["项目", *(f"第{c}列（万元）" for c in range(1, COLUMNS - 1)), "完成率"]
    body = [
        [f"项目{r}", *(rng.randint(1, 10**6) / 100 for _ in range(COLUMNS - 2)), rng.random()]
        for r in range(rows)
    ]
    excel, text = folder / "big.xlsx", folder / "big.csv"
    with xlsxwriter.Workbook(excel, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("表1")
        money = book.add_format({"num_format": "#,##0.00"})
        percent = book.add_format({"num_format": "0.00%"})
        sheet.write_row(0, 0, header)
        for r, row in enumerate(body, 1):
            sheet.write_string(r, 0, row[0])
            for c, value in enumerate(row[1:], 1):
                sheet.write_number(r, c, value, percent if c == COLUMNS - 1 else money)
    pd.DataFrame(body, columns=header).to_csv(text, index=False, encoding="utf-8")
    return excel, text


def best(
    readers: dict[str, tuple[Path, Callable[[Path], object]]], rounds: int = 7
) -> dict[str, float]:
    """Shortest time of each reader, taking turns; each reads a file that is new to it."""
    times: dict[str, list[float]] = {name: [] for name in readers}
    for turn in range(rounds):
        for name, (file, read) in readers.items():
            copy = shutil.copy(file, file.with_stem(f"{turn} {name.replace('.', ' ')}"))
            start = time.perf_counter()
            read(copy)
            times[name].append(time.perf_counter() - start)
    return {name: min(found) for name, found in times.items()}


def main() -> None:
    """Print one line a reader."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        excel, text = write(Path(name), rows)
        found = best(
            {
                "fiscalmodel.read_table xlsx": (excel, read_table),
                "pandas.read_excel calamine": (excel, partial(pd.read_excel, engine="calamine")),
                "fiscalmodel.read_table csv": (text, read_table),
                "pandas.read_csv": (text, pd.read_csv),
            }
        )
        slow = best(
            {"pandas.read_excel openpyxl": (excel, partial(pd.read_excel, engine="openpyxl"))},
            rounds=1,
        )
    base = found["pandas.read_excel calamine"]
    print(f"{rows:,} rows × {COLUMNS} columns, shortest of 7 (openpyxl: one run)")
    for reader, seconds in {**found, **slow}.items():
        print(f"{reader:30s} {seconds:7.3f} s   {seconds / base:5.2f} × pandas with calamine")


if __name__ == "__main__":
    main()
