"""A wrong file, or results that cannot be used, end a request with exit status 2 and one line. Nothing is left behind."""

import shutil
from pathlib import Path

import pytest
import yaml

from experiments.command import main
from tests.refusals import SMALL, TWO, refused, says

pytestmark = pytest.mark.usefixtures("folder")  # each request is made in an empty folder


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The results folder of one small comparison, called mine."""
    results = tmp_path_factory.mktemp("made") / "results"
    assert main(["compare", TWO, *SMALL, "figures=false", "name=mine", f"results={results}"]) == 0
    return results


@pytest.fixture
def results(study, folder, capsys):
    """A copy of that comparison to spoil."""
    shutil.copytree(study, folder / "results")
    capsys.readouterr()
    return folder / "results"


# -- files of the user's own -----------------------------------------------------------------------------------------
GOOD = {"name": "mine", "summary": "a test", "steps": [{"name": "words", "does": "announce", "date": "2021-05-03"}]}
WORDS = GOOD["steps"][0]
OUT = {"name": "out", "does": "leave", "date": "2021-07-03", "troops": "all"}
SCHEDULES = {
    "out of order": ([OUT, WORDS], "mine", "'words'", "out of order"),
    "before the start": ([{**WORDS, "date": "2020-05-03"}], "mine", "'words'", "2020-05-03", "before the start"),
    "a bad date": ([{**WORDS, "date": "2021-02-30"}], "schedule.steps.0", "2021-02-30", "2021-04-07"),
    "an unknown indicator": ([{**WORDS, "only_if": ["rain"]}], "schedule.steps.0", "only_if", "'rain'", "talks concluded"),
    "too many leave": ([{**OUT, "troops": {"combat": 501}}], "mine", "'out'", "501", "500"),
    "a circle": ([{**WORDS, "date": None, "after": "words", "days": 1}], "mine", "'words'", "circle"),
    "after nothing": ([{**WORDS, "date": None, "after": "deeds", "days": 1}], "mine", "'words'", "'deeds'"),
    "two of a name": ([WORDS, WORDS], "mine", "'words'", "same name"),
    "a promise too early": ([{**WORDS, "promise": "2021-05-02"}], "mine", "'words'", "2021-05-02", "2021-05-03"),
    "latest too early": ([{**WORDS, "only_if": ["exit demanded"], "latest": "2021-05-02"}], "mine", "'words'", "2021-05-02"),
    "no troops": ([{"name": "out", "does": "leave", "date": "2021-07-03"}], "schedule.steps.0", "troops"),
    "an unknown role": ([{**OUT, "troops": {"cooks": 3}}], "schedule.steps.0", "'cooks'", "combat, training"),
    "too many steps": ([{**WORDS, "name": f"words {k}"} for k in range(17)], "schedule.steps", "16"),
    "no latest": (
        [{**WORDS, "only_if": ["exit demanded"], "otherwise": "the schedule is broken"}],
        "schedule.steps.0",
        "'latest' or 'wait_at_most'",
    ),
    "half a soldier": ([{**OUT, "troops": {"combat": 0.5}}], "schedule.steps.0", "troops", "0.5"),
}


def put(folder: Path, text: str, path: str = "schedule/mine.yaml") -> None:
    """A file in the folder of the user's own groups."""
    (folder / "own" / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / "own" / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("case", SCHEDULES)
def test_an_impossible_schedule_in_a_file_is_refused(case, folder, capsys):
    steps, *words = SCHEDULES[case]
    put(folder, yaml.safe_dump({**GOOD, "steps": steps}, sort_keys=False))
    says(refused(capsys, ["run", "schedule=mine", "--config-dir", "own"]), *words)


@pytest.mark.parametrize(
    "command", ["compare schedules=[open_ended,mine]", "run -m schedule=open_ended,mine", "trace schedule=mine"]
)
def test_an_impossible_schedule_is_refused_by_every_command(command, folder, capsys):
    put(folder, yaml.safe_dump({**GOOD, "steps": [OUT, WORDS]}))
    says(refused(capsys, [*command.split(), "--config-dir", "own"]), "mine", "'words'", "out of order")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: mine\nsteps: [\n", ("mine.yaml", "line 3")),
        ("name: mine\n\tsummary: tab\n", ("mine.yaml", "line 2")),
        ("name: mine\nname: yours\nsummary: s\n", ("mine.yaml", "duplicate key name")),
        ("name: mine\x00\n", ("mine.yaml",)),
        ("", ("schedule.name: missing",)),
        ("- a\n- b\n", ("schedule",)),
        ("name: mine\n", ("schedule.summary: missing",)),
        ("name: mine\nsummary: ${nowhere}\n", ("nowhere",)),
        ("defaults:\n  - nowhere\nname: mine\nsummary: s\n", ("schedule/mine", "schedule/nowhere")),
        ("name: mine\nsummary: s\n_target_: os.system\n", ("schedule._target_", "no such key")),
        ("name: mine\nsummary: s\nhurry: true\n", ("schedule.hurry", "no such key", "accelerate")),
    ],
)
def test_a_broken_file_is_told_with_its_place(text, words, folder, capsys):
    put(folder, text)
    says(refused(capsys, ["run", "schedule=mine", "--config-dir", "own"]), *words)


def test_a_file_in_another_encoding_is_told_with_its_name(folder, capsys):
    put(folder, "")
    (folder / "own/schedule/mine.yaml").write_bytes("name: mine\nsummary: café\n".encode("latin-1"))
    says(refused(capsys, ["run", "schedule=mine", "--config-dir", "own"]), "mine.yaml", "UTF-8")


def test_a_comparison_by_file_name_refuses_a_schedule_of_another_name(folder, capsys):
    put(folder, yaml.safe_dump({**GOOD, "name": "yours"}))
    line = refused(capsys, ["compare", "schedules=[open_ended,mine]", "--config-dir", "own"])
    says(line, "schedule.name", "'yours'", "mine")


def test_a_file_that_names_code_is_refused_and_the_code_not_run(folder, capsys):
    path = folder / "own" / "ran"
    call = f"{{_target_: pathlib.Path.touch, self: {{_target_: pathlib.Path, _args_: ['{path}']}}}}"
    put(folder, f"# @package _global_\nreplications: 2\nweekly: 0\nhydra:\n  callbacks:\n    x: {call}\n", "study/mine.yaml")
    line = refused(capsys, ["run", "-m", "study=mine", "seed=1,2", "--config-dir", "own"])
    says(line, "cannot name code")
    assert not path.exists()


# -- results ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nowhere", "/dev/null"])
@pytest.mark.parametrize("command", ["run", f"compare {TWO}", "run -m seed=1,2"])
def test_a_place_that_cannot_be_written_to_is_refused_before_anything_runs(command, place, folder, capsys):
    (folder / "file").write_text("in the way")
    says(refused(capsys, [*command.split(), f"results={place}"]), f"results = '{place}'", "cannot be written to")


def test_a_file_where_the_study_should_lie_is_refused(folder, capsys):
    (folder / "results/studies").mkdir(parents=True)
    (folder / "results/studies/mine").write_text("in the way")
    says(refused(capsys, ["run", "name=mine"]), "results", "cannot be written to")


@pytest.mark.parametrize("command", ["run", f"compare {TWO} seed=1", "run -m seed=1,2"])
def test_a_name_that_is_taken_by_another_request_is_refused(command, results, capsys):
    line = refused(capsys, [*command.split(), "name=mine"])
    says(line, "name = 'mine'", "that study differs: ", "choose another name", "changed=recompute")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("plot name=yours", ("name", "'yours'", "no such study", "mine")),
        ("plot name=../mine", ("name", "'../mine'")),
        ("plot figures=[pie]", ("figures", "'pie'", "distributions")),
        ("plot figures=[fans]", ("figures", "'fans'", "did you mean fan?")),
        ("plot figures=fan", ("figures", "'fan'", "list")),
        ("plot figures=[]", ("figures",)),
        ("plot outcomes=[base_atacks]", ("outcomes", "'base_atacks'", "did you mean base_attacks?")),
        ("plot outcomes=[]", ("outcomes",)),
        ("plot schedules=[rapid_6_month]", ("schedules", "'rapid_6_month'", "mine", "did you mean rapid_6_months?")),
        ("plot schedules=[exit_and_return]", ("schedules", "'exit_and_return'", "mine", "open_ended, rapid_6_months")),
        ("trace scenario=abcdefabcdef", ("scenario", "'abcdefabcdef'", "no study")),
    ],
)
def test_a_wrong_request_of_a_study_is_refused(request_, words, results, capsys):
    says(refused(capsys, request_.split()), *words)


@pytest.mark.parametrize("place", ["nowhere", ".", "/dev/null"])
def test_a_place_without_studies_is_told_with_what_to_do(place, capsys):
    says(refused(capsys, ["plot", f"results={place}"]), f"results = '{place}'", "posture compare")


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", "null", "{}", '{"scenarios": {}}', '{"scenarios": 5, "contents": 5}', "\x00"]
)
def test_a_manifest_that_cannot_be_read_is_told(content, results, capsys):
    (results / "studies/mine/study.json").write_text(content)
    says(refused(capsys, ["plot", "name=mine"]), "'mine'", "study.json")


def test_a_study_without_a_manifest_is_told(results, capsys):
    (results / "studies/mine/study.json").unlink()
    says(refused(capsys, ["plot", "name=mine"]), "'mine'", "study.json")


def test_a_study_of_another_version_is_told(results, capsys):
    manifest = results / "studies/mine/study.json"
    manifest.write_text(manifest.read_text().replace('"dialogue_gap"', '"dialog_gap"'))
    says(refused(capsys, ["plot", "name=mine", "figures=[timelines]"]), "'mine'", "dialogue_gap")


# each table with a figure that needs it, and one that would be drawn before it
NEEDED = {"outcomes": "[distributions,timelines]", "weekly": "[distributions,fan]", "differences": "[timelines,differences]"}


@pytest.mark.parametrize("table", NEEDED)
@pytest.mark.parametrize("how", ["truncated", "empty", "text"])
def test_a_table_that_cannot_be_read_is_told_and_no_figure_drawn(how, table, results, capsys):
    path = results / f"studies/mine/{table}.parquet"
    whole = path.read_bytes()
    path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"not a table"}[how])
    says(refused(capsys, ["plot", "name=mine", f"figures={NEEDED[table]}"]), "'mine'", f"{table}.parquet")


@pytest.mark.parametrize("table", ["outcomes", "weekly"])
def test_a_table_that_is_missing_is_told_and_no_figure_drawn(table, results, capsys):
    (results / f"studies/mine/{table}.parquet").unlink()
    says(refused(capsys, ["plot", "name=mine", f"figures={NEEDED[table]}"]), "'mine'", f"{table}.parquet")


def test_figures_that_cannot_be_written_are_told(results, capsys):
    (results / "studies/mine/figures").write_text("in the way")
    says(refused(capsys, ["plot", "name=mine"]), "results", "cannot be written to")
