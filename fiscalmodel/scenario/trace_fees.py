"""Where the commissions come from: receipts, rates, what was paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fiscalmodel.fees.ledger import month_of, period_label, period_number
from fiscalmodel.fees.receipts import CLEARED, COUNTED, EXCLUDED, PENDING, REFUND
from fiscalmodel.fees.terms import PARAMETERS
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.trace import Rules, Tracer
from fiscalmodel.words import say

COMMISSIONS: Rules = {
    "base_fen": "same of=@receipts",
    "rate_pct": "same of=@rate",
    "fee_fen": ("fee base=base_fen rate=rate_pct", "terms"),
    **dict.fromkeys(("arrears_fen", "paid_fen"), ("sum parts=@nothing", "terms")),
    "payable_fen": "payable arrears=arrears_fen fee=fee_fen paid=paid_fen",
}
MONEY = ("base_fen", "fee_fen", "arrears_fen", "paid_fen", "payable_fen")
#: Receipts of a line are listed one by one up to this many.
LISTED = 20_000
_NAMED = ("bank", "kind", "account", "period")
_STATED = {"fines": "rate_fines_pct", "charges": "rate_charges_pct"}


def trace_fees(t: Tracer) -> None:
    """Each line of the statement, and the sums by bank and in all."""
    statement, g, spec = t.outcome.statement, t.graph, t.outcome.scenario.spec.commissions
    if statement is None or spec is None:
        return
    read, period = statement.receipts, statement.period
    counts = np.isin(read.status, (COUNTED, REFUND, CLEARED))
    months, where = np.unique(month_of(read.day), return_inverse=True)
    labels = np.array([period_label(period_number(int(m), period), period) for m in months])
    known = [int(c) for c in np.unique(read.line) if c >= 0]
    rows = [
        {**row, "n": n, "line": line,
         "rate_pct": float(line.terms.rate_pct)
         if line.terms is not None and line.terms.plain and line.fee >= 0 and not line.carried_in
         else None}
        for n, (row, line) in enumerate(
            zip(statement.table.to_dict("records"), statement.settled, strict=True), 1)
    ]  # fmt: skip

    def listed(at: Any) -> list[tuple[str, float]]:
        return [(read.table.where(int(i), "amount"), float(read.fen[i])) for i in at]

    def named(row: Mapping[str, Any]) -> str:
        return " ".join(str(row[c]) for c in _NAMED)

    def receipts(row: Mapping[str, Any], _: str) -> str:
        line, alike = row["line"], [one for one in rows if named(one) == named(row)]
        codes = [c for c in known if read.names.of(c) == (line.bank, line.kind, line.account)]
        of_period = labels[where] == str(row["period"])
        at = np.flatnonzero(counts & of_period & np.isin(read.line, codes))
        whole = len(alike) == 1 and len(at) <= LISTED and int(read.fen[at].sum()) == int(line.base)
        # Else several rates within the period, or too many rows to list.
        return g.leaf(f"receipts[{row['n']}]", line.base, "cell" if whole else "terms", "分",
                      label=named(row), where=read.table.name,
                      cells=listed(at) if whole else ())  # fmt: skip

    def rate(row: Mapping[str, Any], _: str) -> str:
        kind, pct = row["line"].kind, row["rate_pct"]
        if getattr(spec, _STATED.get(kind, ""), None) is not None:
            return t.given(f"commissions.{_STATED[kind]}", pct, "%")
        return t.rule(PARAMETERS[kind], statement.as_of, pct, "%")

    t.table(
        "commissions", rows, COMMISSIONS, label=named, receipts=receipts, rate=rate,
        nothing=lambda *_: [], terms=lambda *_: {},
    )  # fmt: skip
    for column in MONEY:
        for bank in [*dict.fromkeys(str(row["bank"]) for row in rows), "total"]:
            mine = [figure_name("commissions", column, row["n"]) for row in rows
                    if bank in ("total", str(row["bank"]))]  # fmt: skip
            g.sum(figure_name("commissions", column, bank), mine, "分")
    for status, column in ((PENDING, "unmatched_fen"), (EXCLUDED, "excluded_fen")):
        at = np.flatnonzero(read.status == status)
        if 0 < len(at) <= LISTED:
            g.leaf(figure_name("commissions", column, "total"), int(read.fen[at].sum()), "cell",
                   "分", figure=True, cells=listed(at), where=read.table.name,
                   label=say(f"scenario.{column}"))  # fmt: skip
