"""Which questions are asked of a view: what is there beside its like, and what is akin to it."""

from collections import Counter

import numpy as np
import pytest

from host.concepts.phrases import Phrases
from host.detector_spec import EMBEDDING
from quant.concepts.cache import MAPS, Views
from quant.concepts.data import ConceptSamples
from quant.data.concepts.contexts import TRAINED, in_context
from quant.data.concepts.vocabulary import Vocabulary, shipped_vocabulary

CONCEPTS = ["animal", "bus", "car", "cat", "dog", "horse", "sheep", "skirt", "turtle"]
WORDS = Vocabulary(shipped_vocabulary()[name] for name in CONCEPTS)


def views_of(*rows, known=CONCEPTS, unsure=()):
    """A cache of views that show these concepts, a cell each."""
    number = {name: i for i, name in enumerate(CONCEPTS)}
    count, shown = len(rows), [number[name] for row in rows for name in row]
    marked, doubt = (np.zeros((count, len(CONCEPTS)), bool) for _ in range(2))
    marked[:, [number[name] for name in known]] = True
    doubt[:, [number[name] for name in unsure]] = True
    return Views(
        CONCEPTS,
        {name: np.zeros((count, 2, 4, 4), np.int8) for name in MAPS},
        dict.fromkeys(MAPS, 1.0),
        np.ones((len(shown), 4, 4), np.uint8),
        np.cumsum([0, *map(len, rows)]),
        np.array(shown),
        np.tile(np.array([0, 0, 1, 1], np.float32), (len(shown), 1)),
        marked,
        doubt,
    )


class Asked(ConceptSamples):
    """Remembers which concept each question is about."""

    def _item(self, view, concept, positive, rng):
        return view, self.views.concepts[concept], positive


@pytest.fixture(scope="module")
def phrases():
    names = WORDS.phrases() + [p for c in CONCEPTS for p in in_context(WORDS, c, TRAINED)]
    rows = np.random.default_rng(0).normal(size=(len(names), EMBEDDING))
    return Phrases(names, (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))


def questions(views, phrases, count=1500):
    samples = Asked(views, WORDS, phrases, count, seed=0)
    asked = [samples[i] for i in range(count)]
    present = Counter(name for _, name, positive in asked if positive)
    absent = Counter(name for _, name, positive in asked if not positive)
    return present, absent


def test_what_is_akin_is_asked_for_in_vain_more_often(phrases):
    present, absent = questions(views_of(("dog", "animal")), phrases)
    assert set(present) == {"dog", "animal"}
    assert set(absent) == {"bus", "car", "cat", "horse", "sheep", "skirt", "turtle"}
    akin = sum(absent[name] for name in ("cat", "horse", "sheep", "turtle"))
    assert akin / absent.total() == pytest.approx(0.4 + 0.6 * 4 / 7, abs=0.06)


def test_what_stands_beside_its_like_is_asked_for_more_often(phrases):
    present, _ = questions(views_of(("dog", "horse", "skirt")), phrases)
    for name in ("dog", "horse"):
        assert present[name] / present["skirt"] == pytest.approx(2, rel=0.25)


def test_what_is_broader_is_not_akin(phrases):
    samples = ConceptSamples(views_of(("dog",)), WORDS, phrases, 1, seed=0)
    alike = {
        (one, other)
        for i, one in enumerate(CONCEPTS)
        for j, other in enumerate(CONCEPTS)
        if samples.alike[i, j]
    }
    assert {("dog", "cat"), ("turtle", "horse"), ("bus", "car")} <= alike
    assert not {("dog", "animal"), ("dog", "dog"), ("dog", "car"), ("skirt", "dog")} & alike
    assert np.array_equal(samples.alike, samples.alike.T)


def test_nothing_doubtful_is_asked(phrases):
    shown = views_of(("car", "dog"), known=["car", "bus", "cat"], unsure=["cat"])
    present, absent = questions(shown, phrases, 300)
    assert set(present) == {"car"} and not absent  # a bus may be taken for the car


def test_a_fifth_of_the_phrases_have_words_around_the_noun(phrases):
    samples = ConceptSamples(views_of(("dog",)), WORDS, phrases, 600, seed=0)
    asked = np.stack([np.asarray(samples[i]["text"]) for i in range(600)])
    dog = [np.stack([phrases.embed(p) for p in in_context(WORDS, "dog", TRAINED)])]
    others = [samples.context[i] for i, name in enumerate(CONCEPTS) if name != "dog"]
    known = np.concatenate([*dog, *others])
    share = ((asked @ known.T).max(1) > 0.85).mean()
    assert share == pytest.approx(0.2, abs=0.05)
