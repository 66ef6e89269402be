"""How the page looks: the theme, and the style sheets in static/ for what a theme does not reach.

Style sheets take every colour, size and space from the variables of static/base.css; classes begin with md-.
No font and nothing else is fetched from anywhere.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

STATIC = Path(__file__).resolve().parent / "static"
FONTS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Ubuntu",
    "Cantarell",
    "DejaVu Sans",
    "sans-serif",
)
MONOSPACE = ("ui-monospace", "SF Mono", "Cascadia Mono", "Consolas", "DejaVu Sans Mono", "monospace")

_INK = gr.themes.Color(
    name="ink",
    c50="#f7f7f5", c100="#efefec", c200="#e2e2de", c300="#cbcbc6", c400="#9d9d97", c500="#73736d",
    c600="#5a5a55", c700="#43433f", c800="#2a2b2b", c900="#1b1c1d", c950="#121314",
)  # fmt: skip
_ACCENT = gr.themes.Color(
    name="accent",
    c50="#eef2fd", c100="#dde6fb", c200="#bccdf7", c300="#93adf2", c400="#6f90ec", c500="#4a71e2",
    c600="#2f58cf", c700="#2648ab", c800="#223e8c", c900="#1f366f", c950="#162448",
)  # fmt: skip


def theme() -> gr.themes.Base:
    """Quiet surfaces, so that the pictures are what one sees; one accent, legible in light and dark."""
    return gr.themes.Base(
        primary_hue=_ACCENT,
        secondary_hue=_ACCENT,
        neutral_hue=_INK,
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md,
        font=FONTS,
        font_mono=MONOSPACE,
    ).set(**_surfaces(), **_fields(), **_buttons())


def _surfaces() -> dict[str, str]:
    return {
        "body_background_fill": "var(--md-ground)",
        "body_background_fill_dark": "var(--md-ground)",
        "body_text_color": "var(--md-ink)",
        "body_text_color_dark": "var(--md-ink)",
        "body_text_color_subdued": "var(--md-ink-soft)",
        "body_text_color_subdued_dark": "var(--md-ink-soft)",
        "background_fill_primary": "var(--md-surface)",
        "background_fill_primary_dark": "var(--md-surface)",
        "background_fill_secondary": "var(--md-sunken)",
        "background_fill_secondary_dark": "var(--md-sunken)",
        "border_color_primary": "var(--md-line)",
        "border_color_primary_dark": "var(--md-line)",
        "border_color_accent": "var(--md-accent)",
        "block_background_fill": "var(--md-surface)",
        "block_background_fill_dark": "var(--md-surface)",
        "block_border_width": "1px",
        "block_border_color": "var(--md-line)",
        "block_border_color_dark": "var(--md-line)",
        "block_shadow": "none",
        "block_label_background_fill": "transparent",
        "block_label_background_fill_dark": "transparent",
        "block_label_border_width": "0px",
        "block_label_text_color": "var(--md-ink-soft)",
        "block_label_text_color_dark": "var(--md-ink-soft)",
        "block_label_text_weight": "600",
        "block_title_text_weight": "600",
        "block_title_text_color": "var(--md-ink-soft)",
        "block_title_text_color_dark": "var(--md-ink-soft)",
        "block_info_text_color": "var(--md-ink-soft)",
        "block_info_text_color_dark": "var(--md-ink-soft)",
        "panel_background_fill": "var(--md-surface)",
        "panel_background_fill_dark": "var(--md-surface)",
        "layout_gap": "16px",
    }


def _fields() -> dict[str, str]:
    return {
        "input_background_fill": "var(--md-field)",
        "input_background_fill_dark": "var(--md-field)",
        "input_border_color": "var(--md-line)",
        "input_border_color_dark": "var(--md-line)",
        "input_border_color_focus": "var(--md-accent)",
        "input_border_color_focus_dark": "var(--md-accent)",
        "input_shadow": "none",
        "input_placeholder_color": "var(--md-ink-faint)",
        "input_placeholder_color_dark": "var(--md-ink-faint)",
        "slider_color": "var(--md-accent)",
        "slider_color_dark": "var(--md-accent)",
        "checkbox_background_color_selected": "var(--md-accent)",
        "checkbox_background_color_selected_dark": "var(--md-accent)",
    }


def _buttons() -> dict[str, str]:
    return {
        "button_primary_background_fill": "var(--md-accent-fill)",
        "button_primary_background_fill_dark": "var(--md-accent-fill)",
        "button_primary_background_fill_hover": "var(--md-accent-fill-strong)",
        "button_primary_background_fill_hover_dark": "var(--md-accent-fill-strong)",
        "button_primary_text_color": "white",
        "button_primary_text_color_dark": "white",
        "button_secondary_background_fill": "var(--md-raised)",
        "button_secondary_background_fill_dark": "var(--md-raised)",
        "button_secondary_background_fill_hover": "var(--md-raised-strong)",
        "button_secondary_background_fill_hover_dark": "var(--md-raised-strong)",
        "button_secondary_border_color": "var(--md-line)",
        "button_secondary_border_color_dark": "var(--md-line)",
        "button_secondary_text_color": "var(--md-ink)",
        "button_secondary_text_color_dark": "var(--md-ink)",
        "button_border_width": "1px",
        "button_large_text_weight": "550",
        "button_large_padding": "8px 14px",
        "button_large_text_size": "14px",
        "button_small_padding": "5px 10px",
        "button_small_text_size": "13px",
    }


def style_sheet() -> str:
    """Everything in static/ that ends in .css, base.css first."""
    sheets = sorted(STATIC.glob("*.css"), key=lambda path: (path.name != "base.css", path.name))
    return "\n".join(path.read_text(encoding="utf-8") for path in sheets)
