"""An outcome's tables in a reader's words: codes as terms, 分 as 元."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from fiscalmodel.present.labels import label

if TYPE_CHECKING:
    from fiscalmodel.scenario.outcome import Outcome

#: Text columns that hold codes.
CODES = ("use", "reason", "lever", "kind", "step")
_PARTS = {"revenue": "收入", "balance": "平衡", "debt": "债务", "commissions": "手续费"}


def in_words(frame: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Codes in text columns as words; items by their name in the language."""
    if "item_en" in frame:
        frame = frame.assign(item=frame["item_en" if lang == "en" else "item"])
        frame = frame.drop(columns="item_en").rename(columns={"item": "revenue_item"})
    codes = [c for c in CODES if c in frame]
    made = frame.assign(**{c: [label(str(v), lang, "values") for v in frame[c]] for c in codes})
    if "source_id" in made and lang != "en":
        made["source_id"] = made["source_id"].astype(str).str.replace("replacement ", "置换债券 ")
    return made


def in_yuan(table: pd.DataFrame) -> pd.DataFrame:
    """Fen columns as 元, and the words of commissions for columns that mean other things too."""
    fen = {c: str(c).replace("_fen", "_yuan") for c in table.columns if str(c).endswith("_fen")}
    shown = table.assign(**{c: table[c] / 100 for c in fen})
    return shown.rename(columns={**fen, "kind": "receipt_kind", "rate_pct": "fee_rate_pct"})


def comparison(outcomes: Sequence[Outcome], lang: str) -> pd.DataFrame:
    """The comparison of one region's scenarios, in words."""
    from fiscalmodel.scenario.compare import compare

    table = compare(outcomes)
    names = {o.scenario.id: o.scenario.spec.name.get(lang) for o in outcomes}
    table["part"] = [p.capitalize() if lang == "en" else _PARTS[p] for p in table["part"]]
    table["metric"] = [label(m, lang) for m in table["metric"]]
    # Two scenarios may have one name; their ids never are the same.
    unique = len(set(names.values())) == len(names)
    return table.rename(columns=names) if unique else table
