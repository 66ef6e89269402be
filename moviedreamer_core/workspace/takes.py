"""Takes and clips of one story: what is kept of each, and where its files lie.

V visual tokens per keyframe, D token channels.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import safetensors

from moviedreamer_core.atomic import replacing
from moviedreamer_core.errors import ImageError, StoryError
from moviedreamer_core.images import center_crop_resize, read_image
from moviedreamer_core.workspace.durable import FolderLock, sync_folder, told
from moviedreamer_core.workspace.layout import CLIP_FILE, CLIPS, IMAGE_FILE, TAKES
from moviedreamer_core.workspace.pictures import stored_form
from moviedreamer_core.workspace.recipes import ClipRecipe, TakeRecipe
from moviedreamer_core.workspace.shelf import Kept, Shelf

TOKENS_KEY = "visual_tokens"  # as storyboard.py writes them; that module needs torch, this one must not
MAX_TOKENS_BYTES = 4 * 2**20
_FLOATS = ("F64", "F32", "F16", "BF16")

Take = Kept[TakeRecipe]
Clip = Kept[ClipRecipe]


def tokens_name(weights_hash: str) -> str:
    """The file in a take's folder that holds its visual tokens in the space of these weights."""
    return f"tokens-{weights_hash[:16]}.safetensors"


def image_path(take: Take) -> Path:
    return take.folder / IMAGE_FILE


def image_sha256(take: Take) -> str:
    """Of the image's file."""
    return take.files[IMAGE_FILE].sha256


def clip_path(clip: Clip) -> Path:
    return clip.folder / CLIP_FILE


def tokens_path(take: Take, weights_hash: str) -> Path | None:
    """Where the take's visual tokens for these weights lie; None until they are encoded."""
    path = take.folder / tokens_name(weights_hash)
    return path if path.is_file() else None


def content_sha256(take: Take) -> str:
    """What later keyframes see of a take: equal for equal visual tokens.

    Those that its own weights made; the image of an uploaded one, which any weights can encode.
    """
    if take.recipe.weights_hash is not None:
        tokens = take.files.get(tokens_name(take.recipe.weights_hash))
        if tokens is not None:
            return tokens.sha256
    return image_sha256(take)


class Takes(Shelf[TakeRecipe]):
    """Every take of every keyframe, and the test renders of the cast."""

    def __init__(self, story: Path, lock: FolderLock) -> None:
        super().__init__(story, TAKES, lock, recipe=TakeRecipe, required=(IMAGE_FILE,))

    def upload(
        self, owner: str, source: Path, recipe: TakeRecipe, *, size: tuple[int, int] | None = None
    ) -> Take:
        """Keep the picture in `source` as a take, cropped and resized to `size` (width, height) in pixels.

        It has no visual tokens until a worker encodes it: see `add_tokens`. Raises ImageError naming the file,
        StoryGoneError, OutputError.
        """
        image = read_image(source)
        data = stored_form(center_crop_resize(image, size) if size else image)
        recipe = TakeRecipe.model_validate({
            **dict(recipe), "origin": "uploaded", "seed": None, "weights_hash": None, "settings": {},
        })  # fmt: skip
        with self.stage(owner) as staged:
            with told("keep the picture"):
                (staged.folder / IMAGE_FILE).write_bytes(data)
            return staged.commit(recipe)

    def add_tokens(self, take: Take, weights_hash: str, source: Path) -> Path:
        """Keep the safetensors file `source` as the take's visual tokens for these weights; the path it has then.

        Tokens that are there already stay. Raises StoryError for a file that holds no visual tokens, or if the
        take is gone, OutputError.
        """
        check_tokens(source)
        path = take.folder / tokens_name(weights_hash)
        with self._lock.held(), told("keep the visual tokens"):
            if not take.folder.is_dir():
                raise StoryError("this take is no longer there; reload the page")
            if not path.is_file():
                with replacing(path) as temporary:
                    shutil.copyfile(source, temporary)
                sync_folder(take.folder)
        return path


class Clips(Shelf[ClipRecipe]):
    """Every clip of every row."""

    def __init__(self, story: Path, lock: FolderLock) -> None:
        super().__init__(story, CLIPS, lock, recipe=ClipRecipe, required=(CLIP_FILE,))


def check_tokens(path: Path) -> None:
    """Raise StoryError unless `path` holds visual tokens, [V, D]; from the header, values are not looked at."""
    try:
        if path.stat().st_size > MAX_TOKENS_BYTES:
            raise StoryError(f"{path.name}: too large for visual tokens; draw the keyframe again")
        with safetensors.safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            tensor = file.get_slice(TOKENS_KEY) if names == [TOKENS_KEY] else None
            found = "" if tensor is None else f"{tensor.get_dtype()} {list(tensor.get_shape())}"
            is_right = tensor is not None and tensor.get_dtype() in _FLOATS and len(tensor.get_shape()) == 2
    except OSError as error:
        raise StoryError(
            f"{path.name}: cannot be read ({error.strerror}); draw the keyframe again"
        ) from error
    except (safetensors.SafetensorError, ValueError) as error:
        raise StoryError(f"{path.name}: the visual tokens are damaged; draw the keyframe again") from error
    if not is_right:
        raise StoryError(
            f"{path.name}: expected {TOKENS_KEY} of shape [V, D], found {found or names[:3]}; "
            "draw the keyframe again"
        )


def check_image(path: Path, *, max_pixels: int) -> None:
    """Raise ImageError unless `path` is a whole PNG of at most `max_pixels`."""
    with path.open("rb") as file:
        if file.read(8) != b"\x89PNG\r\n\x1a\n":
            raise ImageError(f"{path.name}: this is not a PNG; draw the keyframe again")
    read_image(path, min_px=1, max_pixels=max_pixels)


def check_clip(path: Path) -> None:
    """Raise StoryError unless `path` looks like an MP4; decoding it tells the rest."""
    with path.open("rb") as file:
        if file.read(12)[4:8] != b"ftyp":
            raise StoryError(f"{path.name}: this is not an MP4; make the clip again")
