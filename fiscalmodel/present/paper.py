"""What a report says, read from its executed notebook: the one content of Word, PDF and Excel.

The page shows the notebook's outputs; the other formats are made from the same outputs, so that
no figure of one can differ from another's. Tables carry the exact number behind each rounded one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

import pandas as pd

from fiscalmodel.display import TableView, exact
from fiscalmodel.present.page import PageHead, alt_of, markdown_to_html, report_cells, shown
from fiscalmodel.words import say

#: The label of the row or column that pandas sums up.
ALL = "All"
_DIGITS = ("", *"一二三四五六七八九")


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text and, behind a number, the exact value."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Grid:
    """A table as it is shown.

    Attributes
    ----------
    title, unit, number
        Caption without its number, unit line, and number among the report's tables (0: none).
    heads, keys
        Head and English name of each column.
    rows, row_keys
        The cells, and the first cell of each row as it was before it was put into words.
    notes
        Lines under the table.
    sheet
        Name of its sheet in a workbook; its label by default.
    """

    title: str
    unit: str
    heads: tuple[str, ...]
    keys: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    row_keys: tuple[str, ...]
    notes: tuple[str, ...] = ()
    number: int = 0
    sheet: str = ""

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each column holds numbers."""
        return tuple(
            any(row[i].value is not None for row in self.rows) for i in range(len(self.heads))
        )

    def label(self, lang: str) -> str:
        """Number and title."""
        if not self.number:
            return self.title
        return f"{say('present.table_number', number=self.number)(lang)}　{self.title}"


def grid_of(frame: pd.DataFrame, sheet: str, lang: str, **options: Any) -> Grid:
    """A frame as `show` shows it, whole, on a sheet of its own; `options` are those of `show`."""
    view = TableView(frame, lang, rows=len(frame) + 1, **options)
    rows = tuple(
        tuple(Cell(text, exact(number)) for text, number in zip(texts, numbers, strict=True))
        for texts, numbers in zip(
            view.cells.itertuples(index=False, name=None), view.values, strict=True
        )
    )
    unit = say("present.unit", unit=view.unit)(lang) if view.unit else ""
    heads, keys = tuple(map(str, view.cells.columns)), tuple(view.keys)
    return Grid(sheet, unit, heads, keys, rows, tuple(view.row_keys), sheet=sheet)


@dataclass(frozen=True)
class Heading:
    """A heading of level 1, 2 or 3 with its number, as 一、 or （一）."""

    level: int
    text: str
    number: str = ""


@dataclass(frozen=True)
class Passage:
    """Paragraphs of one kind: ``answer``, ``notes`` (a list), ``note`` (small print), ``text``.

    A paragraph is a row of runs: a text, and whether it is in bold.
    """

    kind: str
    lines: tuple[tuple[tuple[str, bool], ...], ...]


@dataclass(frozen=True)
class Picture:
    """A chart: the picture, and what it says."""

    png: bytes = field(repr=False)
    alt: str = ""


Block = Heading | Passage | Grid | Picture


@dataclass(frozen=True)
class Paper:
    """A report: what stands above it, and its blocks in order."""

    head: PageHead
    blocks: tuple[Block, ...]

    @property
    def grids(self) -> tuple[Grid, ...]:
        """Its tables."""
        return tuple(block for block in self.blocks if isinstance(block, Grid))


def read_paper(notebook_text: str, head: PageHead) -> Paper:
    """The content of an executed notebook, numbered as an official paper.

    Parameters
    ----------
    notebook_text
        The notebook as JSON text.
    head
        What stands above and below it.
    """
    counts, tables, blocks = [0, 0, 0], 0, list[Block]()
    for block in _blocks(notebook_text, head.lang):
        if isinstance(block, Heading):
            counts[block.level - 1 :] = [counts[block.level - 1] + 1, *[0] * (3 - block.level)]
            block = replace(block, number=heading_number(counts, block.level, head.lang))
        elif isinstance(block, Grid) and block.title:
            tables += 1
            block = replace(block, number=tables)
        blocks.append(block)
    return Paper(head, tuple(blocks))


def heading_number(counts: list[int], level: int, lang: str = "zh") -> str:
    """一、 then （一） then 1. in Chinese; 1, 1.1, 1.1.1 in English.

    >>> heading_number([2, 0, 0], 1), heading_number([2, 11, 0], 2), heading_number([2, 1, 3], 3)
    ('二、', '（十一）', '3.')
    """
    if lang == "en":
        return ".".join(map(str, counts[:level])) + " "
    tens, ones = divmod(counts[level - 1], 10)
    ten = "" if not tens else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    count = f"{ten}{_DIGITS[ones]}"
    return (f"{count}、", f"（{count}）", f"{counts[level - 1]}.")[level - 1]


def _blocks(notebook_text: str, lang: str) -> Iterator[Block]:
    for cell in report_cells(notebook_text, lang):
        if cell.cell_type == "markdown":
            yield from _of_html(markdown_to_html(cell.source))
            continue
        for output in cell.outputs:
            yield from _of_output(output)


def _of_output(output: Any) -> Iterator[Block]:
    """The block or blocks of an output."""
    kind, content = shown(output)
    if kind == "png":
        yield Picture(base64.b64decode(content), alt_of(output))
    elif kind in ("html", "markdown"):
        yield from _of_html(content if kind == "html" else markdown_to_html(content))
    elif lines := tuple(((line, False),) for line in content.split("\n") if line.strip()):
        yield Passage("text", lines)


def _of_html(html: str) -> list[Block]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.blocks


class _Reader(HTMLParser):
    """Blocks from the HTML of `display` and of Markdown; of other HTML its texts and tables."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self.kind = "text"
        self.runs: list[tuple[str, bool]] = []
        self.bold = self.hidden = 0
        self.grid: dict[str, Any] | None = None
        self.span = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        self.hidden += tag in ("style", "script")
        if tag == "table":
            self._paragraph()
            self.grid = {"title": "", "unit": "", "heads": [], "keys": [], "rows": [], "of": []}
        elif self.grid is not None:
            self._in_table(tag, given, classes)
        elif tag in ("p", "li", "h1", "h2", "h3", "h4", "div", "blockquote", "ul", "ol", "br"):
            self._paragraph()
            if tag == "blockquote":
                self.kind = "answer"
            elif tag in ("ul", "ol"):
                self.kind = "notes"
            elif tag == "p" and "fm-note" in classes:
                self.kind = "note"
        elif tag in ("strong", "b"):
            self.bold += 1

    def _in_table(self, tag: str, given: dict[str, str], classes: list[str]) -> None:
        assert self.grid is not None
        if tag == "tr":
            self.grid["row"], self.grid["row_key"] = [], given.get("data-key", "")
        elif tag in ("th", "td"):
            self.span = tag
            self.grid["text"], self.grid["key"] = "", given.get("data-key", "")
            stated = given.get("data-v")
            self.grid["value"] = None if stated is None else float(stated)
        elif tag in ("caption", "span"):
            self.span = "unit" if "fm-unit" in classes else "title"

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("style", "script")
        grid = self.grid
        if grid is None:
            if tag in ("p", "li", "blockquote", "div", "ul", "ol"):
                self._paragraph()
                if tag in ("blockquote", "ul", "ol", "p") and not (
                    tag == "p" and self.kind in ("answer", "notes")
                ):
                    self.kind = "text"
            elif tag in ("h1", "h2", "h3", "h4"):
                text = "".join(run for run, _ in self.runs).strip()
                self.runs = []
                # The page's own title is the first level; a section is the second there.
                level = min(max(int(tag[1]) - 1, 1), 3)
                self.blocks += [Heading(level, text)] if text else []
            elif tag in ("strong", "b"):
                self.bold = max(self.bold - 1, 0)
        elif tag in ("th", "td"):
            self._cell(tag)
        elif tag == "tr" and grid["row"]:
            grid["rows"].append(tuple(grid["row"]))
            grid["of"].append(grid["row_key"])
        elif tag == "table":
            self._table()

    def _cell(self, tag: str) -> None:
        assert self.grid is not None
        text = self.grid["text"].strip()
        if tag == "th" and not self.grid["rows"]:
            self.grid["heads"].append(text)
            self.grid["keys"].append(self.grid["key"])
        else:
            self.grid["row"].append(Cell(text, self.grid["value"]))
        self.span = ""

    def _table(self) -> None:
        assert self.grid is not None
        g, self.grid = self.grid, None
        width = max([len(g["heads"]), *map(len, g["rows"])], default=0)
        rows = tuple(row + (Cell(""),) * (width - len(row)) for row in g["rows"])
        heads = (*g["heads"], *[""] * (width - len(g["heads"])))
        keys = (*g["keys"], *[""] * (width - len(g["keys"])))
        if rows:
            title, unit = g["title"].strip(), g["unit"].strip()
            self.blocks.append(Grid(title, unit, heads, keys, rows, tuple(g["of"])))

    def handle_data(self, data: str) -> None:
        if self.hidden:
            return
        if self.grid is None:
            text = data.replace("\n", " ") if data.strip() else ""
            if text:
                self.runs.append((text, bool(self.bold)))
        elif self.span in ("th", "td"):
            self.grid["text"] += data
        elif self.span in ("title", "unit"):
            self.grid[self.span] += data

    def close(self) -> None:
        super().close()
        self._paragraph()

    def _paragraph(self) -> None:
        """What was read since the last paragraph joins the passage before it, if of its kind."""
        runs, self.runs = tuple(self.runs), []
        if not any(text.strip() for text, _ in runs):
            return
        last = self.blocks[-1] if self.blocks else None
        if self.kind == "note" and isinstance(last, Grid):
            texts = "".join(text for text, _ in runs)
            self.blocks[-1] = replace(last, notes=(*last.notes, texts))
        elif isinstance(last, Passage) and last.kind == self.kind:
            self.blocks[-1] = replace(last, lines=(*last.lines, runs))
        else:
            self.blocks.append(Passage(self.kind, (runs,)))
