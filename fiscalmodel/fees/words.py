"""The words of a receipts table: kinds, accounts, headers, periods, flags.

Receipts come in Chinese or English. Inside, one canonical English word stands
for each official term; the statement answers in the words of the receipts.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal

from fiscalmodel.errors import InputError

Period = Literal["month", "quarter", "year"]

#: Kinds of non-tax revenue (政府收支分类科目 103): canonical word -> official
#: term and the other words it is written with.
KINDS: dict[str, tuple[str, ...]] = {
    "fines": ("罚没", "罚没收入", "罚款", "罚款收入", "fine", "penalty", "penalties"),
    "charges": (
        "收费",
        "行政事业性收费",
        "行政事业性收费收入",
        "行政收费",
        "charge",
        "fee",
        "fees",
    ),
    "special": ("专项收入", "专项", "special revenue"),
    "state_assets": (
        "国有资源(资产)有偿使用收入",
        "国有资源有偿使用收入",
        "国有资产有偿使用收入",
        "state assets",
    ),
    "state_capital": ("国有资本经营收入", "state capital"),
    "government_funds": ("政府性基金收入", "政府性基金", "government funds"),
    "donations": ("捐赠收入", "捐赠", "donation"),
    "housing": ("政府住房基金收入", "政府住房基金", "housing fund"),
    "other": ("其他收入", "其他非税收入", "其他", "others"),
}

#: Accounts that collected money is paid into.
ACCOUNTS: dict[str, tuple[str, ...]] = {
    "treasury": ("国库", "缴入国库", "国库账户", "state treasury"),
    "fiscal_account": (
        "财政专户", "专户", "非税专户", "fiscal account", "special account", "special_account",
        "fiscal special account", "fiscal_special_account", "dedicated account",
    ),
}  # fmt: skip

#: Column -> headers it may stand under.
HEADERS: dict[str, tuple[str, ...]] = {
    "receipt_id": (
        "缴款书号",
        "缴款书编号",
        "票据号",
        "票据号码",
        "收据号",
        "收据编号",
        "流水号",
        "编号",
        "缴款码",
        "缴款编号",
        "receipt",
    ),
    "bank": ("银行", "代收银行", "代理银行", "银行名称", "收款银行"),
    "kind": ("种类", "收入种类", "收入类别", "类别", "收入性质"),
    "account": ("账户", "缴入账户", "入账账户", "账户类型"),
    "paid_in": ("缴入日期", "入库日期", "缴款日期", "日期", "实际缴入日期", "date", "paid in"),
    "amount": (
        "金额",
        "金额(元)",
        "缴入金额",
        "缴入金额(元)",
        "实缴金额",
        "实缴金额(元)",
        "缴款金额",
        "缴款金额(元)",
        "amount_yuan",
        "amount (元)",
    ),
    "refund_of": (
        "退付原缴款书号",
        "退付原缴款书",
        "原缴款书号",
        "退付对应缴款书号",
        "原票据号",
        "退付原票据号",
        "refund of",
    ),
    "unmatched": ("待查", "是否待查", "待查标志"),
    "excluded": ("剔除原因", "排除原因", "不计原因", "exclusion_reason"),
}

REQUIRED = ("receipt_id", "bank", "kind", "account", "paid_in", "amount")
COLUMNS = tuple(HEADERS)

_PERIODS: dict[str, Period] = {
    "month": "month", "monthly": "month", "m": "month", "me": "month", "月": "month",
    "月度": "month", "quarter": "quarter", "quarterly": "quarter", "q": "quarter",
    "qe": "quarter", "季": "quarter", "季度": "quarter", "year": "year", "yearly": "year",
    "annual": "year", "y": "year", "ye": "year", "a": "year", "年": "year", "年度": "year",
}  # fmt: skip
PERIOD_ZH: dict[Period, str] = {"month": "月", "quarter": "季度", "year": "年度"}

YES = frozenset({"是", "y", "yes", "true", "t", "1", "1.0", "√", "待查", "x"})
NO = frozenset(
    {"", "否", "n", "no", "false", "f", "0", "0.0", "nan", "none", "<na>", "nat", "—", "-"}
)


def clean(value: object) -> str:
    """Text in NFKC without outer blanks; brackets and spaces come out half-width."""
    return unicodedata.normalize("NFKC", str(value)).strip()


def _index(table: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {
        clean(word).casefold(): name
        for name, words in table.items()
        for word in (name, name.replace("_", " "), *words)
    }


_KIND_OF = _index(KINDS)
_ACCOUNT_OF = _index(ACCOUNTS)
_COLUMN_OF = _index(HEADERS)


def kind_of(word: object) -> str | None:
    """Canonical kind, or None if the word is unknown.

    >>> kind_of("罚没收入"), kind_of("Charges"), kind_of("税收")
    ('fines', 'charges', None)
    """
    return _KIND_OF.get(clean(word).casefold())


def account_of(word: object) -> str | None:
    """Canonical account, or None if the word is unknown.

    >>> account_of("财政专户"), account_of("treasury")
    ('fiscal_account', 'treasury')
    """
    return _ACCOUNT_OF.get(clean(word).casefold())


def column_of(header: object) -> str | None:
    """Canonical column of a header, or None.

    >>> column_of("金额（元）"), column_of("退付原缴款书号")
    ('amount', 'refund_of')
    """
    return _COLUMN_OF.get(clean(header).casefold())


def official(name: str) -> str:
    """Official Chinese term of a canonical kind or account (else the name itself)."""
    words = KINDS.get(name) or ACCOUNTS.get(name)
    return words[0] if words else name


def near(word: object, table: Mapping[str, Iterable[str]]) -> str:
    """A hint: the nearest known word, and all of them."""
    names = list(_index(table))
    found = difflib.get_close_matches(clean(word).casefold(), names, n=1, cutoff=0.5)
    known = "、".join(
        f"{words[0]} ({name})" for name, words in table.items() for words in [list(words)]
    )
    return (f"did you mean {found[0]!r}? " if found else "") + f"known: {known}"


def period_of(word: str) -> Period:
    """The settlement period's canonical word.

    Raises
    ------
    InputError
        Unless it is month, quarter or year (月, 季度, 年度).
    """
    found = _PERIODS.get(clean(word).casefold())
    if found is None:
        raise InputError("period", f"unknown period {word!r}", "use 'month', 'quarter' or 'year'")
    return found
