"""Hydra's launchers: wherever they run the jobs of a sweep, it ends in the same tables; and sweeps share a store unharmed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from experiments.command import main
from sim.studies.place import Folder
from sim.studies.store import Store
from tests.processes import ESCAPE, manifest, posture, segments, table, tables

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
SWEEP = ["run", "-m", "schedule=open_ended,rapid_6_months", "isis.stock=1000,4000"]
SMALL = ["replications=3", "weekly=2", "horizon_days=60", "workers=1", "seed=5"]
LAUNCHERS = {
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
    "submitit": ["hydra/launcher=submitit_local", "hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=5"],
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, bytes]:
    """The tables that the basic launcher leaves."""
    place = tmp_path_factory.mktemp("expected")
    assert main([*SWEEP, *SMALL, "name=mine", f"results={place}"]) == 0
    made = tables(results=place)
    assert set(made) >= {"outcomes.parquet", "weekly.parquet", "summary.parquet"}
    return made


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_launcher_gives_the_same_tables(launcher, expected, folder):
    pytest.importorskip(f"hydra_plugins.hydra_{launcher}_launcher")
    done = posture(*SWEEP, *SMALL, "name=mine", *LAUNCHERS[launcher], cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "4 scenarios, 12 replications in all" in done.stdout
    assert "Traceback" not in done.stderr
    assert ESCAPE not in done.stdout + done.stderr
    assert tables() == expected
    assert manifest()["complete"]
    assert [path.name for path in folder.iterdir()] == ["results"]


def test_a_sweep_goes_on_with_another_launcher(expected, folder, capsys):
    assert main([*SWEEP[:3], "isis.stock=1000", *SMALL, "name=part"]) == 0
    before = segments()
    done = posture(*SWEEP, *SMALL, "name=mine", *LAUNCHERS["joblib"], cwd=folder)
    assert done.returncode == 0, done.stderr
    assert before <= segments()
    told = manifest()
    assert (told["computed"], told["found"]) == (6, 6)
    assert tables() == expected


def test_two_sweeps_at_once_in_one_store_do_not_harm_each_other(expected, folder):
    words = [[*SWEEP, *SMALL, f"name={name}", *LAUNCHERS["joblib"]] for name in ("one", "other")]
    with ThreadPoolExecutor(max_workers=2) as both:
        done = list(both.map(lambda word: posture(*word, cwd=folder), words))
    for one in done:
        assert one.returncode == 0, one.stderr
        assert "Traceback" not in one.stderr
    assert tables("one") == tables("other") == expected
    assert main([*SWEEP, *SMALL, "name=third"]) == 0
    assert manifest("third")["computed"] == 0
    assert tables("third") == expected


def test_sweeps_that_merge_the_segments_of_others_lose_nothing(folder):
    stocks = {"one": "range(1000,1024)", "other": "range(1024,1048)"}
    with ThreadPoolExecutor(max_workers=2) as both:
        words = [["run", "-m", f"isis.stock={values}", *SMALL, f"name={name}"] for name, values in stocks.items()]
        done = list(both.map(lambda word: posture(*word, cwd=folder), words))
    for one in done:
        assert (one.returncode, one.stderr) == (0, "")
    assert len(segments()) < 48  # some have been merged
    store = Store(Folder("results"))
    store.refresh()
    assert len({entry.key for entry in store.entries()}) == 48
    for name in stocks:
        assert len(table("outcomes", name)) == 24 * 3
