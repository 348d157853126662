"""Whether a model is worth it, in one sentence."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

#: Fewer forecasts than this prove nothing.
_FEW = 6
#: Differences below this share of the rival's error are no difference.
_SAME = 0.03


def verdict(table: pd.DataFrame, detail: pd.DataFrame, *, yearly: bool) -> tuple[str, str]:
    """The sentence in English and in Chinese, from the table of `backtest` and its forecasts.

    The measure is the mean absolute percentage error over all steps, or the mean absolute
    error where values are nought; against the best of naive, drift and, for seasonal series,
    the same period of last year, and, one step ahead, against the office's budgets where
    they were given, on the periods that have one.
    """
    mape = _figures(table, "all", "mape")
    measure, unit = ("mape", " %") if math.isfinite(mape["fiscalmodel"]) else ("mae", "")
    found = _figures(table, "all", measure)
    words = {
        "naive": ("the last value", "上年数法" if yearly else "上期数法"),
        "drift": ("the mean step", "平均增量法"),
    }
    if "seasonal_naive" in found:
        words["naive"] = "Naive2 (the last value, season adjusted)", "Naive2（季节调整后的上期数）"
        words["seasonal_naive"] = "the same period of last year", "上年同期数法"
    rival = min(words, key=lambda name: found[name])
    mine, theirs = found["fiscalmodel"], found[rival]
    count = int(_figures(table, "all", "forecasts")["fiscalmodel"])
    rival_en, rival_zh = words[rival]
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
    extra = _budget(detail)
    return english + extra[0], chinese + extra[1]


def _figures(table: pd.DataFrame, horizon: object, column: str) -> dict[str, float]:
    """One column of the table by method, for one step."""
    rows = table[table["horizon"] == horizon]
    return dict(zip(rows["method"].astype(str), rows[column].astype(float), strict=True))


def _budget(detail: pd.DataFrame) -> tuple[str, str]:
    """One step ahead against the office's own budgets, both on the periods that have one."""
    keys = ["unique_id", "period"]
    budgets = detail[detail["method"] == "budget"].set_index(keys)
    if budgets.empty:
        return "", ""
    own = detail[(detail["method"] == "fiscalmodel") & (detail["horizon"] == 1)].set_index(keys)
    own = own.loc[budgets.index]
    actual = own["actual"].to_numpy()
    size, unit = np.abs(actual), " %"
    if not size.any():
        size, unit = np.full(len(actual), 100.0), ""
    used = size > 0
    mine, theirs = (
        float(np.mean(100 * np.abs(rows["mean"].to_numpy() - actual)[used] / size[used]))
        for rows in (own, budgets)
    )
    count = int(used.sum())
    return (
        f" One step ahead, where there is a budget: {mine:.3g}{unit}, the office's own budgets "
        f"{theirs:.3g}{unit} ({count} of them).",
        f"有预算的期间提前一期：模型{mine:.3g}{unit}，历年预算{theirs:.3g}{unit}（{count}个）。",
    )
