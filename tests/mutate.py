"""A generator of mutated table files: harmless changes, and changes that must not pass unseen.

Every mutation follows from its number alone. The tables are published figures (Lintao and
Gangu counties, Jianghan District) or made up with totals, written as CSV or xlsx.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import xlsxwriter


@dataclass(frozen=True)
class Sheet:
    """A table to be written: title and unit lines, header, body, footnotes."""

    title: str
    unit: str
    header: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    #: Body cells (row, column) that a sum covers.
    covered: frozenset[tuple[int, int]] = frozenset()
    head: tuple[tuple[str, ...], ...] = ()
    foot: tuple[tuple[str, ...], ...] = ()
    encoding: str = "utf-8"
    newline: str = "\n"
    separator: str = ","
    excel: bool = False
    #: Changes of the written bytes.
    spoil: Callable[[bytes], bytes] | None = None

    def lines(self) -> list[tuple[str, ...]]:
        """All rows from the top."""
        head = self.head or ((self.title,), ("单位：" + self.unit,))
        return [*head, self.header, *self.body, *self.foot]

    def write(self) -> tuple[str, bytes]:
        """File name and content."""
        if self.excel:
            return "表.xlsx", _xlsx(self.lines())
        width = max(map(len, self.lines()))
        text = self.newline.join(
            self.separator.join(_quoted(cell, self.separator) for cell in _wide(line, width))
            for line in self.lines()
        )
        data = (text + self.newline).encode(self.encoding)
        return "表.csv", self.spoil(data) if self.spoil else data

    def values(self) -> dict[tuple[str, str], float | None]:
        """(row label, column) -> figure, as written before any mutation."""
        return {
            (row[0], column): _number(cell)
            for row in self.body
            for column, cell in zip(self.header[1:], row[1:], strict=True)
        }


@dataclass(frozen=True)
class Mutation:
    """One mutated file.

    Attributes
    ----------
    kind
        Name of the mutation.
    harmless
        Whether the file must load with the values of `original`.
    original, sheet
        Before and after.
    """

    number: int
    kind: str
    harmless: bool
    original: Sheet
    sheet: Sheet
    file: str = ""
    data: bytes = field(default=b"", repr=False)


def _wide(line: tuple[str, ...], width: int) -> list[str]:
    # A unit line stands at the right edge, as offices print it.
    if len(line) == 1 and line[0].startswith("单位"):
        return [""] * (width - 1) + list(line)
    return [*line, *[""] * (width - len(line))]


def _quoted(cell: str, separator: str) -> str:
    return f'"{cell}"' if separator in cell or '"' in cell else cell


def _number(cell: str) -> float | None:
    return None if cell in ("", "—", "X") else float(cell.replace(",", ""))


def _xlsx(lines: list[tuple[str, ...]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("表1")
        for r, line in enumerate(lines):
            for c, cell in enumerate(line):
                try:
                    sheet.write_number(r, c, float(cell))
                except ValueError:
                    if cell:
                        sheet.write_string(r, c, cell)
    return out.getvalue()


def _matrix(title: str, unit: str, taxes: dict[str, list[int]], columns: list[str]) -> Sheet:
    """A table with row and column totals: every figure is covered twice."""
    rows = [(name, *values, sum(values)) for name, values in taxes.items()]
    total = ("合计", *(sum(row[c] for row in rows) for c in range(1, len(columns) + 2)))
    body = tuple(tuple(map(str, row)) for row in [*rows, total])
    cells = frozenset((r, c) for r in range(len(body)) for c in range(1, len(columns) + 2))
    return Sheet(title, unit, ("项目", *columns, "合计"), body, cells)


LINTAO = _matrix(
    "临洮县2024年1-2月分税种分级次收入表",
    "万元",
    {
        "增值税": [3916, 1371, 2546],
        "企业所得税": [1894, 631, 631],
        "个人所得税": [467, 156, 155],
        "资源税": [0, 13, 13],
    },
    ["中央级", "省级", "县级"],
)
GANGU = Sheet(
    "甘谷县2024年一般公共预算收支决算表",
    "万元",
    ("项目", "金额"),
    (
        ("一般公共预算收入", "42100"),
        ("上级补助收入", "387613"),
        ("地方政府一般债券转贷收入", "13038"),
        ("上年结余", "7546"),
        ("调入资金", "199"),
        ("动用预算稳定调节基金", "731"),
        ("收入总计", "451227"),
    ),
    frozenset((r, 1) for r in range(7)),
)
JIANGHAN = Sheet(
    "江汉区一般公共预算收入情况表",
    "亿元",
    ("指标", "2015年", "2016年", "2017年", "2018年", "2019年"),
    (
        ("一般公共预算收入", "68.74", "123.50", "131.48", "136.51", "130.62"),
        ("一般公共预算支出", "—", "67.49", "68.48", "79.96", "87.31"),
    ),
)


def _made_up(rng: random.Random) -> Sheet:
    taxes = ["增值税", "契税", "房产税", "印花税", "耕地占用税", "车船税", "资源税", "环境保护税"]
    names = rng.sample(taxes, rng.randint(3, 7))
    values = {name: [rng.randint(100, 99_999) for _ in range(3)] for name in names}
    return _matrix("样本县分级次收入表（合成）", "万元", values, ["中央级", "省级", "县级"])


# Harmless changes.


def _encode(sheet: Sheet, rng: random.Random) -> Sheet:
    return replace(sheet, encoding=rng.choice(["gb18030", "utf-8-sig", "utf-16"]))


def _shuffle(sheet: Sheet, rng: random.Random) -> Sheet:
    order = list(range(1, len(sheet.header)))
    rng.shuffle(order)
    order = [0, *order]
    return replace(
        sheet,
        header=tuple(sheet.header[c] for c in order),
        body=tuple(tuple(row[c] for c in order) for row in sheet.body),
    )


def _blank_rows(sheet: Sheet, rng: random.Random) -> Sheet:
    body = list(sheet.body)
    for _ in range(rng.randint(1, 3)):
        body.insert(rng.randint(0, len(body)), ("",) * len(sheet.header))
    return replace(sheet, body=tuple(body))


def _full_width(sheet: Sheet, rng: random.Random) -> Sheet:
    table = {ord(c): ord(c) + 0xFEE0 for c in "0123456789.,"}
    rows = tuple((row[0], *(cell.translate(table) for cell in row[1:])) for row in sheet.body)
    return replace(sheet, body=rows)


def _move_unit(sheet: Sheet, rng: random.Random) -> Sheet:
    unit = rng.choice(["单位：{}", "金额单位：{}", "单位:{}", "单 位：{}", "（单位：{}）"]).format(
        sheet.unit
    )
    title, blank = (sheet.title,), ("",)
    head = rng.choice(
        [
            ((unit,), title),
            (title, blank, (unit,)),
            (title, (unit, "", "2024年")),
            ((sheet.title, "", unit),),
            ((sheet.title + f"（{sheet.unit}）",),),
            (("附件1",), title, ("编制单位：样本县财政局", "", unit)),
        ]
    )
    return replace(sheet, head=head)


def _thousands(sheet: Sheet, rng: random.Random) -> Sheet:
    rows = []
    for row in sheet.body:
        cells = [f"{int(c):,}" if c.isdigit() else c for c in row[1:]]
        rows.append((row[0], *cells))
    return replace(sheet, body=tuple(rows))


def _spaces(sheet: Sheet, rng: random.Random) -> Sheet:
    pads = ["", " ", "　", "\xa0"]
    rows = tuple(
        (row[0], *(rng.choice(pads) + cell + rng.choice(pads) for cell in row[1:]))
        for row in sheet.body
    )
    return replace(sheet, body=rows)


def _footnotes(sheet: Sheet, rng: random.Random) -> Sheet:
    notes = ["注：本表为决算数", "备注：含上级补助", "资料来源：县财政局", "填表人：    审核人："]
    return replace(sheet, foot=tuple((n,) for n in rng.sample(notes, rng.randint(1, 3))))


def _line_ends(sheet: Sheet, rng: random.Random) -> Sheet:
    return replace(sheet, newline="\r\n", separator=rng.choice([",", "\t", ";"]))


def _to_excel(sheet: Sheet, rng: random.Random) -> Sheet:
    return replace(sheet, excel=True)


def _same_unit_twice(sheet: Sheet, rng: random.Random) -> Sheet:
    unit = ("单位：" + sheet.unit,)
    return replace(sheet, head=((sheet.title,), unit, unit))


# Harmful changes.


def _pick(sheet: Sheet, rng: random.Random) -> tuple[int, int]:
    return rng.choice(sorted(sheet.covered))


def _with_cell(sheet: Sheet, at: tuple[int, int], text: str) -> Sheet:
    rows = [list(row) for row in sheet.body]
    rows[at[0]][at[1]] = text
    return replace(sheet, body=tuple(map(tuple, rows)))


def _digit(sheet: Sheet, rng: random.Random) -> Sheet:
    """Change one digit by more than the rounding of all parts of a sum could explain."""
    while True:
        r, c = _pick(sheet, rng)
        old = sheet.body[r][c]
        place = rng.randrange(len(old))
        new = rng.choice([d for d in "0123456789" if d != old[place]])
        text = str(int(old[:place] + new + old[place + 1 :]))
        if abs(int(text) - int(old)) >= len(sheet.body):
            return _with_cell(sheet, (r, c), text)


def _inserted_digit(sheet: Sheet, rng: random.Random) -> Sheet:
    r, c = _pick(sheet, rng)
    old = sheet.body[r][c]
    if old == "0":
        return _with_cell(sheet, (r, c), "7")
    place = rng.randint(1, len(old))
    return _with_cell(sheet, (r, c), old[:place] + rng.choice("0123456789") + old[place:])


def _letter(sheet: Sheet, rng: random.Random) -> Sheet:
    r, c = _pick(sheet, rng)
    old = sheet.body[r][c]
    place = rng.randrange(len(old))
    return _with_cell(sheet, (r, c), old[:place] + rng.choice("OlZ五。") + old[place + 1 :])


def _blanked(sheet: Sheet, rng: random.Random) -> Sheet:
    candidates = sorted(at for at in sheet.covered if sheet.body[at[0]][at[1]] != "0")
    return _with_cell(sheet, rng.choice(candidates), "")


def _dropped_row(sheet: Sheet, rng: random.Random) -> Sheet:
    rows = list(sheet.body)
    rows.pop(rng.randrange(len(rows) - 1))
    return replace(sheet, body=tuple(rows))


def _doubled_row(sheet: Sheet, rng: random.Random) -> Sheet:
    rows = list(sheet.body)
    at = rng.randrange(len(rows) - 1)
    rows.insert(at, rows[at])
    return replace(sheet, body=tuple(rows))


def _two_units(sheet: Sheet, rng: random.Random) -> Sheet:
    other = rng.choice([u for u in ("元", "千元", "万元", "亿元") if u != sheet.unit])
    lines = [("单位：" + sheet.unit,), ("单位：" + other,)]
    rng.shuffle(lines)
    return replace(sheet, head=((sheet.title,), *lines))


def _unknown_unit(sheet: Sheet, rng: random.Random) -> Sheet:
    return replace(
        sheet, head=((sheet.title,), ("单位：" + rng.choice(["万无", "乙元", "万美元"]),))
    )


def _no_header(sheet: Sheet, rng: random.Random) -> Sheet:
    return replace(sheet, header=sheet.body[0], body=sheet.body[1:])


def _bad_bytes(sheet: Sheet, rng: random.Random) -> Sheet:
    encoding = rng.choice(["utf-8", "gb18030"])
    drop = rng.random()

    def spoil(data: bytes) -> bytes:
        beyond = [i for i, byte in enumerate(data) if byte > 0x7F]
        at = beyond[int(drop * len(beyond))]
        return data[:at] + b"\xff" + data[at + 1 :]

    return replace(sheet, encoding=encoding, spoil=spoil)


def _cut_off(sheet: Sheet, rng: random.Random) -> Sheet:
    return replace(sheet, spoil=lambda data: data[: data.rindex("合计".encode()) + 4])


def _lost_separator(sheet: Sheet, rng: random.Random) -> Sheet:
    r, c = _pick(sheet, rng)
    row = list(sheet.body[r])
    joined = (*row[: c - 1], row[c - 1] + row[c], *row[c + 1 :]) if c > 1 else tuple(row[1:])
    lines = [*sheet.body[:r], joined, *sheet.body[r + 1 :]]

    def spoil(data: bytes) -> bytes:
        # The row really is shorter: no empty field at its end.
        return data.replace((",".join(joined) + ",").encode(), ",".join(joined).encode())

    return replace(sheet, body=tuple(lines), spoil=spoil)


def _open_quote(sheet: Sheet, rng: random.Random) -> Sheet:
    at = rng.randrange(len(sheet.body))
    label = sheet.body[at][0]
    return replace(
        sheet, spoil=lambda data: data.replace(f"\n{label},".encode(), f'\n"{label},'.encode())
    )


HARMLESS: dict[str, Callable[[Sheet, random.Random], Sheet]] = {
    "encoding": _encode,
    "column order": _shuffle,
    "blank rows": _blank_rows,
    "full-width digits": _full_width,
    "moved unit line": _move_unit,
    "thousands separators": _thousands,
    "spaces": _spaces,
    "footnotes": _footnotes,
    "line ends and separators": _line_ends,
    "as Excel": _to_excel,
    "the same unit twice": _same_unit_twice,
}
HARMFUL: dict[str, Callable[[Sheet, random.Random], Sheet]] = {
    "digit changed": _digit,
    "digit inserted": _inserted_digit,
    "letter for a digit": _letter,
    "cell blanked": _blanked,
    "row dropped": _dropped_row,
    "row doubled": _doubled_row,
    "two units": _two_units,
    "unknown unit": _unknown_unit,
    "no header": _no_header,
    "bad bytes": _bad_bytes,
    "cut off": _cut_off,
    "lost separator": _lost_separator,
    "open quotation mark": _open_quote,
}


def mutation(number: int) -> Mutation:
    """The mutation of this number: every other one is harmless, kinds take turns."""
    rng = random.Random(number)
    harmless = number % 2 == 0
    kinds = HARMLESS if harmless else HARMFUL
    kind = list(kinds)[(number // 2) % len(kinds)]
    tables = [LINTAO, GANGU, _made_up(rng)] + ([JIANGHAN] if harmless else [])
    if kind == "cut off":
        tables = [LINTAO, tables[2]]
    original = rng.choice(tables)
    sheet = kinds[kind](original, rng)
    if harmless and rng.random() < 0.3:  # two harmless changes at once
        sheet = _to_excel(sheet, rng) if rng.random() < 0.5 else _footnotes(sheet, rng)
    elif not harmless and sheet.spoil is None and rng.random() < 0.3:
        sheet = _to_excel(sheet, rng)
    file, data = sheet.write()
    return Mutation(number, kind, harmless, original, sheet, file, data)
