"""YAML is data only, and every problem has its place."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from fiscalmodel.errors import InputError
from fiscalmodel.yamlio import dotted, load_yaml, parse_yaml, place


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, name="a.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010101", "010101"),
        ("'010101'", "010101"),
        ("-07", "-07"),
        ("0", 0),
        ("12", 12),
        ("-3", -3),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1:30", "1:30"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("1,000", "1,000"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("'true'", "true"),
        ("null", None),
        ("~", None),
        ("", None),
        ("2028-12-31", dt.date(2028, 12, 31)),
        ("'2028-12-31'", "2028-12-31"),
        ("2028-12-31 10:00:00", "2028-12-31 10:00:00"),
        ("江汉区", "江汉区"),
        ("＝SUM(A1)", "＝SUM(A1)"),
    ],
)
def test_scalars_mean_what_an_economist_reads(text: str, value: object) -> None:
    data, _ = parse_yaml(f"key: {text}\n")
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


def test_positions_of_keys_and_items() -> None:
    data, positions = parse_yaml("a:\n  b: 1\n  c:\n    - 5\n    - d: x\n")
    assert data == {"a": {"b": 1, "c": [5, {"d": "x"}]}}
    assert positions[("a", "b")] == (2, 3)
    assert positions[("a", "c", 1, "d")] == (5, 7)
    assert place("f.yaml", positions, ("a", "c", 1, "d")) == "f.yaml:5:7"
    # The nearest key above stands for a key that is missing.
    assert place("f.yaml", positions, ("a", "z", "y")) == "f.yaml:1:1"
    assert dotted(("a", "c", 1, "d")) == "a.c[1].d"


def test_keys_are_text_and_duplicates_are_refused_wherever_they_stand() -> None:
    data, _ = parse_yaml("2021: 5\n2022: 6\n")
    assert data == {"2021": 5, "2022": 6}
    found = problems("a: 1\nb:\n  c: 2\n  c: 3\na: 4\n'2021': 1\n2021: 2\n")
    assert found == [
        "a.yaml:4:3: b.c: the key stands twice — first on line 3",
        "a.yaml:5:1: a: the key stands twice — first on line 1",
        "a.yaml:7:1: 2021: the key stands twice — first on line 6",
    ]


def test_all_problems_at_once() -> None:
    found = problems("a: &x 1\nb: *x\nc: !!python/object/apply:os.system ['ls']\nd: .inf\n")
    assert [text.split(": ", 2)[:2] for text in found] == [
        ["a.yaml:1:4", "a"],
        ["a.yaml:2:4", "b"],
        ["a.yaml:3:4", "c"],
        ["a.yaml:4:4", "d"],
    ]


def test_alias_bomb_is_refused_without_growing() -> None:
    levels = ["a0: &a0 [x, x]"]
    levels += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    found = problems("\n".join(levels))
    assert len(found) == 50
    assert any("are refused (*a0)" in text for text in found)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a:\n\tb: 1\n", "tabs"),
        ("a: [1, 2\n", "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("? [a, b]\n: 1\n", "plain text"),
        ("a: 2026-02-30\n", "no date"),
        ("a: 1e999\n", "too large"),
        ("a: " + "9" * 5000, "too large"),
        ("a: " + "[" * 500 + "]" * 500, "deeper"),
        ("a: b: c\n", "indentation"),
        ("a: \x07\n", "not valid YAML"),
    ],
)
def test_what_is_refused(text: str, part: str) -> None:
    assert part in "\n".join(problems(text))


def test_files(tmp_path: Path) -> None:
    good = tmp_path / "good.yaml"
    good.write_bytes("\ufeff名称: 江汉区\r\n".encode())
    assert load_yaml(good)[0] == {"名称": "江汉区"}

    cases: dict[str, tuple[bytes, str]] = {
        "gb.yaml": ("a: 1\nb: 江汉区\n".encode("gb18030"), "gb.yaml:2:4: is not UTF-8"),
        "big.yaml": (b"a: " + b"x" * (1024 * 1024), "larger than 1,048,576 bytes"),
    }
    for name, (raw, part) in cases.items():
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(InputError, match=part):
            load_yaml(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        load_yaml(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="folder"):
        load_yaml(tmp_path)


def test_both_parsers_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    import fiscalmodel.plainyaml as plainyaml

    texts = ["a: {b: [1, 010, no]}\nc: |\n  x\n  y\n", "a: '1'\n# note\nd: 2026-01-01\n"]
    first = [parse_yaml(text) for text in texts]
    monkeypatch.setattr(plainyaml, "_PARSER", yaml.SafeLoader)
    assert [parse_yaml(text) for text in texts] == first
