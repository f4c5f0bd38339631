"""The command `posture`: picks the application, composes its configuration, turns errors into one line and an exit status.

0 done; 1 some of the work failed; 2 the request was wrong.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from sim.errors import Halted, RequestError, suggestion

APPLICATIONS = {
    "run": "one scenario, many replications; with -m a sweep over overrides",
    "compare": "schedules on common luck: outcomes, paired differences, figures",
    "sweep": "one study of many scenarios, from a design over continuous parameters",
    "sensitivity": "which parameters, rivals and how much luck an outcome depends on; where runs end badly",
    "calibrate": "which parameters could have brought the past that was counted, up to a day",
    "hindcast": "forecasts of what was counted, from days in the past, scored beside baselines",
    "plot": "figures of a study, from its tables",
    "report": "a comparison as one HTML file, from its tables",
    "trace": "the story of one replication, by date; of two schedules side by side",
    "why": "one replication without one thing that happened in it, or what its end needed",
    "status": "the studies and the store: what there is, what is unfinished",
    "verify": "compute a study's replications again and compare to the bit",
    "clean": "remove what no study refers to, asking first",
}
KEPT = {  # of work that is interrupted, by command
    **dict.fromkeys(("run", "compare", "sweep", "sensitivity"), "blocks"),
    **dict.fromkeys(("calibrate", "hindcast"), "generations of calibrations"),
}
LONGEST = 200  # characters of a file's name that are still told


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        for word in words:
            if any("\ud800" <= letter <= "\udfff" for letter in word):
                raise RequestError(f"{word!r}: not text in UTF-8")
        return dispatch(words)
    except RequestError as error:
        print(f"posture: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except Halted as halt:
        print(f"posture: {' '.join(str(halt).split())}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone
        return 1
    except OSError as error:
        print(f"posture: {reason(error)}", file=sys.stderr)
        return 2
    except RecursionError:
        print("posture: something that was to be read is nested too deeply", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        what = KEPT.get(words[0]) if words else None
        kept = f"; {what} that were complete are kept, the same command goes on" if what else ""
        print(f"posture: interrupted{kept}", file=sys.stderr)
        return 1


def reason(error: OSError) -> str:
    """What the system complains of, and of which file, in one line."""
    text = error.strerror or " ".join(str(error).split()) or type(error).__name__
    name = error.filename if isinstance(error.filename, str) else ""
    return f"{text}: {name}" if name and len(name) < LONGEST else text


def dispatch(words: list[str]) -> int:
    """Pick the application and hand it the rest of the command line."""
    if not words or words[0] in ("-h", "--help", "help"):
        from experiments.help import overview

        print(overview(APPLICATIONS))
        return 0 if words else 2
    if words[0] == "--version":
        from importlib.metadata import version

        print(f"posture {version('posture')}")
        return 0
    name, rest = words[0], words[1:]
    if name not in APPLICATIONS:
        raise RequestError(f"{name}: no such command{suggestion(name, list(APPLICATIONS))}; there are: {', '.join(APPLICATIONS)}")
    if any(word in ("-h", "--help") for word in rest):
        from experiments.help import page

        print(page(name, APPLICATIONS[name]))
        return 0
    return launch(name, *options(name, rest))


def options(name: str, rest: list[str]) -> tuple[list[str], str | None, bool, bool]:
    """The overrides, the extra configuration folder, whether it is a sweep, and whether only to show the configuration."""
    overrides: list[str] = []
    folder, multirun, show = None, False, False
    words = iter(rest)
    for word in words:
        if word in ("-m", "--multirun"):
            multirun = True
        elif word == "--cfg":
            show = True
        elif word == "--config-dir" or word.startswith("--config-dir="):
            folder = word.partition("=")[2] if "=" in word else next(words, "")
            if not folder:
                raise RequestError("--config-dir: expected a folder of configuration groups after it")
        elif word.startswith("-"):
            raise RequestError(
                f"{word}: no such option; there are: --help, --cfg, --config-dir FOLDER, -m (run only); all else is key=value"
            )
        else:
            overrides.append(word)
    if multirun and show:
        raise RequestError("--cfg: shows one configuration, a sweep has several; leave out -m")
    if multirun and name != "run":
        raise RequestError(f"-m: only `posture run` takes several values for a key; {name} takes one configuration")
    return overrides, folder, multirun, show


def launch(name: str, overrides: list[str], folder: str | None, multirun: bool, show: bool) -> int:
    """Compose and run."""
    from experiments.composition import Composer

    if multirun:
        from experiments.sweep import sweep

        places = [override.partition("=")[2] for override in overrides if override.startswith("results=")]
        return reaching(places[-1] if places else "results", lambda: sweep(overrides, folder))
    config = Composer(name, folder).compose(overrides)
    if show:
        from omegaconf import OmegaConf

        print(OmegaConf.to_yaml(OmegaConf.create(config)), end="")
        return 0
    return reaching(config.get("results"), lambda: carried_out(name, config, overrides, folder))


def reaching(results: Any, work: Callable[[], int]) -> int:
    """Do something with the results that lie there; returns its exit status.

    Raises:
        RequestError: also for what the system says of the place, where nobody had a better word for it: too long a name,
            a loop of links, a folder that may not be read, a server that is down.
    """
    try:
        return work()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RequestError(f"results = {results!r}: {reason(error)}") from None


def carried_out(name: str, config: dict[str, Any], overrides: list[str], folder: str | None) -> int:
    """Run the application of that name; returns its exit status."""
    if name == "run":
        from experiments.run import application as run

        return run(config)
    if name == "compare":
        from experiments.compare import application as compare

        return compare(config, overrides, folder)
    if name == "sweep":
        from experiments.designed import application as designed

        return designed(config, overrides, folder)
    if name == "sensitivity":
        from experiments.sensitivity import application as sensitivity

        return sensitivity(config, overrides, folder)
    if name == "trace":
        from experiments.trace import application as trace

        return trace(config, overrides, folder)
    if name == "why":
        from experiments.why import application as why

        return why(config, overrides)
    if name == "calibrate":
        from experiments.calibrate import application as calibrate

        return calibrate(config, overrides)
    if name == "hindcast":
        from experiments.hindcast import application as hindcast

        return hindcast(config, overrides)
    if name == "plot":
        from experiments.plot import application as plot

        return plot(config)
    if name == "report":
        from experiments.report import application as report

        return report(config)
    from experiments import upkeep

    return {"status": upkeep.status, "verify": upkeep.verify, "clean": upkeep.clean}[name](config)


if __name__ == "__main__":
    sys.exit(main())
