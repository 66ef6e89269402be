"""Start the studio: `python app.py`, then open the address it prints. `--help` shows the flags."""

from __future__ import annotations

import sys

from app.command import main

if __name__ == "__main__":
    sys.exit(main())
