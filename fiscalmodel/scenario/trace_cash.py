"""Where the figures of cash by month come from: flows, needs, the order of payment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fiscalmodel.budget.cash import CashPlan
from fiscalmodel.budget.sanbao import PARTS
from fiscalmodel.budget.treasury import IN_TREASURY, LOWER, RECEIPTS, TIED, WITHHELD
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.trace import Cells, Rules, Tracer, records_of
from fiscalmodel.words import official

CASH: Rules = {
    "opening_wan": ("same of=<closing_wan", "same of=@opening"),
    "receipts_wan": "sum parts=@free_receipts",
    "withheld_wan": ("sum parts=@withheld", "paid_up due=@to_take there=@before"),
    "sanbao_wan": ("net_sum plus=@due minus=@tied", "paid_up due=@free_need there=@after_withheld"),
    "sanbao_short_wan": ("sum parts=@nothing", "gap first=@free_need second=sanbao_wan"),
    "lower_wan": ("sum parts=@lower", "spare due=@lower_due there=@after_sanbao held=@held"),
    "waits_wan": ("sum parts=@nothing", "gap first=@lower_due second=lower_wan"),
    "closing_wan": "net_sum plus=opening_wan+receipts_wan minus=withheld_wan+sanbao_wan+lower_wan",
    "months_of_cover": "level part=closing_wan whole=@average_need",
}
LEVELS: Rules = {
    "treasury_wan": "sum parts=@treasury",
    "cash_level": "level part=treasury_wan whole=@average_payments",
}
BY_KIND: Rules = {
    "opening_wan": ("same of=<closing_wan", "sum parts=@opening"),
    "receipts_wan": "net_sum plus=@receipts minus=@withheld",
    "payments_wan": "sum parts=@payments",
    "closing_wan": "net_sum plus=opening_wan+receipts_wan minus=payments_wan+",
}
PAYMENTS: Rules = {
    "amount_wan": "sum parts=@flow",
    "settled_wan": ("sum parts=@owed", "spare due=@owed there=@left held=@held"),
    "waits_wan": "gap first=@owed second=settled_wan",
}


def trace_cash(t: Tracer, result: Any) -> None:
    """Cash by month and by kind, what ranks lower, the warning."""
    _Cash(t, result.cash).trace()
    g, warning = t.graph, result.warning
    for n, row in enumerate(warning.table.to_dict("records"), 1):
        for column in ("mean", "lo-80", "hi-80", "first_short_pct", "short_by_pct"):
            g.leaf(figure_name("cash_warning", column, n), row[column], "model", figure=True,
                   unit="%" if column.endswith("_pct") else "万元", label=str(row["period"]))  # fmt: skip
    g.leaf("cash_warning.alarm_pct[total]", warning.alarm_pct, "model", "%", figure=True)
    t.given("sanbao.alarm_pct", warning.threshold_pct, "%")
    for name, level in warning.levels.items():
        g.leaf(f"cash_warning.level_pct[{name}]", level, "model", "%", figure=True)


class _Cash:
    """A plan of cash that is being traced: the cells of its flows, and sums of several."""

    def __init__(self, t: Tracer, plan: CashPlan) -> None:
        self.t, self.g, self.plan, self.given = t, t.graph, plan, plan.given
        self.flows: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
        self.own: dict[Any, list[str]] = {}
        place = t.outcome.scenario.places["sanbao.flows"]
        for row in records_of(place, "sanbao.flows"):
            line, month = row.word("cash_line", "cash_line"), str(row.period("period"))
            where, item = row.where("amount_wan"), row.text("item")
            purpose = official("sanbao_part", row.text("purpose")) or row.text("purpose")
            node = self.g.leaf(f"cell.{where}", row.wan("amount_wan"), "cell", where=where,
                               label=f"{month} {row.text('cash_line')} {item}")  # fmt: skip
            found = self.flows.setdefault((line, month), [])
            found.append((item, purpose, node))

    def _flow(self, lines: Any, month: object, item: str | None = None) -> list[str]:
        return [
            node for line in lines for named, _, node in self.flows.get((line, str(month)), [])
            if item in (None, named)
        ]  # fmt: skip

    def _needs(self, month: object, part: str = "") -> list[str]:
        """What is due in a month, and what was left unpaid before the first one."""
        first = month == self.given.months[0]
        made = []
        for row in self.t.rows["sanbao_needs"]:
            if part not in ("", row.values["sanbao_part"]):
                continue
            need, paid = (figure_name("sanbao_needs", c, row.key) for c in ("need_wan", "settled_wan"))
            if row.values["period"] == month:
                made.append(need)
            elif first and row.values["period"] < month and paid in self.g:
                lacks = self.g.step(f"sanbao.owed[{row.key}]", "gap", first=need, second=paid)
                made += [lacks] if self.g.value(lacks) > 1e-9 else []
        return made

    def _tied(self) -> None:
        """Money tied to a part of the three guarantees: it pays what is due, as far as it goes."""
        cells = Cells.of(self.t, "sanbao", ("period", "cash_kind", "purpose"))
        g, before = self.g, self.given.months[0] - 1
        for part in PARTS:
            row = {"period": before, "cash_kind": "earmarked", "purpose": part}
            purse = cells.every(row, "closing_wan")
            owed: list[str] = []
            for month in self.given.months:
                purse += [node for _, purpose, node in self.flows.get(("earmarked_grant", str(month)), [])
                          if purpose == part]  # fmt: skip
                if not purse:
                    continue
                at = f"{part}/{month}"
                due = g.sum(f"cash.due[{at}]", [*self._needs(month, part), *owed], figure=False)
                there = g.sum(f"cash.purse[{at}]", purse, figure=False)
                own = g.step(f"cash.own[{at}]", "paid_up", due=due, there=there)
                self.own.setdefault(month, []).append(own)
                purse = [g.step(f"cash.purse_left[{at}]", "gap", first=there, second=own)]

    def trace(self) -> None:
        """By kind first, since the treasury's money adds the kinds up."""
        table, months = self.plan.table, self.given.months
        free = [line for line, kind in RECEIPTS.items() if kind == "free"]
        behind = Cells.of(self.t, "sanbao", ("period", "cash_kind"))
        self._tied()

        def lower_due(row: Mapping[str, Any], _: str) -> str:
            n = len(self.t.rows["sanbao"])
            before = [figure_name("sanbao", "waits_wan", n - 1)] if n > 1 else []
            return self.g.sum(f"cash.lower_due[{row['period']}]",
                              [*self._flow(LOWER, row["period"]), *before], figure=False)  # fmt: skip

        def of_month(row: Mapping[str, Any], *columns: str) -> list[str]:
            return [figure_name("sanbao", c, len(self.t.rows["sanbao"])) for c in columns]

        def left(name: str, *minus: str) -> Any:
            def node(row: Mapping[str, Any], _: str) -> str:
                plus = of_month(row, "opening_wan", "receipts_wan")
                return self.g.step(f"cash.{name}[{row['period']}]", "net_sum", plus=plus,
                                   minus=of_month(row, *minus))  # fmt: skip

            return node

        def to_take(row: Mapping[str, Any], _: str) -> str:
            upto = [n for month in months if month <= row["period"] for n in
                    self._flow(WITHHELD, month)]  # fmt: skip
            n = len(self.t.rows["sanbao"])
            taken = [figure_name("sanbao", "withheld_wan", k) for k in range(1, n)]
            return self.g.step(f"cash.to_take[{row['period']}]", "net_sum", plus=upto, minus=taken)

        def free_need(row: Mapping[str, Any], _: str) -> str:
            n = len(self.t.rows["sanbao"])
            before = [figure_name("sanbao", "sanbao_short_wan", n - 1)] if n > 1 else []
            return self.g.step(f"cash.free_need[{row['period']}]", "net_sum", plus=[
                *self._needs(row["period"]), *before], minus=own(row))  # fmt: skip

        def own(row: Mapping[str, Any], *_: Any) -> list[str]:
            return self.own.get(row["period"], [])

        def average_need(*_: Any) -> str:
            count = self.g.count("cash.months", len(months), str(len(months)))
            return self.g.step("cash.average_need[all]", "mean_of", count=count,
                               parts=[n for month in months for n in self._needs(month)])  # fmt: skip

        self.t.table(
            "sanbao", table, CASH, label=lambda row: str(row["period"]), nothing=lambda *_: [],
            opening=lambda row, c: behind.sole(
                {"period": months[0] - 1, "cash_kind": "free"}, "closing_wan"),
            free_receipts=lambda row, _: self._flow(free, row["period"]),
            withheld=lambda row, _: self._flow(WITHHELD, row["period"]), to_take=to_take,
            before=left("before"), after_withheld=left("after_withheld", "withheld_wan"),
            after_sanbao=left("after_sanbao", "withheld_wan", "sanbao_wan"),
            due=lambda row, _: self._needs(row["period"]), tied=own, free_need=free_need,
            lower=lambda row, _: [lower_due(row, "")], lower_due=lower_due, held=self._held,
            average_need=average_need,
        )  # fmt: skip
        self._by_kind(behind, own)
        self._levels(behind)
        self._payments()

    def _payments(self) -> None:
        """What ranks lower: each line from what those before it have left."""
        def of(column: str, row: Mapping[str, Any], step: int) -> list[str]:
            return [
                figure_name("cash_payments", column, one.key) for one in self.t.rows["cash_payments"]
                if (one.values["turn"] == row["turn"] and one.values["period"] == row["period"] - 1
                    if step else one.values["turn"] < row["turn"]
                    and one.values["period"] == row["period"])
            ]  # fmt: skip

        def owed(row: Mapping[str, Any], _: str) -> str:
            now = figure_name("cash_payments", "amount_wan", len(self.t.rows["cash_payments"]))
            return self.g.sum(f"cash.owed[{row['turn']}/{row['period']}]",
                              [now, *of("waits_wan", row, 1)], figure=False)  # fmt: skip

        def left(row: Mapping[str, Any], _: str) -> str:
            n = self.given.months.index(row["period"]) + 1
            return self.g.step(
                f"cash.left[{row['turn']}/{row['period']}]", "net_sum",
                plus=[figure_name("sanbao", c, n) for c in ("opening_wan", "receipts_wan")],
                minus=[*(figure_name("sanbao", c, n) for c in ("withheld_wan", "sanbao_wan")),
                       *of("settled_wan", row, 0)],
            )  # fmt: skip

        self.t.table(
            "cash_payments", self.plan.payments, PAYMENTS,
            label=lambda row: f"{row['period']} {row['item']}", owed=owed, left=left,
            held=self._held,
            flow=lambda row, _: self._flow([row["cash_line"]], row["period"], row["item"]),
        )  # fmt: skip

    def _held(self, row: Mapping[str, Any], _: str) -> str:
        """Free money that the three guarantees of the months ahead will need."""
        months, ahead = self.given.months, self.plan.hold_months
        at = months.index(row["period"]) + 1
        later, g = self.g.none(), self.g
        first = months[0]
        for month in reversed(months[at : None if ahead is None else at + ahead]):
            needs = self._needs(month) if month != first else []
            missing = g.step(
                f"cash.missing[{month}]", "net_sum", plus=[*needs, *self._flow(WITHHELD, month)],
                minus=[*self._flow([k for k, v in RECEIPTS.items() if v == "free"], month),
                       *self.own.get(month, [])],
            )  # fmt: skip
            later = g.step(f"cash.held[{row['period']}/{month}]", "held", missing=missing,
                           later=later)  # fmt: skip
        keep = self.t.given("sanbao.keep_wan", self.plan.keep_wan)
        return g.step(f"cash.hold[{row['period']}]", "most", parts=[keep, later])

    def _by_kind(self, behind: Cells, own: Any) -> None:
        def payments(row: Mapping[str, Any], _: str) -> list[str]:
            kind, month = row["cash_kind"], row["period"]
            if kind == "free":
                n = self.given.months.index(month) + 1
                return [figure_name("sanbao", c, n) for c in ("sanbao_wan", "lower_wan")]
            lines = [line for line, of in TIED.items() if of == kind]
            return [*self._flow(lines, month), *(own(row) if kind == "earmarked" else [])]

        def withheld(row: Mapping[str, Any], _: str) -> list[str]:
            n = self.given.months.index(row["period"]) + 1
            return [figure_name("sanbao", "withheld_wan", n)] if row["cash_kind"] == "free" else []

        self.t.table(
            "cash_by_kind", self.plan.by_kind, BY_KIND,
            label=lambda row: f"{row['period']} {row['cash_kind']}",
            opening=lambda row, c: behind.every(
                {"period": row["period"] - 1, "cash_kind": row["cash_kind"]}, "closing_wan"),
            receipts=lambda row, _: self._flow(
                [k for k, of in RECEIPTS.items() if of == row["cash_kind"]], row["period"]),
            withheld=withheld, payments=payments,
        )  # fmt: skip

    def _levels(self, behind: Cells) -> None:
        """Money of the treasury and its level against the average payments of twelve months."""
        rows = self.t.rows["cash_by_kind"]
        before: dict[pd.Period, list[str]] = {}
        for month in sorted(set(self.given.behind["period"])) if len(self.given.behind) else []:
            parts = [n for kind in IN_TREASURY for n in
                     behind.every({"period": month, "cash_kind": kind}, "payments_wan")]  # fmt: skip
            if sum(self.g.value(n) for n in parts) > 0:
                before[month] = parts

        def of(month: pd.Period, column: str) -> list[str]:
            return [figure_name("cash_by_kind", column, r.key) for r in rows
                    if r.values["period"] == month and r.values["cash_kind"] in IN_TREASURY]  # fmt: skip

        def average(row: Mapping[str, Any], _: str) -> str:
            spent = {**before, **{m: of(m, "payments_wan") for m in self.given.months}}
            window = [m for m in sorted(spent) if m <= row["period"]][-12:]
            count = self.g.count(f"cash.window[{len(window)}]", len(window), str(len(window)))
            return self.g.step(f"cash.average[{row['period']}]", "mean_of", count=count,
                               parts=[n for m in window for n in spent[m]])  # fmt: skip

        self.t.table(
            "sanbao", self.plan.table, LEVELS, label=lambda row: str(row["period"]),
            treasury=lambda row, _: of(row["period"], "closing_wan"), average_payments=average,
        )  # fmt: skip
