"""Self-contained HTML: one page from an executed notebook, and the index of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
    """

    title: str
    kicker: str = ""
    meta: str = ""
    warning: str = ""
    foot: str = ""
    lang: str = "zh"


@cache
def css() -> str:
    """The style of all pages."""
    return (TEMPLATES / "report.css").read_text(encoding="utf-8")


@cache
def _exporter() -> Any:
    # Building the exporter takes most of the time, so one serves all pages of a process.
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    exporter = HTMLExporter(
        config=Config(),
        template_name="report",
        extra_template_basedirs=[str(TEMPLATES)],
        embed_images=True,
        exclude_input=True,
    )
    exporter.register_filter("markdown2html", markdown_to_html)
    return exporter


@cache
def _markdown() -> Any:
    import mistune

    # Texts may hold names from data, so HTML inside Markdown is shown and never obeyed.
    return mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])


def markdown_to_html(text: str) -> str:
    """Markdown as HTML, with any HTML in it escaped."""
    return str(_markdown()(text))


def notebook_page(notebook_text: str, head: PageHead) -> str:
    """An executed notebook as one HTML page: code hidden, no address outside the file.

    Parameters
    ----------
    notebook_text
        The notebook as JSON text.
    head
        What stands above and below it.
    """
    import nbformat

    notebook = nbformat.reads(notebook_text, as_version=4)
    report = {**head.__dict__, "lang": "en" if head.lang == "en" else "zh-CN", "css": css()}
    body, _ = _exporter().from_notebook_node(notebook, resources={"report": report})
    return str(body)


def render(template: str, **values: Any) -> str:
    """A page from one of the package's own templates, autoescaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template(template).render(css=css(), **values)


_WORDS: dict[str, dict[str, str]] = {
    "zh": {
        "title": "财政情景报告",
        "meta": "每个情景：网页报告、Excel 工作簿、已执行的笔记本",
        "synthetic": "合成数据：仅用于演示，不代表任何真实地区。",
        "failed": "该情景未能完成",
        "foot": "数据与参数均列明来源；预测区间旁注明实测覆盖率。",
    },
    "en": {
        "title": "Fiscal scenario reports",
        "meta": "For each scenario: the report, an Excel workbook, the executed notebook",
        "synthetic": "Synthetic data 合成数据: for demonstration only; no real county.",
        "failed": "This scenario did not finish",
        "foot": "Data and parameters name their sources; bands state their measured coverage.",
    },
}


def index_page(groups: Sequence[Mapping[str, Any]], *, lang: str = "zh") -> str:
    """The index of a run.

    Parameters
    ----------
    groups
        One mapping a region: ``region, synthetic, entries``; an entry has
        ``name, ok, lines, links`` (``href, text``) and, where it failed, ``error``.
    """
    from fiscalmodel import __version__

    words = _WORDS["en" if lang == "en" else "zh"]
    return render("index.html.j2", groups=groups, words=words, lang=lang, version=__version__)
