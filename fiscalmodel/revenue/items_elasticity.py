"""How strongly a tax follows its base: elasticities with robust errors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError

#: Fewest growth rates from which an elasticity is estimated.
LEAST = 6


@dataclass(frozen=True)
class Elasticity:
    """Percent of revenue per percent of the base.

    Attributes
    ----------
    value
        The elasticity.
    standard_error
        Robust standard error; 0 where it was given without one.
    low, high
        95 % interval.
    years
        Growth rates used; 0 if given.
    residual
        Standard deviation of revenue growth that the base does not explain, as a ratio.
    method
        ``HAC``, ``HC3`` or ``given``.
    source
        Where it comes from.
    """

    value: float
    standard_error: float
    low: float
    high: float
    years: int
    residual: float
    method: str
    source: str

    @property
    def telling(self) -> bool:
        """Whether history says more than a guess: an interval narrower than 1.5 without 0."""
        return self.method == "given" or (self.high - self.low < 1.5 and self.low > 0)


def given_elasticity(value: float, source: str, *, standard_error: float = 0.0) -> Elasticity:
    """An elasticity from a source 文献或经验值, which must be named."""
    if not math.isfinite(value):
        raise InputError("elasticity", f"{value} is no number", "give a figure such as 1.1")
    if len(source.strip()) < 2:
        raise InputError("elasticity", "without a source", "say where the figure comes from")
    half = 1.96 * standard_error
    return Elasticity(value, standard_error, value - half, value + half, 0, 0.0, "given", source)


def estimate_elasticity(
    revenue: pd.Series[float],
    base: pd.Series[float],
    *,
    errors: Literal["HAC", "HC3"] = "HAC",
    leave_out: Iterable[int] = (),
    source: str = "",
) -> Elasticity:
    """Estimate an elasticity from yearly history.

    Parameters
    ----------
    revenue, base
        Yearly levels on one calibre, any units; years in the index (`PeriodIndex` or int).
    errors
        ``HAC`` (Newey and West, robust to autocorrelation) or ``HC3`` (better for few points).
    leave_out
        Years whose growth is left out, such as a year of refunds.

    Returns
    -------
    Elasticity

    Raises
    ------
    InputError
        Fewer than 6 growth rates, amounts that are not positive, a base that never moves.

    Notes
    -----
    Least squares of Δln R on Δln B with a constant (statsmodels). HAC uses
    ⌊4 (n/100)^(2/9)⌋ lags, at least 1, with the small-sample correction; intervals are of
    Student's t with n − 2 degrees of freedom.

    Source: Newey and West (1987), Econometrica 55; MacKinnon and White (1985), Journal of
    Econometrics 29.
    """
    import statsmodels.api as sm

    growth = pd.concat(
        {"revenue": _growth("revenue", revenue), "base": _growth("base", base)}, axis=1
    ).dropna()
    growth = growth[~growth.index.isin([int(y) for y in leave_out])]
    n = len(growth)
    if n < LEAST:
        raise InputError(
            "revenue",
            f"{n} yearly growth rates are too few to estimate an elasticity from",
            f"give at least {LEAST}, or an elasticity with its source (given_elasticity)",
        )
    if float(growth["base"].std()) < 1e-9:
        raise InputError("base", "grows evenly: nothing can be learned from it", "")
    model = sm.OLS(growth["revenue"].to_numpy(), sm.add_constant(growth["base"].to_numpy()))
    if errors == "HAC":
        lags = max(1, math.floor(4 * (n / 100) ** (2 / 9)))
        fitted = model.fit(
            cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
        )
    elif errors == "HC3":
        fitted = model.fit(cov_type="HC3", use_t=True)
    else:
        raise InputError("errors", f"{errors!r} is unknown", "HAC or HC3")
    low, high = fitted.conf_int(alpha=0.05)[1]
    years = f"{growth.index[0]}-{growth.index[-1]}"
    return Elasticity(
        float(fitted.params[1]),
        float(fitted.bse[1]),
        float(low),
        float(high),
        n,
        float(np.sqrt(fitted.mse_resid)),
        errors,
        source or f"estimated from {n} growth rates, {years}",
    )


def _growth(name: str, values: Any) -> pd.Series[float]:
    """Log growth by year, only between neighbouring years."""
    if not isinstance(values, pd.Series):
        raise InputError(name, "is no pandas Series on years", "index it by year")
    years = [int(p.year) if isinstance(p, pd.Period) else int(p) for p in values.index]
    if len(set(years)) != len(years):
        raise InputError(name, "a year stands twice", "keep one")
    levels = pd.Series(values.to_numpy(dtype=float), index=years).sort_index().dropna()
    if (levels <= 0).any():
        raise InputError(
            name, f"{levels[levels <= 0].index[0]}: not above zero", "growth needs positive levels"
        )
    steps = pd.Series(np.log(levels)).diff()
    return steps[[y for y in levels.index if y - 1 in levels.index]]
