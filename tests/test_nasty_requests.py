"""Requests and files that nobody means well: none of them runs code, overwrites what is not ours, or ends in a traceback."""

import errno
import os
import sys
from pathlib import Path

import pytest
import yaml

from experiments import command, console
from experiments.command import main
from experiments.composition import Composer
from sim import RequestError
from sim.studies import place as places
from sim.studies.place import Folder, place
from sim.studies.study import UNFINISHED, Obstructed, Study, open_study
from tests.processes import MINE, SMALL

pytestmark = pytest.mark.usefixtures("folder", "compiled_before")
RUN = ["run", "schedule=open_ended", *SMALL, "weekly=2", "seed=5"]
LOCAL = "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher"
EVIL = {"_target_": "pathlib.Path.touch", "self": "ran"}
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links are of Unix")


def refused(capsys, words: list[str], *says: str) -> str:
    """The one line with which a request is refused."""
    capsys.readouterr()
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("posture: ")
    for word in says:
        assert word in line
    return line


@pytest.fixture
def mine(folder) -> Path:
    assert main([*RUN, "name=mine"]) == 0
    return folder / MINE


def put(hydra: dict, defaults: list | None = None) -> None:
    """A file study/evil.yaml in a folder of the user's."""
    path = Path("own/study/evil.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"defaults": defaults} if defaults else {}
    path.write_text("# @package _global_\n" + yaml.safe_dump({**body, "replications": 2, "weekly": 0, "hydra": hydra}))


# == a configuration never leads to code ================================================================================
CODE = {
    "a target": ({"env": {"x": EVIL}}, "hydra.env.x._target_"),
    "a target in a list": ({"env": {"x": [1, EVIL]}}, "hydra.env.x.1._target_"),
    "a partial": ({"env": {"_partial_": True}}, "hydra.env._partial_"),
    "a launcher's recursion": ({"launcher": {"_recursive_": True}}, "configuration"),
    "a launcher's conversion": ({"launcher": {"_convert_": "all"}}, "configuration"),
    "a launcher's arguments": ({"launcher": {"_args_": [1]}}, "configuration"),
    "another launcher": ({"launcher": {"_target_": "hydra_plugins.other.Launcher"}}, "none of Hydra's own"),
    "a launcher that is almost ours": ({"launcher": {"_target_": f"{LOCAL}.launch"}}, "none of Hydra's own"),
    "a launcher by reference": ({"env": {"x": LOCAL}, "launcher": {"_target_": "${hydra.env.x}"}}, "none of Hydra's own"),
    "another sweeper": ({"sweeper": {"_target_": "hydra._internal.core_plugins.bash_completion.Bash"}}, "hydra.sweeper"),
    "what the sweeper adds": ({"sweeper": {"params": {"+hydra.job.env_set": "{A: b}"}}}, "hydra.sweeper.params"),
    "the environment": ({"job": {"env_set": {"PYTHONPATH": "own"}}}, "hydra.job.env_set"),
    "the environment by reference": ({"env": {"x": {"A": "b"}}, "job": {"env_set": "${hydra.env.x}"}}, "hydra.job.env_set"),
    "a copy of the environment": ({"job": {"env_copy": ["PATH"]}}, "hydra.job.env_"),
    "a log's factory": ({"job_logging": {"handlers": {"x": {"()": "os.getcwd"}}}}, "hydra.job_logging"),
    "a log's handler": ({"hydra_logging": {"handlers": {"x": {"class": "subprocess.Popen"}}}}, "hydra.hydra_logging"),
    "a log's object": ({"job_logging": {"handlers": {"x": {"stream": "ext://os.environ"}}}}, "hydra.job_logging"),
    "a log by reference": ({"env": {"x": {"()": "os.getcwd"}}, "job_logging": {"filters": "${hydra.env}"}}, "hydra.job_logging"),
}


@pytest.mark.parametrize("command", [["run"], ["run", "-m", "seed=1,2"]])
@pytest.mark.parametrize("what", CODE)
def test_a_file_that_could_run_code_is_refused(what, command, folder, capsys):
    hydra, says = CODE[what]
    put(hydra)
    refused(capsys, [*command, "study=evil", "--config-dir", "own"], says)
    assert {path.name for path in folder.iterdir()} == {"own"}


@pytest.mark.parametrize(
    "override",
    [
        "hydra.job.env_set={PYTHONPATH:/tmp}",
        "+hydra.job.env_set.PYTHONPATH=/tmp",
        "hydra.job={env_set:{A:b}}",
        "hydra={job:{env_copy:[PATH]}}",
        "hydra.job.env_copy=[PATH]",
        "++hydra.launcher._recursive_=true",
        "+hydra.sweeper._partial_=true",
        "+hydra.launcher.setup=[id]",
        "+hydra.launcher.python=id",
        "hydra.sweeper.params={seed:'1,2'}",
        "+hydra.job_logging.handlers={x:{class:subprocess.Popen}}",
    ],
)
@pytest.mark.parametrize("command", [["run"], ["run", "-m", "seed=1,2"], ["compare"], ["status"]])
def test_an_override_that_could_run_code_is_refused(override, command, folder, capsys):
    refused(capsys, [*command, override])
    assert list(folder.iterdir()) == []


SHELL = {
    "setup": ["id"],
    "additional_parameters": {"x": 1},
    "srun_args": ["--x"],
    "teardown": ["id"],
    "python": "id",
    "comment": "a\nid #",
    "submitit_folder": "a\nid #",
    "name": ["id"],
    "partition": "${hydra.env}",
}


@pytest.mark.parametrize("option", SHELL)
def test_a_launcher_is_given_no_text_for_a_shell(option, capsys):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    hydra = {"launcher": {option: SHELL[option]}, "env": {"x": "y"}}
    put(hydra, ["_self_", {"override /hydra/launcher": "submitit_slurm"}])
    refused(capsys, ["run", "-m", "study=evil", "seed=1,2", "--config-dir", "own"])


@pytest.mark.parametrize("value", ["all", "4", "2*n_jobs", "1.5 * n_jobs"])
def test_a_launcher_keeps_its_ordinary_options(value):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    words = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", f"hydra.launcher.pre_dispatch='{value}'"]
    assert Composer("run").compose(words)["schedule"]
    with pytest.raises(RequestError, match="pre_dispatch"):
        Composer("run").compose([*words[:2], "hydra.launcher.pre_dispatch='__import__(\"os\").getpid()'"])


def test_ordinary_keys_of_hydra_and_launchers_of_queues_are_allowed():
    words = ["hydra.sweep.dir=elsewhere", "hydra.sweeper.max_batch_size=2", "hydra.job.name=mine", "hydra.verbose=true"]
    assert Composer("run").compose(words)["schedule"]
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    slurm = ["hydra/launcher=submitit_slurm", "hydra.launcher.partition=short", "hydra.launcher.timeout_min=5"]
    assert Composer("run").compose(slurm)["schedule"]


# == the lock ==========================================================================================================
@needs_links
@pytest.mark.parametrize("name", [["name=mine"], []])
def test_a_link_in_the_place_of_the_lock_is_not_followed(name, mine, capsys):
    precious = Path("precious")
    precious.write_text("kept")
    (mine / UNFINISHED).symlink_to(precious.resolve())
    if name:
        refused(capsys, [*RUN, *name], "name = 'mine'", UNFINISHED)
    else:
        assert main(RUN) == 0
    assert main(["status"]) == 0
    assert precious.read_text() == "kept"


@needs_links
@pytest.mark.parametrize("what", ["folder", "loop", "nowhere"])
def test_what_is_no_lock_hides_no_other_study(what, mine, capsys):
    assert main([*RUN, "name=other"]) == 0
    path = mine / UNFINISHED
    path.mkdir() if what == "folder" else path.symlink_to(path.name if what == "loop" else "nowhere")
    capsys.readouterr()
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    state = "complete" if what == "nowhere" else "unfinished"  # nothing can be read where a link leads nowhere
    assert state in next(line for line in out.splitlines() if line.split()[:1] == ["mine"])
    assert "complete" in next(line for line in out.splitlines() if line.split()[:1] == ["other"])
    refused(capsys, [*RUN, "name=mine"], "name = 'mine'", UNFINISHED)
    root = Folder("results")
    with pytest.raises(Obstructed):
        Study(root, "mine").begin("request")
    study = open_study(root, None, "words", "request")
    study.end(finished=True)
    assert not os.path.lexists("nowhere")


# == what the system says ==============================================================================================
COMMANDS = (["status"], ["verify"], ["clean"], ["plot"], ["trace", "scenario=0123456789ab"], RUN, [*RUN, "name=mine"])


@pytest.mark.parametrize("words", [*COMMANDS, [*RUN, "plan=true"], ["run", "-m", "seed=1,2"], ["compare"]], ids=" ".join)
def test_a_place_that_the_system_refuses_is_told_in_one_line(words, capsys):
    refused(capsys, [*words, f"results={'a' * 300}"], "results = 'aaa", "File name too long")
    if sys.platform != "win32":
        Path("loop").symlink_to("loop")
        refused(capsys, [*words, "results=loop"], "results = 'loop'")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_place_that_fails_is_told_in_one_line(words, monkeypatch, capsys):
    def down(self, folder):
        raise OSError("When listing objects: AWS Error NETWORK_CONNECTION\nduring ListObjectsV2")

    monkeypatch.setattr(Folder, "folders", down)
    monkeypatch.setattr(Folder, "changed", down)
    refused(capsys, words, "results = 'results'", "NETWORK_CONNECTION")


def test_a_complaint_names_its_file_unless_that_is_long():
    assert command.reason(OSError(errno.EACCES, "Permission denied", "x")) == "Permission denied: x"
    assert command.reason(OSError(errno.ENAMETOOLONG, "File name too long", "x" * 999)) == "File name too long"
    assert command.reason(OSError()) == "OSError"


@pytest.mark.parametrize("words", [["run", "name=\udcff"], ["status", "results=\udcff"], ["\udcff"]])
def test_bytes_that_are_no_text_are_refused(words, capsys):
    refused(capsys, words, "UTF-8")


@pytest.mark.parametrize(
    "words", [["status", "results=a\0b"], ["run", "--config-dir", "a" * 300], ["run", "--config-dir", "a\0b"]]
)
def test_names_that_no_file_can_have_are_refused(words, capsys):
    refused(capsys, words)


@pytest.mark.parametrize(
    ("name", "kept"), [("run", True), ("compare", True), ("sweep", True), ("verify", False), ("plot", False)]
)
def test_only_what_computes_says_that_blocks_are_kept_when_it_is_interrupted(name, kept, monkeypatch, capsys):
    def interrupted(*words):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "launch", interrupted)
    assert main([name]) == 1
    err = capsys.readouterr().err
    assert err.startswith("posture: interrupted")
    assert ("are kept" in err) is kept


@pytest.mark.parametrize("error", [TypeError("missing 2 arguments"), RuntimeError(), ConnectionError("refused"), KeyError("x")])
def test_whatever_a_foreign_file_system_raises_is_one_line(error, monkeypatch, capsys):
    fsspec = pytest.importorskip("fsspec")

    def fails(*words, **more):
        raise error

    known = place("memory://posture-nasty")
    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "info", fails)
    with pytest.raises(OSError, match=str(error).strip("'") or type(error).__name__):
        known.exists("x")
    monkeypatch.setattr("fsspec.core.url_to_fs", fails)
    refused(capsys, ["status", "results=memory://x"], "results = 'memory://x': cannot be reached")
    with pytest.raises(OSError, match=type(error).__name__ if type(error) is not ConnectionError else "refused"):
        places.by_fsspec("memory://x")


# == what is shown =====================================================================================================
@pytest.mark.parametrize("text", ["x[/red]y", "[bold]x[/bold]", "x\\[red]", ":smile:", "[link=x]y"])
def test_what_a_user_wrote_is_shown_as_it_is(text, capsys):
    console.table(text, (text, "n"), [(text, "1")])
    console.say(text)
    console.warn(text)
    out, err = capsys.readouterr()
    assert out.count(text) == 4
    assert err == f"warning: {text}\n"


def test_a_place_may_be_called_anything(capsys):
    assert main([*RUN, "name=mine", "results=x[/red]y"]) == 0
    for words in (["status"], ["clean", "yes=true"], ["verify"]):
        assert main([*words, "results=x[/red]y"]) == 0
    assert "Studies in x[/red]y/studies" in capsys.readouterr().out
