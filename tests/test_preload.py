"""What kernels find read already: the package's own words, under a name that tells them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fiscalmodel import words
from fiscalmodel.kernels import stamp


def test_all_words_of_the_package_are_read_ahead() -> None:
    words._sentences.cache_clear()
    words._load.cache_clear()
    words.read_all()
    read = words._load.cache_info().misses
    assert read == len(list((stamp.SHIPPED / "words").glob("*.yaml")))
    assert words.say("ground.no_such_file").zh
    assert words.label("principal_wan", "en") == "Principal (万元)"
    assert words._load.cache_info().misses == read


def test_other_words_are_another_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    monkeypatch.setattr(stamp, "SHIPPED", tmp_path)
    names = []
    for text in ("one: {zh: 一, en: one}", "one: {zh: 壹壹, en: one}"):
        (folder / "x.yaml").write_text(f"{text}\n", encoding="utf-8")
        (folder / "x.yaml").touch()
        names.append(stamp.fingerprint(fresh=True))
    assert names[0] != names[1]
