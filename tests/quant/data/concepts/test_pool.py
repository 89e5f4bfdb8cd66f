"""Which images are drawn: shares of sources, rare things first, what may stand beside others."""

from collections import Counter

import numpy as np
import pytest

from quant.data.concepts.image import ConceptImage, annotate
from quant.data.concepts.pool import ConceptPool

MARKED = frozenset({"cat", "dog", "animal", "horse", "cow", "sheep", "car", "bus"})


def item(source, *names, marked=MARKED):
    mask = np.ones((8, 8), bool)
    return ConceptImage(
        f"{source} {names}", source, "train", marked,
        lambda: np.zeros((8, 8, 3), np.uint8),
        lambda: annotate((name, mask.copy()) for name in names),
    )  # fmt: skip


def drawn(pool, count=4000, **options):
    rng = np.random.default_rng(0)
    return Counter(id(pool.ground(rng, **options)) for _ in range(count))


def test_a_set_of_many_alike_does_not_rule():
    many, few = [item("many", "cat") for _ in range(900)], [item("few", "dog") for _ in range(100)]
    seen = drawn(ConceptPool([*many, *few]))
    share = sum(seen[id(i)] for i in few) / 4000
    assert share == pytest.approx(10 / 40, abs=0.03)  # square roots of 100 and 900


def test_an_image_counts_by_the_rarest_thing_that_it_shows():
    common, rare = [item("one", "cat") for _ in range(25)], item("one", "cat", "horse")
    seen = drawn(ConceptPool([*common, rare]))
    usual = np.mean([seen[id(i)] for i in common])
    assert seen[id(rare)] / usual == pytest.approx(26**0.5, rel=0.25)


def test_nothing_is_asked_of_an_image_that_marks_nothing():
    silent, spoken = item("a", "dog", marked=frozenset()), item("a", "cat")
    pool = ConceptPool([silent, spoken])
    assert set(drawn(pool, 200)) == {id(spoken)}
    # It gives its object all the same.
    assert pool.object_image(np.random.default_rng(0), "dog") is silent
    assert pool.object_image(np.random.default_rng(0), "horse") is None


def test_others_are_put_beside_images_that_mark_much():
    narrow, wide = item("a", "cat", marked=frozenset({"cat"})), item("a", "cat")
    pool = ConceptPool([narrow, wide])
    assert set(drawn(pool, 200, wide=True)) == {id(wide)}
    assert set(drawn(pool, 200)) == {id(wide), id(narrow)}
    assert set(drawn(ConceptPool([narrow]), 20, wide=True)) == {id(narrow)}


def test_kinds_of_one_family_are_lined_up():
    pool = ConceptPool([item("a", "cat"), item("a", "dog"), item("a", "horse"), item("a", "car")])
    assert pool.families == {"animal": ["cat", "dog", "horse"]}  # one car is no family
    rng = np.random.default_rng(0)
    for count in (2, 3, 9):
        members = pool.alike(count, rng)
        assert len(members) == len(set(members)) == min(count, 3)
    assert ConceptPool([item("a", "car")]).alike(2, rng) == []


def test_what_a_source_has_no_word_for_is_lined_up_all_the_same():
    marked = frozenset({"apple", "broccoli"})
    pool = ConceptPool([item("a", "apple", marked=marked), item("a", "broccoli", marked=marked)])
    assert pool.families["food"] == ["fruit", "vegetable"]
    drawn = pool.object_image(np.random.default_rng(0), "vegetable")
    assert drawn is not None and drawn.present == {"broccoli"}


def test_a_breed_is_not_lined_up_beside_its_own_species():
    breeds = frozenset({"abyssinian", "bengal"}) | MARKED
    pool = ConceptPool([
        item("a", "bengal", "cat", marked=breeds), item("a", "abyssinian", "cat", marked=breeds),
        item("a", "dog"),
    ])  # fmt: skip
    assert pool.families == {"animal": ["cat", "dog"]}
