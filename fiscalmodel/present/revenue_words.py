"""Headers and terms of the revenue forecast: Chinese, English."""

from __future__ import annotations

WORDS = {
    "year": ("年度", "Year"), "published": ("公布数（亿元）", "As published (亿元)"),
    "linked": ("同口径（亿元）", "Linked 同口径 (亿元)"),
    "published_growth_pct": ("公布数增速（%）", "Growth as published (%)"),
    "like_for_like_growth_pct": ("同口径增速（%）", "Like-for-like growth 同口径 (%)"),
    "break_amount": ("口径变化（亿元）", "Break 口径变化 (亿元)"),
    "period": ("年度", "Year"), "mean": ("预测（亿元）", "Forecast (亿元)"),
    "lo-80": ("80%下限", "80 % low"), "hi-80": ("80%上限", "80 % high"),
    "lo-95": ("95%下限", "95 % low"), "hi-95": ("95%上限", "95 % high"),
    "coverage_80": ("80%实测覆盖（%）", "80 %: measured coverage"),
    "coverage_95": ("95%实测覆盖（%）", "95 %: measured coverage"),
    "title": ("候选模型", "Candidate"), "weight_pct": ("权重（%）", "Weight (%)"),
    "method": ("方法", "Method"), "horizon": ("步长", "Step"), "forecasts": ("次数", "Forecasts"),
    "mape": ("MAPE（%）", "MAPE (%)"), "mase": ("MASE", "MASE"), "owa": ("OWA", "OWA"),
    "lever": ("手段", "Lever"), "amount": ("需要", "Needed"), "unit": ("单位", "Unit"),
    "step": ("步骤", "Step"), "amount_yi": ("金额（亿元）", "Amount (亿元)"),
    "source": ("来源", "Source"), "what": ("指标", "Figure"), "value": ("数值", "Value"),
    "series": ("序列", "Series"),
}  # fmt: skip
LEVERS = {
    "extra_growth_each_year": ("每年增速再提高", "higher growth, every year"),
    "base_growth_each_year": ("税基增速每年再提高", "higher growth of the base, every year"),
    "one_off_in_target_year": ("目标年一次性收入", "a one-off in the target year"),
    "measure_each_year_from_next": (
        "自下年起固定增收（每年）",
        "a fixed measure from next year on",
    ),
    "measure_growing_with_revenue": (
        "自下年起随收入增长的增收（首年）",
        "a measure that grows with revenue (first year)",
    ),
    "phased_measure_each_year": ("每年新增一笔固定增收", "a like amount added every year"),
}
METHODS = {
    "seasonal_naive": ("上年同期数", "same period of last year"),
    "fiscalmodel": ("本模型", "this model"), "naive": ("上年数", "last value"),
    "drift": ("平均增量", "mean step"), "budget": ("年初预算", "budget"),
}  # fmt: skip
