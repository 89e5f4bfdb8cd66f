"""Broken inputs on every surface: a short run of `make fuzz`, always the same inputs."""

import json

import pytest

from hw.ops.check import RULES
from hw.ops.operators import OPERATORS
from hw.spec.errors import SpecError
from tests.fuzz.everything import SURFACES
from tests.fuzz.guard import Escape, Guard, Hang, peak_megabytes
from tests.fuzz.run import Tally, fuzz
from tests.fuzz.surface import Surface

INPUTS = 20
"""Of a surface with a share of 1."""


@pytest.fixture(scope="module")
def guard():
    return Guard()


@pytest.mark.parametrize("surface", SURFACES, ids=lambda one: one.name)
def test_broken_inputs_are_refused_or_taken(surface, guard):
    tally = fuzz(surface, max(5, round(INPUTS * surface.share)), 1, guard)
    assert tally.good, "\n".join(f"{place}\n{case}" for place, case in tally.faults.items())
    assert tally.refused and tally.tried == tally.refused + tally.accepted


@pytest.mark.parametrize("surface", SURFACES, ids=lambda one: one.name)
def test_a_whole_input_is_taken(surface, guard, tmp_path):
    surface.prepare(tmp_path)
    whole = surface.whole()
    with guard.watching(tmp_path):
        surface.attempt(whole, tmp_path)


def planted(attempt):
    from hypothesis import strategies as st

    return Surface("planted", int, lambda: st.integers(), attempt)


def writes_outside(case, folder):
    (folder.parent / "escape").write_text("x")


def links_outside(case, folder):
    (folder / "link").unlink(missing_ok=True)
    (folder / "link").symlink_to(folder.parent)
    (folder / "link" / "escape").write_text("x")


def runs_a_pickle(case, folder):
    import pickle

    from tests.fuzz.mutations import Trap

    pickle.loads(pickle.dumps(Trap()))


def waits(case, folder):
    import time

    time.sleep(60)


def fills_memory(case, folder):
    bytearray(int(peak_megabytes() + 100) << 20)


def fills_memory_and_refuses(case, folder):
    fills_memory(case, folder)
    raise SpecError("too late")


def fails(case, folder):
    raise KeyError("untyped")


@pytest.mark.parametrize(
    ("attempt", "field"),
    [
        (writes_outside, "written_outside"),
        (links_outside, "written_outside"),
        (runs_a_pickle, "written_outside"),
        (waits, "hangs"),
        (fails, "crashes"),
        (fills_memory, "crashes"),
        (fills_memory_and_refuses, "crashes"),
    ],
)
def test_a_planted_fault_is_told(attempt, field, guard, monkeypatch):
    monkeypatch.setattr("tests.fuzz.run.SECONDS", 0.05 if field == "hangs" else 20)
    monkeypatch.setattr("tests.fuzz.guard.MEGABYTES", 50)
    monkeypatch.setattr("tests.fuzz.run.WARM", 0)
    tally = fuzz(planted(attempt), 1, 0, guard)
    assert getattr(tally, field) == 1 and not tally.good and tally.faults


def test_what_may_be_done_inside_is_not_told(guard, tmp_path):
    with guard.watching(tmp_path):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "b").write_text("x")
        (tmp_path / "a" / "b").rename(tmp_path / "c")
    with pytest.raises(Escape), guard.watching(tmp_path):
        (tmp_path / "c").rename(tmp_path.parent / "c")
    with pytest.raises(Hang), guard.watching(tmp_path, 0.01):
        while True:
            pass


def test_memory_is_that_of_one_input(guard, tmp_path, monkeypatch):
    """Not what is beyond the most that any before it took."""
    monkeypatch.setattr("tests.fuzz.guard.MEGABYTES", 50)
    for _ in range(2):
        with pytest.raises(MemoryError), guard.watching(tmp_path):
            bytearray(200 << 20)
    assert guard.worst > 190


def test_as_many_inputs_are_tried_as_are_asked_for(guard, monkeypatch):
    """Hypothesis ends early where all was tried that it can draw; a tally is written as JSON."""
    monkeypatch.setattr("tests.fuzz.run.WARM", 0)
    tally = fuzz(planted(lambda case, folder: None), 30, 0, guard)
    assert tally.tried >= 30 and tally.good
    tally.errors["SpecError"] += 1
    plain = json.loads(json.dumps(tally.plain()))
    assert Tally(**plain).errors == {"SpecError": 1}


def test_every_operator_has_a_rule():
    assert RULES.keys() == OPERATORS.keys()
