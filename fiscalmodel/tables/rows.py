"""The rows of a grid with what each of them is: blank, unit line, footnote, text, periods, data."""

from __future__ import annotations

import re
from typing import Any, Literal

from fiscalmodel import numerals as cells
from fiscalmodel.days import looks_like_period
from fiscalmodel.tables.grid import Grid
from fiscalmodel.tables.table import column_letter
from fiscalmodel.tables.unitlines import stated_units

RowKind = Literal["blank", "unit", "foot", "text", "periods", "data"]
#: How footnotes and signatures below a table begin.
FOOT = re.compile(
    r"(?:附?注\s*\d*\s*[:：.、\d]|备\s*注\s*[:：]|说\s*明\s*[:：]|资料来源|数据来源|来源[:：]|填表人|制表人?\s*[:：]|"
    r"填报人|审核人?\s*[:：]|编制人|打印(?:日期|时间)|联系(?:人|电话)|单位负责人|负责人\s*[:：]|[*＊※])"
)


class Rows:
    """The rows of a grid with what each of them is."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.filled = [_filled(row) for row in grid.rows]

    def __len__(self) -> int:
        return len(self.filled)

    def value(self, row: int, column: int) -> Any:
        """Stored value; empty beyond the end of a short row."""
        cells_of = self.grid.rows[row]
        return cells_of[column] if column < len(cells_of) else ""

    def text(self, row: int, column: int) -> str:
        """Header text of a cell: plain forms, no spaces within Chinese."""
        return tidy(self.value(row, column))

    def kind(self, row: int) -> RowKind:
        """What the row is, judged by itself."""
        filled, values = self.filled[row], self.grid.rows[row]
        if not filled:
            return "blank"
        # Most rows of a long sheet are settled by their second cell.
        for c in filled[1:3]:
            number = cells.simple(values[c])
            if number is not None and not _maybe_period(number):
                return "data"
        first = values[filled[0]]
        if isinstance(first, str) and FOOT.match(first.strip()):
            return "foot"
        if any(
            type(values[c]) is str and "位" in values[c] and stated_units(values[c]) for c in filled
        ):
            return "unit"
        numeric = [c for c in filled if cells.parse(values[c]).kind == "number"]
        if not numeric and not any(looks_like_period(values[c]) for c in filled[1:]):
            return "text"
        return "periods" if all(looks_like_period(values[c]) for c in numeric) else "data"

    def place(self, row: int, column: int = 0) -> str:
        """Place of a cell for messages: ``file[sheet!B7]``."""
        sheet = f"{self.grid.sheet}!" if self.grid.sheet else ""
        return f"{self.grid.file}[{sheet}{column_letter(column)}{row + 1}]"


def _filled(row: list[Any]) -> list[int]:
    if "" not in row and not any(type(v) is str and v.isspace() for v in row):
        return list(range(len(row)))
    return [c for c, v in enumerate(row) if v != "" and (type(v) is not str or not v.isspace())]


def _maybe_period(value: float) -> bool:
    return 1900 <= value < 2200 or 190_000 < value < 220_000


def tidy(value: Any) -> str:
    """A heading as one line: plain forms, no spaces beside Chinese characters.

    >>> tidy("预 算　数 "), tidy("２０１９年"), tidy(2019.0), tidy("mean growth")
    ('预算数', '2019年', '2019', 'mean growth')
    """
    if isinstance(value, float) and value == int(value):
        value = int(value)
    if hasattr(value, "strftime"):
        value = f"{value:%Y-%m}"
    text = re.sub(r"\s+", " ", cells.plain(str(value)))
    return re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", text)
