"""Results in a bucket: everything that can be done with a folder, with the same tables to the byte, and one line if it cannot."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from experiments.command import main
from experiments.drawing import MADE_OF
from sim.figures import FIGURES
from sim.studies.place import Folder, Place, Remote, place
from sim.studies.store import Store
from sim.studies.study import Study
from tests.processes import TWO, posture, tables
from tests.servers import KEYS, Objects, free_port, s3

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
SMALL = ["replications=4", "horizon_days=60", "weekly=2", "seed=5"]
COMPARE = ["compare", TWO, *SMALL, "name=mine"]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Objects]:
    """An S3 in which the bucket `here` is, and no other."""
    from pyarrow.fs import FileSystem

    with s3(tmp_path_factory.mktemp("s3")) as objects, pytest.MonkeyPatch.context() as environment:
        for name, value in objects.environment.items():
            environment.setenv(name, value)
        FileSystem.from_uri("s3://here/x?allow_bucket_creation=true")[0].create_dir("here")
        yield objects


@pytest.fixture
def bucket(server, monkeypatch) -> str:
    """A place of the test's own in the bucket, to which this process and those it starts are led."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://here/{uuid4().hex}"


def remote_tables(root: Place, study: str = "mine") -> dict[str, bytes]:
    paths = [path for path in root.sizes(f"studies/{study}") if path.endswith(".parquet")]
    return {path.rpartition("/")[2]: root.read(path) for path in paths}


# -- the same as in a folder ---------------------------------------------------------------------------------------------
def test_a_comparison_in_a_bucket_has_the_tables_and_figures_of_one_in_a_folder(bucket, folder, capfd):
    assert main([*COMPARE, f"results={bucket}"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert f"results: {bucket}/studies/mine" in out
    assert list(folder.iterdir()) == []  # nothing is left on this machine
    root = place(bucket)
    assert isinstance(root, Remote)
    assert not root.exists("studies/mine/unfinished.json")
    assert main([*COMPARE, "figures=false"]) == 0
    assert remote_tables(root) == tables()
    figures = root.sizes("studies/mine/figures")
    assert {path.rpartition("/")[2].partition(".")[0] for path in figures} == {"survival", *set(FIGURES) - set(MADE_OF)}
    for path in figures:
        assert root.read(path).startswith(b"\x89PNG" if path.endswith(".png") else b"<svg"), path


def test_a_study_in_a_bucket_goes_on_and_grows(bucket, folder, capfd):
    words = ["run", *SMALL, "name=mine"]
    assert main([*words, f"results={bucket}"]) == 0
    capfd.readouterr()
    assert main([*words, f"results={bucket}"]) == 0
    assert "4 replications: none to compute, 4 there already" in capfd.readouterr().out
    assert main([*words, f"results={bucket}", "replications=7", "weekly=3"]) == 0
    out = capfd.readouterr().out
    assert re.search(r"7 replications: \d computed in .*, 3 there already|7 replications: 3 computed in .*, 4 there already", out)
    assert main([*words, "replications=7", "weekly=3"]) == 0
    assert remote_tables(place(bucket)) == tables()


def test_a_study_without_a_name_that_was_not_finished_is_found_in_a_bucket_by_what_it_asks_for(bucket, folder, monkeypatch):
    root, right = place(bucket), Study.end
    with monkeypatch.context() as stopped:
        stopped.setattr(Study, "end", lambda study, finished: right(study, finished=False))
        assert main(["run", *SMALL, f"results={bucket}"]) == 0
    (name,) = root.folders("studies")
    assert root.exists(f"studies/{name}/unfinished.json")
    assert main(["run", *SMALL, f"results={bucket}"]) == 0
    assert root.folders("studies") == [name]
    assert not root.exists(f"studies/{name}/unfinished.json")


def test_a_study_in_a_bucket_is_plotted_and_its_replications_traced(bucket, folder, capfd):
    assert main([*COMPARE, "figures=false", f"results={bucket}"]) == 0
    root = place(bucket)
    assert root.sizes("studies/mine/figures") == {}
    assert main(["plot", f"results={bucket}", "figures=[differences]", "outcomes=[cost]"]) == 0
    assert {path.rpartition("/")[2] for path in root.sizes("studies/mine/figures")} == {"differences.png", "differences.svg"}
    capfd.readouterr()
    identity = re.search(rb'"rapid_6_months": "([0-9a-f]{12})"', root.read("studies/mine/study.json"))
    assert identity
    assert main(["trace", f"scenario={identity[1].decode()}", "replication=2", f"results={bucket}"]) == 0
    assert f"(scenario {identity[1].decode()}), replication 2, seed 5" in capfd.readouterr().out


def test_a_sweep_in_a_bucket_has_the_tables_of_one_in_a_folder(bucket, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    words = ["run", "-m", "isis.stock=1000,4000", *SMALL, "name=mine"]
    assert main([*words, f"results={bucket}"]) == 0
    assert main(words) == 0
    assert remote_tables(place(bucket)) == tables()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_two_commands_at_once_share_a_bucket(bucket, folder):
    words = ["compare", TWO, *SMALL, "figures=false", f"results={bucket}"]
    with ThreadPoolExecutor(max_workers=2) as both:
        done = list(both.map(lambda name: posture(*words, f"name={name}", cwd=folder), ["a", "b"]))
    assert [(one.returncode, one.stderr) for one in done] == [(0, ""), (0, "")]
    one, other = (remote_tables(place(bucket), name) for name in "ab")
    assert one == other
    assert main([*COMPARE, "figures=false"]) == 0
    assert one == tables()


# -- objects are there whole or not at all -------------------------------------------------------------------------------
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_object_that_is_given_up_is_never_there(error, bucket):
    root = place(bucket)
    root.write("sound", b"as before")

    def give_up(name: str) -> None:
        with root.writing(name) as file:
            file.write(b"x" * 6_000_000)
            raise error

    for name in ("sound", "new"):
        with pytest.raises(error):
            give_up(name)
    assert root.sizes("") == {"sound": 9}
    assert root.read("sound") == b"as before"


def test_an_upload_under_way_is_not_cut_off_by_ctrl_c(bucket, monkeypatch):
    root = place(bucket)
    assert isinstance(root, Remote)
    wait = "concurrent.futures.Future.result"

    def interrupted(future, timeout=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(wait, interrupted)
        with pytest.raises(KeyboardInterrupt):
            root.write("large", b"x" * 9_000_000)
    assert root.sizes("") == {"large": 9_000_000}


def test_a_bucket_does_what_a_folder_does(bucket, tmp_path):
    for root in (place(bucket), Folder(str(tmp_path / "folder"))):
        assert root.sizes("none") == {}
        assert root.folders("none") == []
        assert root.changed("none") is None
        with pytest.raises(FileNotFoundError):
            root.read("none")
        root.delete("none")
        root.delete_folder("none")
        for path in ("a/one", "a/b/two", "a/b/c/three"):
            root.write(path, path.encode())
        root.write("a/one", b"again")
        assert root.read("a/one") == b"again"
        assert root.exists("a/b/two")
        assert root.sizes("a") == {"a/one": 5}
        assert root.sizes("a", deep=True) == {"a/one": 5, "a/b/two": 7, "a/b/c/three": 11}
        assert root.folders("a") == ["b"]
        root.delete("a/one")
        assert root.sizes("a") == {}
        root.delete_folder("a")
        assert root.sizes("", deep=True) == {}


# -- what fsspec reaches, and folders by their URL -----------------------------------------------------------------------
def test_what_fsspec_reaches_is_a_place_too(folder, capfd):
    results = f"memory://{uuid4().hex}/deep"
    assert main([*COMPARE, "figures=false", f"results={results}"]) == 0
    assert main([*COMPARE, "figures=false"]) == 0
    assert remote_tables(place(results)) == tables()
    assert "4 replications" in capfd.readouterr().out


def test_the_url_of_a_folder_is_that_folder(folder):
    assert main(["run", *SMALL, "name=mine", f"results=file://{folder}/results"]) == 0
    assert set(tables()) == {"outcomes.parquet", "weekly.parquet"}
    assert isinstance(place(f"file://{folder}/results"), Folder)


# -- places that cannot be reached ---------------------------------------------------------------------------------------
def refused(words: list[str], capfd) -> str:
    """The one line of a command that is refused."""
    assert main(words) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("posture: results = ")
    return err


COMMANDS = [["run", *SMALL], ["compare", TWO, *SMALL, "plan=true"], ["run", "-m", "seed=1,2", "replications=2"], ["plot"]]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_bucket_that_is_not_there_is_told_before_anything_runs(words, server, bucket, folder, capfd):
    assert "there is no bucket 'nowhere'\n" in refused([*words, "results=s3://nowhere/results"], capfd)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ("s3://", "expected a bucket, such as s3://bucket/results"),
        ("s3:///results", "cannot be reached: Missing bucket name in S3 URI"),
        ("s4://bucket/results", "cannot be reached: Protocol not known: s4"),
        ("://bucket", "expected a bucket"),
        ("file://results", "cannot be reached: File URI cannot be relative"),
        ("memory://", "expected a bucket"),
    ],
)
def test_a_url_that_names_no_place_is_refused(results, words, folder, capfd):
    assert words in refused(["run", *SMALL, f"results='{results}'"], capfd)
    assert list(folder.iterdir()) == []


def test_where_nothing_listens_is_told(folder, monkeypatch, capfd):
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}.items():
        monkeypatch.setenv(name, value)
    line = refused(["run", *SMALL, "results=s3://bucket/results"], capfd)
    assert "cannot be reached: " in line
    assert "Could not connect to server" in line


def test_credentials_that_are_denied_are_told(tmp_path, folder, monkeypatch, capfd):
    with s3(tmp_path, INITIAL_NO_AUTH_ACTION_COUNT="0") as strict:
        for name, value in strict.environment.items():
            monkeypatch.setenv(name, value)
        line = refused(["run", *SMALL, "results=s3://here/results"], capfd)
    assert "cannot be reached: " in line
    assert "ACCESS_DENIED" in line


def test_a_server_that_goes_away_is_told_and_the_command_says_what_is_kept(tmp_path, folder, monkeypatch, capfd):
    from pyarrow.fs import FileSystem

    with s3(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        FileSystem.from_uri("s3://here/x?allow_bucket_creation=true")[0].create_dir("here")
        right = Store.add

        def gone(store, made):
            server.end()
            right(store, made)

        monkeypatch.setattr(Store, "add", gone)
        assert main(["run", *SMALL, "results=s3://here/results"]) == 1
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert re.match(r"posture: results = 's3://here/results': cannot be written to: .*; blocks that were written before are", err)
    assert err.endswith("kept, the same command goes on\n")
