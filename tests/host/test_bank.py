"""The bank: what it hands to the attention, and that it never grows."""

import numpy as np

from host.bank import MemoryBank
from host.policy import OBJ_PTR, PROMPTED, RECENT, Policy, age_bucket
from tests.host.fake_device import COARSE, LANES, FakeDevice, make_spec

TOKENS = COARSE**2


def write(bank, frame, prompted=False, mark=None):
    mark = frame if mark is None else mark
    keys = np.full((1, 1, TOKENS, LANES), mark, np.int8)
    values = np.full((1, 1, TOKENS, LANES), -mark, np.int8)
    obj_ptr = np.concatenate([np.full(LANES, mark, np.int8), np.full(LANES, -mark, np.int8)])
    bank.write(frame, prompted, keys, values, obj_ptr)


def blocks(bank, now):
    """(mark, kind, bucket, tokens) of each run of equal keys."""
    keys, values = bank.assemble(now)
    assert keys.shape[:2] == values.shape[:2] == (1, 1) and keys.shape[2] == values.shape[2]
    assert (values[0, 0, :, :] == -keys[0, 0, :, :1]).all()
    assert (keys[0, 0, :, :-8] == keys[0, 0, :, :1]).all()
    ages = keys[0, 0, :, -8:]
    assert (ages == ages[:, :1]).all()
    rows = [(int(k[0]), *divmod(int(k[-1]), 16)) for k in keys[0, 0]]
    return {row: rows.count(row) for row in rows}


def test_an_empty_bank_offers_nothing():
    assert MemoryBank(make_spec(), FakeDevice().allocate).assemble(3) is None


def test_blocks_carry_their_age():
    bank = MemoryBank(make_spec(), FakeDevice().allocate)
    write(bank, 1, prompted=True)
    write(bank, 2)
    assert blocks(bank, 4) == {
        (1, PROMPTED, 2): TOKENS,
        (2, RECENT, 1): TOKENS,
        (1, OBJ_PTR, 2): 1,
        (2, OBJ_PTR, 1): 1,
    }
    assert (2, RECENT, age_bucket(48)) in blocks(bank, 50)


def test_a_long_stream_keeps_the_policy_and_the_storage():
    device = FakeDevice()
    bank = MemoryBank(make_spec(), device.allocate)
    made, size = device.allocated, bank.nbytes
    buffers = set()
    for frame in range(120):
        write(bank, frame, prompted=frame in (0, 40))
        found = bank.assemble(frame + 1)
        assert found is not None
        keys, _ = found
        buffers.add(keys.__array_interface__["data"][0])
        assert len(bank) <= Policy().slots
    assert device.allocated == made and bank.nbytes == size and len(buffers) == 1
    found = blocks(bank, 120)
    assert {mark for mark, kind, _ in found if kind == RECENT} == set(range(114, 120))
    assert {mark for mark, kind, _ in found if kind == PROMPTED} == {0, 40}
    assert sum(found.values()) == 8 * TOKENS + 8


def test_correcting_a_frame_replaces_its_memory_and_loses_no_other():
    bank = MemoryBank(make_spec(), FakeDevice().allocate)
    for frame in range(1, 11):
        write(bank, frame)
    write(bank, 10, prompted=True, mark=99)
    found = blocks(bank, 11)
    assert {mark for mark, kind, _ in found if kind == RECENT} == {4, 5, 6, 7, 8, 9}
    assert {mark for mark, kind, _ in found if kind == PROMPTED} == {99}
    assert 10 not in {mark for mark, _, _ in found}


def test_memories_are_copies():
    bank = MemoryBank(make_spec(), FakeDevice().allocate)
    keys = np.ones((1, 1, TOKENS, LANES), np.int8)
    bank.write(0, True, keys, keys, np.ones(2 * LANES, np.int8))
    keys[:] = 7
    found = bank.assemble(1)
    assert found is not None and found[0][0, 0, 0, 0] == 1


def test_clear_forgets():
    bank = MemoryBank(make_spec(), FakeDevice().allocate)
    write(bank, 0, prompted=True)
    bank.clear()
    assert bank.assemble(1) is None and len(bank) == 0


def test_a_float_bank_holds_floats():
    bank = MemoryBank(make_spec(integer=False), FakeDevice(integer=False).allocate)
    keys = np.full((1, 1, TOKENS, LANES), 0.25, np.float32)
    bank.write(0, True, keys, keys, np.full(2 * LANES, 0.5, np.float32))
    both = bank.assemble(1)
    assert both is not None
    found, _ = both
    assert found.dtype == np.float32 and found[0, 0, 0, 0] == 0.25 and found[0, 0, -1, 0] == 0.5
