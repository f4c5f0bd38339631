"""Errors that are the user's to mend: one line each."""


class RequestError(ValueError):
    """The request was wrong: the message is one line that names the key, the value and what is allowed. Exit status 2."""


class Halted(Exception):
    """The work had to stop: the message is one line that says why, what is kept and how to go on. Exit status 1."""


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def suggestion(word: str, known: list[str]) -> str:
    """' (did you mean X?)' if one of the known words is close, otherwise nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
