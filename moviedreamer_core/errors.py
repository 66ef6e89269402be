"""Every error that this package raises on purpose.

A message is one sentence that says what is wrong, what was found, and what to do about it. Whoever shows an
error to a person (command line, studio) prints `str(error)` and nothing else.
"""


class MovieDreamerError(Exception):
    """Base of all errors below."""


class InputError(MovieDreamerError):
    """Something a person gave is wrong; the command line exits with status 2."""


class StoryError(InputError):
    """The story file is malformed or inconsistent; names the field and the keyframe number (1-based)."""


class ImageError(InputError):
    """An image file is missing, empty, unreadable, too small or too large; names the file."""


class WeightsError(InputError):
    """Weights are missing, incomplete, or differ from their manifest; names the file."""


class OutputError(InputError):
    """An output folder or file cannot be written; names the path."""
