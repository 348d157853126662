"""Receipts and small tables from a frame, a CSV or an Excel file.

Text stays text: identifiers keep their zeros and amounts their decimals. Every
row knows where it stands, so that a problem can be found again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.fees.words import HEADERS, clean
from fiscalmodel.tables.records import is_example_row

#: Rows read at a time from a file.
CHUNK_ROWS = 1_000_000
#: Rows of a frame in memory looked at a time.
FRAME_ROWS = 4_000_000
#: A file above this many bytes is never held in memory as a whole.
LARGE_BYTES = 200_000_000
_HEADER_SEARCH = 20
TableLike = pd.DataFrame | str | Path | Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Source:
    """A table that can be read (again) in chunks of rows.

    Attributes
    ----------
    name
        File name, or the argument's name.
    chunks
        Call to iterate over (first row's number, frame with canonical columns).
    place
        Row number and column -> text that says where the cell is.
    large
        Whether it may be too large for memory.
    whole
        The frame itself where it is in memory anyway.
    """

    name: str
    chunks: Callable[[], Iterator[tuple[int, pd.DataFrame]]]
    place: Callable[[int, str], str]
    large: bool = False
    whole: pd.DataFrame | None = None


def open_table(
    table: TableLike,
    *,
    name: str,
    headers: Mapping[str, Sequence[str]] = HEADERS,
    required: Sequence[str] = (),
    chunk_rows: int = CHUNK_ROWS,
) -> Source:
    """A frame, list of records or file as a `Source` with canonical columns.

    Raises
    ------
    InputError
        For a missing file, an unreadable one, or missing or doubled columns.
    """
    if isinstance(table, (str, Path)):
        path = Path(table)
        if not path.is_file():
            raise InputError(
                str(path), "no such file", f"give a frame, a .csv or an .xlsx for {name}"
            )
        if path.suffix.lower() in {".xlsx", ".xlsm", ".xls"}:
            return _excel(path, headers, required)
        return _csv(path, headers, required, chunk_rows)
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(list(table))
    renames = _columns([str(c) for c in frame.columns], headers, required, name)
    if not all(str(c) in renames for c in frame.columns) or any(k != v for k, v in renames.items()):
        frame = frame[[c for c in frame.columns if str(c) in renames]]
        frame = frame.set_axis([renames[str(c)] for c in frame.columns], axis=1)
    labels = frame.index

    frame_rows = max(chunk_rows, FRAME_ROWS) if chunk_rows == CHUNK_ROWS else chunk_rows

    def slices() -> Iterator[tuple[int, pd.DataFrame]]:
        for first in range(0, len(frame), frame_rows):
            yield first, frame.iloc[first : first + frame_rows]

    def place(row: int, column: str) -> str:
        index = "" if str(labels[row]) == str(row) else f", index {labels[row]}"
        return f"{name}[row {row + 1}{index}, {column}]"

    return Source(name, slices, place, whole=frame)


def records(source: Source) -> list[tuple[int, dict[str, Any]]]:
    """Rows of a small table as dicts; missing cells are None, blank rows are left out."""
    rows: list[tuple[int, dict[str, Any]]] = []
    for first, frame in source.chunks():
        for i, record in enumerate(frame.to_dict("records")):
            row = {str(k): None if _missing(v) else v for k, v in record.items()}
            if any(v is not None for v in row.values()):
                rows.append((first + i, row))
    return rows


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or bool(pd.isna(value))


def _columns(
    found: Sequence[str], headers: Mapping[str, Sequence[str]], required: Sequence[str], name: str
) -> dict[str, str]:
    known = {clean(w).casefold(): c for c, words in headers.items() for w in (c, *words)}
    renames = {h: known[clean(h).casefold()] for h in found if clean(h).casefold() in known}
    doubled = {c for c in renames.values() if list(renames.values()).count(c) > 1}
    if doubled or len(found) != len(set(found)):
        raise InputError(
            name, f"column given twice: {', '.join(sorted(doubled)) or found}", "keep one"
        )
    missing = [c for c in required if c not in renames.values()]
    if missing:
        says = "; ".join(f"{c} ({'、'.join(headers[c][:2])})" for c in missing)
        raise InputError(
            name, f"missing column {says}", f"columns found: {', '.join(found) or 'none'}"
        )
    return renames


def _header_row(rows: Sequence[Sequence[object]], headers: Mapping[str, Sequence[str]]) -> int:
    """The row that holds most known headers among the first ones."""
    known = {clean(w).casefold() for c, words in headers.items() for w in (c, *words)}
    hits = [sum(clean(v).casefold() in known for v in row) for row in rows[:_HEADER_SEARCH]]
    return hits.index(max(hits)) if hits else 0


def encoding_of(path: Path) -> str:
    """utf-8 (with or without BOM) or GB18030, by the first megabyte."""
    head = path.read_bytes() if path.stat().st_size < 2**20 else path.open("rb").read(2**20)
    try:
        # A character may be cut at the end of the piece.
        head[: len(head) - 4 if len(head) == 2**20 else None].decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        return "utf-8-sig" if error.start > len(head) - 8 and len(head) == 2**20 else "gb18030"
    return "utf-8-sig"


def _csv(
    path: Path, headers: Mapping[str, Sequence[str]], required: Sequence[str], chunk_rows: int
) -> Source:
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="", errors="replace") as file:
        top = [row for _, row in zip(range(_HEADER_SEARCH), csv.reader(file), strict=False)]
    start = _header_row(top, headers)
    renames = _columns([c for c in (top[start] if top else []) if c], headers, required, path.name)

    example = len(top) > start + 1 and is_example_row(top[start + 1])
    if example and len(top) == start + 2:
        raise _only_example(path.name)
    skipped = 1 if example else 0

    large = path.stat().st_size > LARGE_BYTES
    read = _by_arrow if large and find_spec("pyarrow") else _by_pandas

    def chunks() -> Iterator[tuple[int, pd.DataFrame]]:
        first = 0
        try:
            for frame in read(path, start, encoding, list(renames), chunk_rows):
                own = frame.iloc[skipped:] if first == 0 else frame
                yield first, _without_blank_end(own.rename(columns=renames))
                first += len(own)
        except (ValueError, UnicodeDecodeError, csv.Error) as error:
            if isinstance(error, InputError):
                raise
            says = str(error).strip().splitlines()[-1]
            raise InputError(path.name, f"cannot be read: {says}", "save it as CSV UTF-8") from None

    top_lines = start + 2 + skipped
    return Source(
        path.name, chunks, lambda row, column: f"{path.name}:{row + top_lines}:{column}", large
    )


def _only_example(where: str) -> InputError:
    return InputError(
        where, "only the example row is filled in", "write your own rows below it, or over it"
    )


def _by_pandas(
    path: Path, start: int, encoding: str, columns: list[str], chunk_rows: int
) -> Iterator[pd.DataFrame]:
    with pd.read_csv(
        path, skiprows=start, dtype=str, keep_default_na=False, encoding=encoding,
        usecols=columns, chunksize=chunk_rows, skip_blank_lines=False,
    ) as reader:  # fmt: skip
        yield from reader


def _by_arrow(
    path: Path, start: int, encoding: str, columns: list[str], chunk_rows: int
) -> Iterator[pd.DataFrame]:
    """The same, some times faster, where the optional pyarrow is installed."""
    from pyarrow import csv as arrow
    from pyarrow import string

    def blank_lines(row: Any) -> str:
        return "skip" if not row.text.strip() else "error"

    reader = arrow.open_csv(
        path,
        read_options=arrow.ReadOptions(
            skip_rows=start, encoding=encoding.removesuffix("-sig"), block_size=64 * chunk_rows
        ),
        parse_options=arrow.ParseOptions(
            newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=blank_lines
        ),
        convert_options=arrow.ConvertOptions(
            include_columns=columns, column_types=dict.fromkeys(columns, string()),
            strings_can_be_null=False,
        ),
    )  # fmt: skip
    text = pd.StringDtype("pyarrow", na_value=float("nan"))
    for batch in reader:
        yield batch.to_pandas(types_mapper=lambda _: text)


def _without_blank_end(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that a spreadsheet left behind empty are no receipts."""
    end = len(frame)
    while end and not any(clean(v) for v in frame.iloc[end - 1].fillna("")):
        end -= 1
    return frame.iloc[:end]


def _excel(path: Path, headers: Mapping[str, Sequence[str]], required: Sequence[str]) -> Source:
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes()))
        sheet = next((n for n in book.sheet_names if book.get_sheet_by_name(n).height), "")
        rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False) if sheet else []
    except Exception as error:
        raise InputError(path.name, f"cannot be read as Excel: {error}", "save it again") from None
    start = _header_row(rows, headers)
    top = [str(v) for v in (rows[start] if rows else [])]
    where = f"{path.name}[{sheet}]"
    renames = _columns([c for c in top if c.strip()], headers, required, where)
    wanted = [(j, renames[h]) for j, h in enumerate(top) if h in renames]
    # Trailing rows that a format touched but nobody filled are no receipts.
    body = rows[start + 1 :]
    while body and not any(clean(v) for v in body[-1]):
        body = body[:-1]
    if body and is_example_row(body[0]):  # the template's example above real rows
        start, body = start + 1, body[1:]
        if not body:
            raise _only_example(where)
    frame = pd.DataFrame(
        {c: pd.Series([_cell(row[j]) for row in body], dtype=object) for j, c in wanted}
    )
    letter = {c: _letter(j) for j, c in wanted}
    return Source(
        path.name,
        lambda: iter([(0, frame)]),
        lambda row, column: f"{path.name}[{sheet}!{letter.get(column, '')}{row + start + 2}]",
    )


def _cell(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _letter(j: int) -> str:
    text = ""
    j += 1
    while j:
        j, rest = divmod(j - 1, 26)
        text = chr(65 + rest) + text
    return text
