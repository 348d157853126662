"""Commissions: reconciliation, appropriation, forms, charts."""

from __future__ import annotations

import io
import re

import openpyxl
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel import fees
from fiscalmodel.present.settlement import settlement_page, settlement_workbook
from fiscalmodel.words import speaking

KEYS = ["bank", "kind", "account", "period"]


def rows(*lines: tuple) -> pd.DataFrame:
    columns = [
        "receipt_id",
        "bank",
        "kind",
        "account",
        "paid_in",
        "amount",
        "refund_of",
        "unmatched",
        "excluded",
    ]
    return pd.DataFrame([(*line, *[None] * (9 - len(line))) for line in lines], columns=columns)


@pytest.fixture(scope="module")
def statement() -> fees.CommissionStatement:
    return fm.commission(
        rows(
            ("1", "甲银行", "收费", "国库", "2024-01-10", "2.40"),
            ("2", "甲银行", "收费", "国库", "2024-02-10", "2.40"),
            ("3", "甲银行", "收费", "国库", "2024-03-29", "1000.00"),
            ("4", "甲银行", "收费", "国库", "2024-04-02", "77.00"),
            ("5", "甲银行", "罚没", "国库", "2024-01-05", "500.00"),
            ("6", "甲银行", "罚没", "国库", "2024-02-05", "-120.00", "5"),
            ("7", "甲银行", "罚没", "国库", "2024-04-05", "300.00"),
            ("8", "甲银行", "罚没", "国库", "2024-04-06", "45.00", None, "是"),
            ("9", "乙银行", "收费", "财政专户", "2024-01-05", "800.00"),
            ("10", "乙银行", "罚没", "财政专户", "2024-01-06", "60.00"),
            ("11", "乙银行", "罚没", "财政专户", "2024-01-07", "33.00", None, None, "直接缴库"),
        ),
        period="quarter",
        as_of="2024-06-30",
    )


def claim(statement: fees.CommissionStatement, key: tuple, **changes: int) -> pd.Series:
    """The reconciled line after the bank's claim for `key` is changed."""
    table = statement.table[[*KEYS, "base_fen", "fee_fen"]].copy()
    at = table.index[(table[KEYS] == list(key)).all(axis=1)][0]
    for column, change in changes.items():
        table.loc[at, column] += change
    found = fees.reconcile_bank(statement, table)
    assert found["status"].ne("matched").sum() == 1
    return found[found["status"].ne("matched")].iloc[0]


CHARGES = ("甲银行", "收费", "国库", "2024Q1")
FINES = ("甲银行", "罚没", "国库", "2024Q1")


def test_bank_statement_that_agrees(statement: fees.CommissionStatement) -> None:
    found = fees.reconcile_bank(statement, statement.table[[*KEYS, "base_fen", "fee_fen"]])
    assert found["status"].eq("matched").all()


def test_rounded_receipt_by_receipt(statement: fees.CommissionStatement) -> None:
    # 2.40 × 0.2 % = 0.0048 twice, 1,000 × 0.2 % = 2.00: one by one 0.00 + 0.00 + 2.00, at once 2.01
    line = claim(statement, CHARGES, fee_fen=-1)
    assert (line["fee_fen"], line["bank_fee_fen"]) == (201, 200)
    assert line["reason"] == "rounded receipt by receipt"


@pytest.mark.parametrize(
    ("key", "changes", "reason"),
    [
        (FINES, {"base_fen": 12000}, "refunds are not taken off"),
        (
            ("甲银行", "罚没", "国库", "2024Q2"),
            {"base_fen": 4500},
            "unmatched receipts are counted",
        ),
        (
            ("乙银行", "罚没", "财政专户", "2024Q1"),
            {"base_fen": 3300},
            "excluded lines are counted",
        ),
        (
            CHARGES,
            {"base_fen": -100000},
            "cut-off date: the last 3 days of the period are left to the next",
        ),
        (
            CHARGES,
            {"base_fen": 7700},
            "cut-off date: the first 2 days of the next period are counted",
        ),
        (CHARGES, {"base_fen": 1}, "not explained: compare the receipts"),
        (FINES, {"fee_fen": 76 - 190}, "the fee is that of a rate of 0.2 %"),
        (FINES, {"fee_fen": 7}, "the base agrees, the fee is not explained: compare the rates"),
    ],
)
def test_likely_reasons(
    statement: fees.CommissionStatement, key: tuple, changes: dict, reason: str
) -> None:
    assert claim(statement, key, **changes)["reason"] == reason


def test_wrong_kind_and_missing_lines(statement: fees.CommissionStatement) -> None:
    table = statement.table[[*KEYS, "base_fen", "fee_fen"]].copy()
    table.loc[table["bank"].eq("乙银行") & table["kind"].eq("罚没"), "base_fen"] -= 6000
    moved = table["bank"].eq("乙银行") & table["kind"].eq("收费")
    table.loc[moved, ["kind", "base_fen"]] = table.loc[moved, ["kind", "base_fen"]]
    other = pd.DataFrame([["乙银行", "罚没", "国库", "2024Q1", 6000, 30]], columns=table.columns)
    found = fees.reconcile_bank(statement, pd.concat([table, other]))
    found = found[found["status"].ne("matched")].set_index("account")
    assert found.loc["国库", "status"] == "missing here"
    assert (
        found.loc["国库", "reason"] == "wrong account: here it stands under fines, fiscal account"
    )
    assert found.loc["财政专户", "reason"] == "wrong account: the bank has it under fines, treasury"
    short = fees.reconcile_bank(statement, table[table["bank"].eq("甲银行")])
    assert set(short.loc[short["bank"].eq("乙银行"), "status"]) == {"missing at the bank"}


def test_treasury_report(statement: fees.CommissionStatement) -> None:
    totals = pd.DataFrame(
        [
            ["罚没", "国库", "2024Q1", "500.00"],
            ["罚没", "国库", "2024Q2", "345.00"],
            ["收费", "国库", "2024Q1", "1004.80"],
            ["收费", "国库", "2024Q2", "100.00"],
            ["收费", "财政专户", "2024Q1", "700.00"],
        ],
        columns=["kind", "account", "period", "base"],
    )
    found = fees.reconcile_treasury(statement, totals).set_index(["kind", "account", "period"])
    assert (
        found.loc[("罚没", "国库", "2024Q1"), "reason"] == "refunds, which the report shows gross"
    )
    assert found.loc[("罚没", "国库", "2024Q2"), "reason"] == "unmatched receipts"
    assert found.loc[("收费", "国库", "2024Q1"), "difference_fen"] == 0
    assert "without a collecting bank" in found.loc[("收费", "国库", "2024Q2"), "reason"]
    assert "not booked" in found.loc[("收费", "财政专户", "2024Q1"), "reason"]
    assert found.loc[("罚没", "财政专户", "2024Q1"), "reason"] == "not in the report"


# --- the form -------------------------------------------------------------------------------


def _round(value: float, digits: int = 0) -> float:
    scaled = abs(value) * 10**digits + 0.5 + 1e-9
    return (1 if value >= 0 else -1) * int(scaled) / 10**digits


def recompute(book: openpyxl.Workbook, values: openpyxl.Workbook) -> int:
    """Evaluate every formula of a workbook and compare it with the value stored."""
    done = 0
    for sheet in book:
        for line in sheet.iter_rows():
            for cell in line:
                if not (isinstance(cell.value, str) and cell.data_type == "f"):
                    continue

                def look(place: str, name: str = sheet.title) -> float:
                    return values[name][place].value or 0

                def area(match: re.Match, look: object = look) -> str:
                    column, first, last = match[1], int(match[2]), int(match[4])
                    return (
                        "["
                        + ",".join(repr(look(f"{column}{i}")) for i in range(first, last + 1))
                        + "]"
                    )

                text = re.sub(
                    r"'([^']+)'!([A-Z]+\d+)",
                    lambda m: repr(values[m[1]][m[2]].value),
                    cell.value[1:],
                )
                text = re.sub(r"\b([A-Z]+)(\d+):([A-Z]+)(\d+)", area, text)
                text = re.sub(r"\b([A-Z]{1,2})(\d+)\b", lambda m, look=look: repr(look(m[0])), text)
                names = {
                    "ROUND": _round,
                    "SUM": sum,
                    "MIN": min,
                    "MAX": max,
                    "IF": lambda c, a, b: a if c else b,
                }
                got = eval(text, {"__builtins__": {}}, names)
                assert got == pytest.approx(values[sheet.title][cell.coordinate].value, abs=1e-9), (
                    cell
                )
                done += 1
    return done


def open_both(content: bytes) -> tuple[openpyxl.Workbook, openpyxl.Workbook]:
    return (
        openpyxl.load_workbook(io.BytesIO(content)),
        openpyxl.load_workbook(io.BytesIO(content), data_only=True),
    )


def test_formulas_recompute_the_form() -> None:
    rates = [
        {"kind": "罚没", "rate_pct": "0.5", "valid_to": "2024-06-30"},
        {"kind": "罚没", "rate_pct": "0.35", "valid_from": "2024-07-01"},
        {
            "kind": "收费",
            "rate_pct": "0.2",
            "upto_yuan": 1000,
            "minimum_yuan": "1.00",
            "cap_yuan": "9.00",
        },
        {"kind": "收费", "rate_pct": "0.15", "upto_yuan": 5000},
        {"kind": "收费", "rate_pct": "0.1"},
    ]
    result = fm.commission(
        rows(
            ("1", "甲银行", "罚没", "国库", "2024-01-05", "1.00"),
            ("2", "甲银行", "罚没", "国库", "2024-07-05", "12345.67"),
            ("3", "甲银行", "罚没", "国库", "2025-02-05", "-0.50", "2"),
            ("4", "甲银行", "罚没", "国库", "2025-02-06", "-1.00", "1"),
            ("5", "甲银行", "收费", "国库", "2024-02-06", "120.00"),
            ("6", "乙银行", "收费", "国库", "2024-02-06", "7654.32"),
            ("7", "丙银行", "收费", "国库", "2024-02-06", "99999.99"),
            ("8", "丙银行", "捐赠", "国库", "2024-02-06", "99.99"),
        ),
        rates=rates,
        payments={"乙银行": "3.00"},
        carried=[{"bank": "甲银行", "kind": "罚没", "account": "国库", "arrears": "7.77"}],
    )
    book, values = open_both(settlement_workbook(result))
    assert recompute(book, values) > 40
    sheet = values["汇总"]
    totals = {sheet.cell(i, 1).value: sheet.cell(i, 6).value for i in range(4, 8)}
    assert totals["合计"] == pytest.approx(result.payable_fen / 100)
    form = values["甲银行"]
    assert any("大写" in str(row[0].value) for row in form.iter_rows())


def test_the_same_statement_gives_the_same_bytes(statement: fees.CommissionStatement) -> None:
    assert settlement_workbook(statement) == settlement_workbook(statement)


def test_names_are_never_formulas_or_markup() -> None:
    evil = [
        '=HYPERLINK("http://x")',
        "+1+1",
        "@SUM(A1)",
        "-2",
        "<script>alert(1)</script>",
        "a[b]:c*d?/e\\f" * 4,
        "'x'",
    ]
    lines = [(i, bank, "收费", "国库", "2024-01-05", "10.00") for i, bank in enumerate(evil)]
    lines.append(
        (99, evil[0], "收费", "国库", "2024-01-05", "10.00", None, None, "=cmd|' /C calc'!A0")
    )
    result = fm.commission(rows(*lines))
    book, _ = open_both(settlement_workbook(result))
    formulas = [c.value for s in book for line in s.iter_rows() for c in line if c.data_type == "f"]
    assert formulas
    assert not any(
        word in f for f in formulas for word in ("HYPERLINK(", "cmd|", "SUM(A1)", "+1+1")
    )
    assert all(
        not name.startswith(("=", "+", "-", "@")) and len(name) <= 31 for name in book.sheetnames
    )
    assert not any(cell.hyperlink for s in book for line in s.iter_rows() for cell in line)
    page = settlement_page(result, warning="<b>样本</b>")
    assert "<script>" not in page
    assert "<b>样本" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"(src|href)=", page)


def test_the_page_prints_reasons_and_capital_amounts(statement: fees.CommissionStatement) -> None:
    page = settlement_page(statement)
    assert page.count("<section>") == 2
    assert "原因：直接缴库" in page
    assert "应付合计（大写）：" in page
    assert "待查收入45.00元未计入基数" in page


# --- budgets --------------------------------------------------------------------------------


def test_the_base_behind_thirty_wan() -> None:
    table = fees.implied_base(30, on="2024-01-01")
    assert table["base_yi"].tolist() == pytest.approx([1.5, 30 / 27.5, 30 / 35, 30 / 42.5, 0.6])


def test_a_complete_year_is_taken_as_it_stands() -> None:
    bases = pd.DataFrame(
        {"kind": ["罚没", "收费"], "period": ["2024", "2024"], "base_wan": [4000.0, 5000.0]}
    )
    result = fees.appropriation(bases, base_year=2024, requested_wan=30, arrears_fen=1_000_000)
    # 4,000 × 0.5 % + 5,000 × 0.2 % + 1 owed = 20 + 10 + 1
    assert result.need == pytest.approx(dict.fromkeys(result.need, 31.0))
    assert result.budget_year == 2025
    assert "1.00 万元 short" in result.notes[0]


def test_the_next_budget_of_a_statement() -> None:
    """By hand: 100 × 0.5 % = 0.50 元 of fines and 1,000 × 0.2 % = 2.00 元 of charges."""
    rows = pd.DataFrame({
        "receipt_id": [1, 2], "bank": "甲银行", "kind": ["罚没", "收费"], "account": "国库",
        "paid_in": ["2025-02-03", "2025-11-20"], "amount": ["100", "1000"],
    })  # fmt: skip
    ended = fees.appropriation(fm.commission(rows, as_of="2025-12-31"), base_year=2025)
    assert ended.known  # a month without receipts has no base; the year is whole all the same
    assert ended.need["mean"] == pytest.approx(0.00025)
    assert ended.answer("zh").startswith("2026年预算支付2025年基数（全年已知）")
    # In November there is no year before to complete it from: what is there is the least.
    half = fees.appropriation(fm.commission(rows, as_of="2025-11-30"), base_year=2025)
    assert (half.known, list(half.table["months"])) == (False, [11, 11])
    assert "至少需手续费" in half.answer("zh")
    # The statement's own rates hold for its budget.
    own = fm.commission(rows, as_of="2025-12-31", rates={"罚没": 1, "收费": 0.2})
    assert fees.appropriation(own, base_year=2025).need["mean"] == pytest.approx(0.0003)


def test_a_year_to_come_is_forecast_and_one_month_is_a_floor() -> None:
    years = pd.DataFrame(
        {
            "kind": "罚没",
            "period": [str(y) for y in range(2016, 2025)],
            "base_wan": [900.0, 930, 970, 990, 1030, 1060, 1100, 1130, 1170],
        }
    )
    result = fees.appropriation(years, base_year=2025)
    assert result.need["lo-95"] <= result.need["lo-80"] < result.need["mean"] < result.need["hi-80"]
    assert 5.5 < result.need["mean"] < 6.5
    revenue = years.rename(columns={"base_wan": "value_wan"}).assign(
        value_wan=years["base_wan"] * 2
    )
    shared = fees.appropriation(years.tail(1), base_year=2025, revenue=revenue)
    assert shared.need["mean"] == pytest.approx(result.need["mean"], rel=1e-6)
    assert "50.0%" in shared.notes[0]
    short = pd.DataFrame({"kind": "罚没", "period": ["2025-01"], "base_wan": [100.0]})
    floor = fees.appropriation(short, base_year=2025)
    assert floor.need["mean"] == pytest.approx(0.5)
    assert "a floor and no forecast" in floor.notes[0]


def test_a_year_under_way_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}

    class Made:
        full_year = pd.Series(
            {"mean": 1300.0, "lo-80": 1250, "hi-80": 1350, "lo-95": 1200, "hi-95": 1400}
        )

    def nowcast(cumulative: pd.Series) -> Made:
        given["cumulative"] = cumulative
        return Made()

    monkeypatch.setattr("fiscalmodel.revenue.nowcast.nowcast_year", nowcast)
    months = [f"2024-{m:02d}" for m in range(1, 13)] + ["2025-01", "2025-02", "2025-03"]
    bases = pd.DataFrame({"kind": "罚没", "period": months, "base_wan": 100.0})
    result = fees.appropriation(bases, base_year=2025, requested_wan=6.8)
    assert given["cumulative"].tolist() == [100.0 * m for m in range(1, 13)] + [100.0, 200.0, 300.0]
    assert result.need["mean"] == pytest.approx(6.5)
    assert result.table["base_to_date_wan"].tolist() == [300.0]
    assert "nine cases of ten" in result.notes[0]


def test_a_year_under_way_by_the_real_nowcast() -> None:
    months = [f"{y}-{m:02d}" for y in (2022, 2023, 2024) for m in range(1, 13)]
    months += [f"2025-{m:02d}" for m in range(1, 8)]
    values = [100.0 + i / 2 + 9 * (i % 3) for i in range(len(months))]
    bases = pd.DataFrame({"kind": "罚没", "period": months, "base_wan": values})
    result = fees.appropriation(bases, base_year=2025)
    row = result.table.iloc[0]
    assert (row["months"], row["method"]) == (7, "nowcast_year")
    assert sum(values[36:]) < row["lo-95"] <= row["lo-80"] < row["mean"] < row["hi-80"]
    assert result.need["mean"] == pytest.approx(row["mean"] * 0.005)


def test_jianghan_as_printed() -> None:
    history = fees.programme_history().set_index("year")
    assert history["initial_budget_wan"].to_dict() == {2022: 194.0, 2023: 57.0, 2024: 42.0}
    assert history.loc[2022, ["adjusted_budget_wan", "executed_wan"]].tolist() == [51.98, 51.98]
    assert history.loc[2023, "executed_to"] == "2023-07"
    assert history.loc[2023, "of_initial_pct"] == pytest.approx(37.6 / 57 * 100)
    assert history["commissions_wan"].isna().tolist() == [True, True, False]
    assert history.loc[2024, "commissions_wan"] == 30
    lines = fees.published_lines().set_index("line")["printed"]
    total, district, transfer = (
        int(lines[i])
        for i in ("当年预算合计", "1.财政拨款收入(区级安排数)", "2.财政拨款收入(上级转移支付)")
    )
    assert total == district + transfer
    first = sum(int(lines[i]) for i in ("非税代收银行手续费用", "财政票据", "国库改革经费"))
    second = sum(
        int(lines[i])
        for i in ("非税代收银行手续费用:上级转移支付金额", "国库改革经费:上级转移支付金额")
    )
    assert (first, second) == (total, transfer)  # what the notebook says about the two columns


def test_accrual_and_cash_close(statement: fees.CommissionStatement) -> None:
    payments = [{"bank": "甲银行", "amount": "3.00", "paid_on": "2025-03-01"}]
    table = fees.accrual_and_cash(statement, payments, opening_fen=50)
    assert table["year"].tolist() == [2024, 2025]
    assert (table["opening_fen"] + table["accrued_fen"] - table["paid_fen"]).equals(
        table["closing_fen"]
    )
    assert table["closing_fen"].tolist() == [50 + statement.fee_fen, 50 + statement.fee_fen - 300]
    with pytest.raises(fm.InputError, match="is not a date"):
        fees.accrual_and_cash(statement, [{"bank": "甲银行", "amount": 1, "paid_on": "soon"}])


def test_paying_agents_are_another_fee() -> None:
    items = [
        {"item": "直接支付", "count": 1200, "price": "1.50"},
        {"item": "授权支付", "count": "3000", "price": 0.8},
    ]
    # (1,200 × 1.50 + 3,000 × 0.80) × 96.5 % = 4,200 × 96.5 % = 4,053.00
    fee = fees.paying_agent_fee(items, assessment_pct="96.5")
    assert (fee.full_fen, fee.fee_fen) == (420_000, 405_300)
    assert fees.paying_agent_fee(items, cap_fen=100).fee_fen == 100
    with pytest.raises(fm.InputError, match="is not a number of items"):
        fees.paying_agent_fee([{"item": "a", "count": "1.5", "price": 1}])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_results_draw_and_show_themselves(statement: fees.CommissionStatement, lang: str) -> None:
    bases = pd.DataFrame({"kind": ["罚没"], "period": ["2024"], "base_wan": [4000.0]})
    need = fees.appropriation(bases, base_year=2024, requested_wan=30)
    fee = f"{statement.fee_fen / 100:,.2f}"
    for result, number in ((statement, fee), (need, "20.00")):
        chart = result.plot(lang)
        axis = chart.figure.axes[0]
        assert axis.get_title(loc="left")
        assert "元" in axis.get_xlabel()
        assert chart.png().startswith(b"\x89PNG")
        with speaking(lang):
            html = result._repr_html_()
        assert number in html.split("<table>")[0]  # the answer stands first
        assert ("手续费" in html) == (lang == "zh")
    # 4,000 万元 × 0.5 % = 20.00
    assert "20.00" in need.plot(lang).alt
