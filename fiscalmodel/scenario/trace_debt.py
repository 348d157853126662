"""Where the figures of debt come from: balances, cost, money by source, ratios.

What the programme decides (who is paid what, when, from which money) are a model's figures.
Everything else follows from them, from the ledger's cells and from dated rules.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.debt.clearance.path import FEN
from fiscalmodel.debt.clearance.problem import fraction, position
from fiscalmodel.debt.ledger import Ledger, read_bonds
from fiscalmodel.debt.maturity import payments
from fiscalmodel.debt.schedule import MONTHS_OF
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.trace import Tracer
from fiscalmodel.tables.records import Row, read_records
from fiscalmodel.words import Text, say

#: Day counts that need nothing beside two days.
_SIMPLE = ("30/360", "ACT/365", "ACT/360")
FEN_PER_WAN = 1_000_000


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
        assert spec is not None
        self.spec = spec
        self.p = self.plan.problem
        self.files = t.outcome.scenario.tables("debt")
        self.close = self.plan.given.opened - dt.timedelta(days=1)
        self.ledger = self._rows("ledger", "contract_id")
        ids = [c.contract_id for c in self.p.contracts]
        ordered = [name for name in self.ledger if name in ids]
        self.shown = {c: c if t.secret else f"#{n}" for n, c in enumerate(ordered, 1)}
        assert t.outcome.debt is not None
        self.debt = t.outcome.debt.to_dict("records")
        self.years = [int(row["period"]) for row in self.debt]
        self.paid: dict[tuple[str, ...], list[str]] = {}
        self.bonds: Ledger | None = None
        if "bonds" in self.files:
            self.bonds = read_bonds(self.files["bonds"], as_of=t.outcome.scenario.spec.as_of)

    def _rows(self, key: str, column: str) -> dict[str, Row]:
        """Rows of a table by the text of a column; the first of each."""
        found: dict[str, Row] = {}
        for row in read_records(self.files.get(key), name=key):
            found.setdefault(row.text(column), row)
        return found

    def _cell(self, row: Row, column: str, value: float, unit: str, who: str) -> str:
        name = f"cell.{row.table.name}:{row.line}.{column}"
        head = Text.of(row.table.headers.get(column, column))
        return self.g.leaf(
            name,
            value,
            "cell",
            unit,
            label=Text.joined([who, head], " ", " "),
            where=row.where(column),
        )

    def _contract(self, i: int, column: str) -> str:
        """A cell of a contract's row."""
        c = self.p.contracts[i]
        if column == "rate_pct":
            who = self.shown[c.contract_id]
            return self._rate(self.ledger[c.contract_id], c.rate_pct, who)
        unit = "万元" if column.endswith("_wan") else "%"
        return self._cell(
            self.ledger[c.contract_id], column, getattr(c, column), unit, self.shown[c.contract_id]
        )

    def _rate(self, row: Row, value: float, who: str) -> str:
        """A rate of a table, moved where the scenario moves all rates."""
        shift = self.spec.rate_shift_bp
        if not shift:
            return self._cell(row, "rate_pct", value, "%", who)
        cell = self._cell(row, "rate_pct", row.number("rate_pct"), "%", who)
        stated = self.t.given("debt.rate_shift_bp", shift, "bp")
        name = f"rate[{row.table.name}:{row.line}]"
        return self.g.formula(name, value, "moved_rate", "%", rate=cell, shift=stated,
                              figure=False, label=who)  # fmt: skip

    def _years_between(self, day_count: str, start: dt.date, end: dt.date) -> str:
        return self.g.calendar(day_count, start, end, fraction(day_count, start, end, 1, 1))

    def _terms(
        self,
        name: str,
        value: float,
        label: Text | str,
        unit: str = "万元",
        given: Mapping[str, Any] | None = None,
    ) -> str:
        return self.g.leaf(name, value, "terms", unit, label=label, given=given)

    def _sum(self, name: str, value: float, parts: Iterable[str], **more: Any) -> str:
        listed = list(parts)
        if not listed:
            return self.g.formula(name, value, "same", of=self.g.none(), **more)
        return self.t.sum(name, value, listed, **more)

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
                who, use, year = str(row["contract_id"]), str(row["use"]), row["date"].year
                label = Text(*(f"{row['date']} {self._who(who)} " for _ in range(2)))
                node = self.g.leaf(
                    figure_name(part, "amount_wan", n),
                    row["amount_wan"],
                    "model",
                    figure=True,
                    label=label + say(f"scenario.use.{use}"),
                    note=said,
                )
                keys: list[tuple[str, ...]]
                sums: list[tuple[str, ...]]
                if part == "debt_shortfall":
                    keys = [("row", str(n)), ("lack", who, use, str(row["date"]))]
                    sums = [("missing", use, str(year))]
                    sums += self._by_contract("missing", who, year)
                else:
                    source = str(row["source_id"])
                    keys = [
                        ("move", who, use, str(row["date"])),
                        ("draw", source, use, str(row["date"])),
                        ("step", self._category(source, use), use),
                        ("batch", source, use),
                    ]
                    sums = [("use", use, str(year)), ("use", use)]
                    sums += [("source", source, str(year)), ("source", source)]
                    sums += self._by_contract("paid", who, year)
                    if use != "replacement":
                        sums += [("own",), ("own", str(year))]
                    if use in ("principal", "replacement"):
                        sums += self._by_contract("cleared", who, year)
                for key in (*keys, *sums):
                    self.paid.setdefault(key, []).append(node)
                asked |= dict.fromkeys(sums)
        for key in asked:
            value = math.fsum(self.g.nodes[n].value for n in self.paid[key])
            shown = "/".join(map(self._who, key))
            self._sum(figure_name("payments", "amount_wan", shown), value, self.paid[key])

    def _by_contract(self, kind: str, who: str, year: int) -> list[tuple[str, ...]]:
        """Sums that a payment enters: of its contract, of those alike, of all; by year or not."""
        alike = [""] + ([who] if who in self.shown else []) + self.alike.get(who, [])
        return [(kind, *([one] if one else []), *when) for one in alike for when in
                ((), (str(year),))]  # fmt: skip

    @cached_property
    def alike(self) -> dict[str, list[str]]:
        """Contract -> names of the groups that share its debtor, creditor or both."""
        table = self.plan.given.ledger.table
        made: dict[str, list[str]] = {}
        for by in (["debtor"], ["creditor"], ["debtor", "creditor"],
                   ["debtor", "creditor", "project"]):  # fmt: skip
            for _, rows in table.fillna("").groupby(by, sort=False):
                ids = [str(c) for c in rows["contract_id"]]
                group = "+".join(map(self._who, ids))
                for one in ids if len(ids) > 1 else []:
                    if group not in made.setdefault(one, []):
                        made[one].append(group)
        return made

    def _category(self, source: str, use: str) -> str:
        if use == "replacement":
            return "replacement"
        return next((s.category for s in self.plan.given.sources if s.source_id == source), source)

    # ---- balances ----

    def balances(self) -> None:
        """Hidden, statutory and total debt by year, and interest."""
        g, p, years = self.g, self.p, self.years
        principal = [self._contract(i, "principal_wan") for i in range(len(p.contracts))]
        stays = []
        for i, c in enumerate(p.contracts):
            if not p.stays[i]:
                continue
            whole = p.stays[i] == c.principal_wan
            stays.append(
                self._contract(i, "principal_wan")
                if whole
                else self._terms(
                    f"stays[{self.shown[c.contract_id]}]",
                    p.stays[i],
                    say("scenario.stays"),
                    given={"principal": principal[i]},
                )
            )
        opening = g.formula(
            figure_name("plan", "opening_wan", self.plan.as_of),
            self.plan.opening_wan,
            "net_sum",
            plus=principal,
            minus=stays,
        )
        owed = self._missing()
        interest = self._interest()
        rows = {int(row["period"]): row for row in self.debt}
        before, drawn, returned = opening, list[str](), list[str]()
        for year in years:
            row = rows[year]

            def name(column: str, year: int = year) -> str:
                return figure_name("debt", column, year)

            repaid, swapped = (
                self._of("use", "principal", year),
                self._of("use", "replacement", year),
            )
            self._sum(name("repaid_wan"), row["repaid_wan"], repaid)
            self._sum(name("replaced_wan"), row["replaced_wan"], swapped)
            grown, shrunk = owed.get(year, ([], []))
            unpaid = [n for n in self._of("missing", "interest", year) if self._is_contract(n)]
            g.formula(
                name("interest_wan"),
                row["interest_wan"],
                "net_sum",
                plus=[*interest.get(year, []), *grown],
                minus=shrunk,
            )
            left = g.formula(
                f"debt.unpaid_wan[{year}]",
                _net(g, [*unpaid, *grown], shrunk),
                "net_sum",
                plus=[*unpaid, *grown],
                minus=shrunk,
                figure=False,
                label=say("scenario.unpaid"),
            )
            g.formula(
                name("hidden_wan"),
                row["hidden_wan"],
                "closing",
                opening=before,
                unpaid=left,
                repaid=name("repaid_wan"),
                replaced=name("replaced_wan"),
            )
            before = name("hidden_wan")
            self._sum(name("by_contract_wan"), row["by_contract_wan"], stays)
            self._sum(name("bond_interest_wan"), row["bond_interest_wan"], self._coupons(year))
            drawn += swapped
            returned += self._of("use", "bond_principal", year) + self._of(
                "missing", "bond_principal", year
            )
            held = [self._existing(year, row["existing_bonds_wan"])] if self.bonds else []
            g.formula(
                name("statutory_wan"),
                row["statutory_wan"],
                "net_sum",
                plus=[*held, *drawn],
                minus=list(returned),
            )
            parts = [name(c) for c in ("hidden_wan", "statutory_wan", "by_contract_wan")]
            self._sum(name("total_wan"), row["total_wan"], parts)
        for column in ("repaid_wan", "replaced_wan", "interest_wan", "bond_interest_wan"):
            self._sum(
                figure_name("debt", column, "total"),
                math.fsum(rows[y][column] for y in years),
                [figure_name("debt", column, y) for y in years],
            )

    def _is_contract(self, node: str) -> bool:
        """Whether a missing amount is a contract's, and not the service of a new bond."""
        rows = self.plan.shortfall
        n = int(node.partition("[")[2].rstrip("]"))
        return str(rows["contract_id"].iloc[n - 1]) in self.shown

    def _missing(self) -> dict[int, tuple[list[str], list[str]]]:
        """Year -> what missing money has grown to at its end, less what it was before."""
        made: dict[int, tuple[list[str], list[str]]] = {}
        row_of = {c.contract_id: i for i, c in enumerate(self.p.contracts)}
        for n, row in enumerate(self.plan.shortfall.to_dict("records"), 1):
            who = str(row["contract_id"])
            if row["use"] == "fee" or who not in row_of:
                continue
            amount, rate = self._of("row", n)[0], self._contract(row_of[who], "rate_pct")
            before = amount
            for year in (y for y in self.years if y >= row["date"].year):
                end = min(dt.date(year, 12, 31), self.p.ends[-1])
                years = max(position(end) - position(row["date"]), 0) / 360
                span = self.g.calendar("30/360", row["date"], max(end, row["date"]), years)
                rate_pct = self.p.contracts[row_of[who]].rate_pct
                value = _fen(row["amount_wan"] * (1 + rate_pct / 100) ** years)
                later = self.g.formula(
                    f"missing.later[{n}/{year}]",
                    value,
                    "missing_later",
                    amount=amount,
                    rate=rate,
                    years=span,
                    figure=False,
                    label=say("scenario.missing_later", year=year),
                )
                plus, minus = made.setdefault(year, ([], []))
                plus.append(later)
                minus.append(before)
                before = later
        return made

    def _interest(self) -> dict[int, list[str]]:
        """Year -> interest that falls due, each as balance × rate × years."""
        p, m, path, g = self.p, self.p.moves, self.plan.path, self.g
        made: dict[int, list[str]] = {}
        since, balance, node = self.close, 0.0, ""
        for k in range(len(m.who)):
            i, day = int(m.who[k]), p.days[m.when[k]]
            c = p.contracts[i]
            who = self.shown[c.contract_id]
            if m.first[k]:
                since, node = p.since[i], self._contract(i, "principal_wan")
            opening = node
            balance = float(path.closing[k]) / FEN
            gone = [
                n
                for use in ("principal", "replacement")
                for n in self._of("move", c.contract_id, use, day)
            ]
            gone += self._of("lack", c.contract_id, "principal", day)
            if gone:
                node = g.formula(
                    f"contract.balance[{who}/{day}]",
                    balance,
                    "net_sum",
                    plus=[opening],
                    minus=gone,
                    figure=False,
                    label=say("scenario.balance_after", name=who, day=day),
                )
            if path.accrued[k]:
                of = opening
                if not m.pays[k]:  # what is repaid between two days settles its own interest
                    of = self._sum(
                        f"contract.settled[{who}/{day}]",
                        float(path.opening[k] - path.closing[k]) / FEN,
                        gone,
                        figure=False,
                        label=say("scenario.settled", name=who, day=day),
                    )
                count = c.day_count or self.plan.given.options.day_count
                years = float(m.accrual[k]) / (c.rate_pct / 100)
                if count in _SIMPLE:
                    span = self._years_between(count, since, day)
                else:
                    label = say("scenario.calendar", first=since, last=day, count=count)
                    span = self._terms(f"years[{count}/{who}/{day}]", years, label, "")
                made.setdefault(day.year, []).append(
                    g.formula(
                        f"contract.interest[{who}/{day}]",
                        float(path.accrued[k]) / FEN,
                        "interest",
                        balance=of,
                        rate=self._contract(i, "rate_pct"),
                        years=span,
                        figure=False,
                        label=say("scenario.interest_of", name=who, day=day),
                    )
                )
            if m.pays[k]:
                since = day
        return made

    def _quota(self, q: int) -> tuple[str, str]:
        """Amount (after the scenario's shock) and rate of a batch."""
        quota, g = self.plan.given.quotas[q], self.g
        row = self._quota_rows[quota.row]
        cell = self._cell(row, "quota_wan", row.wan("quota_wan"), "万元", quota.name)
        used = row.wan("used_wan", default=0.0)
        if self.spec.quota_shock_pct or used:
            shock = self.t.given("debt.quota_shock_pct", self.spec.quota_shock_pct, "%")
            cell = g.formula(
                f"quota[{quota.name}]",
                row.wan("quota_wan") * (1 + self.spec.quota_shock_pct / 100),
                "shocked",
                before=cell,
                shock=shock,
                figure=False,
                label=quota.name,
            )
            if used:
                cell = g.formula(
                    f"quota.left[{quota.name}]",
                    quota.amount_wan,
                    "gap",
                    first=cell,
                    second=self._cell(row, "used_wan", used, "万元", quota.name),
                    figure=False,
                    label=quota.name,
                )
        return cell, self._rate(row, quota.rate_pct, quota.name)

    @cached_property
    def _quota_rows(self) -> list[Row]:
        return list(read_records(self.files["quotas"], name="quotas"))

    def _draws(self) -> list[tuple[int, dt.date, float, str]]:
        """Batch, day, amount and node of every issue."""
        made = []
        for d in range(len(self.p.draw_quota)):
            q, day = int(self.p.draw_quota[d]), self.p.days[self.p.draw_day[d]]
            name = f"replacement {self.plan.given.quotas[q].name}"
            nodes = self._of("draw", name, "replacement", day)
            if nodes and self.plan.path.bonds[d] > 0:
                made.append(
                    (
                        q,
                        day,
                        float(self.plan.path.bonds[d]) / FEN,
                        self._sum(
                            f"bonds[{self.plan.given.quotas[q].name}/{day}]",
                            float(self.plan.path.bonds[d]) / FEN,
                            nodes,
                            figure=False,
                            label=say(
                                "scenario.issue", name=self.plan.given.quotas[q].name, day=day
                            ),
                        ),
                    )
                )
        return made

    def _coupons(self, year: int) -> list[str]:
        """Interest and cost of issue of the plan's bonds in a year, up to the deadline."""
        made: list[str] = []
        at = {
            (int(self.p.draw_quota[d]), self.p.days[self.p.draw_day[d]]): d
            for d in range(len(self.p.draw_quota))
        }
        for q, day, amount, node in self._draws():
            quota = self.plan.given.quotas[q]
            for n, (paid_on, _, share, _) in enumerate(self.p.services[at[q, day]]):
                if paid_on.year != year or not share:
                    continue
                name = f"bonds.interest[{quota.name}/{day}/{n}]"
                label = say("scenario.coupon", name=quota.name, day=paid_on)
                months = (paid_on.year - day.year) * 12 + paid_on.month - day.month
                if quota.repayment == "bullet" and months == 12 * round(months / 12) and months:
                    span = self.g.calendar(
                        "months", day.replace(day=1), _later(day.replace(day=1), 12), 1.0
                    )
                    self.g.formula(
                        name,
                        _fen(amount * share),
                        "interest",
                        balance=node,
                        rate=self._quota(q)[1],
                        years=span,
                        figure=False,
                        label=label,
                    )
                else:
                    self._terms(name, _fen(amount * share), label, given={"balance": node})
                made.append(name)
        return made

    # ---- bonds of today ----

    @cached_property
    def _due(self) -> dict[tuple[int, str, str], list[str]]:
        """(Year, type, part) -> principal or interest that bonds of today pay."""
        made: dict[tuple[int, str, str], list[str]] = {}
        assert self.bonds is not None
        rows = self._rows("bonds", "bond_code")
        terms = {str(r["bond_code"]): r for r in self.bonds.table.to_dict("records")}
        due = payments(self.bonds, as_of=self.t.outcome.scenario.spec.as_of)
        for n, row in enumerate(due.to_dict("records")):
            code, day = str(row["bond_code"]), pd.Timestamp(row["date"]).date()
            if day.year > self.years[-1]:
                continue
            bond = terms[code]
            cell = self._cell(
                rows[code], "amount_wan", bond["balance_fen"] / FEN_PER_WAN, "万元", code
            )
            bullet = bond["repayment"] == "bullet"
            for part in ("principal", "interest"):
                value = int(row[f"{part}_fen"]) / FEN_PER_WAN
                if not value:
                    continue
                times = 12 / MONTHS_OF[bond["frequency"]]
                name, label = f"bond.{part}[{n}]", Text.of(f"{code} {day}")
                plain = bond["balance_fen"] * bond["rate_pct"] / 100 / times
                if bullet and part == "principal":
                    node = cell
                elif bullet and abs(plain - int(row["interest_fen"])) < 1:
                    node = self.g.formula(
                        name,
                        value,
                        "coupon",
                        balance=cell,
                        figure=False,
                        label=label,
                        rate=self._cell(rows[code], "rate_pct", bond["rate_pct"], "%", code),
                        times=self.g.leaf(
                            f"times[{bond['frequency']}]",
                            times,
                            "calendar",
                            "",
                            label=say("scenario.times", count=int(times)),
                        ),
                    )
                else:
                    node = self._terms(name, value, label, given={"amount": cell})
                made.setdefault((day.year, str(row["type"]), part), []).append(node)
        return made

    def _cells(self, kind: str | None = None) -> list[str]:
        assert self.bonds is not None
        rows = self._rows("bonds", "bond_code")
        return [
            self._cell(
                rows[str(r["bond_code"])],
                "amount_wan",
                r["balance_fen"] / FEN_PER_WAN,
                "万元",
                str(r["bond_code"]),
            )
            for r in self.bonds.table.to_dict("records")
            if kind in (None, r["type"])
        ]

    def _existing(self, year: int, value: float) -> str:
        name = figure_name("debt", "existing_bonds_wan", year)
        if self.spec.refinanced_pct == 100:
            return self._sum(name, value, self._cells())
        due = [
            n
            for (y, _, part), nodes in self._due.items()
            if part == "principal" and y <= year
            for n in nodes
        ]
        total = self._sum(
            "bonds.total",
            math.fsum(self.g.nodes[n].value for n in self._cells()),
            self._cells(),
            label=say("scenario.bonds_today"),
        )
        share = self.t.given("debt.refinanced_pct", self.spec.refinanced_pct, "%")
        return self.g.formula(name, value, "outstanding", total=total, due=due, refinanced=share)

    # ---- money by source ----

    def sources(self) -> None:
        """Available, used, kept and lapsed by source and year."""
        nets = self._nets()
        kept: dict[str, str] = {}
        batches = {f"replacement {q.name}": n for n, q in enumerate(self.plan.given.quotas)}
        for row in self.plan.by_source.to_dict("records"):
            source, year = str(row["source_id"]), int(row["year"])

            def name(column: str, key: str = f"{source}/{year}") -> str:
                return figure_name("by_source", column, key)

            label = Text.joined([source, str(year)], " ", " ")
            used = self._sum(
                name("used_wan"),
                row["used_wan"],
                self._of("batch", source, "replacement")
                if source in batches
                else self._of("source", source, year),
                label=label,
            )
            if source in batches:
                have = self.g.formula(
                    name("available_wan"),
                    row["available_wan"],
                    "same",
                    of=self._quota(batches[source])[0],
                    label=label,
                )
                for column in ("kept_wan", "lapsed_wan"):
                    if row[column]:
                        self.g.formula(
                            name(column),
                            row[column],
                            "left",
                            available=have,
                            used=used,
                            label=label,
                        )
                    else:
                        self._sum(name(column), 0.0, [], label=label)
                continue
            have = self.g.formula(
                name("available_wan"),
                row["available_wan"],
                "rounded",
                parts=nets.get((source, year), []),
                label=label,
            )
            before = kept.get(source, self.g.none())
            both = row["kept_wan"] > 0 and row["lapsed_wan"] > 0
            for column in ("kept_wan", "lapsed_wan"):
                if both:
                    self.g.leaf(name(column), row[column], "model", figure=True, label=label)
                elif row[column]:
                    self.g.formula(
                        name(column),
                        row[column],
                        "kept_or_lapsed",
                        before=before,
                        available=have,
                        used=used,
                        label=label,
                    )
                else:
                    self._sum(name(column), 0.0, [], label=label)
            kept[source] = name("kept_wan")

        frame = self.plan.by_source
        kinds = {s.source_id: s.category for s in self.plan.given.sources}
        frame = frame.assign(kind=[kinds.get(x, "replacement") for x in frame["source_id"]])
        for column in ("available_wan", "used_wan", "kept_wan", "lapsed_wan"):
            for by in (["kind", "year"], ["kind"], ["year"], ["source_id"]):
                for key, rows in frame.groupby(by, sort=False):
                    names = [figure_name("by_source", column, f"{s}/{y}") for s, y in
                             zip(rows["source_id"], rows["year"], strict=True)]  # fmt: skip
                    self._sum(figure_name("by_category", column, "/".join(map(str, key))),
                              float(rows[column].sum()), names)  # fmt: skip

    def _nets(self) -> dict[tuple[str, int], list[str]]:
        """(Source, year) -> what comes in: caps less haircuts, reserve and prior claims."""
        given, p, g = self.plan.given, self.p, self.g
        rows: dict[tuple[str, str], list[Row]] = {}
        for listed in read_records(self.files["sources"], name="sources"):
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
            at = f"{s.source_id}/{s.period}/{row.line}"
            who = f"{s.source_id} {s.period}"
            if s.source_id == self.spec.general_budget_source:
                of = f"balance.available_wan[{s.period[:4]}]"
                share = self.t.given(
                    "debt.general_budget_share_pct", self.spec.general_budget_share_pct, "%"
                )
                rows_a_year = count[s.source_id, s.period[:4]]
                cap = g.formula(
                    f"source.cap[{at}]",
                    s.cap_wan,
                    "from_balance",
                    available=of,
                    share=share,
                    count=g.leaf(
                        f"source.rows[{s.source_id}/{s.period[:4]}]",
                        rows_a_year,
                        "calendar",
                        "",
                        label=say("scenario.rows_a_year"),
                    ),
                    figure=False,
                    label=who,
                )
                shock = g.leaf("one", 1.0, "none", "", label=say("scenario.no_shock"))
            else:
                cap = self._cell(row, "cap_wan", row.wan("cap_wan"), "万元", who)
                pct = self.spec.funding_shock_pct.get(s.category)
                shock = g.leaf("one", 1.0, "none", "", label=say("scenario.no_shock"))
                if pct is not None:
                    stated = self.t.given(f"debt.funding_shock_pct.{s.category}", pct, "%")
                    shock = g.formula(
                        f"shock[{s.category}]",
                        1 + pct / 100,
                        "shock",
                        "",
                        shock=stated,
                        figure=False,
                        label=s.category,
                    )
            haircut = (
                g.none()
                if not s.haircut_pct
                else self._cell(row, "haircut_pct", s.haircut_pct, "%", who)
            )
            reserve = g.none()
            if self.spec.reserve_pct and s.kind in ("land", "project"):
                reserve = self.t.given("debt.reserve_pct", self.spec.reserve_pct, "%")
            nets.append(
                g.formula(
                    f"source.net[{at}]",
                    float(p.nets[n]),
                    "net",
                    cap=cap,
                    shock=shock,
                    haircut=haircut,
                    reserve=reserve,
                    claims=factors.get(n, []),
                    figure=False,
                    label=who,
                )
            )
        shares: dict[tuple[int, int, int], float] = {}
        for n, pool, slot, share in p.shares:
            key_ = (pool, p.slots[slot].year, n)
            shares[key_] = shares.get(key_, 0.0) + share
        come: dict[tuple[int, int], list[str]] = {}
        for (pool, year, n), within in sorted(shares.items()):
            node = nets[n]
            if abs(within - 1) > 1e-12:
                part = g.leaf(f"source.share[{n}/{year}]", within, "calendar", "",
                              label=say("scenario.share_in", year=year))  # fmt: skip
                node = g.formula(f"source.part[{n}/{year}]", float(p.nets[n]) * within, "worth",
                                 amounts=[node], factors=[part], figure=False,
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
                expected = _fen(_net(g, upto, [])) - _fen(_net(g, before, []))
                name = f"source.arrived[{pool}/{year}]"
                label = Text.joined([source, str(year)], " ", " ")
                if abs(value - expected) < 1e-9:
                    g.formula(name, value, "arrived", upto=upto, before=before, figure=False,
                              label=label)  # fmt: skip
                else:  # some 分 of rounding came sooner, so that what is due can be paid
                    g.leaf(name, value, "model", label=label, note=say("scenario.sooner"),
                           given={"upto": upto})  # fmt: skip
                parts.setdefault((source, year), []).append(name)
                before = upto
        return parts

    def _claims(self) -> dict[int, list[str]]:
        """Source -> what prior claims leave of it, one after the other."""
        made: dict[int, list[str]] = {}
        given, g = self.plan.given, self.g
        reserve = self.spec.reserve_pct / 100
        held = [
            s.net_wan * (1 - reserve if s.kind in ("land", "project") else 1) for s in given.sources
        ]
        for k, claim in enumerate(given.claims):
            kind = "fiscal" if claim.budget == "general" else "land"
            rows = [
                n
                for n, s in enumerate(given.sources)
                if s.kind == kind and max(claim.first, s.first) <= min(claim.last, s.last)
            ]
            there = sum(held[n] for n in rows)
            if claim.inside or not there > 0:
                continue
            left = 1 - min(claim.need_wan / there, 1.0)
            # The money that is there is itself a result of the claims before.
            node = g.formula(
                f"claim[{k}]",
                left,
                "claimed",
                "",
                figure=False,
                label=claim.item,
                need=self._terms(f"claim.need[{k}]", claim.need_wan, claim.item),
                there=self._terms(f"claim.there[{k}]", there, say("scenario.there")),
            )
            for n in rows:
                held[n] *= left
                made.setdefault(n, []).append(node)
        return made

    # ---- cost ----

    def cost(self) -> None:
        """Interest and fees, the bonds' whole interest, present value, quota."""
        plan, g, p = self.plan, self.g, self.p
        total = {c: figure_name("debt", c, "total") for c in ("interest_wan", "bond_interest_wan")}
        fee = self._sum(
            "plan.fee_wan[total]",
            plan.fee_wan,
            [
                *self._of("use", "fee"),
                *(n for y in self.years for n in self._of("missing", "fee", y)),
            ],
            label=say("scenario.use.fee"),
        )
        used = [
            n
            for q in plan.given.quotas
            for n in self._of("batch", f"replacement {q.name}", "replacement")
        ]
        self._sum("plan.quota_used_wan[total]", plan.quota_used_wan, used)
        lapsed = [
            name for name in list(g.nodes) if name.startswith("by_source.lapsed_wan[replacement")
        ]
        self._sum("plan.quota_lapsed_wan[total]", plan.quota_lapsed_wan, lapsed)
        self._sum("plan.shortfall_wan[total]", plan.shortfall_wan, self._of("missing"))
        for i, c in enumerate(p.contracts):
            if p.stays[i]:
                who = self.shown[c.contract_id]
                mine = [n for n in g.nodes if n.startswith(f"contract.interest[{who}/")]
                self._sum(f"by_contract.interest_wan[{who}]",
                          math.fsum(g.nodes[n].value for n in mine), mine)  # fmt: skip
        if "break_points" in plan.__dict__:  # the report asked for them
            for shock in plan.break_points.to_dict("records"):
                if shock["break_point"] == shock["break_point"]:
                    g.leaf(figure_name("break_points", "break_point", shock["shock"]),
                           shock["break_point"], "model", str(shock["unit"]), figure=True,
                           note=say("scenario.break_point"))  # fmt: skip
        if not plan.holds:
            for lever in plan.lever_table("en").to_dict("records"):
                if lever["amount"] == lever["amount"]:
                    money = str(lever["unit"]).startswith("万元")
                    g.leaf(
                        figure_name("levers", "amount", lever["lever"]),
                        lever["amount"],
                        "model",
                        "万元" if money else str(lever["unit"]),
                        figure=True,
                    )
            return
        g.formula(
            "plan.cost_wan[total]",
            plan.cost_wan,
            "sum",
            parts=[total["interest_wan"], fee, total["bond_interest_wan"]],
        )
        lives, bullets = [], all(q.repayment == "bullet" for q in plan.given.quotas)
        for q, day, amount, node in self._draws():
            quota = plan.given.quotas[q]
            if not bullets:
                continue
            row = self._quota_rows[quota.row]
            tenor = self._cell(row, "tenor_years", quota.tenor_years, "", quota.name)
            issue = (
                g.none()
                if not quota.issue_cost_pct
                else self._cell(row, "issue_cost_pct", quota.issue_cost_pct, "%", quota.name)
            )
            value = amount * (quota.rate_pct * quota.tenor_years + quota.issue_cost_pct) / 100
            lives.append(
                g.formula(
                    f"bonds.life[{quota.name}/{day}]",
                    value,
                    "life_interest",
                    amounts=[node],
                    rate=self._quota(q)[1],
                    tenor=tenor,
                    issue=issue,
                    figure=False,
                    label=say("scenario.issue", name=quota.name, day=day),
                )
            )
        if bullets:
            g.formula("plan.bond_life_wan[total]", plan.bond_life_wan, "rounded", parts=lives)
        else:
            g.leaf("plan.bond_life_wan[total]", plan.bond_life_wan, "terms", figure=True)
        if plan.present_value_wan == plan.present_value_wan:
            self._present_value(
                bullets
                and not any(q.issue_cost_pct for q in plan.given.quotas)
                and all(float(q.tenor_years).is_integer() for q in plan.given.quotas)
            )

    def _present_value(self, plain: bool) -> None:
        """Every own payment and the bonds' service, each at its day's factor."""
        plan, g = self.plan, self.g
        name, pct = "plan.present_value_wan[total]", plan.discount_pct
        if not plain:
            g.leaf(name, plan.present_value_wan, "terms", figure=True)
            return
        if plan.given.options.discount_pct is not None:
            rate = self.t.given("debt.discount_pct", pct, "%")
        else:
            quotas = [self._quota(q) for q in range(len(plan.given.quotas))]
            rate = g.formula(
                "plan.discount_pct[rate]",
                pct,
                "mean_rate",
                "%",
                amounts=[a for a, _ in quotas],
                rates=[r for _, r in quotas],
            )
        amounts: list[str] = []
        factors: list[str] = []

        def factor(day: dt.date, later: int) -> str:
            """Of a day of the plan, and of whole years after it."""
            years = (position(day) - position(self.close)) / 360
            span = g.calendar("30/360", self.close, day, years)
            if later:
                span = self._sum(
                    f"years.to[{day}+{later}]",
                    years + later,
                    [
                        span,
                        g.leaf(
                            f"years.later[{later}]",
                            later,
                            "calendar",
                            "",
                            label=say("scenario.later", count=later),
                        ),
                    ],
                    figure=False,
                    unit="",
                    label=say("scenario.later", count=later),
                )
            return g.formula(
                f"discount[{day}+{later}]",
                (1 + pct / 100) ** -(years + later),
                "discount",
                "",
                rate=rate,
                years=span,
                figure=False,
                label=say("scenario.discount", day=day, later=later),
            )

        for n, row in enumerate(plan.schedule.to_dict("records"), 1):
            if row["use"] in ("interest", "fee", "principal"):
                amounts.append(figure_name("debt_schedule", "amount_wan", n))
                factors.append(factor(row["date"], 0))
        for q, day, amount, node in self._draws():
            quota = plan.given.quotas[q]
            year = g.calendar("months", day.replace(day=1), _later(day.replace(day=1), 12), 1.0)
            coupon = g.formula(
                f"bonds.coupon[{quota.name}/{day}]",
                amount * quota.rate_pct / 100,
                "year_interest",
                balance=node,
                rate=self._quota(q)[1],
                years=year,
                figure=False,
                label=say("scenario.issue", name=quota.name, day=day),
            )
            tenor = round(quota.tenor_years)
            amounts += [coupon] * tenor + [node]
            factors += [factor(day, k) for k in range(1, tenor + 1)] + [factor(day, tenor)]
        g.formula(name, plan.present_value_wan, "worth", amounts=amounts, factors=factors)

    def steps(self) -> None:
        """Hidden debt from the opening to the end, by kind of money."""
        opening = figure_name("plan", "opening_wan", self.plan.as_of)
        done: list[str] = []
        grown: list[str] = []
        for row in self.plan.steps.to_dict("records"):
            name = figure_name("plan_steps", "amount_wan", row["step"])
            if row["step"] == "opening":
                self.g.formula(name, row["amount_wan"], "same", of=opening)
            elif row["step"] == "closing":
                self.g.formula(
                    name, row["amount_wan"], "net_sum", plus=[opening, *grown], minus=done
                )
            elif row["step"] == "unpaid_interest":
                grown = [f"debt.unpaid_wan[{y}]" for y in self.years]
                self._sum(name, row["amount_wan"], grown)
            else:
                parts = [
                    n
                    for use in ("principal", "replacement")
                    for n in self._of("step", row["step"], use)
                ]
                self.g.formula(name, row["amount_wan"], "net_sum", plus=[], minus=parts)
                done += parts

    # ---- ratio ----

    def risk(self) -> None:
        """Debt, interest and ratio by year; see `fiscalmodel.debt.outlook.debt_outlook`."""
        g, spec = self.g, self.spec
        renewed: dict[str, list[tuple[str, float]]] = {"general": [], "special": []}
        due: dict[str, list[str]] = {"general": [], "special": []}
        drawn: list[str] = []
        share = None
        if spec.refinanced_pct != 100:
            share = self.t.given("debt.refinanced_pct", spec.refinanced_pct, "%")
        day = self.plan.as_of
        for row in self.t.outcome.risk.table.to_dict("records"):
            year = int(row["year"])

            def name(column: str, year: int = year) -> str:
                return figure_name("risk", column, year)

            if year in spec.comprehensive_resources_wan:
                of = self.t.given(f"debt.comprehensive_resources_wan.{year}", row["resources_wan"])
                g.formula(name("resources_wan"), row["resources_wan"], "same", of=of)
            else:
                parts = [
                    f"balance.{c}[{year}]"
                    for c in ("revenue_wan", "transfers_wan", "other_resources_wan")
                ]
                self._sum(name("resources_wan"), row["resources_wan"], [n for n in parts if n in g])
            ahead = year in self.years
            for kind in ("general", "special"):
                if ahead:
                    self._risk_interest(year, kind, row, renewed[kind])
                    mine = self._due.get((year, kind, "principal"), [])
                    due[kind] += mine
                    renewed[kind] += [(n, g.nodes[n].value) for n in mine]
                    drawn += self._of("use", "replacement", year) if kind == "special" else []
                held = self._cells(kind)
                repaid = [self._own(n, share) for n in due[kind]] if share else []
                g.formula(
                    name(f"{kind}_wan"),
                    row[f"{kind}_wan"],
                    "net_sum",
                    plus=[*held, *(drawn if kind == "special" else [])],
                    minus=repaid,
                )
            if ahead:
                self._sum(
                    name("hidden_wan"),
                    row["hidden_wan"],
                    [figure_name("debt", c, year) for c in ("hidden_wan", "by_contract_wan")],
                )
                self._sum(
                    name("hidden_interest_wan"),
                    row.get("hidden_interest_wan", math.nan),
                    [figure_name("debt", "interest_wan", year)],
                )
                self._sum(
                    name("principal_due_wan"),
                    row["principal_due_wan"],
                    [n for kind in due for n in self._due.get((year, kind, "principal"), [])],
                )
            else:
                stays = [
                    n
                    for n in g.nodes[
                        figure_name("debt", "by_contract_wan", self.years[0])
                    ].sources()
                    if n[1] != "none"
                ]
                self._sum(
                    name("hidden_wan"),
                    row["hidden_wan"],
                    [figure_name("plan", "opening_wan", self.plan.as_of), *(n for _, n in stays)],
                )
            debt = [name("general_wan"), name("special_wan")]
            g.formula(
                name("statutory_ratio_pct"),
                row["statutory_ratio_pct"],
                "ratio",
                "%",
                debt=debt,
                resources=name("resources_wan"),
            )
            g.formula(
                name("risk_ratio_pct"),
                row["risk_ratio_pct"],
                "ratio",
                "%",
                debt=[*debt, name("hidden_wan")],
                resources=name("resources_wan"),
            )
            self._limits(year, row)
        bounds = policy.value("debt_risk_grades", on=day)
        for grade, bound in bounds.items():
            self.t.rule("debt_risk_grades", day, float(bound), "%", grade)

    def _own(self, due: str, share: str) -> str:
        value = self.g.nodes[due].value * (1 - self.spec.refinanced_pct / 100)
        return self.g.formula(
            f"own[{due}]",
            value,
            "own_need",
            due=due,
            refinanced=share,
            figure=False,
            label=self.g.nodes[due].name,
        )

    def _risk_interest(
        self, year: int, kind: str, row: Mapping[Any, Any], renewed: list[tuple[str, float]]
    ) -> None:
        """Coupons of today's bonds, of those that refinance them, and of the plan's."""
        parts = list(self._due.get((year, kind, "interest"), []))
        if renewed:
            rate = float(policy.value("local_bond_rate_all", on=self.plan.as_of))
            rule = self.t.rule("local_bond_rate_all", self.plan.as_of, rate, "%")
            share = self.t.given("debt.refinanced_pct", self.spec.refinanced_pct, "%")
            for node, amount in renewed:
                parts.append(
                    self.g.formula(
                        f"renewed[{node}]",
                        amount * self.spec.refinanced_pct / 100 * rate / 100,
                        "renewed",
                        amount=node,
                        refinanced=share,
                        rate=rule,
                        figure=False,
                        label=self.g.nodes[node].name,
                    )
                )
        if kind == "special":
            parts.append(figure_name("debt", "bond_interest_wan", year))
        self._sum(
            figure_name("risk", f"{kind}_interest_wan", year), row[f"{kind}_interest_wan"], parts
        )

    def _limits(self, year: int, row: Mapping[Any, Any]) -> None:
        limits = self._rows("limits", "year") if "limits" in self.files else {}
        for kind in ("general", "special"):
            limit = row.get(f"{kind}_limit_wan", math.nan)
            if limit == limit and str(year) in limits:
                cell = self._cell(limits[str(year)], f"{kind}_limit_wan", limit, "万元", str(year))
                name = self.g.formula(
                    figure_name("risk", f"{kind}_limit_wan", year), limit, "same", of=cell
                )
                self.g.formula(
                    figure_name("risk", f"{kind}_headroom_wan", year),
                    row[f"{kind}_headroom_wan"],
                    "gap",
                    first=name,
                    second=figure_name("risk", f"{kind}_wan", year),
                )
        spent = row.get("expenditure_wan", math.nan)
        if spent == spent:
            of = figure_name("balance", "expenditure_wan", year)
            name = self.g.formula(
                figure_name("risk", "expenditure_wan", year), spent, "same", of=of
            )
            self.g.formula(
                figure_name("risk", "general_interest_pct", year),
                row["general_interest_pct"],
                "share",
                "%",
                part=figure_name("risk", "general_interest_wan", year),
                whole=name,
            )


def _fen(amount: float) -> float:
    """Whole 分 of an amount in 万元, halves up as the plan's own."""
    return math.floor(amount * FEN + 0.5 + 1e-4) / FEN


def _net(g: Any, plus: list[str], minus: list[str]) -> float:
    return math.fsum(g.nodes[n].value for n in plus) - math.fsum(g.nodes[n].value for n in minus)


def _later(day: dt.date, months: int) -> dt.date:
    years, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + years, month=month + 1)
