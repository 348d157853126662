"""Early warning: how likely the three guarantees go short, month by month.

Receipts miss their plan in two ways: by a level that lasts and drifts, which the months behind
tell, and by ups and downs of single months. Both are drawn many times, and every path is paid
in the order of the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.budget.cash import CashPlan
from fiscalmodel.budget.payment import Settled, settle
from fiscalmodel.budget.sanbao import FEN
from fiscalmodel.display import RED, Chart, Result, fan, figure, legend, note, scale, ticks
from fiscalmodel.errors import InputError
from fiscalmodel.words import Text, language, say

Floats = npt.NDArray[np.float64]

#: Free receipts that miss their plan each in their own way: the place's, and those from above.
STREAMS: Mapping[str, tuple[str, ...]] = {
    "own": ("own_revenue", "other_receipts"),
    "above": ("transfers", "advance"),
}
#: An alarm looks this many months ahead, and is raised from this probability on; both were
#: chosen in ``benchmarks/early_warning.py`` on other counties than those it is scored on.
MONTHS_AHEAD = 6
ALARM_PCT = 25.0


@dataclass(frozen=True)
class Spread:
    """How far receipts stray from their plan, in percent (standard deviations).

    Attributes
    ----------
    level
        Of the whole year's plan, before any month is known.
    drift
        Of the change of that level from month to month.
    month
        Of a single month around it.
    """

    level: float
    drift: float
    month: float


#: Assumptions where a bureau gives none: no published table holds plans and actuals by month.
USUAL: Mapping[str, Spread] = {
    "own": Spread(8.0, 2.0, 10.0),
    "above": Spread(3.0, 0.5, 5.0),
}
#: Months of experience that the usual spreads count for against a place's own months.
PRIOR_MONTHS = 6.0


@dataclass(frozen=True)
class Level:
    """What the months behind tell of a stream, a row a place.

    Attributes
    ----------
    mean, sd
        Logarithm of actual to plan, and how sure it is.
    scale
        How much more (or less) this place strays than the spread says.
    """

    mean: Floats
    sd: Floats
    scale: Floats


def level_of(planned: Floats, actual: Floats, spread: Spread) -> Level:
    """The level that receipts stand at against their plan, after the months behind.

    Parameters
    ----------
    planned, actual
        Places × months; a month without either tells nothing.

    Notes
    -----
    A local level (Harvey 1989) by the Kalman filter: level(t) = level(t−1) + drift,
    log(actual/planned) = level + month, from 0 with the spread of the year's plan. The scale
    is the mean square of the surprises, each in its own spread, shrunk towards 1.
    """
    drift, month = (spread.drift / 100) ** 2, (spread.month / 100) ** 2
    mean, variance = np.zeros(len(planned)), np.full(len(planned), (spread.level / 100) ** 2)
    surprise, count = np.zeros(len(planned)), np.zeros(len(planned))
    for t in range(planned.shape[1]):
        variance = variance + drift
        told = (planned[:, t] > 0) & (actual[:, t] > 0)
        ratio = np.log(np.where(told, actual[:, t], 1.0) / np.where(told, planned[:, t], 1.0))
        missed = np.where(told, ratio - mean, 0.0)
        surprise, count = surprise + missed**2 / (variance + month), count + told
        gain = np.where(told, variance / (variance + month), 0.0)
        mean, variance = mean + gain * missed, variance * (1 - gain)
    scale = np.sqrt((PRIOR_MONTHS + surprise) / (PRIOR_MONTHS + count))
    return Level(mean, np.sqrt(variance), scale)


def simulate(
    arrays: Mapping[str, Any],
    streams: Mapping[str, Floats],
    levels: Mapping[str, Level],
    spreads: Mapping[str, Spread],
    *,
    paths: int,
    rng: np.random.Generator,
    keep: Floats | float = 0.0,
    ahead: int | None = 0,
) -> Settled:
    """Receipts drawn around their plan, and each path paid in the order of `settle`.

    Parameters
    ----------
    arrays
        Arguments of `settle`, a row a place; its ``receipts`` are replaced.
    streams
        Planned free receipts of each stream: places × months.
    levels, spreads
        Where each stream stands, and how far it strays.
    paths
        Draws a place.
    keep, ahead
        As in `settle`; the look ahead counts on the planned receipts.

    Returns
    -------
    Settled
        Rows are the paths of the first place, then those of the second, and so on.
    """
    places, months = next(iter(streams.values())).shape
    drawn = np.zeros((places * paths, months))
    for name, planned in streams.items():
        drawn += np.repeat(planned, paths, axis=0) * np.exp(
            _paths(levels[name], spreads[name], paths, months, rng)
        )
    given = {name: np.repeat(np.asarray(values, float), paths, axis=0)
             for name, values in arrays.items() if name != "receipts"}  # fmt: skip
    kept = np.repeat(np.broadcast_to(keep, (places, months)), paths, axis=0)
    planned = np.repeat(np.sum(list(streams.values()), axis=0), paths, axis=0)
    return settle(receipts=drawn, keep=kept, ahead=ahead, expected=planned, **given)


def _paths(
    level: Level, spread: Spread, paths: int, months: int, rng: np.random.Generator
) -> Floats:
    """Logarithm of actual to plan in the months ahead, `paths` rows for each place."""
    mean, sd, scale = (np.repeat(v, paths)[:, None] for v in (level.mean, level.sd, level.scale))
    start = sd * rng.standard_normal(sd.shape)
    drift, month = rng.standard_normal((2, len(sd), months))
    strayed = start + np.cumsum(drift, axis=1) * spread.drift / 100 + month * spread.month / 100
    return np.asarray(mean + scale * strayed, float)


def first_short(paid: Settled, paths: int, *, least: float = 0.005) -> Floats:
    """Probability that each month is the first in which the three guarantees go short.

    `least` is the smallest amount, in the unit of the money, that counts as unpaid.
    """
    short = paid.waiting.sum(axis=2) > least
    first = short & (np.cumsum(short, axis=1) == 1)
    return np.asarray(first.reshape(-1, paths, short.shape[1]).mean(axis=1), float)


@dataclass(frozen=True, repr=False)
class CashWarning(Result):
    """How likely it is that the three guarantees go short.

    Attributes
    ----------
    table
        ``period, closing_wan`` (free money by the plan), ``mean, lo-80, hi-80`` (drawn),
        ``first_short_pct`` and ``short_by_pct``: that this is the first month short, and that
        one up to it is.
    alarm_pct
        Probability of a month short within `MONTHS_AHEAD` months.
    spreads, levels
        Spread of each stream, and where it stands against its plan, in percent.
    known_months
        Months behind with plan and actual.
    """

    table: pd.DataFrame
    alarm_pct: float
    threshold_pct: float
    spreads: Mapping[str, Spread]
    levels: Mapping[str, float]
    known_months: int
    paths: int

    @property
    def alarm(self) -> bool:
        """Whether the next months call for action now."""
        return self.alarm_pct >= self.threshold_pct

    @property
    def likeliest(self) -> pd.Period | None:
        """The month that is likeliest the first one short; None where none ever is."""
        likely = self.table["first_short_pct"].to_numpy(float)
        months: list[pd.Period] = self.table["period"].tolist()
        return months[int(likely.argmax())] if likely.max() > 0 else None

    @property
    def brief(self) -> Text:
        """Whether there is an alarm."""
        ahead = min(MONTHS_AHEAD, len(self.table))
        values = {"months": ahead, "chance": self.alarm_pct, "least": self.threshold_pct}
        return say("warning.alarm" if self.alarm else "warning.no_alarm", **values)

    @property
    def answer(self) -> Text:
        """The alarm, the likeliest month, and what the months behind say."""
        said = self.brief
        by_end = float(self.table["short_by_pct"].iloc[-1])
        if self.likeliest is not None:
            said += say("warning.likeliest", month=self.likeliest, chance=by_end,
                        last=self.table["period"].iloc[-1])  # fmt: skip
        if self.known_months:
            said += say("warning.behind_plan", months=self.known_months, own=self.levels["own"],
                        above=self.levels["above"])  # fmt: skip
        else:
            said += say("warning.spread_assumed")
        return said

    def plot(self, lang: str | None = None) -> Chart:
        """Free money with its band, and the probability of a month short by then."""
        lang = lang or language()
        table = self.table
        divisor, unit = scale("万元", float(table["hi-80"].abs().max()))
        made, axis, lang = figure(say("warning.chart_warning"), lang, unit=unit)
        at = np.arange(len(table))
        fan(axis, at, table, divisor=divisor, lang=lang)
        plain = table["closing_wan"] / divisor
        axis.plot(at, plain, marker="o", markersize=4, label=say("warning.line_planned")(lang))
        for x, chance, y in zip(at, table["short_by_pct"], plain, strict=True):
            if chance >= 0.5:
                note(axis, x, y, f"{chance:.0f}%", shift=7, color=RED, fontsize=9)
        ticks(axis, table["period"])
        axis.set_ylim(bottom=0)
        legend(axis)
        return Chart(made, self.answer(lang))


def cash_warning(
    plan: CashPlan,
    *,
    spreads: Mapping[str, Spread] | None = None,
    paths: int = 4000,
    seed: int = 0,
    threshold_pct: float = ALARM_PCT,
) -> CashWarning:
    """Draw the receipts of a cash plan many times and count the months short.

    Parameters
    ----------
    plan
        From `cash_plan`; months behind with plan and actual say where receipts stand.
    spreads
        Spread of ``own`` and ``above`` (`STREAMS`); `USUAL` by default.
    paths, seed
        Number of draws, and where they begin.
    threshold_pct
        From which probability of a month short within `MONTHS_AHEAD` months there is an alarm.

    Notes
    -----
    Needs and payments are taken as planned, receipts alone are uncertain. Each path is paid
    without knowing its future: what lower-ranked payments must leave is worked out from the
    planned receipts.
    """
    if paths < 100:
        raise InputError("paths", "warning.too_few_paths", count=paths)
    spreads = {**USUAL, **(spreads or {})}
    given = plan.given
    arrays = {name: values / FEN for name, values in given.arrays().items()}
    streams = {
        name: np.sum([given.free_receipts(line) for line in lines], axis=0)[None] / FEN
        for name, lines in STREAMS.items()
    }
    levels = {name: _behind(given.past, name, spreads[name]) for name in STREAMS}
    rng = np.random.default_rng(seed)
    paid = simulate(arrays, streams, levels, spreads, paths=paths, rng=rng,
                    keep=plan.keep_wan, ahead=plan.hold_months)  # fmt: skip
    first = first_short(paid, paths)[0] * 100
    closing = pd.DataFrame(paid.closing)
    table = pd.DataFrame({
        "period": given.months,
        "closing_wan": plan.table["closing_wan"],
        "mean": closing.mean().to_numpy(),
        "lo-80": closing.quantile(0.1).to_numpy(),
        "hi-80": closing.quantile(0.9).to_numpy(),
        "first_short_pct": first,
        "short_by_pct": np.cumsum(first),
    })  # fmt: skip
    alarm = float(np.cumsum(first)[:MONTHS_AHEAD][-1])
    at = {name: float(np.expm1(level.mean[0])) * 100 for name, level in levels.items()}
    months = 0 if not len(given.past) else given.past.dropna()["period"].nunique()
    return CashWarning(table, alarm, threshold_pct, spreads, at, months, paths)


def _behind(past: pd.DataFrame, stream: str, spread: Spread) -> Level:
    """Level of a stream from the months behind that have plan and actual."""
    if not len(past):
        return level_of(np.zeros((1, 0)), np.zeros((1, 0)), spread)
    mine = past[past["cash_line"].isin(STREAMS[stream])].dropna()
    sums = mine.groupby("period")[["planned", "real"]].sum().astype(float).sort_index()
    return level_of(sums["planned"].to_numpy()[None], sums["real"].to_numpy()[None], spread)
