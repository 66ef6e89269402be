"""The drift chart as markup: an SVG whose points open shots, the same as a table, and the worst shots.

Similarity goes up, shots go to the right; a character has a colour and a line, a face that was not found an open mark
at the bottom.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.desk.drift import ChartPoint, DriftView, Series
from app.desk.jobs import counted
from app.desk.shot_cards import ShotCard
from app.pages.live import Markup, address, button, el, icon, joined

NUM_COLOURS = 6
WIDTH, HEIGHT = 960, 340  # of the drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 44, 16, 16, 44
GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
MAX_NUMBERS = 24  # of shots along the axis


@dataclass(frozen=True)
class Frame:
    """Where shots and similarities lie in the drawing; `bottom` is the similarity of the lower edge."""

    num_shots: int

    def x(self, number: int) -> float:
        span = WIDTH - LEFT - RIGHT
        return LEFT + span * (number - 0.5) / max(1, self.num_shots)

    def y(self, similarity: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - similarity)


def toolbar(view: DriftView) -> Markup:
    """Measure, and what is known."""
    label = "Measure again" if view.is_measured else "Measure"
    words = el("span", view.cost.about, class_="md-cost") if view.cost else None
    outdated = (
        el("span", f"{counted(view.num_outdated, 'picture')} changed since", class_="md-badge md-stale")
        if view.is_measured and view.num_outdated
        else None
    )
    return el(
        "div",
        el("h2", "How well the story holds together"),
        outdated,
        el("span", class_="md-spring"),
        button(
            joined("Measuring" if view.is_measuring else label, None if view.is_measuring else words),
            "measure",
            kind="" if view.is_measured else "md-primary",
            sign="search",
            able=view.num_drawn > 0 and not view.is_measuring,
        ),
        class_="md-toolbar",
    )


def chart(view: DriftView) -> Markup:
    """The drawing, with its legend."""
    frame = Frame(view.num_shots)
    lines = [line(series, frame) for series in view.series]
    marks = [mark(point, series, frame) for series in view.series for point in series.points]
    drawing = el(
        "svg",
        list(_grid(frame)),
        [baseline(name, level, frame) for name, level in baselines(view)],
        lines,
        marks,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="group",
        aria_label="Similarity of each character and of the scene, shot by shot; a table follows",
        class_="md-chart-drawing",
    )
    return el(
        "figure",
        el("figcaption", legend(view), class_="md-legend"),
        drawing,
        el(
            "p",
            "Faces are compared with the cast pictures, scenes with the shot before in the same place. "
            "1 is the same, lower has drifted. Choose a point to open its shot.",
            class_="md-hint",
        ),
        el("p", _judged(view), class_="md-hint") if baselines(view) else None,
        class_="md-box md-chart",
    )


def _grid(frame: Frame) -> Iterator[Markup]:
    for level in GRID:
        y = f"{frame.y(level):.1f}"
        yield el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="md-grid-line")
        yield el("text", f"{level:g}", x=LEFT - 10, y=y, dy="0.32em", text_anchor="end")
    step = max(1, -(-frame.num_shots // MAX_NUMBERS))
    for number in range(1, frame.num_shots + 1, step):
        yield el("text", number, x=f"{frame.x(number):.1f}", y=HEIGHT - BOTTOM + 24, text_anchor="middle")
    yield el("text", "Shot", x=WIDTH - RIGHT, y=HEIGHT - 4, text_anchor="end", class_="md-axis")


def baselines(view: DriftView) -> list[tuple[str, float]]:
    """What a number is judged by: how alike those are that are not the same."""
    named = (("Strangers", view.strangers), ("Other places", view.other_places))
    return [(name, min(1.0, max(0.0, level))) for name, level in named if level is not None]


def baseline(name: str, level: float, frame: Frame) -> Markup:
    """A line across the chart with its name at the right end."""
    y = frame.y(level)
    return el(
        "g",
        el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}"),
        el("text", f"{name} {level:.2f}", x=WIDTH - RIGHT, y=f"{y - 5:.1f}", text_anchor="end"),
        class_="md-baseline",
    )


def _judged(view: DriftView) -> str:
    said = {
        "Strangers": "Strangers: the best match of a character in shots that they are not in.",
        "Other places": "Other places: shots in different places, compared with each other.",
    }
    lines = " ".join(said[name] for name, _ in baselines(view))
    return f"{lines} What lies near its line is not recognised any more."


def line(series: Series, frame: Frame) -> Markup | None:
    """Through the points that are known, without a break: a character is not in every shot."""
    known = [point for point in series.points if point.similarity is not None]
    if len(known) < 2:
        return None
    path = " ".join(
        f"{'L' if number else 'M'}{frame.x(point.number):.1f} {frame.y(point.similarity or 0):.1f}"
        for number, point in enumerate(known)
    )
    return el("path", d=path, class_=f"md-line {_colour(series)}")


def mark(point: ChartPoint, series: Series, frame: Frame) -> Markup | None:
    """A point that can be chosen. One without a similarity is shown only where a face was looked for in vain."""
    if point.similarity is None and point.face_found is not False:
        return None
    x, y = frame.x(point.number), frame.y(point.similarity or 0.0)
    words = f"{series.name}, shot {point.number}: {said(point)}"
    kind = "md-lost" if point.similarity is None else "" if point.is_current else "md-old"
    return el(
        "g",
        el("title", words),
        el("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=11, class_="md-touch"),
        el("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4.5, class_="md-dot-mark"),
        class_=f"md-mark {_colour(series)} {kind}".strip(),
        role="button",
        tabindex=0,
        data_act="open",
        data_row=point.row_id,
        aria_label=f"{words}. Open the shot",
    )


def legend(view: DriftView) -> list[Markup]:
    """A name per line of the chart."""
    return [
        el("span", el("span", class_=f"md-swatch {_colour(series)}"), series.name, class_="md-legend-name")
        for series in view.series
    ]


def table(view: DriftView) -> Markup:
    """The chart's numbers."""
    by_shot = [{point.number: point for point in series.points} for series in view.series]
    numbers = sorted({number for points in by_shot for number in points})
    rows = [
        el(
            "tr",
            el("th", number, scope="row"),
            [el("td", said(points[number]) if number in points else "") for points in by_shot],
        )
        for number in numbers
    ]
    head = el("tr", el("th", "Shot", scope="col"), [el("th", one.name, scope="col") for one in view.series])
    return el(
        "details",
        el("summary", "As a table"),
        el("div", el("table", el("thead", head), el("tbody", rows)), class_="md-table"),
        class_="md-box",
        data_key="table",
    )


def worst(view: DriftView, number: int) -> Markup:
    """The worst shots, and the button that draws them again."""
    cards, cost = view.cards, view.worst_cost
    points = view.worst[:number]
    label = joined(
        f"Redraw the worst {cost.num_shots}" if cost.num_shots else "Nothing to redraw",
        el("span", cost.about, class_="md-cost") if cost.num_shots else None,
    )
    stay = view.num_drawn - cost.num_shots
    return el(
        "section",
        el("h3", "Drifted most"),
        el("ol", [_worst_line(point, cards[point.row_id]) for point in points if point.row_id in cards]),
        button(label, "redraw_worst", kind="md-primary md-wide", sign="brush", able=cost.num_shots > 0),
        el(
            "p",
            f"A new take of each; {counted(stay, 'shot')} {'stays as it is' if stay == 1 else 'stay as they are'}, "
            "and so do the takes there are."
            if cost.num_shots
            else "",
            class_="md-hint md-center",
        ),
        class_="md-box md-worst",
    )


def _worst_line(point: ChartPoint, card: ShotCard) -> Markup:
    image = el("img", src=address(card.image), alt="", loading="lazy") if card.image else None
    lock = el("span", icon("lock"), class_="md-padlock", title="Locked") if card.is_locked else None
    return el(
        "li",
        el(
            "button",
            el("span", image, class_="md-picture"),
            el(
                "span",
                el("span", el("strong", f"Shot {card.number}"), lock, class_="md-along"),
                el("span", card.plot, class_="md-shot-plot"),
            ),
            el("span", point.of, class_="md-hint md-of"),
            el("span", f"{point.similarity:.2f}" if point.similarity is not None else "", class_="md-figure"),
            type="button",
            data_act="open",
            data_row=card.row_id,
            class_="md-worst-shot",
        ),
    )


def said(point: ChartPoint) -> str:
    """A point in words."""
    if point.similarity is None:
        return "no face found" if point.face_found is False else "nothing to compare"
    return f"{point.similarity:.2f}" + ("" if point.is_current else " (of another picture)")


def _colour(series: Series) -> str:
    return "md-colour-scene" if series.is_scene else f"md-colour-{series.colour % NUM_COLOURS}"
