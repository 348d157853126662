"""Where the figures of the further parts come from: accounts, plan, guardrails, cash, projects."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.budget.account import PARTS, SIDE_OF, known_line
from fiscalmodel.budget.guardrails import AMOUNTS, RULES
from fiscalmodel.budget.sanbao import PARTS as SANBAO_PARTS
from fiscalmodel.debt.cashflow import amortise
from fiscalmodel.debt.schedule import MONTHS_OF
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.trace import Cells, Given, Rules, Tracer
from fiscalmodel.scenario.trace_cash import trace_cash
from fiscalmodel.words import Text

_KEY = "level,year,version"
_NEEDS = "balance.sanbao_need_wan?+balance.statutory_debt_service_wan?"
_MONEY = "balance.revenue_wan+balance.transfers_wan?+balance.other_resources_wan?"


_ABOVE = f"net_sum plus={_MONEY} minus={_NEEDS}"
_COMMITTED = "balance.other_commitments_wan?"
#: What guardrails are set against where their own table does not say it.
_KNOWN: dict[str, tuple[str, ...]] = {
    f"{name}_{column}": (f"sum parts=sanbao_needs.{column}{{{by}}}",)
    for name, by in (("sanbao", "year"), *((p, f"year,sanbao_part={p}") for p in SANBAO_PARTS))
    for column in ("need_wan", "arranged_wan")
}
_KNOWN["sanbao_need_wan"] += ("same of=balance.sanbao_need_wan",)
_KNOWN |= {
    "revenue_wan": ("same of=balance.revenue_wan",),
    "expenditure_wan": ("same of=balance.expenditure_wan", "same of=medium_term.expenditure_wan"),
    **{
        f"{kind}_{what}_wan": (f"same of=risk.{kind}_{name}wan",)
        for kind in ("general", "special")
        for what, name in (("debt", ""), ("limit", "limit_"), ("interest", "interest_"))
    },
    "stabilisation_fund_wan": ("same of=medium_term.fund_closing_wan",),
}
_KNOWN["general_interest_wan"] += ("same of=balance.statutory_debt_service_wan",)


@dataclass(frozen=True)
class Table:
    """A frame of a part: where it is, its rules, and the columns that name its rows.

    Rows are found in the part's files by `by`; `totals` are columns whose sum is a figure.
    """

    name: str
    at: str
    rules: Rules
    by: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()


TABLES = (
    Table("budgets_lines", "budgets.lines", {"amount_wan": "cell"}, ("item",)),
    Table("budgets_transfers", "budgets.transfers", {
        "out_wan": f"sum parts=budgets_lines.amount_wan{{{_KEY},budget=:from_budget,"
        "item=transfers_out}",
        "in_wan": (
            f"sum parts=budgets_lines.amount_wan{{{_KEY},budget=:to_budget,item=transfers_in,"
            "counterpart=:from_budget}",
            f"sum parts=budgets_lines.amount_wan{{{_KEY},budget=:to_budget,item=transfers_in}}",
            f"net_sum plus=budgets_lines.amount_wan{{{_KEY},budget=:to_budget,item=transfers_in}} "
            f"minus=budgets_transfers.in_wan{{{_KEY},to_budget}}",
            "same of=out_wan",
        ),
        "gap_wan": "gap first=in_wan second=out_wan",
    }, ("from_budget", "to_budget"), ("out_wan", "in_wan")),
    Table("budgets_accounts", "budgets.accounts", {"amount_wan": (
        f"sum parts=budgets_lines.amount_wan{{{_KEY},budget,item}}", "sum parts=@printed_parts",
        f"sum parts=budgets_lines.amount_wan{{{_KEY},budget,item=transfer_income}}",
        "same of=@opened",
    )}, ("budget", "item")),
    Table("budgets", "budgets.table", {
        "resources_wan": f"sum parts=budgets_accounts.amount_wan{{{_KEY},budget,side=resource}}",
        "uses_wan": f"sum parts=budgets_accounts.amount_wan{{{_KEY},budget,side=use}}",
        "carry_over_wan": (
            "gap first=resources_wan second=uses_wan",
            f"sum parts=budgets_lines.amount_wan{{{_KEY},budget,item=carry_over}}",
        ),
        "misfit_wan": ("sum parts=@nothing", "gap first=@stated second=@computed"),
    }, ("level", "year", "version", "budget")),
    Table("medium_term_lines", "medium_term.lines", {
        "standard_wan": (
            "same of=closed.clearance_wan", "same of=@standard_wan", "same of=@amount_wan"
        ),
        "number": ("same of=@number", "same of=@once"),
        "amount_wan": "times first=standard_wan second=number",
    }, ("line",)),
    Table("medium_term_measures", "medium_term.measures", {"amount_wan": "cell"}, ("measure",)),
    Table("medium_term", "medium_term.table", {
        "baseline_resources_wan": (
            f"sum parts={_MONEY.replace('balance.revenue', 'revenue.scenario')}",
            "net_sum plus=revenue.scenario_wan+@flows_in minus=@flows_out",
        ),
        "baseline_expenditure_wan": "sum parts=medium_term_lines.amount_wan{year}",
        "baseline_gap_wan": "gap first=baseline_resources_wan second=baseline_expenditure_wan",
        "measures_resources_wan": "sum parts=medium_term_measures.amount_wan{year,side=resource}",
        "measures_expenditure_wan": "sum parts=medium_term_measures.amount_wan{year,side=use}",
        "resources_wan": "sum parts=baseline_resources_wan+measures_resources_wan",
        "expenditure_wan": "sum parts=baseline_expenditure_wan+measures_expenditure_wan",
        "balance_wan": "gap first=resources_wan second=expenditure_wan",
        "fund_opening_wan": ("same of=<fund_closing_wan", "same of=@fund"),
        "fund_drawn_wan": "paid_up due=@lacking+ own=@nothing there=fund_opening_wan+ "
        "gone=@nothing",
        "fund_filled_wan": "at_least_0 of=balance_wan",
        "fund_closing_wan": "net_sum plus=fund_opening_wan+fund_filled_wan minus=fund_drawn_wan+",
        "shortfall_wan": "gap first=@lacking second=fund_drawn_wan",
    }, ("year",), ("shortfall_wan",)),
    Table("medium_term_changes", "medium_term.changes", {
        "change_wan": "net_sum plus=medium_term_lines.amount_wan{year,line} minus=@last_plan",
    }, ("line", "year")),
    Table("medium_term_execution", "medium_term.execution", {
        "planned_wan": "sum parts=@last_plan",
        "outturn_wan": "sum parts=@outturn",
        "difference_wan": "gap first=outturn_wan second=planned_wan",
        "execution_pct": "share part=outturn_wan whole=planned_wan",
    }, ("line", "year")),
    Table("sanbao_needs", "sanbao.needs.table", dict.fromkeys(
        ("need_wan", "arranged_wan", "settled_wan"), "cell"
    ), ("period", "sanbao_part", "standard"), ("need_wan",)),
    Table("sanbao_coverage", "sanbao.needs.coverage", {
        **{c: (f"sum parts=sanbao_needs.{c}{{year,sanbao_part}}",
               f"sum parts=sanbao_needs.{c}{{year}}") for c in ("need_wan", "arranged_wan")},
        "threshold_pct": "same of=@coverage_floor",
        "ratio_pct": "share part=arranged_wan whole=need_wan",
        "margin_wan": "above_floor over=arranged_wan under=need_wan threshold=threshold_pct",
    }, ("year", "sanbao_part")),
    Table("guardrail_amounts", "guardrails.amounts", {
        name: ("cell", *_KNOWN.get(name, ())) for name in AMOUNTS
    }, ("year",)),
    Table("guardrails", "guardrails.table", {
        "threshold_pct": "same of=@bound",
        "share_pct": "share part=@over whole=@under",
        "margin_wan": tuple(
            f"{side} over=@over under=@under threshold=threshold_pct"
            for side in ("above_floor", "below_ceiling")
        ),
        "over_change_wan": (
            "sum parts=@kept", "below_ceiling over=@over under=@under threshold=threshold_pct"
        ),
        "under_change_wan": (
            "sum parts=@kept", "under_change over=@over under=@under threshold=threshold_pct"
        ),
    }, ("rule", "year")),
    Table("guardrails_headroom", "guardrails.headroom", dict.fromkeys(
        ("share_pct", "threshold_pct", "margin_wan", "over_change_wan", "under_change_wan"),
        "same of=@tightest",
    ), ("rule",)),
    Table("projects", "projects.table", {
        "score": "cell",
        "cost_wan": "times first=@yearly second=@asked",
        "short_wan": ("sum parts=@nothing", "sum parts=@lacking_years"),
        "beyond_wan": "times first=@yearly second=@later",
    }, ("project_id",)),
    Table("projects_by_year", "projects.ranking.by_year", {
        "ceiling_wan": "same of=@ceiling",
        **{f"{kind}_wan": "sum parts=@spent" for kind in ("must", "running", "other")},
        "left_wan": "lack first=ceiling_wan second=@all_spent",
        "short_wan": "lack first=@all_spent second=ceiling_wan",
    }, ("year",), ("ceiling_wan", "must_wan", "running_wan", "other_wan", "short_wan")),
    Table("affordability", "projects.affordability.table", {
        "without_wan": (
            _ABOVE, f"{_ABOVE}+{_COMMITTED}+closed.clearance_wan?", f"{_ABOVE}+{_COMMITTED}",
            "gap first=guardrail_amounts.general_limit_wan "
            "second=guardrail_amounts.general_debt_wan",
            "below_ceiling over=guardrail_amounts.general_interest_wan "
            "under=guardrail_amounts.expenditure_wan threshold=@interest_ceiling",
        ),
        "change_wan": (
            "net_sum plus=@nothing minus=@burden",
            "below_ceiling over=@interest under=@spent threshold=@interest_ceiling",
        ),
        "with_wan": "sum parts=without_wan+change_wan",
    }, ("test", "year")),
    Table("affordability_breaks", "projects.affordability.breaks", {
        "factor": ("sum parts=@nothing", "bearable left=affordability.without_wan{test,year} "
                   "change=affordability.change_wan{test,year} cost=@once"),
        "amount_wan": ("sum parts=@nothing", "bearable left=affordability.without_wan{test,year} "
                       "change=affordability.change_wan{test,year} "
                       "cost=affordability.cost_wan[total]"),
    }, ("test", "year")),
    Table("next_ceilings", "projects.ceilings.table", {
        "budget_wan": ("same of=@adjusted_wan", "same of=@budget_wan"),
        "executed_wan": "cell",
        "rate_of_execution_pct": "share part=executed_wan whole=budget_wan",
        "score": "cell",
        "most_score": "most_score indicators=@indicators execution=@execution "
        "rate=rate_of_execution_pct",
        "ceiling_wan": ("same of=budget_wan", "same of=executed_wan"),
        "cut_wan": "gap first=budget_wan second=ceiling_wan",
    }, ("project",), ("cut_wan",)),
    Table("special_bonds_by_year", "special_bonds.by_year", {
        "income_wan": ("cell", "sum parts=@nothing"),
        "principal_wan": "sum parts=@repaid",
        "interest_wan": "sum parts=@interest",
        "service_wan": "sum parts=principal_wan+interest_wan",
        "dscr": "over part=income_wan whole=service_wan",
        "kept_wan": "net_sum plus=<kept_wan?+income_wan minus=service_wan+",
        "cumulative_dscr": "over_sums parts=*income_wan wholes=*service_wan",
    }, ("project_id", "year")),
    Table("special_bonds", "special_bonds.table", {
        "amount_wan": "cell",
        "life_coverage": "over_sums parts=special_bonds_by_year.income_wan{project_id} "
        "wholes=special_bonds_by_year.service_wan{project_id}",
        "floor": "same of=@bond_floor",
        "lowest_dscr": "least parts=special_bonds_by_year.dscr{project_id}",
        "life_fall_pct": "fall parts=life_coverage+",
        "break_even_fall_pct": "fall parts=special_bonds_by_year.cumulative_dscr{project_id}",
    }, ("project_id",)),
    Table("idle", "idle.table", {"amount_wan": "cell"}, ("item", "year", "idle_kind")),
    Table("idle_by_age", "idle.money.by_age", {
        **{f"{band}_wan": f"sum parts=idle.amount_wan{{idle_kind,band={band}}}"
           for band in ("under_1", "from_1", "from_2")},
        "sum_wan": "sum parts=under_1_wan+from_1_wan+from_2_wan",
    }, ("idle_kind",)),
    Table("idle_digestion", "idle.money.digestion", {
        "returns_wan": "sum parts=idle.amount_wan{returns_in=:year}",
        "opening_wan": ("same of=<closing_wan", "sum parts=idle.amount_wan{idle_kind=advance}"),
        "digested_wan": "equal_part total=opening_wan years=@years_left",
        "closing_wan": "gap first=opening_wan second=digested_wan",
    }, ("year",)),
    Table("cuts", "idle.cuts.table", {
        "last_wan": "cell", "this_wan": "cell", "target_cut_pct": "cell",
        "moved_wan": ("cell", "sum parts=@nothing"),
        "change_wan": "net_sum plus=this_wan+ minus=moved_wan+last_wan",
        "change_pct": "change_pct this=this_wan moved=moved_wan last=last_wan",
    }, ("line",)),
)  # fmt: skip


def trace_parts(t: Tracer) -> None:
    """The parts that are results of their own."""
    traced = _Parts(t)
    for table in TABLES:
        part, _, path = table.at.partition(".")
        frame = traced.frame(part, path)
        if frame is None:
            continue
        cells = Cells.of(t, part, table.by)
        more = {"sanbao_needs": traced.months, "idle": traced.idle}.get(table.name)
        t.table(
            table.name, frame if more is None else more(frame), table.rules,
            "year" if table.by == ("year",) else "", cells=cells,
            label=partial(_named, table.by),
            totals=table.totals, where=traced.files(part), **traced.given(table.name),
        )  # fmt: skip
        if table.name == "sanbao_coverage" and t.outcome.sanbao.cash is not None:
            trace_cash(t, t.outcome.sanbao)
    traced.totals()


def _named(by: Sequence[str], row: Mapping[str, Any]) -> str:
    return " ".join(str(row[column]) for column in by if column in row)


class _Parts:
    """What the rules of the parts' tables need beside columns of tables."""

    def __init__(self, t: Tracer) -> None:
        self.t, self.g, self.spec = t, t.graph, t.outcome.scenario.spec

    def frame(self, part: str, path: str) -> Any:
        """A part's frame; None where the outcome has none."""
        at = getattr(self.t.outcome, part)
        if part == "budgets" and path == "accounts":
            return None if at is None else self._account_rows(at)
        for name in path.split("."):
            at = None if at is None else getattr(at, name)
        return at

    def files(self, part: str) -> str:
        """Files of a part."""
        places = self.t.outcome.scenario.places.items()
        return "；".join(str(place) for key, place in places if key.startswith(part))

    def given(self, table: str) -> dict[str, Given]:
        """What a table's rules name with an ``@``."""
        made: dict[str, Given] = {"nothing": lambda *_: []}
        return made | getattr(self, f"_of_{table}", dict)()

    def _policy(self, key: str, day: Any, unit: str = "%") -> str:
        return self.t.rule(key, day, float(policy.value(key, on=day)), unit)

    # ---- budgets ----

    def _account_rows(self, result: Any) -> list[dict[str, Any]]:
        columns = ("level", "year", "version", "budget")
        return [
            {**dict(zip(columns, key, strict=True)), **row}
            for key, account in result.accounts.items()
            for row in account.table.to_dict("records")
        ]

    def _of_budgets_lines(self) -> dict[str, Given]:
        return {"cell": lambda row, _: {"where": str(row["source"])}}

    def _lines(self, row: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
        """Node and values of the lines of an account."""
        return [
            (figure_name("budgets_lines", "amount_wan", line.key), line.values)
            for line in self.t.rows["budgets_lines"]
            if all(line.values[c] == row[c] for c in ("level", "year", "version", "budget"))
        ]

    def _of_budgets_accounts(self) -> dict[str, Given]:
        def opened(row: Mapping[str, Any], _: str) -> str | None:
            """The balance at the end of an account of the year before, as worked out or printed."""
            before = {**row, "year": row["year"] - 1}
            versions = dict.fromkeys(
                line.values["version"] for line in self.t.rows["budgets_lines"]
            )
            found = [
                node for version in versions for node, line in
                self._lines({**before, "version": version})
                if line["item"] == "carry_over"
                and abs(line["amount_wan"] - row["amount_wan"]) < 1e-9
            ]  # fmt: skip
            return found[-1] if found else None

        return {
            "opened": opened,
            "printed_parts": lambda row, _: [
                node for node, line in self._lines(row)
                if line["item"] in PARTS.get(row["item"], ())
            ],
        }  # fmt: skip

    def _of_budgets(self) -> dict[str, Given]:
        def side(which: str) -> Given:
            def node(row: Mapping[str, Any], _: str) -> str | None:
                """A printed figure and what was worked out beside it."""
                key = tuple(row[c] for c in ("level", "year", "version", "budget"))
                found = self.t.outcome.budgets.accounts[key].found
                worst = max(found, key=lambda f: abs(f.difference or 0.0), default=None)
                value, n = (
                    None if worst is None else getattr(worst, which),
                    len(self.t.rows["budgets"]),
                )
                columns = ("carry_over_wan", "uses_wan", "resources_wan")
                known = [node for node, _ in self._lines(row)] if which == "stated" else [
                    figure_name("budgets", column, n) for column in columns
                ]  # fmt: skip
                same = (k for k in known if value is not None and k in self.g
                        and abs(self.g.value(k) - value) < 1e-9)  # fmt: skip
                return next(same, None)

            return node

        return {"stated": side("stated"), "computed": side("computed")}

    # ---- medium-term plan ----

    def _of_medium_term_lines(self) -> dict[str, Given]:
        return {"once": lambda *_: self.g.count("one_of", 1.0, "1")}

    def _of_medium_term(self) -> dict[str, Given]:
        flows: dict[tuple[bool, int], list[str]] = {}
        for row in self._records("medium_term", "flows"):
            amount, item = row.wan("amount_wan"), row.text("item")
            resource = SIDE_OF.get(known_line(item) or "") == "resource"
            years = range(self.spec.years.first, self.spec.years.last + 1)
            for year in years if row.blank("year") else [row.year("year")]:
                cell = self.g.leaf(f"cell.{row.where('amount_wan')}", amount, "cell", label=item,
                                   where=row.where("amount_wan"))  # fmt: skip
                flows.setdefault((resource, year), []).append(cell)

        def lacking(row: Mapping[str, Any], _: str) -> str:
            name = figure_name("medium_term", "balance_wan", row["year"])
            return self.g.step(f"medium_term.lacking[{row['year']}]", "lack", first=self.g.none(),
                               second=name)  # fmt: skip

        opening = (
            float(self.spec.medium_term.fund_opening_wan or 0.0) if self.spec.medium_term else 0
        )
        return {
            "flows_in": lambda row, _: flows.get((True, row["year"]), []),
            "flows_out": lambda row, _: flows.get((False, row["year"]), []),
            "fund": lambda *_: self.t.given("medium_term.fund_opening_wan", opening),
            "lacking": lacking,
        }

    def _by_line(self, key: str) -> Given:
        """Cells of an earlier plan or an outturn by line and year."""
        found: dict[tuple[str, int], list[str]] = {}
        for row in self._records("medium_term", key):
            where, name = row.where("amount_wan"), row.text("line")
            cell = self.g.leaf(f"cell.{where}", row.wan("amount_wan"), "cell", where=where,
                               label=f"{name} {row.text('year')}")  # fmt: skip
            found.setdefault((name, row.year("year")), []).append(cell)
        return lambda row, _: found.get((row["line"], int(row["year"])), [])

    def _of_medium_term_changes(self) -> dict[str, Given]:
        return {"last_plan": self._by_line("last_plan")}

    def _of_medium_term_execution(self) -> dict[str, Given]:
        return {"last_plan": self._by_line("last_plan"), "outturn": self._by_line("outturn")}

    def _records(self, part: str, key: str) -> Iterator[Any]:
        case, key = self.t.outcome.scenario, f"{part}.{key}"
        yield from case.records(key) if key in case.places else ()

    # ---- guardrails ----

    def _of_guardrails(self) -> dict[str, Given]:
        named = {rule.name: rule for rule in RULES}
        spec, region = self.spec.guardrails, self.t.outcome.scenario.region.key

        def amount(which: str) -> Given:
            return lambda row, _: figure_name(
                "guardrail_amounts", getattr(named[row["rule"]], which), row["year"]
            )

        def bound(row: Mapping[str, Any], _: str) -> str | None:
            own = spec.local.get(row["rule"]) if spec is not None else None
            day, rule = dt.date(int(row["year"]), 12, 31), named[row["rule"]]
            if own is not None and own.pct == row["threshold_pct"]:
                return self.t.given(f"guardrails.local.{rule.name}.pct", own.pct, "%")
            entry = policy.in_force(rule.key, day, region=region)
            if entry is None:
                return None
            found = policy.parameter(rule.key)
            return self.g.leaf(
                f"policy.{rule.key}[{entry.start}]", float(entry.value), "policy", "%",
                label=Text(found.title("zh"), found.title("en")), note=entry.citation(),
                where=f"{found.file} {entry.doc_no}".strip(),
            )  # fmt: skip

        return {
            "over": amount("over"), "under": amount("under"), "bound": bound,
            "kept": lambda row, _: [] if row["kept"] else None,
        }  # fmt: skip

    def _of_guardrails_headroom(self) -> dict[str, Given]:
        def tightest(row: Mapping[str, Any], column: str) -> str | None:
            for one in self.t.rows["guardrails"]:
                if (one.values["rule"], one.values["year"]) == (row["rule"], row["year"]):
                    return figure_name("guardrails", column, one.key)
            return None

        return {"tightest": tightest}

    # ---- 三保 ----

    def months(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """The needs with their years."""
        listed: Any = frame.to_dict("records")
        return [{**row, "year": row["period"].year} for row in listed]

    def _of_sanbao_coverage(self) -> dict[str, Given]:
        return {"coverage_floor": lambda row, _: self._policy("sanbao_coverage_floor",
                                                              f"{row['year']}-12-31")}  # fmt: skip

    # ---- projects ----

    def _yearly(self, project: Any) -> str:
        cells = Cells.of(self.t, "projects", ("project_id",))
        row = {"project_id": project.id}
        parts = [cells.sole(row, column) for column in ("standard_wan", "number")]
        name = f"projects.yearly[{project.id}]"
        if None in parts:
            return self.g.leaf(name, project.yearly_wan, "part", label=project.name)
        return self.g.step(name, "times", label=project.name, first=parts[0], second=parts[1])

    def _ceiling(self, year: int, kind: str = "") -> str | None:
        spec = self.spec.projects
        assert spec is not None
        for name, by_year in spec.class_ceilings_wan.items() if kind else ():
            if name == kind and year in by_year:
                key = f"projects.class_ceilings_wan.{kind}.{year}"
                return self.t.given(key, by_year[year])
        if kind:
            return None
        return self.t.given(f"projects.ceiling_wan.{year}", spec.ceiling_wan[year])

    def _taken(self, year: int, before: int, kind: str = "") -> list[str]:
        """What the projects decided on before a turn cost in a year."""
        ranking = self.t.outcome.projects.ranking
        return [
            self._yearly(project)
            for project, row in zip(ranking.pool, ranking.table.to_dict("records"), strict=True)
            if row["turn"] < before and row["decision"] != "refused"
            and row["begin_year"] <= year < row["begin_year"] + project.years
            and kind in ("", project.kind)
        ]  # fmt: skip

    def _of_projects(self) -> dict[str, Given]:
        ranking = self.t.outcome.projects.ranking
        plan = ranking.by_year["year"].tolist()
        pool = {project.id: project for project in ranking.pool}

        def years(row: Mapping[str, Any], later: bool) -> str:
            project, first = pool[row["project_id"]], row["begin_year"]
            first = project.first_year if first != first else int(first)
            mine = range(first, first + project.years)
            count = sum(year > plan[-1] if later else year in plan for year in mine)
            return self.g.count(f"years.count[{count}]", count, str(count))

        def lacking(row: Mapping[str, Any], _: str) -> list[str]:
            project, g, made = pool[row["project_id"]], self.g, []
            for year in (y for y in plan if 0 <= y - project.first_year < project.years):
                short = []
                for kind in ("", project.kind):
                    ceiling = self._ceiling(year, kind)
                    if ceiling is None:
                        continue
                    at = f"{project.id}/{kind}/{year}"
                    taken = self._taken(year, row["turn"], kind)
                    left = g.step(f"projects.room[{at}]", "net_sum", plus=[ceiling], minus=taken)
                    if not kind:
                        left = g.step(f"projects.free[{at}]", "at_least_0", of=left)
                    need = self._yearly(project)
                    short.append(g.step(f"projects.lacks[{at}]", "lack", first=need, second=left))
                made.append(g.step(f"projects.lacking[{project.id}/{year}]", "most", parts=short))
            return made

        return {
            "yearly": lambda row, _: self._yearly(pool[row["project_id"]]),
            "asked": lambda row, _: years(row, later=False),
            "later": lambda row, _: years(row, later=True),
            "lacking_years": lacking,
        }

    def _of_projects_by_year(self) -> dict[str, Given]:
        ranking = self.t.outcome.projects.ranking

        def spent(row: Mapping[str, Any], column: str) -> list[str]:
            kind = column.removesuffix("_wan")
            return [
                self._yearly(p)
                for p, r in zip(ranking.pool, ranking.table.to_dict("records"), strict=True)
                if r["decision"] != "refused" and r["begin_year"] <= row["year"]
                < r["begin_year"] + p.years
                and kind == ("must" if p.must else "running" if p.running else "other")
            ]  # fmt: skip

        def all_spent(row: Mapping[str, Any], _: str) -> str:
            parts = [figure_name("projects_by_year", f"{k}_wan", row["year"])
                     for k in ("must", "running", "other")]  # fmt: skip
            return self.g.sum(f"projects.spent[{row['year']}]", parts, figure=False)

        return {
            "ceiling": lambda row, _: self._ceiling(int(row["year"])), "spent": spent,
            "all_spent": all_spent,
        }  # fmt: skip

    def _of_affordability(self) -> dict[str, Given]:
        spec = self.spec.projects
        assert spec is not None
        cost: dict[tuple[str, int], list[str]] = {}
        for row in self._records("projects", "assess"):
            where = row.where("amount_wan")
            cell = self.g.leaf(f"cell.{where}", row.wan("amount_wan"), "cell", where=where,
                               label=row.text("item"))  # fmt: skip
            cost.setdefault((row.word("funding", "funding"), row.year("year")), []).append(cell)
        self.g.sum("affordability.cost_wan[total]", [c for cells in cost.values() for c in cells])
        rate = self.t.given("projects.assess_bond_rate_pct", spec.assess_bond_rate_pct, "%")
        term = spec.assess_bond_years

        def of(kind: str, year: int) -> list[str]:
            return cost.get((kind, year), [])

        def bonds(first: int, last: int) -> list[str]:
            return [n for year in range(first, last + 1) for n in of("bonds", year)]

        def interest(year: int) -> list[str]:
            return [
                self.g.step(f"affordability.interest[{cell}]", "part_of", amount=cell, share=rate)
                for cell in bonds(year - term, year - 1)
            ]

        def burden(row: Mapping[str, Any], _: str) -> list[str]:
            year = row["year"]
            if row["test"] == "debt_limit":
                return bonds(year - term + 1, year)
            return [*of("general", year), *interest(year), *of("bonds", year - term)]

        def sum_of(name: str, year: int, parts: list[str]) -> str:
            return self.g.sum(f"affordability.{name}[{year}]", parts, figure=False)

        return {
            "burden": burden,
            "interest": lambda row, _: sum_of("paid", row["year"], interest(row["year"])),
            "spent": lambda row, _: sum_of("spent", row["year"], [
                *(n for kind in ("general", "bonds", "grant") for n in of(kind, row["year"])),
                *interest(row["year"])]),
            "interest_ceiling": lambda *_: self._policy("interest_share_ceiling", self.spec.as_of),
        }  # fmt: skip

    def _of_affordability_breaks(self) -> dict[str, Given]:
        return {"once": lambda *_: self.g.count("one_of", 1.0, "1")}

    def _of_next_ceilings(self) -> dict[str, Given]:
        day = self.spec.as_of
        return {
            part: lambda *_, part=part: self._policy(f"performance_weight_{part}", day, "")
            for part in ("indicators", "execution")
        }

    # ---- special bonds ----

    def _of_special_bonds_by_year(self) -> dict[str, Given]:
        cells = Cells.of(self.t, "special_bonds", ("project_id",))
        made: dict[tuple[str, str, int], list[str]] = {}
        for row in self._records("special_bonds", "projects"):
            key = row.text("project_id")
            method = row.word("repayment", "repayment", default="bullet")
            often = row.word("frequency", "frequency", default="half_year")
            amount, rate = (cells.sole({"project_id": key}, c) for c in ("amount_wan", "rate_pct"))
            if amount is None or rate is None:
                continue
            schedule = amortise(self.g.value(amount), self.g.value(rate), start=row.day("start"),
                                maturity=row.day("maturity"), method=method,
                                frequency=often)  # fmt: skip
            made |= self._service(key, schedule, (amount, rate), 12 / MONTHS_OF[often], method)

        def of(part: str) -> Given:
            return lambda row, _: made.get((row["project_id"], part, row["year"]), [])

        return {"repaid": of("principal"), "interest": of("interest")}

    def _service(
        self, key: str, schedule: pd.DataFrame, cells: tuple[str, str], times: float, method: str
    ) -> dict[tuple[str, str, int], list[str]]:
        """A bond's payments: equal parts or all at the end, interest on what is left."""
        g, made = self.g, dict[tuple[str, str, int], list[str]]()
        rows = schedule.to_dict("records")
        count = g.count(f"times[{times:g}]", times, f"{times:g}")
        parts = g.count(f"parts[{len(rows)}]", len(rows), str(len(rows)))
        balance = cells[0]
        for n, row in enumerate(rows, 1):
            at, due = f"{key}/{n}", {"interest": "", "principal": ""}
            due["interest"] = g.step(f"project.interest[{at}]", "period_interest", balance=balance,
                                     rate=cells[1], times=count)  # fmt: skip
            if row["principal"]:
                due["principal"] = cells[0]
                if method == "equal_principal":
                    due["principal"] = g.step(f"project.part[{key}]", "over", part=cells[0],
                                              whole=parts)  # fmt: skip
                balance = g.step(
                    f"project.left[{at}]", "gap", first=balance, second=due["principal"]
                )
            for part, node in due.items():
                if node and abs(g.value(node) - row[part]) > 1e-7:  # a broken period
                    node = g.leaf(f"project.{part}_terms[{at}]", row[part], "terms",
                                  given={"amount": cells[0], "rate": cells[1]})  # fmt: skip
                if node:
                    made.setdefault((key, part, row["date"].year), []).append(node)
        return made

    def _of_special_bonds(self) -> dict[str, Given]:
        key, day = "special_bond_coverage_floor", self.spec.as_of
        return {"bond_floor": lambda *_: self._policy(key, day, "")}

    # ---- idle money ----

    def idle(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Idle money with its band of age and the year in which it returns."""
        listed: Any = frame.to_dict("records")
        first, bands, made = self.spec.as_of.year + 1, ("under_1", "from_1", "from_2"), []
        for row in listed:
            due = row["returns_on"]
            returns = None if due is None or due != due else max(due.year, first)
            band = bands[min(max(row["age_years"], 0), 2)]
            made.append({**row, "band": band, "returns_in": returns})
        return made

    def _of_idle_digestion(self) -> dict[str, Given]:
        span = len(self.t.outcome.idle.money.digestion)

        def left(*_: Any) -> str:
            count = span - len(self.t.rows["idle_digestion"]) + 1
            return self.g.count(f"years.count[{count}]", count, str(count))

        return {"years_left": left}

    # ---- sums that sentences say ----

    def totals(self) -> None:
        """Sums over several columns or some rows that a part's sentences name."""
        g, rows = self.g, self.t.rows
        kinds = [f"projects_by_year.{k}_wan[total]" for k in ("must", "running", "other")]
        if all(kind in g for kind in kinds):
            g.sum("projects.spent_wan[total]", kinds)
        for row in rows.get("budgets_accounts", []):  # the opening that a printed balance means
            at = [
                one.key
                for one in rows["budgets"]
                if all(
                    one.values[c] == row.values[c] for c in ("level", "year", "version", "budget")
                )
            ]
            gap = g.nodes.get(figure_name("budgets", "misfit_wan", at[0] if at else ""))
            if row.values["item"] == "opening_carry_over" and gap and gap.formula == "gap":
                g.step(
                    f"budgets.implied_opening_wan[{at[0]}]",
                    "net_sum",
                    figure=True,
                    plus=[
                        figure_name("budgets_accounts", "amount_wan", row.key),
                        str(gap.inputs["first"]),
                    ],
                    minus=[str(gap.inputs["second"])],
                )
        chosen: tuple[tuple[str, Any], ...] = (
            ("late_wan", lambda row: row["overdue"]),
            ("idle_wan", lambda row: row["idle_kind"] != "advance"),
            ("advances_wan", lambda row: row["idle_kind"] == "advance"),
        )  # fmt: skip
        for column, keep in chosen:
            parts = [figure_name("idle", "amount_wan", row.key) for row in rows.get("idle", [])
                     if keep(row.values)]  # fmt: skip
            if parts:
                g.sum(f"idle.{column}[total]", parts)
        both = [
            row.key for row in rows.get("medium_term_execution", [])
            if row.values["planned_wan"] == row.values["planned_wan"]
            and row.values["outturn_wan"] == row.values["outturn_wan"]
        ]  # fmt: skip
        if both:
            sums = {
                c: g.sum(f"medium_term_execution.{c}[total]",
                         [figure_name("medium_term_execution", c, key) for key in both])
                for c in ("planned_wan", "outturn_wan")
            }  # fmt: skip
            g.step("medium_term_execution.execution_pct[total]", "share", "%", figure=True,
                   part=sums["outturn_wan"], whole=sums["planned_wan"])  # fmt: skip
        assessed = getattr(self.t.outcome.projects, "affordability", None)
        if assessed is not None and math.isfinite(assessed.amount_wan):
            parts = [figure_name("affordability_breaks", "amount_wan", row.key)
                     for row in rows["affordability_breaks"]]  # fmt: skip
            g.figure("affordability.amount_wan[total]", assessed.amount_wan, "least", parts=parts)
