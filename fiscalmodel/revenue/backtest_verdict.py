"""Whether a model is worth it, in one sentence."""

from __future__ import annotations

import math

import pandas as pd

#: Fewer forecasts than this prove nothing.
_FEW = 6
#: Differences below this share of the rival's error are no difference.
_SAME = 0.03


def verdict(table: pd.DataFrame) -> tuple[str, str]:
    """The sentence in English and in Chinese, from the table of `backtest`.

    The measure is the mean absolute percentage error over all steps, or the mean absolute
    error where values are nought; against the better of naive and drift, and, one step
    ahead, against the office's budgets where they were given.
    """
    mape = _figures(table, "all", "mape")
    measure, unit = ("mape", " %") if math.isfinite(mape["fiscalmodel"]) else ("mae", "")
    found = _figures(table, "all", measure)
    rival = min(("naive", "drift"), key=lambda name: found[name])
    mine, theirs = found["fiscalmodel"], found[rival]
    count = int(_figures(table, "all", "forecasts")["fiscalmodel"])
    rival_en = {"naive": "the last value", "drift": "the mean step"}[rival]
    rival_zh = {"naive": "上年数法", "drift": "平均增量法"}[rival]
    figures = f"{mine:.3g}{unit}", f"{theirs:.3g}{unit}"
    if count < _FEW:
        said = "Too few to tell", "样本太少，尚难判断"
    elif mine < theirs * (1 - _SAME):
        said = "Worth it here", "值得采用"
    elif mine <= theirs * (1 + _SAME):
        said = f"No better than {rival_en} here", f"与{rival_zh}相当"
    else:
        said = f"Not worth it here: use {rival_en}", f"不如{rival_zh}，宜用后者"
    english = (
        f"{said[0]}: mean error {figures[0]} against {figures[1]} for {rival_en}, "
        f"over {count} forecasts of known values."
    )
    chinese = (
        f"{said[1]}：对{count}个已知数值回测，平均误差{figures[0]}，{rival_zh}为{figures[1]}。"
    )
    extra = _budget(table, measure, unit)
    return english + extra[0], chinese + extra[1]


def _figures(table: pd.DataFrame, horizon: object, column: str) -> dict[str, float]:
    """One column of the table by method, for one step."""
    rows = table[table["horizon"] == horizon]
    return dict(zip(rows["method"].astype(str), rows[column].astype(float), strict=True))


def _budget(table: pd.DataFrame, measure: str, unit: str) -> tuple[str, str]:
    """One step ahead against the office's own budgets."""
    first = _figures(table, 1, measure)
    if "budget" not in first:
        return "", ""
    mine, theirs = first["fiscalmodel"], first["budget"]
    count = int(_figures(table, 1, "forecasts")["budget"])
    return (
        f" One step ahead: {mine:.3g}{unit}, the office's own budgets {theirs:.3g}{unit} "
        f"({count} of them).",
        f"提前一期：模型{mine:.3g}{unit}，历年预算{theirs:.3g}{unit}（{count}个）。",
    )
