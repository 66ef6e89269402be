import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.auth import Accounts
from app.guard import OwnPageOnly, SentFilesOnly, guards, is_loopback, is_shown
from app.sign_in import SignIn
from moviedreamer_core.workspace import Stories

HERE = "127.0.0.1:7860"


async def talk(socket):
    await socket.accept()
    await socket.close()


def client_of(**options):
    async def page(request):
        return PlainTextResponse("page")

    routes = [Route("/{path:path}", page, methods=["GET", "POST"]), WebSocketRoute("/socket", talk)]
    return TestClient(OwnPageOnly(Starlette(routes=routes), **options), base_url=f"http://{HERE}")


@pytest.fixture
def client():
    return client_of()


@pytest.fixture
def open_client():
    """Of a studio where people sign in."""
    return client_of(any_host=True)


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "127.0.0.1"])
def test_the_page_itself_is_answered(client, host):
    assert client.get("/", headers={"host": host}).text == "page"
    assert client.post("/", headers={"host": host, "origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "0.0.0.0:7860", "", "[::1"])
def test_names_that_are_made_to_point_here_are_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 403


FOREIGN = [
    "http://evil.example",
    "null",
    "",
    "http://127.0.0.1:1",
    "http://[",
    "http://127.0.0.1:7860@evil.example",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_requests_of_other_sites_are_refused(client, open_client, origin):
    for one in (client, open_client):
        answer = one.post("/", headers={"host": HERE, "origin": origin})
        assert answer.status_code == 403
        assert answer.text == "This studio answers its own page only."


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_websockets_of_other_sites_are_refused(client, headers):
    with client.websocket_connect(f"ws://{HERE}/socket", headers={"origin": f"http://{HERE}"}):
        pass
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"ws://{HERE}/socket", headers={"origin": f"http://{HERE}", **headers}),
    ):
        pass


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pictures_and_frames_on_other_sites_are_refused_but_links_work(client, site):
    for mode, dest in (("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")):
        marks = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
        assert client.get("/picture.png", headers=marks).status_code == 403
    link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/", headers=link).text == "page"
    assert client.post("/", headers=link).status_code == 403
    for own in ("same-origin", "none"):
        assert client.get("/picture.png", headers={"sec-fetch-site": own}).text == "page"


@pytest.mark.parametrize("host", ["studio.lan:7860", "192.168.1.5:7860", "studio.example"])
def test_with_sign_in_any_name_of_this_machine_is_answered_to_its_own_page_only(client, open_client, host):
    assert client.get("/", headers={"host": host}).status_code == 403
    assert open_client.get("/", headers={"host": host}).text == "page"
    assert open_client.post("/", headers={"host": host, "origin": f"https://{host}"}).text == "page"
    for origin in ("http://evil.example", f"http://{host}.evil.example", f"http://evil.example/{host}"):
        assert open_client.post("/", headers={"host": host, "origin": origin}).status_code == 403
    assert open_client.get("/", headers={"host": ""}).status_code == 403


def test_no_other_site_can_frame_the_page_or_guess_its_types(client):
    for answer in (client.get("/"), client.get("/", headers={"host": "evil.example"})):
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_loopback_is_this_machine_and_nothing_else():
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "192.168.1.2", "example.org", ""]))


def test_people_sign_in_before_anything_else_but_the_origin_is_looked_at(tmp_path):
    kinds = [one.cls for one in guards(tmp_path, tmp_path, Accounts.of([("ann", "secret")]))]
    assert kinds[:2] == [OwnPageOnly, SignIn]
    assert SignIn not in [one.cls for one in guards(tmp_path, tmp_path, Accounts.of(()))]


# --- files of a story --------------------------------------------------------------------------------------


@pytest.fixture
def story(tmp_path):
    return Stories(tmp_path / "stories").new(title="The Pier")


def test_files_that_pages_show_are_shown(story):
    root = story.path.parent
    (story.path / "exports").mkdir(exist_ok=True)
    (story.path / "exports" / "movie.mp4").write_bytes(b"x")
    assert is_shown(root, f"{story.path}/story.yaml")
    assert is_shown(root, f"{story.path}/exports/movie.mp4")


def test_all_other_files_are_not(story, tmp_path):
    root = story.path.parent
    other = Stories(root).new(title="The Other")
    (tmp_path / "secret.txt").write_text("secret")
    (story.path / "notes.txt").write_text("secret")
    (story.path / "exports").mkdir(exist_ok=True)
    (story.path / "exports" / "movie.mp4").symlink_to(tmp_path / "secret.txt")
    (root / "link-aaaaaaaa").symlink_to(tmp_path)
    refused = [
        "", "/", "/etc/passwd", "/proc/self/environ", str(root), str(story.path), "story.yaml",
        f"{tmp_path}/secret.txt", f"{story.path}/notes.txt", f"{story.path}/decisions.json", f"{story.path}/.lock",
        f"{story.path}/revisions/00000001.json", f"{story.path}/exports/movie.mp4", f"{root}/.lock",
        f"{story.path}/../{other.path.name}/story.yaml", f"{story.path}/exports/../story.yaml",
        f"{story.path}//story.yaml", f"{story.path}/./story.yaml", f"{story.path}/story.yaml/",
        f"/{story.path}/story.yaml",
        f"{story.path}/story.yaml\0", f"{root}/link-aaaaaaaa/secret.txt", f"{root}/{'a' * 5000}/story.yaml",
        f"{story.path.name}/story.yaml", f"file://{story.path}/story.yaml", f"http://127.0.0.1{story.path}/story.yaml",
    ]  # fmt: skip
    assert [path for path in refused if is_shown(root, path)] == []
    assert is_shown(root, f"{other.path}/story.yaml")


def test_what_was_deleted_is_not_shown(story):
    root = story.path.parent
    Stories(root).delete(story.path.name.rpartition("-")[2])
    (trashed,) = (root / ".trash").glob("*/story.yaml")
    assert trashed.is_file()
    assert not is_shown(root, str(trashed))


# --- large requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["queue/join", "run/step", "component_server", "component_server/"])
def test_a_request_that_is_too_large_is_refused_before_anything_reads_it(tmp_path, monkeypatch, path):
    monkeypatch.setattr("app.guard.MAX_ASKED_BYTES", 1000)
    read = []

    async def page(request):
        read.append(await request.body())
        return PlainTextResponse("page")

    asked = Starlette(routes=[Route("/{path:path}", page, methods=["POST"])])
    client = TestClient(SentFilesOnly(asked, uploads=tmp_path), base_url=f"http://{HERE}")
    assert client.post(f"/gradio_api/{path}", content=b" " * 1001).status_code == 413
    assert read == []
    assert client.post(f"/gradio_api/{path}", content=b" " * 1000).text == "page"
    assert read == [b" " * 1000]


def test_an_island_takes_no_file_that_was_not_sent(tmp_path):
    async def page(request):
        return PlainTextResponse("page")

    asked = Starlette(routes=[Route("/{path:path}", page, methods=["POST"])])
    client = TestClient(SentFilesOnly(asked, uploads=tmp_path / "uploads"), base_url=f"http://{HERE}")
    (tmp_path / "uploads").mkdir()
    for name, status in (("uploads/a.png", 200), ("b.png", 400)):
        (tmp_path / name).write_bytes(b"x")
        file = {"path": str(tmp_path / name), "meta": {"_type": "gradio.FileData"}}
        sent = {"data": [file], "fn_name": "import_story", "component_id": 1, "session_hash": "a"}
        assert client.post("/gradio_api/component_server", json=sent).status_code == status
