"""What a study takes from the store and what is left to compute: each replication once, and never from a block that lacks it."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engines import ENGINES
from sim.studies.plan import LARGEST, SMALLEST, Task, bundles, cover, covers, mended, spans, tasks
from tests.blocks import GO, SEED, STAY, entry, want

many_examples = settings(derandomize=True, deadline=None, max_examples=150)


@st.composite
def entries(draw, largest: int = 40):
    """Stored blocks that overlap as they may, some with series, some with replications that failed."""
    found = []
    for _ in range(draw(st.integers(0, 8))):
        first, count = draw(st.integers(0, largest)), draw(st.integers(1, 15))
        weekly = draw(st.one_of(st.just(0), st.integers(0, count)))
        failed = draw(st.one_of(st.just(set()), st.sets(st.integers(first, first + count - 1), max_size=4)))
        found.append(entry(first, count, weekly, failed))
    return found


asked = st.tuples(st.integers(1, 50), st.integers(0, 60))


def has(one, replication: int, weekly: int) -> bool:
    """Whether a block can give a replication to a study that wants so many series."""
    return one.first <= replication < one.end and (replication >= weekly or replication < one.first + one.weekly)


def failed_in(one) -> set[int]:
    return {failure[0] for failure in one.failed}


def in_pieces(found) -> list[int]:
    return [r for piece in found.pieces for r in range(piece.first, piece.end)]


def in_gaps(found) -> list[int]:
    return [r for start, end in found.gaps for r in range(start, end)]


# -- covering ----------------------------------------------------------------------------------------------------------
@many_examples
@given(entries(), asked)
def test_pieces_and_gaps_have_each_replication_exactly_once(there, much):
    found = cover(want(*much), there)
    assert sorted(in_pieces(found) + in_gaps(found)) == list(range(much[0]))
    assert in_pieces(found) == sorted(in_pieces(found))
    assert all(piece.first < piece.end for piece in found.pieces)
    assert all(start < end for start, end in found.gaps)
    assert found.replications == len(in_pieces(found))


@many_examples
@given(entries(), asked)
def test_a_replication_is_missing_only_if_no_block_can_give_it(there, much):
    found = cover(want(*much), there)
    assert in_gaps(found) == [r for r in range(much[0]) if not any(has(one, r, much[1]) for one in there)]


@many_examples
@given(entries(), asked)
def test_a_replication_comes_from_a_block_that_has_it_with_its_series_if_they_are_wanted(there, much):
    for piece in cover(want(*much), there).pieces:
        assert all(has(piece.entry, r, much[1]) for r in range(piece.first, piece.end))


@many_examples
@given(entries(), asked)
def test_a_replication_that_failed_is_taken_from_a_block_where_it_succeeded_and_told_as_failed_if_there_is_none(there, much):
    found = cover(want(*much), there)
    told = {failure[0] for failure in found.failed}
    assert len(told) == len(found.failed)
    for piece in found.pieces:
        for r in range(piece.first, piece.end):
            succeeded = any(has(one, r, much[1]) and r not in failed_in(one) for one in there)
            assert (r in failed_in(piece.entry)) == (r in told) == (not succeeded)


@many_examples
@given(entries(), asked, st.randoms(use_true_random=False))
def test_what_is_taken_does_not_depend_on_the_order_in_which_the_store_tells_its_blocks(there, much, luck):
    other = list(there)
    luck.shuffle(other)
    one, two = (cover(want(*much), blocks) for blocks in (there, other))
    assert [(p.first, p.end, p.entry.key) for p in one.pieces] == [(p.first, p.end, p.entry.key) for p in two.pieces]
    assert (one.gaps, one.failed) == (two.gaps, two.failed)


def test_the_block_that_reaches_furthest_is_taken():
    short, long = entry(0, 10), entry(5, 30)
    found = cover(want(40), [entry(6, 3), short, long, entry(12, 4)])
    assert [(p.entry, p.first, p.end) for p in found.pieces] == [(short, 0, 10), (long, 10, 35)]
    assert found.gaps == [(35, 40)]


def test_blocks_of_other_scenarios_and_other_seeds_are_not_taken():
    found = cover(want(10), [entry(0, 10, of=GO), entry(0, 10, seed=SEED + 1)])
    assert (found.pieces, found.gaps) == ([], [(0, 10)])


def test_covers_gives_each_scenario_its_own_blocks_and_two_labels_of_one_scenario_the_same():
    there = [entry(0, 10), entry(0, 4, of=GO), entry(0, 7, seed=9)]
    wanted = [want(10), want(10, label="go", of=GO), want(10, label="again"), want(10, label="other luck", seed=9)]
    assert [found.gaps for found in covers(wanted, there)] == [[], [(4, 10)], [], [(7, 10)]]


@pytest.mark.parametrize(
    ("weekly", "expected"),
    [
        (0, [(10, 20)]),
        (10, [(10, 20)]),  # none of its replications needs series
        (14, [(10, 20)]),  # just those that have series need them
        (15, [(10, 14), (15, 20)]),
        (20, [(10, 14)]),
        (99, [(10, 14)]),
    ],
)
def test_a_block_gives_those_that_have_series_and_those_that_need_none(weekly, expected):
    assert [(piece.first, piece.end) for piece in spans(entry(10, 10, 4), weekly)] == expected


def test_a_block_without_series_gives_nothing_that_needs_them():
    assert spans(entry(0, 10), 99) == []
    assert [(piece.first, piece.end) for piece in spans(entry(0, 10), 4)] == [(4, 10)]


def test_one_failure_is_mended_by_one_replication_of_another_block():
    large, small = entry(0, 10, failures=[3, 9]), entry(2, 2)
    found = cover(want(10), [large, small])
    assert [(p.entry, p.first, p.end) for p in found.pieces] == [(large, 0, 3), (small, 3, 4), (large, 4, 10)]
    assert [failure[0] for failure in found.failed] == [9]
    assert mended(found, []).replications == 10


# -- what is left ------------------------------------------------------------------------------------------------------
@many_examples
@given(entries(), entries(), asked, st.integers(1, 64), st.sampled_from(ENGINES), st.booleans())
def test_tasks_have_what_is_missing_exactly_once(there, others, much, slots, engine, retry):
    others = [entry(one.first, one.count, one.weekly, failed_in(one), GO) for one in others]
    wanted = [want(*much), want(*much, label="go", of=GO), want(*much, label="again")]
    found = covers(wanted, there + others)
    todo = tasks(wanted, found, slots, engine, retry=retry)
    for w, covered in zip(wanted[:2], found[:2], strict=True):  # the third is the first by another name
        expected = Counter(in_gaps(covered))
        if retry:
            expected.update(failure[0] for failure in covered.failed)
        mine = [task for task in todo if (task.scenario, task.seed) == w.pair]
        assert Counter(r for task in mine for r in range(task.first, task.first + task.count)) == expected
        for task in mine:
            kept = range(task.first, task.first + task.weekly)
            assert list(kept) == [r for r in range(task.first, task.first + task.count) if r < w.weekly]
    assert len(todo) == len(set(todo))
    assert all(1 <= task.count <= LARGEST[engine] for task in todo)


@many_examples
@given(entries(), asked)
def test_what_tasks_leave_in_the_store_covers_the_study(there, much):
    wanted = [want(*much)]
    todo = tasks(wanted, covers(wanted, there), 4, "compiled", retry=True)
    (found,) = covers(wanted, there + [entry(task.first, task.count, task.weekly) for task in todo])
    assert (found.gaps, found.failed) == ([], [])
    assert tasks(wanted, [found], 4, "compiled", retry=True) == []


def test_failures_are_not_computed_again_unless_asked_for():
    wanted = [want(10)]
    found = covers(wanted, [entry(0, 10, failures=[3, 7])])
    assert tasks(wanted, found, 2, "compiled") == []
    assert tasks(wanted, found, 2, "compiled", retry=True) == [Task(STAY.identity, SEED, r, 1, 0) for r in (3, 7)]


def test_two_labels_of_one_scenario_make_one_set_of_tasks():
    wanted = [want(500, label=label) for label in ("a", "b")]
    assert tasks(wanted, covers(wanted, []), 2, "compiled") == tasks(wanted[:1], covers(wanted[:1], []), 2, "compiled")


def test_blocks_are_interleaved_so_that_an_interrupted_study_has_compared_like_with_like():
    wanted = [want(1000), want(1000, label="go", of=GO)]
    todo = tasks(wanted, covers(wanted, []), 2, "compiled")
    assert len(todo) > 3
    assert [task.scenario for task in todo] == [STAY.identity, GO.identity] * (len(todo) // 2)
    assert [task.first for task in todo] == sorted(task.first for task in todo)


@pytest.mark.parametrize(("engine", "replications"), [("reference", 400), ("compiled", 3200)])
def test_every_worker_has_several_blocks_of_a_study_that_is_large_enough(engine, replications):
    wanted = [want(replications)]
    todo = tasks(wanted, covers(wanted, []), 8, engine)
    assert len(todo) >= 3 * 8
    assert len(bundles(todo, 8, engine)) >= 3 * 8


def test_a_block_of_the_compiled_engine_is_worth_the_call():
    for replications, sizes in ((1000, {SMALLEST["compiled"]}), (7, {7})):
        wanted = [want(replications)]
        assert {task.count for task in tasks(wanted, covers(wanted, []), 8, "compiled")} == sizes


# -- bundles -----------------------------------------------------------------------------------------------------------
@many_examples
@given(st.lists(st.integers(1, 2000), max_size=60), st.integers(1, 64), st.sampled_from(ENGINES))
def test_bundles_have_every_task_once_and_in_order(counts, slots, engine):
    todo = [Task("s", 1, k, min(count, LARGEST[engine]), 0) for k, count in enumerate(counts)]
    found = bundles(todo, slots, engine)
    assert [task for bundle in found for task in bundle] == todo
    assert all(bundle for bundle in found)
    assert all(len(bundle) == 1 or sum(task.count for task in bundle) <= LARGEST[engine] for bundle in found)


def test_small_blocks_are_given_out_together():
    todo = [Task(f"scenario {k}", 1, 0, 4, 0) for k in range(1000)]
    assert 2 * 8 <= len(bundles(todo, 8, "compiled")) < 100
