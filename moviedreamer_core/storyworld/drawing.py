"""Frames and clips of the storyworld: background, camera, figures and weather composed into one picture.

Everything is drawn at twice the size and reduced. A camera move never repaints at another scale: whole
pixels of a pan shift the painter's origin, and the rest is a resize from a fractional box, so that moving
edges do not jitter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw

from .brush import STAGE_HEIGHT, STAGE_WIDTH, Brush
from .facts import INDOOR_PLACES, STILL, CameraMove, Figure, Scene
from .figures import draw_figure, framing, head_centre, stature
from .palette import FIGURE_LIGHT
from .places import layout_of, paint_place
from .sky import Number, paint_weather

FRAME_SIZE = (224, 128)
SUPERSAMPLING = 2
PARALLAX_UNITS = 9.0  # sideways step of the nearest layer at camera_x = 1

# How far the camera is in, and the stage height its frame's middle rests on.
_ZOOM = {"wide": 1.0, "medium": 1.5, "close": 2.2}
_MIDDLE = {"wide": 64.0, "medium": 60.0, "close": 58.0}
LEAST_ZOOM, MOST_ZOOM = 0.5, 4.0
# Height of a figure in frame heights, by shot and number of figures (the last entry holds for more).
_FIGURE_HEIGHT = {"wide": (0.42,), "medium": (1.15, 1.15, 1.0, 0.9), "close": (2.45, 1.95, 1.7)}
_ADULT_HEAD = 0.85  # height of an adult's head centre over the ground, in statures
_HALF_WIDTH = 0.2  # of a figure's box, in statures of an adult
_WITH_HAT = 1.07  # height of a figure with hair and hat, in its own statures
_MARGIN = {"wide": 0.08, "medium": 0.16, "close": 0.22}
_STRIDE_PER_SECOND = {"walking": 0.035, "running": 0.07}  # frame widths


@dataclass(frozen=True)
class FigureBox:
    """Edges of a figure in frame widths and heights, from the top left; they may lie outside [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float
    chin: float  # the head is between `top` and this


def draw_frame(
    scene: Scene, *, seconds: Number = 0.0, camera: CameraMove = STILL, size: tuple[int, int] = FRAME_SIZE
) -> Image.Image:
    """The RGB picture of `scene`, `seconds` into its clip, under `camera`.

    `size` is (width, height) in pixels; a bigger one is the same picture, sharper. The same arguments give
    the same bytes. Raises ValueError for a size below 16 pixels or a place that does not exist.
    """
    width, height = size
    if min(size) < 16:
        raise ValueError(
            f"a frame must be at least 16 x 16 pixels, got {width} x {height}; ask for {FRAME_SIZE}"
        )
    zoom = min(max(camera.zoom_per_second**seconds, _least_zoom(scene)), MOST_ZOOM)
    view_width, view_height = SUPERSAMPLING * width, SUPERSAMPLING * height
    pan = camera.pan_per_second * seconds * view_width * (-1 if scene.mirrored else 1)
    whole_pan = 6 * math.floor(pan / 6)  # a multiple of every blur step, so that blurred pixels do not swim
    margin_x, margin_y = _margin(view_width, zoom, pan - whole_pan), _margin(view_height, zoom, 0.0)
    canvas_size = (view_width + 2 * margin_x, view_height + 2 * margin_y)
    frame = (margin_x - whole_pan, margin_y, view_width, view_height)
    canvas = _draw_canvas(scene, canvas_size, frame, seconds)
    picture = _through_camera(
        canvas, (margin_x + pan - whole_pan, margin_y), (view_width, view_height), zoom, size
    )
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if scene.mirrored else picture


def draw_clip(
    scene: Scene,
    *,
    num_frames: int,
    frames_per_second: Number,
    camera: CameraMove = STILL,
    size: tuple[int, int] = FRAME_SIZE,
) -> list[Image.Image]:
    """`num_frames` frames of `scene` in motion; the first one is `draw_frame(scene)`.

    Raises ValueError unless there is at least one frame and a positive rate.
    """
    if num_frames < 1 or not frames_per_second > 0:
        raise ValueError(
            "a clip needs at least 1 frame and a positive rate, "
            f"got {num_frames} frames at {frames_per_second} per second"
        )
    return [
        draw_frame(scene, seconds=i / frames_per_second, camera=camera, size=size) for i in range(num_frames)
    ]


def figure_boxes(scene: Scene) -> tuple[FigureBox, ...]:
    """Where each figure of the still of `scene` stands, in the order of `scene.figures`.

    A box holds the standing body with its hair and hat; arms and what they hold may reach out of it.
    """
    if not scene.figures:
        return ()
    height = _figure_height(scene)
    boxes = []
    for rank, (figure, x) in enumerate(zip(scene.figures, _spread(scene, 0.0), strict=True)):
        feet, tall = _feet_y(scene, figure, height, rank), stature(figure.appearance) * height
        half = _HALF_WIDTH * height * STAGE_HEIGHT / STAGE_WIDTH
        middle = 1 - x if scene.mirrored else x
        head = feet - head_centre(figure.appearance) * height
        top = feet - _WITH_HAT * tall
        boxes.append(FigureBox(middle - half, top, middle + half, feet, chin=2 * head - (feet - tall)))
    return tuple(boxes)


def _figure_height(scene: Scene) -> float:
    """Height of an adult in frame heights."""
    heights = _FIGURE_HEIGHT[scene.shot]
    return heights[min(len(scene.figures), len(heights)) - 1]


def _least_zoom(scene: Scene) -> float:
    """How far the camera may zoom out: never so far that a figure is posed for another shot size."""
    if not scene.figures or scene.shot == "wide":
        return LEAST_ZOOM
    height, zoom = _figure_height(scene), 1.0
    while zoom > LEAST_ZOOM and framing(height * zoom, 1) == framing(height, 1):
        zoom -= 0.01
    return zoom + 0.01


def _margin(length: int, zoom: Number, shift: Number) -> int:
    """Canvas pixels needed beyond the frame on either side, a multiple of 6 (see `whole_pan`)."""
    needed = max(0.0, length * (1 / zoom - 1) / 2) + abs(shift)
    return 6 * math.ceil(needed / 6)


def _through_camera(
    canvas: Image.Image,
    corner: tuple[Number, Number],
    view: tuple[int, int],
    zoom: Number,
    size: tuple[int, int],
) -> Image.Image:
    if zoom == 1 and corner[0] == int(corner[0]):
        left, top = int(corner[0]), int(corner[1])
        return canvas.reduce(SUPERSAMPLING, (left, top, left + view[0], top + view[1]))
    half_width, half_height = view[0] / zoom / 2, view[1] / zoom / 2
    x, y = corner[0] + view[0] / 2, corner[1] + view[1] / 2
    box = (x - half_width, y - half_height, x + half_width, y + half_height)
    return canvas.resize(size, Image.Resampling.HAMMING, box=box)


def _draw_canvas(
    scene: Scene, canvas_size: tuple[int, int], frame: tuple[Number, Number, Number, Number], seconds: Number
) -> Image.Image:
    canvas = Image.new("RGB", canvas_size)
    brush = _paint_background(scene, canvas, frame, seconds)
    outdoors = scene.place not in INDOOR_PLACES
    if outdoors and scene.place != "cave":
        paint_weather(brush, share=0.6)
    _draw_figures(scene, canvas, frame, seconds)
    if outdoors and scene.place != "cave":
        paint_weather(brush, share=0.4, offset=54)
    return canvas


def _paint_background(
    scene: Scene, canvas: Image.Image, frame: tuple[Number, Number, Number, Number], seconds: Number
) -> Brush:
    layout = layout_of(scene.place, scene.layout_seed)
    left, top, width, height = frame
    zoom = _ZOOM[scene.shot]
    scale = height / STAGE_HEIGHT * zoom
    brush = Brush(
        canvas,
        scale=scale,
        origin=(left + width / 2 - STAGE_WIDTH / 2 * scale, top + height / 2 - _MIDDLE[scene.shot] * scale),
        frame=frame,
        time=scene.time,
        weather=scene.weather,
        shot=scene.shot,
        indoors=scene.place in INDOOR_PLACES,
        flipped=layout.flipped,
        parallax=PARALLAX_UNITS * scene.camera_x,
        seconds=seconds,
        seed=layout.detail_seed,
        accent=layout.accent_rgb,
        form=layout.form,
    )
    paint_place(scene.place, brush)
    if scene.shot == "close":  # the lens is focused on the face
        step = max(1, round(3 * height / 256))
        box = (0, 0, canvas.width / step, canvas.height / step)
        canvas.paste(canvas.reduce(step).resize(canvas.size, Image.Resampling.BILINEAR, box=box))
    return brush


def _draw_figures(
    scene: Scene, canvas: Image.Image, frame: tuple[Number, Number, Number, Number], seconds: Number
) -> None:
    left, top, width, height = frame
    draw = ImageDraw.Draw(canvas)
    if not scene.figures:
        return
    height_px = _figure_height(scene) * height
    for rank, (figure, x) in enumerate(zip(scene.figures, _spread(scene, seconds), strict=True)):
        feet = (left + x * width, top + _feet_y(scene, figure, height_px / height, rank) * height)
        draw_figure(
            draw, figure, feet=feet, height_px=height_px, light=FIGURE_LIGHT[scene.time], seconds=seconds
        )


def _feet_y(scene: Scene, figure: Figure, height: Number, rank: int) -> float:
    """Where the feet stand, in frame heights from the top; closer shots lift short people's faces into
    view.
    """
    if scene.shot == "wide":
        return 0.90 + 0.02 * (rank % 2)
    head = head_centre(figure.appearance) * height
    shorter = (_ADULT_HEAD - head_centre(figure.appearance)) * height
    if scene.shot == "medium":
        return 0.34 + head + 0.6 * shorter
    others = len(scene.figures) - 1  # the more faces, the more of the place must show above them
    return 0.48 + 0.035 * min(others, 2) + head + (min(0.12, 0.3 * shorter) if others else 0.0)


def _spread(scene: Scene, seconds: Number) -> list[float]:
    """Sideways places of the figures in frame widths: where the scene wants them, but apart and inside the
    frame.
    """
    margin, count = _MARGIN[scene.shot], len(scene.figures)
    margin = margin if count < 3 else 0.75 * margin
    room = 1 - 2 * margin
    apart = min({"wide": 0.13, "medium": 0.30, "close": 0.40}[scene.shot], room / max(1, count - 1))
    order = sorted(range(count), key=lambda i: (scene.figures[i].x, i))
    placed = [min(max(scene.figures[i].x, margin), 1 - margin) for i in order]
    for k in range(1, count):
        placed[k] = max(placed[k], placed[k - 1] + apart)
    placed[-1:] = [min(placed[-1], 1 - margin)]
    for k in range(count - 2, -1, -1):
        placed[k] = min(placed[k], placed[k + 1] - apart)
    result = [0.0] * count
    for i, x in zip(order, placed, strict=True):
        result[i] = _walk(scene.figures[i], x, margin, seconds)
    return result


def _walk(figure: Figure, x: Number, margin: Number, seconds: Number) -> float:
    walked = x + figure.facing * _STRIDE_PER_SECOND.get(figure.action, 0.0) * seconds
    return min(max(walked, min(x, 0.5 * margin)), max(x, 1 - 0.5 * margin))
