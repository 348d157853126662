"""How notebooks show things: a sentence, a table, a chart with its alternative text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.present.labels import relabel

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def say(zh: str, en: str, lang: str = "zh") -> None:
    """Display a Markdown text in the language asked for."""
    from IPython.display import Markdown, display

    display(Markdown(en if lang == "en" else zh))


def show_chart(figure: Figure, alt: str) -> None:
    """Display a chart as a PNG with alternative text, and close it.

    Parameters
    ----------
    figure
        A matplotlib figure.
    alt
        What the chart says, for readers who cannot see it.
    """
    from IPython.display import display
    from matplotlib import pyplot as plt

    buffer = io.BytesIO()
    # No software tag: the same chart gives the same bytes.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(figure)
    # The text stands for the picture where outputs are compared.
    data: dict[str, Any] = {"image/png": buffer.getvalue(), "text/plain": f"[chart] {alt}"}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})


def show_table(
    frame: pd.DataFrame,
    lang: str = "zh",
    *,
    digits: int | dict[str, int] = 2,
    index: bool = False,
    caption: str = "",
) -> None:
    """Display a table with headers in `lang`, thousands separators and fixed decimals.

    Missing values are shown as a dash, never as 0.
    """
    from IPython.display import display

    display(TableView(frame, lang, digits, index, caption))


class TableView:
    """A table that shows as HTML in a browser and as aligned text elsewhere."""

    def __init__(
        self,
        frame: pd.DataFrame,
        lang: str = "zh",
        digits: int | dict[str, int] = 2,
        index: bool = False,
        caption: str = "",
    ) -> None:
        self.frame = format_cells(frame, digits)
        self.numeric = [pd.api.types.is_numeric_dtype(frame[c]) for c in frame.columns]
        self.lang, self.index, self.caption = lang, index, caption

    def __repr__(self) -> str:
        text = relabel(self.frame, self.lang).to_string(index=self.index)
        return f"{self.caption}\n{text}" if self.caption else text

    def _repr_html_(self) -> str:
        from markupsafe import escape

        shown = relabel(self.frame, self.lang)
        head = "".join(
            f'<th class="{"num" if n else "txt"}">{escape(c)}</th>'
            for c, n in zip(shown.columns, self.numeric, strict=True)
        )
        corner = f"<th>{escape(shown.index.name or '')}</th>" if self.index else ""
        rows = []
        for key, row in zip(shown.index, shown.itertuples(index=False), strict=True):
            cells = "".join(
                f'<td class="{"num" if n else "txt"}">{escape(v)}</td>'
                for v, n in zip(row, self.numeric, strict=True)
            )
            label = f"<th>{escape(key)}</th>" if self.index else ""
            rows.append(f"<tr>{label}{cells}</tr>")
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        return (
            f'<div class="fm-table"><table>{caption}<thead><tr>{corner}{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )


def format_cells(frame: pd.DataFrame, digits: int | dict[str, int] = 2) -> pd.DataFrame:
    """A copy with every cell as text: 1,234.50; dash for missing; years without separators."""
    shown = pd.DataFrame(index=frame.index)
    for column in frame.columns:
        places = digits.get(str(column), 2) if isinstance(digits, dict) else digits
        values = frame[column]
        if pd.api.types.is_bool_dtype(values):
            shown[column] = values.map({True: "√", False: ""})
        elif pd.api.types.is_integer_dtype(values) or (
            str(column) in ("year", "period") and pd.api.types.is_float_dtype(values)
        ):
            plain = str(column) in ("year", "period")
            shown[column] = [
                _missing(v) or (f"{int(v)}" if plain else f"{int(v):,}") for v in values
            ]
        elif pd.api.types.is_float_dtype(values):
            shown[column] = [_missing(v) or _number(float(v), places) for v in values]
        else:
            shown[column] = [_missing(v) or str(v) for v in values]
    return shown


def _missing(value: object) -> str:
    return "—" if value is None or value is pd.NaT or value != value else ""


def _number(value: float, places: int) -> str:
    # A value that rounds to zero is shown without a minus sign.
    text = f"{value:,.{places}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text
