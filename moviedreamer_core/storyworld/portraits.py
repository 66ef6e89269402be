"""Head-and-shoulders portraits of characters: the reference faces of the face bank.

Drawn by the same code as the figures of the frames. The varied kind differs in mood, light, ground and
camera, so that what a face encoder can rely on is the person: skin, hair, glasses, beard, hat.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFilter

from moviedreamer_core.storyworld.facts import EXPRESSIONS, Appearance, Figure
from moviedreamer_core.storyworld.figures import BLINK_AT_SECONDS, draw_figure, head_centre
from moviedreamer_core.storyworld.palette import RGB, Light

SUPERSAMPLING = 2
HEAD_RADIUS_SHARE, HEAD_X_SHARE, HEAD_Y_SHARE = 0.27, 0.5, 0.55  # of the portrait's side
ADULT_HEAD_RADIUS = 0.15  # of an adult's height: sets the scale at which the head has its share
CALM_GROUND: tuple[RGB, RGB] = ((214, 230, 242), (240, 234, 222))
DAYLIGHT = Light(multiply=(1.0, 1.0, 1.0))
BLINK_PROBABILITY, BLUR_PROBABILITY, JPEG_PROBABILITY = 0.08, 0.4, 0.5


@dataclass(frozen=True, kw_only=True)
class _Sitting:
    """How one portrait is taken. `dx`, `dy` and `scale` move the head, as shares of the portrait's side."""

    expression: str = "calm"
    facing: int = 1
    seconds: float = 0.0
    light: Light = DAYLIGHT
    ground: tuple[RGB, RGB] = CALM_GROUND
    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    tilt_degrees: float = 0.0


def draw_portrait(
    appearance: Appearance, *, rng: np.random.Generator, size_px: int = 96, varied: bool = True
) -> Image.Image:
    """An RGB portrait of `size_px` x `size_px`.

    With `varied`, mood, light, ground, pose and picture quality are drawn from `rng`; without, it is the one
    canonical portrait of the character and `rng` is not used.

    Raises ValueError if `size_px` is less than 16, at which no face can be told.
    """
    if size_px < 16:
        raise ValueError(f"size_px must be at least 16 for a face to be seen, got {size_px}")
    if not varied:
        return _take(appearance, _Sitting(), size_px)
    return _age_picture(_take(appearance, _draw_sitting(rng), size_px), rng)


def _draw_sitting(rng: np.random.Generator) -> _Sitting:
    brightness, tint = rng.uniform(0.72, 1.1), rng.uniform(0.9, 1.1, size=3)
    red, green, blue = (float(min(1.15, brightness * gain)) for gain in tint)
    lift = int(rng.integers(0, 16))
    top, bottom = (tuple(int(value) for value in rng.integers(16, 246, size=3)) for _ in range(2))
    return _Sitting(
        expression=EXPRESSIONS[int(rng.integers(len(EXPRESSIONS)))],
        facing=int(rng.choice((-1, 1))),
        seconds=BLINK_AT_SECONDS if rng.random() < BLINK_PROBABILITY else 0.0,
        light=Light(multiply=(red, green, blue), ambient=(lift, lift, lift)),
        ground=((top[0], top[1], top[2]), (bottom[0], bottom[1], bottom[2])),
        dx=float(rng.uniform(-0.07, 0.07)),
        dy=float(rng.uniform(-0.06, 0.07)),
        scale=float(rng.uniform(0.85, 1.3)),
        tilt_degrees=float(rng.normal(0.0, 6.0)),
    )


def _take(appearance: Appearance, sitting: _Sitting, size_px: int) -> Image.Image:
    """Draw at twice the size, tilt about the head, and reduce."""
    side = SUPERSAMPLING * size_px
    image = _gradient(sitting.ground, side)
    height_px = HEAD_RADIUS_SHARE * sitting.scale * side / ADULT_HEAD_RADIUS
    head_x, head_y = (HEAD_X_SHARE + sitting.dx) * side, (HEAD_Y_SHARE + sitting.dy) * side
    figure = Figure(
        character=0,
        appearance=appearance,
        action="standing",
        expression=sitting.expression,
        x=0.5,
        facing=sitting.facing,
    )
    draw_figure(
        ImageDraw.Draw(image),
        figure,
        feet=(head_x, head_y + head_centre(appearance) * height_px),
        height_px=height_px,
        light=sitting.light,
        seconds=sitting.seconds,
    )
    if sitting.tilt_degrees:
        image = image.rotate(
            sitting.tilt_degrees,
            Image.Resampling.BILINEAR,
            center=(head_x, head_y),
            fillcolor=sitting.ground[1],
        )
    return image.resize((size_px, size_px), Image.Resampling.BOX)


def _gradient(ground: tuple[RGB, RGB], side: int) -> Image.Image:
    """A square that fades from the first colour at the top to the second at the bottom."""
    column = Image.new("RGB", (1, 2))
    column.putpixel((0, 0), ground[0])
    column.putpixel((0, 1), ground[1])
    return column.resize((side, side), Image.Resampling.BILINEAR)


def _age_picture(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """What a camera does to a face: side light, gamma, blur, grain and compression."""
    if rng.random() < BLUR_PROBABILITY:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.1)) * image.width / 96))
    pixels: Float[np.ndarray, "S S 3"] = np.asarray(image, dtype=np.float32) / 255
    pixels = pixels ** float(rng.uniform(0.8, 1.25))
    pixels = pixels * _side_light(image.width, rng)[..., None]
    pixels = pixels + rng.normal(0.0, rng.uniform(0.0, 0.03), size=pixels.shape)
    image = Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8))
    if rng.random() < JPEG_PROBABILITY:
        image = _compress(image, quality=int(rng.integers(35, 90)))
    return image


def _side_light(side: int, rng: np.random.Generator) -> Float[np.ndarray, "S S"]:
    """Gains around 1 that fall off across the picture in a random direction."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.25)
    across = np.linspace(-1, 1, side, dtype=np.float32)
    return 1 + strength * (np.cos(angle) * across[None, :] + np.sin(angle) * across[:, None])


def _compress(image: Image.Image, *, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    buffer.seek(0)
    return Image.open(buffer).convert("RGB")
