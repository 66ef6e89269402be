"""What a run leaves on disk: enough per keyframe to draw it again byte for byte on the same machine.

    DIR/storyboard.json               the story, and a record per keyframe
    DIR/keyframes/0001.png            the image, with its recipe in the PNG metadata
    DIR/tokens/0001.safetensors       tensor "visual_tokens", [T, D]
    DIR/clips/0001.mp4  DIR/movie.mp4

T visual tokens of a keyframe, D token channels.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import safetensors
import safetensors.torch
import torch
from jaxtyping import Float
from PIL import Image, PngImagePlugin
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import Tensor

from moviedreamer_core.atomic import make_folder, write_bytes, write_json
from moviedreamer_core.errors import ImageError, StoryError
from moviedreamer_core.script import Seed, Story
from moviedreamer_core.validation import explain

VERSION = 1  # of storyboard.json and of the recipe; raise it when a reader would misunderstand
STORYBOARD_FILE, MOVIE_FILE = "storyboard.json", "movie.mp4"
RECIPE_KEY = "moviedreamer"  # keyword of the PNG text chunk
TOKENS_KEY = "visual_tokens"
MAX_RECIPE_FILE_BYTES = 64 * 2**20


def keyframe_file(number: int) -> str:
    """Where the image of keyframe `number` (1-based) lies, relative to the run's folder."""
    return f"keyframes/{number:04}.png"


def tokens_file(number: int) -> str:
    """Where the visual tokens of keyframe `number` (1-based) lie, relative to the run's folder."""
    return f"tokens/{number:04}.safetensors"


def clip_file(number: int) -> str:
    """Where the clip of keyframe `number` (1-based) lies, relative to the run's folder."""
    return f"clips/{number:04}.mp4"


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """How a keyframe is drawn. `temperature` scales the planner's mixture: 0 faithful, above 1 surprising."""

    steps: int
    guidance_scale: float
    width: int  # pixels
    height: int  # pixels
    temperature: float = 1.0
    preview: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "width", "height"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("guidance_scale", "temperature"):
            if not 0 <= getattr(self, name) <= 100:
                raise ValueError(f"{name} must be between 0 and 100, got {getattr(self, name)}")


def _inside_the_folder(path: str) -> str:
    """A storyboard from somebody else must not name files of this machine."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path or ":" in path:
        raise ValueError("must be a path inside the storyboard's folder")
    return path


RelativeFile = Annotated[str, Field(min_length=1), AfterValidator(_inside_the_folder)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyframeRecord(_Frozen):
    """One drawn keyframe. Files are relative to the run's folder, with forward slashes."""

    number: int = Field(ge=1)
    plot: str
    seed: Seed
    rerolled: bool = False  # a person asked for this picture in place of the story's own
    tokens_file: RelativeFile
    tokens_sha256: str = ""  # of the file; empty in records of earlier releases
    image_file: RelativeFile
    image_sha256: str = ""  # of the PNG file; empty until it is written, since the file holds the recipe
    weights_hash: str
    settings: RenderSettings
    warnings: tuple[str, ...] = ()
    clip_file: RelativeFile | None = None  # none, or outdated by a new image
    clip_steps: int | None = Field(default=None, ge=1)  # that it was sampled in; none in earlier records


class Storyboard(_Frozen):
    """A run: its story, embedded, and the keyframes drawn so far in order of their numbers."""

    version: int = Field(default=VERSION, ge=1, le=VERSION)
    title: str
    story: Story
    weights_hash: str
    keyframes: tuple[KeyframeRecord, ...] = ()

    @model_validator(mode="after")
    def _numbers_rise_within_the_story(self) -> Storyboard:
        numbers = [record.number for record in self.keyframes]
        if numbers != sorted(set(numbers)):
            raise ValueError(f"keyframes must be in rising order without repeats, got {numbers}")
        if numbers and numbers[-1] > len(self.story.keyframes):
            raise ValueError(f"keyframe {numbers[-1]} is drawn, the story has {len(self.story.keyframes)}")
        return self

    def with_keyframe(self, record: KeyframeRecord) -> Storyboard:
        """The storyboard with `record` in place of the one of the same number, or added."""
        others = [old for old in self.keyframes if old.number != record.number]
        keyframes = tuple(sorted([*others, record], key=lambda one: one.number))
        return Storyboard(**{**dict(self), "keyframes": keyframes})


def write_storyboard(storyboard: Storyboard, folder: Path) -> None:
    """Write `folder`/storyboard.json, making the folder if needed. Raises OutputError."""
    make_folder(folder)
    write_json(folder / STORYBOARD_FILE, storyboard.model_dump(mode="json"))


def read_storyboard(folder: Path) -> Storyboard:
    """The storyboard of a run. Raises StoryError if it is missing, damaged, or from a newer version."""
    path = folder / STORYBOARD_FILE
    try:
        mapping = json.loads(path.read_bytes())
        version = mapping.get("version") if isinstance(mapping, dict) else None
        if isinstance(version, int) and version > VERSION:
            raise StoryError(f"{path}: written by a newer release (version {version}); update this one")
        return Storyboard.model_validate(mapping)
    except FileNotFoundError:
        raise StoryError(f"{path}: there is no storyboard here; make one with `storyboard` first") from None
    except OSError as error:
        raise StoryError(f"{path}: cannot be read ({error.strerror}); check the folder") from error
    except ValidationError as error:  # before ValueError, which it is
        raise StoryError(f"{path}: the storyboard is damaged: {explain(error, Storyboard)}") from None
    except (ValueError, RecursionError) as error:
        raise StoryError(f"{path}: the storyboard is damaged ({error}); make it again") from error


def save_tokens(tokens: Float[Tensor, "T D"], path: Path) -> str:
    """Write the visual tokens of one keyframe as safetensors, making its folder; the file's sha256.

    Raises OutputError.
    """
    data = safetensors.torch.save({TOKENS_KEY: tokens.detach().cpu().contiguous()})
    make_folder(path.parent)
    write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def load_tokens(path: Path, *, sha256: str = "") -> Float[Tensor, "T D"]:
    """The visual tokens of one keyframe.

    Raises StoryError if the file is missing or damaged, or if `sha256` is given and is not the file's.
    """
    again = "draw the keyframe again"
    try:
        data = path.read_bytes()
        tokens = safetensors.torch.load(data).get(TOKENS_KEY)
    except FileNotFoundError:
        raise StoryError(f"{path}: the keyframe's visual tokens are missing; {again}") from None
    except OSError as error:
        raise StoryError(f"{path}: cannot be read ({error.strerror}); {again}") from error
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise StoryError(f"{path}: the visual tokens are damaged ({error}); {again}") from error
    if tokens is None or tokens.ndim != 2 or not tokens.is_floating_point():
        shape = "nothing" if tokens is None else f"{tokens.dtype} {list(tokens.shape)}"
        raise StoryError(f"{path}: expected {TOKENS_KEY} of shape [T, D], found {shape}; {again}")
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise StoryError(f"{path}: these are not the visual tokens of the keyframe's picture; {again}")
    if not torch.isfinite(tokens).all():
        raise StoryError(f"{path}: the visual tokens are not finite; {again}")
    return tokens


def recipe_of(record: KeyframeRecord, storyboard: Storyboard) -> dict[str, Any]:
    """What `record` was drawn from, as JSON values; the whole story, as earlier keyframes shape it.

    An earlier shot that was drawn again with a seed of its own shapes it too; the run's storyboard.json knows that.
    """
    return {
        "version": VERSION,
        "keyframe": record.number,
        "plot": record.plot,
        "seed": record.seed,
        "weights_hash": record.weights_hash,
        "settings": record.model_dump(mode="json")["settings"],
        "story": storyboard.story.model_dump(mode="json"),
    }


def save_keyframe(image: Image.Image, path: Path, recipe: dict[str, Any]) -> str:
    """Write `image` as PNG with `recipe` in its metadata and return the file's sha256.

    The bytes follow from the pixels and the recipe alone. Raises OutputError.
    """
    pixels = image.convert("RGB")
    bare = Image.frombytes("RGB", pixels.size, pixels.tobytes())  # profile, EXIF and dates stay behind
    text = PngImagePlugin.PngInfo()
    text.add_text(RECIPE_KEY, json.dumps(recipe, sort_keys=True))  # ASCII: a tEXt chunk holds Latin-1 only
    buffer = io.BytesIO()
    bare.save(buffer, format="PNG", pnginfo=text, compress_level=6)
    make_folder(path.parent)
    write_bytes(path, buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def read_recipe(path: Path) -> dict[str, Any]:
    """The recipe in a keyframe's PNG. Raises ImageError if the file has none that can be read."""
    try:
        if path.stat().st_size > MAX_RECIPE_FILE_BYTES:
            raise ImageError(f"{path.name}: too large for a keyframe; choose a PNG made here")
        with Image.open(path, formats=("PNG",)) as image:
            text = image.info.get(RECIPE_KEY)
    except FileNotFoundError:
        raise ImageError(f"{path.name}: there is no such image at {path}; correct the path") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path.name}: not a readable PNG; choose a keyframe made here") from error
    if not isinstance(text, str):
        raise ImageError(f"{path.name}: the image carries no recipe; choose a keyframe made here, unedited")
    try:
        recipe = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ImageError(f"{path.name}: the recipe is damaged; choose an unedited copy") from error
    if not isinstance(recipe, dict):
        raise ImageError(f"{path.name}: the recipe is damaged; choose an unedited copy")
    return recipe


def missing_clips(storyboard: Storyboard, folder: Path, *, steps: int) -> list[int]:
    """The numbers of the drawn keyframes without a clip, or whose clip is outdated, gone, or of fewer `steps`."""
    return [
        record.number
        for record in storyboard.keyframes
        if record.clip_file is None
        or (record.clip_steps is not None and record.clip_steps < steps)
        or not (folder / record.clip_file).is_file()
    ]
