"""Refusals: what a command says of a wrong request, and that it leaves everything as it was."""

from pathlib import Path

from experiments.command import main

SMALL = ("replications=2", "horizon_days=60", "workers=1")  # should a wrong request be taken after all, it is soon done
TWO = "schedules=[open_ended,rapid_6_months]"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def small(words: list[str]) -> list[str]:
    """The words, and settings that keep a run short where they do not set them themselves."""
    keys = {word.lstrip("~+").partition("=")[0] for word in words}
    return [*words, *(setting for setting in SMALL if words[0] in ("run", "compare") and setting.split("=")[0] not in keys)]


def the_line(status: int, out: str, err: str) -> str:
    """The one line of a refused request."""
    assert status == 2
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1, err
    assert err.startswith("posture: ")
    assert "Traceback" not in err
    return err.strip()


def refused(capsys, words: list[str]) -> str:
    """The line with which a request is refused, after checking that it leaves everything as it was."""
    before = everything(Path())
    status = main(small(words))
    line = the_line(status, *capsys.readouterr())
    assert everything(Path()) == before
    return line


def says(line: str, *words: str) -> None:
    assert [word for word in words if word not in line] == [], line
