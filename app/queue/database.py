"""The SQLite file of the queue: opened by the server and the worker at once, in WAL mode.

Transactions are short; a writer waits for the other one up to `BUSY_SECONDS`. What a person was told of is on the
disk (synchronous FULL); progress may be lost with the power, never the order of things.
Source: https://sqlite.org/wal.html, https://sqlite.org/rescode.html.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from app.queue.failures import QueueError
from app.queue.locks import held
from moviedreamer_core.atomic import make_folder

VERSION = 1  # of the schema; raise it with a step in _UPGRADES
APPLICATION_ID = 0x4D44_5151  # "MDQQ"
BUSY_SECONDS = 30.0  # a busy disk takes seconds to flush
CHECK = "PRAGMA integrity_check(1)"

_SCHEMA = """
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT UNIQUE,                      -- unused
    story_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    job TEXT NOT NULL,                      -- JSON, see jobs.py
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'cancelled', 'failed')),
    seq INTEGER NOT NULL,                   -- order of queueing
    turn INTEGER NOT NULL,                  -- of its story, see store.py
    attempts INTEGER NOT NULL DEFAULT 1,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    worker TEXT,                            -- instance that runs, or ran, it
    enqueued_at REAL NOT NULL,              -- seconds since 1970
    started_at REAL,
    updated_at REAL,
    finished_at REAL,
    elapsed REAL NOT NULL DEFAULT 0,        -- seconds of work, at updated_at
    start_seconds REAL,                     -- of it, before the first unit began
    is_warm INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0,        -- the last event
    total INTEGER NOT NULL DEFAULT 0,
    step INTEGER NOT NULL DEFAULT 0,
    num_steps INTEGER NOT NULL DEFAULT 0,
    share REAL NOT NULL DEFAULT 0,
    row TEXT NOT NULL DEFAULT '',
    doing TEXT NOT NULL DEFAULT '',
    made TEXT NOT NULL DEFAULT '[]',        -- JSON list of files
    failure TEXT,
    message TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX jobs_in_turn ON jobs (state, turn, seq);
CREATE INDEX jobs_of_story ON jobs (story_id, state);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('seq', 0), ('turn', 0), ('flushes', 0);
CREATE TABLE worker (
    id INTEGER PRIMARY KEY CHECK (id = 1),  -- the newest only
    instance TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at REAL NOT NULL,
    beat_at REAL NOT NULL,
    beats INTEGER NOT NULL DEFAULT 0,
    warm TEXT NOT NULL DEFAULT '[]',        -- JSON list of parts that it did before
    ended_at REAL,
    message TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE paces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    part TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    variant TEXT NOT NULL,
    weights TEXT NOT NULL,
    seconds_per_amount REAL NOT NULL
) STRICT;
CREATE INDEX paces_alike ON paces (part, width, height, steps, variant, weights);
"""
# Statements that lead from the version of their place (from 1) to the next.
_UPGRADES: tuple[str, ...] = ()

_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_BUSY: "another process keeps it busy; try again, restart the studio if this goes on",
    sqlite3.SQLITE_LOCKED: "another process keeps it busy; try again, restart the studio if this goes on",
    sqlite3.SQLITE_READONLY: "it cannot be written; correct its permissions or choose another folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; correct the folder's permissions or choose another one",
    sqlite3.SQLITE_IOERR: "the disk reports an error; check the disk, then restart the studio",
    sqlite3.SQLITE_PERM: "no permission to use it; correct its permissions or choose another folder",
}
_TAKEN_AWAY = "the queue's file was taken away while the studio ran; a new queue was started"
_NOWHERE, _NEVER = (-1, -1), (-2, -2)  # no inodes
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Database:
    """Every method may be called from any thread. Nobody who reads waits for somebody who writes."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open `path`, making it if it is not there. Raises QueueError, OutputError."""
        self.path = path
        self.clock = clock
        make_folder(path.parent)
        self._writer = _Connection(path, clock)
        try:
            self._reader = _Connection(path, clock)
        except BaseException:
            self._writer.close()
            raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file throughout the block. Raises QueueError."""
        with self._reader.transaction("BEGIN") as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """One transaction, all of it or, on an exception, nothing. Raises QueueError.

        `durable`: it survives a loss of power once the block is left; others see it only then.
        """
        synchronous = "FULL" if durable else "NORMAL"
        with self._writer.transaction("BEGIN IMMEDIATE", synchronous=synchronous) as connection:
            yield connection

    def flush(self) -> None:
        """Make durable what was written before. Raises QueueError."""
        with self.writing(durable=True) as connection:
            connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'flushes'")

    @property
    def version(self) -> tuple[int, int]:
        """Differs from before whenever anything in the file does. Raises QueueError."""
        with self._reader.usable() as connection:
            (changes,) = connection.execute("PRAGMA data_version").fetchone()
            return self._reader.num_openings, changes

    @property
    def notice(self) -> str:
        """What happened to a file that had to be put aside, "" if nothing did."""
        notices = (self._writer.notice, self._reader.notice)  # one puts aside, the other finds it gone
        return next((notice for notice in notices if notice not in ("", _TAKEN_AWAY)), max(notices))

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


class _Connection:
    """Used by one thread at a time; follows the path when the file is replaced, and puts a damaged file aside."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """Raises QueueError, OutputError."""
        self.path = path
        self.notice = ""
        self.num_openings = 0
        self._clock = clock
        self._lock = threading.RLock()
        self._is_closed = False
        self._open()

    @contextlib.contextmanager
    def usable(self) -> Iterator[sqlite3.Connection]:
        """Raises QueueError, after putting the file aside if that is the reason."""
        with self._lock, self._told():
            if self._is_closed:
                raise QueueError(f"{self.path}: the queue is closed; start the studio again")
            if self._inode_at_path() != self._inode:
                self._reopen(notice=_TAKEN_AWAY)
            yield self._connection

    @contextlib.contextmanager
    def transaction(self, begin: str, *, synchronous: str = "NORMAL") -> Iterator[sqlite3.Connection]:
        """Committed when the block is left, undone on an exception. Raises QueueError."""
        with self.usable() as connection:
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                with contextlib.suppress(sqlite3.Error):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")

    def close(self) -> None:
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._connection.close()

    # --- opening

    def _open(self, *, damaged: tuple[int, int] | None = None, finding: str = "") -> None:
        """Open what is at the path; a file that is damaged, or known to be (its inode), is put aside first."""
        with held(self.path.with_name(self.path.name + ".lock")), self._told(opening=True):
            if damaged == self._inode_at_path():  # else somebody else was quicker
                self._put_aside(finding)
            try:
                self._connection = self._connected()
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    raise
                self._put_aside(str(error))
                self._connection = self._connected()
            self._inode = self._inode_at_path()
            self.num_openings += 1

    def _reopen(self, *, notice: str, finding: str = "") -> None:
        """Let go of the file, which was replaced or, as `finding` says, is damaged, and open it again."""
        damaged = self._inode if finding else None
        self._connection.close()
        self._inode = _NEVER  # should opening fail, the next call tries again
        self.notice = notice
        self._open(damaged=damaged, finding=finding)

    def _connected(self) -> sqlite3.Connection:
        """A connection to the file, which is checked and has its schema up to date."""
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        # Text that was damaged is met as text that means nothing, not as an exception that no one expects.
        connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
        try:
            self._check(connection)
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise QueueError(
                    f"{self.path}: this disk cannot hold the queue (no write-ahead log); choose a folder on a local one"
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        try:
            version = self._version_of(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            raise _damage(str(error)) from error  # nothing is wrong with the statements
        if version == 0:
            self._run(connection, _SCHEMA)
        for script in _UPGRADES[version - 1 :] if version else ():
            self._run(connection, script)

    def _version_of(self, connection: sqlite3.Connection) -> int:
        """Of the schema; 0 for an empty file. Raises QueueError for what is not to be touched."""
        (found,) = connection.execute(CHECK).fetchone()
        if found != "ok":
            raise _damage(found)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (num_tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if num_tables == 0:
            return 0
        if application != APPLICATION_ID:
            raise QueueError(
                f"{self.path}: a database of another program, not a queue; choose another folder"
            )
        if version > VERSION:
            raise QueueError(
                f"{self.path}: written by a newer version of the studio (schema {version}, this one reads "
                f"{VERSION}); update the studio or choose another folder"
            )
        noted = connection.execute("SELECT value FROM counters WHERE name = 'schema'").fetchone()
        if version < 1 or noted != (_schema_checksum(connection),):
            raise _damage("its tables are not those that were made")
        return version

    def _run(self, connection: sqlite3.Connection, script: str) -> None:
        connection.executescript(
            f"BEGIN IMMEDIATE; {script} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
        )
        checksum = _schema_checksum(connection)
        connection.execute("INSERT OR REPLACE INTO counters VALUES ('schema', ?)", (checksum,))
        connection.execute("COMMIT")

    def _put_aside(self, finding: str) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock()))
        aside, number = self.path.with_name(f"{self.path.stem}.damaged-{stamp}{self.path.suffix}"), 1
        while aside.exists():
            number += 1
            aside = aside.with_name(f"{self.path.stem}.damaged-{stamp}-{number}{self.path.suffix}")
        # The main file last: until it is gone the next one to open finds the same damage and ends up here again.
        for suffix in ("-shm", "-wal", ""):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
        self.notice = (
            f"the queue's file was damaged ({' '.join(finding.split())[:120]}) and is kept as {aside.name}; "
            "the queue starts empty, stories and pictures are not touched: queue again what is missing"
        )

    def _inode_at_path(self) -> tuple[int, int]:
        try:
            found = os.stat(self.path)
        except OSError:
            return _NOWHERE
        return found.st_dev, found.st_ino

    @contextlib.contextmanager
    def _told(self, *, opening: bool = False) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if _is_damage(error) and not opening:
                self._reopen(notice=_TAKEN_AWAY, finding=str(error))
                raise QueueError(self.notice) from error
            raise QueueError(f"{self.path}: {_advice(error)}") from error


def _schema_checksum(connection: sqlite3.Connection) -> int:
    """Of the statements that made the tables: SQLite's own check does not notice a wrong letter in one."""
    statements = connection.execute("SELECT coalesce(sql, '') FROM sqlite_schema ORDER BY name")
    return zlib.crc32("\n".join(sql for (sql,) in statements).encode())


def _damage(finding: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(finding)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _is_damage(error: sqlite3.DatabaseError | UnicodeDecodeError) -> bool:
    if isinstance(error, UnicodeDecodeError):  # SQLite's own message quotes damaged names
        return True
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def _advice(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _ADVICE.get(
        code, f"the queue cannot be used ({error}); restart the studio, and report this if it goes on"
    )
