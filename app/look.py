"""How the page looks: the theme, and the style sheet for what a theme does not reach. No font is fetched."""

from __future__ import annotations

import gradio as gr

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


def theme() -> gr.themes.Base:
    """Quiet surfaces, so that the pictures are what one sees; one accent, legible in light and dark."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=FONTS,
        font_mono=MONOSPACE,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="#0b1017",
        background_fill_primary="white",
        background_fill_primary_dark="#131a24",
        background_fill_secondary_dark="#0f151e",
        block_background_fill="white",
        block_background_fill_dark="#131a24",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="#263140",
        border_color_primary_dark="#263140",
        block_shadow="0 1px 2px rgb(15 23 42 / 6%)",
        block_shadow_dark="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_label_text_weight="600",
        block_title_text_weight="600",
        block_title_text_color="*neutral_600",
        block_title_text_color_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        input_background_fill="*neutral_50",
        input_background_fill_dark="#0f151e",
        input_border_color_dark="#263140",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="*neutral_100",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_background_fill_dark="#1e2836",
        button_secondary_background_fill_hover_dark="#2a3648",
        layout_gap="14px",
    )


# Tall enough for sixteen keyframes, four in a row.
TALL = "clamp(470px, 32vw, 640px)"

CSS = (
    f":root {{ --editor-height: calc({TALL} - 30px); }}\n"
    + """
.gradio-container {
  width: 100% !important; max-width: 1720px !important; margin: 0 auto !important; padding: 18px 28px !important;
}

#title, #progress, #movie, .html-container:has(> #title) { padding: 0; }
#title .html-container, #progress .html-container, #movie .html-container { padding: 0; }
#title h1 { font-size: 22px; font-weight: 700; letter-spacing: -0.015em; margin: 0; }
#title p { margin: 0; color: var(--neutral-600); font-size: 14px; }
.dark #title p { color: var(--neutral-400); }

#story .cm-editor { font-size: 13px; height: var(--editor-height); max-height: none !important; }
#story .cm-scroller { overflow: auto; min-height: var(--editor-height); max-height: none !important; }

#message textarea { border-radius: 8px; resize: none; font-size: 13.5px; line-height: 1.45; }
#message textarea:not(:placeholder-shown) {
  background: #fff7ed; border-color: #fdba74; color: #7c2d12; -webkit-text-fill-color: #7c2d12; opacity: 1;
}
.dark #message textarea:not(:placeholder-shown) {
  background: #2a1a0e; border-color: #9a5a22; color: #fed7aa; -webkit-text-fill-color: #fed7aa;
}

#keyframes .grid-wrap { padding-top: 34px; }
#keyframes .thumbnail-item { aspect-ratio: 7 / 4; }
#keyframes .caption-label {
  max-width: 100%; border-radius: 0; left: 0; right: 0; bottom: 0; border: 0; padding: 14px 10px 7px;
  background: linear-gradient(transparent, rgb(8 12 18 / 82%) 45%); color: white; font-size: 12px; line-height: 1.3;
}
#keyframes .thumbnail-item { background: var(--background-fill-secondary); }

#progress { min-height: 44px; }
#progress .says { font-size: 14px; min-height: 20px; font-variant-numeric: tabular-nums; }
#progress .track { height: 6px; margin-top: 8px; border-radius: 3px; background: var(--neutral-200); overflow: hidden; }
.dark #progress .track { background: #263140; }
#progress .track.idle { visibility: hidden; }
#progress .fill { height: 100%; border-radius: 3px; background: var(--primary-600); }

#movie .screen {
  aspect-ratio: 7 / 4; width: 100%; border-radius: 10px; overflow: hidden; background: #0b1017; color: #cbd5e1;
  display: flex; align-items: center; justify-content: center; font-size: 14px; text-align: center;
}
#movie video { width: 100%; height: 100%; object-fit: contain; display: block; margin: 0; }
#movie .below { height: 34px; padding-top: 10px; font-size: 14px; }
#movie .below a { margin: 0; padding: 0; color: var(--primary-700); font-weight: 600; text-decoration: underline; }
.dark #movie .below a { margin: 0; padding: 0; color: var(--primary-300); }

#warnings textarea { resize: none; font-size: 13px; line-height: 1.5; border: 0; padding: 0; background: transparent; }
#generate, #make_movie, #cancel { font-size: 15px; white-space: nowrap; padding-left: 8px; padding-right: 8px; }
footer { opacity: 0.8; }
"""
)
