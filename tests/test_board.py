"""Board files: complete, sourced, and one new file is one new board."""

import shutil

import pytest

from hw.board import FOLDER, BoardError, find, names


def test_the_four_boards_are_there():
    assert sorted(names()) == ["KV260", "PYNQ-Z2", "Ultra96-V2", "ZCU104"]


@pytest.mark.parametrize("name", names())
def test_every_number_has_a_source(name):
    board = find(name)
    assert {"resources", "memory", "ports"} <= set(board.sources)
    assert all(len(text) > 10 for text in board.sources.values())
    budget = board.budget()
    assert 0 < budget.lut < board.resources.lut and budget.ff == board.resources.ff // 2


def test_spelling_does_not_matter():
    assert find("pynq_z2") == find("PYNQ-Z2") == find("Pynq-Z2")


def test_an_unknown_board_lists_the_known():
    with pytest.raises(BoardError, match=r"board 'ZCU102'.*KV260.*hw/boards/zcu102.toml"):
        find("ZCU102")


def test_a_new_board_is_one_file(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "boards")
    text = (FOLDER / "kv260.toml").read_text(encoding="utf-8").replace('"KV260"', '"KR260"')
    (tmp_path / "boards" / "kr260.toml").write_text(text, encoding="utf-8")
    assert find("KR260", tmp_path / "boards").resources == find("KV260").resources
    assert "KR260" in names(tmp_path / "boards")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lut = 117120", "", "resources are"),
        ("hp_bits = 128", 'hp_bits = "128"', "hp_bits = '128' is no int"),
        ('family = "xcup"', 'family = "versal"', "family 'versal'"),
        ("target_mhz = 200.0", "target_mhz = -1.0", "not positive"),
        ("[clock]", "[clock", "TOMLDecodeError"),
        ('part = "xck26-sfvc784-2LV-c"', "", "part"),
    ],
)
def test_a_broken_file_says_what_is_wrong(tmp_path, old, new, message):
    text = (FOLDER / "kv260.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "odd.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BoardError, match=rf"odd.toml.*{message}"):
        find("odd", tmp_path)
