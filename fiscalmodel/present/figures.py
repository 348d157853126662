"""Figures of a page that explain themselves: each number is set to the figure that it shows.

A page shows figures in 万元, 亿元, 元 or %, rounded, in tables and in sentences. Each is looked
for among the figures of an explain file. A table's cells carry the number behind their text and
the English names of their column and row: by these they are matched. In sentences the value as
shown, the tables of the section and the words around decide. What a table itself adds up becomes
a figure of its own. A figure that is found nowhere is told, never guessed at.
"""

from __future__ import annotations

import html as html_
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from fiscalmodel.present.page import asset
from fiscalmodel.scenario.graph import formula_json
from fiscalmodel.words import bare, say

#: How much of a unit one of another is: figure's unit -> unit shown -> divisor.
_SHOWN = {
    "万元": {"万元": 1.0, "亿元": 1e4, "万亿元": 1e8, "元": 1e-4},
    "分": {"元": 100.0, "万元": 1e6, "亿元": 1e10},
    "%": {"%": 1.0},
}
_NUMBER = re.compile(r"[-+−–]?\d+(?:,\d{3})*(?:\.\d+)?")
_UNIT = re.compile(r"\s*(万亿元|亿元|万元|元|个百分点|percentage points|%)")
_TAG = re.compile(r"(<[^>]*>)", re.DOTALL)
#: What follows or leads a number that is no figure: days, years, counts, levels of bands.
_NOT_AFTER = re.compile(
    r"\s*(年|月|日|号|-\d|[./]\d{2}\b|个|笔|家|份|项|次|条|行|期|名|-year|years?\b|\s*%?\s*(区间|下限|上限|band|lower|upper|bound))"
)
_NOT_BEFORE = re.compile(r"(\d{4}[-/.]|\d{4}-\d\d-|[A-Za-z][\w-]*-?|第|No\.? ?|〔|〕|表|#)$")
#: Columns that a table shows under another name than the figures have.
SHOWN_AS = {
    "usable_wan": "available_wan", "general_debt_wan": "general_wan",
    "special_debt_wan": "special_wan", "total_resources_wan": "resources_wan",
    "total_uses_wan": "uses_wan", "money_wan": "resources_wan", "net_wan": "balance_wan",
    "ratio_pct": "share_pct", "lever_amount": "amount", "fee_rate_pct": "rate_pct",
    **{f"{n}_yuan": f"{n}_fen" for n in ("base", "fee", "arrears", "paid", "payable")},
}  # fmt: skip
#: What a note on rounding says of every report.
_CONSTANT = re.compile(r"1至2万元|1 (to|or) 2 万元")
_YEAR = re.compile(r"(?:19|20)\d\d$")
#: Columns of years, counts and the order of rows.
_PLAIN = {"year", "年份", "年度", "序号", "顺序", "order", "turn", "行", "count", "期限（年）",
          "failing_years"}  # fmt: skip


@dataclass
class Linked:
    """A page whose figures name their nodes.

    Attributes
    ----------
    html
        The page.
    data
        The explain file, with the figures that the page's own tables add up.
    found
        Node of each figure of the page, in order.
    missing
        Figures that are found nowhere, each with where it stands.
    """

    html: str
    data: dict[str, Any]
    found: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass
class _Cell:
    """A figure of a table: where its text begins among the page's parts, and its node.

    `keys` are the English names of its column and row, `exact` the number behind its text.
    """

    part: int
    row: int
    column: int
    text: str
    unit: str
    keys: tuple[str, ...] = ()
    exact: str = ""
    likely: list[str] = field(default_factory=list)
    node: str = ""


@dataclass
class _Table:
    """A table of the page as it is read: its words, keys and figures."""

    around: str
    heads: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    row_keys: list[str] = field(default_factory=list)
    cells: list[_Cell] = field(default_factory=list)
    caption: str = ""

    def head(self, cell: _Cell) -> str:
        return self.heads[cell.column] if cell.column < len(self.heads) else ""


class _Index:
    """Figures by how they look, made for each unit and number of decimals once."""

    def __init__(self, nodes: Mapping[str, Any], lang: str) -> None:
        self.nodes, self.lang = nodes, lang
        self.known: dict[tuple[str, object], dict[str, list[str]]] = {}
        self.amounts: dict[str, list[tuple[str, float]]] = {}
        self.words = {name: _words(node["name"][lang]) for name, node in nodes.items()}
        self.parts = {name: _parts(name) for name in nodes}
        self.pieces = {n: key.replace("/", " ").split(" ") for n, (*_, key) in self.parts.items()}
        self.keys: dict[str, list[str]] = {}

    def like(self, text: str, unit: str) -> list[str]:
        """Nodes that a number may show; the sign may be said in words."""
        plain = text.replace(",", "").lstrip("+-−–")
        digits = len(plain.partition(".")[2])
        units = [unit] if unit else ["万元", "%", "亿元", "元", "bp", ""]
        found = [name for one in units for name in self._shown(one, f".{digits}f").get(plain, [])]
        # Scores, multiples and counts stand in a table of amounts as well.
        return found or self._shown("", f".{digits}f", bare_only=True).get(plain, [])

    def exactly(self, cell: _Cell) -> list[str]:
        """Nodes with the number behind a cell: those of its own column, else all."""
        if not cell.exact:
            return []
        value = abs(float(cell.exact))
        # Either side of it too, where the eleventh figure is rounded.
        values = dict.fromkeys(f"{value * (1 + e):.10e}" for e in (0, 1e-12, -1e-12))
        units = dict.fromkeys([cell.unit, "%", "万元", "元", "亿元", ""])
        tables = [self._shown(unit, ".10e") for unit in units]
        found = [name for table in tables for v in values for name in table.get(v, [])]
        mine = [name for name in found if self.parts[name][1] in cell.keys]
        return mine or found

    def _shown(self, unit: str, form: str, *, bare_only: bool = False) -> dict[str, list[str]]:
        """Text of a figure in a unit -> nodes; without a unit as they are."""
        key = ("bare" if bare_only else unit, form)
        if key not in self.known:
            table = self.known[key] = dict[str, list[str]]()
            for name, value in self._amounts(unit, bare_only):
                table.setdefault(format(value, form), []).append(name)
        return self.known[key]

    def _amounts(self, unit: str, bare_only: bool) -> list[tuple[str, float]]:
        """Nodes that have a value in a unit, with it; without a unit as they are."""
        key = "bare" if bare_only else unit
        if key not in self.amounts:
            divisors = {of: _SHOWN.get(of, {}).get(unit, None if unit else 1.0)
                        for of in {node["unit"] for node in self.nodes.values()}}  # fmt: skip
            self.amounts[key] = [
                (name, abs(node["value"]) / divisor) for name, node in self.nodes.items()
                if (divisor := divisors[node["unit"]]) is not None
                and not (bare_only and node["unit"])
            ]  # fmt: skip
        return self.amounts[key]

    def by_key(self, table: _Table, cell: _Cell, tables: Mapping[str, int]) -> str:
        """The one of a cell's likely nodes whose table, column and row are its own."""
        near = {*cell.keys, *re.split(r"[|/ ]", " ".join(table.rows[cell.row]))}

        def kin(name: str) -> int:
            of, column, _ = self.parts[name]
            same = 4 * (column in cell.keys) + 2 * (not near.isdisjoint(self.pieces[name]))
            return same + min(tables.get(of, 0), 1)

        words = [text for text in table.rows[cell.row] if not _NUMBER.fullmatch(text)]
        years = [text for text in table.rows[cell.row] if _YEAR.fullmatch(text)]
        head = re.sub(r"[（(].*?[）)]", "", table.head(cell))
        text = " ".join([table.around, table.caption, table.head(cell), *words, *years])
        fit = self.fit(text, head, *table.rows[cell.row][:1])
        ranks = [kin(name) for name in cell.likely]
        most = max(ranks)
        nearest = [n for n, rank in zip(cell.likely, ranks, strict=True) if rank == most]
        if len(nearest) == 1:
            return nearest[0]
        return max(nearest, key=lambda name: tables.get(self.parts[name][0], 0) + fit(name))

    def best(self, names: list[str], around: str, tables: Container[str] = ()) -> str:
        """The likeliest of several by the words around, and by the tables of the section."""
        if len(names) == 1:
            return names[0]
        fit = self.fit(around)
        return max(names, key=lambda n: fit(n) + 1.5 * (self.parts[n][0] in tables))

    def fit(self, around: str, *heads: str) -> Callable[[str], float]:
        """How well a figure fits words around it; figures of tables before their inputs."""
        near, keys = bare(around), [bare(head) for head in heads if head]

        def points(name: str) -> float:
            column, *others = self.words[name]
            made = 2.0 if self.nodes[name].get("figure") else 0.0
            text = column + "".join(others)
            made += sum(4.0 for head in keys if head in text or column in head)
            made += 1.5 * (column[:4] in near) + 2.0 * sum(one in near for one in others[:2])
            key = self.parts[name][2]
            if key not in self.keys:  # numbers of rows stand in any sentence
                self.keys[key] = [bare(part) for part in re.split(r"[/ ]", key) if len(part) > 3]
            made += sum(3.0 for part in self.keys[key] if part in near)
            return made - 0.001 * len(key)

        return points


def _words(name: str) -> list[str]:
    """What a figure is called: its column without the unit, then what tells its row."""
    column, *others = re.sub(r"[（(][^（）()]*[）)]", "", name).split() or [""]
    return [bare(column) or "?", *(bare(one) for one in others if len(one) > 3)]


def _parts(name: str) -> tuple[str, str, str]:
    """Table, column and key of a node."""
    of, _, key = name.partition("[")
    table, _, column = of.rpartition(".")
    return table, column, key.removesuffix("]")


def link(page: str, data: Mapping[str, Any], lang: str = "zh") -> Linked:
    """Set every figure of a page to its node, and carry the nodes in the page.

    Parameters
    ----------
    page
        The report as HTML.
    data
        An explain file, as read from its JSON.
    lang
        Language of the page.
    """
    made = Linked("", {**data, "nodes": dict(data["nodes"])})
    parts = _TAG.split(page)
    index = _Index(made.data["nodes"], lang)
    _sentences(parts, index, made, _tables(parts, index, made))
    made.html = "".join(parts)
    return made


def with_script(linked: Linked, lang: str = "zh") -> str:
    """The page with its nodes, the style and the script that shows them at a click."""
    nodes, wanted = linked.data["nodes"], list(dict.fromkeys(linked.found))
    kept: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        if name in kept:
            continue
        kept[name] = nodes[name]
        for given in nodes[name].get("inputs", {}).values():
            wanted += [given] if isinstance(given, str) else given
    formulas = {
        key: entry[lang] for key, entry in linked.data["formulas"].items()
    }  # the expressions stay in the file
    hows = {
        how: say(f"scenario.how.{how}")(lang) for how in sorted({n["how"] for n in kept.values()})
    }
    words = {key: say(f"present.explain_{key}")(lang) for key in ("title", "close", "back", "more")}
    carried = {"lang": lang, "nodes": kept, "formulas": formulas, "hows": hows, "words": words}
    # "<" in a text could end the script, or begin another one.
    text = json.dumps(carried, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    style = asset("explain.css")
    script = asset("explain.js")
    block = (
        f'<style>{style}</style><script type="application/json" id="fm-explain">{text}</script>'
        f"<script>{script}</script>"
    )
    head, end, tail = linked.html.rpartition("</body>")
    return f"{head}{block}{end}{tail}" if end else linked.html + block


# ---- tables ----


def _tables(parts: list[str], index: _Index, made: Linked) -> dict[int, set[str]]:
    """Set the figures of all tables; returns where each section begins, with its tables."""
    table = _Table("")
    section, where, attributes = "", "", ""
    inside = inside_head = False
    sections: dict[int, set[str]] = {0: set()}
    for n, part in enumerate(parts):
        if part.startswith("<"):
            tag = part[1:].split(None, 1)[0].rstrip(">").lower()
            if tag == "table":
                inside, table = True, _Table(section)
            elif tag == "/table":
                sections[max(sections)] |= _resolve(parts, table, index, made)
                inside = False
            elif tag in ("thead", "/thead"):
                inside_head = tag == "thead"
            elif tag == "tr" and inside and not inside_head:
                table.rows.append([])
                table.row_keys.append(_data(part, "key"))
            elif tag in ("td", "th"):
                where, attributes = tag if not (tag == "th" and inside_head) else "head", part
                if inside and where == "head":
                    table.heads.append("")
                    table.keys.append(_data(part, "key"))
                elif inside and table.rows:
                    table.rows[-1].append("")
            elif tag in ("/td", "/th", "/caption", "/h1", "/h2", "/h3"):
                where = ""
            elif tag in ("caption", "h1", "h2", "h3"):
                where = tag
                if tag != "caption":
                    sections[n] = set()
            continue
        text = html_.unescape(part).strip()
        if not text:
            continue
        if where in ("h1", "h2", "h3"):
            section = text
        elif where == "caption":
            table.caption += text
        elif where == "head" and table.heads:
            table.heads[-1] += text
        elif inside and where in ("td", "th") and table.rows:
            table.rows[-1][-1] += text
            if where == "td" and _NUMBER.fullmatch(text):
                cell = _cell(table, n, text, _data(attributes, "v"))
                table.cells += [cell] if cell is not None else []
    return sections


def _data(tag: str, name: str) -> str:
    found = re.search(f'data-{name}="([^"]*)"', tag)
    return html_.unescape(found[1]) if found else ""


def _cell(table: _Table, n: int, text: str, exact: str) -> _Cell | None:
    """A figure of the last row; None for years and numbers of rows."""
    row, column = len(table.rows) - 1, len(table.rows[-1]) - 1
    cell = _Cell(n, row, column, text, "", exact=exact)
    head = table.head(cell)
    names = [table.row_keys[row], table.keys[column] if column < len(table.keys) else ""]
    if _PLAIN & {head, *names} or (_YEAR.fullmatch(text) and "," not in text):
        return None
    first = table.rows[row][0].rstrip("%")
    cell.unit = _unit_of(head) or _unit_of(first) or _unit_of(table.caption)
    cell.keys = tuple(
        SHOWN_AS.get(one, one) for name in names for one in name.split("|") if one
    )  # fmt: skip
    return cell


def _unit_of(text: str) -> str:
    found = re.search(r"[（(：:]\s*(万亿元|亿元|万元|元|%)[）)]?|%$", text)
    return "" if not found else found[1] or "%"


def _resolve(parts: list[str], table: _Table, index: _Index, made: Linked) -> set[str]:
    """Node of each figure of a table by its keys; returns the tables that they are figures of.

    What the table adds up comes after its parts.
    """
    tables = Counter[str]()
    for cell in table.cells:
        if cell.exact:
            cell.likely = index.exactly(cell)
            continue
        cell.likely = index.like(cell.text, cell.unit)
        near = f"{table.caption} {table.head(cell)} {' '.join(table.rows[cell.row])}"
        if not cell.likely and cell.unit == "万元" and "%" in near:
            cell.likely = index.like(cell.text, "%")
    for cell in table.cells:
        mine = {index.parts[name][0] for name in cell.likely if index.parts[name][1] in cell.keys}
        tables.update(mine)
    for cell in table.cells:
        if cell.likely:
            cell.node = index.by_key(table, cell, tables)
    for cell in table.cells:
        cell.node = cell.node or _added(cell, table.cells, index, made)
        if cell.node:
            made.found.append(cell.node)
            _mark(parts, cell.part, cell.node)
        else:
            label = " ".join([table.caption, table.head(cell), *table.rows[cell.row][:1]])
            made.missing.append(f"{label}: {cell.text}")
    return set(tables)


def _added(cell: _Cell, cells: list[_Cell], index: _Index, made: Linked) -> str:
    """A sum, difference or share of other cells of its column or row, as a node of its own."""
    nodes = made.data["nodes"]
    divisor = _SHOWN["万元"].get(cell.unit or "万元", 1.0)
    shown = float(cell.text.replace(",", "").replace("−", "-").lstrip("+"))
    digits = len(cell.text.partition(".")[2])

    def same(value: float, divisor: float = divisor) -> bool:
        if cell.exact:
            return math.isclose(abs(value) / divisor, abs(float(cell.exact)), abs_tol=1e-9)
        return f"{abs(value) / divisor:.{digits}f}" == f"{abs(shown):.{digits}f}"

    lines = [
        [c for c in cells if c.column == cell.column and c.row < cell.row and c.node],
        [c for c in cells if c.row == cell.row and c.column < cell.column and c.node],
    ]
    for line in lines:
        for start in range(len(line)):
            parts = [c.node for c in line[start:]]
            value = math.fsum(nodes[p]["value"] for p in parts)
            if len(parts) > 1 and same(value):
                return _node(made, index, value, "sum", {"parts": parts}, nodes[parts[0]]["unit"])
    for line in lines:
        for a in line:
            for b in line:
                first, second = nodes[a.node]["value"], nodes[b.node]["value"]
                if a is b:
                    continue
                if same(first - second):
                    inputs = {"first": a.node, "second": b.node}
                    return _node(made, index, first - second, "gap", inputs, "万元")
                for formula, value, inputs in (
                    ("share", first / second * 100 if second else math.nan,
                     {"part": a.node, "whole": b.node}),
                    ("growth", (first / second - 1) * 100 if second else math.nan,
                     {"level": a.node, "before": b.node}),
                ):  # fmt: skip
                    if math.isfinite(value) and cell.unit in ("%", "") and same(value, 1.0):
                        return _node(made, index, value, formula, inputs, "%")
    return ""


def _node(
    made: Linked, index: _Index, value: float, formula: str, inputs: dict[str, Any], unit: str
) -> str:
    """A figure that the page itself works out of others."""
    name = f"page.{formula}[{len(made.data['nodes'])}]"
    label = say("present.explain_of_page")
    made.data["nodes"][name] = {
        "value": value, "how": "formula", "unit": unit, "figure": True, "formula": formula,
        "name": {"zh": label.zh, "en": label.en}, "inputs": inputs,
    }  # fmt: skip
    made.data["formulas"].setdefault(formula, formula_json(formula))
    index.words[name], index.parts[name] = ["?"], _parts(name)
    index.pieces[name] = [index.parts[name][2]]
    return name


def _mark(parts: list[str], at: int, node: str) -> None:
    shown = html_.escape(node, quote=True)
    parts[at] = (
        f'<span class="fm-fig" tabindex="0" role="button" data-fm="{shown}">{parts[at]}</span>'
    )


# ---- sentences ----


def _sentences(
    parts: list[str], index: _Index, made: Linked, sections: Mapping[int, set[str]]
) -> None:
    """Numbers with a unit, or with decimals, in running text of the page's body."""
    skip, tables = 0, sections[0]
    body = False
    table = 0
    for n, part in enumerate(parts):
        tables = sections.get(n, tables)
        if part.startswith("<"):
            tag = part[1:].split(None, 1)[0].rstrip(">").lower()
            body = body or tag == "main"
            body = body and tag != "/main"
            if tag in ("style", "script", "title", "pre", "code", "caption", "thead"):
                skip += 1
            elif tag in ("/style", "/script", "/title", "/pre", "/code", "/caption", "/thead"):
                skip -= 1
            table += (tag == "table") - (tag == "/table")
            continue
        if skip or not body or "fm-fig" in part or not part.strip():
            continue
        parts[n] = _in_text(part, index, made, bool(table), tables)


def _in_text(text: str, index: _Index, made: Linked, in_table: bool, tables: Container[str]) -> str:
    made_parts, end = [], 0
    constants = _CONSTANT.search(text)
    for match in _NUMBER.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        token = match[0]
        unit = _UNIT.match(after)
        plain = "." not in token and "," not in token
        if _NOT_AFTER.match(after) or _NOT_BEFORE.search(before) or (plain and unit is None):
            continue
        if in_table and unit is None:
            continue
        if constants and constants.start() <= match.start() < constants.end():
            continue
        shown = {"个百分点": "%", "percentage points": "%"}.get(unit[1], unit[1]) if unit else ""
        found = index.like(token, shown) or (index.like(token, "") if not shown else [])
        if not found:
            made.missing.append(f"{text[max(0, match.start() - 24) : match.end() + 8]}")
            continue
        node = index.best(found, text[max(0, match.start() - 40) : match.end() + 12], tables)
        made.found.append(node)
        name = html_.escape(node, quote=True)
        made_parts += [text[end : match.start()],
                       f'<span class="fm-fig" tabindex="0" role="button" data-fm="{name}">',
                       token, "</span>"]  # fmt: skip
        end = match.end()
    return "".join([*made_parts, text[end:]])
