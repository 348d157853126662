"""Every door × every spelling: all read the same value, or refuse.

A door takes a small table as text cells and gives back what it read of one cell. To add
a door, add a line to DOORS; where a door has no place for a kind (a ledger has no
period), leave the kind out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

import fiscalmodel as fm
from fiscalmodel.series import catalog, templates
from fiscalmodel.series.assembly import table_to_series
from fiscalmodel.tables.readers import read_table
from fiscalmodel.tables.records import read_columns, read_records

DATA = Path(__file__).resolve().parents[1] / "data"

REFUSED = "refused"


@dataclass(frozen=True)
class Shape:
    """How a file is written around its table."""

    encoding: str = "utf-8"
    separator: str = ","
    titles: tuple[str, ...] = ()
    unit: str = ""


def write(folder: Path, header: Sequence[str], rows: Sequence[Sequence[str]], shape: Shape) -> Path:
    """The table as CSV in the given shape."""
    path = folder / "表.csv"
    wide = [*header]
    lines = [[title] for title in shape.titles]
    if shape.unit:
        lines.append([*[""] * (len(wide) - 1), f"单位：{shape.unit}"])

    def line(cells: Sequence[str]) -> str:
        padded = [*cells, *[""] * (len(wide) - len(cells))]
        return shape.separator.join(
            f'"{c}"' if shape.separator in c or "," in c else c for c in padded
        )

    text = "\n".join(map(line, [*lines, wide, *rows])) + "\n"
    path.write_bytes(text.encode(shape.encoding))
    return path


# ---- doors: a cell of a kind goes in, what was read comes out ----

LEDGER = {
    "债务编号": "A1", "债务人": "甲公司", "本金余额（万元）": "100", "利率（%）": "5",
    "起始日": "2024-01-01", "到期日": "2027-12-31",
}  # fmt: skip
RECEIPT = {
    "缴款书编号": "R1", "代收银行": "甲银行", "收入类别": "罚没", "缴入账户": "国库",
    "缴入日期": "2025-01-02", "金额": "200",
}  # fmt: skip
SERIES = {"指标": "收入", "期间": "2024", "数值": "100"}


def _file(folder: Path, base: dict[str, str], shape: Shape, unit: bool, **cells: str) -> Path:
    row = base | cells
    shape = (
        shape
        if shape.unit or not unit
        else Shape(shape.encoding, shape.separator, shape.titles, "万元")
    )
    return write(folder, list(row), [list(row.values())], shape)


def ledger_records(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`read_records` on a ledger."""
    at = {"number": "利率（%）", "amount": "本金余额（万元）", "day": "到期日"}[kind]
    path = _file(folder, LEDGER, shape, False, **{at: cell})
    records = read_records(path, name="ledger", columns=("contract_id", "debtor", "principal_wan",
                           "rate_pct", "start", "maturity"))  # fmt: skip
    (row,) = records.rows
    read = {"number": lambda: row.number("rate_pct"), "amount": lambda: row.wan("principal_wan"),
            "day": lambda: row.day("maturity")}[kind]()  # fmt: skip
    records.done()
    return read


def ledger_template(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`templates.read`."""
    at = {"number": "利率（%）", "amount": "本金余额（万元）", "day": "到期日"}[kind]
    frame = templates.read("debt", _file(folder, LEDGER, shape, False, **{at: cell}))
    column = {"number": "rate_pct", "amount": "principal_wan", "day": "maturity"}[kind]
    value = frame[column].iloc[0]
    return dt.date.fromisoformat(value) if kind == "day" else value


def printed_table(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`read_table`."""
    assert kind in ("number", "amount")
    at = {"number": "利率（%）", "amount": "本金余额（万元）"}[kind]
    table = read_table(_file(folder, LEDGER, shape, True, **{at: cell}))
    return table.frame[at.replace("（", "(").replace("）", ")")].iloc[0]


def series(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`load_series`."""
    at = {"number": "数值", "amount": "数值", "period": "期间"}[kind]
    found = fm.load_series(_file(folder, SERIES, shape, True, **{at: cell}))
    return str(found.values.index[0]) if kind == "period" else found.values.iloc[0]


def receipts(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`read_columns` on receipts."""
    path = _file(folder, RECEIPT, shape, False, **({"缴入日期": cell} if kind == "day" else {}))
    table = read_columns(path, name="receipts", columns=("receipt_id", "bank", "kind", "account",
                         "paid_in", "amount"), required=("amount",))  # fmt: skip
    assert kind == "day"
    from fiscalmodel.days import day

    read = day(table.frame["paid_in"].iloc[0])
    return REFUSED if read is None else read


def bonds_and_plan_periods(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`read_records` on sources of funds."""
    base = {"资金来源编号": "GPB", "类别": "财政资金", "期间": "2026", "可用额度（万元）": "100"}
    at = {"period": "期间", "amount": "可用额度（万元）"}[kind]
    records = read_records(_file(folder, base, shape, False, **{at: cell}), name="sources",
                           columns=("source_id", "category", "period", "cap_wan"))  # fmt: skip
    (row,) = records.rows
    read = str(row.period("period")) if kind == "period" else row.wan("cap_wan")
    records.done()
    return read


def hidden_ledger(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`fm.read_hidden_ledger`."""
    at = {"number": "利率（%）", "amount": "本金余额（万元）", "day": "到期日"}[kind]
    table = fm.read_hidden_ledger(_file(folder, LEDGER, shape, False, **{at: cell})).table
    column = {"number": "rate_pct", "amount": "principal_wan", "day": "maturity"}[kind]
    return table[column].iloc[0]


def clearance(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`fm.plan_clearance`, by the opening balance of its ledger."""
    assert kind == "amount"
    path = _file(folder, LEDGER, shape, False, **{"本金余额（万元）": cell})
    plan = fm.plan_clearance(path, None, as_of="2025-12-31")
    return plan.balances["hidden_wan"].iloc[0]


def commission(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`fm.commission`, by its base in 万元, or by the month of the receipt."""
    header = {"金额（万元）" if k == "金额" else k: v for k, v in RECEIPT.items()}
    if kind == "amount":
        path = _file(folder, header, shape, False, **{"金额（万元）": cell})
        return fm.commission(path, rates={"罚没": 0.5}).table["base_fen"].sum() / 1_000_000
    path = _file(folder, header, shape, False, **{"缴入日期": cell})
    found = fm.commission(path, rates={"罚没": 0.5}, as_of=dt.date(2027, 6, 30), period="month")
    assert str(found.table["period"].iloc[0]).startswith("2027")
    return dt.date(2027, 6, 30)


def checks(folder: Path, kind: str, cell: str, shape: Shape) -> Any:
    """`fm.reconcile`: a sum that ties only where both cells are read as printed."""
    assert kind == "amount"
    rows = [["甲", cell], ["乙", "100"], ["合计", "1334.5"]]
    wide = Shape(shape.encoding, shape.separator, shape.titles, shape.unit or "万元")
    path = write(folder, ["项目", "金额（万元）"], rows, wide)
    wrong = [f for f in fm.reconcile(path) if f.severity == "error"]
    for finding in wrong:
        if finding.rule == "unreadable":  # a check lists what the other doors raise
            raise fm.InputError(finding.where, finding.said)
    assert not wrong
    return 1234.5


#: Name -> the door and the kinds of cells that it takes. Others add a line.
DOORS: dict[str, tuple[Callable[[Path, str, str, Shape], Any], tuple[str, ...]]] = {
    "records": (ledger_records, ("number", "amount", "day")),
    "template": (ledger_template, ("number", "amount", "day")),
    "table": (printed_table, ("number", "amount")),
    "series": (series, ("amount", "period")),
    "receipts": (receipts, ("day",)),
    "sources": (bonds_and_plan_periods, ("period", "amount")),
    "hidden ledger": (hidden_ledger, ("number", "amount", "day")),
    "clearance": (clearance, ("amount",)),
    "commission": (commission, ("amount", "day")),
    "checks": (checks, ("amount",)),
}

#: Kind -> spelling -> what it is, or REFUSED.
SPELLINGS: dict[str, dict[str, Any]] = {
    "number": {
        "5.25": 5.25, "5.25%": 5.25, "５．２５": 5.25, " 5.25 ": 5.25, "+5.25": 5.25,
        "0005.25": 5.25, "1,23": REFUSED, "28,00": REFUSED, "5..2": REFUSED, "五": REFUSED,
        "5_0": REFUSED, "inf": REFUSED, "1e999": REFUSED, "0x10": REFUSED,
    },
    "amount": {
        "1234.5": 1234.5, "1,234.5": 1234.5, "1 234.5": 1234.5, "１，２３４．５": 1234.5,
        "1234.50": 1234.5, "0.12345亿元": 1234.5, "12345000元": 1234.5, "1,23": REFUSED,
        "28,00": REFUSED, "12,34.5": REFUSED, "一千": REFUSED, "1e999": REFUSED,
    },
    "day": dict.fromkeys(
        ["2027-06-30", "2027/6/30", "2027.6.30", "20270630", "2027年6月30日", "2027年06月30日",
         "２０２７-０６-３０", "2027-06-30 00:00:00", " 2027-6-30 "], dt.date(2027, 6, 30)
    ) | dict.fromkeys(["2027-02-30", "2027-13-01", "30.6.2027", "2027-6", "六月"], REFUSED),
    "period": {
        "2027": "2027", "2027年": "2027", "2027年度": "2027", "FY2027": "2027", "2027.0": "2027",
        "2027Q2": "2027Q2", "2027年第二季度": "2027Q2", "2027年二季度": "2027Q2",
        "2027-Q2": "2027Q2", "2027-06": "2027-06", "2027年6月": "2027-06", "2027.10": "2027-10",
        "202706": "2027-06", "2027年1-6月": "2027-06", "2027年上半年": "2027-06",
        "27": REFUSED, "2027Q5": REFUSED, "2027-13": REFUSED, "明年": REFUSED,
    },
}  # fmt: skip

CASES = [
    pytest.param(door, kind, cell, right, id=f"{door}-{kind}-{cell}")
    for door, (_, kinds) in DOORS.items()
    for kind in kinds
    for cell, right in SPELLINGS[kind].items()
]


@pytest.mark.parametrize(("door", "kind", "cell", "right"), CASES)
def test_every_spelling_through_every_door(
    door: str, kind: str, cell: str, right: Any, tmp_path: Path
) -> None:
    read, _ = DOORS[door]
    if right is REFUSED and door != "receipts":
        with pytest.raises(fm.InputError, match=r"表\.csv"):
            read(tmp_path, kind, cell, Shape())
        return
    found = read(tmp_path, kind, cell, Shape())
    if isinstance(right, float):
        assert found == pytest.approx(right, rel=1e-12)
    else:
        assert found == right


SHAPES = [
    Shape(encoding=encoding, separator=separator, titles=titles)
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16")
    for separator in (",", ";", "\t", "，")
    for titles in ((), ("青山市台账",), ("附件1", "青山市2024年情况表"))
]
PLAIN = {"number": "5.25", "amount": "1234.5", "day": "2027-06-30", "period": "2027"}


@pytest.mark.parametrize("door", DOORS)
def test_every_shape_of_file_through_every_door(door: str, tmp_path: Path) -> None:
    read, kinds = DOORS[door]
    for kind in kinds:
        for shape in SHAPES:
            found = read(tmp_path, kind, PLAIN[kind], shape)
            assert found == SPELLINGS[kind][PLAIN[kind]], shape


UNITS = {"元": 0.01, "万元": 100.0, "亿元": 1_000_000.0, "千元": 10.0}


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_line_holds_where_the_header_states_none(unit: str, tmp_path: Path) -> None:
    shape = Shape(unit=unit, titles=("台账",))
    ledger = {("本金余额" if k.startswith("本金") else k): v for k, v in LEDGER.items()}
    path = write(tmp_path, list(ledger), [list(ledger.values())], shape)
    records = read_records(path, name="ledger", columns=("contract_id", "principal_wan"))
    assert records.rows[0].wan("principal_wan") == UNITS[unit]
    records.done()
    assert templates.read("debt", path)["principal_wan"].iloc[0] == UNITS[unit]
    path = write(tmp_path, list(SERIES), [list(SERIES.values())], shape)
    assert table_to_series(read_table(path)).values.iloc[0] == UNITS[unit]
    path = write(tmp_path, list(RECEIPT), [list(RECEIPT.values())], shape)
    found = read_columns(path, name="receipts", columns=("receipt_id", "amount"))
    assert found.units["amount"] == unit
    records = read_records(path, name="receipts", columns=("receipt_id", "amount"))
    assert records.rows[0].fen("amount") == round(2 * UNITS[unit] * 1_000_000)


def test_an_unknown_unit_line_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, list(RECEIPT), [list(RECEIPT.values())], Shape(unit="万无"))
    with pytest.raises(fm.InputError, match="unknown unit"):
        read_columns(path, name="receipts")
    with pytest.raises(fm.InputError, match="unknown unit"):
        read_table(path)


def test_a_header_without_any_unit_is_asked_for(tmp_path: Path) -> None:
    ledger = {("本金余额" if k.startswith("本金") else k): v for k, v in LEDGER.items()}
    path = write(tmp_path, list(ledger), [list(ledger.values())], Shape())
    records = read_records(path, name="ledger", columns=("contract_id", "principal_wan"))
    records.rows[0].wan("principal_wan")
    with pytest.raises(fm.InputError, match="'本金余额' states no unit of money"):
        records.done()


def test_problems_carry_file_sheet_cell_and_the_printed_header(tmp_path: Path) -> None:
    path = tmp_path / "台账.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("债务")
        sheet.write_row(0, 0, ["隐性债务台账"])
        sheet.write_row(1, 0, ["债务编号", "本金余额（亿元）", "利率（%）", "到期日"])
        sheet.write_row(2, 0, ["示例-001", 1, 5, "2027-12-31"])
        sheet.write_row(3, 0, ["A1", "1,23", "28,00", "春天"])
        sheet.write_row(5, 0, ["A2", 1.5, 4.35, "2027-12-31"])
        sheet.write_row(6, 0, ["合计", 1.5, "", ""])
        sheet.write_row(7, 0, ["注：以上为样本"])
    records = read_records(path, name="ledger", columns=("contract_id", "principal_wan",
                           "rate_pct", "maturity"))  # fmt: skip
    for row in records:
        row.wan("principal_wan"), row.number("rate_pct"), row.day("maturity")
    assert [row.text("contract_id") for row in records] == ["A1", "A2"]
    with pytest.raises(fm.InputError) as error:
        records.done()
    assert [problem.where for problem in error.value.problems] == [
        "台账.xlsx[债务!B4] 本金余额（亿元）",
        "台账.xlsx[债务!C4] 利率（%）",
        "台账.xlsx[债务!D4] 到期日",
    ]  # fmt: skip


def test_a_total_that_is_not_the_sum_is_said(tmp_path: Path) -> None:
    ledger = [LEDGER, LEDGER | {"债务编号": "A2", "本金余额（万元）": "50"}]
    rows = [*(list(r.values()) for r in ledger), ["合计", "", "150"]]
    columns = ("contract_id", "principal_wan")
    path = write(tmp_path, list(LEDGER), rows, Shape())
    read_records(path, name="ledger", columns=columns).done()
    rows[-1][2] = "105"
    path = write(tmp_path, list(LEDGER), rows, Shape())
    with pytest.raises(fm.InputError, match="total 105 is not the sum 150"):
        read_records(path, name="ledger", columns=columns).done()


def test_every_series_is_read_the_same_by_name_and_from_its_file() -> None:
    tables: dict[Path, Any] = {}
    equal, by_name_only = 0, []
    for name in catalog.names():
        try:
            known = fm.load_series(name)
            file = DATA / known.source_of(known.values.index[0]).rsplit("data/", 1)[1].split(":")[0]
            if file not in tables:
                tables[file] = read_table(file)
            found = table_to_series(tables[file], column=name)
        except fm.InputError:
            by_name_only.append(name)
            continue
        assert found.values.equals(known.values), name
        assert found.unit == known.unit
        assert found.kinds.equals(known.kinds)
        equal += 1
    assert equal > 200
    # Totals over several years are no series; one file prints colours among its figures.
    assert len(by_name_only) <= 15


def test_sheets_that_look_alike_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "台账.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, amount in (("2024年", 1), ("2025年", 2), ("空表", None)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["债务编号", "本金余额（万元）"])
            if amount:
                sheet.write_row(1, 0, ["A1", amount])
    columns = ("contract_id", "principal_wan")
    with pytest.raises(fm.InputError, match=r"equally like the table: '?2024年'?, '?2025年'?"):
        read_records(path, name="ledger", columns=columns)
    (row,) = read_records({"file": path, "sheet": "2025年"}, name="ledger", columns=columns)
    assert row.wan("principal_wan") == 2
