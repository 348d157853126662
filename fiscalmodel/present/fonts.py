"""Chinese glyphs in charts on a machine without a Chinese font.

The package zhplot carries Noto Sans SC (SIL Open Font Licence). Its font file
is located and read; the module itself is never imported, since importing it
changes matplotlib's settings.
"""

from __future__ import annotations

import importlib.util
import warnings
from functools import cache
from pathlib import Path
from typing import Any, Literal

Lang = Literal["zh", "en"]
FAMILY = "Noto Sans SC"

#: Colours that stay apart for colour-blind readers (Okabe and Ito 2008).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555", "#F0E442")

_STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E3E6EA",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.edgecolor": "#8A9099",
    "axes.titlesize": 13.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "figure.figsize": (8.6, 4.4),
    "figure.dpi": 110,
    "savefig.dpi": 130,
    "figure.constrained_layout.use": True,
    "axes.unicode_minus": False,
    "svg.hashsalt": "fiscalmodel",
}


def font_file() -> Path | None:
    """The bundled font's file, or None where it is missing."""
    spec = importlib.util.find_spec("zhplot")
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(next(iter(spec.submodule_search_locations))) / "fonts" / "NotoSansSC-Regular.ttf"
    return file if file.is_file() else None


@cache
def _register() -> bool:
    from matplotlib import font_manager

    file = font_file()
    if file is None:
        warnings.warn(
            "the bundled Chinese font is missing (package zhplot): charts are labelled in English",
            stacklevel=3,
        )
        return False
    font_manager.fontManager.addfont(str(file))
    return True


def apply(lang: str = "zh") -> Lang:
    """Set the house style for charts and return the language that can be drawn.

    Returns
    -------
    ``"zh"`` if it was asked for and the bundled font is there, else ``"en"``,
    with one warning a process where the font is missing.
    """
    from cycler import cycler
    from matplotlib import rcParams

    rcParams.update(_STYLE)
    rcParams["axes.prop_cycle"] = cycler(color=list(PALETTE))
    has_font = _register()
    if has_font:
        # One font for both languages: official terms keep their Chinese original.
        rcParams["font.family"] = [FAMILY, "DejaVu Sans"]
    return "zh" if lang == "zh" and has_font else "en"
