"""Units as tables state them: 单位：万元 lines, brackets in titles and headers, name suffixes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from fiscalmodel.days import heading
from fiscalmodel.numerals import plain
from fiscalmodel.units import FEN_PER
from fiscalmodel.words import bare

_LINE = re.compile(
    r"[(\[【]?\s*(?:金额|计量|货币|数据|计价)?\s*单\s*位\s*[::]?\s*(?P<what>.*?)[)\]】]?"
)
_OWNER = re.compile(
    r"(?:编制|填报|填制|制表|报送|主管|预算|公开|用款|填表|部门|汇总|建设|主办)\s*单\s*位"
)
#: Who compiled a table, or whose it is: 编制单位：…, 部门：…, 单位名称：…
_WHO = re.compile(
    rf"(?:{_OWNER.pattern}|(?:预算)?部门|单位)(?:\s*名称|\s*[(]公章[)])?\s*:\s*(?P<who>[\u4e00-\u9fff]\S*)"
)
_BRACKETS = re.compile(
    r"[(\[【](?:(?:金额|计量)?单位:?)?\s*(?P<what>[^()\[\]【】]{1,8}?)\s*[)\]】]"
)
_SAME = {"%": "%", "百分比": "%", "百分数": "%", "万": "万元", "亿": "亿元", "圆": "元"}
_SUFFIX = {"wan": "万元", "yi": "亿元", "yuan": "元", "fen": "分", "pct": "%", "bp": "bp"}
_COUNTS = frozenset(
    [
        *"个人户项次件辆套亩吨台笔家栋倍天年月岁米座",
        *["万人", "平方米", "公顷", "公里", "人次", "万人次"],
    ]
)
#: Headers of ratios and counts: the table's unit of money is not theirs.
_NO_MONEY = re.compile(
    r"率|比重|占比|比例|增幅|增速|涨幅|进度|百分点|得分|分值|权重|人数|户数|个数|数量|笔数|件数|"
    r"次数|面积|期限|倍数|序号|编[号码]|年[度份]$|_g$"
)


def unit_word(text: str) -> str:
    """The unit that a word names, or empty.

    >>> unit_word("人民币万元"), unit_word("％"), unit_word("江汉区财政局")
    ('万元', '%', '')
    """
    word = plain(text).replace(" ", "").strip(":;,.。")
    word = word.removeprefix("人民币").removesuffix("人民币").strip(":")
    if word in FEN_PER or word in _COUNTS:
        return word
    return _SAME.get(word, "")


def is_owner(text: str) -> bool:
    """Whether a text names who compiled the table (编制单位：…), no unit."""
    return bool(_OWNER.match(plain(text)))


def owner_of(text: str) -> str:
    """Who a text says compiled the table, or whose it is; empty if it says nothing of it.

    >>> owner_of("部门：青山县水利局"), owner_of("填报单位：青山县财政局  单位：万元")
    ('青山县水利局', '青山县财政局')
    >>> owner_of("单位：万元"), owner_of("青山县水利局")
    ('', '')
    """
    said = _WHO.match(plain(text))
    return said["who"] if said and not unit_word(said["who"]) else ""


def stated_units(text: str) -> tuple[str, ...]:
    """Units that a 单位 line states, in order; empty if the text is no such line.

    >>> stated_units("金额单位： 亿 元、％"), stated_units("编制单位：财政局")
    (('亿元', '%'), ())
    >>> stated_units("2024年12月 单位:万元"), stated_units("单位")
    (('万元',), ())
    """
    flat = plain(text).replace(" ", "")
    owner, at = _OWNER.match(flat), flat.find("单位")
    if owner:  # 编制单位：财政局 金额单位：万元 in one cell
        last = flat.rfind("单位")
        at = last if last > owner.end() else -1
    line = _LINE.fullmatch(flat[at:]) if at >= 0 else None
    if line is None:
        return ()
    words = [unit_word(word) for word in re.split(r"[、,/;及和]", line["what"]) if word]
    return tuple(dict.fromkeys(word for word in words if word))


def unknown_unit(text: str) -> str:
    """What a 单位 line states that looks like a unit of money but is none; empty if nothing.

    >>> unknown_unit("单位：万无"), unknown_unit("单位：财政局"), unknown_unit("单位：万元")
    ('万无', '', '')
    """
    flat = plain(text).replace(" ", "")
    at = flat.find("单位")
    if at < 0 or _OWNER.match(flat) or stated_units(text):
        return ""
    line = _LINE.fullmatch(flat[at:])
    what = line["what"].strip("()") if line else ""
    return what if 0 < len(what) <= 5 and re.search(r"[元万亿角]", what) else ""


def header_unit(name: str) -> str | None:
    """Unit of a column by its header; ``""`` if it cannot be the table's, None if unsaid.

    >>> header_unit("金额（亿元）"), header_unit("完成预算%"), header_unit("budget_rev_yi")
    ('亿元', '%', '亿元')
    >>> header_unit("人数"), header_unit("预算数")
    ('', None)
    """
    text = plain(name)
    if units := _in_brackets(text):
        return units[-1][0]
    if "%" in text or "百分比" in text:
        return "%"
    suffix = text.rsplit("_", 1)[-1] if "_" in text else ""
    if suffix in _SUFFIX:
        return _SUFFIX[suffix]
    return "" if _NO_MONEY.search(text) and heading(text.rsplit("/", 1)[-1]) is None else None


def title_unit(text: str) -> str:
    """Unit in the brackets of a title, such as ``收入表（万元）``; empty if none."""
    return next((unit for unit, _ in _in_brackets(plain(text))), "")


@lru_cache(maxsize=50_000)
def without_unit(header: str) -> str:
    """A header, for comparison, without the unit that it states.

    >>> without_unit("本金（万元）"), without_unit("principal_wan")
    ('本金', 'principal')
    """
    text = plain(header)
    for _, (start, end) in _in_brackets(text)[-1:]:
        text = text[:start] + text[end:]
    stem, _, suffix = text.rpartition("_")
    return bare(stem if stem and suffix in _SUFFIX else text)


def _in_brackets(text: str) -> list[tuple[str, tuple[int, int]]]:
    """The units that stand in brackets, each with where it does."""
    found = ((unit_word(match["what"]), match.span()) for match in _BRACKETS.finditer(text))
    return [(unit, span) for unit, span in found if unit]


def unit_cells(row: Sequence[Any]) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """Column, units, and what seems to be a unit but is none, of the 单位 cells of a row.

    >>> list(unit_cells(["部门名称：财政局", "", "万元"])), list(unit_cells(["项目", "万元"]))
    ([(2, ('万元',), '')], [])
    """
    filled = [(c, plain(v)) for c, v in enumerate(row) if isinstance(v, str) and v.strip()]
    if filled and filled[-1][1] in FEN_PER and all(":" in text for _, text in filled[:-1]):
        # A unit alone, or at the end of a line of names with what they are.
        yield filled[-1][0], (filled[-1][1],), ""
        return
    for column, value in enumerate(row):
        if isinstance(value, str) and "位" in value:
            units = stated_units(value)
            strange = "" if units else unknown_unit(value)
            if units or strange:
                yield column, units, strange


def units_below(row: Sequence[Any]) -> dict[int, str]:
    """The units of a row that holds nothing but units, below the names; else nothing.

    >>> units_below(["", "（万元）", "%"]), units_below(["万元", "教育"])
    ({1: '万元', 2: '%'}, {})
    """
    words = {c: unit_word(str(v).strip(" ()（）")) for c, v in enumerate(row) if str(v).strip()}
    return words if all(words.values()) else {}
