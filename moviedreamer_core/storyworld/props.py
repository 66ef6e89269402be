"""What an action adds to a body: furniture behind it, the thing it holds, a cartoonist's marks."""

from __future__ import annotations

from moviedreamer_core.storyworld.palette import Number
from moviedreamer_core.storyworld.pen import Pen, Point, arc, edge_of, shade_of
from moviedreamer_core.storyworld.poses import Instant, book_centre, box_centre, food_centre

WOOD, PILLOW, PAGE, COVER = (156, 104, 62), (222, 228, 248), (255, 252, 238), (20, 128, 132)
CARDBOARD, TAPE, PHONE, SCREEN = (204, 158, 102), (238, 212, 160), (34, 36, 50), (120, 220, 250)
BUN, LETTUCE, PATTY = (228, 158, 70), (104, 190, 62), (112, 58, 34)
MARK, MARK_EDGE = (255, 252, 240), (70, 54, 96)


def draw_behind(ground: Pen, head: Pen, action: str, now: Instant) -> None:
    """Furniture and marks behind the person."""
    if action == "sitting":
        _draw_chair(ground, now)
    elif action == "sleeping":
        _draw_pillow(ground, head, now)
    elif action in ("running", "walking"):
        _draw_speed(ground, head, now, fast=action == "running")


def draw_held(trunk: Pen, head: Pen, action: str, now: Instant) -> None:
    """What is in the hands, drawn after the arms and before the hands."""
    if action == "reading":
        _draw_book(trunk, book_centre(now))
    elif action == "carrying":
        _draw_box(trunk, box_centre(now))
    elif action == "eating":
        _draw_burger(trunk.at(*food_centre(now), scale=now.head_radius))
    elif action == "phoning":
        _draw_phone(head)


def draw_marks(head: Pen, action: str, now: Instant) -> None:
    """Sleep's z, notes, and lines of motion, over everything."""
    if action == "sleeping":
        _draw_zs(head, now)
    elif action == "dancing":
        sway, apart = now.swing(0.7), 0.72 if now.is_close else 1.0
        _draw_note(head, 1.9 * apart, 0.35 + 0.12 * sway)
        _draw_note(head, -2.3 * apart, -0.3 + 0.12 * now.wave(0.7))
        _draw_note(head, 1.25, 0.95 - 0.12 * sway)
    elif action == "jumping":
        _draw_bounce(head)
    elif action == "phoning":
        for radius in (0.3, 0.52):
            head.stroke(arc(-1.36, 0.3, radius, radius, 100, 185, 5), 0.08, MARK, least_px=1.5)
    elif action == "waving":
        x = -1.32 if now.is_close else -1.85
        for reach in (0.55, 0.75):
            head.stroke(
                arc(x, 0.0 if now.is_close else 0.45, reach, reach, 150, 205, 4), 0.07, MARK, least_px=1.5
            )


def _draw_chair(ground: Pen, now: Instant) -> None:
    edge = edge_of(WOOD)
    seat = {"wide": 0.16, "medium": 0.215, "close": 0.3}[now.shot]
    top = seat + 0.50
    back = ground.at(-0.06, 0.0)
    if now.shot == "wide":
        for x in (-0.15, 0.15):
            back.limb([(x, 0.0), (x, seat)], 0.028, WOOD, edge=edge)
    for x in (-0.21, 0.21):
        back.limb([(x, seat), (x, top)], 0.04, WOOD, edge=edge)
    for y in (top - 0.05, top - 0.17, top - 0.29):
        back.shape(
            [(-0.21, y + 0.035), (0.21, y + 0.035), (0.21, y - 0.025), (-0.21, y - 0.025)], WOOD, edge=edge
        )
    back.shape(
        [(-0.22, seat + 0.02), (0.22, seat + 0.02), (0.22, seat - 0.03), (-0.22, seat - 0.03)],
        shade_of(WOOD),
        edge=edge,
    )


def _draw_pillow(ground: Pen, head: Pen, now: Instant) -> None:
    edge = edge_of(PILLOW)
    corners = [
        (-1.9, -1.0),
        (-1.65, 0.0),
        (-1.9, 1.2),
        (-0.2, 1.05),
        (1.5, 1.2),
        (1.3, 0.0),
        (1.5, -1.0),
        (-0.2, -0.85),
    ]
    pillow = head.at(-0.15, -0.15, scale=0.9 if now.is_close else 1.06)
    pillow.shape(corners, PILLOW, edge=edge)
    pillow.shape(
        [(-1.9, -1.0), (-1.65, 0.0), (-1.9, 1.2), (-1.55, 1.12), (-1.4, 0.0), (-1.5, -0.96)], shade_of(PILLOW)
    )
    if now.shot == "wide":
        ground.shape(
            [(-0.32, 0.0), (-0.30, 0.07), (0.1, 0.07), (0.44, 0.045), (0.46, 0.0)],
            (126, 140, 190),
            edge=edge_of((126, 140, 190)),
        )


def _draw_speed(ground: Pen, head: Pen, now: Instant, *, fast: bool) -> None:
    marks = (
        [(-1.5, 0.3, 1.0), (-1.65, -0.35, 1.3), (-1.5, -1.0, 0.9)]
        if fast
        else [(-1.4, -0.6, 0.4), (-1.45, -0.95, 0.45)]
    )
    for x, y, length in marks:
        drift = 0.15 * now.wave(2.0)
        head.stroke([(x - drift, y), (x - length - drift, y - 0.05)], 0.075, MARK, least_px=1.4)
    if fast:
        for x, radius in ((-0.34, 0.045), (-0.42, 0.03)):
            ground.disc(x, radius, radius * 1.3, radius, fill=(226, 220, 210), edge=(170, 160, 156))


def _draw_book(trunk: Pen, centre: Point) -> None:
    book = trunk.at(*centre)
    edge = edge_of(COVER)
    for side in (-1, 1):
        book.shape(
            [(0.0, -0.075), (side * 0.155, -0.045), (side * 0.155, 0.085), (0.0, 0.05)], COVER, edge=edge
        )
        book.shape(
            [(0.0, -0.05), (side * 0.135, -0.025), (side * 0.135, 0.098), (0.0, 0.065)],
            PAGE,
            edge=(150, 140, 130),
        )
        for y in (0.065, 0.04, 0.015):
            book.stroke([(side * 0.025, y - 0.02), (side * 0.11, y)], 0.008, (150, 146, 156))


def _draw_box(trunk: Pen, centre: Point) -> None:
    box = trunk.at(*centre)
    edge = edge_of(CARDBOARD)
    box.shape([(-0.165, -0.12), (0.165, -0.12), (0.165, 0.09), (-0.165, 0.09)], CARDBOARD, edge=edge)
    box.shape([(-0.165, 0.09), (0.165, 0.09), (0.19, 0.125), (-0.14, 0.125)], shade_of(CARDBOARD), edge=edge)
    box.shape([(-0.03, 0.088), (0.03, 0.088), (0.03, -0.118), (-0.03, -0.118)], TAPE)
    box.stroke([(0.075, -0.09), (0.14, -0.09)], 0.012, edge)
    box.stroke([(0.09, -0.05), (0.09, 0.0), (0.108, 0.018), (0.126, 0.0), (0.126, -0.05)], 0.01, edge)


def _draw_burger(pen: Pen) -> None:
    edge = edge_of(BUN)
    pen.shape([(-0.5, -0.1), *arc(0.0, -0.14, 0.48, 0.26, 180, 360, 8), (0.5, -0.1)], BUN, edge=edge)
    pen.shape([(-0.54, -0.1), (0.54, -0.1), (0.54, 0.05), (-0.54, 0.05)], PATTY, edge=edge)
    pen.shape(
        [(-0.58, 0.12), (-0.4, 0.0), (-0.2, 0.08), (0.0, -0.02), (0.2, 0.08), (0.4, 0.0), (0.58, 0.12)],
        LETTUCE,
    )
    pen.shape(arc(0.0, 0.08, 0.54, 0.46, 0, 180, 10), BUN, edge=edge)
    for x, y in ((-0.25, 0.26), (0.02, 0.4), (0.27, 0.27)):
        pen.disc(x, y, 0.05, 0.035, fill=(255, 242, 206))


def _draw_phone(head: Pen) -> None:
    phone = head.at(-1.1, -0.06, turn=12)
    phone.shape([(-0.19, -0.5), (0.19, -0.5), (0.19, 0.52), (-0.19, 0.52)], PHONE, edge=(168, 172, 196))
    phone.shape([(-0.12, -0.3), (0.12, -0.3), (0.12, 0.4), (-0.12, 0.4)], SCREEN)


def _draw_zs(head: Pen, now: Instant) -> None:
    level = head.at(0.0, 0.0, turn=24)  # the head is tilted; the letters are not
    rise = 0.1 * now.wave(0.25)
    first = (1.02, 0.3, 0.3) if now.is_close else (1.05, 0.8, 0.36)
    for x, y, size in (first, (first[0] + 0.5, first[1] + 0.42, 1.35 * first[2])):
        z = [(x, y + size + rise), (x + size, y + size + rise), (x, y + rise), (x + size, y + rise)]
        level.stroke(z, 0.22, MARK_EDGE, least_px=3.4)
        level.stroke(z, 0.11, MARK, least_px=1.6)


def _draw_note(head: Pen, x: Number, y: Number) -> None:
    stem_and_flag = [(x + 0.16, y), (x + 0.16, y + 0.62), (x + 0.42, y + 0.44)]
    for grown, least_px, colour in ((0.06, 3.2, MARK_EDGE), (0.0, 1.4, MARK)):
        head.stroke(stem_and_flag, 0.09 + 2 * grown, colour, least_px=least_px)
        head.disc(x, y, 0.14 + grown, 0.11 + grown, fill=colour)


def _draw_bounce(head: Pen) -> None:
    for x in (-1.5, 1.5):
        head.stroke([(x, 0.75), (x * 1.05, 1.25)], 0.09, MARK, least_px=1.5)
        head.stroke([(x * 1.22, 0.6), (x * 1.32, 0.98)], 0.09, MARK, least_px=1.5)
