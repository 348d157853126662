"""Uncertainty and stress around a debt path: a fan from resampled history, standard shocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.debt.dynamics import (
    PATHS,
    Path,
    broadcast,
    check_growth,
    debt_path,
    opening_ratio,
)
from fiscalmodel.errors import InputError

#: Name -> shocks in percentage points to each year's value; ``_once`` hits the first year only.
STRESSES: dict[str, dict[str, float]] = {
    "baseline": {},
    "lower_growth": {"growth_pct": -2.0},
    "higher_rate": {"rate_pct": 2.0},
    "weaker_balance": {"primary_balance_pct": -1.0},
    "combined": {"growth_pct": -1.0, "rate_pct": 1.0, "primary_balance_pct": -0.5},
    "contingent": {"stock_flow_pct_once": 10.0},
}


def debt_fan(
    debt_ratio_pct: float,
    primary_balance_pct: Path,
    rate_pct: Path,
    growth_pct: Path,
    history: pd.DataFrame,
    *,
    seed: int,
    stock_flow_pct: Path = 0.0,
    years: int | Iterable[Any] | None = None,
    draws: int = 2000,
    block: int = 1,
    levels: Sequence[float] = (80, 95),
) -> pd.DataFrame:
    """Fan of debt paths from resampled history.

    Parameters
    ----------
    debt_ratio_pct, primary_balance_pct, rate_pct, growth_pct, stock_flow_pct, years
        The central path, as in `debt_path`.
    history
        One row a past year (in order), with any of the columns ``growth_pct``,
        ``rate_pct``, ``primary_balance_pct``, ``stock_flow_pct``; at least four
        rows. What varies is the deviation from each column's mean, whole years
        together, so that correlations between the columns are kept.
    seed
        Seed of the draws; the same seed gives the same fan.
    draws
        Number of paths.
    block
        Length of the runs of years that are drawn together (moving blocks).
    levels
        Central bands in percent.

    Returns
    -------
    DataFrame
        ``year, central, mean, median`` and ``lo-80, hi-80 …`` of the closing
        debt ratio; ``central`` is the path without shocks.

    Raises
    ------
    InputError
        If the history is too short, has gaps or unknown columns.
    """
    columns = [name for name in PATHS if name in history.columns]
    unknown = [c for c in history.columns if c not in (*PATHS, "year")]
    if unknown or not columns:
        raise InputError(
            "history", "debt.path.history_columns", names=list(history), known=list(PATHS)
        )
    past = history[columns].to_numpy(float)
    if len(past) < 4 or not np.isfinite(past).all():
        raise InputError("history", "debt.path.history_short", years=len(past))
    if not 1 <= block <= len(past):
        raise InputError("block", "debt.path.block", text=block, most=len(past))
    given = primary_balance_pct, rate_pct, growth_pct, stock_flow_pct
    labels, paths = broadcast(dict(zip(PATHS, given, strict=True)), years)
    rng = np.random.default_rng(seed)
    picked = _resampled(rng, len(past), (draws, len(labels)), block)
    shocks = dict(zip(columns, np.moveaxis((past - past.mean(axis=0))[picked], 2, 0), strict=True))
    drawn = {name: path + shocks.get(name, 0.0) for name, path in paths.items()}
    check_growth(np.asarray(drawn["growth_pct"]))
    closing = _closings(opening_ratio(debt_ratio_pct), drawn, draws, len(labels))
    central = debt_path(debt_ratio_pct, **paths)["closing"]
    fan = pd.DataFrame({"year": labels, "central": central.to_numpy()})
    fan["mean"], fan["median"] = closing.mean(axis=0), np.median(closing, axis=0)
    for level in levels:
        tail = (100 - level) / 2
        fan[f"lo-{level:g}"], fan[f"hi-{level:g}"] = np.percentile(
            closing, [tail, 100 - tail], axis=0
        )
    return fan


def _resampled(
    rng: np.random.Generator, length: int, shape: tuple[int, int], block: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Row numbers of the history for each draw and year, in runs of `block`."""
    draws, years = shape
    runs = -(-years // block)
    starts = rng.integers(0, length - block + 1, size=(draws, runs))
    return (starts[:, :, None] + np.arange(block)).reshape(draws, -1)[:, :years]


def _closings(
    opening: float, paths: Mapping[str, Any], draws: int, years: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    full = {name: np.broadcast_to(values, (draws, years)) for name, values in paths.items()}
    debt, result = np.full(draws, opening), np.empty((draws, years))
    for t in range(years):
        factor = (1 + full["rate_pct"][:, t] / 100) / (1 + full["growth_pct"][:, t] / 100)
        debt = debt * factor - full["primary_balance_pct"][:, t] + full["stock_flow_pct"][:, t]
        result[:, t] = debt
    return result


def stress_pack(
    debt_ratio_pct: float,
    primary_balance_pct: Path,
    rate_pct: Path,
    growth_pct: Path,
    *,
    stock_flow_pct: Path = 0.0,
    years: int | Iterable[Any] | None = None,
    stresses: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:
    """The path under each standard shock.

    Parameters
    ----------
    stresses
        Name -> shock in percentage points by argument (``growth_pct``, …);
        ``stock_flow_pct_once`` and the like hit the first year only. Default:
        growth −2, rate +2, balance −1, half of all three together, and hidden
        or guaranteed debt of 10 points recognised in the first year.

    Returns
    -------
    DataFrame
        ``stress, year, opening, …, closing`` as `debt_path`, one block a shock.

    Notes
    -----
    The sizes are the house's own choice for a county, not a rule; pass others.
    """
    given = primary_balance_pct, rate_pct, growth_pct, stock_flow_pct
    labels, paths = broadcast(dict(zip(PATHS, given, strict=True)), years)
    blocks = []
    for stress, shocks in (STRESSES if stresses is None else stresses).items():
        moved = {name: path.copy() for name, path in paths.items()}
        for key, size in shocks.items():
            name = key.removesuffix("_once")
            if name not in moved:
                raise InputError(
                    f"stresses[{stress}]", "debt.unknown_option", text=key, known=list(PATHS)
                )
            moved[name][: 1 if key.endswith("_once") else None] += size
        path = debt_path(debt_ratio_pct, **moved, years=labels)
        path.insert(0, "stress", stress)
        blocks.append(path)
    return pd.concat(blocks, ignore_index=True)
