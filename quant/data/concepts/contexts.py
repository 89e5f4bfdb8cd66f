"""Words around a noun: "dog in the grass", "small dog". The detector tells kinds of things apart,
not colours, sizes or places, so that such a phrase means its noun; and since the sentence encoder
puts "brown dog" nearer to "brown bear" than to "dog", it has to be trained to.
"""

from __future__ import annotations

from collections.abc import Iterable

from host.concepts.phrases import normalise
from quant.data.concepts.vocabulary import Vocabulary

TRAINED = (
    "small {}", "big {}", "white {}", "black {}", "brown {}", "red {}", "old {}", "{} in the grass",
    "{} on the left", "{} in front", "{} on the table", "{} in the street", "{} in the water",
    "photo of a {}",
)  # fmt: skip
UNSEEN = ("tiny {}", "grey {}", "{} in a field", "{} on the right", "picture of a {}")
"""Never seen in training: they measure whether the noun decides."""


def in_context(vocabulary: Vocabulary, name: str, contexts: Iterable[str]) -> list[str]:
    """A concept's plain name within these words, but for what is a phrase of a concept already
    ("red apple", which no training may see).
    """
    plain = vocabulary[name].train[0]
    phrases = [normalise(words.format(plain)) for words in contexts]
    return [phrase for phrase in phrases if vocabulary.concept_of(phrase) is None]
