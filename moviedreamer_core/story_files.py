"""Reading and writing story files: YAML, JSON, CSV; plain text and Fountain are read through prose.py.

A file is taken as hostile or broken until parsed: it has a size limit, YAML aliases are refused (a few
lines of them can stand for gigabytes), and no tag can make a Python object.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from moviedreamer_core.atomic import write_text
from moviedreamer_core.errors import OutputError, StoryError
from moviedreamer_core.fountain import story_from_fountain
from moviedreamer_core.prose import story_from_text, title_of
from moviedreamer_core.script import Character, KeyframeScript, Story, parse_story

MAX_BYTES = 2 * 2**20
MAX_YAML_DEPTH = 50  # the loader recurses in C; a story nests 6 deep
READ_SUFFIXES = (".yaml", ".yml", ".json", ".csv", ".txt", ".fountain")
WRITE_SUFFIXES = (".yaml", ".yml", ".json", ".csv")
CSV_COLUMNS = ("plot", "scene_elements", "characters", "seconds", "seed")


def read_story(path: Path, *, cast: Sequence[Character] = ()) -> Story:
    """The story in `path`, by its suffix (READ_SUFFIXES).

    CSV, text and Fountain say nothing about looks, so `cast` may give their characters; without it the names
    found in the file become the cast. Raises StoryError: the file's name, where, what was found, what to do.
    """
    suffix = path.suffix.lower()
    if suffix not in READ_SUFFIXES:
        raise StoryError(
            f"{path.name}: a story is a file that ends in {', '.join(READ_SUFFIXES)}, "
            f"found {suffix or 'no ending'}; save it as one of these"
        )
    text = _read_text(path)
    match suffix:
        case ".yaml" | ".yml":
            return parse_story(_parse_yaml(text, source=path.name), source=path.name)
        case ".json":
            return parse_story(_parse_json(text, source=path.name), source=path.name)
        case ".csv":
            return _story_from_csv(text, cast, source=path.name)
        case ".txt":
            return story_from_text(text, cast, source=path.name)
    return story_from_fountain(text, cast, source=path.name)


def write_story(story: Story, path: Path) -> None:
    """Write `story` to `path` by its suffix (WRITE_SUFFIXES), replacing the file in one step.

    YAML and JSON lose nothing; CSV holds the keyframes and the names in them only. Raises OutputError.
    """
    match path.suffix.lower():
        case ".yaml" | ".yml":
            write_text(path, _to_yaml(story))
        case ".json":
            write_text(path, json.dumps(_to_mapping(story), indent=2, ensure_ascii=False) + "\n")
        case ".csv":
            write_text(path, _to_csv(story))
        case suffix:
            raise OutputError(
                f"cannot write {path}: a story is written as {', '.join(WRITE_SUFFIXES)}, "
                f"not as {suffix or 'a file without ending'}; change the ending"
            )


def _read_text(path: Path) -> str:
    try:
        if not path.is_file():
            kind = "this is a folder" if path.is_dir() else f"there is no such story at {path}"
            raise StoryError(f"{path.name}: {kind}; correct the path")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise StoryError(f"{path.name!a}: cannot be read ({reason}); check the file") from error
    if len(data) > MAX_BYTES:
        raise StoryError(f"{path.name}: larger than {MAX_BYTES // 2**20} MB; a story is text, give one")
    if b"\0" in data or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise StoryError(f"{path.name}: this is not UTF-8 text but binary or UTF-16; save it as UTF-8 text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise StoryError(f"{path.name}: line {line} is not UTF-8; save the file as UTF-8 text") from None
    if not text.strip():
        raise StoryError(f"{path.name}: the file is empty; write a story or start from an example")
    return text


# --- JSON --------------------------------------------------------------------------------------------


def _parse_json(text: str, *, source: str) -> object:
    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise StoryError(f'{source}: field "{twice}" is given twice in one place; remove one')
        return mapping

    try:
        return json.loads(text, object_pairs_hook=without_repeats)
    except json.JSONDecodeError as error:
        raise StoryError(
            f"{source}: line {error.lineno}: not valid JSON ({error.msg.lower()}); correct that line"
        ) from None
    except (RecursionError, ValueError) as error:  # nesting, or a number of thousands of digits
        _refuse_structure(source, error)


def _refuse_structure(source: str, error: Exception) -> NoReturn:
    reason = "nested too deep" if isinstance(error, RecursionError) else str(error).partition(";")[0]
    raise StoryError(f"{source}: a value cannot be read ({reason}); compare with an example story") from None


def _to_mapping(story: Story) -> dict[str, Any]:
    """`title` always, the other fields where they differ from their defaults."""
    return {"title": story.title, **story.model_dump(mode="json", exclude_defaults=True)}


# --- YAML --------------------------------------------------------------------------------------------

_FastLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where the wheel has it


class _StoryLoader(_FastLoader):
    """The safe loader, which also refuses to let a repeated key win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f'field "{key.value}" is given twice in one place'
                    raise _RefusedError(problem, key.start_mark)
                seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


class _StoryDumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True  # the reader refuses them

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # indents the dashes, as people write them

    def represent_text(self, text: str) -> yaml.ScalarNode:
        # Other styles turn the rarer line breaks of Unicode into plain ones.
        style = '"' if len(text.splitlines()) > 1 else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_StoryDumper.add_representer(str, _StoryDumper.represent_text)


class _RefusedError(yaml.YAMLError):
    """Valid YAML that a story may not hold: what, and at which line (1-based)."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem)
        self.line = mark.line + 1


def _parse_yaml(text: str, *, source: str) -> object:
    try:
        _refuse_aliases_and_depth(text)
        return yaml.load(text, Loader=_StoryLoader)
    except _RefusedError as error:
        raise StoryError(f"{source}: line {error.line}: {error}; correct that line") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise StoryError(f"{source}: {where}not valid YAML ({error.problem}); correct that line") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise StoryError(f"{source}: line {line}: a character that YAML forbids; delete it") from None
    except (RecursionError, ValueError, yaml.YAMLError) as error:  # ValueError: the date 2024-13-45
        _refuse_structure(source, error)


def _refuse_aliases_and_depth(text: str) -> None:
    """Raise _RefusedError before anything is built: events cost memory in step with the file's size only."""
    depth = 0
    for event in yaml.parse(text, Loader=_FastLoader):
        if isinstance(event, yaml.AliasEvent):
            problem = f"the alias *{event.anchor} is not allowed, write its text out"
            raise _RefusedError(problem, event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_YAML_DEPTH:
            raise _RefusedError("nested too deep for a story", event.start_mark)


def _to_yaml(story: Story) -> str:
    return yaml.dump(
        _to_mapping(story), Dumper=_StoryDumper, sort_keys=False, allow_unicode=True, width=110
    )  # fmt: skip


# --- CSV ---------------------------------------------------------------------------------------------

_SPECIAL = re.compile(r"[\\:;|]")
_ESCAPED = re.compile(r"\\([\\:;|])")


def _story_from_csv(text: str, cast: Sequence[Character], *, source: str) -> Story:
    keyframes = [_keyframe_from_row(row) for row in _csv_rows(text, source=source)]
    if not cast:
        names = dict.fromkeys(
            character["name"] for keyframe in keyframes for character in keyframe.get("characters", ())
        )
        cast = [Character(name=name) for name in names if name.strip()]
    members = [character.model_dump(mode="json") for character in cast]
    title = title_of(Path(source).stem)
    return parse_story({"title": title, "characters": members, "keyframes": keyframes}, source=source)


def _csv_rows(text: str, *, source: str) -> list[dict[str, str]]:
    """The rows that hold anything; spreadsheets of some countries separate cells by `;`."""
    header = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text.lstrip(), newline=""), delimiter=delimiter, strict=True)
    rows: list[dict[str, str]] = []
    try:
        reader.fieldnames = [name.strip().lower().replace(" ", "_") for name in reader.fieldnames or ()]
        repeated = {name for name in reader.fieldnames if reader.fieldnames.count(name) > 1}
        if "plot" not in reader.fieldnames or repeated:
            problem = f"repeats the column {min(repeated)}" if repeated else "has no column plot"
            raise StoryError(f"{source}: the first row {problem}; the columns are {', '.join(CSV_COLUMNS)}")
        for row in reader:
            if None in row:
                raise StoryError(
                    f"{source}: line {reader.line_num}: more cells than columns; "
                    "put text that holds the separator in double quotes"
                )
            filled = {column: cell for column, cell in row.items() if cell and cell.strip()}
            if filled:
                rows.append(filled)
    except csv.Error as error:
        raise StoryError(
            f"{source}: near line {reader.line_num + 1}: not valid CSV ({error}); correct it"
        ) from None
    return rows


def _keyframe_from_row(row: dict[str, str]) -> dict[str, Any]:
    keyframe: dict[str, Any] = {"plot": "", **row}
    if "scene_elements" in row:
        keyframe["scene_elements"] = [_un_escaped(part) for part in _split(row["scene_elements"], "|")]
    if "characters" in row:
        keyframe["characters"] = [_character_from_cell(part) for part in _split(row["characters"], ";")]
    return keyframe


def _character_from_cell(part: str) -> dict[str, str]:
    name, *description = _split(part, ":", at_most=1)
    return {"name": _un_escaped(name), "description": _un_escaped(description[0]) if description else ""}


def _split(cell: str, separator: str, *, at_most: int = 0) -> list[str]:
    """Parts of `cell` between separators that no backslash escapes; empty parts are left out."""
    parts = re.split(rf"(?<!\\)((?:\\\\)*){re.escape(separator)}", cell, maxsplit=at_most)
    # Splitting on a pattern with a group returns the group too: the backslash pairs before a separator.
    joined = [text + pairs for text, pairs in zip(parts[::2], [*parts[1::2], ""], strict=True)]
    return [part.strip() for part in joined if part.strip()]


def _un_escaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text).strip()


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _to_csv(story: Story) -> str:
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, CSV_COLUMNS)
    writer.writeheader()
    writer.writerows(_row_of(keyframe) for keyframe in story.keyframes)
    return table.getvalue()


def _row_of(keyframe: KeyframeScript) -> dict[str, Any]:
    people = [
        _escaped(person.name) + (f": {_escaped(person.description)}" if person.description else "")
        for person in keyframe.characters
    ]
    return {
        "plot": keyframe.plot,
        "scene_elements": " | ".join(_escaped(element) for element in keyframe.scene_elements),
        "characters": "; ".join(people),
        "seconds": keyframe.seconds,
        "seed": keyframe.seed,
    }
