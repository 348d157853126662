"""A made-up province, to try batches on before there are files for every county.

Everything in it is synthetic 合成数据 and says so: names, files, scenarios and
every table made from them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fiscalmodel.scenario.data import Place
from fiscalmodel.scenario.load import Region, Scenario
from fiscalmodel.scenario.schema import (
    AdjustmentSpec,
    BalanceSpec,
    DebtSpec,
    RevenueSpec,
    ScenarioSpec,
    Span,
)
from fiscalmodel.words import Text

FIRST, LAST = 2010, 2025
SOURCE = "合成数据 synthetic; made by synthetic_province"
#: Scenario -> shock to the revenue of 2026 in percent, lasting.
SCENARIOS: dict[str, tuple[str, str, float]] = {
    "baseline": ("合成基准", "Synthetic baseline", 0.0),
    "upside": ("合成上行", "Synthetic upside", 4.0),
    "downside": ("合成下行", "Synthetic downside", -6.0),
    "land_slump": ("合成土地低迷", "Synthetic land slump", -12.0),
    "recovery": ("合成复苏", "Synthetic recovery", 7.0),
}


@dataclass(frozen=True)
class _County:
    key: str
    region: Region
    file: Path
    revenue: np.ndarray[tuple[int], np.dtype[np.float64]]


def synthetic_province(
    folder: str | Path,
    *,
    counties: int = 60,
    scenarios: int = 3,
    seed: int = 2026,
    debt: bool = False,
) -> list[Scenario]:
    """Scenarios of a made-up province; the same arguments give the same figures.

    Parameters
    ----------
    folder
        Where one CSV file a county goes (revenue 2010-2025 in 万元); with debt, its ledger and
        the money for its clearance too.
    counties, scenarios
        How many; at most 5 scenarios a county.
    seed
        Of the random generator.
    debt
        Whether hidden debt has to be cleared by the end of 2028.

    Returns
    -------
    list of Scenario
        ``counties × scenarios``, all marked synthetic, for `evaluate_many`.

    Notes
    -----
    Revenue grows from a lognormal level (median 80,000 万元) at a county's own rate around 5 %
    that slows over the years, with a common and an own shock each year. Needs for 三保 are 60 to
    95 % of revenue and transfers together, statutory debt service 5 to 20 % of revenue.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    chosen = list(SCENARIOS.items())[:scenarios]
    common = np.random.default_rng(seed).normal(0.0, 0.02, LAST - FIRST)
    made: list[Scenario] = []
    for number in range(1, counties + 1):
        rng = np.random.default_rng([seed, number])
        county = _county(place, number, counties, rng, common)
        balance = _balance(county, rng)
        cleared = _debt(place, county, np.random.default_rng([seed, number, 1])) if debt else None
        made += [_scenario(county, balance, cleared, name, texts) for name, texts in chosen]
    return made


def _county(
    folder: Path,
    number: int,
    counties: int,
    rng: np.random.Generator,
    common: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> _County:
    digits = max(3, len(str(counties)))
    key = f"synthetic_county_{number:0{digits}d}"
    trend = rng.normal(0.05, 0.02) + np.linspace(0.04, -0.02, LAST - FIRST)
    growth = trend + common + rng.normal(0.0, 0.03, LAST - FIRST)
    start = np.log(80_000) + rng.normal(0.0, 0.7)
    path = np.exp(start + np.concatenate([[0.0], np.cumsum(growth)])).round(0)
    lines = ["period,value,unit,kind,source"]
    lines += [
        f"{FIRST + i},{value:.0f},万元,actual,{SOURCE}" for i, value in enumerate(path.tolist())
    ]
    file = folder / f"{key}.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    region = Region(key, f"合成县{number:0{digits}d}", f"Synthetic county {number}", True)
    return _County(key, region, file, path)


def _balance(county: _County, rng: np.random.Generator) -> BalanceSpec:
    last = float(county.revenue[-1])
    transfers = round(last * float(rng.uniform(0.8, 2.5)))
    need = round((last + transfers) * float(rng.uniform(0.60, 0.95)))
    service = round(last * float(rng.uniform(0.05, 0.20)))
    years = range(LAST + 1, LAST + 4)
    return BalanceSpec(
        transfers_wan=dict.fromkeys(years, float(transfers)),
        sanbao_need_wan=dict.fromkeys(years, float(need)),
        statutory_debt_service_wan=dict.fromkeys(years, float(service)),
        source=SOURCE,
    )


def _debt(folder: Path, county: _County, rng: np.random.Generator) -> DebtSpec:
    """Six contracts of 20 to 80 % of a year's revenue, and money for 90 to 150 % of them."""
    total = float(county.revenue[-1]) * rng.uniform(0.2, 0.8)
    shares = rng.dirichlet(np.ones(6)) * total
    rates, years = rng.uniform(3.5, 7.5, 6), rng.integers(LAST + 1, LAST + 4, 6)
    rows = [
        f"H{n},{principal:.2f},{rate:.2f},{year}-12-31,true"
        for n, (principal, rate, year) in enumerate(zip(shares, rates, years, strict=True), start=1)
    ]
    caps = total * rng.uniform(0.9, 1.5) / 3
    money = [f"own,{LAST + n},{caps:.2f}" for n in (1, 2, 3)]
    ledger, sources = (folder / f"{county.key}_{name}.csv" for name in ("ledger", "funding"))
    header = "contract_id,principal_wan,rate_pct,maturity,prepayable"
    ledger.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    header = "source_id,period,cap_wan"
    sources.write_text("\n".join([header, *money]) + "\n", encoding="utf-8")
    deadline = dt.date(LAST + 3, 12, 31)
    return DebtSpec(ledger=ledger.name, sources=sources.name, deadline=deadline)


def _scenario(
    county: _County,
    balance: BalanceSpec,
    debt: DebtSpec | None,
    name: str,
    texts: tuple[str, str, float],
) -> Scenario:
    zh, en, shock = texts
    adjustments = {}
    if shock:
        adjustments["shock"] = AdjustmentSpec(
            name=Text(zh=zh, en=en),
            kind="shock",
            pct={LAST + 1: shock},
            lasting=True,
            source=SOURCE,
        )
    spec = ScenarioSpec(
        name=Text(zh=zh, en=en),
        region=county.key,
        as_of=dt.date(LAST, 12, 31),
        years=Span(first=LAST + 1, last=LAST + 3),
        synthetic=True,
        revenue=RevenueSpec(series=county.file.name, adjustments=adjustments),
        balance=balance,
        debt=debt,
    )
    places = {"revenue.series": Place(county.file)}
    if debt is not None:
        places["debt.ledger"] = Place(county.file.with_name(str(debt.ledger)))
        places["debt.sources"] = Place(county.file.with_name(str(debt.sources)))
    return Scenario(f"{county.key}/{name}", spec, county.region, county.file, places)
