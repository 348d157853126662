"""A published table as it was read: values, the text that was printed, and the cell of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.display import Result
from fiscalmodel.errors import InputError, Problem
from fiscalmodel.findings import CellRef
from fiscalmodel.numerals import printed
from fiscalmodel.tables.grid import column_letter
from fiscalmodel.words import Text, say

#: Marks of a row, found from its label.
TOTAL, SUBTOTAL, OF_WHICH = "total", "subtotal", "of_which"
#: Rows that a table shows of itself.
SHOWN = 8

#: Headers of codes and running numbers.
CODES = re.compile(r"编码|代码|编号|序号|行次|栏次")
_ACCOUNT = re.compile(r"[12]\d{2}(?:\d{2}){0,3}(?!\d)(?![.．]\d)")


def label_column(frame: pd.DataFrame) -> str:
    """The first column of texts that are no codes or running numbers; empty if there is none."""
    texts = [c for c, t in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(t)]
    named = [c for c in texts if not CODES.search(str(c)) and any(str(t).strip() for t in frame[c])]
    return str((named or texts or [""])[0])


def row_labels(frame: pd.DataFrame) -> list[str]:
    """The label of each row; where it is blank, a word left of it: 合计 merged over the codes."""
    column = label_column(frame)
    if not column:
        return [""] * len(frame)
    labels = list(frame[column])
    for name in list(frame.columns)[: list(frame.columns).index(column)][::-1]:
        if all(labels) or pd.api.types.is_numeric_dtype(frame[name]):
            break
        words = ("" if re.search(r"\d", text) else text for text in frame[name])
        labels = [label or word for label, word in zip(labels, words, strict=True)]
    return labels


@dataclass(frozen=True)
class About:
    """What a table is, as far as its title tells; see `fiscalmodel.tables.forms`.

    Attributes
    ----------
    form
        Key of ``params/schema/forms.yaml``; empty if unknown.
    region, year
        As named.
    level
        ``own`` 本级, ``whole`` 全市, or empty.
    version
        ``initial_budget``, ``adjusted_budget``, ``execution``, ``final_account``, or empty.
    """

    form: str = ""
    region: str = ""
    level: str = ""
    year: int | None = None
    version: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Table(Result):
    """One table of a file; it shows itself by its title, its size and its first rows.

    Attributes
    ----------
    name
        Title of the table, else the sheet's or the file's name.
    file, sheet
        Where it stands; `sheet` is empty for CSV.
    frame
        One row a body row, columns as printed (levels of a header joined with
        ``/``). Number columns are float with NaN for missing, all others text
        with ``""`` for blank. Percents are percent: ``16.18 %`` is 16.18.
    rows
        Row of the sheet (from 1) of each body row.
    letters
        Column -> column letter of the sheet.
    stored
        Column -> stored cells, as text, number or date.
    unit
        Unit of the amounts as stated, such as 万元; empty if none is stated.
        Values are kept in it, not converted.
    units
        Column -> unit, for number columns whose unit is known (``%`` too).
    marks
        One value a row: ``total`` 合计/总计, ``subtotal`` 小计, ``of_which``
        其中, or empty.
    notes
        What was guessed safely, footnotes, and what was left out.
    problems
        Cells that could not be read; only with ``strict=False``, else they
        are raised.
    percents
        Places (position in the body, column) shown as percent, whose stored
        cell is a ratio.
    decimals
        Gives, when called, place -> decimals that the cell's number format shows.
    about
        Form, region, level, year and version by its title.
    """

    name: str
    file: str
    sheet: str
    frame: pd.DataFrame
    rows: Sequence[int]
    letters: Mapping[str, str]
    stored: Mapping[str, Sequence[Any]]
    unit: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    marks: pd.Series[str] = field(default_factory=lambda: pd.Series(dtype=object))
    notes: tuple[Text, ...] = ()
    problems: tuple[Problem, ...] = ()
    percents: frozenset[tuple[int, str]] = frozenset()
    decimals: Callable[[], dict[tuple[int, str], int]] = dict
    about: About = About()

    @cached_property
    def cells(self) -> pd.DataFrame:
        """Same shape as `frame`: the address of each cell, such as ``B7``."""
        addresses = {c: [f"{x}{r}" for r in self.rows] for c, x in self.letters.items()}
        return pd.DataFrame(addresses, index=self.frame.index, dtype=object)

    @cached_property
    def shown(self) -> dict[str, list[str]]:
        """Column -> what was printed, untouched; a percent with its sign."""
        texts = {c: [printed(v) for v in values] for c, values in self.stored.items()}
        shown = self.decimals()
        for (i, column), places in shown.items():
            value = self.stored[column][i]
            if isinstance(value, float) and (i, column) not in self.percents:
                texts[column][i] = f"{value:.{places}f}"
        for i, column in self.percents:
            value, places = self.frame[column].iloc[i], shown.get((i, column), -1)
            texts[column][i] = f"{printed(value) if places < 0 else format(value, f'.{places}f')}%"
        return texts

    @cached_property
    def texts(self) -> pd.DataFrame:
        """`shown` in the shape of `frame`."""
        return pd.DataFrame(self.shown, index=self.frame.index, dtype=object)

    @classmethod
    def of(
        cls, frame: pd.DataFrame, *, name: str = "table", unit: str = "", file: str = ""
    ) -> Table:
        """A table made from a frame in memory, as if its header stood in row 1.

        >>> Table.of(pd.DataFrame({"项目": ["收入"], "金额": [3.5]})).cell(0, "金额").cell
        'B2'

        Raises
        ------
        InputError
            If two columns have the same name.
        """
        clean = frame.reset_index(drop=True)
        if not clean.columns.is_unique:
            twice = str(clean.columns[clean.columns.duplicated()][0])
            raise InputError(name, "tables.header_twice", name=twice)
        return cls(
            name=name,
            file=file or name,
            sheet="",
            frame=clean,
            rows=range(2, len(clean) + 2),
            letters={str(c): column_letter(j) for j, c in enumerate(clean.columns)},
            stored={str(c): list(clean[c]) for c in clean.columns},
            unit=unit,
            marks=pd.Series([""] * len(clean), dtype=object),
        )

    @property
    def answer(self) -> Text:
        """Title, size, unit and place."""
        width, unit = self.frame.shape[1], self.unit or say("tables.unit_none")
        return say("tables.shown", name=self.name, rows=len(self), columns=width, unit=unit,
                   place=self.place, notes=len(self.notes))  # fmt: skip

    @property
    def short(self) -> pd.DataFrame:
        """The first rows."""
        return self.frame.head(SHOWN)

    def __repr__(self) -> str:
        return str(self.answer)

    @property
    def place(self) -> str:
        """File and sheet, for messages."""
        return str(CellRef(self.file, self.sheet))

    def cell(self, row: Hashable, column: str) -> CellRef:
        """File, sheet and address of the value at `row` of `frame` and `column`."""
        self._known(column)
        position = self.frame.index.get_loc(row)
        assert isinstance(position, int)  # the index of `frame` is unique
        address = f"{self.letters[column]}{self.rows[position]}"
        return CellRef(Path(self.file).name, self.sheet, address)

    def where(self, row: Hashable, column: str) -> str:
        """The same as text: ``预算.xlsx[表1!B7]``."""
        return str(self.cell(row, column))

    def unit_of(self, column: str) -> str:
        """Unit of a column: its own if stated, else the table's."""
        self._known(column)
        return self.units.get(column, self.unit)

    @property
    def form(self) -> str:
        """Official form (a key of ``params/schema/forms.yaml``), or empty."""
        return self.about.form

    @property
    def numbers(self) -> list[str]:
        """Names of the number columns, in order."""
        return [c for c in self.frame.columns if pd.api.types.is_numeric_dtype(self.frame[c])]

    @property
    def labels(self) -> pd.Series[str]:
        """The text column that names the rows, or empty texts if every column is a number."""
        return self._beside(row_labels(self.frame))

    @property
    def codes(self) -> pd.Series[str]:
        """Account code of each row (类 3, 款 5, 项 7 digits), or empty.

        From a column of codes, else from the digits that a label begins with.
        """
        for column in self.frame.columns:
            if CODES.search(str(column)):
                texts = [printed(v).strip() for v in self.stored.get(column, ())]
                found = [t if _ACCOUNT.fullmatch(t) else "" for t in texts]
                if any(found):
                    return self._beside(found)
        begun = [_ACCOUNT.match(str(t).strip()) for t in self.labels]
        return self._beside([m[0] if m else "" for m in begun])

    def _beside(self, texts: list[str]) -> pd.Series[str]:
        return pd.Series(texts, index=self.frame.index, dtype=object)

    def _known(self, column: str) -> None:
        if column not in self.frame.columns:
            names = list(map(str, self.frame.columns))
            raise InputError(self.name, "tables.no_column", name=column, names=names)

    def __len__(self) -> int:
        return len(self.frame)
