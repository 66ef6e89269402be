"""Weights on disk: a manifest that vouches for every file, and tensors that must fit their module exactly.

Errors name files relative to the weights folder. Source of the file format: safetensors and huggingface_hub
(one `model.safetensors`, or numbered shards beside an index).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub import save_torch_state_dict
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from moviedreamer_core.atomic import make_folder, write_json
from moviedreamer_core.errors import WeightsError

MANIFEST = "manifest.json"
FORMAT = 1
SHARD_SIZE = "5GB"

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`files` maps paths relative to the weights folder, with forward slashes, to what they must hold."""

    preset: str
    files: Mapping[str, FileRecord]
    trained_with: Mapping[str, str]  # "command", "commit"
    metrics: Mapping[str, Any]

    @property
    def weights_hash(self) -> str:
        """sha256 over the files' names and hashes: equal for equal weights, wherever they lie."""
        lines = (f"{path} {record.sha256}\n" for path, record in sorted(self.files.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def write_manifest(
    folder: Path, *, preset: str, command: str, commit: str, metrics: Mapping[str, Any]
) -> Manifest:
    """Record every file of `folder` as it is now. Raises OutputError if the manifest cannot be written."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    manifest = Manifest(
        preset=preset,
        files={p.relative_to(folder).as_posix(): _record(p) for p in paths if p != folder / MANIFEST},
        trained_with={"command": command, "commit": commit},
        metrics=dict(metrics),
    )
    write_json(folder / MANIFEST, {"format": FORMAT, **asdict(manifest)})
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of `folder`. Raises WeightsError if there is none or it is not one of this format."""
    if not folder.is_dir():
        raise WeightsError(
            f"{folder}: there is no such weights folder; correct the path or fetch the weights"
        )
    values = read_json(folder / MANIFEST, name=MANIFEST)
    if values.get("format") != FORMAT:
        raise WeightsError(
            f"{MANIFEST}: format {values.get('format')!r}, this version reads format {FORMAT}; "
            "use weights of this version"
        )
    try:
        return Manifest(
            preset=values["preset"],
            files={path: FileRecord(**record) for path, record in values["files"].items()},
            trained_with=values["trained_with"],
            metrics=values["metrics"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{MANIFEST}: incomplete ({error}); fetch the weights again") from error


def read_json(path: Path, *, name: str) -> dict[str, Any]:
    """The JSON object in `path`. Raises WeightsError, naming `name`, if there is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"{name}: missing in {path.parent}; fetch the weights again") from error
    except (OSError, ValueError) as error:
        raise WeightsError(f"{name}: not readable as JSON ({error}); fetch the weights again") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{name}: holds no JSON object; fetch the weights again")
    return values


def check_files(folder: Path, manifest: Manifest, paths: Iterable[str]) -> None:
    """Raise WeightsError unless every one of `paths` is what the manifest says."""
    for path in paths:
        expected = manifest.files.get(path)
        if expected is None:
            raise WeightsError(f"{path}: not in the manifest; fetch the weights again")
        if not (folder / path).is_file():
            raise WeightsError(f"{path}: missing in {folder}; fetch the weights again")
        found = _record(folder / path)
        if found.sha256 != expected.sha256:
            raise WeightsError(
                f"{path}: sha256 {found.sha256[:8]}, the manifest says {expected.sha256[:8]}; "
                "delete the file and fetch it again"
            )


def _record(path: Path) -> FileRecord:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRecord(sha256=digest, bytes=path.stat().st_size)


# --- tensors -----------------------------------------------------------------------------------------


def read_tensors(path: Path, *, name: str) -> dict[str, Tensor]:
    """Everything in a safetensors file, on the CPU. Raises WeightsError, naming `name`, if it is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{name}: not a whole safetensors file ({reason}); fetch it again") from error


def save_tensors(tensors: Mapping[str, Tensor], folder: Path, *, stem: str) -> None:
    """Write `<stem>.safetensors` (in shards beyond 5 GB), real numbers as float16.

    Raises ValueError for a value that float16 cannot hold.
    """
    make_folder(folder)
    stored = {}
    for key, tensor in tensors.items():
        tensor = tensor.detach().cpu()
        stored[key] = tensor.to(torch.float16) if tensor.is_floating_point() else tensor
        if not bool(torch.isfinite(stored[key]).all()):
            raise ValueError(f"{key} has values that float16 cannot hold; the training has diverged")
    save_torch_state_dict(
        stored, folder, filename_pattern=f"{stem}{{suffix}}.safetensors", max_shard_size=SHARD_SIZE
    )


def built(
    build: Callable[[], Module], tensors: Mapping[str, Tensor], *, name: str, dtype: torch.dtype
) -> Module:
    """The module that `build` makes, with `tensors` for weights, in evaluation mode.

    It is made on the meta device, so that nothing is initialised only to be overwritten. Raises WeightsError,
    naming `name` and the first tensor, unless the names and shapes are exactly the module's.
    """
    with torch.device("meta"):
        module = build()
    check_tensors(module, tensors, name=name)
    weights = {key: value.to(dtype) if value.is_floating_point() else value for key, value in tensors.items()}
    module.load_state_dict(weights, assign=True)
    return module.eval()


def check_tensors(module: nn.Module, tensors: Mapping[str, Tensor], *, name: str) -> None:
    """Raise WeightsError, naming `name` and the first tensor, unless `tensors` fit `module` exactly."""
    expected = module.state_dict()
    for key in sorted(set(expected) - set(tensors)):
        raise WeightsError(f"{name}: tensor {key} is missing; use weights of this version")
    for key in sorted(set(tensors) - set(expected)):
        raise WeightsError(f"{name}: tensor {key} is unknown; use weights of this version")
    for key, tensor in tensors.items():
        if tensor.shape != expected[key].shape:
            raise WeightsError(
                f"{name}: tensor {key} is {list(tensor.shape)}, its place is {list(expected[key].shape)}; "
                "use weights of these sizes"
            )
