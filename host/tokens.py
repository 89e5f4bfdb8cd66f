"""The decoder's token input holds learned output tokens, then prompt tokens, which are sums of
table rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.prompts import Prompt, token_indices
from host.spec import OUTPUT_TOKENS, TOKENS, ModelSpec


class TokenTable:
    """A token table builds the input `tokens` (1, C, T, 1) of the mask decoder, T = 5 + P.

    A prompt token is label[l] + column[x] + row[y], summed wide and clipped to the port's type, so
    that every device starts from the same codes.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._port = spec.ports["mask_decoder"].inputs["tokens"]
        self._grid = spec.grid
        self._width = spec.width
        wide = np.float32 if self._port.dtype is None else np.int32
        tables = spec.tables
        self._label = tables.token_label.astype(wide)
        self._column = tables.token_column.astype(wide)
        self._row = tables.token_row.astype(wide)
        self._output = tables.output_tokens.astype(wide)
        self._unprompted = self._codes(None)  # of nearly every frame

    def __call__(self, prompt: Prompt | None) -> NDArray[Any]:
        """Token codes of a prompt; without clicks and box every prompt token is padding."""
        return self._unprompted.copy() if prompt is None else self._codes(prompt)

    def _codes(self, prompt: Prompt | None) -> NDArray[Any]:
        if prompt is None:
            label, column, row = token_indices((), (), None, self._grid)
        else:
            label, column, row = token_indices(prompt.points, prompt.labels, prompt.box, self._grid)
        tokens = np.empty((TOKENS, self._width), self._output.dtype)
        tokens[:OUTPUT_TOKENS] = self._output
        tokens[OUTPUT_TOKENS:] = self._label[label] + self._column[column] + self._row[row]
        if self._port.dtype is not None:
            tokens = np.clip(tokens, self._port.dtype.min, self._port.dtype.max)
        codes = tokens.astype(self._port.storage)
        return np.ascontiguousarray(codes.T)[None, :, :, None]
