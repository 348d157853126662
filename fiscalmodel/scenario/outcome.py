"""What a scenario comes to: tidy frames, the results behind them, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.display import Shown
from fiscalmodel.errors import InputError, known_names
from fiscalmodel.scenario import plots
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.words import Text, language, say

if TYPE_CHECKING:
    from fiscalmodel.display import Chart
    from fiscalmodel.findings import Finding

#: Part -> frame that is None where the scenario has no data for it.
PARTS = (
    "revenue", "balance", "budgets", "medium_term", "guardrails", "sanbao", "projects",
    "special_bonds", "idle", "debt", "commissions",
)  # fmt: skip
#: Parts that are results with a ``table`` of their own, whose frames `Outcome.tables` names.
RESULTS = (
    "budgets", "medium_term", "guardrails", "sanbao", "projects", "special_bonds", "idle",
)  # fmt: skip
#: Results of several parts, which name the frames of these themselves.
SEVERAL = ("sanbao", "projects", "idle")


@dataclass(frozen=True, repr=False)
class Outcome:
    """A scenario, evaluated.

    Attributes
    ----------
    scenario
        The scenario.
    revenue
        ``year, kind, published_wan, linked_wan, baseline_wan, scenario_wan, growth_pct,
        lo-80, hi-80, lo-95, hi-95``, in 万元; None without a revenue part.
    waterfall
        ``year, step, kind, amount_wan, source``: baseline to scenario, adding up each year.
    items
        Revenue by item, see `part_revenue.items_part`; None where none are given.
    balance
        ``year, revenue_wan, expenditure_wan, self_sufficiency_pct, ...``.
    debt
        ``period, hidden_wan, statutory_wan, total_wan, interest_wan``.
    commissions
        The lines of the commission statement, in 分.
    reasons
        Part -> why it is None.
    notes
        What a reader must know, in the order of importance.
    told
        The sentence of each part, or the result whose answer it is; see `answers`.
    budgets, medium_term, guardrails, sanbao, projects, special_bonds, idle
        The four budgets, the medium-term plan, floors and ceilings, the three guarantees with
        cash, the project pool, special-bond projects, idle money: results that show themselves.
    closed
        The general budget after what clearance takes from it; None without the needs of 三保.
    forecast, link, target, nowcast, spending, resources, plan, risk, statement, fee_budget
        The results behind the frames (of the model, the calibre link, the target, revenue and
        expenditure of the year under way, what is left for clearance, the clearance plan, the
        debt ratio by year, the commissions and what the next budget needs for them); None where
        there is none.
    """

    scenario: Scenario
    revenue: pd.DataFrame | None = None
    waterfall: pd.DataFrame | None = None
    items: pd.DataFrame | None = None
    balance: pd.DataFrame | None = None
    debt: pd.DataFrame | None = None
    commissions: pd.DataFrame | None = None
    reasons: Mapping[str, Text] = field(default_factory=dict)
    notes: tuple[Text, ...] = ()
    told: tuple[Any, ...] = ()
    forecast: Any = None
    link: Any = None
    target: Any = None
    nowcast: Any = None
    spending: Any = None
    resources: Any = None
    plan: Any = None
    risk: Any = None
    statement: Any = None
    fee_budget: Any = None
    closed: Any = None
    budgets: Any = None
    medium_term: Any = None
    guardrails: Any = None
    sanbao: Any = None
    projects: Any = None
    special_bonds: Any = None
    idle: Any = None

    @cached_property
    def answers(self) -> tuple[Text, ...]:
        """One sentence for each part; a plan's takes more plans, which tables do without."""
        said = (one if isinstance(one, Text) else one.answer for one in self.told)
        return tuple(text for one in said for text in ((one,) if isinstance(one, Text) else one))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every frame that there is, by name."""
        named = {
            "revenue": self.revenue,
            "waterfall": self.waterfall,
            "items": self.items,
            "balance": self.balance,
            "debt": self.debt,
            "commissions": self.commissions,
        }
        frames = {name: frame for name, frame in named.items() if frame is not None}
        for name in ("closed", *RESULTS):
            if (result := getattr(self, name)) is not None:
                frames[name] = result.table
                if name in SEVERAL:
                    frames |= result.tables()
        if self.plan is not None:
            frames |= {"debt_schedule": self.plan.schedule, "debt_shortfall": self.plan.shortfall}
        return frames

    @property
    def found(self) -> list[Finding]:
        """What the budget's parts found wrong or to be explained, notes left out."""
        parts = [self.budgets, self.guardrails, self.special_bonds]
        parts += [self.sanbao.needs] if self.sanbao is not None else []
        parts += [self.projects.ranking] if self.projects is not None else []
        every = [f for part in parts if part is not None for f in part.found]
        return [f for f in every if f.severity != "note"]

    @property
    def table(self) -> pd.DataFrame:
        """The main figures by year: revenue and growth, what is left for clearance, debt; 万元."""
        columns: dict[str, pd.Series[Any]] = {}
        if self.revenue is not None:
            ahead = self.revenue[self.revenue["kind"] == "forecast"].set_index("year")
            columns |= {"revenue_wan": ahead["scenario_wan"], "growth_pct": ahead["growth_pct"]}
        if self.balance is not None:
            left = self.balance.set_index("year")
            names = ("expenditure_wan", "available_wan", "shortfall_wan")
            columns |= {name: left[name] for name in names if name in left}
        if self.debt is not None:
            at = plots.year_ends(self.debt)
            columns |= {name: at[name] for name in ("hidden_wan", "statutory_wan")}
        return pd.DataFrame(columns).rename_axis("year").reset_index()

    @property
    def focus(self) -> int:
        """The year that the steps are shown for: the target's, else the last one."""
        return int(
            self.target.target_year if self.target is not None else self.scenario.spec.years.last
        )

    def steps(self, year: int | None = None, lang: str | None = None) -> pd.DataFrame | None:
        """From baseline to scenario in a year: ``step, adjustment, amount_wan, source``.

        None without adjustments; the year is `focus` by default.
        """
        spec = self.scenario.spec.revenue
        if self.waterfall is None or spec is None or not spec.adjustments:
            return None
        rows = self.waterfall[self.waterfall["year"] == (year or self.focus)].drop(columns="year")
        names = {change.name.zh: change.name(lang) for change in spec.adjustments.values()}
        names |= {kind: say(f"scenario.line_{kind}")(lang) for kind in ("baseline", "scenario")}
        rows = rows.rename(columns={"kind": "adjustment"}).reset_index(drop=True)
        return rows.assign(step=[names.get(step, step) for step in rows["step"]])

    def part(self, name: str) -> Any:
        """A part's result (frame, plan or statement), or the sentence why there is none.

        Parameters
        ----------
        name
            One of `PARTS`: ``revenue``, ``balance``, ``budgets``, ``medium_term`` and so on.
        """
        if name not in PARTS:
            raise InputError("part", "scenario.not_worked_out", known_names(PARTS), name=name)
        shown = {"debt": self.plan, "commissions": self.statement}.get(name, getattr(self, name))
        return self.reasons[name] if shown is None else shown

    @property
    def missing(self) -> list[Text]:
        """Why parts are missing that every county has, or whose sheet is not filled in."""
        asked = {key.split(".")[0] for key in self.scenario.unfilled}
        return [why for name, why in self.reasons.items() if name not in RESULTS or name in asked]

    @property
    def sources(self) -> list[Text]:
        """Where the scenario's own figures come from, and how the model was made."""
        spec, said = self.scenario.spec, []
        for made in (self.forecast, self.plan):
            if made is not None:
                said += [Text.of(note) for note in made.notes]
        if spec.revenue is not None:
            items = spec.revenue.items.values()
            named = [(item.name, item.source) for item in items]
            named += [(m.name, m.source) for item in items for m in item.measures.values()]
            named += [(c.name, c.source) for c in spec.revenue.adjustments.values()]
            said += [say("scenario.compared", name=name, said=source) for name, source in named]
        parts = {name: getattr(spec, name) for name in ("expenditure", "balance", *RESULTS)}
        target = spec.revenue.target if spec.revenue is not None else None
        of_what: dict[str, list[Text]] = {}
        for name, part in {"target": target, **parts}.items():
            if part is not None and part.source:
                of_what.setdefault(part.source, []).append(say(f"scenario.part_{name}"))
        each = [say("scenario.source_of", names=names, source=t) for t, names in of_what.items()]
        if each:
            said.append(say("scenario.sources", each=Text.joined(each, "；", "; ")))
        return list(dict.fromkeys(said))

    @property
    def coverage(self) -> list[Text]:
        """The measured coverage that belongs beside every band."""
        table = getattr(self.forecast, "coverage", None)
        if table is None or not len(table):
            return []
        spans = []
        for level, group in table.groupby("level")["coverage_pct"]:
            low, high = f"{group.min():.1f}", f"{group.max():.1f}"
            span = low if low == high else f"{low}–{high}"
            spans.append(say("scenario.coverage_measured", level=float(level), span=span))
        return [say("scenario.coverage_note", spans=Text.joined(spans))]

    @property
    def brief(self) -> tuple[Text, ...]:
        """Each part's answer, the plan's without the details that its own section tells."""
        plan = self.plan
        details = set(plan.answer) - set(plan.brief) if plan is not None else set()
        return tuple(answer for answer in self.answers if answer not in details)

    def headline(self, lang: str = "zh") -> tuple[str, ...]:
        """What stands on the index: `brief` in one language."""
        return tuple(answer(lang) for answer in self.brief)

    @property
    def feasible(self) -> bool:
        """False if there is a clearance plan and it is infeasible."""
        return self.plan is None or bool(self.plan.holds)

    def plot(self, what: str = "revenue", lang: str | None = None) -> Chart | Shown:
        """One of the outcome's charts, or the sentence why there is none.

        Parameters
        ----------
        what
            ``revenue``: history, forecast, bands, target; ``steps``: from the baseline to the
            scenario in the last year (or the target's); ``balance``: what is left for clearance
            (or revenue beside expenditure); ``debt``: hidden and statutory debt.
        lang
            ``zh`` or ``en``; the language in force where none is given.
        """
        if what not in plots.OF_OUTCOME:
            known = known_names(plots.OF_OUTCOME)
            raise InputError("plot", "scenario.unknown_chart", known, name=what)
        part = "revenue" if what == "steps" else what
        if part in self.reasons:
            return Shown(self.reasons[part], lang or language())
        if what == "steps" and self.steps() is None:
            return Shown(say("scenario.no_steps"), lang or language())
        return plots.OF_OUTCOME[what](self, lang)

    def __repr__(self) -> str:
        return "\n".join([f"Outcome({self.scenario.id})", *map(str, self.answers)])

    def _repr_html_(self) -> str:
        from fiscalmodel.display import note_html, result_html

        return result_html(self.brief, self.table, unit="万元") + note_html(self.missing)
