"""Notes of forecasts and nowcasts in Chinese: one sentence for each that the package writes.

Parts of a note that are words themselves are named in its pattern: `when` for a period or a
list of them, `models` for candidates with or without weights, `breaks` for steps in a history,
`part` for a share. They are put into Chinese; every other part stays as it is.
"""

from __future__ import annotations

import re

from fiscalmodel.revenue.titles import TITLES

_SAID: tuple[tuple[str, str], ...] = (
    (r"one value only: carried forward.*", "只有一个数值：沿用该值，区间取最宽。"),
    (
        r"(?P<n>\d+) values, (?P<season>\d+) a year: mean of (?P<models>.+)",
        "共{n}个数值，每年{season}期：取以下方法的平均（{models}）。",
    ),
    (r"fewer than two seasons.*", "不足两个季节周期：无法区分季节与趋势。"),
    (
        r"no more than one season \((?P<n>\d+) periods\).*",
        "不超过一个季节周期（{n}期）：按无季节处理。",
    ),
    (
        r"(?P<n>\d+) values: (?P<models>.+%.+) \(the pooled model learned.*",
        "共{n}个数值：{models}（汇总学习模型由大量公开序列训练，按历史的形状判断哪种方法可信）。",
    ),
    (
        r"(?P<n>\d+) values: too few for smoothing models.*",
        "共{n}个数值：不足以使用平滑模型，以平均增量的一半代替。",
    ),
    (
        r"(?P<when>.+) stands out from its neighbours on both sides.*",
        "{when}明显偏离前后两期：拟合时以前后两期的几何平均代替，区间仍计入该值。",
    ),
    (
        r"land-sale or fund revenue.*worse than the (?P<models>.+) when tried, so the mean "
        r"is (?P<n>\d+)% .+",
        "土地出让或其他基金收入：实测表明趋势类方法不如{models}，故预测值的{n}%取{models}。",
    ),
    (r"all values are nought.*", "各期数值均为零：没有可据以确定区间的尺度。"),
    (r"all values are equal.*", "各期数值相同：区间取自其他序列的波动。"),
    (r"no value is negative.*", "历史无负值：预测值与区间下限不低于零。"),
    (r"like-for-like \(同口径\) levels.*", "使用按最新口径衔接的同口径数。"),
    (
        r"(?P<n>\d+) values that are estimates, budgets or targets were left out: (?P<when>.+)",
        "未使用{n}个预计数、预算数或目标数：{when}。",
    ),
    (r"the dates were out of order.*", "所给期间次序有误，已按时间排序。"),
    (
        r"no value after (?P<when>.+): the forecast starts there",
        "{when}以后没有数值：预测从该期之后开始。",
    ),
    (
        r"values before (?P<when>.+) were left out: a gap of more than (?P<n>\d+).*",
        "{when}以前的数值因中断超过{n}期未使用。",
    ),
    (
        r"(?P<n>\d+) missing values were interpolated for the fit: (?P<when>.+)",
        "拟合时插补了{n}个缺失值：{when}。",
    ),
    (r"every January is missing.*", "各年1月均未单独公布：2月数含1—2月，每年按11期处理。"),
    (
        r"the break at (?P<when>.+) lies outside.*",
        "{when}的口径变化在历史之外，不影响结果。",
    ),
    (
        r"WARNING: fitted across the unlinked calibre break at (?P<when>.+)",
        "警告：预测跨越了{when}未衔接的口径变化。",
    ),
    (
        r"values before (?P<when>.+) multiplied by (?P<n>.+) \(同口径\)",
        "{when}以前的数值乘以{n}，换算为同口径。",
    ),
    (
        r"WARNING: a likely break of calibre lies in the history \((?P<breaks>.+)\)",
        "警告：历史中可能有口径变化（{breaks}）。",
    ),
    (
        r"published growth and levels are on different calibres in (?P<when>.+): the published.*",
        "{when}的公布增速与公布数口径不同：以公布增速代表同口径基础增速，"
        "未计入的部分不外推到以后月份。",
    ),
    (
        r"(?P<when>\d+): full year from the growth published for (?P<when_2>\d+)",
        "{when}全年数由{when_2}的公布增速推得。",
    ),
    (
        r"(?P<when>\d+) ends with month (?P<n>\d+): its full year.*",
        "{when}只有前{n}个月：全年数按其他年份的进度推算。",
    ),
    (
        r"no figure at all for (?P<when>.+): earlier years are left out",
        "{when}无任何数据：更早的年份未使用。",
    ),
    (
        r"estimates, budgets and targets in the series are left out",
        "未使用预计数、预算数和目标数。",
    ),
    (
        r"reconciled with revenue by item: mean and bands.*",
        "已与分税种测算调和：预测值与区间随之移动，候选模型仍为调和前的数。",
    ),
    (r"the year is complete", "全年数已公布。"),
    (
        r"(?P<n>\d+) whole years before; (?P<part>\d+/\d+) of the weight .* a small network "
        r"weighs (?P<ways>\d+).*",
        "此前有{n}个完整年度；权重的{part}为三种算法的简单平均，其余由小型网络在{ways}种算法间"
        "分配；网络与区间由公开月度序列得出，该比例是参照全国序列选定的。",
    ),
    (
        r"no whole year before: the year to date.*",
        "此前没有完整年度：按均衡进度外推，不含季节因素；请至少提供上一年数据。",
    ),
    (
        r"published items miss their published total by (?P<n>\S+): .*",
        "公布的合计减各分项之和，未列入分项的差额为{n}：单列一行，按原数计入全年。",
    ),
    (
        r"the year is complete: items and total are the published figures",
        "全年数已公布：分项与合计均为公布数。",
    ),
    (
        r"the items missed the total by (?P<n>\S+); .*",
        "合计与各分项之和相差{n}；合计保持不变，各分项按80%区间宽度的平方比例调整。",
    ),
    (
        r"items and total differed by (?P<n>\S+); .*",
        "合计与各分项之和相差{n}；合计与各分项均按80%区间宽度的平方比例调整。",
    ),
    (
        r"moved by (?P<n>\S+) so that items and total agree; .*",
        "为与合计一致调整{n}；以前各月和各种算法的数仍为单独测算的结果。",
    ),
)
_PATTERNS = tuple((re.compile(said, re.S), zh) for said, zh in _SAID)
_BREAK = re.compile(
    r"(?P<year>\d+): (?P<amount>[-+][\d,.]+) \((?P<pct>[-+][\d.]+) %\), growth "
    r"(?P<growth>[-+][\d.]+) % against a usual (?P<usual>[-+][\d.]+) % "
    r"\((?P<times>[\d.]+) times its spread\)"
    r"(?P<last>; it is the last value, a one-off is not excluded)?"
)


def in_chinese(note: str) -> str:
    """A note in Chinese; as it is where no sentence is known.

    >>> in_chinese("no value is negative: mean and bands are held at nought or above")
    '历史无负值：预测值与区间下限不低于零。'
    >>> in_chinese("no value after 2022: the forecast starts there")
    '2022年以后没有数值：预测从该期之后开始。'
    """
    for pattern, chinese in _PATTERNS:
        match = pattern.fullmatch(note)
        if match:
            return chinese.format_map({k: _word(k, v) for k, v in match.groupdict().items()})
    return note


def _word(name: str, text: str) -> str:
    if name.startswith("when"):
        return "、".join(map(_when, text.removesuffix(" …").split(", "))) + (
            "等" if text.endswith(" …") else ""
        )
    if name == "part":
        return part_zh(text)
    if name == "models":
        return _titled(text)
    return _steps(text) if name == "breaks" else text


def part_zh(part: str) -> str:
    """A fraction in words, parts up to ten.

    >>> part_zh("2/3")
    '三分之二'
    """
    above, below = ("零一二三四五六七八九十"[int(number)] for number in part.split("/"))
    return f"{below}分之{above}"


def _when(label: str) -> str:
    """A period as it is said: 2022年, 2022年3月, 2022年1季度; a place in a list 第5期.

    >>> [_when(label) for label in ("2022", "2022-03", "2022Q1", "5")]
    ['2022年', '2022年3月', '2022年1季度', '第5期']
    """
    found = re.fullmatch(r"(?:(\d{4})(?:-(\d{2})|Q(\d))?|(\d{1,3}))", label)
    if not found:
        return label
    year, month, quarter, place = found.groups()
    if place:
        return f"第{place}期"
    if month:
        return f"{year}年{int(month)}月"
    return f"{year}年{quarter}季度" if quarter else f"{year}年"


def _steps(said: str) -> str:
    """Likely breaks, one after the other."""
    found = list(_BREAK.finditer(said))
    if "; ".join(match[0] for match in found) != said:
        return said
    return "；".join(
        f"{m['year']}年水平变动{m['amount']}（{m['pct']}%），增速{m['growth']}%，通常为{m['usual']}%，"
        f"偏离为通常波动的{m['times']}倍"
        + ("，该年为最后一期，不排除一次性因素" if m["last"] else "")
        for m in found
    )


def _titled(said: str) -> str:
    """Candidates' English titles replaced by the Chinese ones."""
    names = dict(TITLES.values())
    longest = sorted(names, key=len, reverse=True)
    named = re.sub("|".join(map(re.escape, longest)), lambda match: names[match[0]], said)
    return named.replace(", ", "、")
