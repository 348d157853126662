"""Jianghan's treasury programme of 2024 as published, for notebook 04."""

from __future__ import annotations

from fiscalmodel.fees.programme import implied_base, programme_history, published_lines
from fiscalmodel.present import charts_fees as charts
from fiscalmodel.present.fees_report import named_table as show
from fiscalmodel.present.show import say, show_chart


def published(lang: str = "zh") -> None:
    """Jianghan's 2024 programme as printed, and what its columns say and do not say."""
    show(published_lines()[["line", "period", "column", "printed", "unit", "note"]], lang)
    say(_COLUMNS_ZH, _COLUMNS_EN, lang)


_COLUMNS_ZH = """**这些栏目说了什么**
- 全项目 42 万元 = 区级 37 万元 + 上级转移支付 5 万元；代收手续费一行印 30 万元和 3 万元。
- 第一金额栏（表头为“本级财政拨款金额”）三行合计 30 + 10 + 2 = 42，等于全项目而不等于区级 37；\
第二栏 3 + 2 = 5，等于上级转移支付。\
因此第一栏看来是含转移支付的总额、第二栏是其中数：区级为 27 + 10 + 0 = 37。\
这是由加总推得，原文未说明。

**没有说什么**
- 手续费按罚没、收费的构成：没有；所以 30 万元只对应一个基数区间。
- 2022、2023 年手续费是多少：没有，只有全项目数（含票据、培训和国库改革）。
- 2023 年全年执行数：没有，37.6 万元只到 7 月。"""

_COLUMNS_EN = """**What the columns say**
- The programme of 42 万元 is 37 of district funds and 5 of transfers; the commission line prints \
30 and 3.
- The first amount column (headed own-level appropriation 本级财政拨款金额) adds up to \
30 + 10 + 2 = 42, the whole programme and not the district's 37; the second to 3 + 2 = 5, \
the transfers. So the first column appears to be the total and the second a part of it: \
27 + 10 + 0 = 37. This follows from the sums; the document does not say so.

**What they do not say**
- How the commissions divide into fines and charges: hence 30 万元 stands for a range of bases.
- The commissions of 2022 and 2023: only the whole programme (bills, training, treasury reform \
included).
- The execution of all of 2023: 37.6 万元 runs to July."""


def history(lang: str = "zh") -> None:
    """Budgets and execution of the whole programme: chart and table."""
    years = programme_history()
    says = "; ".join(
        f"{y}: {b:g}" for y, b in zip(years["year"], years["initial_budget_wan"], strict=True)
    )
    show_chart(charts.execution_chart(years, lang=lang), f"{says} 万元")
    show(years.assign(year=years["year"].astype(str)).fillna({"executed_to": "—"}), lang)


def implied(budget_wan: float, on: str, lang: str = "zh") -> None:
    """The range of bases that a budget implies: chart and table."""
    bases = implied_base(budget_wan, on=on)
    says = "; ".join(
        f"{s:g} %: {b:.2f} 亿元"
        for s, b in zip(bases["fines_share_pct"], bases["base_yi"], strict=True)
    )
    show_chart(charts.implied_base_chart(bases, lang=lang), says)
    show(bases, lang, digits=3)
