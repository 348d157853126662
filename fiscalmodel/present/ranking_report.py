"""The parts of the national ranking, as notebook 08 shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from fiscalmodel.present.charts_ranking import ranking_chart
from fiscalmodel.present.show import say, show_chart, show_table

ENDS = 8
_HEADERS = {
    "rank": ("名次", "Rank"),
    "scenario": ("情景", "Scenario"),
    "counties": ("县数", "Counties"),
    "counties_short": ("有缺口的县数", "Counties that fall short"),
}


def answer(
    table: pd.DataFrame, national: pd.DataFrame, evaluated: Any, year: int, lang: str = "zh"
) -> None:
    """How many counties have something left, and how many evaluations that took."""
    short = int((table["shortfall_wan"] > 0).sum())
    left = table["available_wan"].sum() / 10_000
    gap = table["shortfall_wan"].sum() / 10_000
    total = len(evaluated.results)
    failed = len(evaluated.failed)
    made_up = bool(table["synthetic"].all())
    say(
        f"## 结论\n\n> {year}年基准情景下，{len(table)}个{'合成' if made_up else ''}县中"
        f"{len(table) - short}个有余力化债，合计{left:.2f}亿元；"
        f"{short}个有缺口，合计{gap:.2f}亿元。"
        f"共计算{total}个情景，失败{failed}个。",
        f"## Answer\n\n> In the baseline of {year}, {len(table) - short} of {len(table)} "
        f"{'synthetic ' if made_up else ''}counties have something left for clearing debt, "
        f"{left:.2f} 亿元 in all; {short} fall short, by {gap:.2f} 亿元. "
        f"{total} scenarios were evaluated, {failed} failed.",
        lang,
    )


def ends(table: pd.DataFrame, scenarios: Sequence[Any], lang: str = "zh") -> None:
    """Chart and table of the first and the last of the ranking."""
    names = {s.region.key: s.region.name(lang) for s in scenarios}
    chosen = pd.concat([table.head(ENDS), table.tail(ENDS)]).drop_duplicates("rank")
    alt = (
        f"The first and last {ENDS} counties by what is left for clearing debt"
        if lang == "en"
        else f"余力最多与最少的各{ENDS}个县"
    )
    show_chart(ranking_chart(chosen, names=names, lang=lang), alt)
    shown = chosen.assign(region=[names.get(r, r) for r in chosen["region"]])
    shown = shown.drop(columns="synthetic")
    caption = "First and last of the ranking" if lang == "en" else "排名首尾"
    show_table(_headed(shown, lang), lang, digits=_digits(shown, lang), caption=caption)


def national(table: pd.DataFrame, lang: str = "zh") -> None:
    """The sums over all counties."""
    shown = table.assign(year=table["year"].astype(str))
    caption = "All counties together" if lang == "en" else "全部县合计"
    show_table(_headed(shown, lang), lang, digits=_digits(shown, lang), caption=caption)


def _headed(table: pd.DataFrame, lang: str) -> pd.DataFrame:
    return table.rename(columns={key: texts[lang == "en"] for key, texts in _HEADERS.items()})


def _digits(table: pd.DataFrame, lang: str) -> dict[str, int]:
    return {name: 2 if name.endswith("_pct") else 0 for name in _headed(table, lang).columns}
