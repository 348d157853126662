"""Encodings told apart, short texts too; damage named with its line."""

from __future__ import annotations

import pytest

import fiscalmodel as fm
from fiscalmodel.tables.files import decode

WORDS = [
    "收入", "支出", "合计", "年度,金额", "一", "一般公共预算", "项目,预算数", "联通",
    "其中：税收", "单位：万元",
    "教育,5", "罚没收入,1.5", "债务余额", "甲", "乙,1", "二〇二四年", "增值税",
    "契税,2", "江汉区", "临洮县",
    "非税收入", "完成预算%", "上年同期", "化债", "利率（%）", "到期日",
    "甘谷县,42100", "车船税", "印花税", "烟叶税",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_short_texts(word: str, encoding: str) -> None:
    assert decode(word.encode(encoding), where="a.csv")[0] == word


def test_the_encoding_is_told() -> None:
    assert decode("收入,5".encode("gb18030"), where="a.csv")[1] == "gb18030"
    assert decode("一".encode("gb18030"), where="a.csv")[1] == "gb18030"
    assert decode(b"year,value\n2019,5\n", where="a.csv")[1] == "utf-8"


@pytest.mark.parametrize("symbol", ["·", "×", "±", "§"])
def test_a_symbol_in_an_english_file_is_utf8(symbol: str) -> None:
    text = f"a {symbol} b,5\n"
    assert decode(text.encode(), where="a.csv")[0] == text


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("年度,金额\n收入,5\n".encode()[:-8], r"a\.csv:2: byte 0xE6.* is not UTF-8"),
        ("年度,金额\n支出合计,5\n".encode().replace("合".encode(), b"\xe5\x90"), r"a\.csv:2"),
        ("收入,5\n支出".encode("gb18030")[:-1], r"a\.csv:2: byte"),
        (b"\xef\xbb\xbf", "empty"),
        (b"", "empty"),
        (b"\xff\xfe5\xd8", "not UTF-16|damaged"),
        ("一般公共预算收入,5\n".encode().decode("gb18030", "replace").encode(), "lost|garbled"),
        ("罚没收入,决算数\n".encode().decode("latin-1").encode(), "garbled"),
        ("锟斤拷,5\n".encode(), "lost"),
    ],
    ids=range(9),
)
def test_damage_is_named(data: bytes, says: str) -> None:
    with pytest.raises(fm.InputError, match=says):
        decode(data, where="a.csv")
