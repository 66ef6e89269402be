"""Recipes in files from anywhere: ours are read, everything else is one clear sentence."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image, PngImagePlugin

from moviedreamer_core import storyboard
from moviedreamer_core.errors import InputError
from moviedreamer_core.handoff import recipes
from moviedreamer_core.handoff.recipes import (
    MAX_RECIPE_BYTES,
    PNG_KEYWORD,
    MovieRecipe,
    ShotRecipe,
    movie_recipe,
    parse_recipe,
    recipe_of,
    to_json,
)
from moviedreamer_core.handoff.stamping import save_png, stamp
from moviedreamer_core.script import Character, CharacterInFrame, KeyframeScript, Story
from moviedreamer_core.video.movie import write_clip

SCRIPT = KeyframeScript(plot="Zoë läuft.", characters=(CharacterInFrame(name="Zoë"),), seconds=2.5)
STORY = Story(title="玛拉", characters=(Character(name="Zoë"),), keyframes=(SCRIPT,))
SHOT = ShotRecipe(
    number=1,
    seed=2**63 - 1,
    take=3,
    script=SCRIPT,
    cast=STORY.characters,
    weights_hash="ab" * 32,
    settings={"steps": 20, "guidance_scale": 4.5, "preview": False, "note": None, "name": "x"},
    story=STORY,
)


def picture(colour: tuple[int, int, int] = (200, 30, 30)) -> Image.Image:
    return Image.new("RGB", (16, 8), colour)


def png(path: Path, *chunks: tuple[str, str, str]) -> Path:
    """A PNG by Pillow with these text chunks: kind, keyword, text."""
    info = PngImagePlugin.PngInfo()
    for kind, keyword, text in chunks:
        if kind == "iTXt":
            info.add_itxt(keyword, text)
        elif kind == "iTXt-zip":
            info.add_itxt(keyword, text, zip=True)
        else:
            info.add_text(keyword, text, zip=kind == "zTXt")
    picture().save(path, pnginfo=info)
    return path


def movie(path: Path, comment: str | None = None) -> Path:
    write_clip([picture().resize((32, 16))] * 5, path, frames_per_second=7, comment=comment)
    return path


def message(path: Path) -> str:
    with pytest.raises(InputError) as error:
        recipe_of(path)
    assert "\n" not in str(error.value)
    return str(error.value)


# --- round trips -------------------------------------------------------------------------------------


def test_a_picture_brings_its_recipe_back(tmp_path: Path) -> None:
    save_png(picture(), tmp_path / "a.png", SHOT)
    assert recipe_of(tmp_path / "a.png") == SHOT


def test_pillow_and_the_storyboard_read_the_same_recipe(tmp_path: Path) -> None:
    save_png(picture(), tmp_path / "a.png", SHOT)
    with Image.open(tmp_path / "a.png") as image:
        assert json.loads(image.text["moviedreamer"])["seed"] == 2**63 - 1
        assert image.convert("RGB").tobytes() == picture().tobytes()
    assert storyboard.read_recipe(tmp_path / "a.png") == json.loads(to_json(SHOT))


def test_both_modules_use_one_keyword() -> None:
    assert storyboard.RECIPE_KEY == PNG_KEYWORD


def test_a_clip_brings_its_recipe_back(tmp_path: Path) -> None:
    recipe = SHOT.model_copy(update={"kind": "clip"})
    stamp(movie(tmp_path / "a.mp4"), recipe)
    assert recipe_of(tmp_path / "a.mp4") == recipe


def test_a_movie_tells_its_shots(make_cut) -> None:
    cut = make_cut(2.0, 1.5, crossfades=(0.3,))
    recipe = movie_recipe(cut, STORY)
    assert parse_recipe(to_json(recipe), source="x") == recipe
    assert [(shot.id, shot.seed, shot.take, shot.seconds) for shot in recipe.shots] == [
        ("shot-1", 2**63 - 1, 1, 2.0),
        ("shot-2", 2**63 - 2, 2, 1.5),
    ]
    assert (recipe.title, recipe.crossfades, recipe.weights_hash) == ("The Light", (0.3,), "ab" * 32)


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt-zip"])
def test_every_kind_of_text_chunk_is_read(tmp_path: Path, kind: str) -> None:
    other = ("tEXt", "Software", "paint"), ("iTXt", "moviedreamer2", "{}")
    assert recipe_of(png(tmp_path / "a.png", *other, (kind, "moviedreamer", to_json(SHOT)))) == SHOT


def test_a_chunk_after_the_pixels_is_read(tmp_path: Path) -> None:
    data = png(tmp_path / "a.png", ("iTXt", "moviedreamer", to_json(SHOT))).read_bytes()
    start = data.index(b"iTXt") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    (tmp_path / "b.png").write_bytes(data[:start] + data[end:-12] + data[start:end] + data[-12:])
    assert recipe_of(tmp_path / "b.png") == SHOT


def test_json_is_ascii_and_sorted() -> None:
    text = to_json(SHOT)
    assert text.isascii()
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert json.loads(text)["format"] == "moviedreamer"


# --- format 1 ----------------------------------------------------------------------------------------


def test_a_keyframe_of_format_1_is_read(tmp_path: Path) -> None:
    render = storyboard.RenderSettings(steps=20, guidance_scale=4.5, width=16, height=8)
    record = storyboard.KeyframeRecord(
        number=1,
        plot="Zoë läuft.",
        seed=5,
        tokens_file="t",
        image_file="i",
        weights_hash="cd",
        settings=render,
    )
    board = storyboard.Storyboard(title="x", story=STORY, weights_hash="cd")
    storyboard.save_keyframe(picture(), tmp_path / "a.png", storyboard.recipe_of(record, board))
    found = recipe_of(tmp_path / "a.png")
    assert isinstance(found, ShotRecipe)
    assert (found.number, found.seed, found.take, found.weights_hash) == (1, 5, 1, "cd")
    assert (found.script, found.cast, found.story) == (SCRIPT, STORY.characters, STORY)
    assert found.settings["guidance_scale"] == 4.5


def test_a_movie_of_format_1_is_read(tmp_path: Path) -> None:
    path = movie(tmp_path / "a.mp4", json.dumps({"title": "Zoë", "weights_hash": "cd"}))
    assert recipe_of(path) == MovieRecipe(title="Zoë", weights_hash="cd")


# --- files that are not ours -------------------------------------------------------------------------

NOT_OURS = "the file carries no recipe; choose one that was made here and not edited since"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert (
        message(tmp_path / "a.png")
        == f"a.png: there is no such file at {tmp_path / 'a.png'}; correct the path"
    )


def test_a_folder_and_a_pipe_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert message(tmp_path).endswith(": this is not a plain file; choose a PNG or an MP4")
    assert message(tmp_path / "pipe.png") == "pipe.png: this is not a plain file; choose a PNG or an MP4"


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff\xe0 jpeg", b"%PDF-1.7", b"\x89PN"])
def test_other_kinds_of_file_are_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    assert message(tmp_path / "a.png") == (
        "a.png: only PNG and MP4 files carry a recipe, this is neither; choose the file as it was exported"
    )


@pytest.mark.parametrize(
    "comment", [None, "shot on a sunny day", "{}", "[1]", '{"a": 1}', '{"format": "other"}']
)
def test_files_of_other_programs_are_told(tmp_path: Path, comment: str | None) -> None:
    chunks = [] if comment is None else [("tEXt", "moviedreamer", comment), ("tEXt", "Comment", comment)]
    assert message(png(tmp_path / "a.png", *chunks)) == f"a.png: {NOT_OURS}"
    assert message(movie(tmp_path / "a.mp4", comment)) == f"a.mp4: {NOT_OURS}"


def test_a_newer_format_is_told() -> None:
    text = json.dumps({**json.loads(to_json(SHOT)), "version": 3, "unknown": 1})
    with pytest.raises(InputError) as error:
        parse_recipe(text, source="a.png")
    assert str(error.value) == (
        "a.png: the recipe was written by a newer release (format 3, this one reads up to 2); update this one"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seed": -1}, "the recipe is damaged: seed: must be at least 0, found the number -1"),
        ({"seed": None}, "the recipe is damaged: seed: "),
        ({"script": {"plot": ""}}, "the recipe is damaged: script: plot: is empty"),
        ({"settings": {"steps": [1]}}, "the recipe is damaged: settings: "),
        ({"settings": {str(n): n for n in range(65)}}, "the recipe is damaged: settings: "),
        ({"weights_hash": "a" * 129}, "the recipe is damaged: weights_hash: "),
        ({"surprise": 1}, 'the recipe is damaged: unknown field "surprise"'),
        ({"kind": "song"}, 'the recipe is of no known kind, found the text "song"'),
        ({"kind": ["clip"]}, "the recipe is of no known kind, found a list"),
        ({"kind": "movie"}, "the recipe is damaged: "),
        ({"version": "2"}, "the recipe is damaged: "),
        ({"settings": {"a": {"b": {}}}}, "the recipe is damaged: settings: "),
    ],
)
def test_a_damaged_recipe_is_told_with_its_field(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as error:
        parse_recipe(json.dumps({**json.loads(to_json(SHOT)), **change}), source="a.png")
    assert str(error.value).startswith(f"a.png: {reason}")


@pytest.mark.parametrize(
    "text",
    [
        to_json(SHOT)[:-5],
        '{"format": "moviedreamer", "seed": NaN}',
        '{"weights_hash": ' + "[" * 100_000,
        '{"weights_hash": ' + "1" * 5000 + "}",
    ],
)
def test_what_is_no_json_is_told(text: str) -> None:
    with pytest.raises(
        InputError, match=r"a\.png: the recipe is damaged \(not JSON\); choose an unedited copy"
    ):
        parse_recipe(text, source="a.png")


def test_deep_nesting_is_told() -> None:
    deep = '{"format": "moviedreamer", "settings": ' + "[" * 12 + "]" * 12 + "}"
    with pytest.raises(InputError, match=r"a\.png: the recipe is nested too deep; choose an unedited copy"):
        parse_recipe(deep, source="a.png")


# --- damaged files -----------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(tmp_path: Path, kind: bytes, data: bytes) -> Path:
    whole = png(tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:33] + chunk(kind, data) + whole[33:])
    return tmp_path / "a.png"


def test_a_recipe_over_the_limit_is_told(tmp_path: Path) -> None:
    path = with_chunk(tmp_path, b"tEXt", b"moviedreamer\0" + b" " * (MAX_RECIPE_BYTES + 2000))
    assert message(path) == "a.png: the recipe in it has 2.0 MB, too many; choose an unedited copy"


@pytest.mark.parametrize(
    ("kind", "head"), [(b"zTXt", b"moviedreamer\0\0"), (b"iTXt", b"moviedreamer\0\1\0\0\0")]
)
def test_a_small_chunk_that_would_unpack_to_gigabytes_is_refused(
    tmp_path: Path, kind: bytes, head: bytes
) -> None:
    packed = zlib.compress(bytes(64 * 2**20))
    path = with_chunk(tmp_path, kind, head + packed)
    assert path.stat().st_size < 100_000
    assert message(path) == "a.png: the recipe in it has more than 2.0 MB, too many; choose an unedited copy"


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        (b"iTXt", b"moviedreamer\0\0\0\0\0\xff\xfe", "(not UTF-8)"),
        (b"iTXt", b"moviedreamer\0\1\0\0\0not zlib", "(compression)"),
        (b"zTXt", b"moviedreamer\0\0" + zlib.compress(b"x" * 99)[:-5], "(compression)"),
    ],
)
def test_text_that_cannot_be_unpacked_is_told(tmp_path: Path, kind: bytes, data: bytes, reason: str) -> None:
    path = with_chunk(tmp_path, kind, data)
    assert message(path) == f"a.png: the recipe in it is damaged {reason}; choose an unedited copy"


def test_a_wrong_checksum_is_told(tmp_path: Path) -> None:
    data = png(tmp_path / "a.png", ("iTXt", "moviedreamer", to_json(SHOT))).read_bytes()
    (tmp_path / "a.png").write_bytes(data.replace(b"Zo\\u00eb", b"Zo\\u00ec", 1))
    assert (
        message(tmp_path / "a.png")
        == "a.png: the recipe in it is damaged (checksum); choose an unedited copy"
    )


def test_a_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    data = png(tmp_path / "a.png", ("iTXt", "moviedreamer", to_json(SHOT))).read_bytes()
    for end in (12, 33, 60, 200):
        (tmp_path / "a.png").write_bytes(data[:end])
        assert message(tmp_path / "a.png") == "a.png: the file is cut off; choose an unedited copy"
    whole = movie(tmp_path / "a.mp4", to_json(SHOT)).read_bytes()
    (tmp_path / "a.mp4").write_bytes(whole[:-900])
    (tmp_path / "b.mp4").write_bytes(whole[:100])
    assert message(tmp_path / "b.mp4") == "b.mp4: the file is cut off; choose an unedited copy"


def test_a_file_of_endless_parts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moviedreamer_core.handoff.carriers.MAX_PARTS", 50)
    many = b"".join(chunk(b"teSt", b"") for _ in range(60))
    whole = png(tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:33] + many + whole[33:])
    assert message(tmp_path / "a.png") == "a.png: the file has too many parts; choose an unedited copy"
    boxes = struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4s", 8, b"free") * 60
    (tmp_path / "a.mp4").write_bytes(boxes)
    assert message(tmp_path / "a.mp4") == "a.mp4: the file has too many parts; choose an unedited copy"


def test_a_movie_with_a_comment_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = movie(tmp_path / "a.mp4", "x" * 50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "MAX_RECIPE_BYTES", 40)
        assert message(path) == "a.mp4: the recipe in it has 0.0 MB, too many; choose an unedited copy"


def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("seeds")
    kinds = ["tEXt", "zTXt", "iTXt", "iTXt-zip"]
    pictures = [png(folder / f"{kind}.png", (kind, "moviedreamer", to_json(SHOT))) for kind in kinds]
    return [path.read_bytes() for path in [*pictures, movie(folder / "a.mp4", to_json(SHOT))]]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return seeds(tmp_path_factory)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_mutated_files_give_a_recipe_or_one_sentence(
    tmp_path: Path, corpus: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(data.draw(st.sampled_from(corpus)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, 1500).map(lambda at: at % max(1, len(content))))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "number", "end"])):
            case "flip" if content:
                content[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del content[at : at + data.draw(st.integers(1, 40))]
            case "insert":
                content[at:at] = data.draw(st.binary(min_size=1, max_size=12))
            case "number":
                content[at : at + 4] = struct.pack(
                    ">I", data.draw(st.sampled_from([0, 1, 7, 8, 2**31 - 1, 2**32 - 1]))
                )
            case "end":
                del content[max(1, at) :]
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(content))
    try:
        outcome = f"a.bin: {type(recipe_of(path)).__name__}"
    except InputError as error:
        outcome = str(error)
    assert outcome.startswith("a.bin: ")
    assert "\n" not in outcome


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(ShotRecipe.model_fields)), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.sampled_from([*ShotRecipe.model_fields, "keyframe", "plot", "title", "shots"]), JSON)
)
def test_any_json_is_a_recipe_or_one_sentence(mapping: dict[str, Any]) -> None:
    text = json.dumps({**json.loads(to_json(SHOT)), **mapping})
    try:
        outcome = f"x: {type(parse_recipe(text, source='x')).__name__}"
    except InputError as error:
        outcome = str(error)
    assert outcome.startswith("x: ")
    assert "\n" not in outcome


# --- writing -----------------------------------------------------------------------------------------


def test_a_story_that_is_too_long_stays_out_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "MAX_RECIPE_BYTES", len(to_json(SHOT)) - 1)
    assert parse_recipe(to_json(SHOT), source="x") == SHOT.model_copy(update={"story": None})


def test_a_recipe_that_is_too_long_without_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "MAX_RECIPE_BYTES", 100)
    with pytest.raises(
        InputError, match=r"the recipe has 0\.0 MB, the limit is 0 MB; shorten the texts of this"
    ):
        to_json(SHOT)


def test_the_same_picture_and_recipe_give_the_same_bytes(tmp_path: Path) -> None:
    noisy = picture()
    noisy.info["icc_profile"] = b"profile"
    first = save_png(noisy, tmp_path / "new" / "a.png", SHOT)
    assert save_png(picture(), tmp_path / "b.png", SHOT) == first
    assert (tmp_path / "new" / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    buffer = io.BytesIO((tmp_path / "b.png").read_bytes())
    with Image.open(buffer) as image:
        image.verify()
