"""What a file says of where it came from, as markup, and what can be loaded of it."""

from __future__ import annotations

from app.desk.origins import Origin
from app.desk.shot_cards import ShotCard
from app.pages.live import Markup, button, el
from app.pages.take_cards import pairs


def origin_box(card: ShotCard, origin: Origin | None, style: str) -> Markup:
    """Of the file that was opened beside a shot; `style` is that of the story that is open."""
    if origin is None:
        return el("div", class_="md-origin", hidden=True)
    return el(
        "div",
        el(
            "div",
            el("strong", origin.file_name),
            el("span", class_="md-spring"),
            button(None, "close_origin", kind="md-quiet md-icon", sign="close", aria_label="Close"),
            class_="md-along",
        ),
        pairs(origin.facts),
        _other_style(origin, style),
        _load(card) if origin.can_load else None,
        _make_story() if origin.has_story else None,
        class_="md-origin",
    )


def _load(card: ShotCard) -> Markup:
    label = f"Load its script and seed into shot {card.number}"
    return button(label, "load_origin", row=card.row_id, able=not card.is_locked)


def _make_story() -> Markup:
    tip = "Its script, cast, seeds and style as a story of its own; pictures of faces are not in the file."
    return button("Make a story of it", "story_of_origin", tip=tip)


def _other_style(origin: Origin, style: str) -> Markup | None:
    """A shot looks like its file only in the style of its story."""
    if not origin.can_load or not origin.has_story or origin.style == style.strip():
        return None
    said = f"in the style “{origin.style}”" if origin.style else "without a style"
    now = f"is “{style.strip()}”" if style.strip() else "is empty"
    return el(
        "div",
        el("span", f"It was drawn {said}; the style of this story {now} and stays."),
        button("Use its style", "style_of_origin", kind="md-small", tip="For every shot of this story."),
        class_="md-notice",
    )
