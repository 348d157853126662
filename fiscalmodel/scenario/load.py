"""Scenario files: ``extends``, every problem at once, paths that stay inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from fiscalmodel import yamlio
from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
from fiscalmodel.paths import inside, project_root, safe_name
from fiscalmodel.scenario.data import TABLE_KEYS, Place, place_of, references
from fiscalmodel.scenario.origin import Origin, origin_of
from fiscalmodel.scenario.schema import DataRef, ScenarioSpec
from fiscalmodel.schema_errors import Origins, explain
from fiscalmodel.tables.records import Records, read_records
from fiscalmodel.words import headers_in, say

if TYPE_CHECKING:
    from fiscalmodel.series.types import Series

MAX_EXTENDS = 10


@dataclass(frozen=True)
class Region:
    """A region that scenarios may name."""

    key: str
    zh: str
    en: str
    synthetic: bool = False

    def name(self, lang: str) -> str:
        """Display name in `lang`."""
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True)
class Scenario:
    """A scenario that passed every check.

    Attributes
    ----------
    id
        ``region/file``, unique in the project.
    spec
        The merged content.
    region
        The region it is for.
    file
        The file it was read from.
    places
        Key (``debt.ledger``, ``balance.transfers_wan.0`` ...) -> file, known to exist, and
        where in it the data stand; series of the catalogue have none.
    chain
        All files read, from this one to the last that it extends.
    unfilled
        Keys whose sheet is not filled in, and which `given_only` took out.
    origin
        Data that are made up or another region's, where the scenario does not say so.
    """

    id: str
    spec: ScenarioSpec
    region: Region
    file: Path
    places: Mapping[str, Place] = field(default_factory=dict)
    chain: tuple[Path, ...] = ()
    unfilled: Mapping[str, Place] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)

    @property
    def synthetic(self) -> bool:
        """Whether any of its data are made up."""
        return self.spec.synthetic or self.region.synthetic or bool(self.origin.synthetic)

    @property
    def files(self) -> dict[str, Path]:
        """Key -> data file, absolute."""
        return {key: place.file for key, place in self.places.items()}

    def tables(self, part: str) -> dict[str, Path | dict[str, Any]]:
        """The tables of a part by their key in it, as the readers take them."""
        return {
            key.removeprefix(f"{part}."): place.table()
            for key, place in self.places.items()
            if key in TABLE_KEYS and key.startswith(f"{part}.")
        }

    def records(self, key: str) -> Records:
        """The rows of a table that a key names, by the columns that its own reader knows."""
        return read_records(
            self.places[key].table(), name=key.rpartition(".")[2],
            columns=headers_in(TABLE_KEYS[key]),
        )  # fmt: skip

    def series(self, key: str, named: DataRef) -> Series:
        """The series that a key names: from its place in a file, else of the catalogue."""
        from fiscalmodel.series.assembly import read_series
        from fiscalmodel.series.catalog import load_series

        place = self.places.get(key)
        return read_series(**place.series()) if place else load_series(str(named))

    def name(self, lang: str = "zh") -> str:
        """Region and scenario in `lang`."""
        return f"{self.region.name(lang)} · {self.spec.name(lang)}"

    def change(self, changes: Mapping[str, Any], name: str = "") -> Scenario:
        """The scenario with some keys filled differently; itself it stays as it is.

        Parameters
        ----------
        changes
            Dotted key -> value, as in the file: ``{"debt.quota_shock_pct": -20}``; a mapping
            is laid over what is there, None takes a key out.
        name
            Name of the new scenario; by default the old one with a ``*``.

        Raises
        ------
        InputError
            If a key is unknown or a value does not fit.
        """
        over: dict[str, Any] = {"name": name or f"{self.spec.name.zh} *"}
        for key, value in changes.items():
            *above, last = key.split(".")
            at = over
            for part in above:
                at = at.setdefault(part, {})
            at[last] = value
        data = _merge(self.spec.model_dump(exclude_none=True), over)
        try:
            spec = _spec(data)
        except ValidationError as error:
            paths = {path: (self.id, yamlio.Position(1, 1)) for path in _paths(data)}
            told = explain(error, ScenarioSpec, paths, self.id)
            raise InputError.of(replace(problem, where=self.id) for problem in told) from None
        found, root = Collector(), project_root(self.file.parent)
        places = _places(data, self.file, root, {}, self.id, found)
        found.raise_if_any()
        made = replace(self, id=f"{self.id} *", spec=spec, places=places, origin=Origin())
        if made.synthetic:
            return made
        known = read_regions(root).values()
        return replace(made, origin=_origin(data, places, self.region, known))


def load_scenario(path: str | Path) -> Scenario:
    """Read a scenario file with everything that it extends.

    Parameters
    ----------
    path
        Relative paths are looked up from the working directory, then from the
        project's folder.

    Raises
    ------
    InputError
        With all problems, each as ``file:line:column: key: problem``.
    """
    file = _find(path)
    root = project_root(file.parent)
    data, origins, chain = _merged(file, root)
    found = Collector()
    shown = _shown(file, root)
    regions = read_regions(root)
    by_name = {region.zh: key for key, region in regions.items()}
    if data.get("region") in by_name:  # a region may go by its Chinese name
        data["region"] = by_name[data["region"]]
    try:
        spec: ScenarioSpec | None = _spec(data)
    except ValidationError as error:
        found.problems += explain(error, ScenarioSpec, origins, shown)
        spec = None
    name = data.get("region") if isinstance(data, dict) else None
    where = _place(origins, ("region",), shown)
    if isinstance(name, str):
        try:
            safe_name(name, where=where)
        except InputError as error:
            found.extend(error)
        else:
            if name not in regions:
                hint = did_you_mean(name, [*by_name, *regions]) or known_names(by_name)
                found.add(
                    where,
                    "scenario.unknown_region",
                    say("scenario.new_region", hint=hint),
                    name=name,
                )
    places = _places(data, file, root, origins, shown, found)
    found.raise_if_any()
    assert spec is not None
    region = regions[spec.region]
    made = Scenario(_identity(file, root, spec), spec, region, file, places, chain)
    if made.synthetic:
        return made
    return replace(made, origin=_origin(data, places, region, regions.values()))


def read_regions(root: Path | None = None) -> dict[str, Region]:
    """The regions of ``params/regions.yaml`` by key."""
    file = (root or project_root()) / "params" / "regions.yaml"
    data, _ = yamlio.load_yaml(file)
    regions = data.get("regions") if isinstance(data, dict) else None
    if not isinstance(regions, dict):
        raise InputError(file, "scenario.no_regions")
    made: dict[str, Region] = {}
    for key, entry in regions.items():
        key = safe_name(key, where=str(file))
        entry = {"zh": entry, "en": entry} if isinstance(entry, str) else entry
        names = set(entry) - {"synthetic"} if isinstance(entry, dict) else set()
        if names != {"zh", "en"}:
            raise InputError(file, "scenario.region_names", key=key)
        made[key] = Region(key, str(entry["zh"]), str(entry["en"]), entry.get("synthetic") is True)
    return made


def _find(path: str | Path) -> Path:
    given = Path(path)
    for candidate in (
        [given] if given.is_absolute() else [Path.cwd() / given, project_root() / given]
    ):
        if candidate.is_file():
            if candidate.suffix.lower() not in (".yaml", ".yml"):
                raise InputError(path, "scenario.no_yaml")
            return candidate.resolve()
    raise InputError(path, "scenario.not_found")


def _merged(file: Path, root: Path) -> tuple[dict[str, Any], Origins, tuple[Path, ...]]:
    """The file's content over that of what it extends, and where each key stands."""
    fence = root / "params" if root / "params" in file.parents else file.parent
    layers: list[tuple[Path, dict[str, Any], yamlio.Positions]] = []
    current: Path | None = file
    while current is not None:
        shown = _shown(current, root)
        data, positions = yamlio.load_yaml(current)
        if not isinstance(data, dict):
            raise InputError(shown, "scenario.no_mapping")
        layers.append((current, data, positions))
        parent = data.pop("extends", None)
        if parent is None:
            break
        where = yamlio.place(shown, positions, ("extends",))
        if not isinstance(parent, str) or Path(parent).is_absolute():
            raise InputError(where, "scenario.extends_not_relative", path=parent)
        current = inside(fence, current.parent / parent, where=f"{where}: extends")
        if current in [layer[0] for layer in layers]:
            raise InputError(where, "scenario.extends_circle", path=parent)
        if not current.is_file():
            raise InputError(where, "scenario.extends_missing", path=parent)
        if len(layers) >= MAX_EXTENDS:
            raise InputError(where, "scenario.extends_too_long", most=MAX_EXTENDS)
    merged: dict[str, Any] = {}
    origins: dict[yamlio.KeyPath, tuple[str, yamlio.Position]] = {}
    for source, data, positions in reversed(layers):
        merged = _merge(merged, data)
        origins |= {path: (_shown(source, root), at) for path, at in positions.items()}
    return merged, origins, tuple(layer[0] for layer in layers)


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Mappings merge key by key, anything else replaces; null removes the key."""
    made = dict(base)
    for key, value in over.items():
        if value is None and key in base:
            made.pop(key)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = _merge(made[key], value)
        else:
            made[key] = value
    return made


def _paths(data: Any, above: yamlio.KeyPath = ()) -> Iterator[yamlio.KeyPath]:
    """Every key path of nested mappings."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*above, key)
            yield from _paths(value, (*above, key))


def _with_year_keys(data: Any) -> Any:
    """YAML keys arrive as text; mappings by year get whole numbers as keys."""
    if not isinstance(data, dict):
        return data
    if data and all(isinstance(k, str) and len(k) == 4 and k.isdigit() for k in data):
        return {int(k): v for k, v in data.items()}
    return {k: _with_year_keys(v) for k, v in data.items()}


def _spec(data: dict[str, Any]) -> ScenarioSpec:
    """The content checked; what `confirmed` answers is known to the checks of single keys."""
    answers = data.get("confirmed")
    known = answers if isinstance(answers, dict) else {}
    return ScenarioSpec.model_validate(_with_year_keys(data), strict=True, context=known)


def _places(
    data: Any, file: Path, root: Path, origins: Origins, shown: str, found: Collector
) -> dict[str, Place]:
    """Every place in a file that the scenario names, by key."""
    places: dict[str, Place] = {}
    for path, value in references(data):
        key = ".".join(map(str, path))
        where = f"{_place(origins, path, shown)}: {key}"
        try:
            place = place_of(path, value, file.parent, root, where=where)
        except InputError as error:
            found.extend(error)
        else:
            if place is not None:
                places[key] = place
    return places


def _origin(
    data: Any, places: Mapping[str, Place], region: Region, known: Iterable[Region]
) -> Origin:
    others = [other.zh for other in known if other != region]
    return origin_of(data, places, (region.zh, region.key, region.en), others)


def _identity(file: Path, root: Path, spec: ScenarioSpec) -> str:
    home = root / "params" / "scenarios"
    parts = file.relative_to(home).with_suffix("").parts if home in file.parents else ()
    return "/".join(safe_name(p) for p in parts or (spec.region, file.stem))


def _place(origins: Origins, path: yamlio.KeyPath, shown: str) -> str:
    for end in range(len(path), -1, -1):
        if path[:end] in origins:
            name, at = origins[path[:end]]
            return f"{name}:{at.line}:{at.column}"
    return shown


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if root in file.parents else str(file)
