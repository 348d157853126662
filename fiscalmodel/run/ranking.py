"""National tables from the Parquet files of `evaluate_many`, by DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError

_RANKING = """
with revenue_by_year as (
  select region, scenario, synthetic, year, scenario_wan,
         lag(coalesce(scenario_wan, linked_wan))
           over (partition by scenario_id order by year) as before_wan
  from read_parquet($revenue)
)
select row_number() over (order by b.available_wan desc, r.region) as rank,
       r.region, r.synthetic, r.scenario_wan as revenue_wan,
       100.0 * (r.scenario_wan / r.before_wan - 1) as growth_pct,
       b.sanbao_need_wan, b.statutory_debt_service_wan, b.available_wan, b.shortfall_wan
from revenue_by_year r
join read_parquet($balance) b using (region, scenario, year)
where r.scenario = $scenario and r.year = $year
order by rank
"""
_NATIONAL = """
select scenario, year, count(*) as counties,
       sum(revenue_wan) as revenue_wan, sum(sanbao_need_wan) as sanbao_need_wan,
       sum(statutory_debt_service_wan) as statutory_debt_service_wan,
       sum(available_wan) as available_wan,
       count(*) filter (shortfall_wan > 0) as counties_short,
       sum(shortfall_wan) as shortfall_wan
from read_parquet($balance) group by scenario, year order by scenario, year
"""


def ranking(tables: str | Path, *, year: int, scenario: str = "baseline") -> pd.DataFrame:
    """Counties by what one year leaves for clearing debt, most first.

    Parameters
    ----------
    tables
        Folder with ``revenue.parquet`` and ``balance.parquet``.
    year, scenario
        Which year of which scenario.

    Returns
    -------
    DataFrame
        ``rank, region, synthetic, revenue_wan, growth_pct, sanbao_need_wan,
        statutory_debt_service_wan, available_wan, shortfall_wan``; 万元 and %.

    Raises
    ------
    InputError
        If DuckDB or a table is missing.
    """
    names = {"revenue": _file(tables, "revenue"), "balance": _file(tables, "balance")}
    return _query(_RANKING, {**names, "scenario": scenario, "year": year})


def national_table(tables: str | Path) -> pd.DataFrame:
    """Sums over all counties by scenario and year, 万元; how many fall short, and by how much.

    Raises
    ------
    InputError
        If DuckDB or a table is missing.
    """
    return _query(_NATIONAL, {"balance": _file(tables, "balance")})


def _file(tables: str | Path, name: str) -> str:
    path = Path(tables) / f"{name}.parquet"
    if not path.is_file():
        raise InputError(path, "run.no_table")
    return str(path)


def _query(query: str, values: dict[str, Any]) -> pd.DataFrame:
    try:
        import duckdb
    except ImportError:
        raise InputError("ranking", "run.needs_package", name="duckdb") from None
    with duckdb.connect() as connection:
        frame: pd.DataFrame = connection.execute(query, values).df()
    return frame
