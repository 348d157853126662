"""The workbook of a report: a sheet for each of its tables, with formulas, ready to print."""

from __future__ import annotations

import io
from collections.abc import Mapping
from math import isclose
from typing import Any

from fiscalmodel.display import text_width, word
from fiscalmodel.present.live import Place, formulas
from fiscalmodel.present.paper import Cell, Grid, Heading, Paper, Passage
from fiscalmodel.present.workbook import OPTIONS, Writer, letter, sheet_name
from fiscalmodel.words import say

#: Rows above a table: title, unit line, heads.
_TOP = 3
_A4, _LANDSCAPE_FROM = 9, 6


def paper_workbook(paper: Paper, live: Mapping[int, Mapping[Place, str]] | None = None) -> bytes:
    """A report's tables as an xlsx file: what follows from other cells is a formula.

    The first sheet holds what the report says in words; each table has a sheet of its own with
    title, unit, heads that repeat on every page, notes and a print area of A4's width.

    Parameters
    ----------
    live
        Of forms, which have no sheet of words: number of a table -> formulas of its cells beside
        those that `formulas` finds; ``{0}`` stands for the name of the first table's sheet.
    """
    import xlsxwriter

    head, buffer = paper.head, io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    book.set_properties({"title": head.title, "created": head.made_on, "category": head.mark})
    writer, taken = Writer(book, head.lang), set[str]()
    if live is None:
        taken.add(say("present.sheet_summary")(head.lang).casefold())
        _words(writer, paper)
    section, shown = head.title, list[tuple[Grid, str]]()
    for block in paper.blocks:
        if isinstance(block, Heading):
            section = block.text
        elif isinstance(block, Grid) and any(block.numeric):
            shown.append((block, block.label(head.lang) if block.title else section))
    names = [sheet_name(block.sheet or title, taken) for block, title in shown]
    known: dict[tuple[str, str], tuple[float, str]] = {}
    for n, (block, title) in enumerate(shown):
        found = {at: text.format(*names) for at, text in (live or {}).get(n, {}).items()}
        _table(writer, block, title, names[n], head.mark, known, found)
    book.close()
    return buffer.getvalue()


def _words(writer: Writer, paper: Paper) -> None:
    """The sheet of words: title, mark, and every passage under its heading."""
    head = paper.head
    at = writer.book.add_worksheet(say("present.sheet_summary")(head.lang))
    at.set_column(0, 0, 78)
    writer.text(at, 0, 0, head.title, bold=True, font_size=16, align="center")
    at.set_row(0, 26)
    writer.text(at, 1, 0, "　".join(filter(None, (head.mark, head.meta))), align="center")
    row = 2
    if head.warning:
        look = {"bg_color": "#FFF4E0", "font_color": "#D55E00"}
        writer.text(at, row, 0, head.warning, bold=True, text_wrap=True, **look)
        row += 1
    for block in paper.blocks:
        if isinstance(block, Heading):
            writer.text(at, row, 0, f"{block.number}{block.text}", bold=True, font_size=12)
            row += 1
        elif isinstance(block, Passage):
            for line in block.lines:
                text = "".join(run for run, _ in line)
                writer.text(at, row, 0, text, text_wrap=True)
                row += 1
        elif isinstance(block, Grid):
            writer.text(at, row, 0, block.label(head.lang), font_color="#555555")
            row += 1
    _page(at, head.mark, row - 1, 0, landscape=False)


def _table(
    writer: Writer, grid: Grid, title: str, name: str, mark: str,
    known: dict[tuple[str, str], tuple[float, str]], given: Mapping[Place, str],
) -> None:  # fmt: skip
    at, width = writer.book.add_worksheet(name), len(grid.heads)
    look = {"bold": True, "font_size": 14, "align": "center", "valign": "vcenter"}
    if width > 1:
        at.merge_range(0, 0, 0, width - 1, "", writer.form(**look))
    writer.text(at, 0, 0, title, **look)
    at.set_row(0, 26)
    writer.text(at, 1, width - 1, grid.unit, align="right")
    border = {"border": 1, "border_color": "#8A9099"}
    wide = 0.0
    for column, text in enumerate(grid.heads):
        look = {"bold": True, "bg_color": "#F0F4F8", "align": "center", "valign": "vcenter"}
        writer.text(at, _TOP - 1, column, text, text_wrap=True, **look, **border)
        texts = [row[column].text for row in grid.rows]
        room = _column_width(text, texts, grid.numeric[column])
        at.set_column(column, column, room)
        wide += room
    live = {**formulas(grid, cell_name), **given}
    links = _links(grid, known)
    for row, cells in enumerate(grid.rows):
        for column, cell in enumerate(cells):
            formula = live.get((row, column)) or links.get((row, column))
            _write(writer, at, (row, column), cell, formula, grid.keys[column], border)
    _remember(grid, name, known)
    end = _TOP + len(grid.rows)
    for text in grid.notes:
        writer.text(at, end, 0, text, font_size=9)
        end += 1
    at.freeze_panes(_TOP, 1)
    end = _chart(writer, at, grid, name, end, wide)
    _page(at, mark, end, width - 1, landscape=width >= _LANDSCAPE_FROM)


def _write(
    writer: Writer, at: Any, place: Place, cell: Cell, formula: str | None, key: str,
    border: dict[str, Any],
) -> None:  # fmt: skip
    row, column = place[0] + _TOP, place[1]
    if cell.value is None:
        look = {"align": "center"} if cell.text in ("—", "√") else {"text_wrap": True}
        writer.text(at, row, column, cell.text, **look, **border)
        return
    decimals = len(cell.text.partition(".")[2].rstrip("%"))
    plain = key.endswith("year") or ("," not in cell.text and not decimals and cell.value >= 1000)
    shown = "0" if plain else "#,##0" + ("." + "0" * decimals if decimals else "")
    form = writer.form(num_format=shown, **border)
    if formula:
        at.write_formula(row, column, f"={formula}", form, cell.value)
    else:
        at.write_number(row, column, cell.value, form)


#: A figure of one table that is a figure of an earlier one.
_SAME = {
    "revenue_wan": ("scenario_wan",),
    "usable_wan": ("available_wan",),
    "resources_wan": ("income_total_wan",),
    "money_wan": ("income_total_wan",),
}


def _by_year(grid: Grid) -> list[tuple[Place, str, str]]:
    """Place, figure and year of each number of a table by year, whichever way it lies."""
    if "year" in grid.keys:
        years = [row[grid.keys.index("year")].text for row in grid.rows]
        return [
            ((r, c), key, years[r]) for r in range(len(grid.rows))
            for c, key in enumerate(grid.keys) if key != "year"
        ]  # fmt: skip
    if not any(key.endswith("_wan") for key in grid.row_keys):
        return []
    return [
        ((r, c), key, grid.heads[c])
        for r, key in enumerate(grid.row_keys) for c in range(1, len(grid.heads))
    ]  # fmt: skip


def _links(grid: Grid, known: dict[tuple[str, str], tuple[float, str]]) -> dict[Place, str]:
    """Cells that repeat a figure of an earlier sheet point to it."""
    found: dict[Place, str] = {}
    for place, key, year in _by_year(grid):
        value = grid.rows[place[0]][place[1]].value
        for name in (key, *_SAME.get(key, ())):
            stored, where = known.get((name, year), (None, ""))
            if value is not None and stored is not None and isclose(stored, value, rel_tol=1e-12):
                found[place] = where
                break
    return found


def _remember(grid: Grid, name: str, known: dict[tuple[str, str], tuple[float, str]]) -> None:
    for place, key, year in _by_year(grid):
        value = grid.rows[place[0]][place[1]].value
        if value is not None and key.endswith("_wan"):
            known.setdefault((key, year), (value, f"'{name}'!{cell_name(place)}"))


def _chart(writer: Writer, at: Any, grid: Grid, name: str, end: int, wide: float) -> int:
    """Revenue with its bands, where a table holds them; returns the last row taken."""
    rows = {key: row + _TOP for row, key in enumerate(grid.row_keys)}
    if not {"linked_wan", "scenario_wan", "lo-80", "hi-80"} <= rows.keys():
        return end
    last, top = len(grid.heads) - 1, _TOP + len(grid.rows) + 2
    aside = _band(writer, at, grid, rows, top)
    lines = writer.book.add_chart({"type": "line"})
    area = writer.book.add_chart({"type": "area", "subtype": "stacked"})
    categories = [name, _TOP - 1, 1, _TOP - 1, last]
    none = {"none": True}
    for row, fill in ((top, none), (top + 1, {"color": "#D55E00", "transparency": 70})):
        area.add_series(
            {
                "name": [name, row, aside],
                "categories": categories,
                "values": [name, row, aside + 1, row, aside + last],
                "fill": fill,
                "border": none,
            }
        )
    for key, color in (("linked_wan", "#0072B2"), ("scenario_wan", "#D55E00")):
        lines.add_series(
            {
                "name": [name, rows[key], 0],
                "categories": categories,
                "values": [name, rows[key], 1, rows[key], last],
                "line": {"color": color, "width": 2},
                "marker": {"type": "circle", "size": 5},
            }
        )
    area.combine(lines)
    area.set_title({"name": grid.title, "name_font": {"size": 12}})
    area.set_legend({"position": "bottom", "delete_series": [0]})
    area.set_y_axis({"num_format": "#,##0", "min": 0})
    # As wide as its table, so that it is not cut where the print area ends.
    area.set_size({"width": max(round(7.2 * wide), 420), "height": 330})
    at.insert_chart(end + 1, 0, area)
    return end + 18


def _band(writer: Writer, at: Any, grid: Grid, rows: dict[str, int], top: int) -> int:
    """Beside the table, outside of what is printed: the band's foot and height by year.

    An area of the foot, unseen, carries one of the height; both begin at the last known figure.
    Returns the column of their names.
    """
    aside = len(grid.heads) + 1
    grey = writer.form(font_color="#8A9099", num_format="#,##0")
    writer.text(at, top, aside, word("lo-80", writer.lang), font_color="#8A9099")
    writer.text(at, top + 1, aside, say("present.band", level=80), font_color="#8A9099")
    for column in range(1, len(grid.heads)):
        known, low, high = (
            grid.rows[rows[key] - _TOP][column].value for key in ("linked_wan", "lo-80", "hi-80")
        )
        foot = rows["lo-80" if low is not None else "linked_wan"] + 1
        where, value = letter(column), known if low is None else low
        if value is None:
            continue
        at.write_formula(top, aside + column, f"={where}{foot}", grey, value)
        if low is not None and high is not None:
            height = f"={where}{rows['hi-80'] + 1}-{where}{foot}"
            at.write_formula(top + 1, aside + column, height, grey, high - low)
        else:
            at.write_number(top + 1, aside + column, 0, grey)
    return aside


def _page(at: Any, mark: str, row: int, column: int, *, landscape: bool) -> None:
    """A4, as wide as the page and as long as it needs, with mark and page numbers."""
    at.set_paper(_A4)
    if landscape:
        at.set_landscape()
    at.fit_to_pages(1, 0)
    at.print_area(0, 0, max(row, _TOP), column)
    if column:
        at.repeat_rows(_TOP - 1)
    at.center_horizontally()
    at.set_margins(left=0.6, right=0.6, top=0.8, bottom=0.7)
    # An ampersand begins a command in headers.
    at.set_header(f"&L&10{mark.replace('&', '&&')}")
    at.set_footer("&C- &P / &N -")


def cell_name(place: Place) -> str:
    """Where a cell of a table's body stands in its sheet."""
    return f"{letter(place[1])}{place[0] + _TOP + 1}"


def _column_width(head: str, texts: list[str], numeric: bool) -> float:
    """Wide enough for the longest number, and for words up to a limit at which they wrap."""
    longest = max(map(text_width, texts), default=0)
    if numeric:
        return max(longest + 2, min(text_width(head) / 2 + 2, 14), 9)
    return min(max(longest + 2, text_width(head) + 2, 8), 40)
