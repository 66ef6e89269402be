"""What a tab shows until its first answer is there: grey shapes, as high as what will take their place."""

from __future__ import annotations

from app.pages.live import Markup, el

NUM_TILES, NUM_LINES, NUM_CARDS = 9, 8, 2
_FILLING = ("script", "storyboard", "movie", "drift")  # whose panes are as high as the window lets them


def skeleton_of(tab: str) -> Markup:
    """The shapes of a tab, by its name; assistive technology hears that it is loading."""
    fills = " md-fills" if tab in _FILLING else ""
    return el(
        "div",
        el("span", "Loading", class_="md-unseen"),
        el("div", _bone("md-bone-button"), _bone("md-bone-button"), class_="md-bones-toolbar"),
        el("div", _SHAPES[tab], class_=f"md-bones md-bones-{tab}{fills}", aria_hidden="true"),
        class_="md-skeleton",
        role="status",
    )


def _bone(kind: str) -> Markup:
    return el("div", class_=f"md-bone {kind}")


def _tile() -> Markup:
    return el("div", _bone("md-bone-picture"), _bone("md-bone-line"), _bone("md-bone-line md-bone-short"))


_SHAPES: dict[str, list[Markup]] = {
    "stories": [el("div", [_tile() for _ in range(4)], class_="md-bones-tiles")],
    "cast": [_bone("md-bone-card") for _ in range(NUM_CARDS)],
    "script": [
        el("div", [_bone("md-bone-row") for _ in range(NUM_LINES)], class_="md-bones-list"),
        _bone("md-bone-panel"),
    ],
    "references": [_bone("md-bone-picture") for _ in range(3)],
    "storyboard": [
        el("div", [_tile() for _ in range(NUM_TILES)], class_="md-bones-tiles"),
        _bone("md-bone-panel"),
    ],
    "movie": [
        el("div", [_bone("md-bone-row") for _ in range(NUM_LINES)], class_="md-bones-list"),
        el("div", _bone("md-bone-picture"), _bone("md-bone-card"), class_="md-bones-side"),
    ],
    "drift": [_bone("md-bone-chart"), _bone("md-bone-panel")],
}
