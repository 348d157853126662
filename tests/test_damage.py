"""Files with bytes changed, lost or added at random: read or refused, nothing else."""

from __future__ import annotations

import io
import os
import random
from pathlib import Path

import xlsxwriter

import fiscalmodel as fm
from fiscalmodel.tables.readers import read_workbook

COUNT = 10_000 if os.environ.get("FISCALMODEL_SOAK") == "1" else 400
FILES = Path(__file__).parent / "files"


def _seeds() -> list[bytes]:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("表1")
        sheet.write_row(0, 0, ["项目", "金额（万元）"])
        sheet.write_row(1, 0, ["教育", 5])
        sheet.write(2, 1, 0.5, book.add_format({"num_format": "0%"}))
    text = '收入表,,\n,,单位：亿元\n指标,2015,2016\n收入,68.74,"1,123.50"\n增速,,79.66\n注：样本\n'
    names = (
        "synthetic_monthly.xls", "uncalculated.xls", "layouts/binary_percent.xlsb",
        "layouts/open_document.ods", "layouts/hidden_control_cells.xlsx",
    )  # fmt: skip
    old = [(FILES / name).read_bytes() for name in names]
    return [out.getvalue(), *old, text.encode(), text.encode("gb18030")]


def _damage(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at, kind = rng.randrange(len(found)), rng.random()
        if kind < 0.5:
            found[at] = rng.randrange(256)
        elif kind < 0.75:
            del found[at : at + rng.randint(1, 8)]
        else:
            found[at:at] = rng.randbytes(rng.randint(1, 4))
    return bytes(found)


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    rng, seeds = random.Random(5), _seeds()
    refused = 0
    for number in range(COUNT):
        path = tmp_path / f"a{rng.choice(['.csv', '.xlsx', '.xls'])}"
        path.write_bytes(_damage(seeds[number % len(seeds)], rng))
        try:
            read_workbook(path, strict=rng.random() < 0.7)
        except fm.InputError as error:
            refused += 1
            assert error.where.startswith("a.")  # noqa: PT017
    assert refused > COUNT / 4
