"""A made-up province, to try batches on before there are files for every county.

Everything in it is synthetic 合成数据 and says so: names, files, scenarios and
every table made from them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fiscalmodel.scenario.data import Place
from fiscalmodel.scenario.load import Region, Scenario
from fiscalmodel.scenario.schema import ScenarioSpec

FIRST, LAST = 2010, 2025
AHEAD = range(LAST + 1, LAST + 4)
SOURCE = "合成数据 synthetic; made by synthetic_province"
#: Scenario -> its names, and the shock to the revenue of 2026 in percent, lasting.
SCENARIOS: dict[str, tuple[str, str, float]] = {
    "baseline": ("合成基准", "Synthetic baseline", 0.0),
    "upside": ("合成上行", "Synthetic upside", 4.0),
    "downside": ("合成下行", "Synthetic downside", -6.0),
    "land_slump": ("合成土地低迷", "Synthetic land slump", -12.0),
    "recovery": ("合成复苏", "Synthetic recovery", 7.0),
}


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
    common = np.random.default_rng(seed).normal(0.0, 0.02, LAST - FIRST)
    digits = max(3, len(str(counties)))
    made: list[Scenario] = []
    for number in range(1, counties + 1):
        key = f"synthetic_county_{number:0{digits}d}"
        region = Region(key, f"合成县{number:0{digits}d}", f"Synthetic county {number}", True)
        rng = np.random.default_rng([seed, number])
        trend = rng.normal(0.05, 0.02) + np.linspace(0.04, -0.02, LAST - FIRST)
        growth = trend + common + rng.normal(0.0, 0.03, LAST - FIRST)
        start = np.log(80_000) + rng.normal(0.0, 0.7)
        revenue = np.exp(start + np.concatenate([[0.0], np.cumsum(growth)])).round(0).tolist()
        rows = (
            f"{FIRST + i},{amount:.0f},万元,actual,{SOURCE}" for i, amount in enumerate(revenue)
        )
        series = _table(place / f"{key}.csv", "period,value,unit,kind,source", rows)
        files = {"revenue.series": series}
        base: dict[str, Any] = {"region": key, "as_of": dt.date(LAST, 12, 31), "synthetic": True}
        base |= {"years": {"first": AHEAD[0], "last": AHEAD[-1]}}
        base |= {"balance": _balance(revenue[-1], rng)}
        if debt:
            more = _debt_tables(place, key, revenue[-1], np.random.default_rng([seed, number, 1]))
            named = {name: file.name for name, file in more.items()}
            base["debt"] = {**named, "deadline": dt.date(AHEAD[-1], 12, 31)}
            files |= {f"debt.{name}": file for name, file in more.items()}
        places = {name: Place(file) for name, file in files.items()}
        for name, (zh, en, pct) in list(SCENARIOS.items())[:scenarios]:
            shock: dict[str, Any] = {"kind": "shock", "pct": {AHEAD[0]: pct}, "lasting": True}
            shock |= {"name": {"zh": zh, "en": en}, "source": SOURCE}
            adjustments = {"shock": shock} if pct else {}
            content = {**base, "name": {"zh": zh, "en": en}}
            content["revenue"] = {"series": series.name, "adjustments": adjustments}
            spec = ScenarioSpec.model_validate(content)
            made.append(Scenario(f"{key}/{name}", spec, region, series, places))
    return made


def _table(file: Path, header: str, rows: Iterable[str]) -> Path:
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


def _balance(last: float, rng: np.random.Generator) -> dict[str, Any]:
    transfers = round(last * float(rng.uniform(0.8, 2.5)))
    amounts = {
        "transfers_wan": transfers,
        "sanbao_need_wan": round((last + transfers) * float(rng.uniform(0.60, 0.95))),
        "statutory_debt_service_wan": round(last * float(rng.uniform(0.05, 0.20))),
    }
    by_year = {name: dict.fromkeys(AHEAD, float(amount)) for name, amount in amounts.items()}
    return {**by_year, "source": SOURCE}


def _debt_tables(folder: Path, key: str, last: float, rng: np.random.Generator) -> dict[str, Path]:
    """Six contracts of 20 to 80 % of a year's revenue, and money for 90 to 150 % of them."""
    total = last * rng.uniform(0.2, 0.8)
    shares = rng.dirichlet(np.ones(6)) * total
    rates, years = rng.uniform(3.5, 7.5, 6), rng.integers(AHEAD[0], AHEAD[-1] + 1, 6)
    contracts = [
        f"H{n},{principal:.2f},{rate:.2f},{year}-12-31,true"
        for n, (principal, rate, year) in enumerate(zip(shares, rates, years, strict=True), start=1)
    ]
    cap = total * rng.uniform(0.9, 1.5) / 3
    money = [f"own,{year},{cap:.2f}" for year in AHEAD]
    header = "contract_id,principal_wan,rate_pct,maturity,prepayable"
    ledger = _table(folder / f"{key}_ledger.csv", header, contracts)
    sources = _table(folder / f"{key}_funding.csv", "source_id,period,cap_wan", money)
    return {"ledger": ledger, "sources": sources}
