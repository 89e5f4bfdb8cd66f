"""Views: instances where the picture shows them, and doubt where it does not show enough."""

from dataclasses import replace

import numpy as np
import pytest

from quant.data.concepts import views
from quant.data.concepts.cutouts import cut_out
from quant.data.concepts.dataset import load_concepts
from quant.data.concepts.views import drawing_pool, random_view, whole_view
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
    rng = np.random.default_rng(0)
    checked = 0
    for _ in range(60):
        view = random_view(images, SIZE, rng)
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
    a, b = (random_view(images, SIZE, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.masks, b.masks)


def test_a_collage_knows_only_what_all_its_images_know(images, monkeypatch):
    monkeypatch.setattr(views, "SHARES", {"collage": 1.0})
    rng = np.random.default_rng(3)
    street, pets = (next(i for i in images if i.source == s) for s in ("ccp", "pets"))
    drawn = [random_view([street, pets], SIZE, rng) for _ in range(40)]
    mixed = [v for v in drawn if "cat" in v.concepts and COLOURS.keys() & set(v.concepts)]
    assert mixed
    for view in mixed:
        assert view.known == street.exhaustive & pets.exhaustive


def test_a_pasted_animal_tells_nothing_new_about_its_ground(images, monkeypatch):
    monkeypatch.setattr(views, "SHARES", {"pasted": 1.0})
    rng = np.random.default_rng(4)
    street, pets = (next(i for i in images if i.source == s) for s in ("ccp", "pets"))
    drawn = [random_view([street, pets], SIZE, rng) for _ in range(80)]
    # In front of the street: nearly all that is known of the street still is. In front of the pet:
    # only what is known of both, since its owner may sit beside it.
    known = {v.known for v in drawn if "cat" in v.concepts}
    cat = cut_out(pets, rng)
    assert street.exhaustive & cat.known in known and {"bag", "person"} <= cat.known
    assert street.exhaustive & pets.exhaustive in known


def test_an_object_is_cut_out_with_all_that_lies_in_it(images):
    rng = np.random.default_rng(5)
    street, pet = (next(i for i in images if i.source == s) for s in ("ccp", "pets"))
    person = cut_out(street, rng)
    assert {one.concept for one in person.instances} == street.present
    assert person.known == street.exhaustive  # who knows what else they carry
    cat = cut_out(pet, rng)
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


def test_rare_sources_are_drawn_more_often(images):
    photo = replace(images[0], source="coco")
    assert drawing_pool([photo, images[1]]) == [photo] * views.TIMES["coco"] + [images[1]]
