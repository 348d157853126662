"""Where the figures of debt come from: balances, cost, money by source, ratios.

What the programme decides (who is paid what, when, from which money) are a model's figures.
Everything else follows from them, from the ledger's cells and from dated rules.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.debt.clearance.given import Quota
from fiscalmodel.debt.clearance.path import FEN
from fiscalmodel.debt.clearance.problem import fraction, position
from fiscalmodel.debt.ledger import Contract, Ledger, read_bonds
from fiscalmodel.debt.maturity import payments
from fiscalmodel.debt.schedule import MONTHS_OF
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.trace import Rules, Tracer
from fiscalmodel.scenario.trace_budget import amount_cells
from fiscalmodel.tables.records import Row
from fiscalmodel.words import Text, say

#: Day counts that need nothing beside two days.
_SIMPLE = ("30/360", "ACT/365", "ACT/360")
_KINDS = ("general", "special")
DEBT: Rules = {
    "repaid_wan": "sum parts=@paid",
    "replaced_wan": "sum parts=@paid",
    "interest_wan": "net_sum plus=@accrued minus=@shrunk",
    "hidden_wan": "closing opening=@opening unpaid=@unpaid repaid=repaid_wan replaced=replaced_wan",
    "by_contract_wan": "sum parts=@stays",
    "bond_interest_wan": "sum parts=@coupons",
    "existing_bonds_wan": (
        "sum parts=@held", "outstanding total=@all_held due=@due refinanced=@share"
    ),
    "statutory_wan": "net_sum plus=@drawn minus=@returned",
    "total_wan": "sum parts=hidden_wan+statutory_wan+by_contract_wan",
}  # fmt: skip
BY_SOURCE: Rules = {
    "used_wan": "sum parts=@used",
    "available_wan": ("same of=@batch", "rounded parts=@nets"),
    **dict.fromkeys(("kept_wan", "lapsed_wan"), (
        "left available=@of_batch used=used_wan",
        "kept_or_lapsed before=<kept_wan? available=available_wan used=used_wan",
        "sum parts=@nothing", "model",
    )),
}  # fmt: skip
_MONEY = ("available_wan", "used_wan", "kept_wan", "lapsed_wan")
RISK: Rules = {
    "resources_wan": (
        "same of=@stated",
        "sum parts=balance.revenue_wan?+balance.transfers_wan?+balance.other_resources_wan?",
        "sum parts=@now",
    ),
    **{f"{kind}_interest_wan": "sum parts=@interest" for kind in _KINDS},
    **{f"{kind}_wan": "net_sum plus=@owed minus=@own" for kind in _KINDS},
    "hidden_wan": ("sum parts=debt.hidden_wan+debt.by_contract_wan", "sum parts=@hidden_now"),
    "hidden_interest_wan": "same of=debt.interest_wan",
    "principal_due_wan": "sum parts=@principal",
    "statutory_ratio_pct": "ratio debt=general_wan+special_wan resources=resources_wan",
    "risk_ratio_pct": "ratio debt=general_wan+special_wan+hidden_wan resources=resources_wan",
    **{f"{kind}_limit_wan": "sum parts=@limit" for kind in _KINDS},
    **{f"{kind}_headroom_wan": f"gap first={kind}_limit_wan second={kind}_wan" for kind in _KINDS},
    "expenditure_wan": "same of=balance.expenditure_wan",
    "general_interest_pct": "share part=general_interest_wan whole=expenditure_wan",
}  # fmt: skip


def trace_debt(t: Tracer) -> None:
    """The plan, the balances by year, and the debt ratio."""
    if t.outcome.plan is None:
        return
    traced = _Debt(t)
    traced.schedule()
    traced.balances()
    traced.sources()
    traced.cost()
    traced.steps()
    if t.outcome.risk is not None:
        traced.risk()


class _Debt:
    """A plan that is being traced, with the rows of its tables."""

    def __init__(self, t: Tracer) -> None:
        self.t, self.g, self.plan = t, t.graph, t.outcome.plan
        spec = t.outcome.scenario.spec.debt
        assert spec is not None and t.outcome.debt is not None  # noqa: PT018
        self.spec, self.p, self.given = spec, self.plan.problem, self.plan.given
        self.files = t.outcome.scenario.tables("debt")
        self.close = self.given.opened - dt.timedelta(days=1)
        self.ledger = self._rows("ledger", "contract_id")
        self.row_of = {c.contract_id: i for i, c in enumerate(self.p.contracts)}
        ordered = [name for name in self.ledger if name in self.row_of]
        self.shown = {c: c if t.secret else f"#{n}" for n, c in enumerate(ordered, 1)}
        self.years = [int(year) for year in t.outcome.debt["period"]]
        self.opening = figure_name("plan", "opening_wan", self.plan.as_of)
        self.paid: dict[tuple[str, ...], list[str]] = {}
        self.bonds: Ledger | None = None
        if "bonds" in self.files:
            self.bonds = read_bonds(self.files["bonds"], as_of=t.outcome.scenario.spec.as_of)

    # ---- leaves ----

    def _rows(self, key: str, column: str) -> dict[str, Row]:
        """Rows of a table by the text of a column; the first of each."""
        found: dict[str, Row] = {}
        for row in self.t.outcome.scenario.records(f"debt.{key}"):
            found.setdefault(row.text(column), row)
        return found

    def _cell(self, row: Row, column: str, value: float, unit: str, who: str) -> str:
        head = Text.of(row.table.headers.get(column, column))
        return self.g.leaf(
            f"cell.{row.table.name}:{row.line}.{column}", value, "cell", unit,
            label=Text.joined([who, head], " ", " "), where=row.where(column),
        )  # fmt: skip

    def _principal(self, i: int) -> str:
        c = self.p.contracts[i]
        row, who = self.ledger[c.contract_id], self.shown[c.contract_id]
        return self._cell(row, "principal_wan", c.principal_wan, "万元", who)

    def _contract_rate(self, i: int) -> str:
        c = self.p.contracts[i]
        return self._rate(self.ledger[c.contract_id], c.rate_pct, self.shown[c.contract_id])

    def _rate(self, row: Row, value: float, who: str) -> str:
        """A rate of a table, moved where the scenario moves all rates."""
        shift = self.spec.rate_shift_bp
        if not shift:
            return self._cell(row, "rate_pct", value, "%", who)
        cell = self._cell(row, "rate_pct", row.number("rate_pct"), "%", who)
        stated = self.t.given("debt.rate_shift_bp", shift, "bp")
        return self.g.step(f"rate[{row.table.name}:{row.line}]", "moved_rate", "%", who,
                           rate=cell, shift=stated)  # fmt: skip

    def _terms(
        self, name: str, value: float, label: Text | str, unit: str = "万元",
        given: Mapping[str, Any] | None = None,
    ) -> str:  # fmt: skip
        return self.g.leaf(name, value, "terms", unit, label=label, given=given)

    def _days(self, start: dt.date, end: dt.date) -> str:
        """Years of 360 days between two days."""
        value = max(position(end) - position(start), 0) / 360
        return self.g.calendar("30/360", start, max(end, start), value)

    def _share(self) -> str:
        return self.t.given("debt.refinanced_pct", self.spec.refinanced_pct, "%")

    # ---- what the programme decides ----

    def _who(self, name: object) -> str:
        return self.shown.get(str(name), str(name))

    def _of(self, *key: object) -> list[str]:
        return self.paid.get(tuple(map(str, key)), [])

    def schedule(self) -> None:
        """Every payment, what is missing, and their sums by year, use, contract and source."""
        asked: dict[tuple[str, ...], None] = {}
        said = say("scenario.programme", rule=say(f"scenario.rule.{self.plan.rule}"))
        for part, frame in (
            ("debt_schedule", self.plan.schedule),
            ("debt_shortfall", self.plan.shortfall),
        ):
            for n, row in enumerate(frame.to_dict("records"), 1):
                who, use, day = str(row["contract_id"]), str(row["use"]), row["date"]
                year = str(day.year)
                label = Text.of(f"{day} {self._who(who)} ") + say(f"scenario.use.{use}")
                node = self.g.leaf(figure_name(part, "amount_wan", n), row["amount_wan"], "model",
                                   figure=True, label=label, note=said)  # fmt: skip
                if part == "debt_shortfall":
                    keys = [("row", str(n)), ("lack", who, use, str(day))]
                    sums = [("missing", use, year), ("missing", str(day)), ("missing", use, who),
                            *self._by_contract("missing", who, year)]  # fmt: skip
                else:
                    source = str(row["source_id"])
                    keys = [("move", who, use, str(day)), ("draw", source, use, str(day)),
                            ("step", self._category(source, use), use),
                            ("batch", source, use)]  # fmt: skip
                    sums = [("use", use, year), ("use", use), ("source", source, year),
                            ("source", source), ("use", use, who),
                            *self._by_contract("paid", who, year)]  # fmt: skip
                    if use != "replacement":
                        sums += [("own",), ("own", year)]
                    if use in ("principal", "replacement"):
                        sums += self._by_contract("cleared", who, year)
                for key in (*keys, *sums):
                    self.paid.setdefault(key, []).append(node)
                asked |= dict.fromkeys(sums)
        for key in asked:
            shown = "/".join(map(self._who, key))
            self.g.sum(figure_name("payments", "amount_wan", shown), self.paid[key])

    def _by_contract(self, kind: str, who: str, year: str) -> list[tuple[str, ...]]:
        """Sums that a payment enters: of its contract, of those alike, of all; by year or not."""
        alike = ["", *([who] if who in self.shown else []), *self.alike.get(who, [])]
        return [(kind, *([one] if one else []), *when) for one in alike for when in ((), (year,))]

    @cached_property
    def alike(self) -> dict[str, list[str]]:
        """Contract -> names of the groups that share its debtor, creditor or both."""
        table = self.given.ledger.table.fillna("")
        made: dict[str, list[str]] = {}
        for by in (["debtor"], ["creditor"], ["debtor", "creditor"],
                   ["debtor", "creditor", "project"]):  # fmt: skip
            for _, rows in table.groupby(by, sort=False):
                ids = [str(c) for c in rows["contract_id"]]
                group = "+".join(map(self._who, ids))
                for one in ids if len(ids) > 1 else []:
                    if group not in made.setdefault(one, []):
                        made[one].append(group)
        return made

    def _category(self, source: str, use: str) -> str:
        if use == "replacement":
            return "replacement"
        return next((s.category for s in self.given.sources if s.source_id == source), source)

    # ---- balances ----

    def balances(self) -> None:
        """Hidden, statutory and total debt by year, and interest."""
        g, p = self.g, self.p
        principal = [self._principal(i) for i in range(len(p.contracts))]
        stays = [
            principal[i] if p.stays[i] == c.principal_wan
            else self._terms(f"stays[{self.shown[c.contract_id]}]", p.stays[i],
                             say("scenario.stays"), given={"principal": principal[i]})
            for i, c in enumerate(p.contracts) if p.stays[i]
        ]  # fmt: skip
        self.stays = stays
        g.figure(self.opening, self.plan.opening_wan, "net_sum", plus=principal, minus=stays)
        owed, interest = self._missing(), self._interest()
        self._accrued()
        use = {"repaid_wan": "principal", "replaced_wan": "replacement"}

        def year_of(row: Mapping[str, Any]) -> int:
            return int(row["period"])

        def upto(*keys: tuple[str, str]) -> Any:
            return lambda row: [
                n
                for y in self.years
                if y <= year_of(row)
                for key in keys
                for n in self._of(*key, y)
            ]

        def unpaid(row: Mapping[str, Any], _: str) -> str:
            year = year_of(row)
            grown, shrunk = owed.get(year, ([], []))
            lacking = [n for n in self._of("missing", "interest", year) if self._is_contract(n)]
            name = figure_name("debt", "unpaid_interest_wan", year)
            return g.step(name, "net_sum", label=say("scenario.unpaid"),
                          plus=[*lacking, *grown], minus=shrunk)  # fmt: skip

        def opening(row: Mapping[str, Any], _: str) -> str:
            year = year_of(row)
            first = year == self.years[0]
            return self.opening if first else figure_name("debt", "hidden_wan", year - 1)

        def held(row: Mapping[str, Any]) -> list[str]:
            return [figure_name("debt", "existing_bonds_wan", year_of(row))] if self.bonds else []

        drawn = upto(("use", "replacement"))
        returned = upto(("use", "bond_principal"), ("missing", "bond_principal"))
        nothing: tuple[list[str], list[str]] = ([], [])
        self.t.table(
            "debt", self._with_bonds(), DEBT, "period", opening=opening, unpaid=unpaid,
            totals=("repaid_wan", "replaced_wan", "interest_wan", "bond_interest_wan"),
            paid=lambda row, c: self._of("use", use[c], year_of(row)),
            accrued=lambda row, _: [
                *interest.get(year_of(row), []), *owed.get(year_of(row), nothing)[0]],
            shrunk=lambda row, _: owed.get(year_of(row), nothing)[1],
            stays=lambda *_: stays,
            coupons=lambda row, _: self._coupons(year_of(row)),
            held=lambda *_: self._held() if self.spec.refinanced_pct == 100 else None,
            all_held=lambda *_: g.sum("bonds.total", self._held(),
                                      label=say("scenario.bonds_today")),
            due=lambda row, _: [n for (y, _, part), nodes in self._due.items()
                                if part == "principal" and y <= year_of(row) for n in nodes],
            share=lambda *_: self._share(),
            drawn=lambda row, _: [*held(row), *drawn(row)],
            returned=lambda row, _: returned(row),
        )  # fmt: skip

    def _with_bonds(self) -> pd.DataFrame:
        frame = self.t.outcome.debt
        assert frame is not None
        return frame if self.bonds else frame.drop(columns="existing_bonds_wan", errors="ignore")

    def _is_contract(self, node: str) -> bool:
        """Whether a missing amount is a contract's, and not the service of a new bond."""
        n = int(node.partition("[")[2].rstrip("]"))
        return str(self.plan.shortfall["contract_id"].iloc[n - 1]) in self.shown

    def _missing(self) -> dict[int, tuple[list[str], list[str]]]:
        """Year -> what missing money has grown to at its end, less what it was before."""
        made: dict[int, tuple[list[str], list[str]]] = {}
        for n, row in enumerate(self.plan.shortfall.to_dict("records"), 1):
            who = str(row["contract_id"])
            if row["use"] == "fee" or who not in self.row_of:
                continue
            amount, rate = self._of("row", n)[0], self._contract_rate(self.row_of[who])
            before = amount
            for year in (y for y in self.years if y >= row["date"].year):
                span = self._days(row["date"], min(dt.date(year, 12, 31), self.p.ends[-1]))
                later = self.g.step(
                    f"missing.later[{n}/{year}]", "missing_later",
                    label=say("scenario.missing_later", year=year), amount=amount, rate=rate,
                    years=span,
                )  # fmt: skip
                plus, minus = made.setdefault(year, ([], []))
                plus.append(later)
                minus.append(before)
                before = later
        return made

    def _interest(self) -> dict[int, list[str]]:
        """Year -> interest that falls due, each as balance × rate × years."""
        p, m, path, g = self.p, self.p.moves, self.plan.path, self.g
        made: dict[int, list[str]] = {}
        since, node = self.close, ""
        for k in range(len(m.who)):
            i, day = int(m.who[k]), p.days[m.when[k]]
            c = p.contracts[i]
            who = self.shown[c.contract_id]
            if m.first[k]:
                since, node = p.since[i], self._principal(i)
            opening = node
            gone = [
                *self._of("move", c.contract_id, "principal", day),
                *self._of("move", c.contract_id, "replacement", day),
                *self._of("lack", c.contract_id, "principal", day),
            ]
            if gone:
                label = say("scenario.balance_after", name=who, day=day)
                node = g.step(f"contract.balance[{who}/{day}]", "net_sum", label=label,
                              plus=[opening], minus=gone)  # fmt: skip
            if path.accrued[k]:
                of = opening
                if not m.pays[k]:  # what is repaid between two days settles its own interest
                    label = say("scenario.settled", name=who, day=day)
                    of = g.sum(f"contract.settled[{who}/{day}]", gone, label=label, figure=False)
                span = self._span(c, since, day, float(m.accrual[k]) / (c.rate_pct / 100))
                made.setdefault(day.year, []).append(g.step(
                    f"contract.interest[{who}/{day}]", "interest",
                    label=say("scenario.interest_of", name=who, day=day), balance=of,
                    rate=self._contract_rate(i), years=span,
                ))  # fmt: skip
            if m.pays[k]:
                since = day
        return made

    def _span(self, c: Contract, start: dt.date, end: dt.date, years: float) -> str:
        """Years between two days by a contract's day count."""
        count, who = c.day_count or self.given.options.day_count, self.shown[c.contract_id]
        if count in _SIMPLE:
            return self.g.calendar(count, start, end, fraction(count, start, end, 1, 1))
        label = say("scenario.calendar", first=start, last=end, count=count)
        return self._terms(f"years[{count}/{who}/{end}]", years, label, "")

    def _accrued(self) -> None:
        """Interest from before the balance day that is still owed, in all."""
        owed = []
        for i, (c, since) in enumerate(zip(self.p.contracts, self.p.since, strict=True)):
            if c.rate_pct > 0 and c.principal_wan > 0 and since < self.close:
                count, days = c.day_count or self.given.options.day_count, c.months * 365.25 / 12
                years = fraction(count, since, self.close, round(days), c.months)
                owed.append(self.g.step(
                    f"contract.accrued[{self.shown[c.contract_id]}]", "year_interest",
                    balance=self._principal(i), rate=self._contract_rate(i),
                    years=self._span(c, since, self.close, years),
                ))  # fmt: skip
        if owed:
            self.g.sum(figure_name("plan", "accrued_wan", self.plan.as_of), owed)

    # ---- the plan's own bonds ----

    @cached_property
    def _quota_rows(self) -> list[Row]:
        return list(self.t.outcome.scenario.records("debt.quotas"))

    def _quota(self, q: int) -> tuple[str, str]:
        """Amount (after the scenario's shock) and rate of a batch."""
        quota, g = self.given.quotas[q], self.g
        row = self._quota_rows[quota.row]
        cell = self._cell(row, "quota_wan", row.wan("quota_wan"), "万元", quota.name)
        used = row.wan("used_wan", default=0.0)
        if self.spec.quota_shock_pct or used:
            shock = self.t.given("debt.quota_shock_pct", self.spec.quota_shock_pct, "%")
            cell = g.step(f"quota[{quota.name}]", "shocked", label=quota.name, before=cell,
                          shock=shock)  # fmt: skip
        if used:
            taken = self._cell(row, "used_wan", used, "万元", quota.name)
            cell = g.step(f"quota.left[{quota.name}]", "gap", label=quota.name, first=cell,
                          second=taken)  # fmt: skip
        return cell, self._rate(row, quota.rate_pct, quota.name)

    @cached_property
    def _draws(self) -> list[tuple[int, int, dt.date, str]]:
        """Number, batch, day and node of every issue."""
        made = []
        for d in range(len(self.p.draw_quota)):
            q, day = int(self.p.draw_quota[d]), self.p.days[self.p.draw_day[d]]
            name = self.given.quotas[q].name
            nodes = self._of("draw", f"replacement {name}", "replacement", day)
            if nodes and self.plan.path.bonds[d] > 0:
                label = say("scenario.issue", name=name, day=day)
                node = self.g.sum(f"bonds[{name}/{day}]", nodes, label=label, figure=False)
                made.append((d, q, day, node))
        return made

    def _year(self, day: dt.date) -> str:
        first = day.replace(day=1)
        return self.g.calendar("months", first, first.replace(year=day.year + 1), 1.0)

    def _yearly(self, quota: Quota) -> bool:
        return quota.repayment == "bullet" and quota.frequency == "year"

    def _coupons(self, year: int) -> list[str]:
        """Interest and cost of issue of the plan's bonds in a year, up to the deadline."""
        made: list[str] = []
        for d, q, day, node in self._draws:
            quota = self.given.quotas[q]
            for n, (paid_on, _, share, _) in enumerate(self.p.services[d]):
                if paid_on.year != year or not share:
                    continue
                name = f"bonds.interest[{quota.name}/{day}/{n}]"
                label = say("scenario.coupon", name=quota.name, day=paid_on)
                months = (paid_on.year - day.year) * 12 + paid_on.month - day.month
                if self._yearly(quota) and months and months % 12 == 0:
                    self.g.step(name, "interest", label=label, balance=node,
                                rate=self._quota(q)[1], years=self._year(day))  # fmt: skip
                else:
                    part = math.floor(self.g.value(node) * share * FEN + 0.5 + 1e-4) / FEN
                    self._terms(name, part, label, given={"balance": node})
                made.append(name)
        return made

    # ---- bonds of today ----

    @cached_property
    def _bond_rows(self) -> dict[str, Row]:
        return self._rows("bonds", "bond_code")

    def _bond(self, bond: Mapping[Any, Any]) -> str:
        code = str(bond["bond_code"])
        amount = bond["balance_fen"] / FEN
        return self._cell(self._bond_rows[code], "amount_wan", amount, "万元", code)

    @cached_property
    def _due(self) -> dict[tuple[int, str, str], list[str]]:
        """(Year, type, part) -> principal or interest that bonds of today pay."""
        made: dict[tuple[int, str, str], list[str]] = {}
        assert self.bonds is not None
        terms = {str(r["bond_code"]): r for r in self.bonds.table.to_dict("records")}
        due = payments(self.bonds, as_of=self.t.outcome.scenario.spec.as_of)
        for n, row in enumerate(due.to_dict("records")):
            code, day = str(row["bond_code"]), pd.Timestamp(row["date"]).date()
            if day.year > self.years[-1]:
                continue
            bond, cell = terms[code], self._bond(terms[code])
            times = 12 / MONTHS_OF[bond["frequency"]]
            plain = bond["balance_fen"] * bond["rate_pct"] / 100 / times
            bullet, label = bond["repayment"] == "bullet", Text.of(f"{code} {day}")
            for part in ("principal", "interest"):
                fen = int(row[f"{part}_fen"])
                if not fen:
                    continue
                name = f"bond.{part}[{n}]"
                if bullet and part == "principal":
                    node = cell
                elif bullet and abs(plain - fen) < 1:
                    node = self.g.step(
                        name, "coupon", label=label, balance=cell,
                        rate=self._cell(self._bond_rows[code], "rate_pct", bond["rate_pct"], "%",
                                        code),
                        times=self.g.count(f"times[{bond['frequency']}]", times,
                                           say("scenario.times", count=int(times))),
                    )  # fmt: skip
                else:
                    node = self._terms(name, fen / FEN, label, given={"amount": cell})
                made.setdefault((day.year, str(row["type"]), part), []).append(node)
        return made

    def _held(self, kind: str | None = None) -> list[str]:
        assert self.bonds is not None
        rows = self.bonds.table.to_dict("records")
        return [self._bond(r) for r in rows if kind in (None, r["type"])]

    # ---- money by source ----

    def sources(self) -> None:
        """Available, used, kept and lapsed by source and year."""
        nets = self._nets()
        batches = {f"replacement {q.name}": n for n, q in enumerate(self.given.quotas)}

        def used(row: Mapping[str, Any], _: str) -> list[str]:
            source = str(row["source_id"])
            if source in batches:
                return self._of("batch", source, "replacement")
            return self._of("source", source, row["year"])

        def batch(row: Mapping[str, Any], _: str) -> str | None:
            source = str(row["source_id"])
            return self._quota(batches[source])[0] if source in batches else None

        frame = self.plan.by_source
        self.t.table(
            "by_source", frame, BY_SOURCE, lambda row: f"{row['source_id']}/{row['year']}",
            label=lambda row: f"{row['source_id']} {row['year']}", used=used, batch=batch,
            of_batch=batch, nothing=lambda *_: [], model=lambda *_: {},
            nets=lambda row, _: nets.get((str(row["source_id"]), int(row["year"])), []),
        )  # fmt: skip
        kinds = {s.source_id: s.category for s in self.given.sources}
        frame = frame.assign(kind=[kinds.get(x, "replacement") for x in frame["source_id"]])
        for by in (["kind", "year"], ["kind"], ["year"], ["source_id"]):
            for key, rows in frame.groupby(by, sort=False):
                at = [f"{s}/{y}" for s, y in zip(rows["source_id"], rows["year"], strict=True)]
                for column in _MONEY:
                    self.g.sum(figure_name("by_category", column, "/".join(map(str, key))),
                               [figure_name("by_source", column, one) for one in at])  # fmt: skip

    def _nets(self) -> dict[tuple[str, int], list[str]]:
        """(Source, year) -> what comes in: caps less haircuts, reserve and prior claims."""
        given, p, g = self.given, self.p, self.g
        rows: dict[tuple[str, str], list[Row]] = {}
        for listed in self.t.outcome.scenario.records("debt.sources"):
            at_ = (listed.text("source_id"), str(listed.period("period")))
            rows.setdefault(at_, []).append(listed)
        count: dict[tuple[str, str], int] = {}
        for (source, period), some in rows.items():
            key = (source, period[:4])
            count[key] = count.get(key, 0) + len(some)
        nets: list[str] = []
        factors = self._claims()
        for n, s in enumerate(given.sources):
            row = rows[s.source_id, s.period].pop(0)
            at, who = f"{s.source_id}/{s.period}/{row.line}", f"{s.source_id} {s.period}"
            shock = g.leaf("one", 1.0, "none", "", label=say("scenario.no_shock"))
            pct = self.spec.funding_shock_pct.get(s.category)
            if s.source_id == self.spec.general_budget_source:
                year = s.period[:4]
                share = self.spec.general_budget_share_pct
                cap = g.step(
                    f"source.cap[{at}]", "from_balance", label=who,
                    available=f"balance.available_wan[{year}]",
                    share=self.t.given("debt.general_budget_share_pct", share, "%"),
                    count=g.count(f"source.rows[{s.source_id}/{year}]", count[s.source_id, year],
                                  say("scenario.rows_a_year")),
                )  # fmt: skip
            else:
                cap = self._cell(row, "cap_wan", row.wan("cap_wan"), "万元", who)
                if pct is not None:
                    stated = self.t.given(f"debt.funding_shock_pct.{s.category}", pct, "%")
                    shock = g.step(f"shock[{s.category}]", "shock", "", s.category, shock=stated)
            haircut = reserve = g.none()
            if s.haircut_pct:
                haircut = self._cell(row, "haircut_pct", s.haircut_pct, "%", who)
            if self.spec.reserve_pct and s.kind in ("land", "project"):
                reserve = self.t.given("debt.reserve_pct", self.spec.reserve_pct, "%")
            nets.append(g.step(
                f"source.net[{at}]", "net", label=who, cap=cap, shock=shock, haircut=haircut,
                reserve=reserve, claims=factors.get(n, []),
            ))  # fmt: skip
        shares: dict[tuple[int, int, int], float] = {}
        for n, pool, slot, share in p.shares:
            within = (pool, p.slots[slot].year, n)
            shares[within] = shares.get(within, 0.0) + share
        come: dict[tuple[int, int], list[str]] = {}
        for (pool, year, n), share in sorted(shares.items()):
            node = nets[n]
            if abs(share - 1) > 1e-12:
                part = g.count(
                    f"source.share[{n}/{year}]", share, say("scenario.share_in", year=year)
                )
                node = g.step(f"source.part[{n}/{year}]", "worth", amounts=[node], factors=[part],
                              label=f"{given.sources[n].source_id} {year}")  # fmt: skip
            come.setdefault((pool, year), []).append(node)
        return self._arrived(come)

    def _arrived(
        self, come: Mapping[tuple[int, int], list[str]]
    ) -> dict[tuple[str, int], list[str]]:
        """(Source, year) -> whole 分 of each pool of money that came in by its end."""
        p, g, parts = self.p, self.g, dict[tuple[str, int], list[str]]()
        for pool, source in enumerate(p.pool_names):
            before: list[str] = []
            for year in self.years:
                upto = [*before, *come.get((pool, year), [])]
                slots = [t for t, first in enumerate(p.slots) if first.year == year]
                value = int(self.plan.path.arrived[pool, slots].sum()) / FEN
                name, label = f"source.arrived[{pool}/{year}]", f"{source} {year}"
                expected = g.worked("arrived", {"upto": upto, "before": before})
                if abs(value - expected) < 1e-9:
                    g.step(name, "arrived", label=label, upto=upto, before=before)
                else:  # some 分 of rounding came sooner, so that what is due can be paid
                    g.leaf(name, value, "model", label=label, note=say("scenario.sooner"),
                           given={"upto": upto})  # fmt: skip
                parts.setdefault((source, year), []).append(name)
                before = upto
        return parts

    def _claims(self) -> dict[int, list[str]]:
        """Source -> what prior claims leave of it, one after the other."""
        made: dict[int, list[str]] = {}
        given, g, reserve = self.given, self.g, self.spec.reserve_pct / 100
        held = [
            s.net_wan * (1 - reserve if s.kind in ("land", "project") else 1) for s in given.sources
        ]
        for k, claim in enumerate(given.claims):
            kind = "fiscal" if claim.budget == "general" else "land"
            rows = [
                n for n, s in enumerate(given.sources)
                if s.kind == kind and max(claim.first, s.first) <= min(claim.last, s.last)
            ]  # fmt: skip
            there = sum(held[n] for n in rows)
            if claim.inside or not there > 0:
                continue
            # The money that is there is itself a result of the claims before.
            node = g.step(
                f"claim[{k}]", "claimed", "", claim.item,
                need=self._terms(f"claim.need[{k}]", claim.need_wan, claim.item),
                there=self._terms(f"claim.there[{k}]", there, say("scenario.there")),
            )  # fmt: skip
            for n in rows:
                held[n] *= g.value(node)
                made.setdefault(n, []).append(node)
        return made

    # ---- cost ----

    def cost(self) -> None:
        """Interest and fees, the bonds' whole interest, present value, quota."""
        plan, g = self.plan, self.g
        lacking = [n for y in self.years for n in self._of("missing", "fee", y)]
        batches = [f"replacement {q.name}" for q in self.given.quotas]
        listed: tuple[tuple[str, list[str]], ...] = (
            ("fee_wan", [*self._of("use", "fee"), *lacking]),
            ("quota_used_wan", [n for b in batches for n in self._of("batch", b, "replacement")]),
            ("quota_lapsed_wan", [n for n in g.nodes if n.startswith("by_source.lapsed_wan[rep")]),
            ("shortfall_wan", self._of("missing")),
        )  # fmt: skip
        for column, parts in listed:
            g.sum(f"plan.{column}[total]", parts, value=getattr(plan, column),
                  label=say("scenario.use.fee") if column == "fee_wan" else "")  # fmt: skip
        for i, c in enumerate(self.p.contracts):
            if self.p.stays[i]:
                who = self.shown[c.contract_id]
                mine = [n for n in g.nodes if n.startswith(f"contract.interest[{who}/")]
                g.sum(f"by_contract.interest_wan[{who}]", mine)
        if "break_points" in plan.__dict__:  # the report asked for them
            self._searched("break_points", "break_point", plan.break_points, "shock")
        if not plan.holds:
            self._searched("levers", "amount", plan.lever_table("en"), "lever")
            return
        total = [figure_name("debt", c, "total") for c in ("interest_wan", "bond_interest_wan")]
        g.figure("plan.cost_wan[total]", plan.cost_wan, "sum",
                 parts=[total[0], "plan.fee_wan[total]", total[1]])  # fmt: skip
        bullets = all(q.repayment == "bullet" for q in self.given.quotas)
        if bullets:
            lives = [self._life(q, day, node) for _, q, day, node in self._draws]
            g.figure("plan.bond_life_wan[total]", plan.bond_life_wan, "rounded", parts=lives)
        else:
            g.leaf("plan.bond_life_wan[total]", plan.bond_life_wan, "terms", figure=True)
        if plan.present_value_wan == plan.present_value_wan:
            self._present_value(
                all(map(self._yearly, self.given.quotas))
                and not any(q.issue_cost_pct for q in self.given.quotas)
                and all(float(q.tenor_years).is_integer() for q in self.given.quotas)
            )

    def _searched(self, part: str, column: str, frame: pd.DataFrame, by: str) -> None:
        """What solving the programme again and again found."""
        for row in frame.to_dict("records"):
            if row[column] == row[column]:
                unit = str(row["unit"])
                self.g.leaf(
                    figure_name(part, column, row[by]), row[column], "model",
                    "万元" if unit.startswith("万元") else unit, figure=True,
                    note=say("scenario.break_point") if part == "break_points" else "",
                )  # fmt: skip

    def _life(self, q: int, day: dt.date, node: str) -> str:
        """Interest and cost of issue of a bond over its life."""
        quota, row = self.given.quotas[q], self._quota_rows[self.given.quotas[q].row]
        issue = self.g.none()
        if quota.issue_cost_pct:
            issue = self._cell(row, "issue_cost_pct", quota.issue_cost_pct, "%", quota.name)
        return self.g.step(
            f"bonds.life[{quota.name}/{day}]", "life_interest",
            label=say("scenario.issue", name=quota.name, day=day), amounts=[node],
            rate=self._quota(q)[1], issue=issue,
            tenor=self._cell(row, "tenor_years", quota.tenor_years, "", quota.name),
        )  # fmt: skip

    def _factor(self, rate: str, day: dt.date, later: int) -> str:
        """Of a day of the plan, and of whole years after it."""
        span = self._days(self.close, day)
        if later:
            label = say("scenario.later", count=later)
            more = self.g.count(f"years.later[{later}]", later, label)
            span = self.g.sum(f"years.to[{day}+{later}]", [span, more], "", label, figure=False)
        label = say("scenario.discount", day=day, later=later)
        return self.g.step(f"discount[{day}+{later}]", "discount", "", label, rate=rate, years=span)

    def _present_value(self, plain: bool) -> None:
        """Every own payment and the bonds' service, each at its day's factor."""
        plan, g = self.plan, self.g
        name, quotas = "plan.present_value_wan[total]", range(len(self.given.quotas))
        if not plain:
            g.leaf(name, plan.present_value_wan, "terms", figure=True)
            return
        if self.given.options.discount_pct is not None:
            rate = self.t.given("debt.discount_pct", plan.discount_pct, "%")
        else:
            amounts_, rates = zip(*map(self._quota, quotas), strict=True)
            rate = g.figure("plan.discount_pct[rate]", plan.discount_pct, "mean_rate", "%",
                            amounts=list(amounts_), rates=list(rates))  # fmt: skip
        amounts, factors = list[str](), list[str]()
        for n, row in enumerate(plan.schedule.to_dict("records"), 1):
            if row["use"] in ("interest", "fee", "principal"):
                amounts.append(figure_name("debt_schedule", "amount_wan", n))
                factors.append(self._factor(rate, row["date"], 0))
        for _, q, day, node in self._draws:
            quota = self.given.quotas[q]
            coupon = g.step(
                f"bonds.coupon[{quota.name}/{day}]", "year_interest",
                label=say("scenario.issue", name=quota.name, day=day), balance=node,
                rate=self._quota(q)[1], years=self._year(day),
            )  # fmt: skip
            tenor = round(quota.tenor_years)
            amounts += [coupon] * tenor + [node]
            factors += [self._factor(rate, day, k) for k in (*range(1, tenor + 1), tenor)]
        g.figure(name, plan.present_value_wan, "worth", amounts=amounts, factors=factors)

    def steps(self) -> None:
        """Hidden debt from the opening to the end, by kind of money."""
        done, grown = list[str](), [f"debt.unpaid_interest_wan[{y}]" for y in self.years]
        for row in self.plan.steps.to_dict("records"):
            step, amount = row["step"], row["amount_wan"]
            name = figure_name("plan_steps", "amount_wan", step)
            if step == "opening":
                self.g.figure(name, amount, "same", of=self.opening)
            elif step == "closing":
                unpaid = grown if "unpaid_interest" in set(self.plan.steps["step"]) else []
                self.g.figure(name, amount, "net_sum", plus=[self.opening, *unpaid], minus=done)
            elif step == "unpaid_interest":
                self.g.sum(name, grown, value=amount)
            else:
                parts = [n for use in ("principal", "replacement") for n in
                         self._of("step", step, use)]  # fmt: skip
                self.g.figure(name, amount, "net_sum", plus=[], minus=parts)
                done += parts

    # ---- ratio ----

    def risk(self) -> None:
        """Debt, interest and ratio by year; see `fiscalmodel.debt.outlook.debt_outlook`."""
        g, spec, day = self.g, self.spec, self.plan.as_of
        limits = self._rows("limits", "year") if "limits" in self.files else {}
        resources = spec.comprehensive_resources_wan

        def kind_of(column: str) -> str:
            return column.partition("_")[0]

        def upto(year: int) -> list[int]:
            return [y for y in self.years if y <= year]

        def due(year: int, kind: str, part: str = "principal") -> list[str]:
            return self._due.get((year, kind, part), [])

        def owed(row: Mapping[str, Any], column: str) -> list[str]:
            kind = kind_of(column)
            drawn = [n for y in upto(row["year"]) for n in self._of("use", "replacement", y)]
            return [*self._held(kind), *(drawn if kind == "special" else [])]

        def own(row: Mapping[str, Any], column: str) -> list[str]:
            if spec.refinanced_pct == 100:
                return []
            return [
                g.step(f"own[{n}]", "own_need", label=g.nodes[n].name, due=n,
                       refinanced=self._share())
                for y in upto(row["year"]) for n in due(y, kind_of(column))
            ]  # fmt: skip

        def interest(row: Mapping[str, Any], column: str) -> list[str] | None:
            """Coupons of today's bonds, of those that refinance them, and of the plan's."""
            kind, year = kind_of(column), int(row["year"])
            if year not in self.years:
                return None
            parts = [*due(year, kind, "interest")]
            for node in (n for y in upto(year - 1) for n in due(y, kind)):
                rate = float(policy.value("local_bond_rate_all", on=day))
                parts.append(g.step(
                    f"renewed[{node}]", "renewed", label=g.nodes[node].name, amount=node,
                    refinanced=self._share(),
                    rate=self.t.rule("local_bond_rate_all", day, rate, "%"),
                ))  # fmt: skip
            more = [figure_name("debt", "bond_interest_wan", year)] if kind == "special" else []
            return [*parts, *more]

        def limit(row: Mapping[str, Any], column: str) -> list[str] | None:
            """The cell; special debt may be above it by the quota that has come."""
            year = str(row["year"])
            if year not in limits:
                return None
            come = [
                q
                for q, quota in enumerate(self.given.quotas)
                if column == "special_limit_wan" and quota.first.year <= row["year"]
            ]
            stated = limits[year].wan(column)
            return [self._cell(limits[year], column, stated, "万元", year),
                    *(self._quota(q)[0] for q in come)]  # fmt: skip

        def now(row: Mapping[str, Any], _: str) -> list[str] | None:
            """The resources of the year before the first, from the series themselves."""
            of, year = self.t.outcome.scenario.spec, int(row["year"])
            if year in self.years or of.revenue is None or of.balance is None:
                return None
            series = self.t.read("revenue.series", of.revenue.series)
            cells = [self.t.cell(series, str(year), float(series.values[str(year)]))]
            for column in ("transfers_wan", "other_resources_wan"):
                given = getattr(of.balance, column)
                cells += amount_cells(self.t, f"balance.{column}", given, year)
            return cells

        def stated(row: Mapping[str, Any], column: str) -> str | None:
            key = f"debt.comprehensive_resources_wan.{row['year']}"
            return self.t.given(key, row[column]) if row["year"] in resources else None

        self.t.table(
            "risk", self.t.outcome.risk.table, RISK, "year", owed=owed, own=own, interest=interest,
            limit=limit, stated=stated, now=now, hidden_now=lambda *_: [self.opening, *self.stays],
            principal=lambda row, _: [n for kind in _KINDS for n in due(row["year"], kind)]
            if row["year"] in self.years else None,
        )  # fmt: skip
        for grade, bound in policy.value("debt_risk_grades", on=day).items():
            self.t.rule("debt_risk_grades", day, float(bound), "%", grade)
