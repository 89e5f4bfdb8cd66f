"""Views: instances where the picture shows them, and doubt where it does not show enough."""

from dataclasses import replace

import numpy as np
import pytest

from quant.data.concepts import views
from quant.data.concepts.cutouts import cut_out
from quant.data.concepts.dataset import load_concepts
from quant.data.concepts.pool import ConceptPool
from quant.data.concepts.views import random_view, whole_view
from tests.quant.concept_trees import COLOURS, write_pets, write_street

SIZE = 64


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("views")
    write_street(root / "street", 12)
    write_pets(root / "pets", 4)
    return load_concepts(root)


def test_a_whole_view_is_the_annotation_on_the_mask_grid(images):
    for image in images:
        view = whole_view(image, SIZE)
        pixels, instances = image.read()
        assert view.image.shape == (SIZE, SIZE, 3)
        assert view.concepts == [one.concept for one in instances]
        assert not view.unsure and view.known == image.exhaustive
        for one, mask, box in zip(instances, view.masks, view.boxes, strict=True):
            assert mask.sum() * 16 == pytest.approx(one.mask.sum(), rel=0.02)
            rows, columns = np.nonzero(one.mask)
            wanted = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_allclose(box * SIZE, wanted, atol=1)
        np.testing.assert_allclose(view.image, pixels, atol=3)


def test_random_views_keep_masks_on_their_objects(images):
    rng, pool = np.random.default_rng(0), ConceptPool(images)
    checked = 0
    for _ in range(60):
        view = random_view(pool, SIZE, rng)
        for concept, mask, box in zip(view.concepts, view.masks, view.boxes, strict=True):
            if concept not in COLOURS:
                continue
            full = np.kron(mask > 0.99, np.ones((4, 4), bool))
            x0, y0, x1, y1 = box
            rows, columns = np.nonzero(mask > 0)
            assert x0 * 16 <= columns.min() + 1 and columns.max() <= x1 * 16
            assert y0 * 16 <= rows.min() + 1 and rows.max() <= y1 * 16
            if full.sum() > 64:
                seen = view.image[full].mean(0).argmax()
                checked += 1
                assert seen == np.argmax(COLOURS[concept])
    assert checked > 40


def test_views_of_one_seed_are_equal(images):
    a, b = (random_view(ConceptPool(images), SIZE, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.masks, b.masks)


def test_a_collage_knows_only_what_all_its_images_know(images, monkeypatch):
    monkeypatch.setattr(views, "SHARES", {"collage": 1.0})
    rng = np.random.default_rng(3)
    street, pets = (next(i for i in images if i.source == s) for s in ("ccp", "pets"))
    pool = ConceptPool([street, pets])
    drawn = [random_view(pool, SIZE, rng) for _ in range(40)]
    mixed = [v for v in drawn if "cat" in v.concepts and COLOURS.keys() & set(v.concepts)]
    assert mixed
    for view in mixed:
        assert view.known == street.exhaustive & pets.exhaustive


def test_a_pasted_animal_tells_nothing_new_about_its_ground(images, monkeypatch):
    monkeypatch.setattr(views, "SHARES", {"pasted": 1.0})
    rng = np.random.default_rng(4)
    street, pets = (next(i for i in images if i.source == s) for s in ("ccp", "pets"))
    pool = ConceptPool([street, pets])
    drawn = [random_view(pool, SIZE, rng) for _ in range(80)]
    # In front of the street: nearly all that is known of the street still is. In front of the pet:
    # only what is known of both, since its owner may sit beside it.
    known = {v.known for v in drawn if "cat" in v.concepts}
    cat = cut_out(pets, rng)
    assert cat is not None
    assert street.exhaustive & cat.known in known and {"bag", "person"} <= cat.known
    assert street.exhaustive & pets.exhaustive in known


def test_an_object_is_cut_out_with_all_that_lies_in_it(images):
    rng = np.random.default_rng(5)
    street, pet = (next(i for i in images if i.source == s) for s in ("ccp", "pets"))
    person = cut_out(street, rng)
    assert person is not None
    assert {one.concept for one in person.instances} == street.present
    assert street.exhaustive <= person.known and "motorcycle" in person.known
    assert not {"umbrella", "laptop"} & person.known  # who knows what else they carry
    cat = cut_out(pet, rng)
    assert cat is not None
    assert {one.concept for one in cat.instances} == {"bengal", "cat", "animal"}
    assert {"person", "shoes", "bus"} <= cat.known  # none of those is in a cat's outline
    for cut in (person, cat):
        assert all((one.mask <= cut.mask).all() for one in cut.instances) and not cut.unsure


def test_clothes_are_not_cut_out(images):
    street = next(i for i in images if i.source == "ccp")
    clothes = replace(street, annotated=street.annotated - {"person"})
    bare = replace(clothes, read_annotation=lambda: _without_people(street))
    assert cut_out(bare, np.random.default_rng(6)) is None


def _without_people(item):
    read = item.read_annotation()
    return replace(read, instances=[i for i in read.instances if i.concept != "person"])


def test_a_cut_is_named_with_the_kinds_that_its_source_has_no_word_for(images):
    pet = next(i for i in images if i.source == "pets")
    bare = replace(pet, annotated=frozenset())
    cat = cut_out(bare, np.random.default_rng(0), "cat")
    assert cat is not None
    assert {one.concept for one in cat.instances} == {"bengal", "cat", "animal"}
    assert len(cat.instances) == 3 and {"fish", "vehicle", "bench"} <= cat.known
    assert cut_out(bare, np.random.default_rng(0), "dog") is None
    animal = cut_out(bare, np.random.default_rng(0), "animal")
    assert animal is not None and animal.mask.sum() == cat.mask.sum()


def test_a_person_alone_is_no_animal_and_may_wear_anything(images):
    street = replace(next(i for i in images if i.source == "ccp"), annotated=frozenset())
    cut = cut_out(street, np.random.default_rng(0), "person")
    assert cut is not None
    assert {"person", "dog", "car", "couch"} <= cut.known
    assert not {"hat", "umbrella", "cell phone", "footwear"} & cut.known


def test_different_kinds_side_by_side(images, monkeypatch):
    monkeypatch.setattr(views, "SHARES", {"lineup": 1.0})
    street = next(i for i in images if i.source == "ccp")
    pets = [i for i in images if i.source == "pets"]
    dog = replace(pets[0], read_annotation=lambda: _as_dog(pets[0]))
    pool, rng = ConceptPool([street, *pets[1:], dog]), np.random.default_rng(1)
    assert pool.families["animal"] == ["cat", "dog"]
    drawn = [random_view(pool, SIZE, rng) for _ in range(30)]
    both = [v for v in drawn if {"cat", "dog"} <= set(v.concepts)]
    assert len(both) > 15
    for view in both:  # each with its own mask, and both known
        boxes = {
            n: b for n, b in zip(view.concepts, view.boxes, strict=True) if n in ("cat", "dog")
        }
        assert np.abs(boxes["cat"] - boxes["dog"]).max() > 0.1
        assert {"cat", "dog"} <= view.known


def _as_dog(item):
    names = {"bengal": "american bulldog", "cat": "dog"}
    read = item.read_annotation()
    return replace(read, instances=[replace(i, concept=names[i.concept]) for i in read.instances])


def test_a_small_object_is_looked_at_closely(images, monkeypatch):
    monkeypatch.setattr(views, "SHARES", {"single": 1.0})
    pet = next(i for i in images if i.source == "pets")
    mask = pet.read()[1][0].mask
    small = np.zeros_like(mask)
    rows, columns = np.nonzero(mask)
    middle = slice(int(rows.mean()) - 4, int(rows.mean()) + 4)
    small[middle, int(columns.mean()) - 4 : int(columns.mean()) + 4] = True
    read = replace(pet.read_annotation(), instances=[replace(pet.read()[1][0], mask=small)])
    item = replace(pet, read_annotation=lambda: read)
    monkeypatch.setattr(views, "CLOSE_SHARE", 1.0)
    pool, rng = ConceptPool([item]), np.random.default_rng(2)
    for _ in range(20):
        view = random_view(pool, SIZE, rng)
        box = view.boxes[view.concepts.index("bengal")]
        assert 0.15 < (box[2:] - box[:2]).max() < 0.75


def test_before_plain_colours_everything_is_known(images, monkeypatch):
    monkeypatch.setattr(views, "SHARES", {"lineup": 1.0})
    monkeypatch.setattr(views, "PLAIN_SHARE", 1.0)
    pets = [i for i in images if i.source == "pets"]
    dog = replace(pets[0], read_annotation=lambda: _as_dog(pets[0]))
    pool, rng = ConceptPool([*pets[1:], dog]), np.random.default_rng(3)
    drawn = [random_view(pool, SIZE, rng) for _ in range(10)]
    for view in drawn:
        assert {"food", "vehicle", "person", "tableware"} <= view.known
        # What the ground showed is gone: only what was lined up is there, each of its kind.
        assert 2 <= sum(name in ("cat", "dog") for name in view.concepts) + len(view.unsure) <= 6
