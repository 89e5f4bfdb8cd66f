"""Views: instances where the picture shows them, and doubt where it does not show enough."""

import numpy as np
import pytest

from quant.data.concepts import load_concepts
from quant.data.views import random_view, whole_view
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


def test_a_collage_knows_only_what_all_its_images_know(images):
    rng = np.random.default_rng(3)
    street, pets = (next(i for i in images if i.source == s) for s in ("ccp", "pets"))
    views = [random_view([street, pets], SIZE, rng) for _ in range(40)]
    mixed = [v for v in views if "cat" in v.concepts and COLOURS.keys() & set(v.concepts)]
    assert mixed
    for view in mixed:
        assert view.known == street.exhaustive & pets.exhaustive
