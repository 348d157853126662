"""Sums that the field's standard forms define: totals and parts by their official names."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Template:
    """A total and its parts by name (after numbering, codes and brackets are taken off).

    All of `parts` must be there; those of `optional` count if they are.
    """

    total: str
    parts: tuple[str, ...]
    optional: tuple[str, ...] = ()


#: Department budget (部门预算公开), levels of revenue, transfers.
TEMPLATES = (
    Template("收支总预算", ("基本支出", "项目支出"), ("经营支出", "上缴上级支出")),
    Template("基本支出", ("人员经费", "公用经费")),
    Template("人员经费", ("工资福利支出", "对个人和家庭的补助")),
    Template("公用经费", ("商品和服务支出",), ("资本性支出",)),
    Template("三公经费", ("因公出国费", "公务接待费", "公务用车购置及运行维护费")),
    Template("政府采购预算", ("货物类", "服务类"), ("工程类",)),
    Template("收支总预算", ("人员类项目支出", "运转类项目支出", "特定目标类项目支出")),
    Template("在职人员实有", ("行政在职", "事业在职")),
    Template("大口径财政收入", ("税收收入", "非税收入")),
    Template("大口径财政收入", ("上划中央", "县级留用"), ("上划省", "上划市")),
    Template("一般公共预算收入", ("税收收入", "非税收入")),
    Template(
        "上级补助收入",
        ("返还性收入", "一般性转移支付收入"),
        ("专项补助收入", "专项转移支付收入"),
    ),
)

#: What may stand on the two sides of a budget's balance (决算平衡), by its own name.
INCOME = re.compile(
    r"^(?:地方)?(?:一般公共|政府性基金|国有资本经营|社会保险基金)(?:预算)?(?:本级)?收入$"
    r"|^本级收入$|^上级(?:补助|转移支付)收入$|债券?(?:\(转贷\))?转贷收入$|^债务(?:转贷)?收入$"
    r"|^上年(?:结余|结转)|^调入(?:资金|预算)|^动用.*基金$|^区域间转移性收入$|^下级上解收入$"
)
OUTGO = re.compile(
    r"^(?:地方)?(?:一般公共|政府性基金|国有资本经营|社会保险基金)(?:预算)?(?:本级)?支出$"
    r"|^本级支出$|^上解(?:上级)?支出$|债务?(?:券)?还本支出$|^调出资金$|^(?:安排|补充).*基金$"
    r"|^区域间转移性支出$|^补助下级支出$|^债务转贷支出$"
)
INCOME_TOTAL = re.compile(r"^(?:收入|收入方)总计$")
OUTGO_TOTAL = re.compile(r"^(?:支出|支出方)总计$")
CARRY = re.compile(r"^(?:年终)?结转(?:下年|结余)?|^年终结余|^滚存结余|^结余结转下年")
NET = re.compile(r"^净结余$")
