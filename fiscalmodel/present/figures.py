"""Figures of a page that explain themselves: each number is set to the figure that it shows.

A page shows figures in 万元, 亿元, 元 or %, rounded, in tables and in sentences. Each is looked
for among the figures of an explain file by its value as shown; where several agree, the
headers, the row and the words around it decide. What a table itself adds up becomes a figure
of its own. A figure that is found nowhere is told, never guessed at.
"""

from __future__ import annotations

import html as html_
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fiscalmodel.present.page import asset
from fiscalmodel.words import Text, bare, say

#: How much of a unit one of another is: figure's unit -> unit shown -> divisor.
_SHOWN = {
    "万元": {"万元": 1.0, "亿元": 1e4, "万亿元": 1e8, "元": 1e-4},
    "分": {"元": 100.0, "万元": 1e6, "亿元": 1e10},
    "%": {"%": 1.0},
}
_NUMBER = re.compile(r"[-+−–]?\d[\d,]*(?:\.\d+)?")
_UNIT = re.compile(r"\s*(万亿元|亿元|万元|元|个百分点|percentage points|%)")
_TAG = re.compile(r"(<[^>]*>)", re.DOTALL)
#: What follows or leads a number that is no figure: days, years, counts, levels of bands.
_NOT_AFTER = re.compile(
    r"\s*(年|月|日|号|-\d|[./]\d{2}\b|个|笔|家|份|项|次|条|行|期|名|-year|years?\b|\s*%?\s*(区间|下限|上限|band|lower|upper|bound))"
)
_NOT_BEFORE = re.compile(r"(\d{4}[-/.]|\d{4}-\d\d-|[A-Za-z][\w-]*-?|第|No\.? ?|〔|〕|表|#)$")
#: What a note on rounding says of every report.
_CONSTANT = re.compile(r"1至2万元|1 (to|or) 2 万元")
_YEAR = re.compile(r"(?:19|20)\d\d$")
_PLAIN_HEADS = {"year", "年份", "年度", "序号", "顺序", "order", "行", "count", "期限（年）"}


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
    """A figure of a table: where its text begins among the page's parts, and its node."""

    part: int
    row: int
    column: int
    text: str
    unit: str
    node: str = ""


class _Index:
    """Figures by how they look, made for each unit and number of decimals once."""

    def __init__(self, nodes: Mapping[str, Any], lang: str) -> None:
        self.nodes, self.lang = nodes, lang
        self.known: dict[tuple[str, int], dict[str, list[str]]] = {}
        self.words = {name: bare(node["name"][lang]) for name, node in nodes.items()}
        self.keys: dict[str, list[str]] = {}

    def like(self, text: str, unit: str) -> list[str]:
        """Nodes that a number may show; the sign may be said in words."""
        plain = text.replace(",", "").lstrip("+-−–")
        digits = len(plain.partition(".")[2])
        units = [unit] if unit else ["万元", "%", "亿元", "元", "bp", ""]
        found: list[str] = []
        for one in units:
            if (one, digits) not in self.known:
                table: dict[str, list[str]] = {}
                for name, node in self.nodes.items():
                    divisor = _SHOWN.get(node["unit"], {}).get(one, 1.0 if not one else None)
                    if divisor is not None:
                        shown = f"{abs(node['value']) / divisor:.{digits}f}"
                        table.setdefault(shown, []).append(name)
                self.known[one, digits] = table
            found += self.known[one, digits].get(plain, [])
        return found or self._without_unit(plain, digits)

    def _without_unit(self, plain: str, digits: int) -> list[str]:
        """Scores, multiples and counts stand in a table of amounts as well."""
        if ("bare", digits) not in self.known:
            table: dict[str, list[str]] = {}
            for name, node in self.nodes.items():
                if not node["unit"]:
                    table.setdefault(f"{abs(node['value']):.{digits}f}", []).append(name)
            self.known["bare", digits] = table
        return self.known["bare", digits].get(plain, [])

    def best(self, names: Iterable[str], around: str, *heads: str) -> str:
        """The likeliest of several by the words around; figures of tables before their inputs."""
        listed = list(names)
        if len(listed) == 1:
            return listed[0]
        near, keys = bare(around), [bare(h) for h in heads if h]

        def score(name: str) -> float:
            node = self.nodes[name]
            points = 2.0 if node.get("figure") else 0.0
            column, _, key = self.words[name].partition(" ")
            text = self.words[name]
            points += sum(4.0 for head in keys if head and (head in text or column in head))
            key = name.partition("[")[2].rstrip("]")
            if key not in self.keys:
                self.keys[key] = [bare(part) for part in re.split(r"[/ ]", key) if part]
            points += sum(3.0 for part in self.keys[key] if part in near)
            points += 1.5 if column and column[:4] in near else 0.0
            return points - 0.001 * len(key)

        return max(listed, key=score)


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
    _tables(parts, index, made)
    _sentences(parts, index, made)
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
    hows = {how: say(f"scenario.how.{how}")(lang) for how in {n["how"] for n in kept.values()}}
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


def _tables(parts: list[str], index: _Index, made: Linked) -> None:
    heads: list[str] = []
    caption = section = ""
    rows: list[list[str]] = []
    cells: list[_Cell] = []
    inside = inside_head = False
    where = ""
    for n, part in enumerate(parts):
        if part.startswith("<"):
            tag = part[1:].split(None, 1)[0].rstrip(">").lower()
            if tag == "table":
                inside, heads, caption, rows, cells = True, [], "", [], []
            elif tag == "/table":
                _resolve(parts, cells, rows, heads, f"{section} {caption}", index, made)
                inside = False
            elif tag in ("thead", "/thead"):
                inside_head = tag == "thead"
            elif tag == "tr" and inside and not inside_head:
                rows.append([])
            elif tag in ("td", "th"):
                where = tag if not (tag == "th" and inside_head) else "head"
                if inside and where == "head":
                    heads.append("")
                elif inside and rows:
                    rows[-1].append("")
            elif tag in ("/td", "/th"):
                where = ""
            elif tag in ("caption", "/caption"):
                where = "caption" if tag == "caption" else ""
            elif tag in ("h1", "h2", "h3", "/h1", "/h2", "/h3"):
                where = "section" if tag[0] == "h" else ""
            continue
        text = html_.unescape(part).strip()
        if not text:
            continue
        if where == "section":
            section = text
        elif where == "caption":
            caption += text
        elif where == "head" and heads:
            heads[-1] += text
        elif inside and where in ("td", "th") and rows:
            rows[-1][-1] += text
            if where == "td" and _NUMBER.fullmatch(text):
                column = len(rows[-1]) - 1
                head = heads[column] if column < len(heads) else ""
                if head in _PLAIN_HEADS or (_YEAR.fullmatch(text) and "," not in text):
                    continue
                unit = _unit_of(head) or _unit_of(rows[-1][0].rstrip("%")) or _unit_of(caption)
                cells.append(_Cell(n, len(rows) - 1, column, text, unit))


def _unit_of(text: str) -> str:
    found = re.search(r"[（(：:]\s*(万亿元|亿元|万元|元|%)[）)]?|%$", text)
    if not found:
        return ""
    return found[1] or "%"


def _resolve(
    parts: list[str],
    cells: list[_Cell],
    rows: list[list[str]],
    heads: list[str],
    around: str,
    index: _Index,
    made: Linked,
) -> None:
    """Node of each figure of a table; what the table adds up comes after its parts."""
    left: list[_Cell] = []
    for cell in cells:
        head = heads[cell.column] if cell.column < len(heads) else ""
        row = [text for text in rows[cell.row] if not _NUMBER.fullmatch(text)]
        years = [text for text in rows[cell.row] if _YEAR.fullmatch(text)]
        near = " ".join([around, head, *row, *years])
        found = index.like(cell.text, cell.unit)
        if not found and cell.unit == "万元":
            found = index.like(cell.text, "%") if "%" in near else []
        if found:
            cell.node = index.best(found, near, re.sub(r"[（(].*?[）)]", "", head), *row[:1])
        else:
            left.append(cell)
    for cell in left:
        cell.node = _added(cell, cells, index, made)
        if not cell.node:
            label = " ".join([around, heads[cell.column] if cell.column < len(heads) else "",
                              *rows[cell.row][:1]])  # fmt: skip
            made.missing.append(f"{label}: {cell.text}")
    for cell in cells:
        if cell.node:
            made.found.append(cell.node)
            _mark(parts, cell.part, cell.node)


def _added(cell: _Cell, cells: list[_Cell], index: _Index, made: Linked) -> str:
    """A sum, difference or share of other cells of its column or row, as a node of its own."""
    nodes = made.data["nodes"]
    divisor = _SHOWN["万元"].get(cell.unit or "万元", 1.0)
    shown = float(cell.text.replace(",", "").replace("−", "-").lstrip("+"))
    digits = len(cell.text.partition(".")[2])

    def same(value: float) -> bool:
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
                    if (
                        math.isfinite(value)
                        and cell.unit in ("%", "")
                        and (f"{abs(value):.{digits}f}" == f"{abs(shown):.{digits}f}")
                    ):
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
    said = say(f"scenario.formula.{formula}")
    from fiscalmodel.scenario.graph import FORMULAS

    made.data["formulas"].setdefault(
        formula, {"expression": FORMULAS[formula], "zh": said.zh, "en": said.en}
    )
    index.words[name] = ""
    return name


def _mark(parts: list[str], at: int, node: str) -> None:
    shown = html_.escape(node, quote=True)
    parts[at] = (
        f'<span class="fm-fig" tabindex="0" role="button" data-fm="{shown}">{parts[at]}</span>'
    )


# ---- sentences ----


def _sentences(parts: list[str], index: _Index, made: Linked) -> None:
    """Numbers with a unit, or with decimals, in running text of the page's body."""
    skip = 0
    body = False
    table = 0
    for n, part in enumerate(parts):
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
        parts[n] = _in_text(part, index, made, bool(table))


def _in_text(text: str, index: _Index, made: Linked, in_table: bool) -> str:
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
        node = index.best(found, text[max(0, match.start() - 40) : match.end() + 12])
        made.found.append(node)
        name = html_.escape(node, quote=True)
        made_parts += [text[end : match.start()],
                       f'<span class="fm-fig" tabindex="0" role="button" data-fm="{name}">',
                       token, "</span>"]  # fmt: skip
        end = match.end()
    return "".join([*made_parts, text[end:]])


def resolved(linked: Linked) -> Text:
    """How many figures of a page are set to their node, and how many are not."""
    return say("present.explain_resolved", found=len(linked.found), missing=len(linked.missing))
