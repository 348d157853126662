"""Ways of reckoning the rest of a year from the year to date, many series at once.

Every function takes cumulative figures ``y`` of shape (series, years, 12): past years
complete, the last year known up to month ``m``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Growth beyond these factors is not carried forward.
LEAST, MOST = 0.4, 2.5
#: Smoothing parameters tried.
_ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.8)
#: Months with less than this share of the year tell no level.
_LEAST_SHARE = 0.015
#: Share of last year's growth that is expected again.
DAMPING = 0.7


@dataclass(frozen=True)
class Way:
    """One way of reckoning: key, and what it does in words."""

    name: str
    title: str


WAYS: tuple[Way, ...] = (
    Way("last_rest", "上年余下月份原额 same remainder as last year"),
    Way("plain_growth", "上年余额×累计增速 last remainder at year-to-date growth"),
    Way("usual_growth", "上年余额×历史增速 last remainder at usual growth"),
    Way("mean_share", "平均进度 mean share of past years"),
    Way("recent_growth", "上年余额×近三月增速 last remainder at growth of three months"),
    Way("half_year_growth", "上年余额×近六月增速 last remainder at growth of six months"),
    Way("seasonal_level", "近三月季调水平 level of three months, seasonal"),
    Way("half_year_level", "近六月季调水平 level of six months, seasonal"),
    Way("mean_rest", "历年余额平滑 smoothed remainder of past years"),
    Way("two_year_growth", "两年平均增速 growth over two years, last remainder"),
    Way("year_as_usual", "全年按历史增速，减已完成 usual full year less year to date"),
    Way("trend_rest", "余额趋势外推 trend of past remainders"),
    Way("middle_rest", "近三年余额中位数 median of three remainders"),
    Way("smoothed_level", "季调指数平滑 smoothed seasonal level"),
    Way("smoothed_growth", "季调指数平滑加增长 smoothed seasonal level with growth"),
)


def month_amounts(y: Array) -> Array:
    """Single months, same shape; months not known stay NaN."""
    return np.diff(y, axis=2, prepend=0.0)


def factor(above: Array, below: Array) -> Array:
    """above ÷ below held within bounds; 1 where either is not positive."""
    good = (above > 0) & (below > 0)
    return np.clip(np.where(good, above, 1.0) / np.where(good, below, 1.0), LEAST, MOST)


def _tail(y: Array, m: int, row: int, months: int) -> Array:
    """Sum of the last `months` months up to month m of year `row` (counted from the end)."""
    end = y[:, row, m - 1]
    start = m - months
    if start > 0:
        return np.asarray(end - y[:, row, start - 1])
    if start == 0 or y.shape[1] < -row + 1:
        return np.asarray(end)
    before = y[:, row - 1]
    return np.asarray(end + before[:, 11] - before[:, 11 + start])


def usual_growth(y: Array) -> Array:
    """Median yearly log growth of the past full years, damped and shrunk, shape (series,)."""
    full = y[:, :-1, 11]
    if full.shape[1] < 2:
        return np.zeros(len(y))
    steps = np.log(factor(full[:, 1:], full[:, :-1]))[:, -5:]
    count = steps.shape[1]
    return np.asarray(DAMPING * np.median(steps, axis=1) * count / (count + 0.5))


def remainders(y: Array, m: int) -> Array:
    """Rest of the year reckoned in each of `WAYS`, shape (ways, series)."""
    past = y[:, :-1]
    c0, c1 = y[:, -1, m - 1], past[:, -1, m - 1]
    rests = past[:, :, 11] - past[:, :, m - 1]
    last, shape = rests[:, -1], _shape(past)
    usual = np.exp(usual_growth(y))
    ahead = shape[:, m:].sum(axis=1)
    have_tail = past.shape[1] > 1
    growths = []
    for months in (3, 6):
        k = months if m >= months or have_tail else m
        growths.append(factor(_tail(y, m, -1, k), _tail(y, m, -2, k)))
    levels = []
    for months in (3, 6):
        recent = _tail(y, m, -1, months)
        part = _window(shape, m, months)
        good = part > 1e-3
        levels.append(np.where(good, recent / np.where(good, part, 1) * ahead, last))
    share = _mean_share(past, rests, c0, m)
    weights = 0.5 ** np.arange(rests.shape[1])[::-1]
    smooth = (rests * weights).sum(axis=1) / weights.sum()
    two = last
    if past.shape[1] > 1:
        two = last * np.sqrt(factor(c0, past[:, -2, m - 1]))
    plain = factor(c0, c1)
    return np.stack(
        [
            last,
            last * plain,
            last * usual,
            share,
            last * growths[0],
            last * growths[1],
            levels[0],
            levels[1],
            smooth * usual,
            two if past.shape[1] > 1 else last * np.sqrt(plain),
            past[:, -1, 11] * usual - c0,
            trend(rests),
            np.median(rests[:, -3:], axis=1) * usual,
            *_smoothed(y, m, shape, np.log(usual), last),
        ]
    )


def trend(rests: Array) -> Array:
    """Next value between the level and the straight line of the last values, shape (series,).

    Notes
    -----
    The mean of simple smoothing (0.6) and the least-squares line through the last seven, as
    in the Theta method (Assimakopoulos and Nikolopoulos 2000); fewer than three: the last.
    """
    recent = rests[:, -7:]
    n = recent.shape[1]
    if n < 3:
        return np.asarray(recent[:, -1])
    t = np.arange(n) - (n - 1) / 2
    slope = recent @ t / (t @ t)
    line = recent.mean(axis=1) + slope * (n - (n - 1) / 2)
    weights = 0.4 ** np.arange(n)[::-1]
    level = (recent * weights).sum(axis=1) / weights.sum()
    return np.asarray((line + level) / 2)


def _shape(past: Array) -> Array:
    """Share of each month in its year, mean of the last four years, shape (series, 12)."""
    amounts = month_amounts(past)[:, -4:]
    full = past[:, -4:, 11][:, :, None]
    shares = amounts / np.where(np.abs(full) > 1e-12, full, np.inf)
    return np.asarray(shares.mean(axis=1))


def _window(shape: Array, m: int, months: int) -> Array:
    """Share of the last `months` months up to m in a year, over the turn of the year."""
    doubled = np.concatenate([shape, shape], axis=1)
    return np.asarray(doubled[:, 12 + m - months : 12 + m].sum(axis=1))


def _smoothed(y: Array, m: int, shape: Array, growth: Array, last: Array) -> tuple[Array, Array]:
    """Remainder at the smoothed level of the seasonally adjusted months, flat and growing.

    Notes
    -----
    Simple exponential smoothing of month ÷ share, over at most three years, with the
    smoothing parameter of `_ALPHAS` that had the smallest one-step squared errors. Months with
    hardly a share of the year are passed over. The growing one adds the usual growth over the
    months by which the level lags behind and those that lie ahead.
    """
    amounts = month_amounts(y).reshape(len(y), -1)[:, : (y.shape[1] - 1) * 12 + m][:, -36 - m :]
    shares = np.tile(shape, (1, y.shape[1]))[:, : (y.shape[1] - 1) * 12 + m][:, -36 - m :]
    good = shares > _LEAST_SHARE
    adjusted = np.where(good, amounts / np.where(good, shares, 1.0), np.nan)
    first = adjusted[:, :12]
    count = np.maximum((~np.isnan(first)).sum(axis=1), 1)
    start = np.where(np.isnan(first), 0.0, first).sum(axis=1) / count
    alphas = np.array(_ALPHAS)
    level = np.repeat(start[:, None], len(alphas), axis=1)
    squares = np.zeros_like(level)
    for t in range(adjusted.shape[1]):
        now = adjusted[:, t, None]
        error = np.where(np.isnan(now), 0.0, now - level)
        squares += error**2
        level = level + alphas * error
    best = squares.argmin(axis=1)
    rows = np.arange(len(y))
    ahead = shape[:, m:].sum(axis=1)
    flat = level[rows, best] * ahead
    sane = good[:, :12].any(axis=1) & (np.abs(flat) < 4 * np.abs(y[:, -2, 11]) + 1e-12)
    flat = np.where(sane, flat, last)
    lag = np.minimum(1 / alphas[best] - 1, 12)
    months = lag + (13 - m) / 2
    return np.asarray(flat), np.asarray(flat * np.exp(growth * months / 12))


def _mean_share(past: Array, rests: Array, c0: Array, m: int) -> Array:
    c = past[:, -3:, m - 1].sum(axis=1)
    r = rests[:, -3:].sum(axis=1)
    good = c > 1e-6 * np.abs(past[:, -3:, 11].sum(axis=1))
    ratio = np.where(good, r / np.where(good, c, 1), 0)
    # Where little came in by now, the share says nothing.
    sane = good & (np.abs(ratio) < 40)
    return np.asarray(np.where(sane, c0 * ratio, rests[:, -1]))
