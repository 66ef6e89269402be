"""Who may use a studio that others can reach: names and passwords, sessions, and brakes on guessing.

No password is kept, printed or logged: accounts hold salted digests. Times are seconds of a clock that only goes on.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from moviedreamer_core.errors import InputError

VARIABLE = "MOVIEDREAMER_AUTH"  # lines name:password, as in the file of --auth
MAX_FILE_BYTES = 2**20
SESSION_SECONDS = 14 * 24 * 3600.0  # since the last request
MAX_SESSIONS = 1000
MAX_CLIENTS = 10_000  # whose bad logins are remembered

Clock = Callable[[], float]


# --- names and passwords -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accounts:
    """`digests` of passwords by name; none at all stands for a studio without sign-in."""

    digests: Mapping[str, bytes] = field(repr=False)
    salt: bytes = field(repr=False)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Accounts:
        """The accounts of pairs (name, password)."""
        salt = secrets.token_bytes(16)
        return cls({name: _digest(salt, password) for name, password in pairs}, salt)

    def matches(self, name: str, password: str) -> bool:
        """Whether this is the password of `name`; takes as long for a name that nobody has."""
        nobody = _digest(self.salt, "")  # which no account has: passwords are not empty
        expected = self.digests.get(name.strip(), nobody)
        given = _digest(self.salt, password)
        return hmac.compare_digest(expected, given) and expected is not nobody

    def __bool__(self) -> bool:
        return bool(self.digests)


def accounts_from(
    argument: str | None, environment: MutableMapping[str, str], *, warn: Callable[[str], None]
) -> Accounts:
    """The accounts that --auth, a file or NAME:PASSWORD, or the variable names; the variable is taken out.

    Raises InputError, which never quotes what might be a password.
    """
    text, source = environment.pop(VARIABLE, ""), VARIABLE  # so that no child process has it
    if argument is not None:
        text, source = _text_of(argument, warn)
    elif not text.strip():
        return Accounts.of(())
    return Accounts.of(_pairs(text, source))


def _text_of(argument: str, warn: Callable[[str], None]) -> tuple[str, str]:
    """The lines name:password that --auth gives, and what to call where they are from. Raises InputError."""
    path = Path(argument)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long for a path, or a null byte
        is_file = False
    if not is_file:
        if ":" not in argument:
            raise InputError(f"--auth {argument}: there is no such file; give one with lines name:password")
        warn(
            "everyone on this machine can read the password in the list of processes; write it to a file and "
            f"give that to --auth, or set {VARIABLE}"
        )
        return argument, "--auth"
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            warn(f"{argument} can be read by other users of this machine; chmod 600 {argument}")
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES).decode("utf-8-sig"), argument
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"--auth {argument}: cannot be read ({why}); correct the file") from error


def _pairs(text: str, source: str) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, password = line.partition(":")
        name = name.strip()
        if not (name and colon and password):
            raise InputError(f"{source}, line {number}: write name:password, both of them not empty")
        if name in found:
            raise InputError(f"{source}, line {number}: {name!a} is there twice; remove one of the lines")
        found[name] = password
    if not found:
        raise InputError(f"{source}: there is no name and password in it; write lines name:password")
    return list(found.items())


def _digest(salt: bytes, text: str) -> bytes:
    return hashlib.sha256(salt + text.encode("utf-8", "surrogatepass")).digest()


# --- brakes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Brake:
    """After `free` bad logins the next one waits `first` seconds, then twice as long each time, at most `longest`.

    What happened is forgotten `quiet` seconds after the last bad one.
    """

    free: int
    first: float
    longest: float
    quiet: float

    def pause(self, num_bad: int) -> float:
        """Seconds to wait after so many bad logins in a row."""
        doublings = num_bad - self.free
        return 0.0 if doublings < 0 else min(self.longest, self.first * 2.0 ** min(doublings, 60))


PER_CLIENT = Brake(free=3, first=1.0, longest=60.0, quiet=900.0)
IN_ALL = Brake(free=20, first=0.25, longest=5.0, quiet=300.0)


@dataclass
class _Tries:
    num_bad: int = 0
    last: float = 0.0


class Brakes:
    """When a login is looked at: later and later after bad ones, of one client and of all together.

    A client that has signed in before waits for its own bad logins only, so that guessing from elsewhere does not
    lock people out. Not for several threads.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._clients: dict[str, _Tries] = {}
        self._all = _Tries()
        self._trusted: dict[str, None] = {}

    def seconds_to_wait(self, client: str) -> float:
        """Until a login of `client`, an address, is looked at; 0 if that is now."""
        own = self._left(self._clients.get(_network(client), _Tries()), PER_CLIENT)
        return own if _network(client) in self._trusted else max(own, self._left(self._all, IN_ALL))

    def failed(self, client: str) -> None:
        """A login of `client` was looked at and was bad."""
        key, now = _network(client), self._clock()
        tries = self._clients.pop(key, _Tries())  # put back as the newest
        for counted, brake in ((tries, PER_CLIENT), (self._all, IN_ALL)):
            counted.num_bad = 1 if now - counted.last > brake.quiet else counted.num_bad + 1
            counted.last = now
        self._clients[key] = tries
        if len(self._clients) > MAX_CLIENTS:
            del self._clients[next(iter(self._clients))]

    def passed(self, client: str) -> None:
        """A login of `client` was good."""
        key = _network(client)
        self._clients.pop(key, None)
        self._trusted[key] = None
        if len(self._trusted) > MAX_CLIENTS:
            del self._trusted[next(iter(self._trusted))]

    def _left(self, tries: _Tries, brake: Brake) -> float:
        since = self._clock() - tries.last
        return 0.0 if since > brake.quiet else max(0.0, brake.pause(tries.num_bad) - since)


def _network(client: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one, whose addresses one machine may have."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


# --- sessions ----------------------------------------------------------------------------------------------


@dataclass
class _Session:
    name: str
    last_used: float


class Sessions:
    """Who is signed in, by a random token that only their browser has. Not for several threads."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[bytes, _Session] = {}  # by digests: a look at memory gives no token

    def open(self, name: str) -> str:
        """A new session's token; the one unused for longest ends if there are too many."""
        token = secrets.token_urlsafe(32)
        self._sessions[_key(token)] = _Session(name, self._clock())
        if len(self._sessions) > MAX_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].last_used)]
        return token

    def name_of(self, token: str) -> str | None:
        """Who is signed in with this token; None if nobody is, or not any more."""
        session = self._sessions.get(_key(token))
        if session is None:
            return None
        if self._clock() - session.last_used > SESSION_SECONDS:
            del self._sessions[_key(token)]
            return None
        session.last_used = self._clock()
        return session.name

    def close(self, token: str) -> None:
        """Sign out; nothing happens to a token that is none."""
        self._sessions.pop(_key(token), None)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
