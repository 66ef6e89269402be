"""The scripts of static/ as Gradio takes them: one text for a part of the page."""

from __future__ import annotations

import json

from app.pages.look import STATIC

NO_STORY = ("No story is open", "Open one on the Stories tab, or begin a new one there.")


def script_of(*names: str, **constants: str) -> str:
    """static/dom.js and these after it, in their order; `constants` are there under their names."""
    known = {"NO_STORY": NO_STORY, **constants}
    lines = [f"const {name} = {json.dumps(value)};" for name, value in known.items()]
    sources = [(STATIC / f"{name}.js").read_text(encoding="utf-8") for name in ("dom", *names)]
    return "\n".join([*lines, *sources])
