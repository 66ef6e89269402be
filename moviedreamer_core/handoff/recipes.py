"""Recipes: what a picture, a clip or a movie was made from, carried inside the file itself.

A recipe is a JSON object in an iTXt chunk of a PNG (keyword `moviedreamer`) or in the comment of an MP4. Files
come from anywhere, so that reading has limits on bytes, depth and the number of parts, and runs nothing.
Format 1, which `storyboard.py` and `director.py` write, is read too: there a keyframe's recipe has the whole
story, and a movie's only its title and the weights' hash.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff.carriers import CarrierError, mp4_comment, png_text
from moviedreamer_core.handoff.cut import Cut
from moviedreamer_core.script import Character, KeyframeScript, Seed, Story
from moviedreamer_core.validation import explain, found

FORMAT, VERSION = "moviedreamer", 2
PNG_KEYWORD = "moviedreamer"  # the same in storyboard.py
MAX_RECIPE_BYTES = 2 * 2**20  # a story file may be as large
MAX_DEPTH = 12  # a recipe nests 7 deep: recipe, story, keyframes, keyframe, characters, ...

Setting = str | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None
Hash = Annotated[str, Field(max_length=128)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["moviedreamer"] = "moviedreamer"
    version: Literal[2] = 2


class ShotRecipe(_Frozen):
    """Of one keyframe or clip: its row of the script, who is in it, and how it was drawn.

    `number` and `take` count from 1. `story` is the whole story where it is known: earlier keyframes shape
    later ones.
    """

    kind: Literal["keyframe", "clip"] = "keyframe"
    number: int = Field(ge=1)
    seed: Seed
    take: int = Field(default=1, ge=1)
    script: KeyframeScript
    cast: tuple[Character, ...] = ()
    weights_hash: Hash = ""
    settings: dict[str, Setting] = Field(default_factory=dict, max_length=64)
    story: Story | None = None


class ShotOrigin(BaseModel):
    """One shot of a movie: enough to find its take again, or to draw it again from the movie's story."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    number: int = Field(ge=1)
    seed: Seed
    take: int = Field(ge=1)
    seconds: float = Field(gt=0, le=3600)
    weights_hash: Hash = ""


class MovieRecipe(_Frozen):
    """Of a whole movie, or of a sheet that shows all of it."""

    kind: Literal["movie"] = "movie"
    title: str
    frames_per_second: int | None = Field(default=None, ge=1)
    crossfades: tuple[float, ...] = ()
    weights_hash: Hash = ""
    shots: tuple[ShotOrigin, ...] = ()
    story: Story | None = None


Recipe = ShotRecipe | MovieRecipe
_MODELS: dict[object, type[ShotRecipe] | type[MovieRecipe]] = {
    "keyframe": ShotRecipe,
    "clip": ShotRecipe,
    "movie": MovieRecipe,
}


def movie_recipe(cut: Cut, story: Story | None = None) -> MovieRecipe:
    """The recipe of a movie that is cut like this, from `story`."""
    hashes = dict.fromkeys(shot.weights_hash for shot in cut.shots)
    return MovieRecipe(
        title=cut.title,
        frames_per_second=cut.frames_per_second,
        crossfades=cut.crossfades,
        weights_hash=next(iter(hashes)) if len(hashes) == 1 else "",
        shots=tuple(
            ShotOrigin(
                id=shot.id,
                number=shot.number,
                seed=shot.seed,
                take=shot.take,
                seconds=float(shot.seconds),
                weights_hash=shot.weights_hash,
            )
            for shot in cut.shots
        ),
        story=story,
    )


def to_json(recipe: Recipe) -> str:
    """`recipe` in ASCII, keys sorted; without the story if it is too long with it.

    Raises InputError if it is too long even so.
    """
    text = json.dumps(recipe.model_dump(mode="json"), sort_keys=True)
    if len(text) > MAX_RECIPE_BYTES:
        text = json.dumps(recipe.model_copy(update={"story": None}).model_dump(mode="json"), sort_keys=True)
    if len(text) > MAX_RECIPE_BYTES:
        raise InputError(
            f"the recipe has {len(text) / 2**20:.1f} MB, the limit is {MAX_RECIPE_BYTES // 2**20} MB; "
            "shorten the texts of this keyframe or export the movie in parts"
        )
    return text


def recipe_of(path: Path) -> Recipe:
    """The recipe that the PNG or MP4 at `path` carries.

    Raises InputError, naming the file: it is missing, of another kind, damaged, carries no recipe, or one that
    is damaged or from a newer release.
    """
    source = path.name
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{source}: this is not a plain file; choose a PNG or an MP4")
        with path.open("rb") as file:
            start = file.read(12)
            if start.startswith(b"\x89PNG\r\n\x1a\n"):
                text = png_text(file, PNG_KEYWORD, max_bytes=MAX_RECIPE_BYTES)
            elif start[4:8] == b"ftyp":
                text = mp4_comment(file, max_bytes=MAX_RECIPE_BYTES)
            else:
                raise InputError(
                    f"{source}: only PNG and MP4 files carry a recipe, this is neither; "
                    "choose the file as it was exported"
                )
    except FileNotFoundError:
        raise InputError(f"{source}: there is no such file at {path}; correct the path") from None
    except CarrierError as error:
        raise InputError(f"{source}: {error}; choose an unedited copy") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{source!a}: cannot be read ({reason}); check the file") from None
    if text is None:
        raise _not_ours(source)
    return parse_recipe(text, source=source)


def parse_recipe(text: str, *, source: str) -> Recipe:
    """The recipe in `text`, which is JSON of format 1 or 2. Raises InputError, naming `source`."""
    try:
        mapping = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        if '"weights_hash"' in text or f'"{FORMAT}"' in text:
            raise InputError(f"{source}: the recipe is damaged (not JSON); choose an unedited copy") from None
        raise _not_ours(source) from None  # a comment that somebody else wrote
    if not isinstance(mapping, dict) or not _is_ours(mapping):
        raise _not_ours(source)
    if _is_deeper(mapping, MAX_DEPTH):
        raise InputError(f"{source}: the recipe is nested too deep; choose an unedited copy")
    version = mapping.get("version", 1)
    if isinstance(version, int) and version > VERSION:
        raise InputError(
            f"{source}: the recipe was written by a newer release (format {min(version, 10**6)}, this one reads "
            f"up to {VERSION}); update this one"
        )
    if version != VERSION:
        mapping = _from_format_1(mapping)
    kind = mapping.get("kind")
    model = _MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise InputError(
            f"{source}: the recipe is of no known kind, found {found(kind)}; choose an unedited copy"
        )
    try:
        return model.model_validate(mapping)
    except ValidationError as error:
        raise InputError(f"{source}: the recipe is damaged: {explain(error, model)}") from None


def _not_ours(source: str) -> InputError:
    return InputError(
        f"{source}: the file carries no recipe; choose one that was made here and not edited since"
    )


def _is_ours(mapping: dict[str, Any]) -> bool:
    return mapping.get("format") == FORMAT or ("format" not in mapping and "weights_hash" in mapping)


def _from_format_1(mapping: dict[str, Any]) -> dict[str, Any]:
    """Format 1: a movie is {title, weights_hash}; a keyframe has its number and the story."""
    if "keyframe" not in mapping:
        return {"kind": "movie", **{key: mapping[key] for key in ("title", "weights_hash") if key in mapping}}
    story, number = mapping.get("story"), mapping["keyframe"]
    rows = story.get("keyframes") if isinstance(story, dict) else None
    is_there = isinstance(rows, list) and isinstance(number, int) and 1 <= number <= len(rows)
    return {
        "kind": "keyframe",
        "number": number,
        "seed": mapping.get("seed"),
        "script": rows[number - 1] if is_there and rows else {"plot": mapping.get("plot")},
        "cast": story.get("characters") or () if isinstance(story, dict) else (),
        "weights_hash": mapping.get("weights_hash"),
        "settings": mapping.get("settings") or {},
        "story": story,
    }


def _is_deeper(value: object, levels: int) -> bool:
    layer: list[object] = [value]
    for _ in range(levels):
        inner = [
            one.values() if isinstance(one, dict) else one for one in layer if isinstance(one, dict | list)
        ]
        layer = [value for values in inner for value in values]
    return any(isinstance(one, dict | list) for one in layer)


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")
