"""Where the commissions come from: receipts, rates, what was paid."""

from __future__ import annotations

import numpy as np

from fiscalmodel.fees.ledger import month_of, period_label, period_number
from fiscalmodel.fees.receipts import CLEARED, COUNTED, EXCLUDED, PENDING, REFUND
from fiscalmodel.fees.terms import PARAMETERS
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.trace import Tracer
from fiscalmodel.words import Text, say

MONEY = ("base_fen", "fee_fen", "arrears_fen", "paid_fen", "payable_fen")
#: Receipts of a line are listed one by one up to this many.
LISTED = 20_000
_STATED = {"fines": "rate_fines_pct", "charges": "rate_charges_pct"}


def trace_fees(t: Tracer) -> None:
    """Each line of the statement, and the sums by bank and in all."""
    statement, g, spec = t.outcome.statement, t.graph, t.outcome.scenario.spec.commissions
    if statement is None or spec is None:
        return
    read = statement.receipts
    counts = np.isin(read.status, (COUNTED, REFUND, CLEARED))
    months, where = np.unique(month_of(read.day), return_inverse=True)
    labels = np.array(
        [period_label(period_number(int(m), statement.period), statement.period) for m in months]
    )
    known = [int(c) for c in np.unique(read.line) if c >= 0]
    lines = statement.table.to_dict("records")
    for n, (row, line) in enumerate(zip(lines, statement.settled, strict=True), 1):
        label = Text.of(" ".join(str(row[c]) for c in ("bank", "kind", "account", "period")))

        def name(column: str, n: int = n) -> str:
            return figure_name("commissions", column, n)

        alike = [
            x for x in lines if all(x[c] == row[c] for c in ("bank", "kind", "account", "period"))
        ]
        codes = [c for c in known if read.names.of(c) == (line.bank, line.kind, line.account)]
        mine = counts & (labels[where] == str(row["period"])) & np.isin(read.line, codes)
        at = np.flatnonzero(mine)
        if len(alike) == 1 and len(at) <= LISTED and int(read.fen[at].sum()) == int(line.base):
            cells = [(read.table.where(int(i), "amount"), float(read.fen[i])) for i in at]
            base = g.leaf(
                f"receipts[{n}]",
                line.base,
                "cell",
                "分",
                label=label,
                cells=cells,
                where=read.table.name,
            )
        else:  # several rates within the period, or too many rows to list
            base = g.leaf(
                f"receipts[{n}]", line.base, "terms", "分", label=label, where=read.table.name
            )
        g.formula(name("base_fen"), row["base_fen"], "same", "分", of=base, label=label)
        terms = line.terms
        stated = getattr(spec, _STATED.get(line.kind, ""), None)
        if terms is not None and terms.plain and line.fee >= 0 and not line.carried_in:
            pct = float(terms.rate_pct)
            rate = (
                t.given(f"commissions.{_STATED[line.kind]}", pct, "%")
                if stated is not None
                else t.rule(PARAMETERS[line.kind], statement.as_of, pct, "%")
            )
            g.formula(name("rate_pct"), pct, "same", "%", of=rate, label=label)
            g.formula(
                name("fee_fen"),
                row["fee_fen"],
                "fee",
                "分",
                base=name("base_fen"),
                rate=name("rate_pct"),
                label=label,
            )
        else:
            g.leaf(
                name("fee_fen"),
                row["fee_fen"],
                "terms",
                "分",
                figure=True,
                label=label,
                given={"base": name("base_fen")},
            )
        for column in ("arrears_fen", "paid_fen"):
            if row[column]:
                g.leaf(name(column), row[column], "terms", "分", figure=True, label=label)
            else:
                g.formula(name(column), 0.0, "same", "分", of=g.none(), label=label)
        g.formula(
            name("payable_fen"),
            row["payable_fen"],
            "payable",
            "分",
            label=label,
            arrears=name("arrears_fen"),
            fee=name("fee_fen"),
            paid=name("paid_fen"),
        )
    banks = {str(row["bank"]): None for row in lines}
    for column in MONEY:
        for bank in [*banks, "total"]:
            rows = [n for n, row in enumerate(lines, 1) if bank in ("total", str(row["bank"]))]
            t.sum(
                figure_name("commissions", column, bank),
                sum(int(lines[n - 1][column]) for n in rows),
                [figure_name("commissions", column, n) for n in rows],
                unit="分",
            )
    for status, column in ((PENDING, "unmatched_fen"), (EXCLUDED, "excluded_fen")):
        at = np.flatnonzero(read.status == status)
        if len(at) and len(at) <= LISTED:
            cells = [(read.table.where(int(i), "amount"), float(read.fen[i])) for i in at]
            g.leaf(figure_name("commissions", column, "total"), int(read.fen[at].sum()), "cell",
                   "分", figure=True, cells=cells, where=read.table.name,
                   label=say(f"scenario.{column}"))  # fmt: skip
