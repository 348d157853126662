"""The parts of the monthly nowcast, as notebook 07 shows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fiscalmodel.paths import project_root
from fiscalmodel.present import charts_nowcast as charts
from fiscalmodel.present.show import say, show_chart, show_table
from fiscalmodel.revenue.notes_zh import part_zh
from fiscalmodel.revenue.nowcast import Nowcast, nowcast_year
from fiscalmodel.revenue.nowcast_gate import STEADY_WAYS
from fiscalmodel.revenue.nowcast_items import NowcastItems, nowcast_items
from fiscalmodel.revenue.nowcast_model import steady_share
from fiscalmodel.revenue.nowcast_review import accuracy, review_years, usual_shares
from fiscalmodel.revenue.nowcast_ways import WAYS
from fiscalmodel.series import catalog
from fiscalmodel.series.types import Series

_FILES = (".csv", ".xlsx", ".xls", ".xlsm")
YI = 10_000  # 万元 in 亿元
_WORDS = {
    "month": ("截至月份", "Up to"), "to_date": ("累计（亿元）", "Year to date (亿元)"),
    "mean": ("全年预计（亿元）", "Expected full year (亿元)"),
    "lo-80": ("80%下限", "80 % low"), "hi-80": ("80%上限", "80 % high"),
    "lo-95": ("95%下限", "95 % low"), "hi-95": ("95%上限", "95 % high"),
    "plain_growth": ("累计增速外推（亿元）", "Plain growth (亿元)"),
    "probability_pct": ("达到目标概率（%）", "Chance of target (%)"),
    "of_target_pct": ("完成率（%）", "Done (%)"),
    "even_pct": ("均衡进度（%）", "Even progress (%)"),
    "gap_points": ("差距（百分点）", "Gap (points)"), "item": ("项目", "Item"),
    "usual_pct": ("往年同期进度（%）", "Usual by then (%)"),
    "alone": ("单独测算（亿元）", "Alone (亿元)"),
    "rest_of_year": ("余下月份（亿元）", "Rest (亿元)"),
    "title": ("测算方法", "Way of reckoning"), "weight_pct": ("权重（%）", "Weight (%)"),
    "full_year": ("全年（亿元）", "Full year (亿元)"), "years": ("年数", "Years"),
    "mape": ("平均误差（%）", "Mean error (%)"),
    "plain_mape": ("外推误差（%）", "Plain growth (%)"),
    "ratio": ("误差之比", "Ratio"), "coverage_80": ("落入80%区间（%）", "In the 80 % band (%)"),
    "coverage_95": ("落入95%区间（%）", "In the 95 % band (%)"),
}  # fmt: skip


@dataclass(frozen=True)
class View:
    """What the notebook shows: nowcast, items, past years."""

    series: Series
    found: Nowcast
    target: float
    is_budget: bool
    items: NowcastItems | None
    review: pd.DataFrame
    names: dict[str, str]


def nowcast_view(
    series: str,
    *,
    as_of: str = "",
    budget_yi: float = 0.0,
    items: dict[str, str] | None = None,
    remainder: str = "",
) -> View:
    """Everything that the notebook shows.

    Parameters
    ----------
    series
        A monthly year-to-date series of the catalogue, 万元, or the path of a file with
        one; a file brings neither published growth nor items.
    as_of
        Last month to use; empty for the last published.
    budget_yi
        Full-year budget in 亿元; 0 where there is none: then last year's outturn is the mark.
    items
        Series -> name of the items that the total is split into.
    remainder
        Name of the item for the rest; empty if the items are everything.
    """
    file = _file(series)
    total = catalog.load_series(series if file is None else file)
    growth = None if file is not None else catalog.published_growth(series)
    if file is not None:
        items, remainder = {}, ""
    values = None if growth is None else growth.values
    month = as_of or None
    first = nowcast_year(total, published_growth=values, as_of=month)
    last_year = total.values.get(pd.Period(f"{first.year - 1}-12", "M"), np.nan)
    target = budget_yi * YI if budget_yi else float(last_year)
    found = nowcast_year(
        total, published_growth=values, as_of=month, budget=target if target > 0 else None
    )
    return View(
        total, found, target, bool(budget_yi),
        _items(total, values, items or {}, remainder, month),
        review_years(total, published_growth=values), dict(items or {}),
    )  # fmt: skip


def _file(series: str) -> Path | None:
    """The file that `series` names, here or in the project; None for a catalogue name."""
    if series in catalog.names():
        return None
    path = Path(series)
    if not path.suffix and len(path.parts) == 1:
        return None
    found = (p for p in (Path.cwd() / path, project_root() / path) if p.is_file())
    near = next(found, None)
    # A dotted word that is no file is a misspelt name: load_series says which is near.
    return near if near is not None or path.suffix.lower() not in _FILES else path


def _items(
    total: Series, growth: pd.Series | None, items: dict[str, str], remainder: str,
    month: str | None,
) -> NowcastItems | None:  # fmt: skip
    if not items:
        return None
    frame = pd.DataFrame({n: catalog.load_series(s).values for s, n in items.items()})
    if remainder:
        frame[remainder] = total.values - frame.sum(axis=1, skipna=False)
    frame["合计 total"] = total.values
    published = {n: catalog.published_growth(s) for s, n in items.items()}
    known = {n: g.values for n, g in published.items() if g is not None}
    if growth is not None:
        known["合计 total"] = growth
    # The headline is the total as it is said alone: the items give way to it.
    return nowcast_items(
        frame, total="合计 total", published_growth=known, as_of=month, hold_total=True
    )


def _show(frame: pd.DataFrame, lang: str, caption: tuple[str, str], digits: int = 1) -> None:
    english = lang == "en"
    named = frame.rename(columns={k: v[english] for k, v in _WORDS.items()})
    show_table(named, lang, digits=digits, caption=caption[english])


def _yi(frame: pd.DataFrame) -> pd.DataFrame:
    money = [c for c in frame.columns if c in ("to_date", "mean", "plain_growth", "alone",
             "rest_of_year", "full_year", "outturn") or c[:3] in ("lo-", "hi-")]  # fmt: skip
    return frame.assign(**{c: frame[c] / YI for c in money})


def answer(view: View, lang: str = "zh") -> None:
    """What the year will come to, and the chance of the mark."""
    found, full = view.found, view.found.full_year / YI
    mark_zh = "全年预算" if view.is_budget else f"{found.year - 1}年决算水平"
    mark_en = "the budget" if view.is_budget else f"the outturn of {found.year - 1}"
    chance = found.probability_of_budget_pct
    zh = (
        f"**截至{found.year}年{found.as_of.month}月，累计 {found.to_date / YI:,.0f} 亿元；全年预计 "
        f"{full['mean']:,.0f} 亿元（80%区间 {full['lo-80']:,.0f}–{full['hi-80']:,.0f} 亿元）。**"
    )
    en = (
        f"**By {found.as_of} the year to date is {found.to_date / YI:,.0f} 亿元; the full year is "
        f"expected at {full['mean']:,.0f} 亿元 (80 % band {full['lo-80']:,.0f} to "
        f"{full['hi-80']:,.0f}).**"
    )
    if chance is not None:
        zh += f"达到{mark_zh}（{view.target / YI:,.0f} 亿元）的概率约 {chance:.0f}%。"
        en += f" The chance of {mark_en} ({view.target / YI:,.0f} 亿元) is about {chance:.0f} %."
    say(zh, en, lang)


def progress(view: View, lang: str = "zh") -> None:
    """Completion against even progress and against the usual share by the month."""
    table = view.found.by_month
    months = [p.month for p in table["month"]]
    frame = pd.DataFrame({"month": [str(p) for p in table["month"]], "to_date": table["to_date"]})
    frame["of_target_pct"] = 100 * table["to_date"] / view.target
    frame["even_pct"] = [100 * m / 12 for m in months]
    frame["gap_points"] = frame["of_target_pct"] - frame["even_pct"]
    frame["usual_pct"] = usual_shares(view.series, view.found.year).reindex(months).to_numpy()
    mark = ("年度预算", "the budget") if view.is_budget else ("上年全年", "last year's outturn")
    say(
        f"### 进度\n完成率以{mark[0]}为分母。均衡进度是月数÷12；收入有季节性，"
        "还应与往年同期进度比较。",
        f"### Progress\nDone is measured against {mark[1]}. Even progress 均衡进度 is months ÷ 12; "
        "revenue has seasons, so compare with the usual share by then too.",
        lang,
    )
    _show(_yi(frame), lang, ("收入进度", "Progress"))


def by_month(view: View, lang: str = "zh") -> None:
    """How the estimate moved."""
    say("### 全年预计怎样逐月变化", "### How the estimate moved", lang)
    alt = "全年预计的逐月变化与区间" if lang == "zh" else "full-year estimate by month with bands"
    before = view.found.year - 1
    mark = None if view.is_budget else (f"{before}年全年", f"outturn of {before}")
    show_chart(charts.nowcast_chart(view.found, lang=lang, mark=mark), alt)
    frame = view.found.by_month.assign(month=[str(p) for p in view.found.by_month["month"]])
    _show(_yi(frame), lang, ("逐月预计，亿元", "Month by month, 亿元"))


def ways(view: View, lang: str = "zh") -> None:
    """What each way of reckoning said."""
    say("### 各种测算方法", "### Ways of reckoning", lang)
    alt = "各种测算方法的全年数与权重" if lang == "zh" else "full year by each way, with weights"
    show_chart(charts.remainder_chart(view.found, lang=lang), alt)
    frame = view.found.models.sort_values("weight", ascending=False)
    titles = [charts.title_of(t, "en" if lang == "en" else "zh") for t in frame["title"]]
    frame = pd.DataFrame({"title": titles, "weight_pct": 100 * frame["weight"].to_numpy(),
                          "full_year": frame["full_year"].to_numpy()})  # fmt: skip
    _show(_yi(frame), lang, ("测算方法", "Ways of reckoning"))


def items(view: View, lang: str = "zh") -> None:
    """The same, item by item, adding up."""
    if view.items is None:
        return
    say(
        "### 分项\n各项先单独测算，再与合计协调：合计即上文的全年预计，保持不变；差额按各项误差方差"
        "分摊，相加严格等于合计。",
        "### By item\nEach item is reckoned alone, then made to agree with the total, which stays "
        "as it is above: the gap is shared by error variance, and the items add up exactly.",
        lang,
    )
    table = view.items.table
    alt = "分项全年预计" if lang == "zh" else "full year by item"
    show_chart(charts.items_chart(table, view.series.unit, lang=lang), alt)
    columns = ["item", "to_date", "rest_of_year", "alone", "mean", "lo-80", "hi-80"]
    _show(_yi(table[columns]), lang, ("分项预计，亿元", "By item, 亿元"))


def past_years(view: View, lang: str = "zh") -> None:
    """What the nowcasts of past years would have said, beside the outturn."""
    years = view.review["year"].nunique()
    say(
        f"### 往年检验\n用当时已公布的数据重算 {years} 个年度，与全年实际数比较。"
        "年数很少，只能说明量级；区间由大量公开月度序列校准。",
        f"### Past years\n{years} years reckoned again with what was published then, beside the "
        "outturn. So few years show the order of size only; the bands are calibrated on many "
        "public monthly series.",
        lang,
    )
    alt = "往年逐月预计与全年实际" if lang == "zh" else "past nowcasts by month and outturns"
    show_chart(charts.review_chart(view.review, view.series.unit, lang=lang), alt)
    table = accuracy(view.review, tuple(range(2, 12)))
    _show(table, lang, ("按月检验", "Check by month"), digits=2)


def method(view: View, lang: str = "zh") -> None:
    """How it is done, and what it rests on."""
    said = view.found.notes_zh if lang == "zh" else view.found.notes
    notes = "\n".join(f"- {note}" for note in said)
    share = steady_share()
    part = part_zh(str(share))

    def steady(of: str) -> list[str]:
        return [charts.title_of(w.title, of) for w in WAYS if w.name in STEADY_WAYS]

    say(
        f"### 方法与来源\n全年 = 累计 + 余下月份。余下月份由{len(WAYS)}种简单算法加权得出：权重的"
        f"{part}固定为三种算法（{'、'.join(steady('zh'))}）的简单平均，其余由小型网络在"
        f"{len(WAYS)}种算法间分配。{part}这一比例是参照全国序列选定的，因此对全国序列，"
        "往年检验不是完全独立的检验。网络只在公开竞赛的月度序列（M1、M3、Tourism 的训练部分）"
        "与构造的国库流量上训练；区间是网络未见过的序列上的误差分位数。公布增速与水平口径不同时"
        "（如2022年留抵退税），以公布增速代表基础增速，退税不外推到余下月份。"
        f"数据：财政部月度财政收支情况。\n\n{notes}",
        "### Method and sources\nFull year = year to date + rest. The rest is a weighted mean of "
        f"{len(WAYS)} simple ways: {share} of the weight is the plain mean of three "
        f"({', '.join(steady('en'))}), the rest as a small network weighs all {len(WAYS)}. The "
        f"share of {share} was chosen with China's national series in view, so on these the "
        "check of past years is not quite independent. The network is trained only on public "
        "competition series (training parts of M1, M3, Tourism) and on made-up treasury flows; "
        "bands are quantiles of the errors on series it had not seen. Where published growth is "
        "on another calibre than the levels (2022: VAT refunds 留抵退税), it stands for the "
        "underlying growth, and refunds are not carried into the months to come. Data: monthly "
        f"releases of the Ministry of Finance.\n\n{notes}",
        lang,
    )
