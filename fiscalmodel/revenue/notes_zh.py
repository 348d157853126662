"""Notes of forecasts and nowcasts in Chinese: one sentence for each that the package writes."""

from __future__ import annotations

import re

from fiscalmodel.revenue.titles import TITLES

_SAID: tuple[tuple[str, str], ...] = (
    (r"one value only: carried forward.*", "只有一个数值：沿用该值，区间取最宽。"),
    (
        r"(\d+) values, (\d+) a year: mean of (.+)",
        r"共\1个数值，每年\2期：取以下方法的平均（\3）。",
    ),
    (r"fewer than two seasons.*", "不足两个季节周期：无法区分季节与趋势。"),
    (r"no more than one season \((\d+) periods\).*", r"不超过一个季节周期（\1期）：按无季节处理。"),
    (
        r"(\d+) values: (.+%.+) \(the pooled model learned.*",
        r"共\1个数值：\2（汇总学习模型由大量公开序列训练，按历史的形状判断哪种方法可信）。",
    ),
    (
        r"(\d+) values: too few for smoothing models.*",
        r"共\1个数值：不足以使用平滑模型，以平均增量的一半代替。",
    ),
    (
        r"(.+) stands out from its neighbours on both sides.*",
        r"\1明显偏离前后两期：拟合时以前后两期的几何平均代替，区间仍计入该值。",
    ),
    (
        r"land-sale or fund revenue.*mean is (\d+)% last value",
        r"土地出让或其他基金收入：实测表明趋势类方法不如上期值，故预测值的\1%取上期值。",
    ),
    (r"all values are equal.*", "各期数值相同：区间取自其他序列的波动。"),
    (r"no value is negative.*", "历史无负值：预测值与区间下限不低于零。"),
    (r"like-for-like \(同口径\) levels.*", "使用按最新口径衔接的同口径数。"),
    (
        r"(\d+) values that are estimates, budgets or targets were left out: (.+)",
        r"未使用\1个预计数、预算数或目标数：\2。",
    ),
    (
        r"values before (.+) were left out: a gap of more than (\d+).*",
        r"\1以前的数值因中断超过\2期未使用。",
    ),
    (r"(\d+) missing values were interpolated for the fit: (.+)", r"拟合时插补了\1个缺失值：\2。"),
    (r"every January is missing.*", "各年1月均未单独公布：2月数含1—2月，每年按11期处理。"),
    (r"the break at (.+) lies outside.*", r"\1的口径变化在历史之外，不影响结果。"),
    (
        r"WARNING: fitted across the unlinked calibre break at (.+)",
        r"警告：预测跨越了\1未衔接的口径变化。",
    ),
    (r"values before (.+) multiplied by (.+) \(同口径\)", r"\1以前的数值乘以\2，换算为同口径。"),
    (
        r"WARNING: a likely break of calibre lies in the history \((.+)\)",
        r"警告：历史中可能有口径变化（\1）。",
    ),
    (
        r"published growth and levels are on different calibres in (.+): the published.*",
        r"\1的公布增速与公布数口径不同：以公布增速代表同口径基础增速，未计入的部分不外推到以后月份。",
    ),
    (r"(\d+): full year from the growth published for (\d+)", r"\1年全年数由\2年的公布增速推得。"),
    (
        r"(\d+) ends with month (\d+): its full year.*",
        r"\1年只有前\2个月：全年数按其他年份的进度推算。",
    ),
    (r"no figure at all for (.+): earlier years are left out", r"\1无任何数据：更早的年份未使用。"),
    (
        r"estimates, budgets and targets in the series are left out",
        "未使用预计数、预算数和目标数。",
    ),
    (r"the year is complete", "全年数已公布。"),
    (
        r"(\d+) whole years before; weights and bands learned.*",
        r"此前有\1个完整年度；权重与区间由公开月度序列得出。",
    ),
    (
        r"no whole year before: the year to date.*",
        "此前没有完整年度：按均衡进度外推，不含季节因素；请至少提供上一年数据。",
    ),
)
_PATTERNS = tuple((re.compile(said, re.S), zh) for said, zh in _SAID)


def in_chinese(note: str) -> str:
    """A note in Chinese; as it is where no sentence is known.

    >>> in_chinese("no value is negative: mean and bands are held at nought or above")
    '历史无负值：预测值与区间下限不低于零。'
    """
    for pattern, chinese in _PATTERNS:
        match = pattern.fullmatch(note)
        if match:
            return _titled(match.expand(chinese))
    return note


def _titled(note: str) -> str:
    """The candidates' English titles in it replaced by the Chinese ones, longest first."""
    for english, chinese in sorted(TITLES.values(), key=lambda pair: -len(pair[0])):
        note = note.replace(english, chinese)
    return note.replace(", ", "、")
