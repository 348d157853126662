"""What stands above a scenario's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fiscalmodel.present.page import PageHead

if TYPE_CHECKING:
    from fiscalmodel.scenario.outcome import Outcome


def report_head(outcome: Outcome, lang: str = "zh") -> PageHead:
    """Title, date and, for synthetic data, the warning."""
    from fiscalmodel import __version__
    from fiscalmodel.scenario.evaluate import SYNTHETIC

    case = outcome.scenario
    span, as_of = case.spec.years, case.spec.as_of.isoformat()
    if lang == "en":
        kicker, meta = "Fiscal scenario report", f"{span.first} to {span.last} · as of {as_of}"
        foot = f"fiscalmodel {__version__} · scenario {case.id}"
    else:
        kicker, meta = "财政情景报告", f"{span.first}–{span.last}年 · 数据截至 {as_of}"
        foot = f"fiscalmodel {__version__} · 情景 {case.id}"
    warning = SYNTHETIC.get(lang) if case.synthetic else ""
    return PageHead(case.name(lang), kicker, meta, warning, foot, lang)
