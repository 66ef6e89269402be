import re

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.auth import PER_CLIENT, Accounts, Brakes, Sessions
from app.guard import OwnPageOnly
from app.sign_in import SignIn, sign_in_page

BROWSER = {"accept": "text/html,application/xhtml+xml"}
PASSWORD = "correct horse"


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


async def talk(socket):
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


def app_with(clock):
    async def page(request):
        return PlainTextResponse("page")

    routes = [Route("/{path:path}", page, methods=["GET", "POST", "HEAD"]), WebSocketRoute("/socket", talk)]
    guarded = SignIn(
        Starlette(routes=routes), Accounts.of([("ann", PASSWORD)]), Brakes(clock), Sessions(clock)
    )
    return OwnPageOnly(guarded, any_host=True)


@pytest.fixture
def client(clock):
    return TestClient(app_with(clock), base_url="http://studio.lan:7860", follow_redirects=False)


def sign_in(client, password=PASSWORD, **headers):
    return client.post("/login", data={"username": "ann", "password": password}, headers=headers)


PATHS = ["/", "/config", "/gradio_api/info", "/gradio_api/queue/join", "/gradio_api/upload", "/assets/index.js",
         "/gradio_api/file=/x/image.png", "/gradio_api/heartbeat/abc", "/theme.css", "/logout", "/x"]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_before_one_signs_in(client, path, method):
    answer = client.request(method, path)
    assert answer.status_code == 401
    assert "page" not in answer.text


def test_a_browser_gets_the_sign_in_page_wherever_it_goes(client):
    answer = client.get("/?story=abc&x=%22%3E", headers=BROWSER)
    assert answer.status_code == 401
    assert "<h1>Sign in</h1>" in answer.text
    assert 'name="next" value="/?story=abc&amp;x=%22%3E"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_websocket_is_closed_before_one_signs_in(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/socket"):
        pass
    sign_in(client)
    with client.websocket_connect("ws://studio.lan:7860/socket") as socket:
        assert socket.receive_text() == "hello"


def test_after_signing_in_everything_is_answered_until_one_signs_out(client):
    answer = sign_in(client)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert client.get("/config").text == "page"
    token = client.cookies["moviedreamer-7860"]
    left = client.post("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/")
    assert client.get("/config").status_code == 401
    client.cookies.set("moviedreamer-7860", token)
    assert client.get("/config").status_code == 401  # the session is over, not only the cookie


def test_signing_out_takes_a_form_of_the_page_itself(client):
    sign_in(client)
    assert client.get("/sign-out").text == "page"  # a link does not sign out
    assert client.post("/sign-out", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.get("/").text == "page"


def test_the_cookie_is_for_this_site_and_for_no_script(client):
    marks = sign_in(client).headers["set-cookie"].lower()
    assert re.search(r"moviedreamer-7860=[\w-]{40,};", marks)
    assert "httponly" in marks
    assert "samesite=strict" in marks
    assert "path=/" in marks
    assert "secure" not in marks
    assert "domain" not in marks
    assert len({sign_in(client).headers["set-cookie"] for _ in range(5)}) == 5


def test_behind_tls_the_cookie_is_secure(clock):
    client = TestClient(app_with(clock), base_url="https://studio.example")
    assert "secure" in sign_in(client).headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("/?story=abc", "/?story=abc"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("http://evil.example", "/"),
        ("", "/"), ("/\tevil", "/"), ("/login", "/"), ("/\r\nx: y", "/"),
    ],
)  # fmt: skip
def test_a_browser_is_sent_to_a_page_of_this_studio_only(client, wanted, given):
    form = {"username": "ann", "password": PASSWORD, "next": wanted}
    answer = client.post("/login", data=form, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, given)


def test_bad_logins_wait_longer_and_longer_even_with_the_right_password(client, clock):
    for _ in range(PER_CLIENT.free):
        assert sign_in(client, "wrong").status_code == 401
    refused = sign_in(client)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert "Wait 1 s" in refused.json()["detail"]
    clock.now += 1.1
    assert sign_in(client, "wrong").headers["retry-after"] == "2"
    assert sign_in(client).status_code == 429
    clock.now += 2.1
    assert sign_in(client).status_code == 200
    assert sign_in(client, "wrong").status_code == 401  # forgiven: no wait before the next


def test_of_two_hundred_logins_in_a_row_few_are_looked_at(client):
    answers = [sign_in(client, f"guess {number}").status_code for number in range(200)]
    assert answers == [401] * PER_CLIENT.free + [429] * (200 - PER_CLIENT.free)


def test_a_refusal_in_the_browser_says_why_and_keeps_what_was_typed(client):
    form = {"username": '"><script>alert(1)</script>', "password": "hush-hush", "next": "/?story=abc"}
    answer = client.post("/login", data=form, headers=BROWSER)
    assert answer.status_code == 401
    assert "Name and password do not match." in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script" not in answer.text
    assert "hush-hush" not in answer.text
    assert 'name="next" value="/?story=abc"' in answer.text


def test_a_login_is_refused_alike_for_names_that_are_there_and_that_are_not(client):
    known = client.post("/login", data={"username": "ann", "password": "x"})
    unknown = client.post("/login", data={"username": "zoe", "password": "x"})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


def test_the_log_has_no_name_and_no_password(client, caplog):
    client.post("/login", data={"username": "typed-in-the-wrong-field", "password": "hush-hush"})
    assert "was refused" in caplog.text
    assert "hush" not in caplog.text
    assert "typed" not in caplog.text


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe=1", b"&" * 50, b"username=ann&password=" + b"x" * 10**6, b"{}"]
)
def test_a_form_that_is_none_is_a_bad_login(client, body):
    assert client.post("/login", content=body).status_code == 401


@pytest.mark.parametrize(
    "cookie", ["moviedreamer-7860=", "moviedreamer-7860=abc", "a=b; ;;=", "moviedreamer-7861=x", "\x00"]
)
def test_a_cookie_that_is_none_lets_nobody_in(client, cookie):
    sign_in(client)
    client.cookies.clear()
    assert client.get("/", headers={"cookie": cookie}).status_code == 401


def test_the_page_has_the_colours_of_the_studio_in_both_themes():
    page = sign_in_page("It is late & dark.")
    assert not re.search(r"\{\{|\}\}\}", page)
    assert "It is late &amp; dark." in page
    light, dark = re.findall(r"--md-ground: (#[0-9a-f]{6})", page)
    assert light != dark
    assert page.index("prefers-color-scheme: dark") > page.index(light)
    assert "http" not in page.replace("http-equiv", "")  # nothing is fetched
