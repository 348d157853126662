"""Schedules, day counts, calendar, IRR and present value against independent engines."""

from __future__ import annotations

import os
import random
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pyxirr
import QuantLib as ql
import yaml

import fiscalmodel as fm
from fiscalmodel.debt.daycount import year_fraction
from fiscalmodel.debt.schedule import months_of
from fiscalmodel.debt.valuation import irr, present_value
from fiscalmodel.errors import InputError

CASES = yaml.safe_load(
    (Path(__file__).parent / "cases" / "debt_cashflow.yaml").read_text(encoding="utf-8")
)
COUNT = 1000 if os.environ.get("FISCALMODEL_SOAK") == "1" else 200
MONTHS = {"year": 12, "half_year": 6, "quarter": 3, "month": 1}
FREQUENCY = {12: ql.Annual, 6: ql.Semiannual, 3: ql.Quarterly, 1: ql.Monthly}
DAY_COUNTS = {
    "ACT/ACT": ql.ActualActual(ql.ActualActual.ISMA),
    "ACT/ACT.ISDA": ql.ActualActual(ql.ActualActual.ISDA),
    "ACT/365": ql.Actual365Fixed(),
    "ACT/360": ql.Actual360(),
    "30/360": ql.Thirty360(ql.Thirty360.BondBasis),
    "30E/360": ql.Thirty360(ql.Thirty360.EurobondBasis),
}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case):
    frame = fm.amortise(**case["input"])
    if "interest" in case:
        assert frame["interest"].tolist() == pytest.approx(case["interest"], abs=1e-8)
        assert frame["principal"].tolist() == pytest.approx(case["principal"], abs=1e-8)
        return
    assert frame[["interest", "principal"]].iloc[0].to_dict() == case["first"]
    assert frame["interest"].sum() == pytest.approx(case["total_interest"], abs=case["tolerance"])


def to_ql(day: date) -> ql.Date:
    return ql.Date(day.day, day.month, day.year)


def from_ql(day: ql.Date) -> date:
    return date(day.year(), day.month(), day.dayOfMonth())


def random_contract(rng: random.Random) -> dict[str, object]:
    start = date(2008, 1, 1) + timedelta(days=rng.randrange(6000))
    frequency = rng.choice(list(MONTHS))
    if rng.random() < 0.5:
        whole = ql.Period(MONTHS[frequency] * rng.randint(1, 240 // MONTHS[frequency]), ql.Months)
        maturity = from_ql(to_ql(start) + whole)
    else:
        maturity = start + timedelta(days=rng.randint(40, 7000))
    return {
        "principal": round(rng.uniform(10, 500_000), 2),
        "rate_pct": rng.choice([0.0, round(rng.uniform(0.5, 12), 4)]),
        "start": start,
        "maturity": maturity,
        "method": rng.choice(["bullet", "equal_principal", "equal_instalment", "custom"]),
        "frequency": frequency,
        "day_count": rng.choice(list(DAY_COUNTS)),
        "stub": rng.choice(["front", "back"]),
        "grace": rng.random() < 0.3,
    }


def oracle_schedule(contract: dict[str, object]) -> ql.Schedule:
    backward = contract["stub"] == "front"
    return ql.Schedule(
        to_ql(contract["start"]),
        to_ql(contract["maturity"]),
        ql.Period(MONTHS[contract["frequency"]], ql.Months),
        ql.China(ql.China.IB),
        ql.Unadjusted,
        ql.Unadjusted,
        ql.DateGeneration.Backward if backward else ql.DateGeneration.Forward,
        False,
    )


def oracle_notionals(contract: dict[str, object], n: int, grace: int, rng: random.Random):
    """Opening balance of each period, from QuantLib where it has them."""
    amount, paying = contract["principal"], n - grace
    if contract["method"] == "bullet":
        return [amount] * n, None
    if contract["method"] == "equal_principal":
        return [amount] * grace + [amount * (1 - k / paying) for k in range(paying)], None
    if contract["method"] == "equal_instalment":
        months = MONTHS[contract["frequency"]]
        sinking = ql.sinkingNotionals(
            ql.Period(months * paying, ql.Months),
            FREQUENCY[months],
            contract["rate_pct"] / 100,
            amount,
        )
        return [amount] * grace + list(sinking)[:paying], None
    cuts = sorted(rng.uniform(0, amount) for _ in range(n - 1))
    parts = [b - a for a, b in zip([0, *cuts], [*cuts, amount], strict=True)]
    return [amount, *(amount - cut for cut in cuts)], parts


def oracle_flows(contract: dict[str, object], schedule: ql.Schedule, notionals: list[float]):
    bond = ql.AmortizingFixedRateBond(
        0,
        notionals,
        schedule,
        [contract["rate_pct"] / 100],
        DAY_COUNTS[contract["day_count"]],
        ql.Unadjusted,
    )
    interest: list[tuple[date, float]] = []
    principal: dict[date, float] = {}
    for flow in bond.cashflows():
        if ql.as_coupon(flow) is not None:
            interest.append((from_ql(flow.date()), flow.amount()))
        else:
            day = from_ql(flow.date())
            principal[day] = principal.get(day, 0.0) + flow.amount()
    return interest, principal


def test_unrounded_schedules_equal_quantlib():
    """All methods, frequencies, day counts, and stubs, within 1e-8 of the loan."""
    rng = random.Random(20241108)
    worst = 0.0
    for _ in range(COUNT):
        contract = random_contract(rng)
        schedule = oracle_schedule(contract)
        ends = [from_ql(d) for d in schedule][1:]
        grace = rng.randrange(len(ends)) if contract.pop("grace") else 0
        if contract["method"] == "custom":
            grace = 0
        notionals, parts = oracle_notionals(contract, len(ends), grace, rng)
        interest, principal = oracle_flows(contract, schedule, notionals)
        dates = list(zip(ends, parts, strict=True)) if parts else None
        # The oracle keeps no month-ends; with them on and off: `test_month_ends_equal_quantlib`.
        frame = fm.amortise(
            **contract, grace_periods=grace, principal_dates=dates, end_of_month=False
        )
        assert [d.date() for d in frame["date"]] == [day for day, _ in interest], contract
        repaid = frame.groupby("date")["principal"].sum()
        for day, amount in repaid.items():
            worst = max(worst, abs(amount - principal.get(day.date(), 0.0)) / contract["principal"])
        for ours, (_, theirs) in zip(frame["interest"], interest, strict=True):
            worst = max(worst, abs(ours - theirs) / contract["principal"])
        assert worst < 1e-8, contract
    print(f"worst difference from QuantLib over {COUNT} contracts: {worst:.1e} of the principal")


def test_month_ends_equal_quantlib():
    """End of month on and off, contracts that end on any of a month's last days."""
    rng, moved = random.Random(20281231), 0
    for _ in range(COUNT):
        months, n = rng.choice(list(FREQUENCY)), rng.randrange(2, 25)
        year, month = rng.randrange(2015, 2030), rng.randrange(1, 13)
        last = ql.Date.endOfMonth(ql.Date(1, month, year))
        maturity = last - rng.choice([0, 0, 0, 1, 2, 3])
        start = maturity - ql.Period(months * n, ql.Months)
        if rng.random() < 0.5:
            start = ql.Date.endOfMonth(start)
        name = next(name for name, step in MONTHS.items() if step == months)
        frames = []
        for at_end in (True, False):
            schedule = ql.Schedule(
                start, maturity, ql.Period(months, ql.Months), ql.NullCalendar(), ql.Unadjusted,
                ql.Unadjusted, ql.DateGeneration.Backward, at_end,
            )  # fmt: skip
            bond = ql.FixedRateBond(0, 100.0, schedule, [0.05], DAY_COUNTS["30/360"])
            frame = fm.amortise(
                100, 5, start=from_ql(start), maturity=from_ql(maturity), frequency=name,
                day_count="30/360", end_of_month=at_end,
            )  # fmt: skip
            told = [f for f in bond.cashflows() if ql.as_coupon(f) is not None]
            assert [d.date() for d in frame["date"]] == [from_ql(f.date()) for f in told]
            assert frame["interest"].tolist() == pytest.approx([f.amount() for f in told], abs=1e-9)
            frames.append(frame["date"].tolist())
        moved += frames[0] != frames[1]
    assert moved > COUNT / 20


def test_bullet_equals_quantlib_fixed_rate_bond():
    schedule = ql.Schedule(
        ql.Date(15, 11, 2024), ql.Date(15, 11, 2041), ql.Period(ql.Semiannual),
        ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False,
    )  # fmt: skip
    bond = ql.FixedRateBond(0, 10_000, schedule, [0.0224], DAY_COUNTS["ACT/ACT"])
    ours = fm.amortise(
        10_000, 2.24, start="2024-11-15", maturity="2041-11-15", frequency="half_year"
    )
    theirs = [flow.amount() for flow in bond.cashflows()]
    assert ours["interest"].tolist() == pytest.approx(theirs[:-1], abs=1e-9)
    assert ours["principal"].iloc[-1] == theirs[-1] == 10_000


def test_first_payment_day_equals_quantlib():
    """结息日: interest on the 21st of each quarter's last month, whatever the start."""
    schedule = ql.Schedule(
        ql.Date(8, 5, 2023), ql.Date(8, 5, 2026), ql.Period(ql.Quarterly), ql.NullCalendar(),
        ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Forward, False, ql.Date(21, 6, 2023),
    )  # fmt: skip
    for name, counter in DAY_COUNTS.items():
        bond = ql.FixedRateBond(0, 100.0, schedule, [0.05], counter)
        ours = fm.amortise(
            100, 5, start="2023-05-08", maturity="2026-05-08", frequency="quarter", day_count=name,
            first_payment="2023-06-21",
        )  # fmt: skip
        theirs = [flow.amount() for flow in bond.cashflows()][:-1]
        assert ours["interest"].tolist() == pytest.approx(theirs, abs=1e-10), name


def test_custom_date_off_the_interest_days_settles_the_interest():
    """1,000 at 3.65 %, ACT/365: 0.10 a day, so 31 days cost 3.10 and the rest on 600 0.06 a day."""
    frame = fm.amortise(
        1000, 3.65, start="2025-01-01", maturity="2026-01-01", method="custom", day_count="ACT/365",
        principal_dates={"2025-02-01": 400, "2026-01-01": 600},
    )  # fmt: skip
    assert frame["interest"].tolist() == pytest.approx([3.10, 334 * 0.06])
    assert frame["principal"].tolist() == [400, 600]


def test_fen_rounding_takes_the_remainder_last():
    """100 万元 in three equal parts: 33.333333, 33.333333, 33.333334 万元."""
    frame = fm.amortise(
        100, 6, start="2024-01-01", maturity="2027-01-01", method="等额本金", rounding="fen",
        day_count="30/360",
    )  # fmt: skip
    assert frame["principal"].tolist() == [33.333333, 33.333333, 33.333334]
    assert frame["interest"].tolist() == [6.0, 4.0, 2.0]


def test_fen_instalments_are_equal_but_for_the_last():
    frame = fm.amortise(
        120_000, 4.9, start="2024-01-20", maturity="2026-01-20", method="equal_instalment",
        frequency="month", day_count="30/360", rounding="fen", unit="元",
    )  # fmt: skip
    paid = ((frame["interest"] + frame["principal"]) * 100).round().astype(int)
    assert (paid.iloc[:-1] == paid.iloc[0]).all()
    assert abs(paid.iloc[-1] - paid.iloc[0]) <= 24
    assert round(frame["principal"].sum() * 100) == 12_000_000


def test_irr_and_present_value_equal_pyxirr():
    rng = random.Random(7)
    worst = 0.0
    for _ in range(COUNT):
        contract = random_contract(rng)
        contract.pop("grace")
        if contract["method"] == "custom":
            contract["method"] = "bullet"
        frame = fm.amortise(**contract)
        price = contract["principal"] * rng.uniform(0.9, 1.05)
        days = [contract["start"], *(d.date() for d in frame["date"])]
        amounts = [-price, *(frame["interest"] + frame["principal"])]
        flows = list(zip(days, amounts, strict=True))
        expected = pyxirr.xirr(days, amounts)
        found = irr(flows) / 100
        assert found == pytest.approx(expected, abs=1e-8), contract
        worst = max(worst, abs(found - expected))
        rate = rng.uniform(-2, 12)
        value = pyxirr.xnpv(rate / 100, days, amounts)
        assert present_value(flows, rate, contract["start"]) == pytest.approx(
            value, abs=1e-8 * contract["principal"]
        )
    print(f"worst IRR difference from pyxirr over {COUNT} contracts: {worst:.1e}")


def test_year_fractions_equal_quantlib():
    rng = random.Random(3)
    for _ in range(2000):
        start = date(2000, 1, 1) + timedelta(days=rng.randrange(12_000))
        end = start + timedelta(days=rng.randrange(1, 4000))
        for name, counter in DAY_COUNTS.items():
            if name != "ACT/ACT":
                expected = counter.yearFraction(to_ql(start), to_ql(end))
                assert float(year_fraction(start, end, name)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"principal": -5}, "not positive"),
        ({"principal": float("nan")}, "missing"),
        ({"principal": None}, "not both numbers"),
        ({"rate_pct": 0.055}, "did you mean 5.5?"),
        ({"rate_pct": 550}, "did you mean 5.5?"),
        ({"maturity": "2023-01-01"}, "not after start"),
        ({"start": "2024-02-30"}, "not a date"),
        ({"maturity": None}, "missing"),
        ({"method": "balloon"}, "unknown repayment method"),
        ({"frequency": "weekly"}, "unknown frequency"),
        ({"day_count": "BUS/252"}, "unknown day count"),
        ({"grace_periods": 5}, "cannot all be free"),
        ({"grace_periods": "two"}, "not a number of payments"),
        ({"method": "custom", "principal_dates": 7}, "no table of dates"),
        ({"method": "custom", "principal_dates": ["2025-01-01"]}, "no table of dates"),
        ({"method": "custom"}, "needs principal_dates"),
        ({"principal_dates": {"2025-01-01": 100}}, "the method is not custom"),
        ({"method": "custom", "principal_dates": {"2025-01-01": 90}}, "add up to 90"),
        ({"method": "custom", "principal_dates": {"2035-01-01": 100}}, "up to maturity"),
        ({"rounding": "yuan"}, "is not known"),
        ({"stub": "middle"}, "is not known"),
        ({"principal": 1.23456789, "rounding": "fen"}, "whole number of 分"),
    ],
)
def test_bad_terms(change, words):
    terms = {"principal": 100, "rate_pct": 5, "start": "2024-01-01", "maturity": "2027-01-01"}
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        fm.amortise(**{**terms, **change})


def test_all_problems_of_the_terms_at_once():
    with pytest.raises(InputError) as caught:
        fm.amortise(-1, 550, start="2024-13-01", maturity=None, method="x", frequency="z")
    assert len(caught.value.problems) == 6


@pytest.mark.parametrize(
    "flows", [[], None, 5, "2024", [("2024-01-01", 5.0)], [("2024-01-01", float("nan"))]]
)
def test_flows_without_a_rate(flows):
    with pytest.raises(InputError):
        irr(flows)


@pytest.mark.parametrize(
    ("words", "months"),
    [
        (("yearly", "annually", "annual", "Year", 1, "1", "每年"), 12),
        (("half-yearly", "half_yearly", "half yearly", "halfyear", "h", 2, 2.0, "按半年"), 6),
        (("semiannual", "semi-annual", "Semi Annual", "half_year"), 6),
        (("quarterly", "Q", 4, "季度"), 3),
        (("monthly", " M ", 12, "月"), 1),
    ],
)
def test_words_of_a_frequency(words, months):
    for word in words:
        assert months_of(word) == months
    for unknown in (0, 3, 7, None, "", "weekly", 2.5, True):
        with pytest.raises(InputError, match="unknown frequency"):
            months_of(unknown)


def test_words_of_a_method_and_frequency_reach_the_schedule():
    terms = {"start": "2024-01-01", "maturity": "2026-01-01"}
    for method in ("equal principal", "equal-principal", "Equal_Principal"):
        frame = fm.amortise(100, 4, **terms, method=method, frequency="half-yearly")
        # 100, 75, 50 and 25 at 2 % each: 2 + 1.5 + 1 + 0.5.
        assert frame["interest"].sum() == pytest.approx(5)
    frame = fm.amortise(100, 4, **terms, method="equal instalment", frequency=12)
    assert len(frame) == 24


def test_principal_dates_take_decimal_amounts():
    terms = {"start": "2024-01-01", "maturity": "2026-01-01", "method": "custom"}
    due = {"2025-01-01": Decimal("40.25"), "2026-01-01": Decimal("59.75")}
    frame = fm.amortise(100, 4, **terms, principal_dates=due, rounding="fen")
    assert frame["principal"].tolist() == [40.25, 59.75]
    with pytest.raises(InputError, match="not a positive number"):
        fm.amortise(100, 4, **terms, principal_dates=due | {"2025-06-01": Decimal("NaN")})
