"""Text that stays text in Excel and CSV."""

from __future__ import annotations

import pandas as pd

#: A cell that starts so would be taken for a formula by a spreadsheet.
RISKY = ("=", "+", "-", "@", "\t", "\r")


def quoted(text: str) -> str:
    """`text` with a leading apostrophe where a spreadsheet would read a formula.

    >>> quoted("=1+1"), quoted("甲银行")
    ("'=1+1", '甲银行')
    """
    return f"'{text}" if text.startswith(RISKY) else text


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A frame as CSV (UTF-8 with BOM, so that Excel shows Chinese), texts quoted."""
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = [quoted(v) if isinstance(v, str) else v for v in safe[column]]
    safe.columns = [quoted(str(c)) for c in safe.columns]
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")
