"""What each action does with a body: where hips, hands and feet are, and what is held.

Body units: an adult's chin is at y = 0.7 over the ground at y = 0, hips at 0.36; x points to the side faced.
Places near the head are given in head radii and converted, since a child's head is larger for its body.
All motion is periodic in `seconds` and starts from the pose of the still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from moviedreamer_core.storyworld.palette import Number
from moviedreamer_core.storyworld.pen import Point

CHIN_Y, HIP_Y, SHOULDER_Y = 0.70, 0.36, 0.652


@dataclass(frozen=True, kw_only=True)
class Pose:
    """A body at one instant. Pairs are (rear limb, front limb), front being the side faced.

    Hands are in the frame of the trunk, which leans and moves with the hips; feet are in that of the ground.
    """

    hands: tuple[Point, Point] = ((-0.168, 0.375), (0.168, 0.375))
    elbows: tuple[int, int] = (-1, 1)  # which way each elbow bends: 1 counter-clockwise of shoulder -> hand
    layers: tuple[str, str] = ("over", "over")  # arms: behind the trunk, over it, or in front of the face
    feet: tuple[Point, Point] = ((-0.062, 0.0), (0.062, 0.0))
    hip: Point = (0.0, HIP_Y)
    lean: Number = 0.0  # degrees forward
    tilt: Number = 0.0  # degrees the head turns forward, more than the trunk
    seated: bool = False
    lifted: Number = 0.0  # how far the feet are off the ground
    eyes_closed: bool = False
    gaze: Point = (0.0, 0.0)  # where the pupils look, -1..1
    fingers: tuple[str, str] = ("fist", "fist")  # fist, open or index


@dataclass(frozen=True, kw_only=True)
class Instant:
    """What a pose depends on besides its action."""

    seconds: Number
    shot: str  # the framing: props rise into view in medium and close shots
    head_radius: Number  # in body units

    def wave(self, per_second: Number, phase: Number = 0.0) -> float:
        """sin of a motion repeated `per_second`, in -1..1; `phase` in turns."""
        return math.sin(2 * math.pi * (per_second * self.seconds + phase))

    def swing(self, per_second: Number) -> float:
        """A motion that starts at its extreme, 1."""
        return self.wave(per_second, 0.25)

    def by_head(self, x: Number, y: Number) -> Point:
        """A point in head radii from the centre of the head, in body units."""
        return x * self.head_radius, CHIN_Y + self.head_radius * (1 + y)

    @property
    def is_close(self) -> bool:
        return self.shot == "close"


def _standing(now: Instant) -> Pose:
    breath = 0.004 * now.wave(0.3)
    return Pose(hands=((-0.168, 0.375 + breath), (0.168, 0.375 + breath)), hip=(0.0, HIP_Y + breath))


def _walking(now: Instant) -> Pose:
    stride, lift = -now.swing(1.0), -now.wave(1.0)
    rear_foot = (-0.125 * stride, max(0.0, 0.05 * lift))
    front_foot = (0.125 * stride, max(0.0, -0.05 * lift))
    hip = (0.0, HIP_Y - 0.012 + 0.012 * math.cos(4 * math.pi * (now.seconds + 0.25)))
    hands = ((-0.12 + 0.13 * stride, 0.43), (0.12 - 0.13 * stride, 0.45))
    if now.is_close:
        hands = ((-0.24, 0.50), (0.20 - 0.04 * stride, 0.655 - 0.02 * stride))
    return Pose(
        hands=hands,
        elbows=(-1, -1),
        layers=("over", "behind"),
        feet=(rear_foot, front_foot),
        hip=hip,
        lean=5,
        tilt=2,
    )


def _running(now: Instant) -> Pose:
    stride, lift = -now.swing(1.6), -now.wave(1.6)
    rear_foot = (-0.02 - 0.21 * stride, 0.09 + 0.06 * stride + 0.07 * lift)
    front_foot = (-0.02 + 0.23 * stride, 0.09 - 0.05 * stride - 0.07 * lift)
    hands = ((-0.04 + 0.22 * stride, 0.53), (0.06 - 0.22 * stride, 0.57))
    if now.is_close:
        hands = ((-0.28, 0.66 + 0.03 * stride), (0.20 - 0.02 * stride, 0.70 - 0.03 * stride))
    hip = (-0.03, HIP_Y + 0.02 + 0.02 * now.wave(3.2))
    layers = ("over", "over" if now.is_close else "behind")
    feet = (rear_foot, front_foot)
    return Pose(
        hands=hands, elbows=(-1, -1), layers=layers, feet=feet, hip=hip, lean=15, tilt=-6, lifted=0.02
    )


def _waving(now: Instant) -> Pose:
    side = (1.32 if now.is_close else 1.85) + 0.2 * now.wave(1.5)
    height = -0.2 if now.is_close else 0.3
    return Pose(
        hands=(now.by_head(-side, height + 0.05 * now.swing(1.5)), (0.168, 0.375)),
        elbows=(1, 1),
        layers=("front", "over"),
        tilt=-4,
        fingers=("open", "fist"),
    )


def _sitting(now: Instant) -> Pose:
    hip_y = {"wide": 0.215, "medium": 0.27, "close": HIP_Y}[now.shot]
    breath = 0.004 * now.wave(0.3)
    drop = HIP_Y - hip_y
    return Pose(
        hands=((0.03, 0.40 + breath), (0.15, 0.40 + breath)),
        elbows=(-1, 1),
        feet=((0.12, -drop * 0.3 if now.shot == "medium" else 0.0), (0.185, 0.0)),
        hip=(-0.06, hip_y),
        seated=True,
    )


def _jumping(now: Instant) -> Pose:
    height = (0.06 + 0.13 * abs(now.swing(0.8))) * {"wide": 1.0, "medium": 0.5, "close": 0.2}[now.shot]
    side = 1.42 if now.is_close else 1.85
    return Pose(
        hands=(now.by_head(-side, -0.5), now.by_head(side, -0.5)),
        elbows=(1, -1),
        feet=((-0.13, height + 0.05), (0.13, height + 0.02)),
        hip=(0.0, HIP_Y - 0.05 + height),
        lifted=height,
        fingers=("open", "open"),
        gaze=(0.0, 0.3),
    )


def _dancing(now: Instant) -> Pose:
    sway = now.swing(0.7)
    high, low = (now.by_head(-1.3, 0.5 + 0.2 * sway), now.by_head(1.35, -0.9 + 0.2 * sway))
    if not now.is_close:
        high, low = now.by_head(-1.5, 0.95 + 0.2 * sway), now.by_head(1.9, -1.25 + 0.3 * sway)
    return Pose(
        hands=(high, low),
        elbows=(1, -1),
        layers=("front", "over"),
        feet=((-0.07, 0.0), (0.16 + 0.05 * sway, 0.05 + 0.03 * sway)),
        hip=(-0.035 * sway, HIP_Y - 0.015),
        lean=-7 * sway,
        tilt=13 * sway,
        fingers=("open", "open"),
    )


def _reading(now: Instant) -> Pose:
    x, y = book_centre(now)
    return Pose(
        hands=((x - 0.125, y - 0.02), (x + 0.125, y - 0.02)),
        elbows=(-1, -1) if now.is_close else (-1, 1),
        tilt=5,
        gaze=(0.2, -0.9),
    )


def _eating(now: Instant) -> Pose:
    x, y = food_centre(now)
    return Pose(
        hands=((-0.168, 0.375), (x + 0.035, y - 0.03)), elbows=(-1, -1), layers=("over", "front"), tilt=3
    )


def _sleeping(now: Instant) -> Pose:
    breath = 0.006 * now.wave(0.25)
    if now.shot != "wide":
        return Pose(hip=(0.0, HIP_Y + breath), lean=-6, tilt=20, eyes_closed=True)
    return Pose(
        hands=((0.02, 0.40 + breath), (0.10, 0.40 + breath)),
        elbows=(-1, 1),
        feet=((0.31, 0.03), (0.36, 0.0)),
        hip=(-0.05, 0.075),
        lean=-14,
        tilt=30,
        seated=True,
        eyes_closed=True,
    )


def _pointing(now: Instant) -> Pose:
    reach = 0.015 * now.wave(0.8)
    hand = now.by_head(1.4 + reach, -0.6) if now.is_close else (0.36 + reach, 0.69)
    return Pose(
        hands=((-0.168, 0.375), hand),
        elbows=(-1, -1),
        layers=("over", "front"),
        fingers=("fist", "index"),
        gaze=(0.9, 0.0),
        lean=2,
    )


def _cheering(now: Instant) -> Pose:
    pump = 0.12 * now.wave(1.6)
    side, height = (1.28, 0.5) if now.is_close else (1.45, 1.05)
    return Pose(
        hands=(now.by_head(-side, height + pump), now.by_head(side, height - pump)),
        elbows=(1, -1),
        layers=("front", "front"),
        feet=((-0.08, 0.0), (0.08, 0.0)),
    )


def _carrying(now: Instant) -> Pose:
    x, y = box_centre(now)
    return Pose(
        hands=((x - 0.13, y - 0.07), (x + 0.13, y - 0.07)),
        elbows=(-1, 1),
        feet=((-0.085, 0.0), (0.085, 0.0)),
        hip=(-0.015, HIP_Y - 0.01),
        lean=-4,
    )


def _phoning(now: Instant) -> Pose:
    gesture = now.wave(0.5)
    front = (0.168, 0.375) if now.shot == "wide" else (0.19, 0.45 + 0.02 * gesture)
    return Pose(
        hands=(now.by_head(-1.14, -0.46), front), elbows=(1, 1), layers=("front", "over"), tilt=-6 - gesture
    )


def book_centre(now: Instant) -> Point:
    """Where an open book is held: lifted under the chin in close shots."""
    breath = 0.004 * now.wave(0.3)
    return (0.03, 0.652 + breath) if now.is_close else (0.03, 0.53 + breath)


def food_centre(now: Instant) -> Point:
    """Where food is held, moving from the mouth and back."""
    away = 0.12 * (1 - now.swing(0.6))
    return now.by_head(0.72 + away, -0.72 - away)


def box_centre(now: Instant) -> Point:
    """Where a big box is carried: hugged under the chin in close shots."""
    return (0.03, (0.605 if now.is_close else 0.49) + 0.006 * now.wave(0.6))


_POSES = {
    "standing": _standing, "walking": _walking, "running": _running, "waving": _waving, "sitting": _sitting,
    "jumping": _jumping, "dancing": _dancing, "reading": _reading, "eating": _eating, "sleeping": _sleeping,
    "pointing": _pointing, "cheering": _cheering, "carrying": _carrying, "phoning": _phoning,
}  # fmt: skip


def pose_of(action: str, now: Instant) -> Pose:
    """The pose of one of `facts.ACTIONS` at an instant; a close shot keeps the head where it looks."""
    pose = _POSES[action](now)
    if not now.is_close:
        return pose
    lean = 0.6 * pose.lean
    hip_x = -(CHIN_Y + now.head_radius - HIP_Y) * math.sin(math.radians(lean))
    return replace(pose, lean=lean, hip=(hip_x, pose.hip[1]))


def bend(start: Point, end: Point, upper: Number, lower: Number, side: int) -> Point:
    """The elbow or knee between `start` and `end` for bones of the two lengths; halfway when out of reach.

    `side` is 1 for a joint counter-clockwise of the way from start to end, -1 for clockwise.
    """
    dx, dy = end[0] - start[0], end[1] - start[1]
    distance = math.hypot(dx, dy)
    if distance >= upper + lower or distance < 1e-6:
        return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    off = side * math.sqrt(max(0.0, upper**2 - along**2)) / distance
    share = along / distance
    return start[0] + dx * share - dy * off, start[1] + dy * share + dx * off
