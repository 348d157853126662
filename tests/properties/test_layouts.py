"""Random layouts of tables: no figure that was put in comes out as another one.

Each sheet is drawn from a seed together with what stands in it. What is read is held
against that cell by cell: the figure, its unit, the label of its row and the words
above it. A layout may be refused with a reason; it may not be misread, and no figure
may be lost without a word. ``python tests/properties/test_layouts.py 1000`` draws more.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xlsxwriter

import fiscalmodel as fm
from fiscalmodel.tables.grid import column_letter
from fiscalmodel.tables.layout import tidy
from fiscalmodel.tables.table import Table
from fiscalmodel.units import FEN_PER

LABELS = (
    "增值税", "企业所得税", "个人所得税", "城市维护建设税", "契税", "专项收入", "罚没收入",
    "行政事业性收费收入", "一般公共服务支出", "教育支出", "科学技术支出", "社会保障和就业支出",
    "卫生健康支出", "农林水支出", "债务还本支出", "青山市", "白水县", "本级", "上级补助收入",
)  # fmt: skip
UNITS = ("元", "万元", "亿元")
TITLES = ("2024年青山市一般公共预算收入情况表", "附件1", "白水县2024年收支决算表", "附表3 收支表")
FOOTNOTES = ("注：本表为快报数。", "说明：1.合计含上级补助。", "资料来源：青山市财政局", "制表人：")


@dataclass
class Drawn:
    """A sheet and what stands in it; positions are (row, column) from 0."""

    cells: dict[tuple[int, int], Any] = field(default_factory=dict)
    #: Where a figure stands -> its size in the unit, the unit, its row's label, words above.
    figures: dict[tuple[int, int], tuple[float, str, str, tuple[str, ...]]] = field(
        default_factory=dict
    )
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    percents: set[tuple[int, int]] = field(default_factory=set)
    kinds: list[str] = field(default_factory=list)
    #: Row of the last header, its levels, and whether a line or title states the unit.
    header: tuple[int, int, bool] = (0, 1, False)

    def put(self, row: int, column: int, value: Any) -> None:
        self.cells[row, column] = value

    def merge(self, r0: int, c0: int, r1: int, c1: int) -> None:
        if (r0, c0) != (r1, c1):
            self.merged.append((r0, c0, r1, c1))


def figure(rng: random.Random, unit: str) -> float:
    """A figure as it is printed; below one and below zero now and then."""
    if unit == "%":
        return round(rng.uniform(-30, 150), 1)
    size = rng.choice((rng.uniform(0, 1), rng.uniform(1, 900), rng.uniform(900, 4e6)))
    sign = -1 if rng.random() < 0.08 else 1
    return sign * round(size, rng.choice((0, 1, 2)))


def heads(rng: random.Random, levels: int) -> list[tuple[str, ...]]:
    """Columns of figures, each with the words above it from top to bottom."""
    first = rng.randint(2015, 2023)
    years = [f"{first + k}年" for k in range(rng.randint(2, 5))]
    named = [*rng.sample(("预算数", "执行数", "决算数", "上年决算数", "调整预算数"), 3)]
    shares = ["完成预算%", "比上年增长%"][: rng.randint(0, 2)]
    if levels == 1:
        return [(name,) for name in (years if rng.random() < 0.5 else [*named, *shares])]
    groups = rng.choice((years[:2], ["一般公共预算", "政府性基金预算"], ["全市", "市本级"]))
    under = named[: rng.randint(2, 3)]
    return [(group, name) for group in groups for name in under]


def place(
    rng: random.Random, sheet: Drawn, top: int, left: int, *, wild: bool, merges: bool, unit: str,
    beside: bool = False,
) -> int:  # fmt: skip
    """Draw one table with its corner at `top` and `left`; the row below it.

    One `beside` another shares the rows of its header, and its unit line if there is one.
    """

    def chance(kind: str, share: float) -> bool:
        drawn = rng.random() < share
        if drawn:
            sheet.kinds.append(kind)
        return drawn

    levels = 2 if chance("two levels", 0.35) else 1
    if beside:
        top, levels, stated = sheet.header
    columns = heads(rng, levels)
    coded = wild and chance("codes", 0.25)
    ordered = wild and not coded and chance("running numbers", 0.2)
    at = left + (coded or ordered)
    per_column = wild and levels == 1 and chance("units by column", 0.25)
    where = rng.choice(("line", "line", "line", "corner", "header", "title"))
    if beside:
        where = "line" if stated else "header"
    sheet.kinds.append(f"unit in {where}")
    last = at + len(columns)
    if not beside and (chance("title", 0.7) or where == "title"):
        for k in range(rng.randint(1, 2)):
            text = TITLES[0] if where == "title" and k == 0 else rng.choice(TITLES)
            text += f"（{unit}）" if where == "title" and k == 0 else ""
            sheet.put(top, left, text)
            if merges and rng.random() < 0.5:
                sheet.merge(top, left, top, last)
            elif wild and chance("doubled title", 0.2):
                sheet.put(top, last, text)
            top += 1
        top += chance("gap below title", 0.2)
    if where == "line" and not beside:
        column = rng.choice((left, last, last))
        sheet.put(top, column, rng.choice(("单位：{}", "单位:{}", "金额单位：{}")).format(unit))
        if wild and column != left and chance("owner beside the unit", 0.3):
            sheet.put(top, left, "编制单位：青山市财政局")
        top += 1
    corner = rng.choice(("项目", "项 目", "科目", "指标", "预算科目", "地区"))
    if where == "corner":
        corner = rng.choice((f"{corner}（{unit}）", f"单位：{unit}"))
    if wild and where != "corner" and chance("blank name", 0.15):
        corner = ""
    sheet.header = top, levels, where in ("line", "title")
    if coded or ordered:
        sheet.put(top, left, "科目编码" if coded else "序号")
        if levels == 2 and merges:
            sheet.merge(top, left, top + 1, left)
    sheet.put(top, at, corner)
    if levels == 2 and merges:
        sheet.merge(top, at, top + 1, at)
    units, words = [], []
    for k, head in enumerate(columns):
        own = "%" if head[-1].endswith("%") else unit
        leaf = head[-1]
        if per_column and own != "%":
            own = rng.choice(UNITS)
        if own != "%" and (per_column or where == "header"):
            leaf = f"{leaf}（{own}）"
        units.append(own)
        words.append((*head[:-1], leaf))
        if levels == 2 and (k == 0 or columns[k - 1][0] != head[0]):
            sheet.put(top, at + 1 + k, head[0])
            width = sum(other[0] == head[0] for other in columns)
            if merges:
                sheet.merge(top, at + 1 + k, top, at + k + width)
        sheet.put(top + levels - 1, at + 1 + k, leaf)
    top += levels
    if wild and not beside and chance("column numbers", 0.25):
        sheet.put(top, at, "栏次")
        for k in range(len(columns)):
            sheet.put(top, at + 1 + k, k + 1)
        top += 1
    labels = rng.sample(LABELS, rng.randint(3, 10))
    if chance("total", 0.6):
        labels.insert(rng.choice((0, len(labels))), rng.choice(("合计", "总计", "合 计")))
    for i, label in enumerate(labels):
        if wild and i and chance("blank row", 0.04):
            top += 1
        printed = f"其中：{label}" if wild and i and rng.random() < 0.1 else label
        printed = f"　{printed}" if wild and rng.random() < 0.1 else printed
        sheet.put(top, at, printed)
        if coded:
            sheet.put(top, left, f"{10101 + i}")
        if ordered:
            sheet.put(top, left, i + 1)
        for k, own in enumerate(units):
            if rng.random() < 0.06:
                if rng.random() < 0.5:
                    sheet.put(top, at + 1 + k, rng.choice(("-", "—", "")))
                continue
            value = figure(rng, own)
            sheet.put(top, at + 1 + k, value)
            sheet.figures[top, at + 1 + k] = value, own, printed.strip("　"), words[k]
            if own == "%" and merges and rng.random() < 0.5:
                sheet.percents.add((top, at + 1 + k))
        if wild and merges and chance("hidden row", 0.03):
            sheet.hidden_rows.add(top)
        top += 1
    if wild and merges and len(columns) > 2 and chance("hidden column", 0.15):
        sheet.hidden_columns.add(at + rng.randint(2, len(columns)))
    if wild and chance("footnotes", 0.4):
        for text in rng.sample(FOOTNOTES, rng.randint(1, 2)):
            sheet.put(top, left, text)
            top += 1
    return top


def draw(seed: int, *, wild: bool) -> tuple[Drawn, bool]:
    """A sheet, and whether it is an Excel one."""
    rng = random.Random(f"{seed} {wild}")
    excel = rng.random() < 0.6
    sheet, unit = Drawn(), rng.choice(UNITS)
    left = rng.randint(1, 2) if wild and rng.random() < 0.1 else 0
    below = place(rng, sheet, 0, left, wild=wild, merges=excel, unit=unit)
    if wild and rng.random() < 0.2:
        sheet.kinds.append("table below")
        place(rng, sheet, below + rng.randint(1, 2), left, wild=wild, merges=excel, unit=unit)
    elif wild and rng.random() < 0.15:
        level = rng.random() < 0.8  # else the tables stand beside each other by chance
        sheet.kinds.append("table beside" if level else "table beside at another height")
        right = max(c for _, c in sheet.cells) + rng.randint(1, 2)
        place(rng, sheet, 0, right, wild=wild, merges=excel, unit=unit, beside=level)
    return sheet, excel


def write(sheet: Drawn, excel: bool, folder: Path, rng: random.Random) -> Path:
    """The sheet as a file of one of the kinds that offices send."""
    if not excel:
        height, width = (1 + max(a[k] for a in sheet.cells) for k in (0, 1))
        separator = rng.choice((",", ",", "\t", ";"))

        def printed(value: Any) -> str:
            if isinstance(value, float):
                value = f"{value:,.2f}" if rng.random() < 0.3 and separator != ";" else f"{value}"
            text = str(value)
            return f'"{text}"' if "," in text or separator in text else text

        rows = [[printed(sheet.cells.get((r, c), "")) for c in range(width)] for r in range(height)]
        path = folder / "表.csv"
        encoding = rng.choice(("utf-8", "utf-8-sig", "gb18030", "utf-16"))
        path.write_bytes("\n".join(map(separator.join, rows)).encode(encoding))
        return path
    path = folder / "表.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page, percent = book.add_worksheet("表1"), book.add_format({"num_format": "0.0%"})
        for r0, c0, r1, c1 in sheet.merged:
            page.merge_range(r0, c0, r1, c1, "")
        for (r, c), value in sheet.cells.items():
            if (r, c) in sheet.percents:
                page.write_number(r, c, value / 100, percent)
            elif value != "":
                page.write(r, c, value)
        for r in sheet.hidden_rows:
            page.set_row(r, None, None, {"hidden": True})
        for c in sheet.hidden_columns:
            page.set_column(c, c, None, None, {"hidden": True})
    return path


def wrong(sheet: Drawn, tables: list[Table]) -> list[str]:
    """What was read otherwise than it was put in, or lost."""
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    for table in tables:
        labels = list(table.labels)
        columns = {column_letter(c): c for c in range(60)}
        for name in table.numbers:
            c = columns[table.letters[name]]
            for i, value in enumerate(table.frame[name]):
                at, where = (table.rows[i] - 1, c), table.where(table.frame.index[i], name)
                if pd.isna(value):
                    continue
                if at not in sheet.figures:
                    if "序号" not in name and "编码" not in name:
                        found.append(f"{where}: {value} of nothing")
                    continue
                size, unit, label, words = sheet.figures[at]
                read = table.unit_of(name)
                scale = FEN_PER[read] / FEN_PER[unit] if {read, unit} <= set(FEN_PER) else None
                if read != unit and (scale is None or read == ""):
                    found.append(f"{where}: unit {read!r} for {unit!r}")
                elif abs(value * float(scale or 1) - size) > 1e-9 * max(1, abs(size)):
                    found.append(f"{where}: {value} {read} for {size} {unit}")
                if tidy(labels[i]) != tidy(label):
                    found.append(f"{where}: row {labels[i]!r} for {label!r}")
                if not {tidy(word) for word in words} <= set(f"{table.name}/{name}".split("/")):
                    above = f"{table.name} {name}"
                    if not all(tidy(word) in above for word in words):
                        found.append(f"{where}: column {name!r} for {words}")
                seen.add(at)
    for r, c in sheet.figures.keys() - seen:
        if r not in sheet.hidden_rows and c not in sheet.hidden_columns:
            found.append(f"{column_letter(c)}{r + 1}: {sheet.figures[r, c][0]} is lost")
    if any(r in sheet.hidden_rows or c in sheet.hidden_columns for r, c in seen):
        found.append("a hidden figure was read")
    return found


def outcome(seed: int, *, wild: bool, folder: Path) -> tuple[str, str]:
    """``read``, ``refused`` or ``wrong``, and what there is to say."""
    sheet, excel = draw(seed, wild=wild)
    path = write(sheet, excel, folder, random.Random(seed))
    try:
        book = fm.read_workbook(path)
    except fm.InputError as error:
        return "refused", str(error)
    if book.unread:
        return "refused", str(book.unread[0].error)
    said = wrong(sheet, list(book))
    return ("wrong", "; ".join(said[:3])) if said else ("read", "")


def shares(count: int, *, wild: bool, folder: Path, tell: Callable[[str], None]) -> Counter[str]:
    """How many of the first layouts end in which way."""
    ends: Counter[str] = Counter()
    for seed in range(count):
        end, said = outcome(seed, wild=wild, folder=folder)
        ends[end] += 1
        if end != "read":
            kinds = ", ".join(dict.fromkeys(draw(seed, wild=wild)[0].kinds))
            tell(f"{end} {'wild' if wild else 'ordinary'} {seed} [{kinds}]: {said}")
    return ends


@pytest.mark.parametrize(("wild", "least"), [(False, 0.99), (True, 0.85)])
def test_random_layouts_are_read_or_refused(wild: bool, least: float, tmp_path: Path) -> None:
    count, said = 150, []
    ends = shares(count, wild=wild, folder=tmp_path, tell=said.append)
    assert ends["wrong"] == 0, "\n".join(said)
    assert ends["read"] >= least * count, "\n".join(said)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        for kind in (False, True):
            print(shares(int(sys.argv[1]), wild=kind, folder=Path(made), tell=print))
