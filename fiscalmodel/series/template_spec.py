"""Columns of the Excel templates: what each holds, in which unit, with an example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "number", "date", "choice", "list"]


@dataclass(frozen=True)
class Field:
    """One column of a template.

    Attributes
    ----------
    name
        Column name of the package; its header stands in ``params/labels.yaml``.
    type
        ``list`` is a drop-down that is a help only (other words are allowed);
        ``choice`` takes its words alone.
    example
        Value of the example row, as stored.
    zh, en
        What to write there.
    required
        Whether a row without it is refused.
    choices
        Key of `fiscalmodel.tables.vocab.CHOICES`, or the words themselves.
    low, high
        Bounds of a number.
    zh_header
        Chinese header where another than the column's first is usual here.
    """

    name: str
    type: Type
    example: str | float
    zh: str
    en: str
    required: bool = False
    choices: str | tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    zh_header: str = ""


#: How the first cell of an example row begins in templates whose rows have an id.
EXAMPLE_ID = "示例-"
#: How the note of an example row begins in every template.
EXAMPLE_NOTE = "示例行"


def is_example_row(cells: Iterable[object]) -> bool:
    """Whether a row is a template's example, left in place above real rows.

    >>> is_example_row(["示例-001", "城投平台A"]), is_example_row(["HD-001", "城投平台A"])
    (True, False)
    """
    return any(isinstance(cell, str) and cell.strip().startswith(EXAMPLE_ID) for cell in cells)


_SCOPES = ("一般公共预算", "政府性基金", "国有资本经营", "社会保险基金")
_UNITS = ("元", "万元", "亿元")


def _flag(name: str, example: str, zh: str, en: str) -> Field:
    return Field(name, "choice", example, zh, en, choices="flag")


_REGION = Field("region", "text", "样本县", "县（区）名称", "County or district")
_SCOPE = Field(
    "budget_scope", "list", "一般公共预算", "四本预算之一", "Which budget", choices=_SCOPES
)
_INDICATOR = Field(
    "indicator",
    "text",
    "一般公共预算收入",
    "收支项目名称，全表保持一致",
    "Item, always by the same name",
    True,
)
_CODE = Field(
    "item_code", "text", "101", "政府收支分类科目编码，按文本填写", "Code of the item, as text"
)
_VALUE = Field(
    "value", "number", 42100, "金额；缺数留空，不填 0", "Amount; leave blank if missing, not 0"
)
_UNIT = Field("unit", "choice", "万元", "金额单位", "Unit of the amount", True, _UNITS)
_KIND = Field(
    "kind",
    "choice",
    "actual",
    "实际数、预计数、预算数、目标数，分开标明",
    "What the figure is",
    True,
    "kind",
)
_VERSION = Field(
    "version",
    "choice",
    "final_account",
    "年初预算、调整预算、执行数、决算数",
    "Version",
    False,
    "version",
)
_COVERAGE = Field(
    "coverage", "choice", "local", "大口径或地方级", "Gross or local share", False, "coverage"
)
_CALIBRE = Field(
    "calibre",
    "choice",
    "as_published",
    "自然口径、同口径、扣除留抵退税",
    "Calibre",
    False,
    "calibre",
)
_SOURCE = Field(
    "source", "text", "2024年财政决算报告 表1", "文件、表号、文号", "Document and table"
)
_NOTE = Field("note", "text", "示例行，请删除或覆盖", "备注", "Note")
_RATE = Field(
    "rate_pct",
    "number",
    5.39,
    "年利率，4.35 表示 4.35%",
    "Yearly, 4.35 is 4.35 %",
    True,
    low=0,
    high=36,
)

TEMPLATES: dict[str, tuple[Field, ...]] = {
    "revenue": (
        _REGION,
        _SCOPE,
        _INDICATOR,
        _CODE,
        Field("period", "text", "2024", "年度，如 2024", "Year, such as 2024", True),
        _VALUE,
        _UNIT,
        _COVERAGE,
        _CALIBRE,
        _VERSION,
        _KIND,
        _SOURCE,
        _NOTE,
    ),
    "monthly": (
        _REGION,
        _SCOPE,
        _INDICATOR,
        Field(
            "period",
            "text",
            "2024-02",
            "月份，如 2024-02；累计数，1-2月合并填 2024-02",
            "Month, such as 2024-02; January-February together is 2024-02",
            True,
        ),
        Field(
            "value", "number", 6902, "年初至该月累计数；缺数留空", "Year to date; blank if missing"
        ),
        _UNIT,
        _COVERAGE,
        _CALIBRE,
        _KIND,
        _SOURCE,
        _NOTE,
    ),
    "budget": (
        _REGION,
        _SCOPE,
        _CODE,
        _INDICATOR,
        Field("period", "text", "2025", "预算年度", "Budget year", True),
        _VALUE,
        _UNIT,
        Field(**{**_VERSION.__dict__, "example": "initial_budget", "required": True}),
        Field(**{**_KIND.__dict__, "example": "budget"}),
        _SOURCE,
        _NOTE,
    ),
    "debt": (
        Field("contract_id", "text", "示例-001", "合同唯一编号", "Unique number", True),
        Field("debtor", "text", "城投平台A", "债务人", "Debtor"),
        Field("creditor", "text", "甲银行", "债权人", "Creditor"),
        Field(
            "category", "text", "银行贷款", "银行贷款、信托、棚改等", "Loan, trust, shantytown …"
        ),
        Field("project", "text", "城区道路", "项目名称", "Project"),
        Field(
            "principal_wan",
            "number",
            28000,
            "隐性债务本金余额",
            "Outstanding principal",
            True,
            low=0,
        ),
        _RATE,
        Field("start", "date", "2018-06-20", "起息日", "Start"),
        Field("maturity", "date", "2028-06-20", "到期日", "Maturity", True),
        Field(
            "repayment", "choice", "equal_principal", "还本方式", "Repayment", False, "repayment"
        ),
        Field("frequency", "choice", "half_year", "付息频率", "Frequency", False, "frequency"),
        _flag("overdue", "false", "是否逾期", "Overdue"),
        _flag("litigation", "false", "是否涉诉", "In litigation"),
        _flag("replaceable", "true", "可否用置换债券置换", "May be replaced by bonds"),
        _flag("prepayable", "true", "可否提前还款", "May be prepaid"),
        Field("prepay_fee_pct", "number", 0, "提前还款费率", "Prepayment fee", low=0, high=100),
        Field("extendable_to", "date", "", "可展期至，无则留空", "Extendable to, else blank"),
        Field("min_instalment_wan", "number", "", "每期最低还款额", "Least instalment", low=0),
        Field("clear_by", "date", "2028-12-31", "须化解的期限", "To be cleared by"),
        _flag("by_contract", "false", "按合同偿还（2029年及以后到期的棚改）", "Stays by contract"),
        _NOTE,
    ),
    "funding": (
        Field(
            "source_id", "text", "示例-GPB", "资金来源编号，各期相同", "Same in every period", True
        ),
        Field("category", "list", "fiscal_funds", "资金类别", "Category", True, "source_category"),
        Field("period", "text", "2026", "年度或季度，如 2026、2026Q1", "Year or quarter", True),
        Field("available_from", "date", "2026-01-01", "可用起始日", "Available from"),
        Field("cap_wan", "number", 27500, "该期可用额度", "Cap of the period", True, low=0),
        Field(
            "haircut_pct",
            "number",
            0,
            "打折比例，资产类应大于 0",
            "Haircut; above 0 for assets",
            low=0,
            high=100,
        ),
        Field(
            "earmark", "text", "", "只能用于的合同编号或类别", "Only for this contract or category"
        ),
        _flag("carry", "false", "未用完可否结转下期", "Unused money carries forward"),
        _NOTE,
    ),
    "receipts": (
        Field(
            "receipt_id",
            "text",
            "示例-0001",
            "缴款书编号，按文本填写",
            "Number of the receipt, as text",
            True,
        ),
        Field("bank", "text", "甲银行", "代收银行", "Collecting bank", True),
        Field(
            "kind",
            "list",
            "fines",
            "罚没或收费",
            "Fines or charges",
            True,
            "receipt_kind",
            zh_header="收入类别",
        ),
        Field(
            "account",
            "list",
            "treasury",
            "国库或财政专户",
            "Treasury or fiscal account",
            True,
            "account",
        ),
        Field("paid_in", "date", "2025-01-02", "实际缴入日期", "Day paid in", True),
        Field(
            "amount",
            "number",
            200.00,
            "金额，元，最多两位小数；退付为负",
            "元, two decimals; refunds negative",
            True,
        ),
        Field(
            "refund_of",
            "text",
            "",
            "退付对应的原缴款书编号",
            "Receipt that is refunded",
            zh_header="退付原缴款书号",
        ),
        _flag("unmatched", "", "是否待查收入", "Unmatched 待查"),
        Field("excluded", "text", "", "不计手续费的原因", "Why no commission is due"),
        _NOTE,
    ),
}
