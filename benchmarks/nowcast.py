"""Full-year nowcast against plain year-to-date growth: errors, ratios, coverage.

    python benchmarks/nowcast.py              # all groups
    python benchmarks/nowcast.py --quick      # without the competitions (half a minute)

Writes the groups that were run into ``benchmarks/results/nowcast.csv``.

"Plain growth" carries last year's remainder on at the growth of the year to date. Competition
series are cut into years; the years counted end with the test part, of which nothing was used
for fitting. The sample county's months are its years times fixed shares and a draw that its three
series have in common: four draws, in which plain growth was lucky at three months. So its generator
is drawn from again. A city's spending by category (cash, fiscal years 2007 to 2021) was used for
nothing before.
2021-12 of the national series is not in the data (it lacks November and December):
where growth was published for December 2022, it is found from it, for nowcasts and for plain
growth alike.
"""

from __future__ import annotations

import argparse
import random
import sys

import numpy as np
import pandas as pd
from _results import ROOT, write

import fiscalmodel as fm
from fiscalmodel.revenue.nowcast import accuracy, review_years
from fiscalmodel.series import catalog

NATIONAL = (
    "general_public_budget_revenue", "local_general_public_budget_revenue", "tax_revenue",
    "non_tax_revenue", "vat", "corporate_income_tax", "individual_income_tax",
    "government_fund_revenue", "land_sale_revenue",
)  # fmt: skip
COUNTY = (
    "general_public_budget_revenue_monthly", "tax_revenue_monthly", "non_tax_revenue_monthly",
)  # fmt: skip


def with_2021(name: str) -> tuple[pd.Series, pd.Series | None]:
    """A series, its published growth, and its December 2021 where growth tells it."""
    values = fm.load_series(name).values.copy()
    growth = catalog.published_growth(name)
    if growth is None:
        return values, None
    december = pd.Period("2022-12", "M")
    if december in growth.values.index and "2021-12" not in values.index:
        values[pd.Period("2021-12", "M")] = values[december] / (1 + growth.values[december] / 100)
    return values.sort_index(), growth.values


def show(name: str, table: pd.DataFrame) -> None:
    for row in table.itertuples():
        print(
            f"{name:46} month {row.month:2}  years {row.years:4}  MAPE {row.mape:6.2f}  plain "
            f"{row.plain_mape:6.2f}  ratio {row.ratio:5.2f}  in band 80: {row.coverage_80:5.1f} "
            f"95: {row.coverage_95:5.1f}", flush=True,
        )  # fmt: skip


def pooled(reviews: list[pd.DataFrame]) -> pd.DataFrame:
    return accuracy(pd.concat(reviews, ignore_index=True))


def competitions(kind: str, count: int = 300) -> list[pd.DataFrame]:
    """Nowcasts of the last year of each series, by the public function, as a user calls it."""
    from _panels import load

    found = []
    for item in load(kind, "monthly")[:: max(1, len(load(kind, "monthly")) // count)]:
        x = np.concatenate([item.train, item.test])
        x = x[len(x) % 12 :]
        if (x <= 0).any():
            continue
        months = pd.period_range("2001-01", periods=len(x), freq="M")
        ytd = pd.Series(x.reshape(-1, 12).cumsum(axis=1).ravel(), index=months)
        last = int(months[-1].year)
        kept = ytd[ytd.index.year >= last - 7]
        if kept.index[0].year < last:
            found.append(review_years(kept, least=len(set(kept.index.year)) - 1))
    return found


def city() -> dict[str, pd.DataFrame]:
    """Nowcasts of a city's receipts, in all and by tax, whose months are in the calibration."""
    from _months import city_taxes

    found = {}
    for name, months in city_taxes().items():
        whole = months[months.index >= "2014-01"]
        found[name] = review_years(whole.groupby(whole.index.year).cumsum())
    return found


def redrawn(draws: int = 30) -> list[pd.DataFrame]:
    """The sample county's months drawn again, each draw reviewed like the shipped one."""
    sys.path.insert(0, str(ROOT / "data"))
    from make_synthetic_sample_county import monthly

    annual = [
        {"indicator": name, "period": str(month.year), "value": str(int(value))}
        for name in ("general_public_budget_revenue", "tax_revenue")
        for month, value in fm.load_series(f"sample_county.{name}").values.items()
    ]
    found = []
    for seed in range(draws):
        table = pd.DataFrame(monthly(random.Random(seed), annual))
        table["value"] = table["value"].astype(float)
        for _, rows in table.groupby("indicator"):
            months = pd.PeriodIndex(rows["period"], freq="M")
            found.append(review_years(pd.Series(rows["value"].to_numpy(), months)))
    return found


def spending() -> list[pd.DataFrame]:
    """Nowcasts of a city's cash spending by category: those above nought that seldom fall back."""
    from _months import city_cash

    found = []
    for months in city_cash("spending").values():
        if (months.groupby(months.index.year).sum() > 20).all() and (months < 0).sum() <= 2:
            found.append(review_years(months.groupby(months.index.year).cumsum()))
    return found


def resampled(reviews: list[pd.DataFrame], draws: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """2.5 and 97.5 % quantiles of the ratio by month, drawn with replacement.

    Years are drawn where series share them, as their errors are those of one year; else series.
    """
    rng = np.random.default_rng(0)
    months = pooled(reviews)["month"]
    rows = pd.concat(reviews, keys=range(len(reviews)), names=["series"]).reset_index("series")
    unit = "year" if len(reviews) < 50 else "series"
    found = []
    for month in months:
        part = rows[rows["month"] == month].assign(
            size=lambda r: r["error_pct"].abs(), plain=lambda r: r["plain_error_pct"].abs()
        )
        sums = part.groupby(unit)[["size", "plain"]].sum()
        own, plain = sums["size"].to_numpy(), sums["plain"].to_numpy()
        pick = rng.integers(len(sums), size=(draws, len(sums)))
        ratio = own[pick].mean(axis=1) / plain[pick].mean(axis=1)
        found.append(np.quantile(ratio, [0.025, 0.975]))
    low, high = zip(*found, strict=True)
    return np.array(low), np.array(high)


def table_of(groups: dict[str, list[pd.DataFrame]]) -> pd.DataFrame:
    """Each group by month, all its series together."""
    tables = []
    for name, reviews in groups.items():
        found = pooled(reviews)
        show(f"{name}, {len(reviews)} series", found)
        low, high = resampled(reviews)
        found = found.assign(ratio_low=low, ratio_high=high)
        found.insert(0, "series", len(reviews))
        found.insert(0, "group", name)
        tables.append(found)
    return pd.concat(tables, ignore_index=True).round(3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    groups: dict[str, list[pd.DataFrame]] = {}
    for item in NATIONAL:
        values, growth = with_2021(f"national.{item}")
        plain = review_years(values)
        groups.setdefault("national, levels alone", []).append(plain)
        show(item, accuracy(plain))
        best = plain
        if growth is not None:
            best = review_years(values, published_growth=growth)
            show(f"{item} + published growth", accuracy(best))
        groups.setdefault("national, with published growth", []).append(best)
    for item in COUNTY:
        review = review_years(fm.load_series(f"sample_county.{item}"))
        groups.setdefault("sample county (synthetic)", []).append(review)
        show(item, accuracy(review))
    groups["sample county, drawn again 30 times"] = redrawn()
    groups["a city's spending by category"] = spending()
    if not quick:
        for kind in ("M3", "M1", "Tourism"):
            groups[f"{kind} monthly, last year"] = competitions(kind)
    taxes = city()
    groups["a city's receipts in all"] = [taxes.pop("all_taxes")]
    groups["a city's receipts by tax"] = list(taxes.values())
    print()
    write("nowcast", table_of(groups))
    worst = pd.concat(groups["national, with published growth"], keys=NATIONAL)
    worst = worst[worst["month"].isin([3, 6, 9])]
    row = worst.loc[worst["error_pct"].abs().idxmax()]
    print(f"\nlargest national error: {row.name[0]}, {row['year']}, month {row['month']}: "
          f"{row['error_pct']:.1f} % (plain growth {row['plain_error_pct']:.1f} %)")  # fmt: skip


if __name__ == "__main__":
    main()
