"""The index of all reports: each county's scenarios side by side, from their saved summaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fiscalmodel import __version__
from fiscalmodel.display import YI
from fiscalmodel.present.book import paper_workbook
from fiscalmodel.present.page import PageHead, asset, template
from fiscalmodel.present.paper import Cell, Grid, Heading, Paper
from fiscalmodel.present.summary import FIGURES, mark_of
from fiscalmodel.words import Text, say

#: Rows of the comparison: a figure, or two figures or a fact that stand in one cell.
ROWS = (
    "revenue_wan", "growth_pct", "band", "available_wan", "hidden_wan", "cleared", "missing_wan",
    "tightest", "cost_wan", "quota_wan", "ratio", "commissions_wan",
)  # fmt: skip
#: Changed inputs that are told; of more, only how many.
MOST_INPUTS = 3

Summary = Mapping[str, Any]


def index_page(summaries: Sequence[Summary], *, lang: str = "zh", workbook: str = "") -> str:
    """The comparison of all reports that there are, a table for each county.

    Parameters
    ----------
    summaries
        See `Summary.to_dict`, each with ``links`` (``href, text``) and, where its last run
        failed, ``error``. One without ``figures`` needs ``id, region, name, error``.
    workbook
        Address of `index_workbook`, if it lies beside the page.
    """
    names = ("title", "meta", "failed", "foot", "baseline", "decide", "warnings", "no_warnings",
             "changed", "files", "workbook")  # fmt: skip
    words = {name: say(f"present.index_{name}")(lang) for name in names}
    words["synthetic"] = say("scenario.synthetic")(lang)
    words["item"] = say("present.item")(lang)
    internal = any(summary.get("internal") for summary in summaries)
    groups = [_group(title, mine, lang) for title, mine in _compared(summaries, lang)]
    return str(
        template("index.html.j2").render(
            css=asset(), groups=groups, words=words, lang=lang, version=__version__,
            mark=mark_of(internal, lang), workbook=workbook,
        )
    )  # fmt: skip


def index_workbook(summaries: Sequence[Summary], *, lang: str = "zh") -> bytes:
    """The comparison as an xlsx file: a sheet for each county, differences as formulas.

    Parameters
    ----------
    summaries
        As for `index_page`; what did not finish is left out.
    """
    blocks: list[Heading | Grid] = []
    done = [s for s in summaries if s.get("figures")]
    for number, (title, mine) in enumerate(_compared(done, lang), 1):
        blocks += [Heading(1, title), _grid(title, mine, number, lang)]
    internal = any(summary.get("internal") for summary in summaries)
    title, day = (
        say("present.index_title")(lang),
        max((s.get("as_of", "") for s in summaries), default=""),
    )
    head = PageHead(title, lang=lang, mark=mark_of(internal, lang), day=day)
    return paper_workbook(Paper(head, tuple(blocks)))


def _compared(summaries: Sequence[Summary], lang: str) -> list[tuple[str, list[Summary]]]:
    """The scenarios of each folder, which have one baseline, under the name of their county.

    Where a county has several (the whole area and its own level), each is named by its first.
    """
    groups: dict[tuple[str, str], list[Summary]] = {}
    for summary in sorted(summaries, key=_order):
        groups.setdefault(_home(summary), []).append(summary)
    several = Counter(region for region, _ in groups)
    return [
        (
            say("present.index_group", region=mine[0]["region"][lang], name=mine[0]["name"][lang])(
                lang
            )
            if several[region] > 1
            else mine[0]["region"][lang],
            mine,
        )
        for (region, _), mine in groups.items()
    ]


def _home(summary: Summary) -> tuple[str, str]:
    """Region and folder of a scenario."""
    return summary["region"]["key"], summary["id"].rpartition("/")[0]


def _grid(title: str, summaries: Sequence[Summary], number: int, lang: str) -> Grid:
    """One county: a row for each figure that any scenario gives, then the differences."""
    base, others = summaries[0], summaries[1:]
    names = [summary["name"][lang] for summary in summaries]
    less = [say("present.index_less", name=name, base=names[0])(lang) for name in names[1:]]
    rows, keys = [], []
    for key, (unit, _) in FIGURES.items():
        share = YI if unit == "亿元" else 1
        given = [summary["figures"].get(key) for summary in summaries]
        values = [None if value is None else value / share for value in given]
        if all(value is None for value in values):
            continue
        first = values[0]
        deltas = [None if v is None or first is None else v - first for v in values[1:]]
        name = say(f"present.figure_{key}", last=base["years"][1])(lang)
        # Figures without a unit of their own are in 亿元, as the unit line says.
        rows.append((Cell(name), *map(_number, [*values, *deltas])))
        keys.append(key)
    columns = [f"value_{n}" for n in range(len(names))]
    columns += [f"delta_{n}" for n in range(1, len(others) + 1)]
    return Grid(
        title, say("present.unit", unit="亿元")(lang),
        (say("present.item")(lang), *names, *less), ("", *columns), tuple(rows), tuple(keys),
        number=number,
    )  # fmt: skip


def _number(value: float | None) -> Cell:
    return Cell("—") if value is None else Cell(f"{value:,.2f}", value)


def comparison(summaries: Sequence[Summary], lang: str = "zh") -> list[dict[str, Any]]:
    """The rows of one county: ``name`` and ``cells`` (``text, delta, tone``), a cell a scenario.

    A figure that no scenario gives has no row.
    """
    base = next((s for s in summaries if s.get("figures")), None)
    rows = []
    for key in ROWS:
        cells = [_cell(key, summary, base, lang) for summary in summaries]
        if base is not None and any(cell["text"] != "—" for cell in cells):
            name = say(f"present.figure_{key}", last=base["years"][1])(lang)
            rows.append({"name": name, "cells": cells})
    return rows


def _order(summary: Summary) -> tuple[Any, ...]:
    """Real counties before made-up ones, newer figures before older, the baseline before others."""
    made_up = bool(summary.get("synthetic"))
    age = -int(summary.get("as_of", "0").replace("-", ""))
    return made_up, age, _home(summary), not summary.get("baseline"), summary["id"]


def _group(title: str, summaries: Sequence[Summary], lang: str) -> dict[str, Any]:
    base = next((s for s in summaries if s.get("figures")), None)
    return {
        "region": title,
        "synthetic": any(s.get("synthetic") for s in summaries),
        "heads": [
            {"name": s["name"][lang], "id": s["id"], "base": s is base, "error": s.get("error", ""),
             "as_of": s.get("as_of", ""), "links": s.get("links", ())}
            for s in summaries
        ],
        "rows": comparison(summaries, lang),
        "decisions": [_told(s, "answers", "decide", lang) for s in summaries],
        "warnings": [[text[lang] for text in s.get("warnings", ())] for s in summaries],
        "changes": [_changes(s, lang) if s.get("figures") else [] for s in summaries],
    }  # fmt: skip


def _cell(key: str, summary: Summary, base: Summary | None, lang: str) -> dict[str, str]:
    figures, empty = summary.get("figures") or {}, {"text": "—", "delta": "", "tone": ""}
    if key == "band":
        return {**empty, "text": _pair(figures, "low_wan", "high_wan")}
    if key == "ratio":
        made = _figure("ratio_after_pct", summary, base, lang)
        grades = [_told(summary, "facts", f"grade_{when}", lang) for when in ("before", "after")]
        text = _pair(figures, "ratio_before_pct", "ratio_after_pct", " → ")
        named = " → ".join(dict.fromkeys(grade for grade in grades if grade != "—"))
        return {**made, "text": f"{text}（{named}）" if named and text != "—" else text}
    if key in FIGURES:
        return _figure(key, summary, base, lang)
    told = _told(summary, "facts", key, lang)
    if key != "cleared" or told == "—":
        return {**empty, "text": told}
    return {**empty, "text": told, "tone": "worse" if figures.get("missing_wan") else "better"}


def _figure(key: str, summary: Summary, base: Summary | None, lang: str) -> dict[str, str]:
    """A figure with its difference to the baseline's, in words and with a tone."""
    value = (summary.get("figures") or {}).get(key)
    text, delta, tone = _shown(key, value), "", ""
    other = None if base is None or base is summary else base["figures"].get(key)
    if value is not None and other is not None:
        unit, good = FIGURES[key]
        moved = (value - other) / (YI if unit == "亿元" else 1)
        named = say("present.points") if unit == "%" else Text.of(unit)
        amount = say("present.index_delta", amount=moved, unit=named)
        if abs(moved) < 0.005:
            delta = say("present.index_same")(lang)
        else:
            tone = "" if not good else "better" if moved * good > 0 else "worse"
            delta = say(f"present.index_{tone or 'differs'}", amount=amount)(lang)
    return {"text": text, "delta": delta, "tone": tone}


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value / YI:,.2f}" if FIGURES[key][0] == "亿元" else f"{value:,.2f}"


def _pair(figures: Mapping[str, Any], first: str, second: str, between: str = "–") -> str:
    texts = [_shown(key, figures.get(key)) for key in (first, second)]
    return "—" if "—" in texts else between.join(texts)


def _told(summary: Summary, part: str, key: str, lang: str) -> str:
    return str((summary.get(part) or {}).get(key, {}).get(lang, "—"))


def _changes(summary: Summary, lang: str) -> list[str]:
    """Figures and inputs that differ from the last different run."""
    before = summary.get("previous")
    if not before:
        return [say("present.index_first_run")(lang)]
    told: list[Text] = []
    for key in FIGURES:
        texts = [_shown(key, made["figures"].get(key)) for made in (before, summary)]
        if texts[0] != texts[1]:
            name = say(f"present.figure_{key}", last=summary["years"][1])
            told.append(_change(name, texts[0], texts[1]))
    old, new = before["inputs"], summary["inputs"]
    # A key that is not there and one that says nothing are the same.
    keys = [k for k in dict.fromkeys([*old, *new]) if old.get(k, "—") != new.get(k, "—")]
    for key in keys[:MOST_INPUTS]:
        if key.startswith("file:"):
            told.append(say("present.index_file_changed", name=key.removeprefix("file:")))
        else:
            told.append(_change(Text.of(key), old.get(key, "—"), new.get(key, "—")))
    if len(keys) > MOST_INPUTS:
        told.append(say("present.index_more_inputs", count=len(keys) - MOST_INPUTS))
    return [text(lang) for text in told]


def _change(name: Text, before: str, after: str) -> Text:
    return say("present.index_figure_changed", name=name, before=before, after=after)
