"""Zero-based ranking 零基预算项目排序: a pool of projects against the ceiling of each year.

The bureau's order decides, one project after the other: what must be done (三保 and duties by
law), contracts that run, then class by class, within a class by score. A project is chosen when
it fits into every year and into the ceiling of its class; put off to a later year when it fits
there; else refused, with the year that has no room and the money that is missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.budget.medium_term import CLASSES
from fiscalmodel.display import BLUE, GREEN, ORANGE, RED, Chart, Found, figure, legend, scale, stack
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import Row, TableLike, read_records
from fiscalmodel.words import EMPTY, Text, bare, headers_in, language, say

DECISIONS = ("chosen", "deferred", "refused")
_CENT = 1e-6  # 万元: amounts that differ by less are one amount


@dataclass(frozen=True)
class Project:
    """One project of the pool; `cost` is by year of the plan, beyond it in `beyond_wan`."""

    id: str
    name: str
    kind: str
    must: bool
    running: bool
    score: float
    first_year: int
    years: int
    yearly_wan: float
    where: str

    def cost(self, plan: Sequence[int], shift: int = 0) -> npt.NDArray[np.float64]:
        """Cost in each year of the plan when it begins `shift` years later."""
        first = self.first_year + shift
        return np.array(
            [self.yearly_wan if first <= year < first + self.years else 0.0 for year in plan]
        )

    def beyond_wan(self, plan: Sequence[int], shift: int = 0) -> float:
        """What it costs after the plan's last year."""
        return self.yearly_wan * max(0, self.first_year + shift + self.years - 1 - plan[-1])


@dataclass(frozen=True, repr=False)
class ProjectRanking(Found):
    """A pool of projects, decided.

    Attributes
    ----------
    table
        In the bureau's order: ``turn, project_id, project, project_class, must, running, score,
        first_year, years, cost_wan`` (in the plan), ``decision, begin_year`` (the year it is to
        begin), ``short_wan`` (what is missing for a refused one), ``beyond_wan`` (after the
        plan's last year), ``reason``.
    by_year
        ``year, ceiling_wan, must_wan, running_wan, other_wan, left_wan, short_wan``.
    found
        Years whose duties and contracts exceed the ceiling; projects that outlast the plan.
    """

    table: pd.DataFrame
    by_year: pd.DataFrame
    found: tuple[Finding, ...]
    pool: tuple[Project, ...]
    class_ceilings: Mapping[str, Mapping[int, float]]

    def of(self, decision: str) -> pd.DataFrame:
        """The projects that are ``chosen``, ``deferred`` or ``refused``."""
        return self.table[self.table["decision"].eq(decision)].reset_index(drop=True)

    @property
    def answer(self) -> Text:
        """How many are chosen, put off and refused, and what they cost."""
        counts = {name: int(self.table["decision"].eq(name).sum()) for name in DECISIONS}
        cost = float(self.by_year[["must_wan", "running_wan", "other_wan"]].to_numpy().sum())
        said = say("warning.ranked", count=len(self.table), cost=cost,
                   ceiling=float(self.by_year["ceiling_wan"].sum()), **counts)  # fmt: skip
        short = self.by_year[self.by_year["short_wan"] > _CENT]
        if len(short):
            said += say("warning.duties_exceed", year=int(short["year"].iloc[0]),
                        amount=float(short["short_wan"].sum()))  # fmt: skip
        return said

    def _named(self, lang: str | None = None) -> pd.DataFrame:
        lang = lang or language()
        words = {name: say(f"warning.{name}")(lang) for name in DECISIONS}
        return self.table.assign(decision=self.table["decision"].map(words))

    @property
    def short(self) -> pd.DataFrame:
        """The order with decision, price and reason."""
        columns = ["turn", "project", "project_class", "score", "cost_wan", "decision",
                   "begin_year", "short_wan", "reason"]  # fmt: skip
        return self._named()[columns]

    def plot(self, lang: str | None = None) -> Chart:
        """What each year's ceiling goes to, and what is left or missing."""
        columns = ["must_wan", "running_wan", "other_wan", "left_wan"]
        wide = self.by_year.set_index("year")[columns]
        divisor, unit = scale("万元", float(self.by_year["ceiling_wan"].max()))
        made, axis, lang = figure(say("warning.chart_ranking"), lang, unit=unit)
        names = {name: say(f"warning.bar_{name[:-4]}") for name in columns}
        colors = dict(zip(columns, (RED, ORANGE, BLUE, GREEN), strict=True))
        stack(axis, wide / divisor, names=names, colors=colors, lang=lang)
        ceiling = self.by_year["ceiling_wan"] / divisor
        at = np.arange(len(ceiling))
        name = say("warning.line_ceiling")(lang)
        axis.hlines(ceiling, at - 0.42, at + 0.42, colors="black", linewidth=1.5, label=name)
        legend(axis)
        return Chart(made, self.answer(lang))

    def knapsack(self) -> pd.DataFrame:
        """What the highest sum of scores would choose instead, for information only.

        Duties and contracts are in; the rest is chosen by `scipy.optimize.milp` without putting
        anything off. Returns ``project_id, project, score, cost_wan, decision, knapsack``.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp

        plan = self.by_year["year"].tolist()
        costs = np.array([p.cost(plan) for p in self.pool])
        rows, limits = [costs.T], [self.by_year["ceiling_wan"].to_numpy(float)]
        for kind, by_year in self.class_ceilings.items():
            mine = np.array([p.kind == kind for p in self.pool])
            rows.append((costs * mine[:, None]).T)
            limits.append(np.array([by_year.get(year, math.inf) for year in plan]))
        forced = np.array([p.must or p.running for p in self.pool], float)
        # Where the duties alone exceed a ceiling, nothing else may be added in that year.
        least = np.vstack(rows) @ forced
        limit = np.maximum(np.concatenate(limits), least)
        value = np.nan_to_num(np.array([p.score for p in self.pool]))
        found = milp(
            -value, constraints=LinearConstraint(np.vstack(rows), ub=limit + _CENT),
            bounds=Bounds(forced, np.ones(len(forced))), integrality=np.ones(len(forced)),
            options={"time_limit": 20.0},
        )  # fmt: skip
        chosen = np.zeros(len(forced), bool) if found.x is None else found.x > 0.5
        by_id = dict(zip((p.id for p in self.pool), chosen, strict=True))
        made = self._named()[["project_id", "project", "score", "cost_wan", "decision"]]
        return made.assign(knapsack=made["project_id"].map(by_id))


def rank_projects(
    pool: TableLike,
    ceiling_wan: Mapping[int, float],
    *,
    class_ceilings: Mapping[str, Mapping[int, float]] | None = None,
    phasing: bool = True,
    least_score: float | None = None,
    class_order: Sequence[str] = CLASSES,
) -> ProjectRanking:
    """Decide on a pool of projects in the bureau's order.

    Parameters
    ----------
    pool
        ``project_id, project, project_class, must`` (三保 or a duty by law), ``running`` (a
        contract that runs), ``standard_wan, number, first_year, years, score``; what a project
        costs a year is standard × number.
    ceiling_wan
        Money of each year of the plan.
    class_ceilings
        Class -> year -> ceiling, beside the ceiling of the year.
    phasing
        Whether a project may begin in a later year of the plan.
    least_score
        Score under which a project that is no duty is refused.
    class_order
        Classes in the order in which they are served.

    Returns
    -------
    ProjectRanking
        Duties and contracts are taken even where they exceed the ceiling; the excess is a
        finding, and nothing else gets that year's money. A smaller project further down may
        still fit where a larger one did not.

    Raises
    ------
    InputError
        Projects that stand twice, missing standards, numbers or scores, unknown classes, a year
        without a ceiling: all at once, by cell.

    Examples
    --------
    >>> pool = [
    ...     {"project_id": "A", "project_class": "保障运转", "must": "是", "standard_wan": 60,
    ...      "number": 1, "first_year": 2026, "years": 1, "score": 90},
    ...     {"project_id": "B", "project_class": "社会事业", "must": "否", "standard_wan": 50,
    ...      "number": 1, "first_year": 2026, "years": 1, "score": 80}]
    >>> rank_projects(pool, {2026: 100.0}).table["short_wan"].tolist()
    [0.0, 10.0]
    """
    found = Collector()
    plan = _plan(ceiling_wan, found)
    limits = _limits(class_ceilings or {}, plan, found)
    projects = _pool(pool, found, plan, class_order)
    found.raise_if_any()
    ordered = sorted(projects, key=lambda p: _key(p, class_order))
    left = np.array([float(ceiling_wan[year]) for year in plan])
    room = {kind: np.array([by_year.get(y, math.inf) for y in plan])
            for kind, by_year in limits.items()}  # fmt: skip
    rows, spent = [], {name: np.zeros(len(plan)) for name in ("must", "running", "other")}
    for turn, project in enumerate(ordered, 1):
        own = room.get(project.kind, np.full(len(plan), math.inf))
        fixed = project.must or project.running
        shift, decision, short, reason = 0, "chosen", 0.0, EMPTY
        if not fixed and least_score is not None and project.score < least_score:
            decision, reason = "refused", say("warning.low_score", least=least_score)
        elif not fixed:
            latest = plan[-1] - project.first_year if phasing else 0
            starts = (s for s in range(latest + 1) if _fits(project.cost(plan, s), left, own))
            shift = next(starts, -1)
            if shift < 0:
                decision, shift = "refused", 0
                short, reason = _price(project, plan, left, own)
            elif shift:
                decision = "deferred"
                reason = say("warning.put_off", year=project.first_year + shift)
        cost = project.cost(plan, shift) if decision != "refused" else np.zeros(len(plan))
        left, own = left - cost, own - cost
        room[project.kind] = own
        spent["must" if project.must else "running" if project.running else "other"] += cost
        asked = project.cost(plan, shift)
        rows.append({
            "turn": turn, "project_id": project.id, "project": project.name,
            "project_class": project.kind, "must": project.must, "running": project.running,
            "score": project.score, "first_year": project.first_year, "years": project.years,
            "cost_wan": float(asked.sum()), "decision": decision,
            "begin_year": project.first_year + shift if decision != "refused" else math.nan,
            "short_wan": short, "beyond_wan": project.beyond_wan(plan, shift),
            "reason": str(reason),
        })  # fmt: skip
    by_year = pd.DataFrame({
        "year": plan, "ceiling_wan": [float(ceiling_wan[y]) for y in plan],
        **{f"{name}_wan": amounts for name, amounts in spent.items()},
        "left_wan": np.maximum(left, 0.0), "short_wan": np.maximum(-left, 0.0),
    })  # fmt: skip
    table = pd.DataFrame(rows)
    return ProjectRanking(
        table, by_year, tuple(_found(by_year, table, ordered, plan)), tuple(ordered), limits
    )


def _key(project: Project, class_order: Sequence[str]) -> tuple[Any, ...]:
    group = 0 if project.must else 1 if project.running else 2
    place = class_order.index(project.kind)
    return group, place, -(project.score if math.isfinite(project.score) else 0.0), project.id


def _fits(cost: Any, left: Any, own: Any) -> bool:
    """Years without any cost are not asked: an overdrawn one does not stop others."""
    asked = cost > 0
    return bool(((cost <= left + _CENT) & (cost <= own + _CENT))[asked].all())


def _price(project: Project, plan: Sequence[int], left: Any, own: Any) -> tuple[float, Text]:
    """What is missing for its own years in all, and the first year that lacks it."""
    cost = project.cost(plan)
    by_year, by_class = np.maximum(cost - np.maximum(left, 0), 0), np.maximum(cost - own, 0)
    missing = np.where(cost > 0, np.maximum(by_year, by_class), 0.0)
    at = int(np.argmax(missing > _CENT))
    of_class = by_class[at] > by_year[at]
    key = "warning.no_room_in_class" if of_class else "warning.no_room"
    return float(missing.sum()), say(key, year=plan[at], amount=float(missing[at]),
                                     name=project.kind)  # fmt: skip


def _plan(ceiling: Mapping[int, float], found: Collector) -> list[int]:
    plan = sorted(int(year) for year in ceiling)
    if not plan or plan != list(range(plan[0], plan[-1] + 1)):
        raise InputError("ceiling_wan", "warning.years_not_in_a_row", years=plan)
    for year in plan:
        if not 0 <= float(ceiling[year]) < 1e12:
            found.add(f"ceiling_wan[{year}]", "budget.missing_or_negative", value=ceiling[year])
    return plan


def _limits(
    ceilings: Mapping[str, Mapping[int, float]], plan: Sequence[int], found: Collector
) -> dict[str, dict[int, float]]:
    made = {}
    for name, by_year in ceilings.items():
        kind = class_of(name)
        if kind is None:
            found.add("class_ceilings", "budget.no_class", text=name, classes=CLASSES)
            continue
        made[kind] = {int(y): float(v) for y, v in by_year.items() if int(y) in plan}
    return made


def class_of(text: object) -> str | None:
    """The class that a word means, or None."""
    return next((kind for kind in CLASSES if bare(kind) == bare(text)), None)


def _pool(
    pool: TableLike, found: Collector, plan: Sequence[int], class_order: Iterable[str]
) -> list[Project]:
    records = read_records(pool, name="pool", columns=headers_in("projects"), found=found)
    records.need("project_id", "project_class", "standard_wan", "number", "first_year", "years")
    made: dict[str, Project] = {}
    classes = tuple(class_order)
    for row in records:
        name, text = row.text("project_id"), row.text("project_class")
        kind = class_of(text)
        if kind not in classes:
            row.report("project_class", "budget.no_class", text=text, classes=classes)
        must, running = row.flag("must"), row.flag("running")
        cost = row.wan("standard_wan", low=0) * row.number("number", low=0)
        first, years = _year(row), row.number("years", low=1, high=60)
        score = row.number("score", low=0, high=100, default=math.nan)
        if not (must or running) and math.isnan(score) and row.blank("score"):
            row.report("score", "warning.no_score")
        if name in made:
            row.report("project_id", "warning.project_twice", text=name, at=made[name].where)
        if not (name and kind and first and math.isfinite(cost) and years >= 1):
            continue
        if years != int(years):
            row.report("years", "warning.whole_years", text=row.text("years"))
            continue
        if not running and not plan[0] <= first <= plan[-1]:
            row.report("first_year", "budget.not_in_plan", year=first, years=list(plan))
        made[name] = Project(name, row.text("project") or name, kind, must, running, score, first,
                             int(years), cost, row.where("years"))  # fmt: skip
    return list(made.values())


def _year(row: Row) -> int:
    found = row.period("first_year")
    if found is not None and found.freqstr[0] not in "YA":
        row.report("first_year", "ground.not_a_year", text=row.text("first_year"))
        return 0
    return 0 if found is None else int(found.year)


def _found(
    by_year: pd.DataFrame, table: pd.DataFrame, ordered: Sequence[Project], plan: Sequence[int]
) -> list[Finding]:
    made = [
        finding(
            "project_ceiling", str(year), stated=ceiling, computed=ceiling + short,
            said=say("warning.duties_above"),
        )
        for year, ceiling, short in zip(
            by_year["year"], by_year["ceiling_wan"], by_year["short_wan"], strict=True
        )
        if short > _CENT
    ]  # fmt: skip
    for project, beyond, decision in zip(
        ordered, table["beyond_wan"], table["decision"], strict=True
    ):
        if beyond > _CENT and decision != "refused":
            made.append(finding(
                "project_beyond_plan", project.where, computed=float(beyond), severity="warning",
                said=say("warning.outlasts", name=project.name, last=plan[-1], amount=beyond),
            ))  # fmt: skip
    return made
