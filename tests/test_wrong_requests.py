"""A wrong request ends with exit status 2 and one line: the key, the value, what is allowed. Nothing is left behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.command import APPLICATIONS, main
from tests.refusals import TWO, refused, says, the_line

pytestmark = pytest.mark.usefixtures("folder")  # each request is made in an empty folder
POSTURE = Path(sys.executable).parent / "posture"
COMMANDS = ", ".join(APPLICATIONS)


# -- words of the command line ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("cmp", ("cmp: no such command", "did you mean compare?", COMMANDS)),
        ("Run", ("Run: no such command", "did you mean run?")),
        ("schedule=open_ended", ("schedule=open_ended: no such command", COMMANDS)),
        ("--fast", ("--fast", COMMANDS)),
        ("run --fast", ("--fast: no such option", "--config-dir FOLDER")),
        ("run -v", ("-v: no such option", "--help")),
        ("run --config-name=base", ("--config-name=base: no such option",)),
        ("trace --config-dir", ("--config-dir", "expected a folder")),
        ("run --config-dir= seed=1", ("--config-dir", "expected a folder")),
        ("run --config-dir nowhere", ("--config-dir", "nowhere", "no such folder")),
        ("run --config-dir=nowhere", ("--config-dir", "nowhere", "no such folder")),
        ("compare -m seed=1,2", ("-m", "posture run", "compare")),
        ("trace --multirun seed=1,2", ("-m", "posture run", "trace")),
        ("plot -m", ("-m", "posture run", "plot")),
        ("run seed", ("'seed'", "expected key=value")),
        ("run seed==5", ("'seed==5'", "expected key=value")),
        ("run isis.stock=[1", ("'isis.stock=[1'", "expected key=value")),
        ("run =5", ("'=5'", "expected key=value")),
        ("run isis.stock=1,2", ("isis.stock=1,2", "posture run -m")),
        ("run schedule=open_ended,rapid_6_months", ("schedule=open_ended,rapid_6_months", "posture run -m")),
        ("run isis.stock=range(1,5)", ("isis.stock=range(1,5)", "posture run -m")),
        ("trace seed=1,2", ("seed=1,2", "posture run -m")),
        ("run +_target_=os.system", ("+_target_=os.system", "cannot name code")),
        ("run +isis._target_=os.system", ("+isis._target_=os.system", "cannot name code")),
        ("run +isis.attacks={_target_:os.getcwd}", ("_target_", "cannot name code")),
        ("run -m hydra.sweeper._target_=os.getcwd seed=1,2", ("hydra.sweeper._target_", "cannot name code")),
        ("run hydra.searchpath=[file:///tmp]", ("hydra.searchpath", "other places to read from")),
        ("run +hydra.callbacks.x=1", ("hydra.callbacks", "cannot name code")),
    ],
)
def test_a_word_that_is_no_request_is_refused(request_, words, capsys):
    says(refused(capsys, request_.split()), *words)


def test_no_command_at_all_shows_the_commands_there_are(capsys):
    assert main([]) == 2
    assert "posture COMMAND" in capsys.readouterr().out


# -- keys ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("run foo=1", ("foo: no such key", "posture run --help")),
        ("run sead=1", ("sead: no such key", "did you mean seed?")),
        ("run restraint=0.2", ("restraint: no such key", "did you mean militias.restraint?")),
        ("run militias.restrain=0.2", ("militias.restrain: no such key", "did you mean militias.restraint?")),
        ("run governmnt.fall=0.1", ("governmnt.fall: no such key", "did you mean government.fall?")),
        ("run ISIS.attacks=3", ("ISIS.attacks: no such key", "did you mean isis.attacks?")),
        ("run isis.attacks=110 isis.attaks=3", ("isis.attaks: no such key", "did you mean isis.attacks?")),
        ("run rivals.excitation.branchng=0.1", ("branchng: no such key", "did you mean rivals.excitation.branching?")),
        ("run +militias.restrain=0.2", ("militias.restrain: no such key", "did you mean restraint?", "truce_rate")),
        ("run +foo.bar=1", ("foo: no such key",)),
        ("run +sead=1", ("sead: no such key", "did you mean seed?")),
        ("run +case.weather=fine", ("case.weather: no such key", "posture, last_us_death")),
        ("run schedules=[open_ended]", ("schedules: no such key", "did you mean schedule?")),
        ("run ~foo", ("foo: no such key",)),
        ("compare replication=3", ("replication: no such key", "did you mean replications?")),
        ("run schedules=all", ("schedules: no such key", "did you mean schedule?")),
        ("plot seed=1", ("seed: no such key", "posture plot --help")),
        ("plot schedule=open_ended", ("schedule: no such key", "did you mean schedules?")),
        ("plot militias.restraint=0.1", ("militias.restraint: no such key", "posture plot --help")),
        ("run ~militias", ("militias: missing",)),
        ("run ~isis", ("isis: missing",)),
        ("run ~schedule", ("schedule: missing",)),
        ("run ~case", ("case: missing",)),
        ("run ~rivals", ("rivals",)),
        ("run ~rivals/announcement", ("rivals", "announcement")),
        ("run ~rivals.announcement", ("rivals", "announcement")),
        ("run ~rivals.announcement.module", ("rivals.announcement", "module")),
        ("run ~militias.groups", ("militias", "groups")),
        ("run ~schedule.name", ("schedule.name: missing",)),
        ("run ~case.posture", ("case.posture: missing",)),
        ("run ~start", ("start: missing",)),
        ("run ~seed", ("seed: missing",)),
    ],
)  # fmt: skip
def test_a_key_that_is_unknown_or_missing_is_named(request_, words, capsys):
    says(refused(capsys, request_.split()), *words)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("run schedule=phased_12_month", ("schedule=phased_12_month", "did you mean phased_12_months?", "exit_and_return")),
        ("run schedule=nonsense", ("schedule=nonsense", "open_ended, technical_talks")),
        ("run schedule=", ("schedule=", "no such choice", "open_ended")),
        ("run schedule=null", ("schedule=null", "no such choice", "open_ended")),
        ("run militias=huge", ("militias=huge", "default, disarmed, one_group")),
        ("run militias=0.5", ("militias=0.5", "default, disarmed, one_group")),
        ("run iraqi_forces=strongest", ("iraqi_forces=strongest", "did you mean strong?", "default, strong, weak")),
        ("run rivals/announcement=emboldement", ("rivals/announcement=emboldement", "did you mean emboldenment?", "none")),
        ("run rivals/excitation=maybe", ("rivals/excitation=maybe", "off, on")),
        ("run rivals=off", ("rivals=off", "rivals/announcement", "rivals/excitation")),
        ("run case=may_2030", ("case=may_2030", "april_2021")),
        ("run study=huge", ("study=huge", "default, design, quick, thorough")),
        ("trace schedule=nonsense", ("schedule=nonsense", "open_ended")),
        ("compare environment=stormy", ("environment=stormy", "calm, default")),
    ],
)
def test_a_choice_that_a_group_does_not_have_is_refused_with_those_it_has(request_, words, capsys):
    says(refused(capsys, request_.split()), *words)


# -- values ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("replications=many", ("replications", "'many'")),
        ("replications=2.5", ("replications", "2.5")),
        ("replications=1e3", ("replications", "1000.0")),
        ("replications=null", ("replications",)),
        ("replications=true", ("replications = true",)),
        ("replications=[1,2]", ("replications",)),
        ("replications=0", ("replications", "= 0", "1")),
        ("replications=-3", ("replications", "= -3", "1")),
        ("replications=99999999999", ("replications", "99999999999", "10")),
        ("weekly=-1", ("weekly", "-1", "0")),
        ("horizon_days=0", ("horizon_days = 0", "from 7 to 3653")),
        ("horizon_days=6", ("horizon_days = 6", "from 7 to 3653")),
        ("horizon_days=1e9", ("horizon_days", "from 7 to 3653")),
        ("horizon_days=1000000000", ("horizon_days = 1000000000", "from 7 to 3653")),
        ("horizon_days=90.0", ("horizon_days = 90.0", "whole number")),
        ("horizon_days=long", ("horizon_days = 'long'", "from 7 to 3653")),
        ("horizon_days=null", ("horizon_days", "from 7 to 3653")),
        ("workers=0", ("workers", "= 0", "1")),
        ("workers=-1", ("workers", "-1", "1")),
        ("workers=2.0", ("workers", "2.0")),
        ("workers=all", ("workers", "'all'")),
        ("workers=100000", ("workers", "100000", "1024")),
        ("seed=-1", ("seed", "-1", "0")),
        ("seed=18446744073709551616", ("seed = 18446744073709551616", "18446744073709551616")),
        ("seed=1.5", ("seed", "1.5")),
        ("seed=luck", ("seed", "'luck'")),
        ("engine=fast", ("engine", "'fast'", "'compiled'", "'reference'")),
        ("engine=Compiled", ("engine", "'Compiled'", "'compiled'")),
        ("engine=null", ("engine", "'reference'")),
        ("engine=3", ("engine", "3", "'reference'")),
        ("executor=fast", ("executor", "'fast'", "'serial'", "'threads'", "'processes'", "'dask'")),
        ("executor=null", ("executor", "'auto'")),
        ("executor=dask", ("address", "tcp://host:8786", "executor=dask")),
        ("address=tcp://localhost:8786", ("address", "'tcp://localhost:8786'", "executor=dask", "null without")),
        ("executor=threads address=tcp://localhost:8786", ("address", "'tcp://localhost:8786'", "executor=dask")),
        ("executor=dask address=", ("address", "''")),
        ("plan=maybe", ("plan", "'maybe'", "true or false")),
        ("plan=1", ("plan", "1", "true or false")),
        ("retry_failed=2", ("retry_failed", "2", "true or false")),
        ("changed=ignore", ("changed", "'ignore'", "'refuse'", "'recompute'")),
        ("militias.restraint=high", ("militias.restraint", "'high'", "from 0 to 1")),
        ("militias.restraint=1.5", ("militias.restraint", "1.5", "from 0 to 1")),
        ("militias.restraint=-0.1", ("militias.restraint", "-0.1", "from 0 to 1")),
        ("militias.restraint=nan", ("militias.restraint", "nan", "from 0 to 1")),
        ("militias.restraint=inf", ("militias.restraint", "inf", "from 0 to 1")),
        ("militias.restraint=-inf", ("militias.restraint", "-inf", "from 0 to 1")),
        ("militias.restraint=null", ("militias.restraint", "from 0 to 1")),
        ("militias.restraint=[0.5]", ("militias.restraint", "from 0 to 1")),
        ("militias.restraint={a:1}", ("militias.restraint", "from 0 to 1")),
        ("militias.restraint=true", ("militias.restraint = true", "from 0 to 1")),
        ("militias.restraint=", ("militias.restraint", "''", "from 0 to 1")),
        ("militias.restraint='0.5'", ("militias.restraint", "'0.5'", "from 0 to 1")),
        ("isis.stock=9999999999999999999999", ("isis.stock", "9999999999999999999999", "members in Iraq")),
        ("isis.stock=1e400", ("isis.stock", "inf", "members in Iraq")),
        ("isis.stock=${nowhere}", ("isis.stock", "nowhere")),
        ("isis.stock=???", ("isis.stock",)),
        ("rivals.announcement.emboldenment_factor=0.5", ("rivals.announcement.emboldenment_factor", "0.5", "from 1 to 3")),
        ("rivals.announcement.module=emboldened", ("rivals.announcement.module", "'emboldened'", "lie_low_then_surge")),
        ("rivals.announcement=none", ("rivals.announcement", "module")),
        ("rivals.excitation.active=1", ("rivals.excitation.active", "1", "true or false")),
        ("rivals.excitation.active=maybe", ("rivals.excitation.active", "'maybe'", "true or false")),
        ("start=2021-13-01", ("start", "'2021-13-01'", "a date such as 2021-04-07")),
        ("start=2021-02-29", ("start", "'2021-02-29'", "a date such as 2021-04-07")),
        ("start=yesterday", ("start", "'yesterday'", "a date such as 2021-04-07")),
        ("start=2021", ("start", "2021", "a date such as 2021-04-07")),
        ("start=20210407", ("start", "20210407", "a date such as 2021-04-07")),
        ("start=null", ("start", "a date such as 2021-04-07")),
        ("start=1900-01-01", ("start", "'1900-01-01'", "between 1990 and 2100")),
        ("start=2020-01-01", ("case.last_us_death", "2020-03-11", "up to the start, 2020-01-01")),
        ("case.last_us_death=2022-01-01", ("case.last_us_death", "2022-01-01", "up to the start, 2021-04-07")),
        ("case.last_us_death=soon", ("case.last_us_death", "'soon'", "a date such as 2021-04-07")),
        ("case.elections=[2021-02-30]", ("case.elections", "2021-02-30", "a date such as 2021-04-07")),
        ("case.elections=2021-10-10", ("case.elections", "'2021-10-10'", "list")),
        ("case.anniversaries=[13-01]", ("case.anniversaries", "13-01", "a month and a day such as 01-03")),
        ("case.posture.combat=-5", ("case.posture.combat", "-5", "0")),
        ("case.posture.combat=2.5", ("case.posture.combat", "2.5")),
        ("case.posture=null", ("case.posture",)),
        ("case.cost=99", ("case.cost", "99", "20")),
        ("militias.groups.hardline.capacity=2", ("militias.groups.hardline.capacity", "2", "1")),
        ("militias.groups.hardline.capacity=0.9", ("militias.groups", "1.45", "1 at most")),
        ("+militias.groups.Bad-Name={capacity:0.0}", ("militias.groups.Bad-Name",)),
        ("+militias.groups.extra={restraint:0.1}", ("militias.groups.extra.capacity", "missing")),
        ("+militias.groups.extra={capacity:0,armour:1}", ("militias.groups.extra.armour", "no such key", "restraint")),
        ("+militias.groups.extra=5", ("militias.groups.extra", "5")),
        ("schedule.name=../x", ("schedule.name", "'../x'")),
        ("schedule.steps=5", ("schedule.steps", "5")),
        ("+schedule.aid=2", ("schedule.aid", "2", "1")),
        ("schedule=rapid_6_months schedule.steps.0.date=2020-01-01", ("'announcement'", "2020-01-01", "before the start")),
        ("schedule=rapid_6_months case.posture.training=100", ("rapid_6_months", "450 training troops leave but 100 are there")),
        ("schedule=rapid_6_months start=2022-01-01", ("rapid_6_months", "2021-05-03", "before the start, 2022-01-01")),
        ("name=a/b", ("name", "'a/b'")),
        ("name=..", ("name", "'..'")),
        ("name=.", ("name", "'.'")),
        ("name=", ("name", "''")),
        ("name=.hidden", ("name", "'.hidden'")),
        ("name='a b'", ("name", "'a b'")),
        ("name=[a]", ("name",)),
        ("results=", ("results", "''")),
        ("results=null", ("results",)),
        ("results=nonsense://bucket/x", ("results = 'nonsense://bucket/x'", "cannot be reached")),
        ("results=s3://", ("results = 's3://'", "expected a bucket, such as s3://bucket/results")),
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_is_refused_with_key_and_value(request_, words, capsys):
    says(refused(capsys, ["run", *(request_.split(" ") if re.match("schedule=|executor=", request_) else [request_])]), *words)


def test_nine_groups_are_too_many(capsys):
    more = [f"+militias.groups.more_{k}={{capacity:0}}" for k in range(6)]
    says(refused(capsys, ["run", *more]), "militias.groups", "8")


def test_a_key_that_a_schedule_may_have_is_not_called_unknown(capsys):
    line = refused(capsys, ["run", "schedule.aid=2"])
    says(line, "schedule.aid")
    assert "no such key" not in line


# -- compare, trace, sweep -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("compare schedule=open_ended", ("schedule", "schedules=[")),
        ("compare schedules=[open_ended]", ("schedules", "open_ended", "at least two")),
        ("compare schedules=[]", ("schedules", "at least two")),
        ("compare schedules=rapid_6_months", ("schedules", "'rapid_6_months'", "all", "list")),
        ("compare schedules=[open_ended,rapid_6_month]", ("schedules", "'rapid_6_month'", "did you mean rapid_6_months?")),
        ("compare schedules=[open_ended,3]", ("schedules", "3")),
        ("compare schedules=open_ended,rapid_6_months", ("schedules=open_ended,rapid_6_months", "schedules=[")),
        (f"compare {TWO} baseline=nobody", ("baseline", "'nobody'", "open_ended")),
        (f"compare {TWO} baseline=null", ("baseline",)),
        (f"compare {TWO} outcomes=[cost,base_atacks]", ("outcomes", "'base_atacks'", "did you mean base_attacks?", "cost")),
        (f"compare {TWO} outcomes=[]", ("outcomes",)),
        (f"compare {TWO} outcomes=cost", ("outcomes", "'cost'", "list")),
        (f"compare {TWO} figures=maybe", ("figures", "'maybe'")),
        (f"compare {TWO} figures=1", ("figures", "1")),
        (f"compare {TWO} replications=1", ("replications", "1", "at least 2")),
        (f"compare {TWO} start=2022-01-01", ("rapid_6_months", "2021-05-03", "2022-01-01")),
        (f"compare {TWO} schedule.name=other", ("schedule.name", "'other'", "open_ended")),
        ("trace replication=-1", ("replication", "-1", "0")),
        ("trace replication=18446744073709551616", ("replication = 18446744073709551616",)),
        ("trace replication=first", ("replication", "'first'")),
        ("trace everything=maybe", ("everything", "'maybe'")),
        ("trace scenario=xyz", ("scenario", "'xyz'", "hexadecimal")),
        ("trace scenario=abcdefabcdef", ("scenario", "'abcdefabcdef'", "no study", "results")),
        ("trace log=events.txt", ("log", "'events.txt'", ".parquet or .csv")),
        ("trace log=nowhere/events.csv", ("log", "'nowhere/events.csv'", "no such folder", "nowhere")),
        ("trace log=/proc/events.csv horizon_days=30", ("log", "'/proc/events.csv'", "cannot be written")),
        ("trace log=5", ("log", "5")),
        ("run -m schedule=open_ended,nonsense", ("schedule=nonsense", "open_ended")),
        ("run -m schedule=open_ended,rapid_6_months isis.stock=100,-5", ("isis.stock", "-5", "members in Iraq")),
        ("run -m isis.stcok=100,5", ("isis.stcok: no such key", "did you mean isis.stock?")),
        ("run -m isis.stock=interval(-5,5)", ("isis.stock", "-5", "members in Iraq")),
        ("run -m isis.stock=range(100,-5)", ("isis.stock", "range(100,-5)")),
        ("run -m schedule=glob(zzz*)", ("schedule", "zzz*")),
        ("run -m seed=1,2,x", ("seed", "'x'")),
        ("run -m replications=2,0", ("replications", "0", "1")),
        ("run -m name=a,b", ("name",)),
        ("run -m hydra/launcher=nonsense seed=1,2", ("hydra/launcher", "nonsense", "joblib")),
        ("run -m hydra/sweeper=nonsense seed=1,2", ("hydra/sweeper", "nonsense", "basic")),
    ],
)  # fmt: skip
def test_a_wrong_request_of_another_command_is_refused(request_, words, capsys):
    says(refused(capsys, request_.split()), *words)


# -- wording ---------------------------------------------------------------------------------------------------------
JARGON = (
    *("String", "Tuple", "tuple", "dictionary", "instance of", "dict[", "pattern", "validation", "None"),
    *("Interpolation", "defaults list", "Exception", "mandatory", "codec"),
)


@pytest.mark.parametrize(
    "request_",
    [
        "run name=a/b",
        "run results=",
        "run results=null",
        "run replications=null",
        "run militias.restraint=null",
        "run case.elections=2021-10-10",
        "run case.posture=null",
        "run schedule.steps=5",
        "run +militias.groups.extra=5",
        "run +militias.groups.Bad-Name={capacity:0.0}",
        "run isis.stock=${nowhere}",
        "run isis.stock=???",
        "run name='a",
        "compare schedules=open_ended",
        "compare schedules=[open_ended,3]",
        f"compare {TWO} outcomes=[]",
        "plot schedule=open_ended",
        "plot name=..",
        "trace scenario=xyz",
    ],
)
def test_a_line_is_in_the_words_of_the_user_and_not_of_a_library(request_, capsys):
    line = refused(capsys, request_.split())
    assert [word for word in JARGON if word in line] == [], line


# -- the command itself ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("cmp", ("no such command", "did you mean compare?")),
        ("run militias.restrain=0.2", ("militias.restrain", "did you mean militias.restraint?")),
        ("run militias.restraint=nan", ("militias.restraint", "nan", "from 0 to 1")),
        ("run -m isis.stock=1,-5", ("isis.stock", "-5")),
        ("compare schedules=[nobody]", ("schedules", "'nobody'")),
        ("plot", ("results", "posture compare")),
        ("trace scenario=abcdefabcdef", ("scenario", "'abcdefabcdef'")),
    ],
)
def test_the_command_ends_with_status_2_and_one_line(request_, words, folder):
    done = subprocess.run([POSTURE, *request_.split()], capture_output=True, text=True, cwd=folder, timeout=120, check=False)
    says(the_line(done.returncode, done.stdout, done.stderr), *words)
    assert list(folder.iterdir()) == []


def test_the_module_can_be_run_in_place_of_the_command(folder):
    command = [sys.executable, "-m", "experiments.command", "run", "seed=-1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1], timeout=120, check=False)
    says(the_line(done.returncode, done.stdout, done.stderr), "seed", "-1")
