"""How results show themselves: figures in the house style, and frames as tables.

Nothing of matplotlib is loaded before the first chart. The Chinese font is the one
that the package zhplot carries (Noto Sans SC, SIL Open Font Licence): its file is
located and read, the module itself is never imported, since importing it changes
matplotlib's settings.
"""

from __future__ import annotations

import base64
import datetime as dt
import importlib.util
import io
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.findings import Finding, to_frame
from fiscalmodel.words import (
    Text,
    batch_name,
    label,
    labels,
    language,
    official_words,
    say,
    speaking,
    word_in,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAMILY = "Noto Sans SC"
#: Colours that stay apart for colour-blind readers (Okabe and Ito 2008).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555", "#F0E442")
BLUE, RED, GREEN, PINK, ORANGE, SKY, GREY, YELLOW = PALETTE
#: Fills on which figures are written in black.
_PALE = (SKY, ORANGE, YELLOW, PINK)
YI = 10_000  # 万元 in 亿元
#: Values are written on bars up to this many of them.
FEW = 12
#: Endings of columns that can be added up.
_AMOUNTS = ("_wan", "_yuan", "_fen", "_yi")

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

# ---------------------------------------------------------------- figures


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
        warnings.warn(str(say("present.no_font")), stacklevel=4)
        return False
    font_manager.fontManager.addfont(str(file))
    return True


def style(lang: str | None = None) -> str:
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
    return "zh" if (lang or language()) == "zh" and has_font else "en"


def figure(
    title: Text | str,
    lang: str | None = None,
    *,
    unit: Text | str = "",
    x: Text | str = "",
    size: tuple[float, float] | None = None,
    panels: int = 1,
) -> tuple[Figure, Any, str]:
    """A figure in the house style with its axis (or row of axes) and the language it can have.

    Parameters
    ----------
    title
        Stands above the axis, on the left; above the figure where there are several panels.
    lang
        ``zh`` or ``en``; the language in force where none is given.
    unit, x
        Labels of the upright and of the level axis.
    size
        Inches; 8.6 × 4.4 by default.
    panels
        Axes side by side that share their upright axis; the second result is then a list.

    Returns
    -------
    The figure, the axis or axes, and the language to label them in: English where
    the Chinese font is missing.
    """
    usable = style(lang)
    from matplotlib.figure import Figure

    made = Figure(figsize=size, dpi=130)
    axes = list(made.subplots(1, panels, sharey=True, squeeze=False)[0])
    if panels == 1:
        axes[0].set_title(Text.of(title)(usable))
    elif title:
        made.suptitle(Text.of(title)(usable), x=0.01, ha="left", fontsize=13.5)
    axes[0].set_ylabel(Text.of(unit)(usable))
    for axis in axes:
        axis.set_xlabel(Text.of(x)(usable))
    return made, axes[0] if panels == 1 else axes, usable


class Chart:
    """A figure that displays itself as a PNG with alternative text.

    Parameters
    ----------
    figure
        A matplotlib figure; it stays open to changes as `Chart.figure`.
    alt
        What the chart says, for readers who cannot see it; it also stands for the
        picture where the outputs of notebooks are compared.
    """

    def __init__(self, figure: Figure, alt: Text | str) -> None:
        self.figure, self.alt = figure, str(alt)
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            pyplot.close(figure)  # else a notebook would show it a second time

    def png(self) -> bytes:
        """The picture; the same chart gives the same bytes."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        buffer = io.BytesIO()
        # Drawn once; savefig would draw it twice for the same picture.
        FigureCanvasAgg(self.figure).print_png(buffer, metadata={"Software": None})
        return buffer.getvalue()

    def __repr__(self) -> str:
        return f"[chart] {self.alt}"

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, Any]]:
        picture = base64.b64encode(self.png()).decode("ascii")
        data = {"image/png": picture, "text/plain": repr(self)}
        return data, {"image/png": {"alt": self.alt}}


def scale(unit: str, largest: float) -> tuple[float, str]:
    """Divisor and unit in which amounts up to `largest` are drawn.

    >>> scale("万元", 5e3), scale("万元", 3e5), scale("万元", 2e9), scale("%", 1e6)
    ((1.0, '万元'), (10000.0, '亿元'), (100000000.0, '万亿元'), (1.0, '%'))
    """
    if unit != "万元" or not largest >= 1e4:
        return 1.0, unit
    return (1e8, "万亿元") if largest >= 1e9 else (1e4, "亿元")


def legend(axis: Any, columns: int | None = None) -> None:
    """The legend below the axis, in as many columns as fit.

    It stands outside the axes, so that the layout makes room for the tick labels first.
    """
    handles, names = axis.get_legend_handles_labels()
    if not names:
        return
    fit = int(axis.figure.get_size_inches()[0] * 7.6 / (max(map(text_width, names)) / 2 + 4))
    axis.figure.legend(
        handles, names, loc="outside lower left", ncols=columns or max(1, min(len(names), fit))
    )


def ticks(axis: Any, names: Iterable[object], at: Sequence[float] | None = None) -> None:
    """Names of periods or categories on the level axis, thinned out where they are many.

    The last one is always among them. Long names of a few categories are broken in two.
    """
    texts = [str(name) for name in names]
    places = list(range(len(texts))) if at is None else list(at)
    longest = max(map(text_width, texts), default=0)
    if longest > 10 and len(texts) <= FEW:
        room = max(8, 110 // max(1, len(texts)))
        texts, step = [_broken(text, room) for text in texts], 1
    else:
        step = max(1, -(-len(texts) // max(2, 100 // (longest + 2))))
    chosen = range(len(texts) - 1, -1, -step)
    axis.set_xticks([places[i] for i in chosen], [texts[i] for i in chosen])


def note(axis: Any, x: Any, y: float, text: str, *, shift: float = 4, **options: Any) -> None:
    """A figure written above a point (below it where `shift` is negative)."""
    given = {"ha": "center", "va": "bottom" if shift >= 0 else "top", **options}
    axis.annotate(text, (x, y), xytext=(0, shift), textcoords="offset points", **given)


def lines(
    axis: Any,
    frame: pd.DataFrame,
    *,
    names: Mapping[str, Text | str] | None = None,
    colors: Mapping[str, str] | Sequence[str] = PALETTE,
    dashed: Iterable[str] = (),
    lang: str | None = None,
) -> None:
    """A line for each column over the frame's index; what is missing is a gap.

    Parameters
    ----------
    names, colors
        Column -> name in the legend, and colour; by default the words' labels and the palette.
    dashed
        Columns that are drawn dashed and without marks.
    """
    given, broken = _colors(frame, colors), set(dashed)
    for column in frame.columns:
        shape: dict[str, Any] = (
            {"linestyle": "--"} if column in broken else {"marker": "o", "markersize": 4}
        )
        values = frame[column].to_numpy(dtype=float)
        axis.plot(
            range(len(frame)), values, color=given[column], label=_named(column, names, lang),
            **shape,
        )  # fmt: skip
    ticks(axis, frame.index)


def bars(
    axis: Any,
    frame: pd.DataFrame,
    *,
    names: Mapping[str, Text | str] | None = None,
    colors: Mapping[str, str] | Sequence[str] = PALETTE,
    digits: int = 2,
    lang: str | None = None,
) -> None:
    """Bars side by side, one group for each row and one colour for each column.

    What is missing has no bar. Values are written above where there is room.
    """
    given, width = _colors(frame, colors), 0.84 / max(1, frame.shape[1])
    for number, column in enumerate(frame.columns):
        values = frame[column].to_numpy(dtype=float)
        at = np.arange(len(frame)) + (number - (frame.shape[1] - 1) / 2) * width
        axis.bar(
            at, values, width=width * 0.93, color=given[column], label=_named(column, names, lang)
        )
        if frame.size <= 2 * FEW:
            for x, value in zip(at, values, strict=True):
                if np.isfinite(value):
                    shift = 2 if value >= 0 else -3
                    note(axis, x, value, f"{value:,.{digits}f}", shift=shift, fontsize=8.5)
    ticks(axis, frame.index)
    _room_above(axis, bottom=None if (frame < 0).to_numpy().any() else 0.0)
    if (frame < 0).to_numpy().any():
        axis.axhline(0, color=GREY, linewidth=0.8)


def stack(
    axis: Any,
    frame: pd.DataFrame,
    *,
    names: Mapping[str, Text | str] | None = None,
    colors: Mapping[str, str] | Sequence[str] = PALETTE,
    digits: int = 2,
    total: bool = True,
    across: bool = False,
    lang: str | None = None,
) -> None:
    """Stacked bars, one for each row of the frame; negative values hang below nought.

    Parameters
    ----------
    frame
        Index: the bars' names; columns: what is stacked, in this order. Columns
        without any value are left out.
    digits
        Decimals of the values written inside (where they fit) and of the totals.
    total
        Whether each bar's sum is written at its end.
    across
        Lying bars, the first row at the top.
    """
    values = frame.loc[:, (frame.abs() > 1e-12).any()].astype(float).fillna(0.0)
    if across:
        values = values[::-1]
    given, few = _colors(frame, colors), len(values) <= FEW
    up, down = np.zeros(len(values)), np.zeros(len(values))
    reach = float(np.abs(values.to_numpy()).sum(axis=1).max()) if values.size else 0.0
    at = np.arange(len(values))
    for column in values.columns:
        amounts, fill = values[column].to_numpy(), given[column]
        base = np.where(amounts >= 0, up, down)
        draw, place = (axis.barh, "left") if across else (axis.bar, "bottom")
        made = draw(at, amounts, 0.62, **{place: base}, color=fill,
                    label=_named(column, names, lang))  # fmt: skip
        if few and (values.shape[1] > 1 or not total):
            # A bar of one part only says its sum once, at the end.
            sole = total & np.isclose(np.abs(amounts), np.abs(values).sum(axis=1))
            texts = [
                f"{v:,.{digits}f}" if abs(v) >= 0.045 * reach and not alone else ""
                for v, alone in zip(amounts, sole, strict=True)
            ]
            ink = "black" if fill in _PALE else "white"
            axis.bar_label(made, labels=texts, label_type="center", fontsize=8.5, color=ink)
        up, down = up + amounts.clip(min=0), down + amounts.clip(max=0)
    if total and few:
        for x, (top, low) in enumerate(zip(up, down, strict=True)):
            text = f"{top + low:,.{digits}f}"
            if across:
                axis.annotate(text, (top, x), xytext=(4, 0), textcoords="offset points",
                              va="center")  # fmt: skip
            else:
                note(axis, x, top, text)
    if across:
        axis.set_yticks(at, [str(name) for name in values.index])
        axis.grid(axis="y", visible=False)
        axis.margins(x=0.12)
    else:
        ticks(axis, values.index)
        _room_above(axis, bottom=None if (down < 0).any() else 0.0)
    if (down < 0).any():
        (axis.axvline if across else axis.axhline)(0, color=GREY, linewidth=0.8)


def chart(
    draw: Callable[..., None], frame: pd.DataFrame, title: Text, said: Text,
    lang: str | None = None, *, unit: str = "万元", largest: float | None = None, **options: Any,
) -> Chart:  # fmt: skip
    """A frame drawn by `bars` or `stack` with its legend, amounts in a unit that fits them.

    `said` is read out where the picture cannot be seen; `options` are those of `draw`.
    """
    most = float(frame.abs().to_numpy().max()) if largest is None else largest
    divisor, unit = scale(unit, most) if unit == "万元" else (1.0, unit)
    made, axis, lang = figure(title, lang, unit=unit)
    draw(axis, frame / divisor, lang=lang, **options)
    if frame.shape[1] > 1:
        legend(axis)
    return Chart(made, said(lang))


def named(frame: pd.DataFrame, lang: str | None = None, **groups: str) -> pd.DataFrame:
    """A copy whose codes stand as their official words: column = group of ``official.yaml``."""
    words = {column: official_words(group, lang or language()) for column, group in groups.items()}
    return frame.assign(**{
        column: frame[column].map(lambda code, of=of: of.get(code, code))
        for column, of in words.items() if column in frame
    })  # fmt: skip


def waterfall(
    axis: Any,
    names: Sequence[str],
    amounts: Iterable[float],
    whole: Iterable[bool],
    *,
    rise: str = GREEN,
    fall: str = RED,
    colors: Mapping[int, str] | None = None,
    digits: int = 2,
) -> None:
    """Balances and the steps between them.

    Parameters
    ----------
    names, amounts, whole
        For each bar its name, its amount, and whether it is a balance (drawn from
        nought) rather than a step (drawn from where the last bar ended).
    rise, fall, colors
        Colour of steps up and down, and of single bars by their number.
    """
    level, low, last = 0.0, 0.0, len(names) - 1
    for at, (amount, full) in enumerate(zip(amounts, whole, strict=True)):
        bottom = 0.0 if full else level
        color = (colors or {}).get(at) or (BLUE if full else rise if amount >= 0 else fall)
        axis.bar(at, amount, bottom=bottom, color=color, width=0.62)
        level = amount if full else level + amount
        low = min(low, level)
        note(axis, at, max(bottom, bottom + amount),
             f"{amount:,.{digits}f}" if full else f"{amount:+,.{digits}f}")  # fmt: skip
        if at < last:
            axis.plot([at + 0.31, at + 0.69], [level, level], color=GREY, linewidth=0.8)
    ticks(axis, names)
    axis.grid(axis="x", visible=False)
    # The last step may miss nought by rounding.
    _room_above(axis, bottom=0.0 if low > -1e-9 else None)


def fan(
    axis: Any,
    x: Any,
    table: pd.DataFrame,
    *,
    divisor: float = 1.0,
    color: str = BLUE,
    measured: Mapping[float, float] | None = None,
    start: float | None = None,
    lang: str | None = None,
) -> None:
    """Bands from the columns ``lo-80, hi-80, ...``, the widest first.

    Parameters
    ----------
    x
        Places of the rows; one more, in front, where `start` is given.
    divisor
        From the table's unit to the axis's.
    measured
        Level -> coverage measured, in percent, written into the legend.
    start
        Value, in the table's unit, from which the bands open.
    """
    levels = sorted({float(str(c)[3:]) for c in table.columns if str(c).startswith("lo-")})
    before = [] if start is None else [start]
    for rank, level in enumerate(reversed(levels)):
        low, high = (np.r_[before, table[f"{end}-{level:g}"]] / divisor for end in ("lo", "hi"))
        found = (measured or {}).get(level)
        name = say("present.band", level=level) if found is None else say(
            "present.band_measured", level=level, found=found
        )  # fmt: skip
        axis.fill_between(x, low, high, color=color, alpha=0.14 + 0.13 * rank, linewidth=0,
                          label=name(lang))  # fmt: skip


def _room_above(axis: Any, bottom: float | None) -> None:
    # A bar that starts at the top of the axis would otherwise leave no room for its label.
    axis.use_sticky_edges = False
    axis.margins(y=0.12)
    if bottom is not None:
        axis.set_ylim(bottom=bottom)


def _colors(frame: pd.DataFrame, colors: Mapping[str, str] | Sequence[str]) -> dict[Any, str]:
    """A column keeps its colour whether or not others are drawn."""
    spare = colors if not isinstance(colors, Mapping) else PALETTE
    own = colors if isinstance(colors, Mapping) else {}
    return {c: own.get(c, spare[i % len(spare)]) for i, c in enumerate(frame.columns)}


def _named(column: object, names: Mapping[str, Text | str] | None, lang: str | None) -> str:
    given = (names or {}).get(str(column))
    return _without_unit(word(str(column), lang)) if given is None else Text.of(given)(lang)


def text_width(text: str) -> int:
    """Width in half characters."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _broken(text: str, room: int) -> str:
    """A long name in lines of about `room` half characters."""
    if text_width(text) <= room:
        return text
    parts = text.split(" ") if " " in text else list(text)
    glue = " " if " " in text else ""
    made, line = [], ""
    # Chinese has no blanks: lines of even length look best.
    even = room if glue else -(-text_width(text) // -(-text_width(text) // room))
    for part in parts:
        longer = f"{line}{glue}{part}" if line else part
        if line and text_width(longer) > even + (0 if glue else 1):
            made.append(line)
            longer = part
        line = longer
    return "\n".join([*made, line])


# ---------------------------------------------------------------- tables

#: Sections of ``params/words/labels.yaml`` in which a header or a code is looked up.
_SECTIONS = ("columns", "debt", "budget", "terms", "values", "monthly", "revenue")


#: A column with cells wider than this (in Latin letters) holds sentences.
_LONG = 60


def word(key: str, lang: str | None = None) -> str:
    """The word for a column, term or code; the key itself where there is none.

    >>> word("contract_id", "zh"), word("no_such_column", "zh")
    ('债务编号', 'no_such_column')
    """
    return word_in(_SECTIONS, key, lang or language())


def _without_unit(text: str, unit: str = "万元") -> str:
    for told in ("万元", unit):
        text = text.replace(f"（{told}）", "").replace(f" ({told})", "")
    return text


def show(
    thing: Any,
    lang: str | None = None,
    *,
    unit: str = "",
    digits: int | Mapping[str, int] | None = None,
    caption: Text | str = "",
    index: bool | None = None,
    rows: int = 300,
    across: str = "",
    total: bool = False,
) -> Any:
    """A frame (or a result) as it stands in a report: the last line of a notebook's cell.

    Parameters
    ----------
    thing
        A DataFrame or Series; sentences, or any result that shows itself, are shown in `lang`;
        None and an empty list show nothing.
    lang
        ``zh`` or ``en``; the language in force where none is given.
    unit
        Stands in the caption, and no longer in each header (万元 by itself where there are
        columns ``..._wan``); these are converted to it where it is 亿元 or 元, all others are
        in it already.
    digits
        Decimals, for all columns or by column. By default 万元 are whole where the
        table's amounts are large, everything else has two.
    caption
        Stands above the table; of ``中文 / English`` the half in `lang`.
    index
        Whether the row names are shown; by default where the index has a name or is text.
    rows
        More rows than this are cut, and the last line says how many there are.
    across
        A column, as ``year``, whose values become the heads: the other columns stand below
        one another, as in official tables.

    Returns
    -------
    TableView
        Headers from ``params/words/labels.yaml``, codes as words, thousands separators,
        a dash for missing, years plain, 分 as 元.
    """
    if isinstance(thing, pd.Series):
        thing = thing.to_frame(thing.name if thing.name is not None else "value")
    if thing is None or (isinstance(thing, (list, tuple)) and not thing):
        return None
    if hasattr(thing, "_repr_mimebundle_"):
        return thing
    if not isinstance(thing, pd.DataFrame) or hasattr(type(thing), "answer"):
        return Shown(thing, lang or language())
    return TableView(
        thing, lang, unit=unit, digits=digits, caption=caption, index=index, rows=rows,
        across=across, total=total,
    )  # fmt: skip


class Shown:
    """A sentence or result that shows itself in one language, whatever the language in force."""

    def __init__(self, thing: Any, lang: str) -> None:
        self.thing, self.lang = thing, lang

    def __repr__(self) -> str:
        with speaking(self.lang):
            if isinstance(self.thing, (list, tuple)):
                return "\n".join(f"- {text}" for text in self.thing)
            said = (
                self.thing if isinstance(self.thing, Text) else getattr(self.thing, "answer", None)
            )
            if isinstance(said, tuple):
                return "\n".join(map(str, said))
            return str(said) if isinstance(said, Text) else repr(self.thing)

    def _repr_html_(self) -> str | None:
        if isinstance(self.thing, Text):
            from markupsafe import escape

            return f"<p>{escape(self.thing(self.lang))}</p>"
        if isinstance(self.thing, (list, tuple)):
            return note_html(self.thing, self.lang)
        html = getattr(self.thing, "_repr_html_", None)
        with speaking(self.lang):
            return html() if html is not None else None


@dataclass(repr=False)
class TableView:
    """A table that shows as HTML in a browser and as aligned text elsewhere; see `show`."""

    frame: pd.DataFrame
    lang: str | None = None
    unit: str = ""
    digits: int | Mapping[str, int] | None = None
    caption: Text | str = ""
    index: bool | None = None
    rows: int = 300
    across: str = ""
    total: bool = False

    def __post_init__(self) -> None:
        frame, self.lang = self.frame, self.lang or language()
        amounts = any(str(column).endswith("_wan") for column in frame.columns)
        if self.index if self.index is not None else _tells(frame.index):
            names = [n if n is not None else " " * i for i, n in enumerate(frame.index.names, 1)]
            named = frame.set_axis(frame.index.set_names(names), axis=0)
            frame = named.reset_index(allow_duplicates=True)
        frame, converted = in_unit(frame, self.unit)
        self.numeric = [is_number(frame.iloc[:, i]) for i in range(frame.shape[1])]
        cut = frame.head(self.rows)
        digits = _digits(cut, self.digits, self.unit, converted)
        # One unit for all amounts stands above the table rather than in each header.
        self.unit = self.unit or ("万元" if amounts else "")
        heads = [self._head(column) for column in frame.columns]
        cells = format_cells(in_words(cut, self.lang), digits)
        self.keys = [_key(column) for column in frame.columns]
        self.row_keys = [_key(first) for first in cut.iloc[:, 0]] if cut.shape[1] else []
        self.values = [list(row) for row in cut.itertuples(index=False, name=None)]
        self.cells = cells.set_axis(pd.Index(heads, dtype=object), axis=1)
        if self.total and len(self.cells):
            self._add_up(frame, digits)
        if self.across:
            self._turn(self.keys.index(self.across), heads)

    def _add_up(self, frame: pd.DataFrame, digits: list[int]) -> None:
        """A last row with the sums of the amounts."""
        sums = [
            float(frame.iloc[:, i].sum()) if key.endswith(_AMOUNTS) else None
            for i, key in enumerate(self.keys)
        ]
        texts = [
            "" if amount is None else _cell(amount, False, places)
            for amount, places in zip(sums, digits, strict=True)
        ]
        texts[0] = texts[0] or say("present.total")(self.lang)
        last = pd.DataFrame([texts], columns=self.cells.columns)
        self.cells = pd.concat([self.cells, last], ignore_index=True)
        self.values.append(list(sums))
        self.row_keys.append("All")

    def _turn(self, at: int, heads: list[str]) -> None:
        """Columns become rows under the values of one of them."""
        others = [i for i in range(len(self.keys)) if i != at]
        tops = [str(text) for text in self.cells.iloc[:, at]]
        rows = [[heads[i], *self.cells.iloc[:, i]] for i in others]
        names = pd.Index([say("present.item")(self.lang), *tops], dtype=object)
        self.cells = pd.DataFrame(rows, columns=names, dtype=object)
        self.values = [[heads[i], *(row[i] for row in self.values)] for i in others]
        self.row_keys, self.keys = [self.keys[i] for i in others], ["", *tops]
        numeric = [self.numeric[i] for i in others]
        self.numeric = [False, *([any(numeric)] * len(tops))]

    def _head(self, column: object) -> str:
        parts = column if isinstance(column, tuple) else (column,)
        texts = [_total(word(str(part), self.lang), self.lang) for part in parts if part != ""]
        text = " · ".join(texts).strip()
        return _without_unit(text, self.unit) if self.unit else text

    @property
    def _said(self) -> tuple[str, str]:
        """Caption, and the unit where one is given."""
        unit = say("present.unit", unit=self.unit)(self.lang) if self.unit else ""
        caption = Text.of(self.caption)(self.lang)
        zh, both, en = caption.rpartition(" / ")
        return (zh if both and self.lang == "zh" else en), unit

    @property
    def _heading(self) -> str:
        return "　".join(text for text in self._said if text)

    @property
    def _none(self) -> str:
        return say("present.none")(self.lang)

    @property
    def _foot(self) -> str:
        if len(self.frame) <= self.rows:
            return ""
        return say("present.cut", shown=self.rows, all=len(self.frame))(self.lang)

    def __repr__(self) -> str:
        text = self.cells.to_string(index=False) if len(self.cells) else self._none
        return "\n".join(part for part in (self._heading, text, self._foot) if part)

    def _kind(self, column: int) -> str:
        """Class and style of a column: a notebook has no style sheet of ours."""
        if self.numeric[column]:
            return 'class="num" style="text-align:right"'
        longest = max((text_width(str(cell)) for cell in self.cells.iloc[:, column]), default=0)
        # Chinese breaks after any character: without a width, a sentence stands upright.
        least = 18 if longest > _LONG else min(longest / 2 + 2, 8)
        wrap = f"text-align:left;min-width:{least:g}em;overflow-wrap:anywhere"
        return f'class="txt" style="{wrap}"'

    def _repr_html_(self) -> str:
        from markupsafe import escape

        kinds = [self._kind(i) for i in range(len(self.numeric))]
        head = "".join(
            f'<th {kind} data-key="{escape(key)}">{escape(name)}</th>'
            for name, key, kind in zip(self.cells.columns, self.keys, kinds, strict=True)
        )
        body = "".join(
            f'<tr data-key="{escape(key)}">'
            + "".join(
                f"<td {kind}{_exact(value)}>{escape(cell)}</td>"
                for cell, value, kind in zip(row, values, kinds, strict=True)
            )
            + "</tr>"
            for row, values, key in zip(
                self.cells.itertuples(index=False, name=None),
                self.values,
                self.row_keys,
                strict=True,
            )
        )
        if not len(self.cells):
            return f'<p class="fm-note">{escape(self._heading)} {escape(self._none)}</p>'
        said, of = map(escape, self._said)
        unit = f' <span class="fm-unit">{of}</span>' if of else ""
        caption = f'<span class="fm-caption">{said}</span>' if said else ""
        top = f"<caption>{caption}{unit}</caption>" if caption or unit else ""
        foot = f'<p class="fm-note">{escape(self._foot)}</p>' if self._foot else ""
        return (
            f'<div class="fm-table"><table>{top}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>{foot}</div>"
        )


def _key(column: object) -> str:
    """The name under which the column or row of a shown table is found again."""
    return "|".join(map(str, column)) if isinstance(column, tuple) else str(column)


def exact(value: object) -> float | None:
    """A number as it is behind its rounded text, for whoever reckons on with the table."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return None
    return float(value) if np.isfinite(value) else None


def _exact(value: object) -> str:
    number = exact(value)
    return "" if number is None else f' data-v="{number:.15g}"'


def answer(*texts: Text | str, lang: str | None = None) -> str:
    """Sentences as the HTML of an answer: what stands first in a result.

    Parameters
    ----------
    texts
        Sentences of the words, each on its own line; empty ones are left out.
    """
    from markupsafe import escape

    said = [Text.of(text)(lang) for text in texts if text]
    lines = "".join(f"<p>{escape(text)}</p>" for text in said)
    return f'<blockquote class="fm-answer">{lines}</blockquote>' if lines else ""


class Result:
    """A result that shows itself: what it says first, then a short table.

    A frozen dataclass takes this as its base (with ``repr=False``) and defines `answer`;
    `short` is its table unless it says otherwise.
    """

    if TYPE_CHECKING:  # a field of most, worked out by some

        @property
        def table(self) -> pd.DataFrame:
            """All of its figures."""

    @property
    def answer(self) -> Text:
        """What it comes to, in one sentence or two."""
        raise NotImplementedError

    @property
    def short(self) -> pd.DataFrame:
        """The table under the answer."""
        return self.table

    def __repr__(self) -> str:
        return f"{self.answer}\n{TableView(self.short)!r}"

    def _repr_html_(self) -> str:
        return result_html(self.answer, self.short)


class Found(Result):
    """A result with findings."""

    if TYPE_CHECKING:  # a field of most, worked out by some

        @property
        def found(self) -> tuple[Finding, ...]:
            """What was found."""

    @property
    def findings(self) -> pd.DataFrame:
        """`found` as a frame with the house columns."""
        return to_frame(self.found)


class Checked(Found):
    """A result that tells the first of its findings under its answer."""

    def _repr_html_(self) -> str:
        return result_html([self.answer, *(f.said for f in self.found[:5])], self.short)


def note_html(texts: Iterable[Text | str], lang: str | None = None) -> str:
    """Sentences as a list of notes in HTML; nothing for none."""
    from markupsafe import escape

    lines = "".join(f"<li>{escape(Text.of(text)(lang))}</li>" for text in texts)
    return f'<ul class="fm-notes">{lines}</ul>' if lines else ""


def result_html(
    said: Text | str | Iterable[Text | str],
    frame: pd.DataFrame | None = None,
    lang: str | None = None,
    **options: Any,
) -> str:
    """How a result shows itself in a notebook: the answer, then a short table.

    Parameters
    ----------
    said
        The answer, in one or several sentences.
    frame
        The table under it; None for none.
    options
        As for `show`.
    """
    texts = [said] if isinstance(said, (str, Text)) else list(said)
    table = "" if frame is None else TableView(frame, lang, **options)._repr_html_()
    return answer(*texts, lang=lang) + table


def format_cells(
    frame: pd.DataFrame, digits: int | Mapping[str, int] | Sequence[int] = 2
) -> pd.DataFrame:
    """A copy with every cell as text: 1,234.50; dash for missing; years without separators.

    Parameters
    ----------
    digits
        Decimals: one for all, by column name, or one for each column.
    """
    made: list[list[str]] = []
    for at, column in enumerate(frame.columns):
        name, values = str(column), frame.iloc[:, at]
        if isinstance(digits, int):
            places = digits
        else:
            places = digits.get(name, 2) if isinstance(digits, Mapping) else digits[at]
        made.append(
            [
                _missing(v) or _cell(v, name == "period" or name.endswith("year"), places)
                for v in values
            ]
        )
    cells = pd.DataFrame(dict(enumerate(made)), index=frame.index, dtype=object)
    return cells.set_axis(frame.columns, axis=1)


def _cell(value: object, plain: bool, places: int) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "√" if value else ""
    if isinstance(value, (int, np.integer)):
        return str(value) if plain else f"{value:,}"
    if isinstance(value, (float, np.floating)):
        if plain and float(value).is_integer():
            return f"{value:.0f}"
        # A value that rounds to zero is shown without a minus sign.
        text = f"{value:,.{places}f}"
        return text.lstrip("-") if not text.strip("-0.,") else text
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value)


def _missing(value: object) -> str:
    return "—" if value is None or value is pd.NaT or value is pd.NA or value != value else ""


def is_number(values: pd.Series[Any]) -> bool:
    """Whether a column holds numbers, and not yes and no."""
    types = pd.api.types
    return types.is_numeric_dtype(values) and not types.is_bool_dtype(values)


def _tells(index: pd.Index[Any]) -> bool:
    """Whether row names say something."""
    named = any(name is not None for name in index.names)
    return named or not pd.api.types.is_integer_dtype(index)


def in_unit(frame: pd.DataFrame, unit: str = "") -> tuple[pd.DataFrame, set[str]]:
    """分 as 元, 万元 in the unit asked for; and the columns that were converted."""
    made, done = frame.copy(deep=False), set()
    divisor = {"亿元": YI, "元": 1 / 10_000}.get(unit)
    for column in [c for c in made.columns if isinstance(c, str)]:
        if column.endswith("_fen"):
            made[column] = made[column] / 100
        elif column.endswith("_wan") and divisor is not None:
            made[column] = made[column] / divisor
        else:
            continue
        done.add(column)
    fen = {c: f"{c[:-4]}_yuan" for c in done if c.endswith("_fen")}
    return made.rename(columns=fen), {fen.get(c, c) for c in done}


def _digits(
    frame: pd.DataFrame, given: int | Mapping[str, int] | None, unit: str, converted: set[str]
) -> list[int]:
    """Decimals of each column: what is given, else 万元 whole in a table of large amounts."""
    numbers = [i for i in range(frame.shape[1]) if is_number(frame.iloc[:, i])]
    money = [
        i for i in numbers
        if (str(frame.columns[i]).endswith("_wan") and str(frame.columns[i]) not in converted)
        or (unit == "万元" and not str(frame.columns[i]).endswith("_pct"))
    ]  # fmt: skip
    most = max((frame.iloc[:, i].abs().max() for i in money), default=0.0)
    large = {str(frame.columns[i]) for i in money} if most >= 10_000 else set()
    if isinstance(given, int):
        return [given] * frame.shape[1]
    known = given or {}
    return [known.get(str(c), 0 if str(c) in large else 2) for c in frame.columns]


def in_words(frame: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Text columns that hold codes of the package in words, and pandas' sum as a total."""
    codes, made = labels("values").keys() | labels("debt").keys(), {}
    for at in range(frame.shape[1]):
        values = frame.iloc[:, at]
        made[at] = values
        if is_number(values) or pd.api.types.is_bool_dtype(values):
            continue
        made[at] = values.map(lambda v: _made_name(v, lang) if isinstance(v, str) else v)
        texts = [v for v, named in zip(values, made[at], strict=True) if v == named and v]
        if texts and all(isinstance(v, str) and v in codes for v in texts):
            made[at] = made[at].map(lambda v: _code(v, lang) if v in codes else v)
    return pd.DataFrame(made, index=frame.index).set_axis(frame.columns, axis=1)


def _made_name(text: str, lang: str) -> str:
    """Names that the package makes: of batches of quota, and of a sum."""
    if "replacement " in text:
        return "、".join(batch_name(part)(lang) for part in text.split("、"))
    return _total(text, lang)


def _code(text: str, lang: str) -> str:
    return label(text, lang, "values" if text in labels("values") else "debt")


def _total(text: str, lang: str | None) -> str:
    # What pivot_table(margins=True) calls its sums.
    return say("present.total")(lang) if text == "All" else text
