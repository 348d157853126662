"""What if: a scenario's sliders, the budget of each setting, and plans solved beforehand.

Revenue and budget follow from the baseline by a few lines of arithmetic, so every setting of
their sliders is exact. A clearance plan is a programme of thousands of columns that no page
solves in a tenth of a second: it is solved here for each slider alone and for a lattice of
all, and shown for those settings only. For any other the page says whether it clears where
that is proven (a plan holds with more money too, and fails with less), and else that it has
to be run. No figure is interpolated.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.debt.ledger import read_hidden_ledger
from fiscalmodel.display import Result
from fiscalmodel.errors import InputError, known_names
from fiscalmodel.scenario.evaluate import evaluate
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.outcome import Outcome
from fiscalmodel.scenario.part_balance import left_of, spends_first, stated
from fiscalmodel.scenario.part_debt import debt_part
from fiscalmodel.words import Text, marked, say

#: Slider -> lowest, highest, step. The deadline's are years from the scenario's own.
RANGES: Mapping[str, tuple[float, float, float]] = {
    "growth": (-5.0, 5.0, 0.5),
    "transfers": (-20.0, 20.0, 1.0),
    "land": (-60.0, 40.0, 10.0),
    "quota": (-50.0, 50.0, 10.0),
    "assets": (-50.0, 20.0, 10.0),
    "rates": (-100.0, 200.0, 50.0),
    "deadline": (-2.0, 2.0, 1.0),
}
#: Steps of growth and transfers at which a plan is solved, each alone.
COARSE: Mapping[str, float] = {"growth": 1.0, "transfers": 5.0}
#: The lattice: each of these sliders below its start, at it, and above.
LATTICE: Mapping[str, float] = {"growth": 2.0, "transfers": 5.0, "land": 20.0, "quota": 20.0}
_YEARLY = ("hidden_wan", "statutory_wan", "interest_wan", "repaid_wan", "replaced_wan")


@dataclass(frozen=True)
class Slider:
    """One slider: its places, and where it starts."""

    name: str
    places: tuple[float, ...]
    start: float


@dataclass(frozen=True, repr=False)
class WhatIf(Result):
    """A scenario whose assumptions can be moved.

    Attributes
    ----------
    scenario, outcome
        The scenario as it stands, and what it comes to.
    sliders
        Name -> `Slider`; only those that the scenario has data for.
    table
        Settings that were solved: a column for each slider, ``holds, cost_wan, shortfall_wan,
        quota_used_wan, cleared_on``.
    solved
        The same with the balances by year, as the page carries them.
    """

    scenario: Scenario
    outcome: Outcome = field(repr=False)
    sliders: Mapping[str, Slider]
    table: pd.DataFrame
    solved: tuple[dict[str, Any], ...] = field(repr=False)

    @property
    def answer(self) -> Text:
        """How many settings were solved, and how many of them clear."""
        name = Text(self.scenario.name("zh"), self.scenario.name("en"))
        holds = sum(bool(one["holds"]) for one in self.solved)
        return say("scenario.what_if_answer", name=name, count=len(self.solved), holds=holds)

    @property
    def short(self) -> pd.DataFrame:
        """The first settings."""
        return self.table.head(12)

    def setting(self, **moved: float) -> dict[str, float]:
        """Every slider's place; those not named stay at their start.

        Raises
        ------
        InputError
            For a slider that is not there, or a place that it does not have.
        """
        for name, value in moved.items():
            if name not in self.sliders or value not in self.sliders[name].places:
                known = known_names(self.sliders)
                raise InputError("what_if", "scenario.no_slider", known, name=name, value=value)
        return {name: moved.get(name, s.start) for name, s in self.sliders.items()}

    def changed(self, **moved: float) -> Scenario:
        """The scenario of a setting, to evaluate or to write down."""
        at = self.setting(**moved)
        changes = changes_of(self.outcome, self.sliders, at)
        return self.scenario.change(changes) if changes else self.scenario


def what_if(
    scenario: Scenario, *, sliders: Sequence[str] = (), solve: bool = True, more: int = 0
) -> WhatIf:
    """A scenario's sliders, with clearance plans solved beforehand.

    Parameters
    ----------
    scenario
        From `fiscalmodel.load_scenario`.
    sliders
        Names of `RANGES` to offer; by default all that the scenario has data for.
    solve
        Whether plans are solved: each slider alone at its places, and a lattice of all. Takes
        about a third of a second for each of some hundred settings of a small county.
    more
        Levels of every slider in a lattice of all of them, beside that (3 are 3⁴ settings or
        more; 0 for none).

    Returns
    -------
    WhatIf
        Shows how many settings clear; `fiscalmodel.present.whatif.what_if_page` makes the page.

    Raises
    ------
    InputError
        If the scenario has no forecast of revenue, or for bad data.
    """
    base = evaluate(scenario)
    if base.revenue is None:
        raise InputError(scenario.id, "scenario.nothing_to_ask")
    for name in sliders:
        if name not in RANGES:
            raise InputError("what_if", "scenario.no_slider", known_names(RANGES), name=name,
                             value="—")  # fmt: skip
    offered = {n: s for n, s in _sliders(base).items() if not sliders or n in sliders}
    solved: list[dict[str, Any]] = []
    if solve and base.plan is not None:
        for at in _settings(offered, more):
            solved.append({"at": at, **_solved(base, offered, at)})
    rows = [
        {**one["at"], **{k: v for k, v in one.items() if k not in ("at", "years")}}
        for one in solved
    ]
    return WhatIf(base.scenario, base, offered, pd.DataFrame(rows), tuple(solved))


def _sliders(base: Outcome) -> dict[str, Slider]:
    """The sliders that a scenario has something for, each with its start among its places."""
    spec, made = base.scenario.spec, ["growth"]
    starts = dict.fromkeys(RANGES, 0.0)
    if spec.balance is not None and base.balance is not None and "transfers_wan" in base.balance:
        made.append("transfers")
    if spec.debt is not None and base.plan is not None:
        for name, kind in (("land", "land"), ("assets", "disposal")):
            categories = _categories(base, kind)
            if categories:
                made.append(name)
                shocks = [spec.debt.funding_shock_pct.get(c, 0.0) for c in categories]
                starts[name] = float(shocks[0])
        if "debt.quotas" in base.scenario.places:
            made.append("quota")
            starts["quota"] = spec.debt.quota_shock_pct
        starts["rates"] = spec.debt.rate_shift_bp
        made += ["rates", "deadline"]
    sliders = {}
    for name in (n for n in RANGES if n in made):
        low, high, step = RANGES[name]
        count = round((high - low) / step)
        places = {low + k * step for k in range(count + 1)} | {starts[name]}
        if name == "deadline":
            places = {p for p in places if p == starts[name] or _allowed(base, p)}
        sliders[name] = Slider(name, tuple(sorted(places)), starts[name])
    return sliders


def _categories(base: Outcome, kind: str) -> list[str]:
    """Categories of the sources' table that are of a kind."""
    named = dict.fromkeys(row.text("category") for row in base.scenario.records("debt.sources"))
    return [c for c in named if c and marked(c, kind)]


def deadline_of(base: Outcome, years: float) -> dt.date:
    """The scenario's deadline, some years later."""
    spec = base.scenario.spec
    assert spec.debt is not None
    day: dt.date = spec.debt.deadline or policy.value("hidden_debt_deadline", on=spec.as_of)
    return day.replace(year=day.year + int(years))


def _allowed(base: Outcome, years: float) -> bool:
    """Whether the ledger's own terms (cleared by, extended to) allow a deadline."""
    files, spec = base.scenario.tables("debt"), base.scenario.spec
    try:
        read_hidden_ledger(
            files["ledger"], as_of=spec.as_of, deadline=deadline_of(base, years),
            custom=files.get("custom"),
        )  # fmt: skip
    except InputError:
        return False
    return deadline_of(base, years).year > spec.as_of.year


def changes_of(
    base: Outcome, sliders: Mapping[str, Slider], at: Mapping[str, float]
) -> dict[str, Any]:
    """Keys of the scenario that a setting fills differently."""
    changes: dict[str, Any] = {}
    moved = {name: value for name, value in at.items() if value != sliders[name].start}
    if "growth" in moved:
        own = growths(base)
        changes["revenue.adjustments.what_if_growth"] = {
            "name": {
                "zh": say("scenario.what_if_growth").zh,
                "en": say("scenario.what_if_growth").en,
            },
            "kind": "growth",
            "pct": {year: own[year] + moved["growth"] for year in own},
            "source": say("scenario.what_if_source").zh,
        }
    if "transfers" in moved and base.balance is not None:
        amounts = zip(base.balance["year"], base.balance["transfers_wan"], strict=True)
        changes["balance.transfers_wan"] = {
            int(year): float(value) * (1 + moved["transfers"] / 100) for year, value in amounts
        }
    shocks: dict[str, float] = {}
    for name, kind in (("land", "land"), ("assets", "disposal")):
        if name in moved:
            shocks |= dict.fromkeys(_categories(base, kind), moved[name])
    if shocks:
        changes["debt.funding_shock_pct"] = shocks
    if "quota" in moved:
        changes["debt.quota_shock_pct"] = moved["quota"]
    if "rates" in moved:
        changes["debt.rate_shift_bp"] = moved["rates"]
    if "deadline" in moved:
        changes["debt.deadline"] = deadline_of(base, moved["deadline"])
    return changes


def growths(base: Outcome) -> dict[int, float]:
    """Year -> growth of the path that the slider moves: the baseline with its growth steps.

    To six decimals, so that the file that is written down stays readable.
    """
    assert base.revenue is not None and base.waterfall is not None  # noqa: PT018
    steps = base.waterfall[base.waterfall["kind"].isin(["baseline", "growth"])]
    path = steps.groupby("year")["amount_wan"].sum()
    before = last_level(base)
    made: dict[int, float] = {}
    for year, value in path.items():
        made[int(str(year))] = round((float(value) / before - 1) * 100, 6)
        before = float(value)
    return made


def last_level(base: Outcome) -> float:
    """Revenue of the year before the scenario's first one: known, or the model's."""
    assert base.revenue is not None
    past = base.revenue[base.revenue["kind"] != "forecast"]
    first = int(base.revenue.loc[base.revenue["kind"] == "forecast", "year"].iloc[0])
    gap = first - int(past["year"].iloc[-1]) - 1
    if gap:
        return float(base.forecast.table["mean"].iloc[gap - 1])
    return float(past["linked_wan"].iloc[-1])


def _settings(sliders: Mapping[str, Slider], more: int) -> list[dict[str, float]]:
    """Where plans are solved: the start, each slider alone, and a lattice."""
    start = {name: s.start for name, s in sliders.items()}
    made = [start]
    for name, s in sliders.items():
        step = COARSE.get(name)
        places = [p for p in s.places if step is None or (p - s.start) % step == 0]
        made += [start | {name: p} for p in places]
    axes: dict[str, list[float]] = {}
    for name, step in LATTICE.items():
        if name in sliders:
            s = sliders[name]
            axes[name] = [p for p in (s.start - step, s.start, s.start + step) if p in s.places]
    made += [start | dict(zip(axes, corner, strict=True))
             for corner in itertools.product(*axes.values())]  # fmt: skip
    if more > 1:
        levels = {
            name: [s.places[round(k * (len(s.places) - 1) / (more - 1))] for k in range(more)]
            for name, s in sliders.items()
        }
        made += [dict(zip(levels, corner, strict=True))
                 for corner in itertools.product(*levels.values())]  # fmt: skip
    return [dict(at) for at in dict.fromkeys(tuple(one.items()) for one in made)]


def _solved(
    base: Outcome, sliders: Mapping[str, Slider], at: Mapping[str, float]
) -> dict[str, Any]:
    """The plan of a setting; its budget by the same arithmetic as the page's."""
    changes = changes_of(base, sliders, at)
    case = base.scenario.change(changes) if changes else base.scenario
    assert case.spec.debt is not None
    balance = None if base.balance is None else budget_of(base, at)
    plan, balances, _, risk, _ = debt_part(case, case.spec.debt, balance)
    years: list[dict[str, Any]] = [
        {"year": int(row["period"]), **{c: float(row[c]) for c in _YEARLY}}
        for row in balances.to_dict("records")
    ]
    ratios = {} if risk is None else {int(r["year"]): r for r in risk.table.to_dict("records")}
    for row in years:
        if row["year"] in ratios:
            found = ratios[row["year"]]
            row |= {"ratio_pct": float(found["risk_ratio_pct"]), "grade": str(found["grade"])}
    return {
        # Neither a plan nor a proof that there is none is no answer.
        "holds": None if plan.status == "unknown" else bool(plan.holds),
        "cost_wan": float(plan.cost_wan) if plan.holds else None,
        "shortfall_wan": float(plan.shortfall_wan),
        "quota_used_wan": float(plan.quota_used_wan),
        "cleared_on": plan.cleared_on.isoformat() if plan.cleared_on else None,
        "years": years,
    }


def budget_of(base: Outcome, at: Mapping[str, float]) -> pd.DataFrame:
    """The balance of a setting, in the order in which evaluation works it out."""
    assert base.balance is not None
    frame = base.balance.copy()
    frame["revenue_wan"] = list(revenue_of(base, at.get("growth", 0.0)).values())
    if "self_sufficiency_pct" in frame:
        frame["self_sufficiency_pct"] = frame["revenue_wan"] / frame["expenditure_wan"] * 100
    if "transfers_wan" not in frame:
        return frame
    if at.get("transfers", 0.0):
        frame["transfers_wan"] = frame["transfers_wan"] * (1 + at["transfers"] / 100)
    frame["other_commitments_wan"] = commitments_of(base)
    left_of(frame, spent_first=spends_first(base.scenario))
    return frame


def commitments_of(base: Outcome) -> list[float]:
    """Other commitments before what else the budget spends: they do not move with a slider."""
    assert base.balance is not None
    if not spends_first(base.scenario):
        return list(base.balance["other_commitments_wan"])
    return stated(base.scenario, "other_commitments_wan", list(base.balance["year"]))


def revenue_of(base: Outcome, points: float) -> dict[int, float]:
    """Revenue of each year with growth moved by some percentage points."""
    assert base.revenue is not None
    ahead = base.revenue[base.revenue["kind"] == "forecast"]
    if not points:
        return {int(y): float(v) for y, v in
                zip(ahead["year"], ahead["scenario_wan"], strict=True)}  # fmt: skip
    own, level, made = growths(base), last_level(base), {}
    for year, pct in own.items():
        level = level * (1 + (pct + points) / 100)
        value = level
        for kind, amount in later_steps(base, year):
            value = value * (1 + amount / 100) if kind == "shock" else value + amount
        made[year] = value
    return made


def later_steps(base: Outcome, year: int) -> Sequence[tuple[str, float]]:
    """What the scenario does to a year's revenue after its growth: shocks, then amounts."""
    spec = base.scenario.spec.revenue
    assert spec is not None
    made: list[tuple[str, float]] = []
    for kind in ("shock", "measure", "one_off"):
        for change in (c for c in spec.adjustments.values() if c.kind == kind):
            by_year = change.by_year
            last = max(by_year)
            value = by_year.get(year, by_year[last] if change.lasting and year > last else 0.0)
            made.append(("shock" if kind == "shock" else "amount", float(value)))
    return made
