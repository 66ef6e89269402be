"""One weights folder: its parts, loaded when a job needs them and kept until memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from moviedreamer_core.config import ModelConfig, from_dict
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.preparation import Preparation
from moviedreamer_core.pretrained import CONFIG, PARTS, Models, load_models
from moviedreamer_core.weights_files import check_files, read_json, read_manifest

MAX_ENCODED_ROWS = 2_000
_NAMES = {
    "text": "text encoder", "face": "face encoder", "vision": "vision encoder", "autoregressive": "planner",
    "video": "video model",
}  # fmt: skip


class Weights:
    """`folder` as it is at the moment: weights that are trained on meanwhile are noticed at the next job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.encoded = Encoded()
        self._preparation: Preparation | None = None

    def check(self, asked: str = "") -> str:
        """The hash of the weights. Raises WeightsError if a job was `asked` of others, or they cannot be read."""
        found = read_manifest(self.folder).weights_hash
        if asked and asked != found:
            raise WeightsError(
                f"this was asked of weights {asked[:8]}, the studio has {found[:8]} now; reload the page and ask again"
            )
        if self._preparation is not None and self._preparation.models.weights_hash != found:
            self.release()
        return found

    @property
    def hash(self) -> str:
        """Of what is loaded, and before that, of what the folder holds. Raises WeightsError."""
        return self._preparation.models.weights_hash if self._preparation else self.check()

    def config(self) -> ModelConfig:
        """The sizes of the models, without loading them. Raises WeightsError."""
        if self._preparation is not None:
            return self._preparation.models.config
        check_files(self.folder, read_manifest(self.folder), [CONFIG])
        return from_dict(ModelConfig, read_json(self.folder / CONFIG, name=CONFIG))

    def load(self, parts: Iterable[str]) -> Preparation:
        """The models with at least these parts, and what encodes stories with them. Raises WeightsError."""
        loaded = self._preparation.models if self._preparation else None
        missing = frozenset(self.missing(parts))
        if missing or loaded is None:
            models = _joined(loaded, load_models(self.folder, device=_device(), parts=missing))
            if self._preparation is None:
                self._preparation = Preparation(models)
            else:
                self._preparation.models = models
        assert self._preparation is not None
        return self._preparation

    def missing(self, parts: Iterable[str]) -> tuple[str, ...]:
        """Those of `parts` that are not loaded, in the order of their names."""
        loaded = self._preparation.models if self._preparation else None
        return tuple(sorted(part for part in set(parts) if loaded is None or not _has(loaded, part)))

    def loading(self, parts: Iterable[str]) -> Iterator[str]:
        """Load what is missing of `parts`, one by one; says before each what will be loaded. Raises WeightsError."""
        for part in self.missing(parts):
            yield f"loading the {_NAMES.get(part, part)}"
            self.load({part})

    def release(self) -> None:
        """Forget everything that was loaded."""
        self._preparation = None
        self.encoded = Encoded()


class Encoded:
    """What the encoders said already: rows of scripts and sets of references, by all that they follow from.

    A keyframe is planned after all before it, so that without this every row would be encoded for every later one.
    """

    def __init__(self) -> None:
        self._rows: dict[str, EncodedKeyframe] = {}
        self._references: dict[tuple[str, ...], Tensor] = {}

    def row(self, key: str) -> EncodedKeyframe | None:
        return self._rows.get(key)

    def keep_row(self, key: str, encoded: EncodedKeyframe) -> None:
        if len(self._rows) >= MAX_ENCODED_ROWS:
            self._rows.clear()
        self._rows[key] = encoded

    def references(self, paths: tuple[str, ...], encode: Callable[[], Tensor]) -> Tensor:
        """The visual tokens of these pictures, from `encode` the first time."""
        if paths not in self._references:
            self._references = {paths: encode()}
        return self._references[paths]


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _has(models: Models, part: str) -> bool:
    return all(component in models.components for component in PARTS[part])


def _joined(old: Models | None, new: Models) -> Models:
    """Both; parts that share a component (renderer and video share the VAE) keep the one that is there."""
    if old is None:
        return new
    if old.weights_hash != new.weights_hash:
        raise WeightsError("the weights were replaced while they were read; ask again")
    return Models(
        config=old.config,
        components={**new.components, **old.components},
        tokenizer=old.tokenizer or new.tokenizer,
        weights_hash=old.weights_hash,
    )
