import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.guard import OwnPageOnly, is_loopback


@pytest.fixture
def client():
    routes = [Route("/", lambda request: PlainTextResponse("page"), methods=["GET", "POST"])]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(OwnPageOnly)]))


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "127.0.0.1"])
def test_the_page_itself_is_answered(client, host):
    assert client.get("/", headers={"host": host}).text == "page"
    assert client.post("/", headers={"host": host, "origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "0.0.0.0:7860", "", "[::1"])
def test_names_that_are_made_to_point_here_are_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1", "http://["])
def test_requests_of_other_sites_are_refused(client, origin):
    answer = client.post("/", headers={"host": "127.0.0.1:7860", "origin": origin})
    assert answer.status_code == 403
    assert answer.text == "This studio answers its own page only."


def test_loopback_is_this_machine_and_nothing_else():
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "192.168.1.2", "example.org", ""]))
