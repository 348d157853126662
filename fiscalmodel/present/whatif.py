"""The what-if page: one file for a county, without any address outside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel import __version__
from fiscalmodel.display import word
from fiscalmodel.present.page import asset, template
from fiscalmodel.scenario.part_balance import spends_first
from fiscalmodel.scenario.whatif import (
    WhatIf,
    changes_of,
    commitments_of,
    deadline_of,
    growths,
    last_level,
    later_steps,
)
from fiscalmodel.words import label, say, tag

_WORDS = (
    "title", "kicker", "lead", "how", "solved", "clears", "fails", "proven_clears", "proven_fails",
    "run_again", "unknown", "nearest", "cost", "cleared_on", "missing", "quota_used", "export",
    "reset",
    "settings", "budget", "plan", "file_name", "run_how", "base", "offline", "no_plan",
)  # fmt: skip
_COLUMNS = (
    "year", "revenue_wan", "growth_pct", "transfers_wan", "available_wan", "shortfall_wan",
    "expenditure_wan", "self_sufficiency_pct", "hidden_wan", "statutory_wan", "interest_wan",
    "repaid_wan", "replaced_wan", "risk_ratio_pct", "grade",
)  # fmt: skip
#: Columns of the balance that stay as they are when sliders move.
_FIXED = (
    "other_resources_wan", "sanbao_need_wan", "statutory_debt_service_wan",
    "other_commitments_wan", "expenditure_wan",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class WhatIfPage:
    """The page as HTML; shows itself in a notebook, in a frame of its own."""

    title: str
    html: str

    def save(self, file: str | Path) -> Path:
        """Write the page to a file, whole or not at all."""
        target = Path(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_text(self.html, encoding="utf-8")
        part.replace(target)
        return target

    def __repr__(self) -> str:
        return f"[page] {self.title}"

    def _repr_html_(self) -> str:
        from markupsafe import escape

        look = "width:100%;height:780px;border:1px solid #dfe4ea"
        return (
            f'<iframe title="{escape(self.title)}" style="{look}" '
            f'sandbox="allow-scripts allow-downloads" srcdoc="{escape(self.html)}"></iframe>'
        )


def what_if_page(asked: WhatIf, lang: str = "zh") -> WhatIfPage:
    """The page of `fiscalmodel.what_if`: sliders, budget and plan, and a scenario to download.

    Parameters
    ----------
    asked
        Its solved settings are carried as they are: no debtor, creditor or contract is in it.
    lang
        ``zh`` or ``en``.
    """
    case = asked.scenario
    words = {name: say(f"present.what_if_{name}")(lang) for name in _WORDS}
    words |= {f"column_{name}": word(name, lang) for name in _COLUMNS}
    words |= {f"slider_{name}": say(f"scenario.slider.{name}")(lang) for name in asked.sliders}
    words |= {f"grade_{g}": label(g, lang, "debt") for g in ("red", "orange", "yellow", "green")}
    page = template("whatif.html.j2")
    data = json.dumps({"lang": lang, "words": words, **_data(asked)}, ensure_ascii=False,
                      separators=(",", ":"))  # fmt: skip
    html = str(page.render(
        title=case.name(lang), words=words, lang=tag(lang),
        warning=say("scenario.synthetic")(lang) if case.synthetic else "",
        mark=say("present.what_if_mark")(lang) if asked.outcome.plan is not None else "",
        css=asset(),
        style=asset("whatif.css"),
        script=asset("whatif.js"),
        data=data.replace("<", "\\u003c"), version=__version__, id=case.id,
    ))  # fmt: skip
    return WhatIfPage(f"{words['title']} · {case.name(lang)}", html)


def _data(asked: WhatIf) -> dict[str, Any]:
    """All that the page works with: baseline, budget, sliders, solved settings, the file's keys."""
    base, case = asked.outcome, asked.scenario
    revenue, balance = base.revenue, base.balance
    assert revenue is not None
    ahead = revenue[revenue["kind"] == "forecast"]
    years = [int(y) for y in ahead["year"]]
    budget: dict[str, Any] = {}
    if balance is not None:
        budget = {c: _plain(balance[c]) for c in ("transfers_wan", *_FIXED) if c in balance}
        if "other_commitments_wan" in budget:
            budget["other_commitments_wan"] = _plain(pd.Series(commitments_of(base)))
    connected = case.spec.debt is not None and case.spec.debt.general_budget_source is not None
    return {
        "years": years,
        "revenue": [float(v) for v in ahead["scenario_wan"]],
        "before": last_level(base),
        "growths": [growths(base)[y] for y in years],
        "steps": [later_steps(base, y) for y in years],
        "budget": budget,
        "connected": connected,
        "spent_first": spends_first(case),
        "planned": base.plan is not None,
        "sliders": [
            {"name": s.name, "places": s.places, "start": s.start,
             "shown": [_shown(asked, s.name, p) for p in s.places]}
            for s in asked.sliders.values()
        ],
        "solved": [
            {**one, "at": list(one["at"].values())} for one in asked.solved
        ],
        "file": {
            "extends": case.file.name, "folder": case.file.parent.as_posix().rpartition("/")[2],
            "zh": case.spec.name("zh"), "en": case.spec.name("en"),
            "stem": case.file.stem, "keys": _keys(asked),
        },
    }  # fmt: skip


def _plain(values: pd.Series[float]) -> list[float | None]:
    return [None if v != v else float(v) for v in values]


def _shown(asked: WhatIf, name: str, place: float) -> str:
    """How a place of a slider is read: a signed number, or the deadline's day."""
    if name == "deadline":
        return str(deadline_of(asked.outcome, place))
    return f"{place:+g}" if place else "0"


def _keys(asked: WhatIf) -> Mapping[str, Any]:
    """What each slider but growth and transfers writes into a scenario, place by place."""
    return {
        name: [
            {k: str(v) if name == "deadline" else v for k, v in
             changes_of(asked.outcome, asked.sliders, {name: place}).items()}
            for place in s.places
        ]
        for name, s in asked.sliders.items() if name not in ("growth", "transfers")
    }  # fmt: skip
