"""Blocks, foldings, depths and their file."""

from dataclasses import replace

import pytest

from hw.fold.block import Folding, Style
from hw.fold.blocks import block
from hw.fold.depths import depths
from hw.fold.folding import MOST_KEYS, FoldingError, cheapest, foldings, share
from hw.fold.layers import SoftmaxAttention
from hw.search import store
from hw.spec.kernel import Cost
from hw.stitch.accelerator import planned
from tests.fold.tiny_model import BUDGET, GRAPHS, blocks, dataflow


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_cheapest_block_keeps_the_pace(graph):
    for layer in dataflow(graph).layers:
        fast, slow = (cheapest(layer, pace, Style(), BUDGET) for pace in (12_000, 60_000))
        assert fast.interval <= 12_000 and slow.interval <= 60_000
        assert share(slow.cost, BUDGET) <= share(fast.cost, BUDGET) * 1.05


def test_no_folding_is_fast_enough():
    layer = dataflow("image_encoder").layers[0]
    with pytest.raises(FoldingError, match=r"backbone\.stem cannot keep 10 cycles") as caught:
        cheapest(layer, 10, Style(), BUDGET)
    assert "it can keep" in str(caught.value)


def test_foldings_divide_their_layer():
    for layer in dataflow("mask_decoder").layers:
        for f in foldings(layer, 5000):
            assert layer.output.channels % f.lanes == 0 or f.lanes == f.SIMD


@pytest.mark.parametrize("most, ragged", [(4, True), (2, False)])
def test_an_attention_compares_few_keys_at_once(most, ragged):
    """As many as fit a period at 200 MHz, however fast the attention has to be."""
    head = next(x for x in dataflow("memory_attention").layers if isinstance(x, SoftmaxAttention))
    queries, keys, values = head.inputs
    keys = replace(keys, height=64, width=1, ragged=ragged)
    tried = list(foldings(replace(head, inputs=(queries, keys, values)), 1))
    assert {f.PE for f in tried} == {n for n in (1, 2, 4) if n <= most}
    assert max(f.SIMD for f in tried) == keys.channels


@pytest.mark.parametrize("path", sorted(store.FOUND.glob("*.toml")), ids=lambda p: p.stem)
def test_no_attention_found_compares_more_keys(path):
    for graph, layers in store.load(path, store.Stored()).foldings.items():
        for name, folding in layers.items():
            over_memory = (graph, name) == ("memory_attention", "product")
            if name.endswith("product"):
                assert MOST_KEYS[over_memory] >= folding.PE, (graph, name)


def test_a_share_counts_every_resource():
    assert share(Cost(lut=5, dsp=1), Cost(lut=10, ff=1, dsp=2, bram18=1)) == 1.0
    assert share(Cost(uram=1), Cost(lut=1)) == 1


def test_memories_follow_the_boards_exchange_rate():
    layer = next(x for x in dataflow("memory_encoder").layers if x.name == "fuse1")
    styles = {
        k: block(layer, Folding(2, 1, 1), s).kernels["mvu"].parameters()["RAM_STYLE"]
        for k, s in {"luts": Style(1e6), "blocks": Style(1), "urams": Style(1e6, 1)}.items()
    }
    assert styles == {"luts": "distributed", "blocks": "block", "urams": "ultra"}


def test_slower_parts_make_a_longer_frame():
    flow = dataflow("memory_encoder")
    ends = [planned(flow, blocks("memory_encoder", pace)).cycles for pace in (2000, 8000, 32_000)]
    assert ends == sorted(ends) and ends[0] < ends[2] / 4


def test_a_residual_is_kept_until_the_long_way_answers():
    held = depths(dataflow("memory_encoder"), blocks("memory_encoder", 8000))
    # Two 3 x 3 convolutions look ahead over a map of 4 x 4: nearly all of it.
    assert held[("trunk.2", 0)] >= 11 and ("trunk.2", 1) not in held


def test_multipliers_are_what_costs_least():
    layers = {x.name: x for x in dataflow("image_encoder").layers}
    names = ("backbone.stages.1.0.depthwise", "backbone.stages.1.0.expand")
    kinds = {}
    for worth in (0, 1000):
        made = [block(layers[n], Folding(2, 1, 1), Style(luts_per_dsp=worth)) for n in names]
        kinds[worth] = [
            (b.kernels.get("vvu") or b.kernels["mvu"]).parameters()["RES"] for b in made
        ]
    assert kinds == {0: ["dsp", "dsp"], 1000: ["lut", "lut"]}


def test_queries_wait_for_all_keys():
    held = depths(dataflow("mask_decoder"), blocks("mask_decoder", 8000))
    assert held[("layers.0.to_tokens.product", 0)] == 16
    assert ("layers.0.to_tokens.product", 1) not in held


def test_nothing_is_kept_for_who_reads_on_its_own():
    flow, made = dataflow("memory_attention"), blocks("memory_attention", 8000)
    assert ("trunk", 0) in depths(flow, made)
    assert ("trunk", 0) not in depths(flow, made, {"features"})


def test_foldings_are_written_read_and_overridden(tmp_path):
    first = store.Stored(Style(90, 5, 1), {"b": Style(70)}, {"a": {"x.y": Folding(4, 2, 1)}})
    store.save(tmp_path / "all.toml", first)
    assert store.load(tmp_path / "all.toml", store.Stored()) == first
    (tmp_path / "some.toml").write_text('[a]\n"x.y" = { PE = 8 }\n')
    both = store.load(tmp_path / "some.toml", first)
    assert both.foldings["a"]["x.y"] == Folding(8, 2, 1) and both.of("b").luts_per_block == 70


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[a]\n"x" = { LANES = 1 }\n', "a: x"),
        ("[style]\nspeed = 3\n", "style"),
        ("[style\n", "TOML"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, text, said):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(FoldingError, match=r"bad\.toml") as caught:
        store.load(tmp_path / "bad.toml", store.Stored())
    assert said in str(caught.value)


def test_keys_are_loaded_between_frames():
    """As slowly as they come: a code a cycle from memory, at a block's pace from it."""
    flow, made = dataflow("memory_attention"), blocks("memory_attention", 1000)
    product = next(x for x in flow.layers if x.name == "product")
    keys, queries = product.inputs[1], product.inputs[0].vectors
    assert keys.name in {t.name for t in flow.inputs.values()}
    b = made["product"]
    loading = b.interval - queries * -(-keys.vectors // b.folding.PE) * (
        keys.channels // b.folding.SIMD
    )
    assert loading == keys.codes // b.folding.SIMD
    assert planned(flow, made).interval >= b.interval - loading + keys.codes
