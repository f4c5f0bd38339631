"""Many processes and threads that add to one store and merge it at once: each block is there at all times."""

import threading
from pathlib import Path

import numpy as np
import pytest

from sim.studies.place import ASIDE, Folder, place
from sim.studies.store import Damaged, Store
from tests.blocks import GO, SEED, STAY, made, stored
from tests.damage.small import OUTCOMES, cut, stored_blocks
from tests.processes import ended, files, running, segments


def opened(root: Path) -> Store:
    found = Store(Folder(str(root)))
    found.refresh()
    return found


@pytest.mark.parametrize("seen", ["what was merged", "nothing"])
def test_segments_that_are_merged_while_their_folder_is_listed_are_found(seen, tmp_path, monkeypatch):
    stored(tmp_path, *(made(3 * k, 3, 1) for k in range(4)))
    reader, other = Store(Folder(str(tmp_path))), opened(tmp_path)
    inner, looks = reader.place.sizes, []

    def sizes(folder: str, **more) -> dict[str, int]:
        found = inner(folder, **more)
        looks.append(folder)
        if len(looks) > 1:
            return found
        other.merge(1)  # what is listed is gone when it is to be read; and what came for it may have been passed over
        return found if seen == "what was merged" else {}

    monkeypatch.setattr(reader.place, "sizes", sizes)
    reader.refresh()
    assert sorted(entry.first for entry in reader.entries()) == [0, 3, 6, 9]
    assert len(segments(tmp_path)) == 1


def test_what_another_process_has_merged_is_not_merged_again_with_each_new_block(tmp_path):
    ours = stored(tmp_path, *(made(3 * k, 3, 1) for k in range(5)))
    opened(tmp_path).merge(1)
    (merged,) = segments(tmp_path)
    ours.add([made(15, 3, 1)])
    (new,) = segments(tmp_path) - {merged}
    ours.merge(3)
    assert segments(tmp_path) == {merged, new}
    assert sorted(entry.first for entry in ours.entries()) == [0, 3, 6, 9, 12, 15]


def test_segments_that_cannot_be_read_do_not_have_the_others_merged_with_each_new_block(tmp_path):
    blocks = [made(3 * k, 3, 1) for k in range(4)]
    stored(tmp_path, *blocks)
    for path in (tmp_path / "blocks/outcomes").iterdir():
        cut(path)
    ours = opened(tmp_path)
    for k in range(4, 12):
        ours.add([made(3 * k, 3, 1)])
        ours.merge(3)
        sound = {entry.segment for entry in ours.entries() if entry.first >= 12}
        assert len(sound) <= 3
    assert len(segments(tmp_path)) == 4 + len(sound)
    assert len(sound) > 1


ROUNDS, WRITERS = 25, 3


def write_many(root: str, who: int) -> None:
    """Add small blocks and merge all the time: some of this writer's own, some that all writers make."""
    mine, chance = Store(place(root)), np.random.default_rng(who)
    for k in range(ROUNDS):
        for one in (made(3 * k, 3, 1, seed=who), made(3 * (k // 2), 3, 2, of=GO)):
            mine.add([one])
            with Path(root, f"added-{who}").open("a") as log:
                log.write(f"{one.scenario} {one.seed} {one.block.first}\n")
        if chance.random() < 0.5:
            mine.refresh()
        mine.merge(2)
    Path(root, f"done-{who}-{threading.get_ident()}").touch()


def write_in_threads(root: str, who: int) -> None:
    """Two such writers in this process."""
    both = [threading.Thread(target=write_many, args=(root, who + k)) for k in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()


def test_whatever_processes_and_threads_add_and_merge_at_once_each_block_is_there_at_all_times(tmp_path):
    text = "import sys; from tests.damage.test_at_once import {0}; {0}(sys.argv[1], int(sys.argv[2]))"
    writers = [
        running(text.format(function), str(tmp_path), str(who)) for function, who in (("write_many", 1), ("write_in_threads", 2))
    ]
    reader, looks = Store(Folder(str(tmp_path))), 0
    while True:
        last = len(list(tmp_path.glob("done-*"))) == WRITERS or any(writer.poll() for writer in writers)
        logs = [path.read_text().rpartition("\n")[0] for path in sorted(tmp_path.glob("added-*"))]
        reader.refresh()
        there = {(entry.scenario, str(entry.seed), str(entry.first)) for entry in reader.entries()}
        assert not reader.unreadable
        assert {tuple(line.split()) for log in logs for line in log.splitlines()} <= there
        looks += 1
        for entry in reader.entries()[::7]:
            try:
                reader.rows(entry, OUTCOMES, check=True)
            except Damaged:
                reader.forget()
                reader.refresh()
                assert entry.segment not in reader.segments()  # merged meanwhile
                break
        if last:
            break
    for writer in writers:
        assert ended(writer)[1] == ""
    reader.forget()
    reader.refresh()
    assert looks > 10
    blocks = {(scenario, first, end) for scenario, first, end in stored_blocks(tmp_path)}
    own = {(STAY.identity, 3 * k, 3 * k + 3) for k in range(ROUNDS)}
    shared = {(GO.identity, 3 * (k // 2), 3 * (k // 2) + 3) for k in range(ROUNDS)}
    assert blocks == own | shared
    assert {entry.seed for entry in reader.entries()} == {1, 2, 3, SEED}
    assert not [name for name in files(tmp_path) if name.endswith(ASIDE)]
