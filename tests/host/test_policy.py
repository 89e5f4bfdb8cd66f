"""The bank's index policy."""

import pytest

from host.policy import OBJ_PTR, PROMPTED, RECENT, Entry, Policy, age_bucket, retained, select


def stream(*prompted, length):
    return [Entry(i, i in prompted) for i in range(length)]


def test_age_buckets():
    assert [age_bucket(d) for d in range(1, 7)] == [0, 1, 2, 3, 4, 5]
    starts = [7 * 2**k for k in range(10)]
    assert [age_bucket(d) for d in starts] == list(range(6, 16))
    assert [age_bucket(d - 1) for d in starts] == list(range(5, 15))
    assert age_bucket(10**9) == 15
    assert age_bucket(-3) == age_bucket(3) and age_bucket(0) == 0


def test_the_first_frames_offer_all_there_is():
    policy = Policy()
    assert select([], 0, policy).spatial == []
    chosen = select(stream(0, length=3), 3, policy)
    assert chosen.spatial == [(0, PROMPTED, 2), (1, RECENT, 1), (2, RECENT, 0)]
    assert chosen.obj_ptrs == [(0, OBJ_PTR, 2), (1, OBJ_PTR, 1), (2, OBJ_PTR, 0)]


def test_a_long_stream_offers_recent_and_prompted():
    chosen = select(stream(0, 3, 5, length=40), 40, Policy())
    assert [i for i, kind, _ in chosen.spatial if kind == RECENT] == [34, 35, 36, 37, 38, 39]
    assert [i for i, kind, _ in chosen.spatial if kind == PROMPTED] == [3, 5]
    assert [i for i, _, _ in chosen.obj_ptrs] == [3, 5, 34, 35, 36, 37, 38, 39]
    assert all(kind == OBJ_PTR for _, kind, _ in chosen.obj_ptrs)
    assert chosen.spatial[0][2] == age_bucket(37)


def test_a_frame_does_not_attend_to_itself():
    history = stream(0, length=10)
    chosen = select(history, 9, Policy())
    assert [i for i, _, _ in chosen.spatial] == [0, 3, 4, 5, 6, 7, 8]


def test_reverse_order_counts_by_writing_not_by_index():
    history = [Entry(9, True), Entry(8, False), Entry(7, False)]
    chosen = select(history, 6, Policy(recent=1))
    assert chosen.spatial == [(0, PROMPTED, 2), (2, RECENT, 0)]


@pytest.mark.parametrize("policy", [Policy(), Policy(3, 1, 2), Policy(2, 2, 9), Policy(1, 0, 0)])
def test_what_is_dropped_is_never_selected_again(policy):
    history: list[Entry] = []
    full: list[Entry] = []
    for now in range(60):
        chosen = {
            "kept": [(history[i], k, b) for i, k, b in select(history, now, policy).spatial],
            "full": [(full[i], k, b) for i, k, b in select(full, now, policy).spatial],
        }
        assert chosen["kept"] == chosen["full"]
        obj_ptrs = [(history[i], b) for i, _, b in select(history, now, policy).obj_ptrs]
        assert obj_ptrs == [(full[i], b) for i, _, b in select(full, now, policy).obj_ptrs]
        assert len(obj_ptrs) <= policy.obj_ptrs
        entry = Entry(now, now % 7 == 0)
        if now % 5 == 0:  # answered, then corrected: the same frame written twice
            history.append(Entry(now, False))
            history = [history[i] for i in retained(history, policy)]
            history.pop()
        history.append(entry)
        full.append(entry)
        history = [history[i] for i in retained(history, policy)]
        assert len(history) <= policy.slots
    assert retained([], policy) == []
