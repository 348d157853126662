"""Series by name: exact 万元, kinds, sources, and every bad cell named."""

from __future__ import annotations

import math
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.series import catalog, datapackage
from fiscalmodel.tables.records import read_records
from fiscalmodel.units import convert
from fiscalmodel.yamlio import load_yaml

CASES = load_yaml(Path(__file__).parent / "cases" / "catalog_published_figures.yaml")[0]
REVENUE = "jianghan.general_public_budget_revenue"
#: Figures for several years together; they are read as a table, never as a series.
TOTALS = {
    "jianghan.cumulative_tax_cuts",
    "jianghan.emergency_care_circle.target",
    "jianghan.guarantee_loans_granted",
    "jianghan.idle_funds_clawed_back",
    "jianghan.schools_built_or_enlarged",
    "jianghan.sci_tech_loans_granted",
}


@pytest.fixture
def copy(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data that a test may break."""
    shutil.copytree(project / "data", tmp_path / "data")
    (tmp_path / "params").mkdir()
    monkeypatch.setenv("FISCALMODEL_PROJECT", str(tmp_path))
    return tmp_path / "data"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_worked_cases(case: dict[str, Any]) -> None:
    series = fm.load_series(case["input"]["series"])
    period = case["input"]["period"]
    expected = case["output"]
    value = series.values[period]
    if expected["value"] is None:
        assert math.isnan(value)
    else:
        assert value == expected["value"]
    assert series.unit == expected["unit"]
    assert series.kinds is not None
    assert series.kinds[period] == expected["kind"]


def test_jianghan_revenue() -> None:
    series = fm.load_series(REVENUE)
    assert series.values.index.equals(pd.period_range("2015", "2020", freq="Y"))
    # 68.74, 123.50, 131.48, 136.51, 130.62, 98 亿元 × 10,000
    assert series.values.tolist() == [687400, 1235000, 1314800, 1365100, 1306200, 980000]
    assert (series.unit, series.coverage, series.calibre) == ("万元", "local", "as_published")
    assert series.kinds is not None
    assert series.kinds.tolist() == ["actual"] * 5 + ["estimate"]
    # The 2020 estimate 预计 is not among the actuals, and the 2025 target is a series of its own.
    assert series.actuals().values.index[-1] == pd.Period("2019", "Y")
    assert "第一部分/一、收入" in series.source_of("2015")
    assert "data/series.csv:" in series.source_of("2015")


def test_like_for_like_growth_as_printed() -> None:
    growth = catalog.like_for_like_growth(REVENUE)
    assert growth is not None
    assert growth.unit == "%"
    assert growth.calibre == "like_for_like"
    assert growth.values.tolist() == [17.69, 18.07, 3.83, -4.32]
    assert [str(period) for period in growth.values.index] == ["2016", "2017", "2018", "2019"]
    # Expenditure growth is printed on the year before (同比), not like-for-like.
    expenditure = "jianghan.general_public_budget_expenditure"
    assert catalog.like_for_like_growth(expenditure) is None
    printed = catalog.published_growth(expenditure)
    assert printed is not None
    assert printed.values.tolist() == [13.41, 1.46, 16.76, 9.2]
    with pytest.raises(InputError, match="did you mean"):
        catalog.like_for_like_growth(REVENUE + "s")


def test_refund_adjusted_growth_of_2022_is_marked() -> None:
    name = "national.general_public_budget_revenue"
    adjusted = catalog.published_growth(name, calibre="refund_adjusted")
    assert adjusted is not None
    assert {period.year for period in adjusted.values.index} == {2022}
    # October 2022: 173,397 / 181,526 - 1 = -4.5 %, printed +5.1 % without the VAT refunds.
    levels = fm.load_series(name).values
    assert round((levels["2022-10"] / levels["2021-10"] - 1) * 100, 1) == -4.5
    assert adjusted.values["2022-10"] == 5.1


def test_growth_as_printed_agrees_with_the_levels() -> None:
    name = "national.general_public_budget_revenue"
    growth = catalog.published_growth(name, calibre="as_published")
    levels = fm.load_series(name).values
    assert growth is not None
    checked = 0
    for period, printed in growth.values.items():
        if period - 12 in levels.index:
            assert abs((levels[period] / levels[period - 12] - 1) * 100 - printed) < 0.15
            checked += 1
    assert checked > 20


def test_national_months_are_cumulative_and_gaps_stay() -> None:
    total, tax, other = (
        fm.load_series(f"national.{name}").values
        for name in ("general_public_budget_revenue", "tax_revenue", "non_tax_revenue")
    )
    assert isinstance(total.index, pd.PeriodIndex)
    assert total.index.freqstr == "M"
    assert (tax + other == total).all()
    assert not (total.index.month == 1).any()
    assert pd.Period("2021-11", "M") not in total.index
    assert any("累计" in note for note in fm.load_series("national.vat").notes)


def test_what_is_no_such_series_is_missing_and_said() -> None:
    hainan = fm.load_series("province.海南省.general_public_budget_revenue")
    assert hainan.values[["2018", "2019"]].isna().all()
    assert any("2232.529，不予采用" in note for note in hainan.notes)
    assert fm.load_series("province.海南省.government_fund_revenue").values.notna().all()
    assert math.isnan(
        fm.load_series("province.西藏自治区.general_public_budget_revenue").values["2021"]
    )


def test_unknown_names_and_totals_over_years() -> None:
    with pytest.raises(InputError, match=f"did you mean '{REVENUE}'"):
        fm.load_series("jianghan.general_public_budget_revenu")
    with pytest.raises(InputError, match=r"did you mean 'province\.湖北省"):
        fm.load_series("province.湖北.general_public_budget_revenue")
    with pytest.raises(InputError, match="covers 2016/2020 as a whole"):
        fm.load_series("jianghan.cumulative_tax_cuts")
    with pytest.raises(InputError, match="belong to files"):
        fm.load_series(REVENUE, unit="亿元")
    with pytest.raises(InputError, match="did you mean 'series'"):
        catalog.read("serie")


def test_paths_go_to_the_readers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(catalog, "read_series", lambda path, **more: asked.append((path, more)))
    fm.load_series(tmp_path / "收入.xlsx", sheet="表1", unit="万元")
    fm.load_series("收入.csv")
    fm.load_series("folder/收入.csv")
    assert asked[0] == (tmp_path / "收入.xlsx", {"sheet": "表1", "unit": "万元", "column": None})
    assert [path for path, _ in asked[1:]] == ["收入.csv", "folder/收入.csv"]


def test_every_series_loads_or_says_why() -> None:
    for name in catalog.names():
        if name in TOTALS:
            with pytest.raises(InputError, match="as a whole and is no series"):
                fm.load_series(name)
            continue
        series = fm.load_series(name)
        assert series.values.index.is_unique
        assert series.values.index.is_monotonic_increasing
        assert series.kinds is not None
        assert series.sources is not None
        assert series.kinds.index.equals(series.values.index)
        assert series.sources.index.equals(series.values.index)
        assert series.kinds.isin(["actual", "estimate", "budget", "target"]).all()
        assert len(series) >= 1
        assert series.region == "sample_county" or not name.startswith("sample_county.")


def test_synthetic_series_say_so() -> None:
    assert any("合成样本" in note for note in fm.load_series("sample_county.vat").notes)


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=4))
def test_scaling_to_wan_is_exact(amount: Decimal) -> None:
    value = convert(float(amount), "亿元", "万元")
    # Four decimals of 亿元 are whole 万元, so that the float is the integer.
    assert value == int(amount * 10_000)
    value = convert(float(amount), "元", "万元")
    assert Decimal(repr(value)) == amount / 10_000 or abs(
        Decimal(repr(value)) - amount / 10_000
    ) <= abs(amount) * Decimal("1e-20")


def test_one_row_a_year_adds_the_later_actuals(copy: Path) -> None:
    file = copy / "series.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    estimate = next(line for line in lines if line.startswith(REVENUE + ",") and ",2020," in line)
    actual = estimate.replace(",98,", ",97.5,").replace(",estimate,", ",actual,")
    later = actual.replace(",2020,", ",2021,").replace(",97.5,", ",101.2,")
    rows = [actual.replace("F011", "own-2020"), later.replace("F011", "own-2021")]
    file.write_text("\n".join([*lines, *rows]) + "\n", encoding="utf-8")
    series = fm.load_series(REVENUE)
    assert series.values["2020"] == 975000
    assert series.values["2021"] == 1012000
    assert series.kinds is not None
    assert series.kinds["2020"] == "actual"
    assert "2020: actual replaces estimate" in map(str, series.notes)
    assert len(catalog.read("series")) == len(lines) + 1


def test_every_bad_cell_is_named_at_once(copy: Path) -> None:
    file = copy / "series.csv"
    edit(file, ",68.74,亿元", ",六十八,亿元")
    edit(file, ",2017,131.48,", ",2016,131.48,")
    edit(file, ",estimate,", ",estimated,")
    edit(file, "jianghan.bonds_issued,jianghan", "jianghan.bonds_issued,")
    edit(file, ",2018,79.96", ",18年,79.96")
    with pytest.raises(InputError) as caught:
        catalog.read("series")
    text = "\n".join(map(str, caught.value.problems))
    assert "value: '六十八' is no well-formed number" in text
    assert f"{REVENUE}, 2016, actual stands twice" in text
    assert "kind: unknown word 'estimated' — did you mean 'estimate'?" in text
    assert "data/series.csv:2, region: region is missing" in text
    assert "period: '18年' is not written as expected" in text
    assert all(problem.where.startswith("data/series.csv:") for problem in caught.value.problems)
    with pytest.raises(InputError, match="六十八"):
        fm.load_series(REVENUE)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        (",value,", ",amount,", "missing columns value, unknown columns amount"),
        (",2015,68.74,亿元,local,", ",2015,68.74,亿元,gross,", "mixes two coverages"),
        (",2015,68.74,亿元,", ",2015,68.74,个,", "mixes two units"),
        (",2015,68.74,", ",2015-13,68.74,", "is no period"),
        (",2015,68.74,", ",2015,nan,", "is no well-formed number"),
        (",2015,68.74,", ",2015,1e999999999,", "is no well-formed number"),
    ],
)
def test_what_a_series_refuses(copy: Path, old: str, new: str, part: str) -> None:
    edit(copy / "series.csv", old, new)
    with pytest.raises(InputError, match=part):
        fm.load_series(REVENUE)


def test_the_package_itself_missing_or_broken(copy: Path) -> None:
    (copy / "series.csv").unlink()
    with pytest.raises(InputError, match=r"data/series\.csv: no such file"):
        catalog.read("series")
    edit(copy / "datapackage.json", '"path": "limits.csv"', '"path": "../../limits.csv"')
    with pytest.raises(InputError, match="leaves the folder"):
        datapackage.resources()
    (copy / "datapackage.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is no data package"):
        datapackage.resources()
    (copy / "datapackage.json").unlink()
    with pytest.raises(InputError, match="no such file"):
        datapackage.resources()


def test_typed_tables() -> None:
    ledger = catalog.read("synthetic_sample_county_debt_ledger")
    assert ledger["maturity"].dtype.kind == "M"
    assert ledger["overdue"].dtype == "boolean"
    assert ledger["principal_wan"].sum() == 180_000
    budget = catalog.read("department_budget_2024")
    assert budget["function_code"].dropna().map(type).eq(str).all()
    assert set(datapackage.resources()) >= {"series", "rates", "limits", "performance"}


def tidy(file: Path) -> pd.DataFrame:
    """Ids as text, amounts and rates as numbers."""
    records = read_records(file, name=file.name)
    text = {c: [row.text(c) for row in records] for c in ("contract_id", "debtor")}
    amounts = [row.wan("principal_wan", default=math.nan) for row in records]
    rates = [row.number("rate_pct", default=math.nan) for row in records]
    records.done()
    return pd.DataFrame(text | {"principal_wan": amounts, "rate_pct": rates})


def test_tidy_csv(tmp_path: Path) -> None:
    file = tmp_path / "台账.csv"
    text = 'contract_id,debtor,principal_wan,rate_pct\n010101,甲公司,"1,200.5",\n\n2,=1+1,3,5.5\n'
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        file.write_bytes(text.encode(encoding))
        frame = tidy(file)
        assert frame["contract_id"].tolist() == ["010101", "2"]
        assert frame["debtor"].tolist() == ["甲公司", "=1+1"]
        assert frame["principal_wan"].tolist() == [1200.5, 3.0]
        assert math.isnan(frame["rate_pct"][0])
    bad = "contract_id,principal_wan,rate_pct\na,x,5\nb,1,1_0\nc,inf,2\n"
    file.write_text(bad, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        tidy(file)
    assert [str(problem).split(" — ")[0] for problem in caught.value.problems] == [
        "台账.csv:2, principal_wan: 'x' stands in 'principal_wan' where a number belongs",
        "台账.csv:4, principal_wan: 'inf' stands in 'principal_wan' where a number belongs",
        "台账.csv:3, rate_pct: '1_0' stands in 'rate_pct' where a number belongs",
    ]
    for raw, part in (
        (b"", "is empty"),
        (b"bank,bank\n1,2\n", "stands twice"),
        (b"bank,account,note\n1,2\n", "2 field"),
        (b'a,b\n1,"2\n', "not readable as CSV"),
    ):
        file.write_bytes(raw)
        with pytest.raises(InputError, match=part):
            tidy(file)
    with pytest.raises(InputError, match="no such file"):
        tidy(tmp_path / "none.csv")
