"""Words stand in `params/words/`: both languages, the same fields, none missing, none unused."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from fiscalmodel.errors import InputError
from fiscalmodel.plainyaml import parse
from fiscalmodel.words import (
    Text,
    bare,
    hint,
    is_key,
    label,
    official,
    official_words,
    say,
    speaking,
)

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "params" / "words").glob("*.yaml"))
ROOMS = {file.stem: file for file in FILES if file.stem not in ("headers", "labels", "official")}


def leaves(data, above=""):
    for name, value in data.items():
        if isinstance(value, dict) and isinstance(value.get("zh"), str) and "en" in value:
            yield above + name, value
        elif isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")


SENTENCES = {
    f"{room}.{name}": entry
    for room, file in ROOMS.items()
    for name, entry in leaves(parse(file.read_text(encoding="utf-8"))[0] or {})
}


def constants():
    """Every text constant of the package, so that f-string keys count by their beginning."""
    whole, beginnings = set(), set()
    for file in (ROOT / "fiscalmodel").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                beginnings.add(node.values[0].value)
    return whole, beginnings


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_files_are_plain_yaml(file):
    data, _, flaws = parse(file.read_text(encoding="utf-8"))
    assert not flaws
    assert isinstance(data, dict)


def test_both_languages_have_the_same_fields_and_chinese_is_chinese():
    def fields(text):
        return {
            name.split(".")[0].split("[")[0]
            for _, name, _, _ in string.Formatter().parse(text)
            if name
        }

    for key, entry in SENTENCES.items():
        for words in (entry, entry.get("hint") or {"zh": "", "en": ""}):
            assert fields(words["zh"]) == fields(words["en"]), key
        assert re.search(r"[\u4e00-\u9fff]|\{", entry["zh"]) or not re.search(
            r"[a-z]{3}", entry["en"]
        ), key


def spoken():
    """Keys that are said: the first argument of `say` and `hint`, the second of an error."""
    at = {"say": 0, "hint": 0, "InputError": 1, "add": 1, "problem": 1}
    for file in (ROOT / "fiscalmodel").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                place = at.get(name, 99)
                given = node.args[place] if len(node.args) > place else None
                if isinstance(given, ast.Constant) and is_key(given.value):
                    yield given.value


def test_every_key_of_the_code_has_its_words_and_every_sentence_is_used():
    assert set(spoken()) <= set(SENTENCES), sorted(set(spoken()) - set(SENTENCES))
    whole, beginnings = constants()
    begun = tuple(text for text in beginnings if text.split(".")[0] in ROOMS and "." in text)
    assert not [k for k in SENTENCES if k not in whole and not k.startswith(begun or ("-",))]


def test_a_sentence_takes_texts_dates_and_lists():
    import datetime as dt

    said = say("ground.known", names=["a", Text("乙", "b"), dt.date(2028, 12, 31)])
    assert said.zh == "可用：a、乙、2028年12月31日"
    assert said.en == "known: a, b, 2028-12-31"
    assert hint("ground.no_such_file").zh == "请检查路径和文件名"


def test_an_error_speaks_the_language_of_its_reader():
    error = InputError("a.yaml:3:5", "ground.no_such_file")
    with speaking("zh"):
        assert str(error) == "a.yaml:3:5：没有这个文件——请检查路径和文件名"
    with speaking("en"):
        assert str(error) == "a.yaml:3:5: no such file — check the path and the name"


def test_a_project_overrides_words(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "params" / "words").mkdir(parents=True)
    own = "no_such_file:\n  zh: 找不到文件\n  en: the file is gone\n"
    own += "missing:\n  zh: 第{line}行没有\n  en: none on line {line}\n"
    (tmp_path / "params" / "words" / "ground.yaml").write_text(own, encoding="utf-8")
    monkeypatch.setenv("FISCALMODEL_PROJECT", str(tmp_path))
    assert say("ground.no_such_file").zh == "找不到文件"
    # Where the own wording asks for what is no longer given, the shipped one serves.
    assert say("ground.missing", name="金额").zh == "缺少金额"
    assert say("ground.is_a_folder").en == "is a folder, not a file"


def test_official_words():
    assert [official("frequency", w) for w in ("每季", "每年", "按季度", "Half-Yearly", 4)] == [
        "quarter", "year", "quarter", "half_year", "quarter"
    ]  # fmt: skip
    assert official("repayment", "一次性还本") == "bullet"
    assert official("frequency", "时常") is None
    assert list(official_words("repayment")) == [
        "bullet",
        "equal_principal",
        "equal_instalment",
        "custom",
    ]
    assert bare("本金余额 （万元）") == "本金余额(万元)"
    assert label("principal_wan") == "本金余额（万元）"
