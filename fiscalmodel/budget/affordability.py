"""财政承受能力评估: whether the budget can bear one policy or project, and up to which amount.

Every test is money that is left, without and with the project; the project fits where nothing
falls below nought in any year. Its contents are our own design (no document prescribes them).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel import policy
from fiscalmodel.display import BLUE, ORANGE, Chart, Found, bars, chart
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import TableLike, read_records
from fiscalmodel.words import Text, headers_in, language, official_words, say

#: The base's columns: those of a scenario's balance, and what the further tests need.
NEEDED = ("resources_wan", "sanbao_need_wan")
USUAL = ("statutory_debt_service_wan", "other_commitments_wan")
FOR_LIMIT = ("debt_wan", "debt_limit_wan")
FOR_INTEREST = ("interest_wan", "expenditure_wan")
TESTS = ("balance", "sanbao", "debt_limit", "interest")
#: 万元 below nought that the rounding of a clearance plan explains; the same as nought.
SLACK = 0.01


@dataclass(frozen=True, repr=False)
class Affordability(Found):
    """One policy or project against the budget.

    Attributes
    ----------
    table
        ``year, test, without_wan, change_wan, with_wan, kept``: money left by each test, without
        the project, what the project changes, with it.
    cost
        Cost by year and source: ``year`` and a column for each source, ``service_wan`` (of the
        bonds that pay for it) and ``sum_wan``.
    breaks
        ``test, year, factor, amount_wan``: by which factor the cost may grow until the test just
        fails, in the year where it does first; the tightest first.
    amount_wan
        Total cost at which the first test just fails; infinite where none ever does.
    found
        Tests that fail.
    """

    table: pd.DataFrame
    cost: pd.DataFrame
    breaks: pd.DataFrame
    amount_wan: float
    found: tuple[Finding, ...]

    @property
    def fits(self) -> bool:
        """Whether every test is kept in every year with the project."""
        return bool(self.table["kept"].all())

    @property
    def untested(self) -> list[str]:
        """Tests whose amounts the base does not hold."""
        return [test for test in TESTS if test not in set(self.table["test"])]

    @property
    def answer(self) -> Text:
        """Whether it fits, what fails first and at which amount; what could not be tested."""
        names = [test_name(test) for test in self.untested]
        said = self._verdict()
        return said + say("warning.untested", tests=names) if names else said

    def _verdict(self) -> Text:
        total = float(self.cost["sum_wan"].sum())
        short = self.table[self.table["without_wan"] < -SLACK]
        if len(short):
            row = short.iloc[0]
            return say("warning.fails_anyway", test=test_name(row["test"]), year=int(row["year"]),
                       amount=-float(row["without_wan"]))  # fmt: skip
        if not math.isfinite(self.amount_wan):
            return say("warning.fits_any", total=total)
        first = self.breaks.iloc[0]
        key = "warning.fits" if self.fits else "warning.fits_not"
        return say(key, total=total, most=self.amount_wan, test=test_name(first["test"]),
                   year=int(first["year"]))  # fmt: skip

    @property
    def short(self) -> pd.DataFrame:
        """Money left by each test and year, with and without."""
        return self.in_words()

    def in_words(self, lang: str | None = None, part: str = "table") -> pd.DataFrame:
        """The table, or ``breaks``, with tests by name."""
        names = {test: test_name(test)(lang or language()) for test in TESTS}
        frame: pd.DataFrame = getattr(self, part)
        return frame.assign(test=frame["test"].map(names))

    def plot(self, lang: str | None = None) -> Chart:
        """The balance of each year without and with the project."""
        wide = self.table[self.table["test"].eq("balance")].set_index("year")
        wide = wide[["without_wan", "with_wan"]]
        title = say("warning.chart_afford")
        return chart(bars, wide, title, self.answer, lang, colors=(BLUE, ORANGE))


def test_name(code: str) -> Text:
    """A test in both languages."""
    return say(f"warning.test_{code}")


def assess_affordability(
    base: pd.DataFrame,
    lines: TableLike,
    *,
    bond_rate_pct: float = 0.0,
    bond_years: int = 10,
    on: Any,
) -> Affordability:
    """Set one policy or project against the budget of the years ahead.

    Parameters
    ----------
    base
        One row a year: ``year, resources_wan, sanbao_need_wan`` and, where known,
        ``statutory_debt_service_wan, other_commitments_wan``; ``debt_wan, debt_limit_wan`` for
        the debt limit; ``interest_wan, expenditure_wan`` for the share of interest.
    lines
        The project's cost: ``year, item, funding`` (一般公共预算, 上级补助, 政府性基金, 债券,
        社会资本), ``amount_wan``.
    bond_rate_pct, bond_years
        Rate and term of the bonds that pay for it: interest from the year after, principal at
        the end, both from the general budget.
    on
        Day whose ceiling of the interest share applies.

    Raises
    ------
    InputError
        Years of the project that the base does not have (a project longer than the plan), a
        year twice, unknown sources, negative amounts: all at once, by cell.

    Notes
    -----
    balance = resources − 三保 − debt service − commitments − project − service of its bonds;
    三保: the same without the commitments, since these give way first; limit − debt − bonds;
    ceiling · (expenditure + project) − interest. With all lines growing alike each of them falls in
    proportion to the project, so that a test just fails at left without it ÷ what it takes.

    Examples
    --------
    >>> base = pd.DataFrame({"year": [2026], "resources_wan": [100.0], "sanbao_need_wan": [70.0]})
    >>> lines = [{"year": 2026, "funding": "一般公共预算", "amount_wan": 20}]
    >>> made = assess_affordability(base, lines, on="2025-12-31")
    >>> made.fits, round(made.amount_wan, 2)
    (True, 30.0)
    """
    found = Collector()
    given = _base(base, found)
    cost = _lines(lines, given, found)
    if not 0 <= bond_rate_pct <= 36 or bond_years < 1:
        found.add("bond_rate_pct", "budget.missing_or_negative", value=bond_rate_pct)
    found.raise_if_any()
    share = float(policy.value("interest_share_ceiling", on=on)) / 100
    parts = _parts(cost, bond_rate_pct / 100, bond_years)
    table = _tested(given, parts, share)
    breaks = _breaks(table, float(cost.to_numpy().sum()))
    least = float(breaks["amount_wan"].min()) if len(breaks) else math.inf
    shown = cost.rename(columns=lambda name: f"{name}_wan").assign(
        service_wan=parts["interest"] + parts["principal"], sum_wan=cost.sum(axis=1)
    )
    failing = table[~table["kept"]]
    findings = tuple(
        finding("affordability", f"{row.year} {test_name(str(row.test))}", stated=0.0,
                computed=float(str(row.with_wan)), said=say("warning.not_borne"))
        for row in failing.itertuples()
    )  # fmt: skip
    return Affordability(table, shown.reset_index(), breaks, least, findings)


def _base(base: pd.DataFrame, found: Collector) -> pd.DataFrame:
    if not isinstance(base, pd.DataFrame):
        raise InputError("base", "budget.not_a_table", kind=type(base).__name__)
    for name in ("year", *NEEDED):
        if name not in base:
            found.add("base", "budget.no_column", name=name, needed=["year", *NEEDED])
    found.raise_if_any()
    for year in base["year"][base["year"].duplicated()]:
        found.add(f"base[{year}]", "budget.year_twice", year=year)
    names = [c for c in (*NEEDED, *USUAL, *FOR_LIMIT, *FOR_INTEREST) if c in base]
    made = base.set_index(base["year"].astype(int))[names].astype(float).sort_index()
    for name in (*NEEDED, *(n for n in USUAL if n in made)):
        for year in made.index[made[name].isna()]:
            found.add(f"base[{year}].{name}", "budget.amount_missing")
    return made.assign(**{name: 0.0 for name in USUAL if name not in made})


def _lines(lines: TableLike, base: pd.DataFrame, found: Collector) -> pd.DataFrame:
    """Cost by year and source."""
    records = read_records(lines, name="lines", columns=headers_in("assessed"), found=found)
    records.need("year", "funding", "amount_wan")
    sources = list(official_words("funding"))
    years = base.index.tolist()
    sums = {year: dict.fromkeys(sources, 0.0) for year in years}
    for row in records:
        period, source = row.period("year"), row.word("funding", "funding")
        amount = row.wan("amount_wan", low=0)
        if period is None or not source:
            continue
        if period.year not in sums:
            row.report("year", "warning.beyond_plan", year=period.year, last=years[-1])
            continue
        sums[period.year][source] += amount
    if not found.problems and not len(records):
        found.add(records.place(), "warning.no_rows")
    return pd.DataFrame.from_dict(sums, orient="index", columns=sources).rename_axis("year")


def _parts(cost: pd.DataFrame, rate: float, term: int) -> pd.DataFrame:
    """What the project takes from each side, by year."""
    years, bonds = cost.index.to_numpy(), cost["bonds"].to_numpy()
    interest, principal = np.zeros(len(years)), np.zeros(len(years))
    for issued, amount in zip(years, bonds, strict=True):
        interest += np.where((years > issued) & (years <= issued + term), amount * rate, 0.0)
        principal += np.where(years == issued + term, amount, 0.0)
    made = pd.DataFrame({"interest": interest, "principal": principal}, index=cost.index)
    made["taken"] = cost["general"] + interest + principal
    made["debt"] = np.cumsum(bonds - principal)
    made["spent"] = cost["general"] + bonds + cost["grant"] + interest
    return made


def _tested(base: pd.DataFrame, parts: pd.DataFrame, share: float) -> pd.DataFrame:
    """Money left by each test and year, without the project, and what the project changes."""
    free = base["resources_wan"] - base["sanbao_need_wan"] - base["statutory_debt_service_wan"]
    tests = {
        "balance": (free - base["other_commitments_wan"], -parts["taken"]),
        "sanbao": (free, -parts["taken"]),
    }
    if all(name in base for name in FOR_LIMIT):
        tests["debt_limit"] = (base["debt_limit_wan"] - base["debt_wan"], -parts["debt"])
    if all(name in base for name in FOR_INTEREST):
        tests["interest"] = (
            share * base["expenditure_wan"] - base["interest_wan"],
            share * parts["spent"] - parts["interest"],
        )
    frames = [
        pd.DataFrame({"year": base.index, "test": test, "without_wan": without.to_numpy(),
                      "change_wan": change.to_numpy()})
        for test, (without, change) in tests.items()
    ]  # fmt: skip
    made = pd.concat(frames, ignore_index=True).dropna(subset="without_wan")
    made["with_wan"] = made["without_wan"] + made["change_wan"]
    return made.assign(kept=made["with_wan"] >= -SLACK).reset_index(drop=True)


def _breaks(table: pd.DataFrame, total: float) -> pd.DataFrame:
    """For each test the factor at which it just fails, and the year where it does first."""
    failing = table["without_wan"] < -SLACK
    taking = table[failing | table["change_wan"].lt(0)]
    room = taking["without_wan"].where(taking["without_wan"] > SLACK, 0.0)
    # Where money lacks already, nothing can be borne, whatever the project takes in that year.
    factor = (room / -taking["change_wan"]).mask(failing[taking.index], 0.0)
    made = taking.assign(factor=factor, amount_wan=factor * total).sort_values(
        ["factor", "year"], kind="stable", ignore_index=True
    )
    return made.drop_duplicates("test", ignore_index=True)[["test", "year", "factor", "amount_wan"]]
