"""Documentation agrees with the code because it is made from it, or tested against it."""

import re

import pytest

from experiments import choices, document
from experiments.command import APPLICATIONS
from experiments.composition import Composer
from experiments.help import EXAMPLES, KEYS, OF, page
from experiments.settings import SCENARIO
from sim.model import AGENTS
from sim.report.declarations import HELPERS
from sim.scenario import declared_parameters

PAGES = document.documents()
# shared with the other commands, without effect in this one
UNUSED = {
    "trace": {"replications", "weekly", "workers", "name", "executor", "address", "plan", "retry_failed", "changed"},
    "why": {"replications", "weekly", "workers", "name", "executor", "address", "plan", "retry_failed", "changed"},
    **{command: set(keys) for command, keys in choices.UNUSED.items()},
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_generated_parts_are_what_make_docs_would_write(path):
    text = path.read_text(encoding="utf-8")
    assert document.filled(text) == text, f"{path.name} is out of date: make docs"


def test_every_kind_of_generated_part_is_used_somewhere():
    used = {part for path in PAGES for _, part, _ in document.PART.findall(path.read_text(encoding="utf-8"))}
    assert used == set(document.PARTS)


def test_the_readme_names_ten_declared_parameters():
    assert len(set(document.TEN)) == 10
    assert set(document.TEN) <= {p.key for p in declared_parameters()}


def test_the_rules_that_the_model_page_points_to_exist():
    text = (document.ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    table = text.split("## What the case needs")[1].split("## Mechanisms")[0]
    named = re.findall(r"`(\w+)\.(\w+)`", table)
    assert len(named) >= 20
    modules = {**AGENTS, **HELPERS}
    for module, rule in named:
        assert hasattr(modules[module], rule), f"docs/model.md points to {module}.{rule}, which does not exist"


@pytest.mark.parametrize("name", list(APPLICATIONS))
def test_help_lists_exactly_the_keys_that_the_command_knows(name):
    sections = {key for key in SCENARIO if key not in KEYS}
    known = set(Composer(name).compose([])) - sections - {"sweep"}
    assert set(OF[name]) == known - UNUSED.get(name, set())


@pytest.mark.parametrize("name", list(APPLICATIONS))
def test_examples_in_help_are_valid_requests(name):
    for example in EXAMPLES[name]:
        words = [word for word in example.split()[2:] if "=" in word and "my_schedule" not in word]
        if "-m" in example.split():
            words = [word.split(",")[0] for word in words]
        Composer(name).compose(words)
    assert page(name, APPLICATIONS[name]).count("posture ") >= len(EXAMPLES[name])


def test_links_between_pages_lead_somewhere():
    for path in [*PAGES, document.ROOT / "results" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_path_that_the_documents_name_exists():
    for path in [*PAGES, document.ROOT / "results" / "README.md"]:
        for target in re.findall(r"`((?:sim|tests|experiments|docs)/[\w/]+\.(?:py|md))`", path.read_text(encoding="utf-8")):
            assert (document.ROOT / target).exists(), f"{path.name} names {target}"


def test_the_ten_parameters_are_the_first_ten_of_the_screening():
    text = (document.ROOT / "docs" / "plausibility.md").read_text(encoding="utf-8")
    screening = text.split("## Which parameters matter")[1]
    ranked = re.findall(r"^\| ((?:\w+\.)+\w+) \|", screening, re.MULTILINE)
    assert len(ranked) == len(declared_parameters())
    assert set(document.TEN) == set(ranked[:10])
