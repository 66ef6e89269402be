"""Episodes of the storyworld, drawn and written once and kept on disk.

E episodes, K keyframes each, C cast places (of which an episode uses 2 to 4), P portraits per character.
Drawing is deterministic, so a killed preparation goes on where it stopped and two machines get the same data.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from moviedreamer_core.atomic import write_text
from moviedreamer_core.errors import WeightsError
from moviedreamer_core.names import anonymise
from moviedreamer_core.script import (
    Element,
    ElementKind,
    keyframe_elements,
    sentence_owners,
    spoken_sentences,
)
from moviedreamer_core.storyworld.drawing import FRAME_SIZE, draw_frame
from moviedreamer_core.storyworld.episodes import Episode, sample_episode
from moviedreamer_core.storyworld.facts import Appearance
from moviedreamer_core.storyworld.portraits import draw_portrait

MAX_CAST, PORTRAITS, PORTRAIT_PX = 4, 4, 64
FRAMES, PICTURES, SCRIPTS, CASTS = "frames.npy", "portraits.npy", "scripts.jsonl", "casts.jsonl"
STATE = "done.json"  # how many episodes are whole in all four


@dataclass(frozen=True, kw_only=True)
class WorldFrames:
    """Frames uint8 [E * K, height, width, 3] and portraits uint8 [E, C, P, 64, 64, 3] of one split, on disk.

    What is on disk can be read once `prepare` is through; before, reading raises WeightsError.
    """

    folder: Path
    split: str
    num_episodes: int
    num_keyframes: int = 16
    size: tuple[int, int] = FRAME_SIZE  # width, height
    twice: bool = False  # every story two times, see `training_episode`

    @property
    def num_frames(self) -> int:
        return self.num_episodes * self.num_keyframes

    @property
    def path(self) -> Path:
        numbers = f"{self.num_episodes}x{self.num_keyframes}-{self.size[0]}x{self.size[1]}"
        return self.folder / f"{self.split}-{numbers}{'-twice' * self.twice}"

    @cached_property
    def frames(self) -> np.ndarray:
        return np.load(self._whole(FRAMES), mmap_mode="r")

    @cached_property
    def portraits(self) -> np.ndarray:
        return np.load(self._whole(PICTURES), mmap_mode="r")

    def episode(self, index: int) -> Episode:
        """Episode `index` of the split; odd ones are mirrored (the paper's horizontal flip)."""
        return training_episode(self.split, index, self.num_keyframes, twice=self.twice)

    @cached_property
    def scripts(self) -> list[FrameScript]:
        """One for each frame, in order."""
        with open(self._whole(SCRIPTS)) as file:
            return [FrameScript.from_row(row) for line in file for row in json.loads(line)]

    @cached_property
    def casts(self) -> list[list[dict[str, object]]]:
        """Per episode, the traits of every cast member (the fields of `Appearance`)."""
        with open(self._whole(CASTS)) as file:
            return [json.loads(line) for line in file]

    def prepare(self, *, processes: int = 2) -> Iterator[tuple[int, int]]:
        """Draw what is missing; yields (episodes done, of total), nothing if nothing is missing."""
        done = self._num_done()
        self._check_storyworld(done)
        if done >= self.num_episodes:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        if done == 0:
            (self.path / STATE).unlink(missing_ok=True)  # a file beside it may be gone
        frames = self._open(FRAMES, (self.num_frames, self.size[1], self.size[0], 3))
        portraits = self._open(
            PICTURES, (self.num_episodes, MAX_CAST, PORTRAITS, PORTRAIT_PX, PORTRAIT_PX, 3)
        )
        self._cut_text(done)
        tasks = [
            (self.split, index, self.num_keyframes, self.size, self.twice)
            for index in range(done, self.num_episodes)
        ]
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            for drawn in pool.imap(_draw_episode, tasks, chunksize=4):
                index = drawn.index
                frames[index * self.num_keyframes : (index + 1) * self.num_keyframes] = drawn.frames
                portraits[index, : len(drawn.portraits)] = drawn.portraits
                self._append(SCRIPTS, [script.to_row() for script in drawn.scripts])
                self._append(CASTS, drawn.cast)
                if (index + 1) % 100 == 0 or index + 1 == self.num_episodes:
                    frames.flush()
                    portraits.flush()
                    write_text(self.path / STATE, json.dumps({"episodes": index + 1}))
                    yield index + 1, self.num_episodes

    def _num_done(self) -> int:
        """How many episodes need not be drawn again; none if any of the files is gone."""
        if not all((self.path / name).exists() for name in (FRAMES, PICTURES, SCRIPTS, CASTS, STATE)):
            return 0
        return int(json.loads((self.path / STATE).read_text())["episodes"])

    def _whole(self, name: str) -> Path:
        """The path of that file. Raises WeightsError unless every episode is in it."""
        done = self._num_done()
        if done < self.num_episodes:
            raise WeightsError(
                f"{self.path / name}: {done} of {self.num_episodes} episodes; train the stage data first"
            )
        self._check_storyworld(done)
        return self.path / name

    def _check_storyworld(self, done: int) -> None:
        """Raise WeightsError unless today's storyworld draws and tells the last of the `done` episodes as on disk.

        What is true of a frame is asked of the storyworld again, not of the disk.
        """
        if not done:
            return
        last = done * self.num_keyframes - 1
        episode = self.episode(done - 1)
        told = json.loads((self.path / SCRIPTS).read_text().splitlines()[done - 1])[-1]
        script = json.loads(json.dumps(frame_script(episode, self.num_keyframes - 1).to_row()))
        frame = np.load(self.path / FRAMES, mmap_mode="r")[last]
        if script != told or not np.array_equal(
            np.asarray(draw_frame(episode.scenes[-1], size=self.size)), frame
        ):
            raise WeightsError(
                f"{self.path}: drawn by another version of the storyworld; delete it and train the stage data again"
            )

    def _open(self, name: str, shape: tuple[int, ...]) -> np.memmap:
        path = self.path / name
        if path.exists():
            return np.load(path, mmap_mode="r+")
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)

    def _append(self, name: str, row: object) -> None:
        with open(self.path / name, "a") as file:
            file.write(json.dumps(row) + "\n")

    def _cut_text(self, episodes: int) -> None:
        """Drop the lines of episodes whose arrays were not flushed before a kill."""
        for name in (SCRIPTS, CASTS):
            path = self.path / name
            lines = path.read_text().splitlines(keepends=True)[:episodes] if path.exists() else []
            write_text(path, "".join(lines))


@dataclass(frozen=True)
class FrameScript:
    """The script of one frame: its layout, what the text encoder reads, the facts that says, who is in it."""

    elements: tuple[Element, ...]
    spoken: tuple[str, ...]  # anonymised, one for each SENTENCE element
    facts: tuple[tuple[tuple[str, str], ...], ...]  # per sentence: (slot, value)
    cast: tuple[int, ...]  # index into the episode's cast, in script order

    def to_row(self) -> list[object]:
        return [[(e.kind.value, e.text) for e in self.elements], self.spoken, self.facts, self.cast]

    @classmethod
    def from_row(cls, row: list) -> FrameScript:
        elements, spoken, facts, cast = row
        return cls(
            tuple(Element(ElementKind(kind), text) for kind, text in elements),
            tuple(spoken),
            tuple(tuple((slot, value) for slot, value in stated) for stated in facts),
            tuple(cast),
        )


@dataclass(frozen=True)
class _DrawnEpisode:
    index: int
    frames: np.ndarray
    portraits: np.ndarray
    scripts: list[FrameScript]
    cast: list[dict[str, object]]


def training_episode(split: str, index: int, num_keyframes: int, *, twice: bool = False) -> Episode:
    """The episode that training sees under this index: every second one mirrored from left to right.

    With `twice` these are the same stories again: 2i is story i as it is, 2i + 1 is story i mirrored.
    """
    number = index // 2 if twice else index
    return sample_episode(split, number, num_keyframes=num_keyframes, mirrored=index % 2 == 1)


def training_portraits(episode: Episode, number: int) -> np.ndarray:
    """uint8 [cast, P, 64, 64, 3] the portraits of the cast of story `number`: the same, mirrored or not."""
    rng = np.random.default_rng([number, 77])
    return np.stack([[_portrait(person, rng) for _ in range(PORTRAITS)] for person in episode.cast])


def frame_script(episode: Episode, keyframe: int) -> FrameScript:
    """The script of keyframe `keyframe` (0-based) with the facts of each sentence.

    A sentence about one person counts that person as the first; here the facts carry the person's position in
    the frame, as the text does.
    """
    cast = tuple(figure.character for figure in episode.scenes[keyframe].figures)
    names = tuple(episode.names[member] for member in cast)
    elements = keyframe_elements(episode.story, keyframe + 1)
    spoken = tuple(anonymise(text, names) for text in spoken_sentences(elements, names))
    facts = tuple(
        said.facts if owner is None else _numbered(said.facts, owner + 1)
        for owner, said in zip(sentence_owners(elements), episode.said[keyframe], strict=True)
    )
    return FrameScript(elements, spoken, facts, cast)


def _numbered(facts: tuple[tuple[str, str], ...], person: int) -> tuple[tuple[str, str], ...]:
    return tuple((slot.replace("1.", f"{person}.", 1), value) for slot, value in facts)


def _draw_episode(task: tuple[str, int, int, tuple[int, int], bool]) -> _DrawnEpisode:
    split, index, num_keyframes, size, twice = task
    episode = training_episode(split, index, num_keyframes, twice=twice)
    return _DrawnEpisode(
        index,
        frames=np.stack([np.asarray(draw_frame(scene, size=size)) for scene in episode.scenes]),
        portraits=training_portraits(episode, index // 2 if twice else index),
        scripts=[frame_script(episode, keyframe) for keyframe in range(num_keyframes)],
        cast=[dataclasses.asdict(person) for person in episode.cast],
    )


def _portrait(appearance: Appearance, rng: np.random.Generator) -> np.ndarray:
    portrait = draw_portrait(appearance, rng=rng, size_px=96)
    return np.asarray(portrait.resize((PORTRAIT_PX, PORTRAIT_PX), Image.Resampling.BILINEAR))
