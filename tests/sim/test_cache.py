"""A build is made once, and again where its folder was moved or copied or never became whole."""

import shutil

import pytest

from sim import cache


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Builds a folder in a cache of this test alone; returns it and how often it was built."""
    monkeypatch.setattr(cache, "CACHE", tmp_path / "cache")
    times = []

    def fill(folder):
        times.append(folder)
        (folder / "rom").write_text(str(folder / "rom"), encoding="utf-8")

    def build(name="kernel-1"):
        return cache.cached(name, fill), len(times)

    return build


def test_a_build_is_made_once(built):
    folder, times = built()
    assert times == 1 and (folder / "rom").is_file()
    assert built() == (folder, 1)


def test_a_moved_cache_is_built_anew(built, monkeypatch, tmp_path):
    before, _ = built()
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "cache", moved)
    monkeypatch.setattr(cache, "CACHE", moved)
    folder, times = built()
    assert times == 2 and folder == moved / before.name
    assert (folder / "rom").read_text(encoding="utf-8") == str(folder / "rom")


def test_a_build_that_failed_leaves_nothing_ready(built, tmp_path):
    def fails(folder):
        (folder / "half").touch()
        raise RuntimeError("no compiler")

    with pytest.raises(RuntimeError, match="no compiler"):
        cache.cached("kernel-1", fails)
    folder, times = built()
    assert times == 1 and not (folder / "half").exists()
