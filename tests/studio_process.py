"""`python app.py` as a process of its own, with everything that a person would have, on a free port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from moviedreamer_core.workspace import Stories

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 600.0


class StudioProcess:
    """A context: started and answering inside, stopped by Ctrl-C after it. `lines` are those it printed."""

    def __init__(
        self,
        folder: Path,
        *,
        weights: Path,
        accounts: str = "",
        host: str = "127.0.0.1",
        has_example: bool = False,
    ) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.complaints = ""
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._started, self._ended = threading.Event(), threading.Event()
        self._arguments = ["--host", host, "--port", str(self.port), "--weights", str(weights)]
        self._arguments += ["--stories", str(folder / "stories")]
        if accounts:
            file = folder / "people.txt"
            file.write_text(accounts)
            file.chmod(0o600)
            self._arguments += ["--auth", str(file)]
        if not has_example:  # which is put only where no story ever was
            stories = Stories(folder / "stories")
            stories.delete(stories.new(title="Nothing yet").id)

    def __enter__(self) -> StudioProcess:
        self._complaints = (self.folder / "stderr.txt").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "app.py"), *self._arguments],
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.folder), "GRADIO_TEMP_DIR": str(self.folder / "uploads")},
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        if not self._started.wait(PATIENCE_SECONDS) or self._ended.is_set():
            self.stop()
            raise RuntimeError(f"the studio did not start: {self.complaints}")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it by a signal; its exit status. What it said on stderr is then in `complaints`."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            status = self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        self._reader.join()
        if not self._complaints.closed:
            self._complaints.seek(0)
            self.complaints = self._complaints.read()
            self._complaints.close()
        return status

    def stories(self) -> Stories:
        return Stories(self.folder / "stories")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Studio at "):
                self._started.set()
        self._ended.set()
        self._started.set()


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
