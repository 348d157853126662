"""The plan's answer in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fiscalmodel.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

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
    """Cleared when, at what cost, held back by what; or how much is needed, by when, for whom."""
    if lang not in ("zh", "en"):
        raise InputError("lang", f"{lang!r} is not known", "one of zh, en")
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


def _by_period(rows: pd.DataFrame) -> pd.Series:
    by_period = rows.groupby("period")["amount_wan"].sum()
    if len(by_period) > MOST_PERIODS:
        by_period = by_period.groupby(by_period.index.astype(str).str[:4]).sum()
    return by_period


def _missing(plan: ClearancePlan, lang: str) -> str:
    """Money needed, by when; and apart from it what no money could repay in time."""
    money = plan.shortfall[plan.shortfall["reason"] == "money"]
    stuck = plan.shortfall[plan.shortfall["reason"] != "money"]["amount_wan"].sum()
    needed, by_period = money["amount_wan"].sum(), _by_period(money)
    least = plan.rule == "least_cost"  # a rule lacks what it lacks, not the smallest sum
    names = list(dict.fromkeys(plan.shortfall["contract_id"]))
    shown, more = names[:3], len(names) - 3
    if lang == "en":
        when = ", ".join(f"{amount:,.2f} by {period}" for period, amount in by_period.items())
        on = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
        parts = []
        if needed > 0:
            parts += [f"{'at least ' if least else ''}{needed:,.2f} 万元 more is needed ({when})"]
        if stuck > 0:
            parts += [f"{stuck:,.2f} 万元 is not repaid in time by its terms or the plan given"]
        return (
            f"Hidden debt (隐性债务) of {plan.opening_wan:,.2f} 万元 cannot be cleared by "
            f"{plan.deadline} by this plan: {'; '.join(parts)}, for {on}."
        )
    when = "、".join(
        f"至迟{_zh_period(str(p))}需到位{amount:,.2f}万元" for p, amount in by_period.items()
    )
    on = "、".join(shown) + (f"等{len(names)}笔" if more > 0 else "")
    parts = [f"{'最少' if least else ''}缺口{needed:,.2f}万元（{when}）"] if needed > 0 else []
    if stuck > 0:
        parts += [f"{stuck:,.2f}万元按合同条款或所给方案不能按期偿还"]
    return (
        f"隐性债务{plan.opening_wan:,.2f}万元无法按本方案于{_zh_date(plan.deadline)}前清零："
        f"{'；'.join(parts)}，涉及{on}。"
    )
