"""Where the commissions come from: receipts, rates, what was paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fiscalmodel.fees.ledger import month_of, period_label, period_number
from fiscalmodel.fees.receipts import CLEARED, COUNTED, EXCLUDED, PENDING, REFUND
from fiscalmodel.fees.terms import PARAMETERS, official_name
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.trace import Given, Rules, Tracer
from fiscalmodel.units import FEN_PER
from fiscalmodel.words import say

COMMISSIONS: Rules = {
    "base_fen": "same of=@receipts",
    "rate_pct": "same of=@rate",
    "fee_fen": ("fee base=base_fen rate=rate_pct", "terms"),
    **dict.fromkeys(("arrears_fen", "paid_fen"), ("sum parts=@nothing", "terms")),
    "payable_fen": "payable arrears=arrears_fen? fee=fee_fen paid=paid_fen?",
}
#: What the next budget needs, of a base that is known: else what a model said.
BUDGET: Rules = {
    "base_to_date_wan": ("over part=@base whole=@per_wan", "model"),
    **dict.fromkeys(
        ("base_of_year_wan", "lo-80", "hi-80"), ("over part=@base whole=@per_wan", "model")
    ),
    "rate_pct": "same of=@rate",
    "fee_mean": "part_of amount=base_of_year_wan share=rate_pct",
    "fee_lo-80": "part_of amount=lo-80 share=rate_pct",
    "fee_hi-80": "part_of amount=hi-80 share=rate_pct",
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
        {**row, **dict.fromkeys(statement.missing), "n": n, "line": line,
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
        if column in statement.missing:
            continue
        groups: dict[str, list[str]] = {}
        for row in rows:
            bank, one = str(row["bank"]), figure_name("commissions", column, row["n"])
            for key in (bank, f"{bank} {row['kind']}", "total"):
                groups.setdefault(key, []).append(one)
        for key, mine in groups.items():
            g.sum(figure_name("commissions", column, key), mine, "分")
    _trace_budget(t, rows, rate)
    for status, column in ((PENDING, "unmatched_fen"), (EXCLUDED, "excluded_fen")):
        at = np.flatnonzero(read.status == status)
        if 0 < len(at) <= LISTED:
            g.leaf(figure_name("commissions", column, "total"), int(read.fen[at].sum()), "cell",
                   "分", figure=True, cells=listed(at), where=read.table.name,
                   label=say(f"scenario.{column}"))  # fmt: skip


def _trace_budget(t: Tracer, lines: list[dict[str, Any]], rate: Given) -> None:
    """What the next budget needs, by kind."""
    budget, g = t.outcome.fee_budget, t.graph
    if budget is None:
        return

    def bases(row: Mapping[str, Any]) -> list[str]:
        return [figure_name("commissions", "base_fen", one["n"]) for one in lines
                if one["line"].kind == row["kind"]]  # fmt: skip

    def base(row: Mapping[str, Any], _: str) -> str:
        return g.sum(f"fee_base[{row['kind']}]", bases(row), "分", figure=False)

    def of_kind(row: Mapping[str, Any], column: str) -> str | None:
        mine = next((one for one in lines if one["line"].kind == row["kind"]), None)
        return None if mine is None else rate({**mine, "rate_pct": row["rate_pct"]}, column)

    t.table(
        "fee_budget", budget.table.rename(columns={"mean": "base_of_year_wan"}), BUDGET, "kind",
        label=lambda row: official_name(row["kind"]),
        totals=("fee_mean", "fee_lo-80", "fee_hi-80"), base=base, rate=of_kind,
        per_wan=lambda *_: g.count("fen_per_wan", FEN_PER["万元"], say("scenario.fen_per_wan")),
        model=lambda row, _: {"given": {"bases": bases(row)}},
    )  # fmt: skip
