"""The concepts that training knows and the phrases that name them: loads the files of `words/`,
one a theme. A concept has one canonical name (`dog`), the head of its table, with these lists:

    train       phrases seen in training; the first is the concept's plain name
    near        phrases never seen in training that mean the same: they test whether the detector
                follows the sentence embedding or has learned words by heart. Only phrases that the
                encoder itself puts nearest to their concept can pass; others ("specs", "tuxedo")
                are among the training phrases, since nothing but training makes them work
    members     narrower concepts; their instances are instances of this one too, wherever a source
                annotates this one fully
    confusable  concepts that annotators mix up with this one, or that overlap with it in meaning:
                when one of the two is in a picture, the other is not taken for absent. Written
                once, meant both ways

No phrase belongs to two concepts, and no concept to two files. Members and confusable concepts may
stand in another file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from host.concepts.phrases import normalise
from hw.spec.errors import SamFabricError
from hw.spec.plain import read_toml
from quant.data.errors import DataError

SHIPPED = Path(__file__).with_name("words")
_LISTS = ("train", "near", "members", "confusable")


@dataclass(frozen=True)
class Concept:
    """A concept is one entry of the vocabulary.

    train, near: phrases seen and never seen in training, normalised; train[0] is the plain name.
    kinds: every broader concept, nearest first; an instance of this one is one of those.
    confusable: concepts that may not be taken for absent where this one is present.
    """

    name: str
    train: tuple[str, ...]
    near: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    confusable: frozenset[str] = field(default_factory=frozenset)


class Vocabulary:
    """Concepts by name. A name that is not listed is a concept with itself as its one phrase."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        """Raises DataError when a phrase belongs to two concepts or is not normalised."""
        self.concepts = {concept.name: concept for concept in concepts}
        self._owner: dict[str, str] = {}
        for concept in self.concepts.values():
            for phrase in (*concept.train, *concept.near):
                _check_phrase(phrase, concept.name)
                if phrase in self._owner:
                    raise DataError(
                        f"phrase {phrase!r} is listed for {self._owner[phrase]!r} and again for "
                        f"{concept.name!r}",
                        "give each phrase to one concept, once",
                    )
                self._owner[phrase] = concept.name

    def __getitem__(self, name: str) -> Concept:
        return self.concepts.get(name) or Concept(name, (normalise(name),))

    def concept_of(self, phrase: str) -> str | None:
        """Canonical name behind a phrase, seen or near; None when no concept lists it."""
        return self._owner.get(normalise(phrase))

    def phrases(self) -> list[str]:
        """Every phrase, seen and near, sorted: the keys of the table of embeddings."""
        return sorted(self._owner)

    def absent(self, exhaustive: Iterable[str], present: Iterable[str]) -> list[str]:
        """Concepts that are certainly not in a picture, sorted: valid negatives.

        exhaustive: concepts whose instances are all annotated; present: those that have one.
        Whatever is confusable with a present one is left out.
        """
        present = set(present)
        doubtful = set(present)
        for name in present:
            doubtful |= self[name].confusable
        return sorted(set(exhaustive) - doubtful)


def load_vocabulary(path: Path | str = SHIPPED) -> Vocabulary:
    """The vocabulary of a TOML file or of all in a folder, by default the one that ships.

    Raises DataError naming the file or folder, the concept and the rule it breaks.
    """
    place, tables = Path(path), {}
    for file in sorted(place.glob("*.toml")) if place.is_dir() else [place]:
        for name, table in _read(file).items():
            if name in tables:
                raise DataError(
                    f"{file} lists concept {name!r}, which another file lists too",
                    "keep each concept in one file",
                )
            tables[name] = table
    if not tables:
        raise DataError(f"no concepts in {path}", "expected .toml files with a table a concept")
    try:
        return Vocabulary(_concepts(tables))
    except DataError as error:
        raise DataError(f"{path}: {error.message}", error.remedy) from error


def _read(path: Path) -> dict:
    try:
        return read_toml(path)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read vocabulary {path}: {error}", "repair the file") from error


@cache
def shipped_vocabulary() -> Vocabulary:
    """The vocabulary that ships, read once a process."""
    return load_vocabulary()


def _concepts(tables: dict) -> list[Concept]:
    for name, table in tables.items():
        _check_table(name, table, tables)
    parents: dict[str, list[str]] = {name: [] for name in tables}
    confusable: dict[str, set[str]] = {name: set() for name in tables}
    for name, table in tables.items():
        for member in table.get("members", []):
            parents[member].append(name)
        for other in table.get("confusable", []):
            confusable[name].add(other)
            confusable[other].add(name)
    return [
        Concept(
            name,
            tuple(table["train"]),
            tuple(table.get("near", [])),
            _broader(name, parents),
            frozenset(confusable[name]),
        )
        for name, table in tables.items()
    ]


def _check_table(name: str, table: object, tables: dict) -> None:
    if not isinstance(table, dict) or not table.get("train"):
        raise DataError(f"concept {name!r} has no `train` phrases", "list at least its name")
    for key, values in table.items():
        if key not in _LISTS or not isinstance(values, list):
            raise DataError(
                f"concept {name!r} has an unknown or malformed entry {key!r}",
                f"expected lists named {', '.join(_LISTS)}",
            )
    for key in ("members", "confusable"):
        for other in table.get(key, []):
            if not isinstance(other, str) or other not in tables or other == name:
                raise DataError(
                    f"concept {name!r} lists {other!r} under {key}", "name another concept there"
                )


def _broader(name: str, parents: dict[str, list[str]]) -> tuple[str, ...]:
    """Every ancestor, nearest first. Raises DataError on a circle."""
    found: dict[str, None] = {}
    level = parents[name]
    while level:
        if name in level:
            raise DataError(f"concept {name!r} is its own member", "break the circle of `members`")
        found.update(dict.fromkeys(level))
        above = (p for one in level for p in parents[one] if p not in found)
        level = list(dict.fromkeys(above))
    return tuple(found)


def _check_phrase(phrase: object, concept: str) -> None:
    try:
        wanted = normalise(phrase) if isinstance(phrase, str) else None
    except SamFabricError as error:
        raise DataError(f"concept {concept!r}: {error.message}", error.remedy) from error
    if phrase != wanted:
        raise DataError(
            f"phrase {phrase!r} of concept {concept!r} is not in its normal form",
            f"write {wanted!r}" if wanted else "write a phrase in quotes",
        )
