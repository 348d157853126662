"""Questions about inputs that can be read but are hardly meant: wrong units, lost years, ratios.

A scenario answers a question once, under ``confirmed``; the report then shows both.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.errors import InputError, did_you_mean
from fiscalmodel.numerals import parse, printed
from fiscalmodel.scenario.data import TABLE_KEYS, is_series_key, references
from fiscalmodel.scenario.given import given_only
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.schema import RATIO_SHARE
from fiscalmodel.series.monthly import spans, to_months
from fiscalmodel.tables.records import Records, Row
from fiscalmodel.tables.unitlines import unit_word
from fiscalmodel.units import FEN_PER
from fiscalmodel.words import Text, official, official_words, say

#: Bytes from which a file is too long to look through cell by cell.
LONG_FILE = 1_000_000
#: Two figures of one series further apart than this are likely in two units.
JUMP = 20.0
#: Hidden debt above this many years of revenue is likely in another unit.
YEARS_OF_REVENUE = 30.0
#: A December further than this share from its year's figure is of another calibre, or mistyped.
DECEMBER = 0.02
#: Amounts of the budget below this share of revenue are likely in another unit.
SMALL = 0.01
#: Yearly rates below this, in percent, are likely ratios.
RATIO_PCT = 0.5
#: How the names of questions begin.
KINDS = frozenset(
    {
        "zero",
        "jump",
        "gap",
        "small",
        "debt",
        "outside",
        "ratio",
        "category",
        "haircut",
        "region",
        "fall",
        "month",
        "december",
        "after",
        "outlasts",
        "spent",
    }
)
_ASSETS = ("asset_disposal", "equity_disposal")
_SHARES = (
    "general_budget_share_pct", "refinanced_pct", "handing_over_pct", "transfer_pct",
    "least_execution_pct",
)  # fmt: skip
_LARGE = ("balance.transfers_wan", "balance.sanbao_need_wan", "expenditure.amount_wan")


@dataclass(frozen=True)
class Question:
    """Something implausible: `key` names it under ``confirmed``, `where` is the place."""

    key: str
    where: str
    said: Text


def questions(scenario: Scenario) -> list[Question]:
    """Everything implausible in a scenario's inputs, in one pass, answered or not.

    What cannot be read at all is left to its reader, which says so.
    """
    case = given_only(scenario)
    series, months = _series(case)
    name = case.region.name("zh")
    found = [
        Question(f"region.{other}", place, say("scenario.ask.region", other=other, name=name))
        for place, other in case.origin.foreign
    ]
    for key, (where, values) in series.items():
        found += _of_series(key, where, values)
    for key, (where, monthly) in months.items():
        found += _of_months(key, where, monthly)
        last = max(monthly, default=None)
        as_of = pd.Period(case.spec.as_of, "M")
        # All of them after it is an error of its part.
        if key in case.places and last and min(monthly) <= as_of < last:
            day = last.end_time.date().isoformat()  # as it is written in a scenario
            said = say("scenario.ask.after", last=last, as_of=str(case.spec.as_of), day=day)
            found.append(Question(f"after.{key}", where, said))
    revenue = series.get("revenue.series", ("", {}))[1]
    where, monthly = months.get("revenue.nowcast.series", ("", {}))
    for year, whole in revenue.items():
        december = monthly.get(pd.Period(f"{year}-12", "M"), math.nan)
        if abs(december - whole) > DECEMBER * abs(whole):
            said = say("scenario.ask.december", year=year, value=december, whole=whole)
            found.append(Question(f"december.revenue.nowcast.series.{year}", where, said))
    past = {y: v for y, v in revenue.items() if y <= case.spec.as_of.year and v > 0}
    newest = max(past) if past else 0
    if past and (lost := [str(y) for y in range(newest + 1, case.spec.as_of.year)]):
        said = say("scenario.ask.stale", newest=newest, years=lost)
        found.append(Question("gap.revenue.series", series["revenue.series"][0], said))
    if past:
        for key in _LARGE:
            where, values = series.get(key) or series.get(f"{key}.0") or ("", {})
            small = [y for y, v in values.items() if 0 < v < SMALL * past[newest]]
            if small and _planned(case, small):
                year = _planned(case, small)[0]
                said = say("scenario.ask.small", year=year, value=values[year],
                           revenue=past[newest])  # fmt: skip
                found.append(Question(f"small.{key}", where, said))
    if case.spec.debt is not None:
        found += _of_debt(case, newest, past.get(newest, math.nan))
    return [*found, *_of_rates(case), *_of_pool(case)]


def remarks(scenario: Scenario, without: Collection[str] = ()) -> list[Text]:
    """What was read otherwise than its column says: 20万 under 金额（元） is 200,000 元.

    Tables of the parts `without` are not looked at.
    """
    said: dict[Text, None] = {}
    for key, place in scenario.places.items():
        short = key in TABLE_KEYS and key.partition(".")[0] not in without
        short = short and place.file.stat().st_size < LONG_FILE
        for row in (_table(scenario, key) if short else None) or ():
            for column, home in row.table.units.items():
                own = unit_word(parse(row.cells[column]).unit)
                if own in FEN_PER and own != home:
                    name = f"{row.where(column)} {printed(row.cells[column])}"
                    said[say("tables.converted", name=name, unit=own, home=home)] = None
    return list(said)


def unknown_answers(scenario: Scenario, asked: Iterable[Question]) -> dict[str, Text]:
    """Keys under ``confirmed`` that can answer no question, with the nearest that is asked."""
    keys, given = [question.key for question in asked], scenario.spec.confirmed
    parts = set(type(scenario.spec).model_fields)
    near = {key: did_you_mean(key, [k for k in keys if k not in given]) for key in given}
    return {
        key: near[key]
        for key in given
        if key not in keys and (near[key] or not _may_be_asked(key, parts))
    }


def _may_be_asked(key: str, parts: set[str]) -> bool:
    """Whether a question could go by this name: it may have been settled since."""
    kind, _, rest = key.partition(".")
    return kind in KINDS and (kind == "region" or rest.partition(".")[0] in parts)


def answered(scenario: Scenario) -> list[Text]:
    """The questions that the scenario confirms, with its reasons."""
    given = scenario.spec.confirmed
    return [
        say("scenario.answered", question=q.said, reason=given[q.key])
        for q in questions(scenario)
        if q.key in given
    ]


def _planned(case: Scenario, years: list[int]) -> list[int]:
    """The years that the scenario plans for."""
    return [y for y in years if case.spec.years.first <= y <= case.spec.years.last]


def _series(
    case: Scenario,
) -> tuple[dict[str, tuple[str, dict[int, float]]], dict[str, tuple[str, dict[Any, float]]]]:
    """Key -> place and values of every series and every amount by year, and of those by month."""
    yearly: dict[str, tuple[str, dict[int, float]]] = {}
    monthly: dict[str, tuple[str, dict[Any, float]]] = {}
    data = case.spec.model_dump(exclude_none=True)
    for path, named in references(data):
        key = ".".join(map(str, path))
        if not is_series_key(key):
            continue
        where = f"{key} {case.places.get(key, named)}"
        try:
            found = case.series(key, named)
        except InputError:
            continue
        values = found.values.astype(float)
        step = str(getattr(values.index, "freqstr", ""))
        if step.startswith(("Y", "A")):
            years = pd.PeriodIndex(values.index).year
            yearly[key] = where, dict(zip(map(int, years), values, strict=True))
        elif step == "M":
            monthly[key] = where, dict(found.actuals().values.dropna().items())
    for part, spec in (("balance", case.spec.balance), ("expenditure", case.spec.expenditure)):
        for name in type(spec).model_fields if spec else ():
            value, key = getattr(spec, name), f"{part}.{name}"
            if isinstance(value, dict) and name.endswith("_wan") and value:
                yearly[key] = key, {int(y): float(value[y]) for y in value}
    return yearly, monthly


def _of_months(key: str, where: str, values: Mapping[Any, float]) -> Iterator[Question]:
    """Year-to-date figures that fall, and single months unlike the others of their year."""
    for before, month in pairwise(sorted(values)):
        if before.year == month.year and values[month] < values[before]:
            said = say("scenario.ask.fall", month=month, value=values[month], before=before,
                       other=values[before])  # fmt: skip
            yield Question(f"fall.{key}.{month}", where, said)
    if not values:
        return
    single = to_months(pd.Series(values))
    alone = single[(spans(single) == 1) & (single > 0)]
    for _, year in alone.groupby(pd.PeriodIndex(alone.index).year):
        usual = float(year.median())
        for month, value in zip(year.index, year, strict=True):
            if len(year) > 2 and not usual / JUMP <= value <= usual * JUMP:
                said = say("scenario.ask.month", month=month, value=value, usual=usual)
                yield Question(f"month.{key}.{month}", where, said)


def _of_series(key: str, where: str, values: Mapping[int, float]) -> Iterator[Question]:
    known = {y: v for y, v in sorted(values.items()) if v == v}
    years = list(known)
    filled = [y for y in years if known[y] != 0]
    for year in years:
        if known[year] == 0 and filled and filled[0] < year < filled[-1]:
            yield Question(f"zero.{key}.{year}", where, say("scenario.ask.zero", year=year))
    for before, year in pairwise(filled):
        low, high = sorted((abs(known[before]), abs(known[year])))
        if high > JUMP * low:
            said = say("scenario.ask.jump", year=year, value=known[year], before=before,
                       other=known[before])  # fmt: skip
            yield Question(f"jump.{key}.{year}", where, said)
    lost = [str(y) for y in range(years[0], years[-1]) if y not in known] if years else []
    if lost:
        yield Question(f"gap.{key}", where, say("scenario.ask.gap", years=lost))


def _of_debt(case: Scenario, newest: int, revenue: float) -> Iterator[Question]:
    ledger, sources, quotas = (_table(case, f"debt.{k}") for k in ("ledger", "sources", "quotas"))
    if ledger is not None and ledger.has("principal_wan"):
        debt = sum(row.wan("principal_wan", default=0.0) for row in ledger)
        if debt > YEARS_OF_REVENUE * revenue:
            said = say("scenario.ask.debt", debt=debt, year=newest, revenue=revenue)
            yield Question("debt.debt.ledger", ledger.place(), said)
    spec = case.spec.debt
    assert spec is not None
    as_of = case.spec.as_of
    end = spec.deadline or policy.value("hidden_debt_deadline", on=as_of)
    for key, table in (("sources", sources), ("quotas", quotas)):
        outside = [row for row in table if _outside(row, as_of, end)] if table else []
        if table and outside:
            names = list(dict.fromkeys(row.text("period") for row in outside))
            first = (as_of.year + 1) if (as_of.month, as_of.day) == (12, 31) else as_of.year
            said = say("scenario.ask.outside", names=names, first=first, last=end.year)
            yield Question(f"outside.debt.{key}", outside[0].where("period"), said)
    # A rate given as a ratio is refused by the reader of contracts, quotas and bonds.
    for row in sources or ():
        value = row.number("haircut_pct", default=0.0)
        if 0 < value <= RATIO_SHARE:
            header = row.table.headers["haircut_pct"]
            said = say("scenario.ask.ratio", name=header, value=value, meant=100 * value)
            yield Question("ratio.debt.sources.haircut_pct", row.where("haircut_pct"), said)
            break
    strange = {
        text: row
        for row in sources or ()
        if (text := row.text("category")) and not official("source_category", text)
    }
    for text, row in strange.items():
        said = say("scenario.ask.category", name=text,
                   known=list(official_words("source_category").values()))  # fmt: skip
        yield Question(f"category.debt.sources.{text}", row.where("category"), said)
    bare: dict[str, Row] = {}
    for row in sources or ():
        text = row.text("category")
        haircut = row.number("haircut_pct", default=0.0)
        if (official("source_category", text) or text) in _ASSETS and not haircut > 0:
            bare.setdefault(row.text("source_id"), row)
    for name, row in bare.items():
        said = say("scenario.ask.haircut", name=name)
        yield Question(f"haircut.debt.sources.{name}", row.where("haircut_pct"), said)


def _of_pool(case: Scenario) -> Iterator[Question]:
    """Projects of the pool that run on after the last year that has a ceiling."""
    spec = case.spec.projects
    pool = _table(case, "projects.pool") if spec is not None else None
    if spec is None or pool is None or not spec.ceiling_wan:
        return
    last, places = max(spec.ceiling_wan), dict[str, str]()
    for row in pool:
        first, years = row.period("first_year", default=None), row.number("years", default=0.0)
        if first is not None and first.year + years - 1 > last:
            name = row.text("project") or row.text("project_id")
            places[f"{name}（{first.year}–{first.year + years - 1:.0f}）"] = row.where("years")
    if places:
        said = say("scenario.ask.outlasts", names=list(places), last=last)
        yield Question("outlasts.projects.pool", next(iter(places.values())), said)


def _table(case: Scenario, key: str) -> Records | None:
    try:
        return case.records(key) if key in case.places else None
    except InputError:
        return None


def _outside(row: Row, as_of: Any, end: Any) -> bool:
    """Whether a period ends on or before the day of the balances, or starts after the deadline."""
    period = row.period("period", default=None)
    if period is None:
        return False
    return bool(period.end_time.date() <= as_of or period.start_time.date() > end)


def _of_rates(case: Scenario) -> Iterator[Question]:
    """Percentages of the scenario itself, given as 0.03 where 3 is meant."""
    other = {"commissions", "confirmed"}
    for key, given in _percents(case.spec.model_dump(exclude=other, exclude_none=True)):
        listed = given.values() if isinstance(given, dict) else [given]
        values = [v for v in listed if v]
        share = key.rpartition(".")[2] in _SHARES or key.startswith("guardrails.")
        if values and max(map(abs, values)) <= (RATIO_SHARE if share else RATIO_PCT):
            said = say("scenario.ask.ratio", name=key, value=values[0], meant=100 * values[0])
            yield Question(f"ratio.{key}", key, said)


def _percents(data: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of a percentage with what is given; measured errors may be as small as they are."""
    pairs = enumerate(data) if isinstance(data, list) else data.items()
    for name, value in pairs:
        key = f"{above}{name}"
        if key.endswith(("_pct", ".pct")) and not key.endswith("error_pct"):
            yield key, value
        elif isinstance(value, (dict, list)):
            yield from _percents(value, f"{key}.")
