from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin
from safetensors.numpy import load_file, save_file

from moviedreamer_core.errors import ImageError, OutputError, StoryError
from moviedreamer_core.script import KeyframeScript, Story, parse_story
from moviedreamer_core.storyboard import (
    KeyframeRecord,
    RenderSettings,
    Storyboard,
    clip_file,
    keyframe_file,
    load_tokens,
    read_recipe,
    read_storyboard,
    recipe_of,
    save_keyframe,
    save_tokens,
    tokens_file,
    write_storyboard,
)

SETTINGS = RenderSettings(steps=20, guidance_scale=4.5, width=32, height=16)
STORY = Story(
    title="Zoë", seed=3, keyframes=(KeyframeScript(plot="Zoë walks."), KeyframeScript(plot="Rain."))
)


def record_of(number: int = 1, **changes: Any) -> KeyframeRecord:
    fields = {
        "number": number,
        "plot": "Zoë walks.",
        "seed": 2**63 - 1,
        "tokens_file": tokens_file(number),
        "image_file": keyframe_file(number),
        "image_sha256": "ab" * 32,
        "weights_hash": "cd" * 32,
        "settings": SETTINGS,
        "warnings": ("keyframe 1: a warning",),
    }
    return KeyframeRecord(**{**fields, **changes})


def storyboard_of(*records: KeyframeRecord) -> Storyboard:
    return Storyboard(title=STORY.title, story=STORY, weights_hash="cd" * 32, keyframes=records)


def noise_image() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 32, 3), dtype=np.uint8))


# --- values ------------------------------------------------------------------------------------------


def test_files_lie_where_the_design_says() -> None:
    assert keyframe_file(1) == "keyframes/0001.png"
    assert tokens_file(12) == "tokens/0012.safetensors"
    assert clip_file(12345) == "clips/12345.mp4"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"width": -1}, "width must be at least 1, got -1"),
        ({"guidance_scale": -1.0}, "guidance_scale must be between 0 and 100, got -1.0"),
        ({"temperature": float("nan")}, "temperature must be between 0 and 100, got nan"),
    ],
)
def test_settings_refuse_what_cannot_be_drawn(change: dict[str, Any], message: str) -> None:
    fields = {"steps": 20, "guidance_scale": 4.5, "width": 32, "height": 16}
    with pytest.raises(ValueError, match=message):
        RenderSettings(**{**fields, **change})


def test_a_record_replaces_the_one_of_its_number_and_the_order_stays() -> None:
    board = storyboard_of(record_of(2)).with_keyframe(record_of(1)).with_keyframe(record_of(2, seed=5))
    assert [(record.number, record.seed) for record in board.keyframes] == [(1, 2**63 - 1), (2, 5)]


# --- storyboard.json ---------------------------------------------------------------------------------


def test_a_storyboard_is_read_as_it_was_written(tmp_path: Path) -> None:
    board = storyboard_of(record_of(1, clip_file=clip_file(1)), record_of(2))
    write_storyboard(board, tmp_path / "run")
    assert read_storyboard(tmp_path / "run") == board


def test_storyboard_json_names_what_a_keyframe_was_drawn_from(tmp_path: Path) -> None:
    write_storyboard(storyboard_of(record_of(1)), tmp_path)
    (row,) = json.loads((tmp_path / "storyboard.json").read_text("utf-8"))["keyframes"]
    assert row["tokens_file"] == "tokens/0001.safetensors"
    assert row["seed"] == 2**63 - 1
    assert row["settings"] == {
        "steps": 20, "guidance_scale": 4.5, "width": 32, "height": 16, "temperature": 1.0, "preview": False,
    }  # fmt: skip


def damaged(change: dict[str, Any]) -> str:
    mapping = json.loads(storyboard_of(record_of(1)).model_dump_json())
    return json.dumps({**mapping, **change})


def row_with(**changes: Any) -> dict[str, Any]:
    return {"keyframes": [{**json.loads(record_of(1).model_dump_json()), **changes}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the storyboard is damaged (Expecting value"),
        ("{", "the storyboard is damaged (Expecting property name"),
        ("[" * 100_000, "the storyboard is damaged (maximum recursion depth"),
        ("[]", "the storyboard is damaged: must be a mapping of fields, found an empty list"),
        ("{}", "the storyboard is damaged: title: is missing; add it"),
        (damaged({"version": 2}), "written by a newer release (version 2); update this one"),
        (
            damaged({"extra": 2}),
            'the storyboard is damaged: unknown field "extra"; the fields here are version',
        ),
        (
            damaged({"story": {"keyframes": [{"plot": 1}]}}),
            "story: keyframe 1: plot: must be text, found the number",
        ),
        (damaged({"story": {}}), "keyframe 1 is drawn, the story has 0"),
        (
            damaged({"keyframes": row_with()["keyframes"] * 2}),
            "must be in rising order without repeats, got [1, 1]",
        ),
        (
            damaged(row_with(image_file="../../x.png")),
            "keyframe 1: image_file: must be a path inside the story",
        ),
        (
            damaged(row_with(image_file="/x.png")),
            "keyframe 1: image_file: must be a path inside the storyboard's",
        ),
        (
            damaged(row_with(tokens_file="C:\\x")),
            "keyframe 1: tokens_file: must be a path inside the storyboard's",
        ),
        (
            damaged(row_with(settings={"steps": 1})),
            "keyframe 1: settings: guidance_scale: is missing; add it",
        ),
        (
            damaged(row_with(settings={"steps": 0, "guidance_scale": 1, "width": 1, "height": 1})),
            "keyframe 1: settings: steps must be at least 1, got 0",
        ),
    ],
)
def test_a_damaged_storyboard_is_told_in_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "storyboard.json").write_text(content, "utf-8")
    with pytest.raises(StoryError) as caught:
        read_storyboard(tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/storyboard.json: ")
    assert "\n" not in str(caught.value)


def test_a_folder_without_storyboard_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="there is no storyboard here; make one with `storyboard` first"):
        read_storyboard(tmp_path / "none")
    (tmp_path / "storyboard.json").mkdir()
    with pytest.raises(StoryError, match=r"cannot be read \(Is a directory\); check the folder"):
        read_storyboard(tmp_path)


# --- visual tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_tokens_are_loaded_bit_for_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    tokens = torch.randn(2, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    save_tokens(tokens, tmp_path / "tokens" / "0001.safetensors")
    loaded = load_tokens(tmp_path / "tokens" / "0001.safetensors")
    assert loaded.dtype is dtype
    assert torch.equal(loaded, tokens)


def test_tokens_of_a_transposed_view_are_saved_in_their_own_order(tmp_path: Path) -> None:
    view = torch.arange(6.0).reshape(3, 2).T
    save_tokens(view, tmp_path / "a.safetensors")
    np.testing.assert_array_equal(
        load_file(tmp_path / "a.safetensors")["visual_tokens"], [[0, 2, 4], [1, 3, 5]]
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"other": np.zeros((2, 4), np.float32)}, "expected visual_tokens of shape [T, D], found nothing"),
        ({"visual_tokens": np.zeros(4, np.float32)}, "found torch.float32 [4]; draw the keyframe again"),
        ({"visual_tokens": np.zeros((2, 4), np.int64)}, "found torch.int64 [2, 4]; draw the keyframe again"),
        ({"visual_tokens": np.full((2, 4), np.nan, np.float32)}, "the visual tokens are not finite; draw"),
    ],
)
def test_tokens_of_the_wrong_kind_are_told(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    save_file(arrays, tmp_path / "a.safetensors")
    with pytest.raises(StoryError) as caught:
        load_tokens(tmp_path / "a.safetensors")
    assert message in str(caught.value)


def test_missing_and_damaged_tokens_are_told(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="the keyframe's visual tokens are missing; draw the keyframe again"):
        load_tokens(tmp_path / "none.safetensors")
    for content in (b"", b"junk", b"\xff" * 100):
        (tmp_path / "a.safetensors").write_bytes(content)
        with pytest.raises(
            StoryError, match=r"the visual tokens are damaged \(.*\); draw the keyframe again"
        ):
            load_tokens(tmp_path / "a.safetensors")


# --- recipes -----------------------------------------------------------------------------------------


def test_a_recipe_holds_the_whole_story_and_all_that_a_keyframe_was_drawn_from() -> None:
    recipe = recipe_of(record_of(2), storyboard_of())
    assert parse_story(recipe["story"], source="recipe") == STORY
    assert RenderSettings(**recipe["settings"]) == SETTINGS
    assert (recipe["keyframe"], recipe["seed"], recipe["weights_hash"]) == (2, 2**63 - 1, "cd" * 32)
    assert json.loads(json.dumps(recipe)) == recipe


def test_a_saved_keyframe_has_its_pixels_and_its_recipe(tmp_path: Path) -> None:
    recipe = recipe_of(record_of(), storyboard_of())
    path = tmp_path / "keyframes" / "0001.png"
    sha256 = save_keyframe(noise_image(), path, recipe)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_recipe(path) == recipe
    np.testing.assert_array_equal(Image.open(path), noise_image())
    assert b"tEXtmoviedreamer\0" in path.read_bytes()


def test_equal_pixels_and_recipe_give_equal_bytes_whatever_the_image_carries(tmp_path: Path) -> None:
    loaded = noise_image()
    loaded.info = {"dpi": (300, 300), "icc_profile": b"profile", "exif": b"Exif\0\0", "comment": "x"}
    first = save_keyframe(noise_image(), tmp_path / "a.png", {"seed": 1, "plot": "x"})
    assert save_keyframe(loaded, tmp_path / "b.png", {"plot": "x", "seed": 1}) == first
    assert save_keyframe(noise_image(), tmp_path / "c.png", {"seed": 2, "plot": "x"}) != first


def test_an_image_without_a_readable_recipe_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(ImageError, match=r"^a\.png: there is no such image at"):
        read_recipe(path)
    path.write_bytes(b"junk")
    with pytest.raises(ImageError, match=r"^a\.png: not a readable PNG; choose a keyframe made here"):
        read_recipe(path)
    noise_image().save(path)
    with pytest.raises(
        ImageError, match=r"^a\.png: the image carries no recipe; choose a keyframe made here"
    ):
        read_recipe(path)
    for text in ("{", "[]", "[" * 100_000):
        info = PngImagePlugin.PngInfo()
        info.add_text("moviedreamer", text)
        noise_image().save(path, pnginfo=info)
        with pytest.raises(ImageError, match=r"^a\.png: the recipe is damaged; choose an unedited copy"):
            read_recipe(path)


def test_a_keyframe_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "keyframes").write_text("a file")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        save_keyframe(noise_image(), tmp_path / "keyframes" / "0001.png", {})
