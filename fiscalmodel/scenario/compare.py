"""Scenarios or clearance plans side by side: figures, and what their files say differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.display import Shown, TableView, result_html, word
from fiscalmodel.errors import InputError, known_names
from fiscalmodel.scenario import plots
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.outcome import Outcome
from fiscalmodel.words import Text, label, language, say

if TYPE_CHECKING:
    from fiscalmodel.display import Chart

#: Frame -> columns that are compared year by year.
_BY_YEAR: dict[str, tuple[str, ...]] = {
    "revenue": ("scenario_wan",),
    "balance": ("expenditure_wan", "available_wan"),
    "debt": ("hidden_wan", "statutory_wan", "total_wan", "interest_wan"),
}
#: Figure -> column whose label names it among scenarios.
_HEADS = {"scenario_wan": "revenue_wan"}
_PARTS = (*_BY_YEAR, "commissions")


@dataclass(frozen=True, repr=False)
class Comparison:
    """Several outcomes or plans side by side.

    Attributes
    ----------
    compared
        Name -> outcome or plan.
    table
        ``part, metric, period`` and one column for each of them; money in 万元. A figure
        that one does not have is missing, not 0.
    """

    compared: Mapping[str, Any]
    table: pd.DataFrame

    def __getitem__(self, column: Any) -> Any:
        """A column or selection of the table."""
        return self.table[column]

    @property
    def region(self) -> Text:
        """The region or regions that are compared; empty for plans."""
        regions = [o.scenario.region for o in self.compared.values() if isinstance(o, Outcome)]
        return Text.joined(dict.fromkeys(Text(r.zh, r.en) for r in regions), "、", ", ")

    def names(self, lang: str | None = None) -> dict[str, str]:
        """Column -> name of the scenario, or the column itself where names are not unique."""
        names = {
            key: made.scenario.spec.name(lang) if isinstance(made, Outcome) else key
            for key, made in self.compared.items()
        }
        return names if len(set(names.values())) == len(names) else {key: key for key in names}

    def by_region(self) -> list[Comparison]:
        """One comparison for each region, in the order given."""
        groups: dict[str, dict[str, Outcome]] = {}
        for key, made in self.compared.items():
            if isinstance(made, Outcome):
                groups.setdefault(made.scenario.region.key, {})[key] = made
        return [compare(list(group.values()), list(group)) for group in groups.values()]

    def in_words(self, lang: str | None = None) -> pd.DataFrame:
        """The table with parts, figures and scenarios by name."""
        lang = lang or language()
        return self.table.assign(
            part=[say(f"scenario.part_{p}")(lang) for p in self.table["part"]],
            metric=[label(_HEADS.get(m, m), lang) for m in self.table["metric"]],
            period=[word(p, lang) if p == "total" else p for p in self.table["period"]],
        ).rename(columns=self.names(lang))

    def changes(self, lang: str | None = None) -> pd.DataFrame:
        """Keys that the scenarios' files fill differently: ``key`` and a column for each."""
        names = self.names(lang)
        outcomes = {k: o for k, o in self.compared.items() if isinstance(o, Outcome)}
        return _differing({names[k]: o.scenario for k, o in outcomes.items()})

    def plot(self, what: str = "revenue", lang: str | None = None) -> Chart | Shown:
        """``revenue`` or hidden ``debt`` of all of them; a sentence where one has none."""
        outcomes = {k: o for k, o in self.compared.items() if isinstance(o, Outcome)}
        names, place = self.names(lang), self.region
        if what == "revenue":
            if len(outcomes) < len(self.compared) or any(
                o.revenue is None for o in outcomes.values()
            ):
                return Shown(say("scenario.missing_revenue"), lang or language())
            return plots.compared_revenue({names[k]: o for k, o in outcomes.items()}, place, lang)
        if what != "debt":
            raise InputError(
                "plot", "scenario.unknown_chart", known_names(["debt", "revenue"]), name=what
            )
        balances = {names[k]: _balances(made) for k, made in self.compared.items()}
        if any(frame is None for frame in balances.values()):
            return Shown(say("scenario.missing_debt"), lang or language())
        known = {k: frame for k, frame in balances.items() if frame is not None}
        return plots.compared_debt(known, place, lang)

    @property
    def answers(self) -> list[Text]:
        """What each says, in one sentence or some."""
        zh, en = self.names("zh"), self.names("en")
        said = {k: Text.joined(_answers(made), "", " ") for k, made in self.compared.items()}
        return [
            say("scenario.compared", name=Text(zh[k], en[k]), said=text) for k, text in said.items()
        ]

    def __repr__(self) -> str:
        return "\n".join([*map(str, self.answers), repr(TableView(self.in_words(), digits=2))])

    def _repr_html_(self) -> str:
        return result_html(self.answers, self.in_words(), digits=2, caption=self.region)


def compare(outcomes: Sequence[Any], names: Sequence[str] | None = None) -> Comparison:
    """The main figures of several outcomes (or clearance plans), a column for each.

    Parameters
    ----------
    outcomes
        From `evaluate`, or plans from `plan_clearance`.
    names
        Names of the columns; by default the scenarios' ids, and 方案1, 方案2, ….

    Raises
    ------
    InputError
        If nothing is given, or two have one name.
    """
    ids = list(names) if names is not None else [
        o.scenario.id if isinstance(o, Outcome) else str(say("scenario.plan", number=n))
        for n, o in enumerate(outcomes, 1)
    ]  # fmt: skip
    if not ids:
        raise InputError("compare", "scenario.nothing_to_compare")
    if len(set(ids)) < len(ids):
        raise InputError("compare", "scenario.compared_twice")
    compared = dict(zip(ids, outcomes, strict=True))
    columns = [pd.Series(_figures(o), name=k, dtype=float) for k, o in compared.items()]
    joined = pd.concat(columns, axis=1)
    keys = list(dict.fromkeys(key for column in columns for key in column.index))
    joined = joined.reindex(sorted(keys, key=lambda k: (_PARTS.index(k[0]), k[1], k[2])))
    joined.index.names = ["part", "metric", "period"]
    return Comparison(compared, joined.reset_index())


def _figures(made: Any) -> dict[tuple[str, str, str], float]:
    found: dict[tuple[str, str, str], float] = {}
    tables = made.tables() if isinstance(made, Outcome) else {"debt": made.by_year}
    for part, names in _BY_YEAR.items():
        frame = tables.get(part)
        if frame is None:
            continue
        if part == "revenue":
            frame = frame[frame["kind"] == "forecast"]
        when = "year" if "year" in frame else "period"
        for name in (n for n in names if n in frame):
            for period, value in zip(frame[when], frame[name], strict=True):
                found[part, name, str(period)] = float(value)
    plan = made.plan if isinstance(made, Outcome) else made
    if plan is not None:
        found["debt", "cost_wan", "total"] = float(plan.cost_wan)
    if getattr(made, "commissions", None) is not None:
        found["commissions", "fee_wan", "total"] = int(made.commissions["fee_fen"].sum()) / 1e6
    return found


def _balances(made: Any) -> pd.DataFrame | None:
    frame: pd.DataFrame | None = made.debt if isinstance(made, Outcome) else made.by_year
    return frame


def _answers(made: Any) -> list[Text]:
    if isinstance(made, Outcome):
        return list(made.answers)
    return [Text(made.sentence("zh"), made.sentence("en"))]


def differences(first: Scenario, second: Scenario) -> pd.DataFrame:
    """Keys whose values differ between two scenarios: ``key, first, second``."""
    return _differing({"first": first, "second": second})


def _differing(scenarios: Mapping[str, Scenario]) -> pd.DataFrame:
    flat = {name: inputs_of(case) for name, case in scenarios.items()}
    keys = dict.fromkeys(key for values in flat.values() for key in values)
    rows = [
        {"key": key, **{name: values.get(key, "—") for name, values in flat.items()}}
        for key in keys
        if any(values.get(key) != flat[next(iter(flat))].get(key) for values in flat.values())
    ]
    return pd.DataFrame(rows, columns=["key", *flat])


def inputs_of(scenario: Scenario) -> dict[str, str]:
    """What a scenario says: dotted key -> value as text."""
    return {key: _text(value) for key, value in _flat(scenario.spec.model_dump()).items()}


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    made: dict[str, Any] = {}
    for key, inner in value.items():
        made |= _flat(inner, f"{path}.{key}" if path else str(key))
    return made


def _text(value: Any) -> str:
    return "—" if value is None else str(value)
