"""Validation by pydantic, told in one line: the key, the value, what is allowed."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from sim.errors import RequestError, suggestion

# pydantic's kinds of problem in plain words; the rest keep pydantic's own
PLAIN = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "some text",
    "tuple_type": "a list",
    "dict_type": "a section with keys",
    "model_type": "a section with keys",
    "none_required": "null",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them, found {actual_length}",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
    "literal_error": "{expected}",
}


def check(key: str, model: type[BaseModel] | TypeAdapter[Any], value: Any, hints: Mapping[str, str] | None = None) -> Any:
    """Validate one section of a configuration.

    Args:
        key: where the section stands, "" for the top. hints: what is allowed, by full key, where the model's own words would be
            less clear.
    Raises:
        RequestError: one line, for the first thing that is wrong.
    """
    try:
        return model.validate_python(value) if isinstance(model, TypeAdapter) else model.model_validate(value)
    except ValidationError as error:
        raise RequestError(one_line(key, model, error, hints or {}, value)) from None


def one_line(
    key: str, model: type[BaseModel] | TypeAdapter[Any], error: ValidationError, hints: Mapping[str, str], value: Any
) -> str:
    """The first problem of a validation; where several types are allowed, what each of them wanted."""
    problems = error.errors(include_url=False)
    first = problems[0]
    where = place(key, first["loc"], value)
    if first["type"] == "extra_forbidden":
        known = fields_at(model, first["loc"])
        return f"{where}: no such key{suggestion(str(first['loc'][-1]), known)}; allowed: {', '.join(known)}"
    if first["type"] == "missing":
        return f"{where}: missing"
    if where in hints:
        message = f"expected {hints[where]}"
    elif first["type"] == "value_error":
        message = first["msg"].removeprefix("Value error, ")
    else:
        wanted = dict.fromkeys(wish(problem) for problem in problems if place(key, problem["loc"], value) == where)
        message = f"expected {' or '.join(wanted)}"
    found = first["input"]
    hidden = isinstance(found, dict | list | tuple | BaseModel) or (isinstance(found, str) and repr(found) in message)
    shown = "" if hidden else f" = {as_written(found)}"
    return f"{where}{shown}: {message}".replace("\n", " ")


def place(key: str, location: tuple[int | str, ...], value: Any) -> str:
    """The full key of a problem, without the names of types that pydantic adds for unions and keys; an item of a list that has a
    name is told by it, too: schedule.steps.2.date of 'first departure'."""
    parts, of = [key] if key else [], ""
    for part in location:
        if not re.fullmatch(r"[\w\- ]+", str(part)) or part in ("str", "int", "constrained-int"):
            continue
        if isinstance(part, int) and isinstance(value, list | tuple):
            value = value[part] if part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(part, int) and isinstance(value, Mapping) and isinstance(value.get("name"), str):
            of = f" of {value['name']!r}"
        parts.append(str(part))
    return ".".join(parts) + of


def as_written(value: Any) -> str:
    """A value as a configuration would have it."""
    return {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else repr(value)


def wish(problem: Any) -> str:
    """What one problem wanted, in plain words."""
    plain = PLAIN.get(problem["type"])
    if plain is None:
        return str(problem["msg"]).removeprefix("Input should be ")
    return plain.format(**{name: f"{x:g}" if isinstance(x, float) else x for name, x in problem.get("ctx", {}).items()})


def fields_at(model: type[BaseModel] | TypeAdapter[Any], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are known where an unknown one was found: follow the model's own fields down the location."""
    here: Any = model if isinstance(model, type) else None
    for part in location[:-1]:
        if here is not None and str(part) in here.model_fields:
            here = nested(here.model_fields[str(part)].annotation)
    return list(here.model_fields) if here is not None else []


def nested(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as tuple[Step, ...] or Pause | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = nested(inner)
        if found is not None:
            return found
    return None
