"""Character cards: names, descriptions, face pictures and how they are cropped, test pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from app.desk.jobs import Cost
from app.desk.row_warnings import Words, unknown_words
from app.desk.saving import Edit, change, save_fields
from app.queue.jobs import CharacterTest, Drawing, ReadCast
from app.queue.settings import new_seed
from moviedreamer_core.errors import StoryError
from moviedreamer_core.names import name_key
from moviedreamer_core.script import MAX_SEED
from moviedreamer_core.validation import explain
from moviedreamer_core.workspace import CastMember, Draft, Revision, Take
from moviedreamer_core.workspace.draft import MAX_FACES
from moviedreamer_core.workspace.layout import new_cast_id
from moviedreamer_core.workspace.readings import CastReadings, FaceReading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.desk.desk import Desk
    from app.queue.snapshots import JobStatus

FIELDS = ("name", "description")
BoxOfFace = tuple[float, float, float, float]  # left, top, right, bottom as fractions of the picture


@dataclass(frozen=True, kw_only=True)
class FacePicture:
    """`reading` is None until a job has looked at the picture."""

    picture: str
    path: Path
    reading: FaceReading | None


@dataclass(frozen=True, kw_only=True)
class CharacterCard:
    """`alike` are the names of those whom the face encoder can hardly tell from this one."""

    member: CastMember
    faces: tuple[FacePicture, ...]
    alike: tuple[str, ...]
    num_rows: int  # of the script that name them
    unknown: Words
    tests: tuple[Take, ...]  # the newest last
    test_job: JobStatus | None  # the last one


@dataclass(frozen=True, kw_only=True)
class CastView:
    revision: Revision
    cards: tuple[CharacterCard, ...]
    is_reading: bool  # a job is to look at the faces


class Cast:
    """Every method raises StoryGoneError for a story that is not there, StoryError for a card that is gone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def view(self, story_id: str) -> CastView:
        story = self._desk.story(story_id)
        revision, readings = story.script.head(), story.readings.cast()
        jobs = self._desk.queue.snapshot().of_story(story_id)
        return CastView(
            revision=revision,
            cards=tuple(
                self._card(story_id, revision.draft, one, readings, jobs) for one in revision.draft.cast
            ),
            is_reading=any(job.kind == "read-cast" and job.is_active for job in jobs),
        )

    def _card(
        self,
        story_id: str,
        draft: Draft,
        member: CastMember,
        readings: CastReadings,
        jobs: Sequence[JobStatus],
    ) -> CharacterCard:
        story, key = self._desk.story(story_id), name_key(member.name)
        names = {one.id: one.name for one in draft.cast}
        alike = [
            names.get(other, "")
            for look in readings.look_alikes
            for mine, other in ((look.one, look.other), (look.other, look.one))
            if mine == member.id
        ]
        tests = [job for job in jobs if isinstance(job.job, CharacterTest) and job.job.cast_id == member.id]
        faces = (
            FacePicture(picture=picture, path=story.path / picture, reading=readings.of(picture))
            for picture in member.faces
        )
        return CharacterCard(
            member=member,
            faces=tuple(faces),
            alike=tuple(name for name in alike if name),
            num_rows=sum(any(name_key(one.name) == key for one in row.characters) for row in draft.rows),
            unknown=unknown_words(member.description, draft.cast, self._desk.script.words),
            tests=story.takes.of(member.id),
            test_job=max(tests, key=lambda job: job.enqueued_at, default=None),
        )

    # --- cards -------------------------------------------------------------------------------------------

    def add(self, story_id: str, name: str = "", description: str = "") -> str:
        """A new card; its id. Raises StoryError for a name that somebody has."""
        member = CastMember(id=new_cast_id())

        def edit(draft: Draft) -> Draft:
            return draft.with_member(_changed(draft, member, {"name": name, "description": description}))

        self._change(story_id, edit, "Add a character")
        return member.id

    def set_member(
        self,
        story_id: str,
        cast_id: str,
        fields: Mapping[str, str],
        *,
        seen: Mapping[str, str] | None = None,
        base: int | None = None,
    ) -> Revision:
        """Change the name or the description; rows follow a new name.

        Raises StaleSaveError if a field is no longer as in `seen` or the script not at the revision `base`, StoryError
        for a name that somebody else has.
        """

        def edit(draft: Draft) -> Draft:
            return draft.with_member(_changed(draft, draft.member(cast_id), fields))

        def now(draft: Draft) -> dict[str, str]:
            return draft.member(cast_id).model_dump(include=set(FIELDS))

        story = self._desk.story(story_id)
        return save_fields(story, edit, now, fields, seen=seen, base=base, label="Edit a character")

    def remove(self, story_id: str, cast_id: str, *, base: int | None = None) -> None:
        """Rows that name the character keep the name, and are warned of. Undo brings the card back.

        Raises StaleSaveError as `set_member`.
        """
        self._change(story_id, lambda draft: draft.without_member(cast_id), "Remove a character", base)

    # --- faces -------------------------------------------------------------------------------------------

    def add_face(self, story_id: str, cast_id: str, source: Path) -> str:
        """Keep an uploaded picture as a face; its path in the story.

        Raises ImageError for what is no picture, StoryError for too many of them.
        """
        story = self._desk.story(story_id)
        if len(story.script.head().draft.member(cast_id).faces) >= MAX_FACES:
            raise StoryError(f"a character has at most {MAX_FACES} face pictures; remove one first")
        picture = story.pictures.add(source, "faces")

        def edit(draft: Draft) -> Draft:
            member = draft.member(cast_id)
            return _with_faces(draft, member, tuple(dict.fromkeys([*member.faces, picture])))

        self._change(story_id, edit, "Add a face picture")
        self.look_at_faces(story_id)
        return picture

    def remove_face(self, story_id: str, cast_id: str, picture: str) -> None:
        def edit(draft: Draft) -> Draft:
            member = draft.member(cast_id)
            return _with_faces(draft, member, tuple(face for face in member.faces if face != picture))

        self._change(story_id, edit, "Remove a face picture")
        self.look_at_faces(story_id)

    def put_face_first(self, story_id: str, cast_id: str, picture: str) -> None:
        """The first picture is the one on the card."""

        def edit(draft: Draft) -> Draft:
            member = draft.member(cast_id)
            if picture not in member.faces:
                raise StoryError("this picture is no longer on the card; reload the page")
            return _with_faces(draft, member, tuple(dict.fromkeys([picture, *member.faces])))

        self._change(story_id, edit, "Reorder face pictures")

    def set_box(self, story_id: str, picture: str, box: BoxOfFace | None) -> None:
        """Say where the face is; None lets the detector look again. Raises StoryError for an impossible box."""
        try:
            self._desk.story(story_id).readings.set_face_box(picture, box)
        except ValidationError:
            raise StoryError("this is not a part of the picture; draw the frame around the face") from None
        self.look_at_faces(story_id)

    def look_at_faces(self, story_id: str) -> None:
        """Have the faces found and compared, unless that is about to happen anyway."""
        queue = self._desk.queue
        waiting = [job for job in queue.snapshot().of_story(story_id) if job.kind == "read-cast"]
        if any(job.state == "waiting" for job in waiting):
            return
        number = sum(len(member.faces) for member in self._desk.story(story_id).script.head().draft.cast)
        queue.enqueue(ReadCast(story_id=story_id, num_faces=number, weights=self._desk.weights_hash))

    def ensure_looked_at(self, story_id: str) -> None:
        """As `look_at_faces`, if there is a picture that nobody has looked at and no job that will or could not."""
        story = self._desk.story(story_id)
        readings = story.readings.cast()
        faces = [face for member in story.script.head().draft.cast for face in member.faces]
        tried = any(job.kind == "read-cast" for job in self._desk.queue.snapshot().of_story(story_id))
        if not tried and any(readings.of(face) is None for face in faces):
            self.look_at_faces(story_id)

    # --- test pictures -------------------------------------------------------------------------------------

    def test(self, story_id: str, cast_id: str, *, seed: int | None = None) -> int:
        """Have one picture of the character drawn; the job's id. Raises StoryError for a card without a name."""
        member = self._desk.story(story_id).script.head().draft.member(cast_id)
        if not member.name.strip():
            raise StoryError("give the character a name first")
        if seed is not None and not 0 <= seed <= MAX_SEED:
            raise StoryError(f"seed: choose a whole number from 0 to {MAX_SEED}")
        return self._desk.queue.enqueue(
            self._test_job(story_id, cast_id, new_seed() if seed is None else seed)
        )

    def cost_of_test(self, story_id: str, cast_id: str) -> Cost:
        """What `test` would take."""
        return self._desk.jobs.cost(self._test_job(story_id, cast_id, seed=0))  # as with any seed

    def _test_job(self, story_id: str, cast_id: str, seed: int) -> CharacterTest:
        settings = self._desk.settings
        drawing = Drawing(
            steps=settings.steps,
            width=settings.width,
            height=settings.height,
            guidance_scale=settings.guidance_scale,
        )
        return CharacterTest(
            story_id=story_id, cast_id=cast_id, drawing=drawing, seed=seed, weights=self._desk.weights_hash
        )

    def _change(self, story_id: str, edit: Edit, label: str, base: int | None = None) -> Revision:
        return change(self._desk.story(story_id), edit, label=label, base=base)


def _changed(draft: Draft, member: CastMember, fields: Mapping[str, Any]) -> CastMember:
    """Raises StoryError for an unknown field, a text that is too long, a name that another card has."""
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise StoryError(f'"{unknown[0]}" is no field of a character; the fields are {", ".join(FIELDS)}')
    try:
        changed = CastMember.model_validate({**dict(member), **fields})
    except ValidationError as error:
        raise StoryError(explain(error, CastMember)) from None
    changed = changed.model_copy(update={"name": " ".join(changed.name.split())})
    if member.name.strip() and not changed.name:
        raise StoryError("a character needs a name; remove the card instead")
    key = name_key(changed.name)
    if key and any(name_key(one.name) == key and one.id != member.id for one in draft.cast):
        raise StoryError(f"{changed.name} is in the cast already; give each character their own name")
    return changed


def _with_faces(draft: Draft, member: CastMember, faces: tuple[str, ...]) -> Draft:
    return draft.with_member(member.model_copy(update={"faces": faces}))
