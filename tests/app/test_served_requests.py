"""A served studio and requests that must not be answered: of other sites, and for files that are no story's."""

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AuthenticationError
from PIL import Image

from app.auth import PER_CLIENT, Accounts
from app.desk import Desk, DrawingDefaults
from app.pages.shell import studio_app
from app.queue.store import open_store
from app.server import listen, server_for
from moviedreamer_core.workspace import Stories

pytest_plugins = ("weights",)
PASSWORD = "correct horse"


@contextlib.contextmanager
def studio_in(folder, accounts=None):
    """A desk with one story, and its address while it is served."""
    desk = Desk(
        stories=Stories(folder / "stories"),
        queue=open_store(folder / "stories.queue" / "jobs.sqlite"),
        weights_hash="f" * 64,
        settings=DrawingDefaults(width=48, height=32, frames_per_second=4, guidance_scale=3.0),
    )
    desk.shelf.from_text("A boat. The sea.", title="The Boat")
    with listen("127.0.0.1", 0) as connections:
        server = server_for(studio_app(desk, accounts))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [connections]})
        thread.start()
        try:
            yield desk, "http://{}:{}".format(*connections.getsockname())
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("open")
    (folder / "stories.queue").mkdir()
    with studio_in(folder) as found:
        yield found


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """A studio where ann signs in."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "stories.queue").mkdir()
    with studio_in(folder, Accounts.of([("ann", PASSWORD)])) as found:
        yield found


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "mara.png"
    Image.new("RGB", (60, 60), "tan").save(path)
    return path


def requests_of_a_page(address):
    """What the page and gradio_client send, one request of each kind."""
    join = {"data": [], "fn_index": 0, "session_hash": "s1"}
    ask = {"session_hash": "s1", "component_id": 1, "fn_name": "x", "data": {}}
    return [
        ("GET", "/", {}),
        ("GET", "/config", {}),
        ("GET", "/gradio_api/info", {}),
        ("GET", "/gradio_api/heartbeat/s1", {}),
        ("GET", "/gradio_api/queue/data?session_hash=s1", {}),
        ("POST", "/gradio_api/queue/join", {"json": join}),
        ("POST", "/gradio_api/run/predict", {"json": join}),
        ("POST", "/gradio_api/call/list_stories", {"json": {"data": []}}),
        ("POST", "/gradio_api/upload", {"files": {"files": ("a.png", b"x")}}),
        ("POST", "/gradio_api/component_server", {"json": ask}),
        ("POST", "/gradio_api/cancel", {"json": {"session_hash": "s1", "fn_index": 0, "event_id": "e"}}),
        ("POST", "/login", {"data": {"username": "ann", "password": PASSWORD}}),
        ("POST", "/sign-out", {}),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(13))
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example:80"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_every_route_refuses_other_sites(served, number, headers):
    _, address = served
    method, path, body = requests_of_a_page(address)[number]
    with (
        httpx.Client(base_url=address, timeout=600) as client,
        client.stream(method, path, headers=headers, **body) as answer,
    ):
        assert answer.status_code == 403
        assert "evil" not in answer.read().decode()


@pytest.mark.parametrize("number", [one for one in range(13) if one not in (11,)])
def test_every_route_asks_to_sign_in(locked, number):
    _, address = locked
    method, path, body = requests_of_a_page(address)[number]
    with httpx.Client(base_url=address, timeout=600) as client, client.stream(method, path, **body) as answer:
        assert answer.status_code in ((303,) if path == "/sign-out" else (401,))
        assert "The Boat" not in answer.read().decode()


def test_a_websocket_of_another_site_is_refused(served):
    _, address = served
    host = address.removeprefix("http://")
    handshake = (
        f"GET /gradio_api/queue/join HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port))) as connection:
        connection.sendall(handshake.encode())
        assert connection.recv(4096).split(b" ")[1] == b"403"


def status_of(address, raw_path, **options):
    """Of a path that is sent as it is written."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"GET {raw_path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
        )
        return int(connection.makefile("rb").readline().split()[1])


def test_no_file_but_a_story_s_own_is_served(served, tmp_path, tiny_weights, picture):
    desk, address = served
    story = desk.stories.get(desk.shelf.first_story())
    root = desk.stories.root
    uploaded = Path(
        httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.txt", b"mine")}, timeout=600).json()[0]
    )
    assert uploaded.read_bytes() == b"mine"
    (tmp_path / "secret.txt").write_text("secret")
    (story.path / "exports").mkdir(exist_ok=True)
    (story.path / "exports" / "keyframes.zip").symlink_to(tmp_path / "secret.txt")
    assert status_of(address, f"/gradio_api/file={story.path}/story.yaml") == 200
    refused = [
        "/etc/passwd", "/proc/self/environ", "/proc/self/cmdline", str(tmp_path / "secret.txt"),
        str(desk.queue.path), f"{desk.queue.path}-wal", str(uploaded), str(tiny_weights / "config.json"),
        str(Path(__file__).resolve()), f"{story.path}/decisions.json", f"{root}/.lock",
        f"{story.path}/exports/keyframes.zip",
        f"{story.path}/../../stories.queue/jobs.sqlite", f"{story.path}/%2e%2e/%2e%2e/stories.queue/jobs.sqlite",
        f"{story.path}/..%2f..%2fstories.queue/jobs.sqlite", "%2Fetc%2Fpasswd", "..%2f..%2f..%2fetc%2fpasswd",
        f"{story.path}/story.yaml%00", "file:///etc/passwd", "http://127.0.0.1:1/x", "http://example.org/",
        f"{story.path}\\..\\..\\stories.queue\\jobs.sqlite", "README.md", "app.py", "weights/miniature/config.json",
    ]  # fmt: skip
    answers = {path: status_of(address, f"/gradio_api/file={path}") for path in refused}
    assert {path: status for path, status in answers.items() if status != 403} == {}


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=http://example.org/", "/gradio_api/file/etc/passwd",
        "/gradio_api/stream/a/b/c/playlist.m3u8",
        "/gradio_api/custom_component/a/client/b/c", "/gradio_api/deep_link", "/gradio_api/runs", "/monitoring",
        "/gradio_api/openapi.json", "/gradio_api/vibe-code", "/gradio_api/profiling/summary", "/docs", "/openapi.json",
        "/file=/etc/passwd", "/gradio_api//file=/etc/passwd", "//gradio_api/file=/etc/passwd",
        "/logout", "/gradio_api/",
        "/static/../../routes.py", "/assets/..%2f..%2froutes.py", "/gradio_api/FILE=/etc/passwd",
    ],
)  # fmt: skip
def test_what_gradio_offers_beside_is_not_there(served, path):
    _, address = served
    assert status_of(address, path) in (403, 404)


@pytest.mark.parametrize(
    "wanted", ["/etc/passwd", "QUEUE", "STORY", "WEIGHTS", "http://example.org/mara.png", "mara.png"]
)
def test_a_step_takes_no_file_that_was_not_sent_with_it(served, tiny_weights, wanted):
    desk, address = served
    story_id = desk.shelf.first_story()
    named = {
        "QUEUE": desk.queue.path,
        "STORY": desk.story(story_id).path / "story.yaml",
        "WEIGHTS": tiny_weights / "config.json",
    }
    file = {
        "path": str(named.get(wanted, wanted)),
        "url": "http://example.org/mara.png",
        "meta": {"_type": "gradio.FileData"},
    }
    steps = {
        one["api_name"]: one["id"]
        for one in httpx.get(f"{address}/config", timeout=600).json()["dependencies"]
    }
    data = {"data": [story_id, "Ben", "", [file]], "fn_index": steps["add_character"], "session_hash": "s2"}
    before = files_in(Path(get_upload_folder()))
    for path in (
        "call/add_character",
        "call/v2/add_character",
        "queue/join",
        "run/add_character",
        "api/add_character",
    ):
        answer = httpx.post(f"{address}/gradio_api/{path}", json=data, timeout=600)
        assert (answer.status_code, answer.text) == (400, "The file did not arrive; choose it again."), path
    assert files_in(Path(get_upload_folder())) == before  # Gradio would have copied it there
    assert desk.story(story_id).script.head().draft.cast == ()


def files_in(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_picture_that_was_sent_is_taken_and_nobody_can_fetch_it_back(served, picture):
    desk, address = served
    story_id = desk.shelf.first_story()
    client = Client(address, verbose=False, httpx_kwargs={"timeout": 600})
    cast_id = client.predict(story_id, "Zoe", "", [handle_file(str(picture))], api_name="/add_character")
    assert len(desk.story(story_id).script.head().draft.member(cast_id).faces) == 1
    client.predict(story_id, cast_id, api_name="/remove_character")
    client.close()


# --- with names and passwords ------------------------------------------------------------------------------


def test_gradio_client_signs_in_and_does_everything(locked, picture):
    desk, address = locked
    client = Client(address, auth=("ann", PASSWORD), verbose=False, httpx_kwargs={"timeout": 600})
    (story,) = client.predict(api_name="/list_stories")
    assert story["title"] == "The Boat"
    cast_id = client.predict(story["id"], "Ben", "", [handle_file(str(picture))], api_name="/add_character")
    path = desk.story(story["id"]).script.head().draft.member(cast_id).faces[0]
    shown = f"{address}/gradio_api/file={desk.story(story['id']).path}/{path}"
    assert httpx.get(shown, cookies=client.cookies, timeout=600).status_code == 200
    assert httpx.get(shown, timeout=600).status_code == 401
    client.close()


def test_gradio_client_is_refused_without_the_password(locked):
    _, address = locked
    with pytest.raises(AuthenticationError, match="Please login"):
        Client(address, verbose=False, httpx_kwargs={"timeout": 600})
    with pytest.raises(AuthenticationError, match="Invalid credentials"):
        Client(address, auth=("ann", "wrong"), verbose=False, httpx_kwargs={"timeout": 600})
    httpx.post(f"{address}/login", data={"username": "ann", "password": PASSWORD}, timeout=600)  # forgives


def test_of_two_hundred_logins_at_once_few_are_looked_at(tmp_path):
    (tmp_path / "stories.queue").mkdir()
    with studio_in(tmp_path, Accounts.of([("ann", PASSWORD)])) as (_, address):

        def guess(number):
            form = {"username": "ann", "password": f"guess {number}"}
            return httpx.post(f"{address}/login", data=form, timeout=600).status_code

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(guess, range(200)))
    assert answers.count(401) + answers.count(429) == 200
    assert answers.count(401) <= 2 * PER_CLIENT.free + 4  # one more after each pause that ends meanwhile
    assert answers.count(429) >= 180
