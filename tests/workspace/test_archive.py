from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import struct
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from making import content_of, draft_of_plots, draw, film, picture, plots, tokens_file, tone
from PIL import Image
from soak import count, note

from moviedreamer_core.errors import OutputError
from moviedreamer_core.images import read_image
from moviedreamer_core.workspace import (
    ArchiveError,
    Stories,
    StoryFolder,
    unpacking,
    zip_reading,
)
from moviedreamer_core.workspace.layout import FILE_KINDS

EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "stories" / "lighthouse"
NUM_MUTATED_ZIPS, NUM_MUTATED_MEMBERS = count(300), count(300)
MAX_MEMORY_BYTES = 96 * 2**20


@pytest.fixture
def archive(stories: Stories, story: StoryFolder, rows: list[str], tmp_path: Path) -> Path:
    """Of a story with everything that a story can have."""
    face = story.pictures.add(picture(tmp_path / "face.png", "navy"), "faces")
    reference = story.pictures.add(picture(tmp_path / "ref.png", "olive"), "references")
    draft = story.script.head().draft
    member = draft.cast[0].model_copy(update={"faces": (face,)})
    story.script.save(draft.with_member(member).with_changes(references=[reference]), base=2)
    first = draw(story, rows[0], seed=1)
    second = draw(story, rows[0], seed=2)
    story.takes.add_tokens(first, "e" * 64, tokens_file(tmp_path / "t.safetensors"))
    story.choose(rows[0], second.id)
    story.decisions.lock(rows[:1])
    film(story, second)
    story.decisions.set_movie(music=story.pictures.add_music(tone(tmp_path / "a.wav")))
    with story.exporting("movie.mp4") as path:
        path.write_bytes(b"movie")
    stories.export_archive(story.id, tmp_path / "story.zip")
    return tmp_path / "story.zip"


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def write_zip(path: Path, members: dict[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return path


def refused(stories: Stories, path: Path) -> str:
    """What is told; nothing may have been made."""
    staging = stories.root / ".staging"
    before = sorted({*stories.root.rglob("*")} - {staging})
    with pytest.raises(ArchiveError) as caught:
        stories.import_archive(path)
    assert sorted({*stories.root.rglob("*")} - {staging}) == before
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


# --- there and back ----------------------------------------------------------------------------------


def test_a_story_comes_back_from_its_archive_with_everything_but_its_history(
    stories: Stories, story: StoryFolder, archive: Path, tmp_path: Path
) -> None:
    elsewhere = Stories(tmp_path / "elsewhere")
    copy = elsewhere.import_archive(archive)
    assert elsewhere.open(copy.id).notices == ()
    assert copy.script.head().draft == story.script.head().draft
    assert copy.script.head().number == story.script.head().number
    assert not copy.script.head().can_undo

    def without_history(folder: Path) -> dict[str, bytes]:
        found = content_of(folder)
        return {path: data for path, data in found.items() if not path.startswith(("revisions/", "exports/"))}

    assert without_history(copy.path) == without_history(story.path)
    shots = [(one.condition, one.take and one.take.id, one.clip and one.clip.id) for one in copy.view().shots]
    assert shots == [
        (one.condition, one.take and one.take.id, one.clip and one.clip.id) for one in story.view().shots
    ]
    assert shots[0][0] == "locked"
    assert stories.import_archive(archive).id != story.id  # beside the original too


def test_exports_are_in_the_archive_when_asked_for(
    stories: Stories, story: StoryFolder, archive: Path, tmp_path: Path
) -> None:
    assert not any("exports" in name for name in members_of(archive))
    stories.export_archive(story.id, tmp_path / "all.zip", exports=True)
    copy = stories.import_archive(tmp_path / "all.zip")
    assert copy.file("exports/movie.mp4").read_bytes() == b"movie"


def test_an_archive_is_read_by_any_program_and_equal_for_equal_stories(
    stories: Stories, story: StoryFolder, archive: Path, tmp_path: Path
) -> None:
    names = list(members_of(archive))
    assert names[0] == "the-pier/story.yaml"
    assert all(name.startswith("the-pier/") for name in names)
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
    stories.export_archive(story.id, tmp_path / "again.zip")
    first, second = members_of(archive), members_of(tmp_path / "again.zip")
    assert {name: data for name, data in first.items() if "revisions" not in name} == {
        name: data for name, data in second.items() if "revisions" not in name
    }


@pytest.mark.parametrize("prefix", ["", "x/", "My Story (1)/"])
def test_an_archive_that_a_person_packed_again_is_taken(
    stories: Stories, archive: Path, tmp_path: Path, prefix: str
) -> None:
    members = {prefix + name.partition("/")[2]: data for name, data in members_of(archive).items()}
    junk = {"__MACOSX/._story.yaml": b"x", f"{prefix}.DS_Store": b"x", f"{prefix}faces/": b""}
    copy = stories.import_archive(write_zip(tmp_path / "again.zip", members | junk))
    assert plots(copy.script.head().draft)[0] == "Mara walks."


def test_the_example_story_zipped_by_hand_becomes_a_story(stories: Stories, tmp_path: Path) -> None:
    members = {
        f"lighthouse/{path.relative_to(EXAMPLE).as_posix()}": path.read_bytes()
        for path in EXAMPLE.rglob("*")
        if path.is_file()
    }
    story = stories.import_archive(write_zip(tmp_path / "l.zip", members))
    draft = story.script.head().draft
    assert draft.title == "The Lighthouse"
    face = read_image(story.path / draft.cast[0].faces[0])
    np.testing.assert_array_equal(np.asarray(face), np.asarray(read_image(EXAMPLE / "faces" / "mara.png")))
    assert not (story.path / "incoming").exists()


def test_pictures_in_an_archive_are_written_anew(stories: Stories, archive: Path, tmp_path: Path) -> None:
    members = members_of(archive)
    name = next(name for name in members if "/faces/" in name)
    members[name] += b"<script>alert(1)</script>"
    copy = stories.import_archive(write_zip(tmp_path / "x.zip", members))
    face = copy.path / copy.script.head().draft.cast[0].faces[0]
    assert b"script" not in face.read_bytes()
    assert read_image(face).size == (48, 32)


# --- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.zip: no zip, or damaged (File is not a zip file); export or copy it again"),
        (b"PK\x03\x04 no more", "a.zip: no zip, or damaged"),
        (None, "'a.zip': there is no such zip; correct the path"),
        ({}, "a.zip: expected one story file that ends in .yaml, .yml, .json, found none; zip the story's"),
        ({"a.yaml": b"x", "b.yaml": b"x"}, 'found "a.yaml", "b.yaml"; zip the story\'s folder'),
        ({"story.yaml": b"x", "run.exe": b"MZ"}, '"run.exe" is neither a story file nor a picture; remove'),
        ({"story.yaml": b"title: ["}, "a.zip: story.yaml: line "),
        ({"story.yaml": b"#" * (3 * 2**20)}, '"story.yaml" has 3 MB, the limit is 2 MB; make it smaller'),
        ({"../story.yaml": b"x"}, '"../story.yaml" leads out of the story\'s folder; zip the folder itself'),
        ({"/story.yaml": b"x"}, "leads out of the story's folder"),
        ({"a/../../story.yaml": b"x"}, "leads out of the story's folder"),
        ({"C:/story.yaml": b"x"}, "leads out of the story's folder"),
        ({"..\\story.yaml": b"x"}, "leads out of the story's folder"),
        ({"a\nb.yaml": b"x"}, "leads out of the story's folder"),
        ({"x" * 600 + ".yaml": b"x"}, "leads out of the story's folder"),
        ({"story.yaml": b"x", "STORY.YAML": b"x"}, '"STORY.YAML" is in it twice; keep one'),
        (
            {"story.yaml": b"characters: [{name: M, faces: [m.png]}]\nkeyframes: [{plot: x}]"},
            'a.zip: "m.png": there is no such picture; add it or remove it from the story',
        ),
        (
            {"story.yaml": b"characters: [{name: M, faces: [m.png]}]\nkeyframes: [{plot: x}]", "m.png": b"x"},
            'a.zip: "m.png": this is not an image of a known kind',
        ),
        (
            {"story.yaml": b"characters: [{name: M, faces: [../m.png]}]\nkeyframes: [{plot: x}]"},
            'a.zip: "../m.png": there is no such picture',
        ),
    ],
)
def test_a_zip_that_is_no_story_is_told_and_makes_nothing(
    stories: Stories, tmp_path: Path, content: bytes | dict[str, bytes] | None, message: str
) -> None:
    if isinstance(content, bytes):
        (tmp_path / "a.zip").write_bytes(content)
    elif content is not None:
        write_zip(tmp_path / "a.zip", content)
    assert message in refused(stories, tmp_path / "a.zip")


def with_entry(path: Path, change: Callable[[zipfile.ZipInfo], None]) -> Path:
    entry = zipfile.ZipInfo("story.yaml")
    change(entry)
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(entry, b"keyframes: [{plot: x}]")
    return path


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFDIR])
def test_links_and_devices_are_refused(stories: Stories, tmp_path: Path, kind: int) -> None:
    path = with_entry(tmp_path / "a.zip", lambda entry: setattr(entry, "external_attr", (kind | 0o777) << 16))
    assert '"story.yaml" is a link or a device; zip plain files only' in refused(stories, path)


def test_unusual_packing_is_refused(stories: Stories, tmp_path: Path) -> None:
    path = with_entry(tmp_path / "a.zip", lambda entry: setattr(entry, "compress_type", zipfile.ZIP_LZMA))
    assert '"story.yaml" is packed in an unusual way; zip it again' in refused(stories, path)


def test_an_encrypted_zip_is_refused(stories: Stories, tmp_path: Path) -> None:
    data = bytearray(write_zip(tmp_path / "a.zip", {"story.yaml": b"x"}).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    assert '"story.yaml" is encrypted; zip it without a password' in refused(stories, tmp_path / "a.zip")


# --- what would take too much ------------------------------------------------------------------------


def peak_memory_bytes(act: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_bomb_is_refused_from_its_table_of_contents(stories: Stories, tmp_path: Path) -> None:
    members = {"story.yaml": b"keyframes: [{plot: x}]"} | {f"{n}.png": bytes(40 * 2**20) for n in range(5)}
    path = write_zip(tmp_path / "bomb.zip", members)
    assert path.stat().st_size < 2**20
    memory = peak_memory_bytes(lambda: refused(stories, path))
    assert memory < MAX_MEMORY_BYTES / 10
    assert "bomb.zip: 0.2 MB would unpack to 200 MB, which no story does" in refused(stories, path)


def test_a_bomb_of_overlapping_members_is_refused(stories: Stories, tmp_path: Path) -> None:
    """A thousand entries of the table of contents that all name the same ten packed megabytes."""
    path = write_zip(tmp_path / "bomb.zip", {"0.png": bytes(10 * 2**20)})
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    entry, end = data[start : data.index(b"PK\x05\x06")], data[data.index(b"PK\x05\x06") :]
    entries = b"".join(entry[:46] + f"{number:01x}.png".encode() for number in range(16)) * 1
    end = end[:8] + struct.pack("<HHII", 16, 16, len(entries), start) + end[20:]
    path.write_bytes(data[:start] + entries + end)
    assert "would unpack to 160 MB, which no story does" in refused(stories, path)


def test_a_member_that_unpacks_to_more_than_it_says_is_refused(stories: Stories, tmp_path: Path) -> None:
    data = bytearray(write_zip(tmp_path / "a.zip", {"story.yaml": b"#" * 100_000}).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + offset
        data[place : place + 4] = struct.pack("<I", 50)
    (tmp_path / "a.zip").write_bytes(data)
    assert "damaged" in refused(stories, tmp_path / "a.zip")


def test_a_huge_table_of_contents_is_refused_in_little_memory(stories: Stories, tmp_path: Path) -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    for num_files, message in (
        (400_000, "its table of contents is too large"),
        (60_000, "60000 files, the limit is"),
    ):
        table = entry * num_files
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(table), 0, 0)
        path = tmp_path / "a.zip"
        path.write_bytes(table + end)
        found: list[str] = []
        memory = peak_memory_bytes(lambda path=path, found=found: found.append(refused(stories, path)))
        assert message in found[0]
        assert memory < MAX_MEMORY_BYTES


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("MAX_MEMBERS", 3, "files, the limit is 3; remove takes"),
        ("MAX_TOTAL_BYTES", 1000, "which no story does"),
        ("MAX_ARCHIVE_BYTES", 1000, "the zip has 0.0 GB, the limit is 0 GB; export the story without its"),
    ],
)
def test_every_limit_is_told(
    stories: Stories, archive: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, message: str
) -> None:
    monkeypatch.setattr(zip_reading, limit, value)
    assert message in refused(stories, archive)


# --- an exported story that was tampered with --------------------------------------------------------


def image_of(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("1", size).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("image.png", lambda data: data[:-20] + bytes(20), "image.png: the content is damaged; export the"),
        ("image.png", lambda data: data + b"x", "image.png: the file is missing or damaged"),
        ("record.json", lambda data: b"{", "record.json: damaged"),
        ("record.json", lambda data: data.replace(b"image.png", b"../../x.png"), "is missing or damaged"),
        ("record.json", lambda data: b"[" * 100_000, "record.json: damaged (maximum recursion depth"),
        ("tokens-eeeeeeeeeeeeeeee.safetensors", lambda data: b"x", "the visual tokens are damaged"),
        ("clip.mp4", lambda data: b"x" * len(data), "clip.mp4: the content is damaged"),
        ("decisions.json", lambda data: b"[]", "decisions.json: the decisions are damaged"),
        ("00000003.json", lambda data: b"{}", "00000003.json: the revision is damaged"),
        ("00000003.json", lambda data: data.replace(b'"Mara walks."', b"7"), "the revision is damaged"),
        ("00000003.json", lambda data: data.replace(b"faces/", b"../../faces/"), "the revision is damaged"),
        (".wav", lambda data: b"x" * 100, "not music, or damaged"),
        ("faces/", lambda data: b"x", "this is not an image of a known kind"),
        ("faces/", lambda data: image_of((7000, 7000)), "the limit is 40 megapixels"),
        ("faces/", None, ".png: the picture is missing; export the story again"),
        (".wav", None, ".wav: the music is missing; export the story again"),
        ("image.png", None, "image.png: the file is missing or damaged"),
    ],
)
def test_an_archive_that_was_tampered_with_is_told_and_makes_nothing(
    stories: Stories,
    archive: Path,
    tmp_path: Path,
    name: str,
    change: Callable[[bytes], bytes] | None,
    message: str,
) -> None:
    members = members_of(archive)
    changed = [member for member in members if member.endswith(name) or name in member]
    assert changed
    for member in changed[-1:]:
        data = members.pop(member)
        if change is not None:
            members[member] = change(data)
    told = refused(stories, write_zip(tmp_path / "tampered.zip", members))
    assert told.startswith("tampered.zip: ")
    assert message in told


def test_a_replaced_image_with_a_matching_record_must_still_be_an_image(
    stories: Stories, archive: Path, tmp_path: Path
) -> None:
    members = members_of(archive)
    record_name = next(name for name in members if "takes" in name and name.endswith("record.json"))
    image_name = record_name.replace("record.json", "image.png")
    for data, message in (
        (b"<svg onload=alert(1)>", "image.png: this is not a PNG; draw the keyframe again"),
        (image_of((5000, 5000)), "image.png: the image is 5000 x 5000 pixels, the limit is 16.7772 mega"),
    ):
        record = json.loads(members[record_name])
        record["files"]["image.png"] = {"sha256": hashlib.sha256(data).hexdigest(), "num_bytes": len(data)}
        tampered = members | {image_name: data, record_name: json.dumps(record).encode()}
        assert message in refused(stories, write_zip(tmp_path / "t.zip", tampered))


@pytest.mark.parametrize(
    "name", ["x.exe", ".lock", "staging/a/image.png", "takes/x/y/image.png", "faces/a.png"]
)
def test_a_file_that_no_story_has_is_refused(
    stories: Stories, archive: Path, tmp_path: Path, name: str
) -> None:
    members = members_of(archive) | {f"the-pier/{name}": b"x"}
    assert f'"{name}" is no file of a story; remove it from the zip' in refused(
        stories, write_zip(tmp_path / "t.zip", members)
    )


def test_a_history_in_an_archive_is_not_believed(stories: Stories, archive: Path, tmp_path: Path) -> None:
    members = members_of(archive)
    name = next(name for name in members if "revisions" in name)
    revision = json.loads(members[name])
    members[name] = json.dumps(revision | {"undo": [1, 2], "redo": [7], "number": 90}).encode()
    members[name.replace("00000003", "00000001")] = b"{}"
    story = stories.import_archive(write_zip(tmp_path / "t.zip", members))
    head = story.script.head()
    assert (head.number, head.undo, head.redo, story.script.numbers()) == (90, (), (), [90])


# --- mutations ---------------------------------------------------------------------------------------


def test_any_mutated_zip_is_a_story_or_told_and_memory_stays_bounded(stories: Stories, archive: Path) -> None:
    original = archive.read_bytes()
    outcomes: list[Outcome] = []

    @settings(max_examples=NUM_MUTATED_ZIPS, deadline=None)
    @given(data=st.data())
    def mutate(data: st.DataObject) -> None:
        outcomes.append(check_import(stories, mutated_zip(original, data)))

    mutate()
    note_uploads("zips, any byte of them", outcomes, of=NUM_MUTATED_ZIPS)


def mutated_zip(original: bytes, data: st.DataObject) -> bytes:
    mutated = bytearray(original)
    # Half of the mutations go where the structure is: the table of contents at the end.
    start = original.index(b"PK\x01\x02") if data.draw(st.booleans()) else 0
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(start, max(start, len(mutated) - 1)))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "double", "max"])):
            case "flip":
                mutated[place : place + 1] = data.draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del mutated[place : place + data.draw(st.integers(1, 200))]
            case "insert":
                mutated[place:place] = data.draw(st.binary(min_size=1, max_size=20))
            case "double":
                mutated[place:place] = mutated[place : place + 100]
            case "max":
                mutated[place : place + 4] = b"\xff" * 4
    return bytes(mutated)


def test_any_mutated_member_in_a_sound_zip_is_a_story_or_told(stories: Stories, archive: Path) -> None:
    original = members_of(archive)
    outcomes: list[Outcome] = []

    @settings(max_examples=NUM_MUTATED_MEMBERS, deadline=None)
    @given(data=st.data())
    def mutate(data: st.DataObject) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = write_zip(Path(folder, "t.zip"), with_mutated_member(original, data))
            outcomes.append(check_import(stories, path.read_bytes()))

    mutate()
    note_uploads("zips, sound around a file that is not", outcomes, of=NUM_MUTATED_MEMBERS)


def with_mutated_member(original: dict[str, bytes], data: st.DataObject) -> dict[str, bytes]:
    name = data.draw(st.sampled_from(sorted(original)))
    members = dict(original)
    content = bytearray(members.pop(name))
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=20))
    new_name = data.draw(
        st.sampled_from([name, name.upper(), name + "/../x", "../" + name, name[9:], "a/" + name])
    )
    return members | {new_name: bytes(content)}


@dataclass(frozen=True)
class Outcome:
    """`told` is what was said of a zip that was refused, "" for one that became a story."""

    told: str
    memory_bytes: int


def check_import(stories: Stories, content: bytes) -> Outcome:
    """A whole story or one sentence; nothing outside the workspace or half-made in it; bounded memory."""
    beside = {path for path in stories.root.parent.iterdir() if path.name != "m.zip"}
    path = stories.root.parent / "m.zip"
    path.write_bytes(content)
    told = ""
    tracemalloc.start()
    try:
        story = stories.import_archive(path)
    except ArchiveError as error:
        told = str(error)
    else:
        assert stories.open(story.id).notices == ()
        story.view()
        stories.delete(story.id)
        stories.empty_trash()
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert memory < MAX_MEMORY_BYTES
    assert "\n" not in told
    assert told == "" or told.startswith("m.zip: ")
    path.unlink()
    assert set(stories.root.parent.iterdir()) == beside
    assert os.listdir(stories.root / ".staging") == []
    return Outcome(told, memory)


def note_uploads(kind: str, outcomes: list[Outcome], *, of: int) -> None:
    refused = [outcome for outcome in outcomes if outcome.told]
    assert len(outcomes) >= of
    assert refused
    note(
        f"Mutated uploads, {kind}: no crash, bounded memory, one sentence each",
        mutated=len(outcomes),
        refused=len(refused),
        taken=len(outcomes) - len(refused),
        crashes=0,
        largest_MiB=round(max(outcome.memory_bytes for outcome in outcomes) / 2**20, 1),
        bound_MiB=MAX_MEMORY_BYTES // 2**20,
    )


def test_an_archive_is_not_written_where_it_cannot_be(
    stories: Stories, story: StoryFolder, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="its folder does not exist; create it or correct the path"):
        stories.export_archive(story.id, tmp_path / "none" / "a.zip")
    assert os.listdir(story.path / "staging") == []


def test_limits_of_kinds_cover_every_kind_of_file() -> None:
    assert set(unpacking.MAX_KIND_BYTES) == set(FILE_KINDS)


def test_an_archive_made_while_a_take_is_drawn_has_what_was_committed(
    stories: Stories, story: StoryFolder, rows: list[str], tmp_path: Path
) -> None:
    draw(story, rows[0], seed=1)
    with story.takes.stage(rows[1]) as staged:
        picture(staged.folder / "image.png")
        stories.export_archive(story.id, tmp_path / "a.zip")
    copy = stories.import_archive(tmp_path / "a.zip")
    assert [len(copy.takes.of(row)) for row in rows[:2]] == [1, 0]
    assert plots(copy.script.head().draft) == plots(draft_of_plots(*plots(story.script.head().draft)))
