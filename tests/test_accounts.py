"""The four budgets: published accounts close, each transfer meets its other end, any layout."""

from __future__ import annotations

import random
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.budget.account import close_balance, known_line
from fiscalmodel.budget.budgets import close_budgets
from fiscalmodel.errors import InputError

from .conftest import SOAK

#: 甘谷县 2024, general budget, in the order of its final account.
RESOURCES = {
    "收入": 42_100, "上级补助收入": 387_613, "地方政府一般债券转贷收入": 13_038, "上年结余": 7_546,
    "调入资金": 199, "动用预算稳定调节基金": 731,
}  # fmt: skip
USES = {
    "支出": 409_525, "上解上级支出": 6_456, "债务还本支出": 8_200, "安排预算稳定调节基金": 182,
    "区域间转移性支出": 1_170, "年终结余": 25_694,
}  # fmt: skip


@pytest.fixture(scope="module")
def lijiang(project: Path):
    return fm.read_accounts(project / "data/lijiang_accounts.csv")


@pytest.fixture(scope="module")
def book() -> Path:
    file = Path(__file__).parents[2] / "shared/real/lijiang_2025_budget_attachment.xlsx"
    if not file.is_file():
        pytest.skip("the budget book is not beside the project")
    return file


# ---- published accounts ----


@pytest.mark.parametrize(
    ("region", "year", "budget", "total", "carried"),
    [
        ("gangu", 2024, "general", 451_227, 25_694),
        ("gangu", 2024, "fund", 60_473, 7_886),
        ("gangu", 2023, "general", 481_342, 7_546),
        ("yizhou", 2024, "general", 907_700, 0),
    ],
)
def test_published_counties_close(project: Path, region, year, budget, total, carried):
    made = fm.read_accounts(project / "data/county_balances.csv", region=region)
    account = made.account(budget, year)
    assert account.resources_wan == pytest.approx(total, abs=1e-6)
    assert account.carry_over_wan == pytest.approx(carried, abs=1e-6)
    assert account.misfit_wan == 0
    assert made.closes


def test_what_a_county_does_not_say_is_noted(project: Path):
    made = fm.read_accounts(project / "data/county_balances.csv", region="gangu")
    outside = made.findings[made.findings["rule"].eq("transfer_from_outside")]
    assert outside["computed"].tolist() == [199, 335]
    assert set(outside["severity"]) == {"note"}  # the budgets that may have sent it are not given


def test_every_account_of_lijiang_closes_or_its_misfit_is_named(lijiang):
    table = lijiang.table.set_index(["level", "year", "version", "budget"])
    assert len(table) == 35
    misfits = table.loc[table["misfit_wan"].ne(0), "misfit_wan"]
    assert misfits.to_dict() == {
        ("whole", 2025, "initial_budget", "social_insurance"): -8_295,
        ("whole", 2026, "initial_budget", "social_insurance"): -7_387,
        ("own", 2025, "initial_budget", "social_insurance"): -9_592,
        ("own", 2025, "adjusted_budget", "social_insurance"): -9_591,
        ("own", 2026, "initial_budget", "social_insurance"): -8_056,
    }
    named = lijiang.findings[lijiang.findings["rule"].eq("budget_identity")]
    assert len(named) == len(misfits)
    assert named["explanation"].str.contains("implies an opening of").all()
    general = table.loc[("whole", 2025, "execution", "general")]
    assert general["resources_wan"] == 2_081_074
    assert general["carry_over_wan"] == 45_807
    # 648,290 + 403,606 − 349,008 = 702,888, as printed.
    social = table.loc[("whole", 2025, "execution", "social_insurance")]
    assert social["carry_over_wan"] == 702_888


def test_transfers_of_lijiang(lijiang):
    moves = lijiang.transfers.query("level == 'whole' and year == 2025 and version == 'execution'")
    by_origin = moves.set_index("from_budget")["in_wan"]
    # 34,108 moved in: 17,312 from the funds, 2,716 from state capital, the rest is not named.
    assert by_origin.to_dict() == {"fund": 17_312, "state_capital": 2_716, "": 14_080}
    back = lijiang.transfers.query("level == 'whole' and year == 2024 and to_budget == 'fund'")
    assert back[["out_wan", "in_wan"]].to_numpy().tolist() == [[3_948, 3_948]]
    assert lijiang.transfers.query("from_budget != ''")["gap_wan"].eq(0).all()


def test_the_data_are_those_of_the_book(lijiang, book: Path):
    read = fm.read_accounts(book)
    keys = ["level", "year", "version", "budget"]
    pd.testing.assert_frame_equal(
        lijiang.table.sort_values(keys, ignore_index=True),
        read.table.sort_values(keys, ignore_index=True),
    )
    sheets = {sheet.title.strip(): sheet for sheet in openpyxl.load_workbook(book, data_only=True)}
    root = Path(fm.__file__).parents[1]
    for name in ("lijiang_accounts", "lijiang_debt"):
        rows = pd.read_csv(root / f"data/{name}.csv", dtype=str)
        places = rows["source"].str.extract(r"（(?P<sheet>[^（）!]+)!(?P<cell>[A-Z]+\d+)）")
        for value, sheet, cell in zip(rows["value"], places["sheet"], places["cell"], strict=True):
            assert float(sheets[sheet][cell].value) == float(value), (sheet, cell)


@pytest.mark.parametrize("level", ["whole", "own"])
@pytest.mark.parametrize("kind", ["general", "special", "total"])
@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_the_debt_of_lijiang_rolls_forward(project: Path, level, kind, year):
    table = pd.read_csv(project / "data/lijiang_debt.csv")
    mine = table.query("level == @level and debt_type == @kind and period == @year")
    items = mine.set_index("item")["value"]
    closing = items["opening"] + items["issued"] - items["principal_due"]
    assert closing + items["adjusted"] == pytest.approx(items["balance"], abs=0.005)
    assert items["balance"] <= items["limit"]


def test_limits_of_lijiang_by_district(project: Path):
    table = pd.read_csv(project / "data/lijiang_debt.csv")
    limits = table[table["unit"].eq("亿元")]
    for (_, _kind), rows in limits.groupby(["area", "debt_type"]):
        items = {(r["item"], r["period"]): r["value"] for _, r in rows.iterrows()}
        made = items["limit", 2024] + items["limit_new", 2025] + items["limit_taken_back", 2025]
        made += items.get(("limit_adjusted", 2025), 0.0)
        assert made == pytest.approx(items["limit", 2025], abs=5e-5)


# ---- layouts ----


def rows_of(side: dict[str, float], total: str) -> list[list[object]]:
    return [*([name, value] for name, value in side.items()), [total, sum(side.values())]]


def write(file: Path, rows: list[list[object]], merged: tuple[str, ...] = ()) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place in merged:
        book.active.merge_cells(place)
    book.save(file)
    return file


def side_by_side() -> list[list[object]]:
    left, right = rows_of(RESOURCES, "收入总计"), rows_of(USES, "支出总计")
    title = [["云溪县2024年一般公共预算收支平衡表"], [None, None, None, "单位：万元"]]
    head = [["收入", None, "支出", None], ["项目", "决算数", "项目", "决算数"]]
    return [*title, *head, *([*a, *b] for a, b in zip(left, right, strict=True))]


def stacked() -> list[list[object]]:
    head = [["附表1"], ["云溪县2024年一般公共预算收支决算平衡表"], ["单位：万元"]]
    head.append(["项　　目", "2024年预算数", "2024年决算数", "决算数为预算数的%"])
    lines = [*rows_of(RESOURCES, "收入总计"), *rows_of(USES, "支出总计")]
    return [*head, *([f"  {name}", value, value, 100.0] for name, value in lines)]


def numbered() -> list[list[object]]:
    head = [["2024年云溪县一般公共预算收支平衡情况表"], [None, "单位：亿元"], ["项目", "金额"]]
    lines = [*rows_of(RESOURCES, "收入总计"), *rows_of(USES, "支出总计")]
    marks = ["一、", "（二）", "1.", "其中：", "(3)", ""]
    return [
        *head,
        *([marks[i % 6] + str(name), value / 10_000] for i, (name, value) in enumerate(lines)),
    ]


def under_headings() -> list[list[object]]:
    """Transfers under a heading, items under revenue, parts instead of 上级补助收入."""
    head = [["2024年云溪县一般公共预算收支决算总表"], ["单位:万元"], ["预算科目", "决算数"]]
    return [
        *head,
        ["税收收入", 30_000], ["非税收入", 12_100], ["国有资本经营收入", 0],
        ["本年收入合计", 42_100],
        ["地方政府一般债务转贷收入", 13_038],
        ["转移性收入", 396_089],
        ["  返还性收入", 4_599], ["  一般性转移支付收入", 362_341], ["  专项转移支付收入", 20_673],
        ["  上年结余收入", 7_546], ["  调入资金", 199], ["  动用预算稳定调节基金", 731],
        ["收入总计", 451_227],
        ["一般公共服务支出", 400_000], ["债务付息支出", 9_525],
        ["本年支出合计", 409_525],
        ["转移性支出", 33_502],
        ["  上解支出", 6_456], ["  安排预算稳定调节基金", 182], ["  区域间转移性支出", 1_170],
        ["  年终结余", 25_694],
        ["地方政府一般债务还本支出", 8_200],
        ["支出总计", 451_227],
    ]  # fmt: skip


def years_under_groups() -> list[list[object]]:
    """Two years below 收入 and 支出, sublines of one line, amounts in 元 as text, a note."""
    left = [["本 年 收 入", 42_100], ["上级补助收入", 387_613], ["上年结余", 7_546],
            ["债务转贷收入", 13_038], ["调入资金", 199], ["  从政府性基金预算调入", 150],
            ["  从国有资本经营预算调入", 49], ["动用预算稳定调节基金", 731],
            ["收  入  总  计", 451_227]]  # fmt: skip
    right = [["本 年 支 出", 409_525], ["上解上级支出", 6_456], ["  体制上解支出", 456],
             ["  专项上解支出", 6_000], ["债务还本支出", 8_200], ["安排预算稳定调节基金", 182],
             ["区域间转移支付支出", 1_170], ["年终结余", 25_694],
             ["支  出  总  计", 451_227]]  # fmt: skip
    head = [["2024年度云溪县一般公共预算收支决算平衡表"], [None] * 5 + ["单位：元"]]
    head += [["收      入", None, None, "支      出", None, None]]
    head += [["项  目", "2023年决算数", "2024年决算数"] * 2, ["栏次", 1, 2, "栏次", 3, 4]]
    body = [
        [a, "469,000,000.00" if n == 0 else None, f"{x * 10_000:,.2f}",
         b, None, f"{y * 10_000:,.2f}"]
        for n, ((a, x), (b, y)) in enumerate(zip(left, right, strict=True))
    ]  # fmt: skip
    return [*head, *body, ["注：本表数据为决算数。"]]


LAYOUTS = [side_by_side, stacked, numbered, under_headings, years_under_groups]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_a_printed_account(tmp_path: Path, layout):
    rows = layout()
    merged = {
        side_by_side: ("A1:D1", "A3:B3", "C3:D3"), years_under_groups: ("A3:C3", "D3:F3"),
    }.get(layout, ())  # fmt: skip
    made = fm.read_accounts(write(tmp_path / "平衡表.xlsx", rows, merged))
    account = made.account("general", 2024)
    assert account.resources_wan == pytest.approx(451_227)
    assert account.carry_over_wan == pytest.approx(25_694)
    assert account.misfit_wan == 0


def test_lines_that_say_where_money_comes_from(tmp_path: Path):
    rows = years_under_groups()
    made = fm.read_accounts(write(tmp_path / "来源.xlsx", rows, ("A3:C3", "D3:F3")))
    moves = made.transfers.set_index("from_budget")["in_wan"]
    assert moves.to_dict() == {"fund": 150, "state_capital": 49}
    # The column of 2023 has one side only: said, not closed.
    side = made.findings.set_index("rule").loc["side_missing"]
    assert "2023" in side["where"]
    assert "expenditure line is missing" in side["explanation"]


def test_two_sheets_and_a_plain_csv(tmp_path: Path):
    book = openpyxl.Workbook()
    for sheet, side, total, word in (
        (book.active, RESOURCES, "收入合计", "收入"),
        (book.create_sheet(), USES, "支出合计", "支出"),
    ):
        sheet.append([f"云溪县2024年一般公共预算{word}决算表"])
        sheet.append([None, "单位：万元"])
        sheet.append(["项目", "决算数"])
        for row in rows_of(side, total):
            sheet.append(row)
    book.save(tmp_path / "两表.xlsx")
    account = fm.read_accounts(tmp_path / "两表.xlsx").account()
    assert (account.resources_wan, account.misfit_wan) == (451_227, 0)
    lines = [*rows_of(RESOURCES, "收入总计"), *rows_of(USES, "支出总计")]
    text = "\n".join(["项目,金额（万元）", *(f'{name},"{value:,}"' for name, value in lines)])
    (tmp_path / "plain.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="says the year"):
        fm.read_accounts(tmp_path / "plain.csv")
    account = fm.read_accounts(tmp_path / "plain.csv", year=2024).account()
    assert (account.resources_wan, account.carry_over_wan) == (451_227, 25_694)


def test_what_does_not_close_names_the_amount_and_the_likeliest_line(tmp_path: Path):
    rows = [row for row in stacked() if str(row[0]).strip() != "债务还本支出"]
    made = fm.read_accounts(write(tmp_path / "缺.xlsx", rows))
    found = made.findings.set_index("where")
    cell = "whole 2024 final_account general total_uses"
    assert found.loc[cell, "difference"] == 8_200
    assert "likeliest missing: principal repaid" in found.loc[cell, "explanation"]
    assert not made.closes


def test_a_line_on_the_wrong_side_and_one_counted_twice():
    items = {**RESOURCES, **USES, "支出总计": 451_227, "收入总计": 451_227 - 2 * 199}
    assert "wrong side" in close_balance(items).found[0].explanation
    items["收入总计"] = 451_227 - 731
    assert "counted twice" in close_balance(items).found[0].explanation


def test_words_of_other_budgets_are_items_here():
    assert known_line("国有资本经营收入", "general") is None
    assert known_line("国有资本经营收入", "state_capital") == "revenue"
    assert known_line("市本级政府性基金预算收入", "fund") == "revenue"
    assert known_line("收入合计", "social_insurance") == "revenue"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["2024年一般公共预算收入表"], ["单位：万元"], ["项目", "决算数"],
          ["一般公共预算收入", 5], ["收入总计", 5]], "expenditure line is missing"),
        ([["2024年一般公共预算收支平衡表"], ["项目", "决算数"], ["本年收入", 5], ["本年支出", 5]],
         "unit"),
        ([["职工名单"], ["单位：人"], ["姓名", "人数"], ["张三", 1]], "holds no account"),
    ],
)  # fmt: skip
def test_bad_accounts_say_what_is_missing(tmp_path: Path, rows, words):
    with pytest.raises(InputError, match=words):
        fm.read_accounts(write(tmp_path / "表.xlsx", rows))


# ---- transfers between the budgets ----


def line(budget: str, item: str, amount: float, **more: object) -> dict[str, object]:
    return {
        "budget": budget, "level": "own", "year": 2026, "version": "initial_budget",
        "item": item, "amount_wan": amount, **more,
    }  # fmt: skip


def plan(seed: int) -> pd.DataFrame:
    """A random plan of four budgets that closes, by its own bookkeeping, in whole 分."""
    draw = random.Random(seed)
    money = lambda: draw.randrange(0, 10**9) / 100  # noqa: E731
    rows, out, into = [], dict[str, float](), dict[str, float]()
    ways = [("fund", "general"), ("state_capital", "general"), ("general", "fund")]
    for source, target in draw.sample(ways, draw.randrange(0, 4)):
        amount = money()
        rows.append(line(source, "transfers_out", amount, counterpart=target))
        rows.append(line(target, "transfers_in", amount, counterpart=source))
        out[source] = out.get(source, 0.0) + amount
        into[target] = into.get(target, 0.0) + amount
    if draw.random() < 0.5:
        amount = money()
        rows.append(line("general", "transfers_in", amount, counterpart="预算外专户清理"))
        into["general"] = into.get("general", 0.0) + amount
    for budget in ("general", "fund", "state_capital", "social_insurance"):
        opening, spent, carried = money(), money(), money()
        revenue = spent + carried + out.get(budget, 0.0) - into.get(budget, 0.0) - opening
        opening = max(0.0, opening + min(revenue, 0.0))
        revenue = max(revenue, 0.0)
        total = revenue + opening + into.get(budget, 0.0)
        rows += [
            line(budget, "revenue", revenue), line(budget, "opening_carry_over", opening),
            line(budget, "expenditure", spent), line(budget, "total_resources", total),
            line(budget, "carry_over", total - spent - out.get(budget, 0.0)),
        ]  # fmt: skip
    return pd.DataFrame(rows)


def test_random_plans_lose_nothing():
    """Plans of a hundred years at once, each year one of its own."""
    for first in range(0, 10_000 if SOAK else 200, 100):
        parts = [plan(seed).assign(year=2026 + seed % 100) for seed in range(first, first + 100)]
        lines = pd.concat(parts, ignore_index=True)
        made = close_budgets(lines)
        assert {f.rule for f in made.found if f.severity == "error"} <= {"budget_identity"}, first
        assert made.table["misfit_wan"].abs().max() < 0.5, first
        moves = made.transfers
        inside = moves[moves["from_budget"].ne("")]
        assert inside["gap_wan"].abs().max() < 1e-6, first
        for item, column in (("transfers_out", "out_wan"), ("transfers_in", "in_wan")):
            given = lines[lines["item"].eq(item)].groupby("year")["amount_wan"].sum()
            told = moves.groupby("year")[column].sum()
            told = told.reindex(given.index, fill_value=0.0)
            assert (given - told).abs().max() < 1e-6, first
        # All four together: what came in is spent or carried over; transfers cancel.
        gaps = made.table["resources_wan"] - made.table["uses_wan"] - made.table["carry_over_wan"]
        assert gaps.abs().max() < 1e-6, first
        assert len(made.table) == 400


def test_a_transfer_without_its_other_end_is_found():
    base = [
        line(budget, item, 100.0)
        for budget in ("general", "fund", "state_capital", "social_insurance")
        for item in ("revenue", "expenditure")
    ]

    def rules(*more: dict[str, object]) -> set[str]:
        made = close_budgets(pd.DataFrame([*base, *more]))
        return {f.rule for f in made.found} - {"budget_identity", "state_capital_transfer"}

    lost = line("fund", "transfers_out", 40.0, counterpart="general")
    assert rules(lost) == {"transfer_without_end"}
    assert rules(lost, line("general", "transfers_in", 40.0, counterpart="fund")) == set()
    assert rules(lost, line("general", "transfers_in", 25.0)) == {"transfer_without_end"}
    assert rules(line("general", "transfers_in", 25.0)) == {"transfer_from_outside"}
    assert rules(line("general", "transfers_in", 25.0, counterpart="财政专户清理")) == set()
    leaves = line("social_insurance", "transfers_out", 5.0, counterpart="general")
    assert "social_insurance_leaves" in rules(leaves)
    helped = line("social_insurance", "transfers_in", 5.0, counterpart="general")
    assert "social_insurance_subsidy" in rules(helped)


def test_rules_of_the_budgets():
    """Fund: 500 carried over of 1,000 income, 150 of it bond money: 350 − 300 = 50 above.

    State capital sends 20 of 100, below 30 %. General: 60 above the budget's revenue, 80 more
    spent, nothing into the fund.
    """
    rows = [
        line("general", "revenue", 1_000.0), line("general", "expenditure", 1_000.0),
        line("general", "revenue", 1_060.0, version="execution"),
        line("general", "opening_carry_over", 20.0, version="execution"),
        line("general", "expenditure", 1_080.0, version="execution"),
        line("fund", "revenue", 1_000.0), line("fund", "expenditure", 500.0),
        line("fund", "carry_over", 350.0), line("fund", "carry_over", 150.0, restricted="bonds"),
        line("state_capital", "revenue", 100.0), line("state_capital", "expenditure", 80.0),
        line("state_capital", "transfers_out", 20.0, counterpart="general"),
        line("general", "transfers_in", 20.0, counterpart="state_capital"),
        line("general", "remitted_up", 20.0),
    ]  # fmt: skip
    found = close_budgets(pd.DataFrame(rows)).findings.set_index("rule")
    assert found.loc["fund_carry_over", "difference"] == pytest.approx(50)
    assert found.loc["state_capital_transfer", "computed"] == pytest.approx(30)
    assert found.loc["surplus_spent", "computed"] == pytest.approx(60)


def test_tied_money_stays_tied():
    rows = [
        line("general", "revenue", 100.0), line("general", "expenditure", 130.0),
        line("general", "transfers_from_above", 40.0, restricted="农田建设"),
        line("general", "expenditure", 10.0, restricted="农田建设"),
    ]  # fmt: skip
    made = close_budgets(pd.DataFrame(rows))
    # 30 of the tied 40 are left, but nothing is carried over: they paid for something else.
    found = made.findings.set_index("rule").loc["restricted_money"]
    assert (found["stated"], found["computed"]) == (0, 30)


def test_items_told_by_their_words_alone():
    """Bonds printed as two kinds are one line; what stays untold is named where it is missing."""
    bonds = read_items({"收入": 100, "新增一般债券收入": 50, "再融资一般债券收入": 5, "支出": 150,
                        "债务还本支出": 5})  # fmt: skip
    assert bonds.account("general").table.set_index("item")["amount_wan"]["bond_proceeds"] == 55
    assert bonds.closes
    # 100 + 5 + 3 − 100: the balance that is printed holds 3 of a line that no list knows.
    rest = read_items({"收入": 100, "上年结余": 5, "待偿债置换一般债券上年结余": 3, "支出": 100,
                       "结转下年": 8})  # fmt: skip
    assert "待偿债置换一般债券上年结余" in rest.found[0].said("zh")


def read_items(items: dict[str, float]):
    rows = [
        {"budget": "一般公共预算", "year": 2024, "item": name, "amount_wan": amount}
        for name, amount in items.items()
    ]
    return fm.read_accounts(pd.DataFrame(rows))
