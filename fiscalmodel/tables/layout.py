"""Where a sheet's tables are: title, unit lines, header, column numbers, body, footnotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from fiscalmodel.days import looks_like_period
from fiscalmodel.errors import InputError
from fiscalmodel.numerals import parse, plain, simple
from fiscalmodel.tables.files import Grid
from fiscalmodel.tables.unitlines import is_owner, stated_units, unit_word, unknown_unit
from fiscalmodel.words import Text, say

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
            number = simple(values[c])
            if number is not None and not _maybe_period(number):
                return "data"
        first = values[filled[0]]
        if isinstance(first, str) and FOOT.match(first.strip()):
            return "foot"
        if any(
            type(values[c]) is str and "位" in values[c] and stated_units(values[c]) for c in filled
        ):
            return "unit"
        numeric = [c for c in filled if parse(values[c]).kind == "number"]
        if not numeric and not any(looks_like_period(values[c]) for c in filled[1:]):
            return "text"
        return "periods" if all(looks_like_period(values[c]) for c in numeric) else "data"

    def place(self, row: int, column: int = 0) -> str:
        """Place of a cell for messages: ``file[sheet!B7]``."""
        return self.grid.place(row, column)


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
    text = re.sub(r"\s+", " ", plain(str(value)))
    return re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", text)


class NoHeader(InputError):
    """Figures under no header: a cover, or a table that cannot be understood."""


_ORDINAL = re.compile(r"栏次|行次|序号|[甲乙丙丁戊A-Z]|\(?\d{1,2}\)?(?:\s*=\s*[\d()+\-*/×÷ ]+%?)?")
_HEADER_ROWS = 4
_SAMPLE = 50  # body rows that show which columns hold numbers
_TITLE = re.compile(r"附?表|附件|.*(?:表|情况)$")


@dataclass
class Layout:
    """One table found in a grid; rows and columns count from 0."""

    titles: list[str] = field(default_factory=list)
    units: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)
    header: list[int] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    body: list[int] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)


def layouts(rows: Rows) -> list[Layout]:
    """The tables of a grid, from top to bottom.

    Raises
    ------
    InputError
        If numbers stand under no header that can be understood.
    """
    found: list[Layout] = []
    row, current = 0, Layout()
    while row < len(rows):
        kind, count = rows.kind(row), len(rows.filled[row])
        if kind == "unit":
            _take_unit(rows, row, current)
            kind = "periods" if _corner_header(rows, row) else "blank"
        if kind == "foot":
            current.notes.append(Text.of(rows.text(row, rows.filled[row][0])))
        elif strange := _strange_unit(rows, row):
            raise InputError(rows.place(row, strange[0]), "tables.unit_unknown", text=strange[1])
        elif kind in ("text", "periods") and (count == 1 or _is_dated_title(rows, row)):
            current.titles.append(rows.text(row, rows.filled[row][0]))
        elif kind in ("text", "periods"):
            row = _take_table(rows, row, current)
            found.append(current)
            current = Layout()
            continue
        elif kind == "data":
            raise NoHeader(rows.place(row, rows.filled[row][0]), "tables.no_header")
        row += 1
    if found and current.units and not found[-1].units:
        found[-1].units = current.units
        found[-1].notes.append(say("tables.unit_below"))
    if found:
        found[-1].notes.extend(map(Text.of, current.titles))
    return found


def _strange_unit(rows: Rows, row: int) -> tuple[int, str] | None:
    texts = ((c, unknown_unit(str(rows.value(row, c)))) for c in rows.filled[row])
    return next(((c, what) for c, what in texts if what), None)


def _is_dated_title(rows: Rows, row: int) -> bool:
    """Whether a row holds a title and, beside it, only the date of the table."""
    filled = rows.filled[row]
    if len(filled) != 2 or not looks_like_period(rows.value(row, filled[1])):
        return False
    below = next((r for r in range(row + 1, len(rows)) if rows.filled[r]), row)
    return len(rows.filled[below]) > 2 and rows.kind(below) != "data"


def _take_unit(rows: Rows, row: int, layout: Layout) -> None:
    for column in rows.filled[row]:
        text = str(rows.value(row, column))
        if units := stated_units(text):
            layout.units.append((row, column, units))
        elif not is_owner(text) and not looks_like_period(text) and not layout.titles:
            layout.titles.append(tidy(text))


def _corner_header(rows: Rows, row: int) -> bool:
    """Whether the 单位 cell stands in the corner of a header of periods."""
    rest = [c for c in rows.filled[row] if not stated_units(str(rows.value(row, c)))]
    return len(rest) >= 2 and all(looks_like_period(rows.value(row, c)) for c in rest)


def _take_table(rows: Rows, start: int, layout: Layout) -> int:
    """Header and body from `start`; returns the row after them."""
    layout.header = [start]
    row = start + 1
    while row < len(rows) and len(layout.header) < _HEADER_ROWS and _continues(rows, start, row):
        layout.header.append(row)
        row += 1
    if row < len(rows) and is_ordinal([rows.text(row, c) for c in rows.filled[row]]):
        layout.notes.append(say("tables.column_numbers", row=row + 1))
        row += 1
    layout.names = _names(rows, layout)
    head = [rows.text(layout.header[-1], c) for c in rows.filled[layout.header[-1]]]
    numeric: set[int] = set()
    gap = False
    while row < len(rows):
        kind = rows.kind(row)
        if kind == "blank":
            gap, row = True, row + 1
            continue
        if kind == "unit" or (kind != "data" and _opens_next(rows, row, gap, numeric)):
            if again := _repeated_header(rows, row, layout, head):
                layout.notes.append(say("tables.header_again", row=again))
                row = again
                continue
            break
        if kind == "foot":
            row = _take_footnotes(rows, row, layout)
            break
        if kind in ("data", "periods"):
            if len(layout.body) < _SAMPLE:
                numeric |= {
                    c
                    for c in rows.filled[row]
                    if c > rows.filled[row][0] and parse(rows.value(row, c)).kind == "number"
                }
        elif [rows.text(row, c) for c in rows.filled[row]] == head:
            layout.notes.append(say("tables.header_again", row=row + 1))
            row += 1
            continue
        layout.body.append(row)
        gap, row = False, row + 1
    return row


def _continues(rows: Rows, first: int, row: int) -> bool:
    """Whether `row` is a further header row under the one at `first`."""
    kind, filled = rows.kind(row), rows.filled[row]
    if kind not in ("text", "periods"):
        return False
    if all(unit_word(str(rows.value(row, c)).strip("()（）")) for c in filled):
        return True
    top = rows.filled[first]
    if filled[0] > top[0]:
        spanned = _spanned(rows, first)
        return any(c not in top or c in spanned for c in filled)
    if kind != "text" or len(filled) < 2:
        return False
    # Names below groups: the corner of the first row is empty, or the groups leave gaps.
    return filled[0] < top[0] or (
        filled[0] == top[0] and set(top) < set(filled) and _next_is_data(rows, row)
    )


def _next_is_data(rows: Rows, row: int) -> bool:
    below = next((r for r in range(row + 1, len(rows)) if rows.filled[r]), None)
    return below is not None and rows.kind(below) in ("data", "periods")


def _spanned(rows: Rows, row: int) -> set[int]:
    return {
        c
        for (r0, c0), (r1, c1) in rows.grid.merged
        if r0 <= row <= r1 and c1 > c0
        for c in range(c0, c1 + 1)
    }


def _names(rows: Rows, layout: Layout) -> dict[int, str]:
    """Column -> printed name, levels joined with ``/``."""
    width = max(max(rows.filled[r], default=0) for r in layout.header) + 1
    origin = {
        (r, c): (r0, c0)
        for (r0, c0), (r1, c1) in rows.grid.merged
        if r0 <= layout.header[-1] and r1 >= layout.header[0]
        for r in range(r0, r1 + 1)
        for c in range(c0, min(c1, width - 1) + 1)
    }
    below: set[int] = set()
    levels: list[dict[int, str]] = []
    for r in reversed(layout.header):
        level: dict[int, str] = {}
        last = ""
        for c in range(width):
            text = rows.text(*origin.get((r, c), (r, c)))
            units = stated_units(text) if text else ()
            if units and not text.split("单位")[0].strip("(（[ "):
                text = "项目"  # 单位：亿元 in the corner of the header
            if text:
                last = text
            elif c in below and (r, c) not in origin:
                text = last
            level[c] = text
        below |= {c for c, text in level.items() if text}
        levels.append(level)
    names: dict[int, str] = {}
    for c in range(width):
        path = list(dict.fromkeys(level[c] for level in reversed(levels) if level[c]))
        if path:
            names[c] = "/".join(path)
    return names


def is_ordinal(texts: list[str]) -> bool:
    """Whether the filled cells of a row only number the columns (栏次 1 2 3=1+2)."""
    digits = [int(m[1]) for t in texts if (m := re.match(r"\(?(\d+)", t))]
    return (
        len(digits) >= 2
        and len(texts) - len(digits) <= 2
        and all(_ORDINAL.fullmatch(t) for t in texts)
        and digits == list(range(digits[0], digits[0] + len(digits)))
        and digits[0] in (1, 2)
        and (len(texts) > len(digits) or digits[0] == 1)
    )


def _opens_next(rows: Rows, row: int, gap: bool, numeric: set[int]) -> bool:
    """Whether another table begins here: a title before a unit line, or a second header."""
    filled = rows.filled[row]
    texts = {c for c in filled if parse(rows.value(row, c)).kind == "text"}
    if gap and len(filled) >= 2 and texts and len(texts & numeric) >= max(1, len(numeric) // 2):
        return True
    if len(filled) != 1 or not (gap or _TITLE.match(rows.text(row, filled[0]))):
        return False
    for ahead, kind in _ahead(rows, row + 1):
        if kind == "unit":
            return True
        if len(rows.filled[ahead]) > 1:
            held = {c for c in rows.filled[ahead] if parse(rows.value(ahead, c)).kind == "text"}
            return gap and kind == "text" and len(held & numeric) >= max(1, len(numeric) // 2)
    return False


def _ahead(rows: Rows, row: int) -> Iterator[tuple[int, RowKind]]:
    for ahead in range(row, min(row + 6, len(rows))):
        if (kind := rows.kind(ahead)) != "blank":
            yield ahead, kind


def _repeated_header(rows: Rows, row: int, layout: Layout, head: list[str]) -> int:
    """The row after a header that is printed again on a new page, or 0."""
    units = {u for _, _, stated in layout.units for u in stated}
    for ahead in range(row, min(row + 8, len(rows))):
        for c in rows.filled[ahead]:
            said = stated_units(str(rows.value(ahead, c)))
            if said and not set(said) <= units:
                return 0
        if [rows.text(ahead, c) for c in rows.filled[ahead]] == head:
            return ahead + 1
    return 0


def _take_footnotes(rows: Rows, row: int, layout: Layout) -> int:
    while row < len(rows) and rows.kind(row) in ("foot", "text") and rows.filled[row]:
        if rows.kind(row) == "text" and len(rows.filled[row]) > 1:
            break
        layout.notes.append(Text.of(" ".join(rows.text(row, c) for c in rows.filled[row])))
        row += 1
    return row
