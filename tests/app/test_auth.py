import itertools

import pytest

from app.auth import (
    IN_ALL,
    MAX_CLIENTS,
    PER_CLIENT,
    SESSION_SECONDS,
    VARIABLE,
    Accounts,
    Brakes,
    Sessions,
    accounts_from,
)
from moviedreamer_core.errors import InputError


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def warned():
    return []


def file_of(tmp_path, text, mode=0o600):
    path = tmp_path / "people.txt"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


# --- names and passwords -----------------------------------------------------------------------------------


def test_a_file_has_a_name_and_a_password_per_line(tmp_path, warned):
    text = "# who may come in\n\nann:a: b \nBjörk:pä$$wörd\r\n"
    accounts = accounts_from(file_of(tmp_path, text), {}, warn=warned.append)
    assert accounts.matches("ann", "a: b ")
    assert accounts.matches(" Björk ", "pä$$wörd")
    assert warned == []
    for name, password in (("ann", "a: b"), ("ann", ""), ("nobody", ""), ("", ""), ("# who may come in", "")):
        assert not accounts.matches(name, password)


def test_the_variable_is_read_and_taken_out_of_the_environment(warned):
    environment = {VARIABLE: "ann:secret\nben:other", "HOME": "/"}
    accounts = accounts_from(None, environment, warn=warned.append)
    assert accounts.matches("ann", "secret")
    assert accounts.matches("ben", "other")
    assert environment == {"HOME": "/"}
    assert warned == []


def test_a_name_and_password_on_the_command_line_are_taken_with_a_warning(warned):
    accounts = accounts_from("ann:secret", {VARIABLE: "ben:other"}, warn=warned.append)
    assert accounts.matches("ann", "secret")
    assert not accounts.matches("ben", "other")
    assert "list of processes" in warned[0]
    assert "secret" not in warned[0]


@pytest.mark.parametrize("password", ["x" * 5000, "nul\0byte", "a/" * 200])
def test_a_password_that_no_file_could_be_called_after_is_taken_and_never_told(warned, password):
    assert accounts_from(f"ann:{password}", {}, warn=warned.append).matches("ann", password)
    assert password not in warned[0]


def test_a_pair_that_is_wrong_is_told_without_the_password(warned):
    with pytest.raises(InputError, match=r"^--auth, line 1: write name:password") as error:
        accounts_from(":" + "secret" * 100, {}, warn=warned.append)
    assert "secret" not in str(error.value)


def test_a_wrong_file_is_called_by_its_name(tmp_path, warned):
    with pytest.raises(InputError, match=r"people\.txt, line 1: write name:password"):
        accounts_from(file_of(tmp_path, "ann"), {}, warn=warned.append)


def test_a_file_that_others_can_read_is_warned_of(tmp_path, warned):
    accounts_from(file_of(tmp_path, "ann:secret", mode=0o644), {}, warn=warned.append)
    assert "chmod 600" in warned[0]


def test_nothing_given_is_nobody(warned):
    accounts = accounts_from(None, {}, warn=warned.append)
    assert not accounts
    assert not accounts.matches("", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ann", "line 1: write name:password"),
        ("ann:secret\nben:", "line 2: write name:password"),
        (":secret", "line 1: write name:password"),
        ("ann:secret\nann:hidden", "line 2: 'ann' is there twice"),
        ("# nobody\n", "there is no name and password in it"),
        ("", "there is no name and password in it"),
    ],
)
def test_a_wrong_file_is_told_without_any_password(tmp_path, warned, text, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        accounts_from(file_of(tmp_path, text), {}, warn=warned.append)
    assert "secret" not in str(error.value)
    assert "hidden" not in str(error.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path, warned):
    with pytest.raises(InputError, match="there is no such file; give one with lines name:password"):
        accounts_from(str(tmp_path / "none.txt"), {}, warn=warned.append)
    (tmp_path / "bytes").write_bytes(b"ann:\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        accounts_from(str(tmp_path / "bytes"), {}, warn=warned.append)


def test_nothing_that_is_shown_or_kept_has_a_password():
    accounts = Accounts.of([("ann", "secret")])
    assert "secret" not in repr(accounts)
    assert b"secret" not in b"".join(accounts.digests.values())
    assert Accounts.of([("ann", "secret")]).digests != accounts.digests  # salted


# --- brakes ------------------------------------------------------------------------------------------------


def bad_logins(brakes, clock, number, client="10.0.0.1"):
    """As fast as they are looked at; the pauses before each."""
    pauses = []
    for _ in range(number):
        pause = brakes.seconds_to_wait(client)
        pauses.append(pause)
        clock.now += pause
        assert brakes.seconds_to_wait(client) == 0
        brakes.failed(client)
    return pauses


def test_pauses_of_a_client_grow_up_to_the_longest(clock):
    pauses = bad_logins(Brakes(clock), clock, 30)
    assert pauses[: PER_CLIENT.free] == [0.0] * PER_CLIENT.free
    later = pauses[PER_CLIENT.free :]
    assert later[:4] == [1.0, 2.0, 4.0, 8.0]
    assert all(one <= next_one for one, next_one in itertools.pairwise(later))
    assert set(later[8:]) == {PER_CLIENT.longest}


def test_a_client_that_guesses_has_few_tries_in_a_day(clock):
    brakes, tries, start = Brakes(clock), 0, clock.now
    while clock.now < start + 24 * 3600:
        clock.now += brakes.seconds_to_wait("10.0.0.1")
        brakes.failed("10.0.0.1")
        tries += 1
    assert tries < 24 * 60 + 20


def test_many_clients_together_are_slowed_down_too(clock):
    brakes = Brakes(clock)
    pauses = [bad_logins(brakes, clock, 1, client=f"10.0.{n // 256}.{n % 256}")[0] for n in range(200)]
    assert pauses[: IN_ALL.free] == [0.0] * IN_ALL.free
    assert all(one <= next_one for one, next_one in itertools.pairwise(pauses))
    assert set(pauses[40:]) == {IN_ALL.longest}


def test_who_has_signed_in_before_is_not_locked_out_by_others(clock):
    brakes = Brakes(clock)
    brakes.passed("10.9.9.9")
    for number in range(100):
        brakes.failed(f"10.0.0.{number}")
    assert brakes.seconds_to_wait("10.9.9.8") > 0
    assert brakes.seconds_to_wait("10.9.9.9") == 0
    for _ in range(PER_CLIENT.free):
        brakes.failed("10.9.9.9")
    assert brakes.seconds_to_wait("10.9.9.9") == PER_CLIENT.first


def test_a_good_login_and_a_quiet_while_forgive(clock):
    brakes = Brakes(clock)
    bad_logins(brakes, clock, 6)
    brakes.passed("10.0.0.1")
    assert brakes.seconds_to_wait("10.0.0.1") == 0
    bad_logins(brakes, clock, 6, client="10.0.0.2")
    clock.now += PER_CLIENT.quiet + 1
    assert bad_logins(brakes, clock, 3, client="10.0.0.2") == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("one", "other"), [("2001:db8::1", "2001:db8::2:3"), ("::ffff:10.0.0.1", "10.0.0.1")]
)
def test_addresses_that_one_machine_may_have_count_as_one_client(clock, one, other):
    brakes = Brakes(clock)
    for _ in range(PER_CLIENT.free):
        brakes.failed(one)
    assert brakes.seconds_to_wait(other) == PER_CLIENT.first
    assert brakes.seconds_to_wait("2001:db9::1") == 0


def test_what_is_remembered_has_an_end(clock):
    brakes = Brakes(clock)
    for number in range(MAX_CLIENTS + 50):
        brakes.failed(f"client {number}")
        brakes.passed(f"friend {number}")
    assert len(brakes._clients) == len(brakes._trusted) == MAX_CLIENTS


# --- sessions ----------------------------------------------------------------------------------------------


def test_a_session_lasts_while_it_is_used(clock):
    sessions = Sessions(clock)
    token, other = sessions.open("ann"), sessions.open("ann")
    assert token != other
    assert len(token) >= 32
    for _ in range(3):
        clock.now += 0.9 * SESSION_SECONDS
        assert sessions.name_of(token) == "ann"
    assert sessions.name_of(other) is None
    sessions.close(token)
    assert sessions.name_of(token) is None
    assert sessions.name_of("") is None
    sessions.close("never there")


def test_the_session_unused_for_longest_makes_room(clock, monkeypatch):
    monkeypatch.setattr("app.auth.MAX_SESSIONS", 3)
    sessions, tokens = Sessions(clock), []
    for name in "abcd":
        clock.now += 1
        tokens.append(sessions.open(name))
        sessions.name_of(tokens[0])
    assert [sessions.name_of(token) for token in tokens] == ["a", None, "c", "d"]
