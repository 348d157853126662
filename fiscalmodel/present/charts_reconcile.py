"""Chart of the reconciliation: findings by rule and severity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fiscalmodel.present.fonts import PALETTE, apply
from fiscalmodel.series.findings import SEVERITIES, Finding
from fiscalmodel.series.reconcile import rules
from fiscalmodel.series.rules.registry import words_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"error": PALETTE[1], "warning": PALETTE[4], "note": PALETTE[5]}
NAMES = {
    "zh": {
        "error": "错误（不可能正确）",
        "warning": "警示（不说明会误导）",
        "note": "提示（用前须知）",
    },
    "en": {"error": "error: cannot be right", "warning": "warning: misleads", "note": "note"},
}


def findings_chart(findings: Sequence[Finding], *, lang: str = "zh") -> Figure:
    """Number of findings of each rule, the graver ones to the left.

    Parameters
    ----------
    findings
        From :func:`fiscalmodel.reconcile`.
    lang
        ``zh`` or ``en``.
    """
    usable = apply(lang)
    from matplotlib import pyplot as plt
    from matplotlib.ticker import MaxNLocator

    rules()  # the words of every rule
    counts: Counter[tuple[str, str]] = Counter((f.rule, f.severity) for f in findings)
    names = sorted(sorted({rule for rule, _ in counts}), key=lambda rule: _order(rule, counts))
    figure, axis = plt.subplots(figsize=(8.6, 1.4 + 0.34 * max(4, len(names))))
    left = dict.fromkeys(names, 0)
    for severity in SEVERITIES:
        widths = [counts[name, severity] for name in names]
        axis.barh(
            range(len(names)),
            widths,
            left=[left[name] for name in names],
            color=COLOURS[severity],
            label=NAMES[usable][severity],
            height=0.62,
        )
        for name, width in zip(names, widths, strict=True):
            left[name] += width
    for y, name in enumerate(names):
        axis.text(left[name] + 0.08, y, str(left[name]), va="center", fontsize=9.5)
    labels = [words_of(name)[usable == "zh"] for name in names]
    axis.set_yticks(range(len(names)), labels)
    axis.set_xlim(0, max([*left.values(), 1]) * 1.12)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(axis="y", visible=False)
    axis.set_xlabel("发现数（个）" if usable == "zh" else "Findings (number)")
    axis.set_title("哪些规则发现了问题" if usable == "zh" else "Findings by rule and severity")
    axis.legend(loc="lower right")
    return figure


def _order(rule: str, counts: Counter[tuple[str, str]]) -> tuple[int, ...]:
    """The gravest and most frequent last, since bars grow upward."""
    return tuple(counts[rule, severity] for severity in SEVERITIES)
