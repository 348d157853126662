"""Early warning of the three guarantees 三保 on simulated counties.

    python benchmarks/early_warning.py [--counties 5000] [--paths 100] [--tune]

No one publishes treasury cash by month, so counties are made up. What is assumed:

- a county plans 24 months: receipts of its own with a season, money from above, the three
  guarantees with a thirteenth wage in January, lower-ranked payments that spend what is left;
- its own receipts run at a level of their own against the plan, which drifts, and in some
  counties falls for good over some months; single months of both kinds of money stray;
- it pays what is due in the order of the rule; lower-ranked payments leave some weeks' need of the
  three guarantees in the treasury, as bureaus do for wages;
- the detector knows what a bureau knows: cash, plan, what waits, plan and actual of the months
  behind. It knows neither the level nor the spreads, and takes the package's usual ones.

The event is the first month at whose end something due of the three guarantees is unpaid; a
county leaves after it. An alarm at the end of month t says: short in one of the months up to t+6.
`TUNING` chose the threshold and the usual spreads; `HELD_BACK` differs in every parameter and
is what is scored. The detector with perfect knowledge knows the true level and spreads of each
county and what is to fall when, but not the draws of the months ahead.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from _results import write

from fiscalmodel.budget.payment import settle
from fiscalmodel.budget.sanbao import PARTS, TIERS
from fiscalmodel.budget.warning import (
    ALARM_PCT,
    MONTHS_AHEAD,
    USUAL,
    Level,
    Spread,
    first_short,
    level_of,
    simulate,
)

MONTHS = 24
FIRST = 3  # months behind before the first alarm


@dataclass(frozen=True)
class Parameters:
    """What counties of one kind are drawn from; shares of a month's usual spending, percent."""

    own_share: tuple[float, float]
    sanbao_share: tuple[float, float]
    opening_months: tuple[float, float]
    season_pct: float
    optimism_pct: float  # by how much the average plan is too high
    level_pct: float
    drift_pct: float
    month_pct: float
    above_month_pct: float
    fall_chance: float  # that own receipts fall for good
    fall_pct: tuple[float, float]
    fall_months: tuple[int, int]  # over how many months
    kept: tuple[float, float]  # of a month's three guarantees, from lower-ranked payments
    thirteenth: float  # wages paid once more in January, share of a month's wages


TUNING = Parameters(
    (0.25, 0.60), (0.70, 0.98), (0.4, 1.6), 12.0, 6.0, 9.0, 1.5, 10.0, 4.0, 0.15,
    (10.0, 35.0), (4, 9), (0.3, 0.7), 1.0,
)  # fmt: skip
HELD_BACK = Parameters(
    (0.20, 0.65), (0.65, 1.00), (0.3, 1.8), 15.0, 5.0, 11.0, 2.0, 12.0, 4.5, 0.20,
    (10.0, 40.0), (3, 10), (0.25, 0.8), 0.8,
)  # fmt: skip


@dataclass(frozen=True)
class Counties:
    """Plans, what really comes in, and the truth behind it; counties × months."""

    own: np.ndarray
    above: np.ndarray
    need: np.ndarray
    lower: np.ndarray
    opening: np.ndarray
    kept: np.ndarray
    real_own: np.ndarray
    real_above: np.ndarray
    level: np.ndarray  # true level of own receipts at the end of each month, logarithm
    falls: np.ndarray  # what a fall takes from each month on, logarithm
    parameters: Parameters


def make(p: Parameters, count: int, rng: np.random.Generator) -> Counties:
    """Counties whose plan balances over its months."""
    month = np.arange(MONTHS) % 12

    def between(ends: tuple[float, float]) -> np.ndarray:
        return rng.uniform(*ends, count)[:, None]

    spending = 100.0
    own_share = between(p.own_share)
    season = 1 + p.season_pct / 100 * rng.standard_normal((count, 12))
    season = np.clip(season, 0.4, None)[:, month]
    own = spending * own_share * season
    above = np.repeat(spending * (1 - own_share), MONTHS, axis=1)
    above = above * np.clip(1 + 0.08 * rng.standard_normal((count, 12)), 0.5, None)[:, month]
    sanbao = spending * between(p.sanbao_share)
    need = np.zeros((count, MONTHS, len(TIERS)))
    for part, share in zip(PARTS, (0.45, 0.46, 0.09), strict=True):
        need[:, :, TIERS.index((part, "national"))] = sanbao * share
    wages = TIERS.index(("wages", "national"))
    need[:, month == 0, wages] *= 1 + p.thirteenth
    # Lower-ranked payments spend on average what the plan leaves.
    left = (own + above).mean(axis=1, keepdims=True) - need.sum(axis=2).mean(axis=1, keepdims=True)
    lower = np.maximum(left, 0)[:, :, None] * np.array([0.35, 0.65])
    lower = np.repeat(lower, MONTHS, axis=1) * rng.uniform(0.8, 1.2, (count, MONTHS, 2))
    level = p.level_pct * rng.standard_normal((count, 1)) - p.optimism_pct
    level = level + np.cumsum(p.drift_pct * rng.standard_normal((count, MONTHS)), axis=1)
    when = np.where(rng.random(count) < p.fall_chance, rng.integers(3, MONTHS, count), MONTHS)
    size = np.log(1 - between(p.fall_pct) / 100)
    over = rng.integers(p.fall_months[0], p.fall_months[1] + 1, count)
    part = np.clip((np.arange(MONTHS) - when[:, None] + 1) / over[:, None], 0.0, 1.0)
    falls = size * part
    level = level / 100 + falls
    real_own = own * np.exp(level + p.month_pct / 100 * rng.standard_normal((count, MONTHS)))
    real_above = above * np.exp(p.above_month_pct / 100 * rng.standard_normal((count, MONTHS)))
    opening = spending * rng.uniform(*p.opening_months, count)
    kept = np.repeat(sanbao * between(p.kept), MONTHS, axis=1)
    return Counties(
        own, above, need, lower, opening, kept, real_own, real_above, level, falls, p
    )  # fmt: skip


def nothing_tied(count: int, months: int) -> dict[str, np.ndarray]:
    """Arguments of `settle` for counties without withheld or tied money."""
    return {
        "withheld": np.zeros((count, months)),
        "tied": np.zeros((count, len(PARTS))),
        "tied_receipts": np.zeros((count, months, len(PARTS))),
    }


def run(c: Counties, paths: int, seed: int) -> dict[str, np.ndarray]:
    """`run_some` for a few hundred counties at a time, which stay in the processor's cache."""
    blocks = np.array_split(np.arange(len(c.own)), max(1, len(c.own) // 250))
    made = [run_some(some(c, rows), paths, seed + n) for n, rows in enumerate(blocks)]
    return {name: np.concatenate([block[name] for block in made]) for name in made[0]}


def some(c: Counties, rows: np.ndarray) -> Counties:
    """Some of the counties."""
    arrays = {f.name: getattr(c, f.name)[rows] for f in fields(c) if f.name != "parameters"}
    return Counties(**arrays, parameters=c.parameters)


def run_some(c: Counties, paths: int, seed: int) -> dict[str, np.ndarray]:
    """Probabilities of the detector and of perfect knowledge, and what happened."""
    count = len(c.own)
    paid = settle(
        opening=c.opening, receipts=c.real_own + c.real_above, need=c.need, lower=c.lower,
        keep=c.kept, **nothing_tied(count, MONTHS),
    )  # fmt: skip
    short = paid.waiting.sum(axis=2) > 0.005
    event = np.where(short.any(axis=1), short.argmax(axis=1), MONTHS)
    found = {who: np.full((count, MONTHS), np.nan) for who in ("detector", "perfect")}
    p = c.parameters
    true = {
        "own": Spread(0.0, p.drift_pct, p.month_pct),
        "above": Spread(0.0, 0.0, p.above_month_pct),
    }
    for t in range(FIRST - 1, MONTHS - MONTHS_AHEAD):
        rows = np.flatnonzero(event > t)
        ahead = slice(t + 1, t + 1 + MONTHS_AHEAD)
        lower = c.lower[rows, ahead].copy()
        lower[:, 0] += paid.lower_waiting[rows, t]
        given = {
            "opening": paid.closing[rows, t], "need": c.need[rows, ahead], "lower": lower,
            **nothing_tied(len(rows), MONTHS_AHEAD),
        }  # fmt: skip
        streams = {"own": c.own[rows, ahead], "above": c.above[rows, ahead]}
        known = {
            "own": (c.own[rows, : t + 1], c.real_own[rows, : t + 1]),
            "above": (c.above[rows, : t + 1], c.real_above[rows, : t + 1]),
        }
        levels = {name: level_of(*known[name], USUAL[name]) for name in streams}
        truly = {"own": known_level(c.level[rows, t]), "above": known_level(0 * c.level[rows, t])}
        to_come = c.falls[rows, ahead] - c.falls[rows, t][:, None]
        true_streams = streams | {"own": streams["own"] * np.exp(to_come)}
        for name, its_levels, spreads, its_streams in (
            ("detector", levels, USUAL, streams),
            ("perfect", truly, true, true_streams),
        ):
            rng = np.random.default_rng([seed, t])
            drawn = simulate(
                given,
                its_streams,
                its_levels,
                spreads,
                paths=paths,
                rng=rng,
                keep=c.kept[rows, ahead],
            )
            found[name][rows, t] = first_short(drawn, paths).sum(axis=1)
    return {**found, "event": event}


def known_level(level: np.ndarray) -> Level:
    """A level that is known for certain."""
    return Level(level, np.zeros_like(level), np.ones_like(level))


def score(chance: np.ndarray, event: np.ndarray, threshold: float) -> dict[str, float]:
    """Recall by months ahead, false alarms, alarms in quiet months, Brier skill."""
    origin = np.arange(MONTHS)[None]
    seen = ~np.isnan(chance)
    soon = (event[:, None] > origin) & (event[:, None] <= origin + MONTHS_AHEAD)
    alarm = seen & (chance >= threshold)
    made: dict[str, float] = {}
    for ahead in (1, 2, 3):
        at = event - ahead
        rows = np.flatnonzero((event < MONTHS) & (at >= FIRST - 1) & (at < MONTHS - MONTHS_AHEAD))
        made[f"recall_{ahead}"] = float(alarm[rows, at[rows]].mean())
        made[f"events_{ahead}"] = len(rows)
    made["false_share"] = float((alarm & ~soon).sum() / max(1, alarm.sum()))
    made["quiet_alarms"] = float((alarm & ~soon).sum() / (seen & ~soon).sum())
    base = float(soon[seen].mean())
    made["base_rate"] = base
    made["brier"] = float(((chance[seen] - soon[seen]) ** 2).mean())
    made["brier_skill"] = 1 - made["brier"] / (base * (1 - base))
    made["county_months"] = int(seen.sum())
    made["counties_short"] = float((event < MONTHS).mean())
    return made


def reliability(chance: np.ndarray, event: np.ndarray) -> pd.DataFrame:
    """Probability said against how often it happened, by tenths."""
    origin = np.arange(MONTHS)[None]
    seen = ~np.isnan(chance)
    soon = (event[:, None] > origin) & (event[:, None] <= origin + MONTHS_AHEAD)
    bins = np.minimum((chance[seen] * 10).astype(int), 9)
    table = pd.DataFrame({"bin": bins, "said": chance[seen], "happened": soon[seen]})
    return table.groupby("bin").agg(count=("said", "size"), said=("said", "mean"),
                                    happened=("happened", "mean"))  # fmt: skip


def main() -> None:
    """Score the held-back counties; with --tune, show thresholds on the tuning ones."""
    options = argparse.ArgumentParser()
    options.add_argument("--counties", type=int, default=5000)
    options.add_argument("--paths", type=int, default=100)
    options.add_argument("--tune", action="store_true")
    asked = options.parse_args()
    pd.set_option("display.width", 160)
    began = time.perf_counter()
    if asked.tune:
        result = run(make(TUNING, asked.counties, np.random.default_rng(1)), asked.paths, 1)
        rows = {
            (name, at): score(result[name], result["event"], at)
            for name in ("detector", "perfect")
            for at in np.arange(0.2, 0.65, 0.05).round(2)
        }
        print(pd.DataFrame(rows).T.round(3).to_string())
        print(reliability(result["detector"], result["event"]).round(3))
        return
    result = run(make(HELD_BACK, asked.counties, np.random.default_rng(2)), asked.paths, 2)
    rows = {
        name: score(result[name], result["event"], ALARM_PCT / 100)
        for name in ("detector", "perfect")
    }
    table = pd.DataFrame(rows).T.rename_axis("who").reset_index()
    print(table.round(4).T.to_string())
    print(reliability(result["detector"], result["event"]).round(3))
    print(f"{time.perf_counter() - began:.1f} s")
    write("early_warning", table.round(6))


if __name__ == "__main__":
    main()
