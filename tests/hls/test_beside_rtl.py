"""The HLS top functions and the RTL accelerators give the same bytes of the same recorded frame."""

import pytest

from hw.spec.hardware import Hardware
from tests.hls.beside_rtl import beside, bundle_of


@pytest.mark.slow
def test_every_graph_gives_the_bytes_of_the_rtl(tmp_path, record_property):
    bundle = bundle_of("tiny", "KV260", tmp_path)
    found = list(beside(bundle))
    assert {b.graph for b in found} == {g.name for g in Hardware.load(bundle).graphs}
    assert [b for b in found if b.differing or b.from_golden] == []
    assert all(b.bytes and b.cycles for b in found)
    record_property("bytes compared", sum(b.bytes for b in found))
