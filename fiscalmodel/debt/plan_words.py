"""The plan's answer in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fiscalmodel.debt.plan_result import ClearancePlan


#: A gap in more periods than this is told by year.
MOST_PERIODS = 4


@dataclass(frozen=True)
class Note:
    """What a reader should know about a plan, in both languages."""

    zh: str
    en: str


def _zh_date(date: object) -> str:
    year, month, day = str(date).split("-")
    return f"{int(year)}年{int(month)}月{int(day)}日"


def _zh_period(period: str) -> str:
    if "Q" in period:
        year, quarter = period.split("Q")
        return f"{year}年第{quarter}季度"
    if "-" in period:
        year, month = period.split("-")
        return f"{year}年{int(month)}月"
    return f"{period}年"


def sentence(plan: ClearancePlan, lang: str = "zh") -> str:
    """Cleared when, at what cost, held back by what; or how much is missing, when, on whom."""
    if plan.status == "infeasible":
        return _missing(plan, lang)
    stays = float(plan.by_contract["closing_wan"].sum()) if len(plan.by_contract) else 0.0
    when, period = plan.cleared_on, plan.binding_period
    if lang == "en":
        text = (
            f"Hidden debt (隐性债务) of {plan.opening_wan:,.2f} 万元 is cleared on {when} "
            f"at a cost of {plan.cost_wan:,.2f} 万元: "
            f"interest to the deadline {plan.interest_wan:,.2f}, "
            f"present value of replacement bonds' service {plan.replacement_pv_wan:,.2f}"
        )
        text += f", early-repayment fees {plan.fee_wan:,.2f}" if plan.fee_wan else ""
        text += _binding(plan, f"; money binds most in {period}", "; no source binds")
        text += f"; {stays:,.2f} 万元 stays by contract and is shown apart" if stays else ""
        return text + "."
    text = (
        f"隐性债务{plan.opening_wan:,.2f}万元可于{_zh_date(when)}清零，成本{plan.cost_wan:,.2f}万元："
        f"截止日前利息{plan.interest_wan:,.2f}万元，置换债券本息现值{plan.replacement_pv_wan:,.2f}万元"
    )
    text += f"，提前还款费用{plan.fee_wan:,.2f}万元" if plan.fee_wan else ""
    text += _binding(
        plan, f"；资金最紧的时段为{_zh_period(period or '')}", "；各项资金来源均不构成约束"
    )
    text += f"；按合同偿还、不计入清零的{stays:,.2f}万元另行列示" if stays else ""
    return text + "。"


def _binding(plan: ClearancePlan, tight: str, loose: str) -> str:
    """Only the least-cost plan knows what holds it back."""
    if plan.rule != "least_cost":
        return ""
    return tight if plan.binding_period else loose


def _missing(plan: ClearancePlan, lang: str) -> str:
    by_period = plan.shortfall.groupby("period")["amount_wan"].sum()
    if len(by_period) > MOST_PERIODS:
        by_period = by_period.groupby(by_period.index.astype(str).str[:4]).sum()
    names = list(dict.fromkeys(plan.shortfall["contract_id"]))
    shown, more = names[:3], len(names) - 3
    if lang == "en":
        parts = ", ".join(f"{amount:,.2f} in {period}" for period, amount in by_period.items())
        on = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
        return (
            f"Hidden debt (隐性债务) of {plan.opening_wan:,.2f} 万元 cannot be cleared by "
            f"{plan.deadline} by this plan: "
            f"{plan.shortfall_wan:,.2f} 万元 is missing ({parts}), on {on}."
        )
    parts = "、".join(f"{_zh_period(str(p))}{amount:,.2f}万元" for p, amount in by_period.items())
    on = "、".join(shown) + (f"等{len(names)}笔" if more > 0 else "")
    return (
        f"隐性债务{plan.opening_wan:,.2f}万元无法按本方案于{_zh_date(plan.deadline)}前清零："
        f"最少缺口{plan.shortfall_wan:,.2f}万元（{parts}），涉及{on}。"
    )
