"""7-Zip's rating of a core, from what it prints."""

import pytest

from host.rates import rating
from host.rates.rating import processor_name, rating_here, rating_of

SAID = """
                       Compressing  |                  Decompressing
22:        512    14   3489    499  |       7355    14   4475    628
----------------------------------  | ------------------------------
Avr:       506    14   3540    493  |       7371    14   4469    629
Tot:              14   4005    561
"""
OLDER = """
22:        778   100    758    758  |      13912   100   1188   1187
Avr:             100    803    803  |              100   1190   1189
Tot:             100    996    996
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program in the place of 7-Zip."""

    def make(text):
        path = tmp_path / "7zz"
        path.write_text(f"#!/bin/sh\ntest \"$*\" = 'b 2 -mmt1 -md22' && cat <<'.'\n{text}\n.\n")
        path.chmod(0o755)
        monkeypatch.setattr(
            rating.shutil, "which", lambda name: str(path) if name == "7zz" else None
        )

    return make


def test_the_rating_is_of_processor_time_and_both_directions():
    assert rating_of(SAID) == (3540 + 4469) / 2
    assert rating_of(OLDER) == (803 + 1190) / 2
    assert rating_of("") is None and rating_of("Avr: 1 | 2") is None


def test_it_is_asked_for_one_thread(program):
    program(SAID)
    assert rating_here() == 4004.5
    program("nothing of use")
    assert rating_here() is None


def test_without_7zip_there_is_no_rating(monkeypatch):
    monkeypatch.setattr(rating.shutil, "which", lambda name: None)
    assert rating_here() is None


def test_this_machine_has_a_name():
    assert processor_name()
