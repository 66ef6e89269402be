"""Small cuts with plain pictures, and sounds that ffmpeg or the wave module makes."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from moviedreamer_core.handoff.cut import Cut, CutShot

COLOURS = [(200, 30, 30), (30, 160, 60), (40, 60, 190), (220, 200, 60), (120, 60, 160), (20, 20, 20)]


@pytest.fixture
def make_cut(tmp_path: Path) -> Callable[..., Cut]:
    """A cut with these lengths in seconds; the pictures are plain, 64 x 36 pixels, and lie in keyframes/."""

    def make(*seconds: float, plots: tuple[str, ...] = (), **changes: Any) -> Cut:
        (tmp_path / "keyframes").mkdir(exist_ok=True)
        shots = []
        for number, length in enumerate(seconds, start=1):
            plot = plots[number - 1] if plots else f"Mara sees wave {number}."
            picture = tmp_path / "keyframes" / f"{number:04}.png"
            Image.new("RGB", (64, 36), COLOURS[(number - 1) % len(COLOURS)]).save(picture)
            script = {
                "plot": plot,
                "scene_elements": ["Beach" if number < 3 else "Hut"],
                "characters": [{"name": "Mara", "description": ""}],
            }
            shots.append(
                CutShot(
                    id=f"shot-{number}",
                    number=number,
                    plot=plot,
                    seconds=length,
                    keyframe=picture,
                    seed=2**63 - number,
                    take=number,
                    weights_hash="ab" * 32,
                    script=script,
                )
            )
        fields = {"title": "The Light", "shots": tuple(shots), "frames_per_second": 10, "size": (64, 36)}
        return Cut(**{**fields, **changes})

    return make


@pytest.fixture
def make_tone(tmp_path: Path) -> Callable[..., Path]:
    """A WAV with a sine of this length in seconds, peak amplitude (1 is full scale) and frequency in Hz."""

    def make(seconds: float, amplitude: float, *, name: str = "tone.wav", hertz: float = 440.0) -> Path:
        path, rate = tmp_path / name, 48_000
        values = (
            round(32767 * amplitude * math.sin(2 * math.pi * hertz * n / rate))
            for n in range(int(seconds * rate))
        )
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(b"".join(struct.pack("<hh", value, value) for value in values))
        return path

    return make
