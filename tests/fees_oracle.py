"""The settlement as a plain loop over receipts with `decimal`: slow, short, independent."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

Rates = dict[str, list[tuple[date, date, Decimal]]]
FEN = Decimal("0.01")


def label(day: date, period: str) -> str:
    if period == "year":
        return f"{day.year}"
    if period == "quarter":
        return f"{day.year}Q{(day.month + 2) // 3}"
    return f"{day.year}-{day.month:02d}"


def rate_on(rates: Rates, kind: str, day: date) -> Decimal | None:
    for first, last, pct in rates.get(kind, []):
        if first <= day <= last:
            return pct
    return None


def bases(receipts: list[dict], rates: Rates, period: str, as_of: date | None = None) -> dict:
    """(bank, kind, account) -> period -> rate -> base in 元."""
    seen: dict = {}
    for r in receipts:
        if r["receipt_id"] in seen:
            raise ValueError(f"twice: {r['receipt_id']}")
        seen[r["receipt_id"]] = r
    refunded: dict = defaultdict(Decimal)
    result: dict = defaultdict(lambda: defaultdict(lambda: defaultdict(Decimal)))
    for r in receipts:
        origin = r
        if r.get("refund_of") is not None:
            origin = seen[r["refund_of"]]
            refunded[origin["receipt_id"]] += -r["amount"]
            if refunded[origin["receipt_id"]] > origin["amount"]:
                raise ValueError(f"too much: {r['refund_of']}")
        if r.get("excluded") or origin.get("excluded"):
            continue
        day = r["paid_in"]
        mark = origin.get("unmatched")
        if mark is True or (isinstance(mark, date) and as_of is not None and mark > as_of):
            continue
        if isinstance(mark, date):
            day = max(day, mark)
        pct = rate_on(rates, origin["kind"], origin["paid_in"])
        group = (origin["bank"], origin["kind"], origin["account"])
        result[group][label(day, period)][pct] += r["amount"]
    return result


def settle(
    receipts: list[dict], rates: Rates, period: str, as_of: date | None = None
) -> dict[tuple, tuple[Decimal, Decimal, Decimal]]:
    """(bank, kind, account, period, rate) -> (base, fee, base carried on), in 元."""
    out: dict = {}
    for group, periods in bases(receipts, rates, period, as_of).items():
        carried: dict = {}
        for name in sorted(periods):
            own = dict(periods[name])
            for pct in carried:
                own.setdefault(pct, Decimal(0))
            charge = {pct: own[pct] + carried.get(pct, 0) for pct in own}
            carried = {}
            fees = {
                pct: Decimal(0) if pct is None or base <= 0 else round_fen(base * pct / 100)
                for pct, base in charge.items()
            }
            room = sum(fees.values())
            positive = any(pct is not None and base > 0 for pct, base in charge.items())
            order = {p: i for i, (_, _, p) in reversed(list(enumerate(rates.get(group[1], []))))}
            for pct in sorted(charge, key=lambda p: (p is None, order.get(p, 0))):
                base = charge[pct]
                if base < 0:
                    credit = None if pct is None else round_fen(-base * pct / 100)
                    if credit is not None and positive and credit <= room:
                        fees[pct], room = -credit, room - credit
                    else:
                        carried[pct] = base
            for pct in own:
                out[(*group, name, pct)] = (own[pct], fees[pct], carried.get(pct, Decimal(0)))
    return out


def round_fen(amount: Decimal) -> Decimal:
    return amount.quantize(FEN, rounding=ROUND_HALF_UP)
