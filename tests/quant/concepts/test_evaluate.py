"""What is reported of a concept detector: by source, the frequent concepts, classes alone."""

import numpy as np
import pytest

from quant.concepts.evaluate import frequent, scored, sources_of, summary
from quant.concepts.metrics import ConceptScores
from quant.data.concepts.dataset import load_concepts
from quant.data.errors import DataError
from tests.quant.concept_trees import write_street

MASK = np.ones((4, 4), bool)


def scores_of(**counts):
    """Scores in which each `source__concept` was found so many times."""
    scores = ConceptScores()
    for name, count in counts.items():
        source, _, concept = name.partition("__")
        concept = concept.replace("_", " ")
        for _ in range(count):
            scores.add((source, f"{source}/{concept}"), [MASK], [0.9], [MASK])
    return scores


def test_each_source_has_its_row_the_richest_first():
    scores = scores_of(pets__cat=3, voc__dog=5, ccp__hat=9)
    for kind, phrase in (("near", "pooch"), ("context", "tiny dog")):
        scores.add((f"{kind}/dog/{phrase}", kind), [MASK], [0.9], [MASK])
    assert sources_of(scores) == ["ccp", "voc", "pets"]
    rows = summary(scores)
    assert [name for name in rows if "cgf1" in rows[name]] == ["ccp", "voc", "pets", "all"]
    assert rows["voc"]["instances"] == 5 and rows["all"]["instances"] == 19


def test_classes_of_pascal_voc_count_from_fifteen_and_kinds_do_not():
    scores = scores_of(voc__dog=15, voc__cow=14, voc__animal=40, voc__dining_table=16, ccp__hat=19)
    assert set(frequent(scores, "voc")) == {"voc/dog", "voc/animal", "voc/dining table"}
    rows = summary(scores)
    assert rows["voc, classes of 15 and more"]["instances"] == 31
    assert not any(name.startswith("ccp,") for name in rows)


def test_tags_of_other_sources_count_from_twenty():
    rows = summary(scores_of(ccp__hat=20, ccp__person=30, ccp__tie=3))
    assert rows["ccp, tags of 20 and more"]["instances"] == 50
    assert rows["ccp, the narrowest of them"]["instances"] == 20


def test_only_images_that_something_is_known_of_are_scored(tmp_path):
    write_street(tmp_path, 60)
    images = load_concepts(tmp_path)
    held = scored(images, "held")
    assert held and {item.split for item in held} == {"held"}
    for item in held:
        object.__setattr__(item, "annotated", frozenset())
        item.__dict__.pop("_summary", None)
    with pytest.raises(DataError, match="no held images"):
        scored(images, "held")
