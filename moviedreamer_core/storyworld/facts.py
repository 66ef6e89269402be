"""The facts of the storyworld: what can be true of a frame. Everything else draws or says these facts."""

from __future__ import annotations

from dataclasses import dataclass

PLACES = (
    "beach", "lighthouse", "harbour", "forest", "park", "mountain", "desert", "farm", "castle",
    "street", "market", "station", "kitchen", "bedroom", "library", "cafe", "cave", "ship",
)  # fmt: skip
INDOOR_PLACES = ("kitchen", "bedroom", "library", "cafe")  # sky and weather show through windows
TIMES = ("dawn", "day", "sunset", "night")
WEATHERS = ("clear", "rain", "snow")
SHOTS = ("wide", "medium", "close")
ACTIONS = (
    "standing", "walking", "running", "waving", "sitting", "jumping", "dancing",
    "reading", "eating", "sleeping", "pointing", "cheering", "carrying", "phoning",
)  # fmt: skip
EXPRESSIONS = ("calm", "happy", "sad", "angry", "surprised", "afraid")

GENDERS = ("woman", "man")
AGES = ("child", "adult", "old")
SKINS = ("pale", "light", "tan", "brown", "dark")
HAIR_COLOURS = ("black", "brown", "blonde", "red", "grey", "blue", "pink")
HAIR_STYLES = ("short", "long", "curly", "bun", "ponytail", "spiky", "bald")
HATS = ("none", "cap", "beanie", "brimmed")
BEARDS = ("none", "moustache", "beard")
OUTFITS = ("shirt", "striped", "coat", "dress", "overalls")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "black")  # outfits and hats


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """What makes a character the same person; constant through an episode."""

    gender: str
    age: str
    skin: str
    hair_colour: str
    hair_style: str
    hat: str
    hat_colour: str
    glasses: bool
    beard: str
    outfit: str
    outfit_colour: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One character in one frame. `x` in [0, 1] across the frame; `facing` is -1 (left) or 1 (right)."""

    character: int  # index into the episode's cast
    appearance: Appearance
    action: str
    expression: str
    x: float
    facing: int = 1


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that is true of one frame. `layout_seed` fixes the place's arrangement (constant per
    episode and place); `mirrored` draws it flipped left-right; figures are listed in script
    order, which is from left to right in the picture."""

    place: str
    layout_seed: int
    time: str
    weather: str
    shot: str
    figures: tuple[Figure, ...]
    camera_x: float = 0.0  # -1 .. 1: the camera stands a little left or right (parallax of the background)
    mirrored: bool = False


@dataclass(frozen=True, kw_only=True)
class CameraMove:
    """Motion of a clip, per second: pan in frame widths (positive: camera to the right), zoom as a factor."""

    pan_per_second: float = 0.0
    zoom_per_second: float = 1.0


STILL = CameraMove()
