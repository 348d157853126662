"""The parts of notebook 01: what was read, what ties, what does not."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.paths import inside, project_root
from fiscalmodel.present.annotate import WORDS, annotated_workbook
from fiscalmodel.present.charts_reconcile import findings_chart
from fiscalmodel.present.show import say, show_chart, show_table
from fiscalmodel.series.findings import SEVERITIES, Finding
from fiscalmodel.series.reconcile import Examination, examine, rules
from fiscalmodel.series.rules.registry import words_of

_HEADS = {
    "no": ("序号", "No."),
    "severity": ("严重程度", "Severity"),
    "rule": ("规则", "Rule"),
    "stated": ("列示数", "Stated"),
    "computed": ("计算数", "Computed"),
    "difference": ("差额", "Difference"),
    "explanation": ("说明", "Explanation"),
    "where": ("位置", "Where"),
    "file": ("文件", "File"),
    "figures": ("读入数字", "Figures read"),
    "missing": ("缺失", "Missing"),
    "tied": ("核对相符", "Checks that tie"),
    "unit": ("单位", "Unit"),
    "parts": ("分项数", "Parts"),
    "cell": ("单元格", "Cell"),
}


def look(source: str) -> Examination:
    """Reconcile a file or folder of the project.

    Raises
    ------
    InputError
        If the path leaves the project, or cannot be read.
    """
    return examine(inside(project_root(), source, where="source"))


def _shown(frame: pd.DataFrame, lang: str, caption: str = "") -> None:
    heads = {c: _HEADS[str(c)][lang == "en"] for c in frame.columns}
    show_table(frame.rename(columns=heads), lang, digits=2, caption=caption)


def _counts(findings: tuple[Finding, ...], lang: str) -> str:
    number = Counter(f.severity for f in findings)
    en = lang == "en"
    words = [f"{WORDS[s][en]} {number[s]}" for s in SEVERITIES]
    return ", ".join(words) if en else "、".join(words)


def answer(seen: Examination, lang: str = "zh") -> None:
    """How many figures were read, how many checks tie, how many do not."""
    figures, tied = int(seen.read["figures"].sum()), int(seen.tied["tied"].sum())
    say("## 结论", "## Answer", lang)
    say(
        f"> 读入 {len(seen.read)} 个文件、{figures:,} 个数字；{tied:,} 项核对相符，"
        f"发现 {len(seen.findings)} 个问题（{_counts(seen.findings, 'zh')}）。只报告，不改数。",
        f"> {len(seen.read)} files and {figures:,} figures were read; {tied:,} checks tie; "
        f"{len(seen.findings)} findings say what does not ({_counts(seen.findings, 'en')}). "
        "Nothing is repaired.",
        lang,
    )


def read(seen: Examination, lang: str = "zh") -> None:
    """What was read, by file."""
    say("## 读入了什么", "## What was read", lang)
    _shown(seen.read, lang)


def ties(seen: Examination, lang: str = "zh", rows: int = 8) -> None:
    """What ties: checks by rule, and the totals with the most parts."""
    say("## 哪些相符", "## What ties", lang)
    rules()
    table = seen.tied.assign(rule=[words_of(r)[lang != "en"] for r in seen.tied["rule"]])
    _shown(table, lang)
    most = seen.sums.sort_values("parts", ascending=False, kind="stable").head(rows)
    caption = (
        f"分项最多的 {len(most)} 个合计，均分毫不差"
        if lang == "zh"
        else f"The {len(most)} totals with the most parts, which tie to the last digit"
    )
    _shown(most[["where", "stated", "unit", "parts"]], lang, caption)


def chart(seen: Examination, lang: str = "zh") -> None:
    """Findings by rule and severity."""
    say("## 哪些不符", "## What does not tie", lang)
    alt = f"findings by rule: {_counts(seen.findings, 'en')}"
    show_chart(findings_chart(seen.findings, lang=lang), alt)


def findings(seen: Examination, lang: str = "zh", severity: str = "error") -> None:
    """The findings of one severity, with the cell that states the figure."""
    kept = [(n, f) for n, f in enumerate(seen.findings, 1) if f.severity == severity]
    en = lang == "en"
    table = pd.DataFrame(
        [
            {
                "no": n,
                "rule": words_of(f.rule)[not en],
                "cell": str(f.cells[0]) if f.cells else f.where,
                "stated": f.stated,
                "computed": f.computed,
                "difference": f.difference,
                "unit": f.unit,
                "explanation": f.text(lang),
            }
            for n, f in kept
        ],
        columns=["no", "rule", "cell", "stated", "computed", "difference", "unit", "explanation"],
    )
    head = f"{WORDS[severity][en]}: {len(kept)}" if en else f"{WORDS[severity][0]} {len(kept)} 个"
    _shown(table, lang, head)


def save_copy(seen: Examination, source: str, path: str, lang: str = "zh") -> None:
    """Write the commented copy inside the project; nothing with an empty path.

    Raises
    ------
    InputError
        If the path leaves the project, or is no ``.xlsx``.
    """
    if not path:
        return
    if not path.endswith(".xlsx"):
        raise InputError("copy", f"{path!r} is no xlsx file", "let its name end in .xlsx")
    target = inside(project_root(), path, where="copy")
    made = annotated_workbook(inside(project_root(), source), seen.findings, lang=lang)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(made)
    cells = len({cell for finding in seen.findings for cell in finding.cells})
    say(
        f"带批注的副本：`{path}`（{cells} 个单元格有批注）",
        f"Copy with comments: `{path}` ({cells} cells carry one)",
        lang,
    )


def method(lang: str = "zh") -> None:
    """How the checks work, and where the figures come from."""
    say(
        "### 方法\n\n列示数按末位半个单位的区间计算（98 即 97.5—98.5，98.0 即 97.95—98.05），"
        "各数的区间相加、相减、相乘、相除后仍与列示数的区间不相交，才算不符。"
        "差额在四舍五入范围内的不报，除非同一材料的其他合计都分毫不差。\n\n"
        "- **错误**：列示的数不可能都正确；**警示**：不加说明会误导；**提示**：用前须知。\n"
        "- 同口径增速与绝对数不符，是口径变化，不是笔误；同口径基数＝本年数÷（1＋同口径增速）。\n"
        "- 自评分上限＝20×执行率＋80（预算执行 20 分，绩效目标表各指标合计 80 分）。\n"
        "- 一般债务、专项债务余额分别不得超过限额（预算法第三十五条及限额管理规定）。\n\n"
        "数据来源见 `data/documents.csv`；规则见 `fiscalmodel/series/rules/`。",
        "### Method\n\nA printed figure stands for half a unit of its last digit on both sides "
        "(98 is 97.5 to 98.5, 98.0 is 97.95 to 98.05). A check fails only if the interval that "
        "follows from the other figures does not meet the stated one's. A difference within "
        "rounding is "
        "silent, unless the other sums of the publication tie to the last digit.\n\n"
        "- **error**: the figures cannot all be right; **warning**: misleads unless explained; "
        "**note**: to be known before use.\n"
        "- Like-for-like (同口径) growth that differs from the levels is a break of the calibre, "
        "no slip: restated base = this year / (1 + rate).\n"
        "- A self-score is at most 20 × execution rate + 80.\n"
        "- The balance keeps the limit for general (一般) and special (专项) debt separately.\n\n"
        "Sources: `data/documents.csv`; rules: `fiscalmodel/series/rules/`.",
        lang,
    )
