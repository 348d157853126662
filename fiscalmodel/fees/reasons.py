"""Why two statements may differ: reasons that explain a difference to the 分."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.fee import half_up
from fiscalmodel.fees.rates import pct_text, percent
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.words import account_of, kind_of
from fiscalmodel.units import yuan_text

#: Days on either side of a period's end that a cut-off may slip by.
CUT_OFF_DAYS = 10
_DAY = pd.Timedelta(days=1)
#: Bank, canonical kind and account, period.
Key = tuple[str, str, str, str]


def our_lines(statement: CommissionStatement) -> dict[Key, dict[str, Any]]:
    """Our lines added up over rates, by canonical words."""
    money = [
        "base_fen",
        "fee_fen",
        "refunds_fen",
        "unmatched_fen",
        "excluded_fen",
        "carried_in_fen",
    ]
    result: dict[Key, dict[str, Any]] = {}
    for record in statement.lines.to_dict("records"):
        key = (
            record["bank"],
            kind_of(record["kind"]) or "",
            account_of(record["account"]) or "",
            record["period"],
        )
        if key in result:
            for name in money:
                result[key][name] += record[name]
            result[key]["lines"].append(record)
        else:
            result[key] = {**{name: record[name] for name in money}, "lines": [record]}
    return result


def why(
    statement: CommissionStatement, key: Key, row: dict[str, Any], mine: dict[str, Any],
    ours: dict[Key, dict[str, Any]], theirs: dict[Key, tuple[int, int]],
) -> str:  # fmt: skip
    difference = row["base_difference_fen"]
    if not difference:
        return _why_fee(statement, key, row, mine)
    parts = {
        "refunds are not taken off": -mine["refunds_fen"],
        "unmatched receipts are counted": mine["unmatched_fen"],
        "excluded lines are counted": mine["excluded_fen"],
    }
    return (
        _parts_that_add_up(parts, difference)
        or elsewhere(key, row, ours, theirs)
        or _cut_off(statement, key, difference)
        or _one_receipt(statement, key, difference)
        or "not explained: compare the receipts (reconcile_receipts)"
    )


def _why_fee(
    statement: CommissionStatement, key: Key, row: dict[str, Any], mine: dict[str, Any]
) -> str:
    """The base agrees and the fee does not."""
    fee, base = row["bank_fee_fen"], mine["base_fen"] + mine["carried_in_fen"]
    opened = statement.explain(*key)
    opened = opened[opened["counted_fen"] != 0]
    found = Collector()
    exact = [
        fen * percent(pct, "", found, confirmed=True) / 100
        for fen, pct in zip(
            opened["counted_fen"].tolist(), opened["rate_pct"].tolist(), strict=True
        )
        if pct == pct
    ]
    if fee == sum(map(half_up, exact)):
        return "rounded receipt by receipt"
    if fee == int(sum(exact)):
        return "cut off to the 分 instead of rounded"
    if mine["carried_in_fen"] and fee == sum(
        half_up(line["base_fen"] * percent(line["rate_pct"], "", found, confirmed=True) / 100)
        for line in mine["lines"]
    ):
        return "the negative base carried from before is not taken off"
    for rate in sorted({r.terms.rate_pct for r in statement._rate_book.rates if r.terms.plain}):
        if fee == half_up(base * rate / 100):
            return f"the fee is that of a rate of {pct_text(rate)} %"
    return "the base agrees, the fee is not explained: compare the rates"


def elsewhere(
    key: Key,
    row: dict[str, Any],
    ours: dict[Key, dict[str, Any]],
    theirs: dict[Key, tuple[int, int]],
) -> str:
    """The same amount is too much under another kind or account."""
    bank, kind, _, period = key
    difference = row["base_difference_fen"]
    for other in sorted({*ours, *theirs}):
        if other == key or (other[0], other[3]) != (bank, period) or not difference:
            continue
        here = ours[other]["base_fen"] if other in ours else 0
        there = theirs[other][0] if other in theirs else 0
        if there - here == -difference:
            what = "kind" if other[1] != kind else "account"
            return (
                f"wrong {what}: the bank has it under {other[1]}, {other[2]}"
                if difference < 0
                else (f"wrong {what}: here it stands under {other[1]}, {other[2]}")
            )
    return ""


def _cut_off(statement: CommissionStatement, key: Key, difference: int) -> str:
    """Days just inside or outside the period that add up to the difference."""
    opened = statement.explain(*key[:3])
    sums = opened.groupby("paid_in")["counted_fen"].sum()
    by_day = {pd.Timestamp(str(day)): int(fen) for day, fen in sums.items()}
    period = pd.Period(key[3], freq={"month": "M", "quarter": "Q", "year": "Y"}[statement.period])
    first, last = period.start_time.normalize(), period.end_time.normalize()
    for name, sign, start, step in (
        ("the last {} days of the period are left to the next", -1, last, -1),
        ("the first {} days of the next period are counted", 1, last + _DAY, 1),
        ("the first {} days of the period are put into the one before", -1, first, 1),
        ("the last {} days of the period before are counted", 1, first - _DAY, -1),
    ):
        total = 0
        for number in range(CUT_OFF_DAYS):
            total += sign * by_day.get(start + step * number * _DAY, 0)
            if total == difference:
                return f"cut-off date: {name.format(number + 1)}"
    return ""


def _one_receipt(statement: CommissionStatement, key: Key, difference: int) -> str:
    opened = statement.explain(*key)
    missing = opened[opened["counted_fen"].eq(-difference)]
    if len(missing) == 1:
        row = missing.iloc[0]
        what = "the refund" if row["role"] == "refund" else "the receipt"
        return f"{what} {row['receipt_id']} of {yuan_text(-difference)} 元 is missing at the bank"
    return ""


def why_treasury(difference: int, mine: dict[str, int], reported: bool) -> str:
    if not difference:
        return ""
    if not reported:
        return "not in the report"
    parts = {
        "unmatched receipts": mine["unmatched_fen"], "excluded lines": mine["excluded_fen"],
        "refunds, which the report shows gross": -mine["refunds_fen"],
    }  # fmt: skip
    explained = _parts_that_add_up(parts, difference)
    if explained:
        return explained
    if difference > 0:
        return "not explained: revenue paid in without a collecting bank, or receipts missing here"
    return "not explained: receipts here that the treasury has not booked"


def _parts_that_add_up(parts: Mapping[str, int], difference: int) -> str:
    """The fewest parts that together are the difference."""
    known = {name: fen for name, fen in parts.items() if fen}
    for size in range(1, len(known) + 1):
        for names in combinations(known, size):
            if sum(known[name] for name in names) == difference:
                return "; ".join(names)
    return ""
