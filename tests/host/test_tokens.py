"""The decoder's token input."""

import dataclasses

import numpy as np
import pytest

from host.prompts import PAD, POSITIVE, Prompt
from host.tokens import TokenTable
from tests.host.fake_device import GRID, WIDTH, make_spec


@pytest.mark.parametrize("integer", [True, False])
def test_tokens_are_sums_of_table_rows(integer):
    spec = make_spec(integer)
    tables = spec.tables
    tokens = TokenTable(spec)(Prompt(np.array([[0.5, 0.25]]), np.array([1])))
    assert tokens.shape == (1, WIDTH, 13, 1)
    assert tokens.dtype == (np.int8 if integer else np.float32)
    assert (tables.output_tokens == tokens[0, :, :5, 0].T).all()
    wide = [t.astype(int) for t in (tables.token_label, tables.token_column, tables.token_row)]
    wanted = wide[0][POSITIVE] + wide[1][GRID // 2] + wide[2][GRID // 4]
    if integer:
        wanted = np.clip(wanted, -128, 127)
    assert (tokens[0, :, 5, 0] == wanted).all()
    padding = wide[0][PAD] + wide[1][0] + wide[2][0]
    assert ((np.clip(padding, -128, 127) if integer else padding) == tokens[0, :, 6:, 0].T).all()


def test_sums_clip_instead_of_wrapping():
    spec = make_spec()
    full = {
        name: np.full_like(getattr(spec.tables, name), 100)
        for name in ("token_label", "token_column", "token_row")
    }
    spec = dataclasses.replace(spec, tables=dataclasses.replace(spec.tables, **full))
    assert (TokenTable(spec)(None)[0, :, 5:] == 127).all()


def test_a_frame_without_a_prompt_gets_an_array_of_its_own():
    table = TokenTable(make_spec())
    first = table(None)
    kept = first.copy()
    first[:] = 7
    assert (table(None) == kept).all()
