"""Self-contained HTML: one page from an executed notebook, and the index of a run."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiscalmodel import __version__, days
from fiscalmodel.present.summary import has_hidden, mark_of
from fiscalmodel.units import yuan_text
from fiscalmodel.words import say, tag

if TYPE_CHECKING:
    from fiscalmodel.scenario.load import Scenario

#: Tags of cells that a report leaves out.
_HIDDEN = {"notebook-only", "hide-in-report"}
TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class PageHead:
    """What stands above a report.

    Attributes
    ----------
    title, kicker, meta
        Heading, the line above it, the line below it.
    warning
        Shown in a box; says that data are synthetic. Empty for none.
    foot
        Last line of the page.
    lang
        ``zh`` or ``en``; becomes the page's ``lang``.
    mark
        Whom it is for: 内部资料 where hidden debt is in it.
    day
        Day that the figures are of, as ``2025-12-31``.
    """

    title: str
    kicker: str = ""
    meta: str = ""
    warning: str = ""
    foot: str = ""
    lang: str = "zh"
    mark: str = ""
    day: str = ""

    @property
    def made_on(self) -> dt.datetime:
        """What files say they were made on, so that the same figures give the same bytes."""
        return days.made_on(days.day(self.day))


@cache
def asset(name: str = "report.css") -> str:
    """A style or script of the pages; by default the style of all of them."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def template(name: str) -> Any:
    """A page's template; what is filled in is text and never HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"yuan": yuan_text, "markdown": markdown_to_html}
    return environment.get_template(name)


@cache
def _markdown() -> Any:
    import mistune

    # Texts may hold names from data, so HTML inside Markdown is shown and never obeyed.
    return mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])


def markdown_to_html(text: str) -> str:
    """Markdown as HTML, with any HTML in it escaped."""
    return str(_markdown()(text))


#: What of an output is shown, where it comes in several formats.
_FORMATS = {"text/html": "html", "text/markdown": "markdown", "image/png": "png",
            "text/plain": "text"}  # fmt: skip


def shown(output: Any) -> tuple[str, str]:
    """Kind and content of what a report shows of a cell's output.

    >>> shown({"output_type": "stream", "text": "x"}), shown({"data": {"text/plain": "y"}})
    (('stream', 'x'), ('text', 'y'))
    """
    if output.get("output_type") == "stream":
        return "stream", output["text"]
    if output.get("output_type") == "error":
        return "error", f"{output['ename']}: {output['evalue']}"
    data = output.get("data", {})
    return next(
        ((kind, data[mime]) for mime, kind in _FORMATS.items() if mime in data), ("text", "")
    )


def alt_of(output: Any) -> str:
    """What the picture of an output says."""
    return str(output.get("metadata", {}).get("image/png", {}).get("alt", ""))


def notebook_page(notebook_text: str, head: PageHead) -> str:
    """An executed notebook as one HTML page: code hidden, no address outside the file.

    Parameters
    ----------
    notebook_text
        The notebook as JSON text.
    head
        What stands above and below it.
    """
    cells = report_cells(notebook_text, head.lang)
    page = template("report.html.j2").render(
        head=head, lang=tag(head.lang), css=asset(), cells=cells, shown=shown, alt=alt_of
    )
    return str(page)


@lru_cache(maxsize=4)  # page and workbook of a report ask for the same
def report_cells(notebook_text: str, lang: str) -> list[Any]:
    """The cells of an executed notebook that a report shows, in one language; nobody changes them.

    Left out are cells with the tags ``notebook-only`` and ``hide-in-report``, and headings
    with nothing under them: a chapter whose part a scenario does not give.
    """
    from nbformat import v4

    kept, section = list[Any](), ""
    for cell in v4.reads(notebook_text).cells:
        if _HIDDEN & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            cell.source = one_language(cell.source, lang)
            section = cell.source.lstrip("# ").strip() if _level(cell) else section
        elif cell.cell_type != "code" or not cell.outputs:
            continue
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = _titled(output.data["text/html"], section)
            if "text/markdown" in output.get("data", {}):
                output.data["text/markdown"] = one_language(output.data["text/markdown"], lang)
        kept.append(cell)
    made: list[Any] = []
    for cell in reversed(kept):
        after = _level(made[-1]) if made else 1
        if not 0 < after <= (_level(cell) or 0):
            made.append(cell)
    return made[::-1]


def _titled(html: str, section: str) -> str:
    """Tables without a title take their chapter's, so that each has a number."""
    title = f'<caption><span class="fm-caption">{escape(section)}</span>'
    html = html.replace(
        '<table><caption> <span class="fm-unit">', f'<table>{title} <span class="fm-unit">'
    )
    return html.replace(
        '<div class="fm-table"><table><thead>',
        f'<div class="fm-table"><table>{title}</caption><thead>',
    )


def _level(cell: Any) -> int:
    """Level of a cell that is nothing but a heading; 0 for any other."""
    lines = [line for line in cell.source.split("\n") if line.strip()]
    if cell.cell_type != "markdown" or len(lines) != 1 or not lines[0].startswith("#"):
        return 0
    return len(lines[0]) - len(lines[0].lstrip("#"))


def report_head(case: Scenario, lang: str = "zh") -> PageHead:
    """What stands above a scenario's report: title, date, mark and, for made-up data, a warning."""
    span = case.spec.years
    return PageHead(
        case.name(lang),
        say("present.report")(lang),
        say("present.span", first=span.first, last=span.last, day=case.spec.as_of)(lang),
        say("scenario.synthetic")(lang) if case.synthetic else "",
        say("present.foot", version=__version__, id=case.id)(lang),
        lang,
        mark_of(has_hidden(case), lang),
        case.spec.as_of.isoformat(),
    )


def one_language(markdown: str, lang: str) -> str:
    """The lines of a bilingual text that are in one language.

    A heading ``# 中文 / English`` keeps its half; any other line belongs to the language
    of its first letter. A text in one language only is kept as it is.

    >>> one_language("## 收入 / Revenue\\n**问题**：多少？\\n**Question**: how much?", "en")
    '## Revenue\\n**Question**: how much?'
    """
    lines = markdown.split("\n")
    told = {_language(line) for line in lines if not line.startswith("#")} - {""}
    kept = []
    for line in lines:
        if line.startswith("#") and " / " in line:
            marks, _, rest = line.partition(" ")
            zh, _, en = rest.rpartition(" / ")
            number = re.match(r"\d+ ", zh)
            both = f"{number[0]}{en}" if number and lang == "en" else en if lang == "en" else zh
            kept.append(f"{marks} {both}")
        elif len(told) < 2 or line.startswith("#") or _language(line) in ("", lang):
            kept.append(line)
    return "\n".join(kept)


def _language(line: str) -> str:
    letter = next((c for c in re.sub(r"`[^`]*`", "", line) if c.isalpha()), "")
    return "" if not letter else "zh" if letter >= "\u2e80" else "en"
