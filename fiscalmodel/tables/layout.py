"""Where a sheet's tables are: title, unit lines, header, column numbers, body, footnotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fiscalmodel.days import looks_like_period
from fiscalmodel.errors import InputError
from fiscalmodel.numerals import parse, plain, simple
from fiscalmodel.tables.grid import MAX_COLUMNS, Grid
from fiscalmodel.tables.unitlines import is_owner, owner_of, stated_units, unit_cells, units_below
from fiscalmodel.words import Text, say

RowKind = Literal["blank", "unit", "foot", "text", "periods", "data"]
#: How footnotes and signatures below a table begin.
FOOT = re.compile(
    r"(?:附?注\s*\d*\s*[:：.、\d]|备\s*注\s*[:：]|说\s*明\s*[:：]|资料来源|数据来源|来源[:：]|填表人|制表人?\s*[:：]|"
    r"填报人|(?:审核|复核|经办|录入)人?\s*[:：]|编制人|打印(?:日期|时间)|联系(?:人|电话)|单位负责人|"
    r"(?:负责人|局长|分管领导|(?:填报|编制|制表|报送)(?:日期|时间))\s*[:：]|[*＊※])"
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

    def texts(self, row: int) -> list[str]:
        """Header texts of the filled cells of a row."""
        return [self.text(row, c) for c in self.filled[row]]

    def below(self, row: int) -> int:
        """The next row that is not blank; the row itself if there is none."""
        return next((r for r in range(row + 1, len(self)) if self.filled[r]), row)

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
        if any(units for _, units, _ in unit_cells(values)):
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


#: One cell of a row that numbers the columns: 3, (3), C, 甲, and what it is made of (3=1+2).
_ORDINAL = re.compile(
    r"[(\[]?(?P<mark>\d{1,2}|[A-Z]|[甲乙丙丁戊己])[)\]]?(?:\s*[=＝]\s*[\dA-Z()+\-*/×÷ ]+%?)?"
)
_ORDINAL_LABEL = re.compile(r"栏\s*次|行\s*次|序号|项目|(?:计算)?公\s*式|关系(?:式)?|栏目|编号")
_NUMBERS = re.compile(r"[栏行]\s*次|栏目")
#: Headers of codes and running numbers, which may stand left of the labels.
_BEFORE_LABEL = re.compile(r"序号|[栏行]次|.*(?:编码|代码|编号)")
#: Headers of labels, one of which begins a table beside another.
_LABEL = re.compile(r"项目|(?:预算)?科目(?:名称)?|指标|地区|区县")
BRACKETS = re.compile(r"[(（][^()（）]*[)）]")
_HEADER_ROWS = 4
_SAMPLE = 50  # body rows that show which columns hold numbers
#: A title on a further page: 续表, 表5（续）, 附表2续1.
_CONTINUED = re.compile(r"^续|[(]续[^()]*[)]|(?:表|[\d一二三四五六七八九十])续\d*$")
_TABLE = re.compile(r"..+表(?:[(].*[)])?")
#: A number that a title only files the table under: 公开04表, 附表3-1, 表十二(续).
_FILED = re.compile(
    r"[\u4e00-\u9fff]{0,4}[\d一二三四五六七八九十.-]+号?表|"
    r"(?:部门)?(?:公开)?(?:附?表|附件)[\d一二三四五六七八九十.-]*(?:[(]?续\d*[)]?)?[::]?"
)
_TITLE = re.compile(r"附?表|附件|.*(?:表|情况)$")


@dataclass
class Layout:
    """One table found in a grid; rows and columns count from 0."""

    titles: list[str] = field(default_factory=list)
    #: Titles of tables that stand side by side, with their columns.
    beside: list[tuple[int, str]] = field(default_factory=list)
    #: Who compiled the table, or whose it is.
    owner: str = ""
    units: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)
    header: list[int] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    body: list[int] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    columns: range = range(MAX_COLUMNS)


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
        kind = rows.kind(row)
        if kind == "unit":
            corner = _corner_header(rows, row)
            _take_unit(rows, row, current, titled=not corner)
            kind = "periods" if corner else "blank"
        if kind == "foot":
            current.notes.append(Text.of(rows.text(row, rows.filled[row][0])))
        elif strange := [(c, what) for c, _, what in unit_cells(rows.grid.rows[row]) if what]:
            at, text = strange[0]
            raise InputError(rows.place(row, at), "tables.unit_unknown", text=text)
        elif kind in ("text", "periods") and (
            len(set(rows.texts(row))) == 1 or _is_dated_title(rows, row)
        ):
            _take_title(rows, row, current)
        elif kind == "text" and _are_titles(rows, row):
            current.beside += [(c, rows.text(row, c)) for c in rows.filled[row]]
        elif kind in ("text", "periods"):
            row = _take_table(rows, row, current)
            found.extend(_side_by_side(rows, current))
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


def _take_title(rows: Rows, row: int, layout: Layout) -> None:
    """A line with one text: a title, or whose table it is."""
    text = rows.text(row, rows.filled[row][0])
    if owner := owner_of(text):
        layout.owner = layout.owner or owner
    else:
        layout.titles.append(text)


def main_title(titles: list[str]) -> str:
    """Of the titles above a table, the one that names it: no date, no number of a form."""
    told = [t for t in titles if not looks_like_period(t)]
    named = [t for t in told if re.search(r"表|情况|table", t, re.IGNORECASE)]
    said = [t for t in named if not _FILED.fullmatch(t)]
    return (said or named or told or [""])[-1]


def _are_titles(rows: Rows, row: int) -> bool:
    """Whether each text of a row is the title of one of several tables side by side."""
    named = all(_TABLE.fullmatch(text) for text in rows.texts(row))
    return named and next((k for _, k in _ahead(rows, row + 1)), "data") != "data"


def _side_by_side(rows: Rows, layout: Layout) -> list[Layout]:
    """A layout cut where a second column of labels begins another table beside the first.

    That is a column of texts right of figures and left of figures, headed like the first
    or behind an empty column; its codes or running numbers stand left of it.
    """
    used = {c for r in layout.body for c in rows.filled[r]}
    columns = sorted({*layout.names, *used})
    name = {c: layout.names.get(c, "") for c in columns}
    held = {c: _held(rows, layout, c) for c in columns}
    labels = [c for c in columns if held[c] == "text" and not _BEFORE_LABEL.fullmatch(name[c])]
    starts = [columns[0]]
    for c in labels[1:]:
        start = c
        while start - 1 in name and _BEFORE_LABEL.fullmatch(name[start - 1]):
            start -= 1
        left = [k for k in columns if starts[-1] < k < start]
        right = [k for k in columns if k > c]
        if (
            any(held[k] == "number" for k in left)
            and any(held[k] == "number" for k in right)
            and (start - 1 not in name or _same_label(name[labels[0]], name[c]))
        ):
            starts.append(start)
    if len(starts) == 1:
        return [replace(layout, titles=[*layout.titles, *dict(layout.beside).values()])]
    made = []
    for first, end in zip(starts, [*starts[1:], columns[-1] + 1], strict=True):
        part = [c for c in columns if first <= c < end]
        # The group above the figures of a part names it.
        groups = {name[c].split("/")[0] for c in part if "/" in name[c]}
        group = groups.pop() if len(groups) == 1 else ""
        own_titles = [text for c, text in layout.beside if first <= c < end]
        title = main_title(own_titles or layout.titles)
        titles = [*layout.titles, f"{title} {group}".strip()]
        names = {c: name[c].removeprefix(f"{group}/") for c in part if name[c]}
        body = [r for r in layout.body if any(c in part for c in rows.filled[r])]
        if body and is_ordinal([rows.text(body[0], c) for c in part if c in rows.filled[body[0]]]):
            del body[0]
        own = {"titles": titles, "names": names, "body": body, "columns": range(first, end)}
        made.append(replace(layout, **own))  # type: ignore[arg-type]
    return made


def _held(rows: Rows, layout: Layout, column: int) -> str:
    """What most filled cells of a column hold: text, number, or empty for nothing."""
    kinds = [parse(rows.value(r, column)).kind for r in layout.body[:_SAMPLE]]
    texts, numbers = kinds.count("text"), kinds.count("number")
    return "text" if texts > numbers else "number" if numbers else ""


def _same_label(first: str, second: str) -> bool:
    one, two = (BRACKETS.sub("", name.rsplit("/", 1)[-1]) for name in (first, second))
    if all(_LABEL.fullmatch(name) for name in (one, two) if name):
        return True
    return one == two or {"收", "支"} <= {t[0] for t in (one, two) if t[:2] in ("收入", "支出")}


def _is_dated_title(rows: Rows, row: int) -> bool:
    """Whether a row holds a title and, beside it, only the date of the table."""
    filled = rows.filled[row]
    if len(filled) != 2 or [looks_like_period(rows.value(row, c)) for c in filled] != [False, True]:
        return False
    below = rows.below(row)
    return len(rows.filled[below]) > 2 and rows.kind(below) != "data"


def _take_unit(rows: Rows, row: int, layout: Layout, *, titled: bool) -> None:
    """Take the unit of a line, and a title or who compiled the table beside it.

    Raises
    ------
    InputError
        If several names stand beside it: groups of a header would be lost.
    """
    beside: dict[str, int] = {}
    told = {column: units for column, units, _ in unit_cells(rows.grid.rows[row])}
    for column in rows.filled[row]:
        text = str(rows.value(row, column))
        if units := told.get(column):
            layout.units.append((row, column, units))
            # 2024年债务情况表（单位：亿元） in one cell.
            before = tidy(text).split("单位")[0].rstrip("([ ")
            if titled and _TITLE.match(before):
                layout.titles.append(before)
        elif owner := owner_of(text):
            layout.owner = layout.owner or owner
        elif titled and looks_like_period(text):
            # A day or year beside the unit says when, if no title does.
            layout.titles.insert(0, tidy(text))
        elif titled and not is_owner(text) and ":" not in plain(text):
            beside.setdefault(tidy(text), column)
    ahead = next((kind for _, kind in _ahead(rows, row + 1)), "blank")
    if len(beside) > 1 and ahead in ("text", "periods"):
        raise InputError(rows.place(row, max(beside.values())), "tables.names_beside_unit")
    if beside and all(map(looks_like_period, layout.titles)):
        layout.titles.append(next(iter(beside)))


def _corner_header(rows: Rows, row: int) -> bool:
    """Whether the 单位 cell stands in the corner of a header.

    It does where periods stand beside it, and where no other row could be the header:
    figures follow, or names right of the corner and then figures.
    """
    first, *rest = rows.filled[row]
    if rest and _BEFORE_LABEL.fullmatch(rows.text(row, first)):
        first, *rest = rest
    if not rest or not stated_units(str(rows.value(row, first))):
        return False
    beside = [rows.value(row, c) for c in rest]
    others = [v for v in beside if not looks_like_period(v)]
    if any(parse(v).kind == "number" for v in others):
        return False
    if len(rest) > 1 and not others:
        return True
    ahead = list(_ahead(rows, row + 1))
    if ahead and ahead[0][1] in ("text", "periods") and rows.filled[ahead[0][0]][0] > first:
        del ahead[0]
    return bool(ahead) and ahead[0][1] == "data"


def _take_table(rows: Rows, start: int, layout: Layout) -> int:
    """Header and body from `start`; returns the row after them."""
    layout.header = [start]
    row = start + 1
    while row < len(rows) and len(layout.header) < _HEADER_ROWS and _continues(rows, start, row):
        layout.header.append(row)
        row += 1
    if row < len(rows) and is_ordinal(rows.texts(row)):
        layout.notes.append(say("tables.column_numbers", row=row + 1))
        row += 1
    layout.names = _names(rows, layout)
    head = rows.texts(layout.header[-1])
    numeric: set[int] = set()
    gap = False
    while row < len(rows):
        kind = rows.kind(row)
        if kind == "blank":
            gap = gap or row not in rows.grid.hidden_rows
            row += 1
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
            for c in rows.filled[row][1:] if len(layout.body) < _SAMPLE else ():
                value = rows.value(row, c)
                if parse(value).kind == "number" and not _may_head(value):
                    numeric.add(c)
        elif rows.texts(row) == head:
            layout.notes.append(say("tables.header_again", row=row + 1))
            row += 1
            continue
        layout.body.append(row)
        gap, row = False, row + 1
    return row


def _continues(rows: Rows, first: int, row: int) -> bool:
    """Whether `row` is a further header row under the one at `first`."""
    kind, filled = rows.kind(row), rows.filled[row]
    if kind not in ("text", "periods") or is_ordinal(rows.texts(row)):
        return False
    if units_below(rows.grid.rows[row]) or _reached(rows, first, row):
        return True
    top = rows.filled[first]
    if filled[0] > top[0]:
        spanned = _spanned(rows, first)
        return any(c not in top or c in spanned for c in filled)
    # Years below a group (收入 over 项目, 2023年决算数, 2024年决算数) are names, no figures;
    # a mark for no figure is none.
    named = all(parse(rows.value(row, c)).kind == "text" for c in filled)
    if not named or len(filled) < 2:
        return False
    # Names below groups: the corner of the first row is empty, or the groups leave gaps.
    covered = {c0 for (r0, c0), (r1, _) in rows.grid.merged if r0 == first and r1 >= row}
    return filled[0] < top[0] or (
        filled[0] == top[0]
        and not set(filled) <= set(top)
        and set(top) <= {*filled, *covered}
        and row < (below := rows.below(row))
        and (rows.kind(below) in ("data", "periods") or _reached(rows, row, below))
    )


def _reached(rows: Rows, first: int, row: int) -> bool:
    """Whether a header cell of a row from `first` on is merged downwards into `row`."""
    return any(
        first <= r0 < row <= r1 and rows.text(r0, c0) for (r0, c0), (r1, _) in rows.grid.merged
    )


def _spanned(rows: Rows, row: int) -> set[int]:
    return {
        c
        for (r0, c0), (r1, c1) in rows.grid.merged
        if r0 <= row <= r1 and c1 > c0
        for c in range(c0, c1 + 1)
    }


def _names(rows: Rows, layout: Layout) -> dict[int, str]:
    """Column -> printed name, levels joined with ``/``.

    A group's name holds for its merged cells; where a row has none, up to the next name,
    but never across the border of a group above. The first column of a group without a
    name of its own is its total.
    """
    header = layout.header
    width = max(max(rows.filled[r], default=0) for r in header) + 1
    origin = {
        (r, c): (r0, c0)
        for (r0, c0), (r1, c1) in rows.grid.merged
        if r0 <= header[-1] and r1 >= header[0]
        for r in range(r0, r1 + 1)
        for c in range(c0, min(c1, width - 1) + 1)
    }
    spread = {r for (r, c), (r0, c0) in origin.items() if c > c0 and r == r0}
    borders: set[int] = set()
    levels: list[dict[int, str]] = []
    for depth, r in enumerate(header):
        level: dict[int, str] = {}
        last = ""
        for c in range(width):
            source = origin.get((r, c), (r, c))
            text = rows.text(*source)
            if stated_units(text) and not text.split("单位")[0].strip("(（[ "):
                text = "项目"  # 单位：亿元 in the corner of the header
            if c in borders or source[0] < r:
                last = ""
            if text and source[0] == r:
                last = text
            elif not text and r not in spread and (r, c) not in origin:
                text = last if any(rows.text(lower, c) for lower in header[depth + 1 :]) else ""
            level[c] = text
        borders |= {c for c in range(width) if rows.text(r, c)}
        levels.append(level)
    paths = {
        c: tuple(dict.fromkeys(level[c] for level in levels if level[c])) for c in range(width)
    }
    for c, path in paths.items():
        under = paths.get(c + 1, ())
        if path and len(under) > len(path) and under[: len(path)] == path and c in borders:
            paths[c] = (*path, "合计")
    gone = rows.grid.hidden_columns
    return {c: "/".join(path) for c, path in paths.items() if path and c not in gone}


def is_ordinal(texts: list[str]) -> bool:
    """Whether the filled cells of a row only number the columns or say how they add up.

    >>> is_ordinal(["栏次", "1", "2", "3=1+2"]), is_ordinal(["公式", "A=B+C", "B", "C"])
    (True, True)
    >>> is_ordinal(["栏次", "1", "3"]), is_ordinal(["项目", "1", "3"]), is_ordinal(["栏次", "1"])
    (True, False, True)
    >>> is_ordinal(["1", "教育"]), is_ordinal(["合计", "5", "6"])
    (False, False)
    """
    found = [_ORDINAL.fullmatch(text) for text in texts]
    marks = [match["mark"] for match in found if match]
    others = [text for text, match in zip(texts, found, strict=True) if match is None]
    if not all(_ORDINAL_LABEL.fullmatch(text) for text in others) or len(others) > 2:
        return False
    digits = [int(mark) for mark in marks if mark.isdigit()]
    letters = [ord(mark) for mark in marks if mark.isascii() and mark.isalpha()]
    numbered = digits or letters
    named = any(_NUMBERS.fullmatch(text) for text in others)
    if (digits and letters) or len(numbered) < (1 if named else 2):
        return False
    if named:  # a column may be hidden, all but the first of them too
        return numbered == sorted(set(numbered)) and (len(numbered) > 1 or numbered == [1])
    if numbered != list(range(numbered[0], numbered[0] + len(numbered))):
        return False
    first = numbered[0] in (1, 2, ord("A"), ord("B"))
    return first and (len(texts) > len(digits) or digits[0] == 1)


def _opens_next(rows: Rows, row: int, gap: bool, numeric: set[int]) -> bool:
    """Whether another table begins here: a title before a unit line, or a second header."""
    filled = rows.filled[row]
    if gap and len(filled) >= 2 and _heads(rows, row, numeric):
        return True
    if len(set(rows.texts(row))) != 1 or not (gap or _TITLE.match(rows.text(row, filled[0]))):
        return False
    for ahead, kind in _ahead(rows, row + 1):
        if kind == "unit":
            return True
        if len(rows.filled[ahead]) > 1:
            return gap and kind in ("text", "periods") and _heads(rows, ahead, numeric)
    return False


def _heads(rows: Rows, row: int, numeric: set[int]) -> bool:
    """Whether texts stand above at least half of the columns of numbers."""
    held = {c for c in rows.filled[row] if _may_head(rows.value(row, c))}
    return len(held & numeric) >= max(1, len(numeric) // 2)


def _may_head(value: Any) -> bool:
    """Whether a cell may head figures: a text, or one that names a period such as 2024年."""
    if simple(value) is not None:
        return False
    return parse(value).kind == "text" or looks_like_period(value)


def _ahead(rows: Rows, row: int) -> Iterator[tuple[int, RowKind]]:
    for ahead in range(row, min(row + 6, len(rows))):
        if (kind := rows.kind(ahead)) != "blank":
            yield ahead, kind


def _repeated_header(rows: Rows, row: int, layout: Layout, head: list[str]) -> int:
    """The row after a header that is printed again on a new page, or 0."""
    units = {u for _, _, stated in layout.units for u in stated}
    for ahead in range(row, min(row + 8, len(rows))):
        title, *others = set(rows.texts(ahead)) or [""]
        known = title in layout.titles or _CONTINUED.search(title)
        said = {unit for _, stated, _ in unit_cells(rows.grid.rows[ahead]) for unit in stated}
        if said - units or (not others and not known and _TITLE.match(title)):
            return 0
        if rows.texts(ahead) == head:
            return ahead + 1
    return 0


def _take_footnotes(rows: Rows, row: int, layout: Layout) -> int:
    while row < len(rows) and (
        rows.kind(row) == "foot" or (rows.kind(row) == "text" and len(rows.filled[row]) == 1)
    ):
        layout.notes.append(Text.of(" ".join(rows.text(row, c) for c in rows.filled[row])))
        row += 1
    return row
