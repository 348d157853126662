"""Where the figures of cash by month come from: flows, needs, the order of payment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fiscalmodel.budget.cash import CashPlan
from fiscalmodel.budget.sanbao import PARTS
from fiscalmodel.budget.treasury import IN_TREASURY, LOWER, RECEIPTS, TIED, WITHHELD
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.trace import Cells, Rules, Tracer
from fiscalmodel.words import official, say

_FLOW = "cash_flows.amount_wan"
CASH: Rules = {
    "opening_wan": ("same of=<closing_wan", "same of=@opening"),
    "receipts_wan": f"sum parts={_FLOW}{{period,side=in_free}}",
    "withheld_wan": (
        f"sum parts={_FLOW}{{period,side=withheld}}",
        "paid_up due=@withheld own=*withheld_wan there=opening_wan+receipts_wan gone=@nothing",
    ),
    "sanbao_wan": (
        "net_sum plus=@due minus=@tied",
        "paid_up due=@due+<sanbao_short_wan? own=@tied there=opening_wan+receipts_wan "
        "gone=withheld_wan+",
    ),
    "sanbao_short_wan": (
        "sum parts=@nothing", "net_sum plus=@due+<sanbao_short_wan? minus=@tied+sanbao_wan"
    ),
    "lower_wan": (
        f"sum parts={_FLOW}{{period,side=lower}}",
        f"spare due={_FLOW}{{period,side=lower}}+<waits_wan? there=opening_wan+receipts_wan "
        "gone=withheld_wan+sanbao_wan held=@held",
    ),
    "waits_wan": (
        "sum parts=@nothing",
        f"net_sum plus={_FLOW}{{period,side=lower}}+<waits_wan? minus=lower_wan+",
    ),
    "closing_wan": "net_sum plus=opening_wan+receipts_wan minus=withheld_wan+sanbao_wan+lower_wan",
    "months_of_cover": "level part=closing_wan whole=@average_need",
}  # fmt: skip
BY_KIND: Rules = {
    "opening_wan": ("same of=<closing_wan", "sum parts=@opening"),
    "receipts_wan": f"net_sum plus={_FLOW}{{period,into=:cash_kind}} minus=@withheld",
    "payments_wan": (
        f"sum parts={_FLOW}{{period,out_of=:cash_kind}}+@payments",
        "sum parts=@spent+@payments",
    ),
    "closing_wan": "net_sum plus=opening_wan+receipts_wan minus=payments_wan+",
}
LEVELS: Rules = {
    "treasury_wan": "sum parts=cash_by_kind.closing_wan{period,in_treasury=True}",
    "cash_level": "level part=treasury_wan whole=@average",
}
PAYMENTS: Rules = {
    "amount_wan": f"sum parts={_FLOW}{{period,cash_line,item}}",
    "settled_wan": (
        "sum parts=amount_wan+<waits_wan?",
        "spare due=amount_wan+<waits_wan? there=@there gone=@gone held=@held",
    ),
    "waits_wan": "net_sum plus=amount_wan+<waits_wan? minus=settled_wan+",
}
_DRAWN = ("mean", "lo-80", "hi-80", "first_short_pct", "short_by_pct")


def trace_cash(t: Tracer, result: Any) -> None:
    """Cash by month and by kind, what ranks lower, the warning."""
    _Cash(t, result.cash).trace()
    g, warning = t.graph, result.warning
    drawn = dict.fromkeys(_DRAWN, "model")
    t.table("cash_warning", warning.table, drawn, label=_month, model=lambda *_: {})
    g.leaf("cash_warning.alarm_pct[total]", warning.alarm_pct, "model", "%", figure=True,
           label=say("scenario.alarm_chance"))  # fmt: skip
    t.given("sanbao.alarm_pct", warning.threshold_pct, "%", say("scenario.alarm_line"))
    for name, level in warning.levels.items():
        g.leaf(f"cash_warning.level_pct[{name}]", level, "model", "%", figure=True)


def _month(row: Mapping[str, Any]) -> str:
    return str(row["period"])


class _Cash:
    """A plan of cash that is being traced: its flows as a table, and what rules cannot say."""

    def __init__(self, t: Tracer, plan: CashPlan) -> None:
        self.t, self.g, self.plan, self.given = t, t.graph, plan, plan.given
        self.own: dict[pd.Period, list[str]] = {}
        sides = {line: f"in_{kind}" for line, kind in RECEIPTS.items()}
        sides |= dict.fromkeys(WITHHELD, "withheld") | dict.fromkeys(LOWER, "lower")
        rows = []
        for row in t.outcome.scenario.records("sanbao.flows"):
            line, purpose = row.word("cash_line", "cash_line"), row.text("purpose")
            rows.append({
                "period": row.period("period"), "cash_line": line, "item": row.text("item"),
                "purpose": official("sanbao_part", purpose) or purpose, "side": sides.get(line),
                "into": RECEIPTS.get(line), "out_of": TIED.get(line),
                "amount_wan": row.wan("amount_wan"), "where": row.where("amount_wan"),
            })  # fmt: skip
        t.table(
            "cash_flows", rows, {"amount_wan": "cell"}, cell=lambda row, _: {"where": row["where"]},
            label=lambda row: f"{row['period']} {row['cash_line']} {row['item']}",
        )  # fmt: skip

    def _flows(self, month: pd.Period, **wanted: str) -> list[str]:
        wanted["period"] = str(month)
        return [
            figure_name("cash_flows", "amount_wan", row.key) for row in self.t.rows["cash_flows"]
            if all(str(row.values[c]) == v for c, v in wanted.items())
        ]  # fmt: skip

    def _needs(self, month: pd.Period, part: str = "") -> list[str]:
        """What is due in a month, and what was left unpaid before the first one."""
        made, behind = [], dict[tuple[Any, Any], tuple[list[str], list[str]]]()
        for row in self.t.rows["sanbao_needs"]:
            need = figure_name("sanbao_needs", "need_wan", row.key)
            tier = row.values["sanbao_part"], row.values["standard"]
            if part not in ("", tier[0]):
                continue
            if row.values["period"] == month:
                made.append(need)
            elif row.values["period"] < month == self.given.months[0]:
                due, paid = behind.setdefault(tier, ([], []))
                due.append(need)
                paid.append(figure_name("sanbao_needs", "settled_wan", row.key))
        for tier, (due, paid) in behind.items():
            name = "/".join(map(str, tier))
            lacks = self.g.step(f"sanbao.lacking[{name}]", "net_sum", plus=due, minus=paid)
            if (
                self.g.value(lacks) > 1e-9
            ):  # what was paid beyond one month's need counts for others
                made.append(lacks)
        return made

    def _tied(self) -> None:
        """Money tied to a part of the three guarantees: it pays what is due, as far as it goes."""
        cells = Cells.of(self.t, "sanbao", ("period", "cash_kind", "purpose"))
        g, before = self.g, self.given.months[0] - 1
        for part in PARTS:
            row = {"period": before, "cash_kind": "earmarked", "purpose": part}
            purse = cells.every(row, "closing_wan")
            for month in self.given.months:
                purse += self._flows(month, cash_line="earmarked_grant", purpose=part)
                if purse:
                    own = g.step(f"cash.own[{part}/{month}]", "paid_up", own=[], there=purse,
                                 due=self._needs(month, part), gone=[])  # fmt: skip
                    self.own.setdefault(month, []).append(own)
                    purse = [g.step(f"cash.purse[{part}/{month}]", "net_sum", plus=purse,
                                    minus=[own])]  # fmt: skip

    def _spent(self, row: Mapping[str, Any], _: str) -> list[str]:
        """Payments of tied money: each purse pays what is due as far as it reaches."""
        kind, month, made = str(row["cash_kind"]), row["period"], []
        cells = Cells.of(self.t, "sanbao", ("period", "cash_kind", "purpose"))
        rows = [one.values for one in self.t.rows["cash_flows"] if one.values["out_of"] == kind]
        for purpose in dict.fromkeys(str(one["purpose"]) for one in rows):
            before = {"period": self.given.months[0] - 1, "cash_kind": kind, "purpose": purpose}
            there, due = cells.every(before, "closing_wan"), list[str]()
            paid = list[str]()
            for past in self.given.months[: self.given.months.index(month) + 1]:
                there = there + self._flows(past, into=kind, purpose=purpose)
                due = due + self._flows(past, out_of=kind, purpose=purpose)
                name = f"cash.spent[{kind}/{purpose}/{past}]"
                paid.append(self.g.step(name, "paid_up", due=due, own=paid, there=there, gone=paid))
            made.append(paid[-1])
        return made

    def trace(self) -> None:
        """By month, then by kind, since the treasury's money adds the kinds up."""
        g, months = self.g, self.given.months
        behind = Cells.of(self.t, "sanbao", ("period", "cash_kind"))
        self._tied()

        def number(row: Mapping[str, Any]) -> int:
            return months.index(row["period"]) + 1

        def before(row: Mapping[str, Any], _: str) -> list[str]:
            return behind.every({**row, "period": row["period"] - 1}, "closing_wan")

        def of_month(row: Mapping[str, Any], *columns: str) -> list[str]:
            return [figure_name("sanbao", column, number(row)) for column in columns]

        def payments(row: Mapping[str, Any], _: str) -> list[str]:
            if row["cash_kind"] == "free":
                return of_month(row, "sanbao_wan", "lower_wan")
            return self.own.get(row["period"], []) if row["cash_kind"] == "earmarked" else []

        def average_need(*_: Any) -> str:
            count = g.count(f"months[{len(months)}]", len(months), str(len(months)))
            return g.step("cash.average_need[all]", "mean_of", count=count,
                          parts=[n for month in months for n in self._needs(month)])  # fmt: skip

        def earlier(row: Mapping[str, Any], _: str) -> list[str]:
            """What those before it in the order of payment were paid in the month."""
            paid = [
                figure_name("cash_payments", "settled_wan", one.key)
                for one in self.t.rows["cash_payments"]
                if one.values["turn"] < row["turn"] and one.values["period"] == row["period"]
            ]
            return [*of_month(row, "withheld_wan", "sanbao_wan"), *paid]

        self.t.table(
            "sanbao", self.plan.table, CASH, label=_month, nothing=lambda *_: [],
            opening=lambda row, c: before({**row, "cash_kind": "free"}, c)[0],
            withheld=lambda row, _: [n for month in months if month <= row["period"] for n in
                                     self._flows(month, side="withheld")],
            due=lambda row, _: self._needs(row["period"]), held=self._held,
            tied=lambda row, _: self.own.get(row["period"], []), average_need=average_need,
        )  # fmt: skip
        kinds = self.plan.by_kind
        self.t.table(
            "cash_by_kind", kinds.assign(in_treasury=kinds["cash_kind"].isin(IN_TREASURY)), BY_KIND,
            label=lambda row: f"{row['period']} {row['cash_kind']}", opening=before,
            payments=payments, spent=self._spent,
            withheld=lambda row, _: of_month(row, "withheld_wan")
            if row["cash_kind"] == "free" else [],
        )  # fmt: skip
        self.t.table("sanbao", self.plan.table, LEVELS, label=_month, average=self._average(behind))
        self.t.table(
            "cash_payments", self.plan.payments, PAYMENTS, held=self._held, gone=earlier,
            label=lambda row: f"{row['period']} {row['item']}",
            there=lambda row, _: of_month(row, "opening_wan", "receipts_wan"),
        )  # fmt: skip

    def _held(self, row: Mapping[str, Any], _: str) -> str:
        """Free money that the three guarantees of the months ahead will need."""
        months, ahead, g = self.given.months, self.plan.hold_months, self.g
        at, later = months.index(row["period"]) + 1, self.g.none()
        for month in reversed(months[at : None if ahead is None else at + ahead]):
            missing = g.step(
                f"cash.missing[{month}]", "net_sum",
                plus=[*self._needs(month), *self._flows(month, side="withheld")],
                minus=[*self._flows(month, side="in_free"), *self.own.get(month, [])],
            )  # fmt: skip
            later = g.step(f"cash.held[{row['period']}/{month}]", "held", missing=missing,
                           later=later)  # fmt: skip
        keep = self.t.given("sanbao.keep_wan", self.plan.keep_wan)
        return g.step(f"cash.hold[{row['period']}]", "most", parts=[keep, later])

    def _average(self, behind: Cells) -> Any:
        """Mean of the payments from the treasury in up to twelve months."""
        spent: dict[pd.Period, list[str]] = {}
        for month in dict.fromkeys(self.given.behind.get("period", ())):
            kinds = [{"period": month, "cash_kind": kind} for kind in IN_TREASURY]
            parts = [n for kind in kinds for n in behind.every(kind, "payments_wan")]
            # A month behind that states balances alone says nothing about payments.
            if sum(self.g.value(n) for n in parts) > 0:
                spent[month] = parts
        for row in self.t.rows["cash_by_kind"]:
            if row.values["in_treasury"]:
                name = figure_name("cash_by_kind", "payments_wan", row.key)
                spent.setdefault(row.values["period"], []).append(name)

        def average(row: Mapping[str, Any], _: str) -> str:
            window = [month for month in sorted(spent) if month <= row["period"]][-12:]
            count = self.g.count(f"months[{len(window)}]", len(window), str(len(window)))
            return self.g.step(f"cash.average[{row['period']}]", "mean_of", count=count,
                               parts=[n for month in window for n in spent[month]])  # fmt: skip

        return average
