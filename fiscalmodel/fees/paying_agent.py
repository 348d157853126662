"""The other fee: treasury payment agents (国库集中支付代理银行), kept apart.

It is paid for services rendered, by item, volume and yearly assessment, and has
nothing to do with what was collected. Prices are set locally, so none ships.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.fee import half_up
from fiscalmodel.fees.files import TableLike, open_table, records
from fiscalmodel.fees.money import as_frame, fen_of
from fiscalmodel.fees.rates import percent
from fiscalmodel.fees.words import clean

HEADERS: dict[str, tuple[str, ...]] = {
    "item": ("项目", "业务项目", "业务种类"),
    "count": ("笔数", "业务量", "数量"),
    "price": ("单价(元)", "单价"),
    "price_fen": (),
}


@dataclass(frozen=True)
class PayingAgentFee:
    """Fee of one paying agent for one year, 分.

    Attributes
    ----------
    table
        ``item, count, price_fen, amount_fen``.
    full_fen
        Sum of the items.
    assessment_pct
        Result of the yearly assessment (考核).
    fee_fen
        What is paid: full × assessment, half up, at most the cap.
    """

    table: pd.DataFrame
    full_fen: int
    assessment_pct: float
    fee_fen: int


def paying_agent_fee(
    items: TableLike, *, assessment_pct: object = 100, cap_fen: int | None = None
) -> PayingAgentFee:
    """Service fee of a treasury payment agent, by items, volume and assessment.

    Parameters
    ----------
    items
        Table ``item, count, price`` (元 each, or ``price_fen``).
    assessment_pct
        Share of the full fee that the yearly assessment grants, percent.
    cap_fen
        Upper limit, 分; None if there is none.

    Raises
    ------
    InputError
        All problems of the table at once.

    Notes
    -----
    fee = min(cap, Σ count × price × assessment). Source: 财库〔2016〕208号, which
    sets items, volume and assessment as the measure; prices are local.

    Examples
    --------
    >>> items = [{"item": "直接支付", "count": 1200, "price": "1.50"}]
    >>> paying_agent_fee(items, assessment_pct=95).fee_fen
    171000
    """
    source = open_table(items, name="items", headers=HEADERS, required=("item", "count"))
    found = Collector()
    rows = []
    for row, record in records(source):
        try:
            number = Fraction(clean(record.get("count")))
            if number.denominator != 1 or number < 0:
                raise ValueError
            count = int(number)
        except ValueError:
            found.add(
                source.place(row, "count"),
                f"{record.get('count')!r} is not a number of items",
                "a whole number",
            )
            count = 0
        price = fen_of(source, row, record, ("price_fen", "price"), found)
        if price < 0:
            found.add(source.place(row, "price"), "a price cannot be negative", "")
        rows.append({"item": clean(record.get("item")), "count": count, "price_fen": price,
                     "amount_fen": count * price})  # fmt: skip
    pct = percent(assessment_pct, "assessment_pct", found, confirmed=True)
    found.raise_if_any()
    table = as_frame(rows, ["item", "count", "price_fen", "amount_fen"])
    full = sum(int(v) for v in table["amount_fen"])
    fee = half_up(full * pct / 100)
    return PayingAgentFee(table, full, float(pct), fee if cap_fen is None else min(fee, cap_fen))
