"""The architecture as a test: imports point towards the errors, never towards the app."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "moviedreamer_core"

# From the bottom up. A part may import parts of earlier rows only: not those beside it, not those above.
LAYERS = (
    ("errors",),
    ("validation", "names", "atomic", "images", "screenplay", "precision"),
    ("config",),
    ("script",),
    ("prose", "storyworld"),
    ("fountain",),
    ("story_files", "storyboard", "pictures"),
    ("encoders",),
    ("autoencoder", "autoregressive", "video"),
    ("weights_files",),
    ("pretrained",),
    ("published",),
    ("events", "preparation"),
    ("drawing", "filming", "narration"),
    ("director",),
    ("data", "handoff"),
    ("evaluation",),
    ("training", "workspace"),
    ("commands",),
    ("__main__",),
)
LAYER_OF = {part: number for number, layer in enumerate(LAYERS) for part in layer}
STORYWORLD_MAY_IMPORT = {"errors", "validation", "names", "atomic", "images", "config", "script"}
MODEL_LIBRARIES = {"torch", "torchvision", "diffusers", "transformers", "open_clip", "facenet_pytorch"}


def imported_modules(path: Path, *, at_start: bool = False) -> Iterator[tuple[str, ...]]:
    """Every module that the file imports, anywhere in it or `at_start` only, as its dotted name's parts."""
    package = path.relative_to(ROOT).parent.parts if path.is_relative_to(ROOT) else ()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if at_start else ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = node.module.split(".") if node.module else []
            for alias in node.names:
                yield (*above, *module, alias.name)


def imported_parts(part: str) -> set[str]:
    """The parts of the package that `part`, a module or a folder of them, imports."""
    modules = (module for path in files_of(part) for module in imported_modules(path))
    return {module[1] for module in modules if module[0] == PACKAGE and len(module) > 1} - {part}


def files_of(part: str) -> list[Path]:
    folder = ROOT / PACKAGE / part
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def parts_on_disk() -> list[str]:
    entries = (ROOT / PACKAGE).iterdir()
    found = {path.stem for path in entries if path.suffix == ".py" or any(path.glob("*.py"))}
    return sorted(found - {"__init__"})


@pytest.mark.parametrize("part", parts_on_disk())
def test_every_part_has_its_place(part):
    assert part in LAYER_OF, f"{part}: give it a row in LAYERS"


@pytest.mark.parametrize("part", [part for part in parts_on_disk() if part in LAYER_OF])
def test_imports_point_to_earlier_layers_only(part):
    wrong = {other for other in imported_parts(part) if LAYER_OF.get(other, len(LAYERS)) >= LAYER_OF[part]}
    assert not wrong, f"{part} imports {sorted(wrong)}, which are not below it"


def test_the_storyworld_knows_nothing_but_the_script():
    assert imported_parts("storyworld") <= STORYWORLD_MAY_IMPORT


def test_nothing_imports_the_app():
    files = sorted((ROOT / PACKAGE).rglob("*.py"))
    assert not [path for path in files for module in imported_modules(path) if module[0] == "app"]


def test_the_modules_of_the_app_start_without_model_libraries():
    """The work itself needs them; its worker loads them with the first job, see app/work/studio.py."""
    work = set((ROOT / "app" / "work").glob("*.py")) - {
        ROOT / "app/work/__init__.py",
        ROOT / "app/work/studio.py",
    }
    files = [
        path for path in (*sorted((ROOT / "app").rglob("*.py")), *ROOT.glob("app.py")) if path not in work
    ]
    started = {module[0] for path in files for module in imported_modules(path, at_start=True)}
    assert not started & MODEL_LIBRARIES


def test_an_import_in_the_wrong_direction_is_noticed(tmp_path):
    path = tmp_path / "errors.py"
    path.write_text("def late():\n    from moviedreamer_core.director import Director\n")
    assert list(imported_modules(path)) == [(PACKAGE, "director", "Director")]
    assert LAYER_OF["director"] > LAYER_OF["errors"]
