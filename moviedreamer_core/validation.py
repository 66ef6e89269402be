"""Turns pydantic's findings about a file into one sentence a creator can act on.

Source: the error types of pydantic-core, https://docs.pydantic.dev/latest/errors/validation_errors/.
"""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

MAX_QUOTED_CHARACTERS = 40  # of a wrong value, in a message
MAX_LEVELS = 12  # a storyboard nests 7 deep: storyboard, story, keyframes, keyframe, characters, ...

_UNKNOWN_FIELD = ("extra_forbidden", "invalid_key")


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """One line: where (list entries counted from 1), what is wrong, what was found, what to do.

    Of several findings the first is told; but a misspelt field is told before the field that is
    missing because of it. `model` is the one that was validated: its field names are suggested.
    """
    findings = error.errors(include_url=False, include_context=True)
    first = findings[0]
    for finding in findings:
        if finding["type"] in _UNKNOWN_FIELD and finding["loc"][:-1] == first["loc"][:-1]:
            first = finding
            break
    loc = first["loc"]
    if first["type"] in _UNKNOWN_FIELD:
        return _located(loc[:-1], _unknown_field(str(loc[-1]), _model_at(model, loc[:-1])))
    return _located(loc, _sentence(first))


def without_nulls(value: object, *, levels: int = MAX_LEVELS) -> object:
    """`value` without the fields that hold null: an empty field of a file counts as left out.

    Looks `levels` deep; whatever is nested deeper is not part of any file of ours and is left to pydantic.
    """
    if levels == 0:
        return value
    if isinstance(value, dict):
        pairs = ((key, inner) for key, inner in value.items() if inner is not None)
        return {key: without_nulls(inner, levels=levels - 1) for key, inner in pairs}
    if isinstance(value, list):
        return [without_nulls(inner, levels=levels - 1) for inner in value]
    return value


def found(value: object) -> str:
    """`value` in the words of someone who writes YAML, shortened: `the number 3`, `a list`, `nothing`."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the value {str(value).lower()} (unquoted yes, no, on, off, true and false are not text)"
        case int() | float():
            return f"the number {_shortened(str(value))}"
        case str():
            return f'the text "{_shortened(value)}"' if value.strip() else "empty text"
        case datetime.date() | datetime.time():
            return f"the date {value}"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case dict():
            keys = ", ".join(_shortened(str(key)) for key in list(value)[:3])
            return f"fields ({keys})" if keys else "an empty mapping"
    return f"a {type(value).__name__}"


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_QUOTED_CHARACTERS else text[: MAX_QUOTED_CHARACTERS - 1] + "…"


def _located(loc: Sequence[int | str], sentence: str) -> str:
    """`("keyframes", 2, "plot")` is said as `keyframe 3: plot: ...`."""
    words: list[str] = []
    for part in loc:
        if isinstance(part, int) and words:
            words[-1] = f"{words[-1].removesuffix('s')} {part + 1}"
        else:
            words.append(str(part))
    return ": ".join([*words, sentence])


def _model_at(model: type[BaseModel], loc: Sequence[int | str]) -> type[BaseModel] | None:
    """The model whose fields stand at `loc`, or None where the file's structure is not a model."""
    current: Any = model
    for part in loc:
        if isinstance(part, int):
            current = (*get_args(current), None)[0]
        elif isinstance(current, type) and issubclass(current, BaseModel) and part in current.model_fields:
            current = current.model_fields[part].annotation
        else:
            return None
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _unknown_field(name: str, model: type[BaseModel] | None) -> str:
    fields = list(model.model_fields) if model else []
    close = difflib.get_close_matches(name.lower(), fields, n=1)
    if close:
        return f'unknown field "{_shortened(name)}"; did you mean "{close[0]}"?'
    return f'unknown field "{_shortened(name)}"; the fields here are {", ".join(fields) or "fixed"}'


def _sentence(finding: ErrorDetails) -> str:
    kind, seen, limits = finding["type"], found(finding["input"]), finding.get("ctx", {})
    if finding["input"] is None:
        return "is empty; write something or remove it"
    match kind:
        case "missing":
            return "is missing; add it"
        case "string_type":
            return f"must be text, found {seen}; put it in quotes"
        case "string_unicode":
            return "holds characters that are not text; type it again"
        case "string_too_short":
            return "is empty; write something or remove it"
        case "tuple_type":
            return f"must be a list, found {seen}; write each entry on its own line after a dash"
        case "model_type" | "model_attributes_type" | "dataclass_type":
            return f"must be a mapping of fields, found {seen}; write `field: value` lines"
        case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
            return f"must be a whole number, found {seen}; write it in digits"
        case "float_type" | "float_parsing":
            return f"must be a number, found {seen}; write it in digits, with a point for decimals"
        case "greater_than":
            return f"must be more than {limits['gt']}, found {seen}; write a larger number"
        case "greater_than_equal":
            return f"must be at least {limits['ge']}, found {seen}; write a larger number"
        case "less_than_equal":
            return f"must be at most {limits['le']}, found {seen}; write a smaller number"
    # Rare kinds: pydantic's own words are a complete statement.
    message = finding["msg"].removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}, found {seen}"
