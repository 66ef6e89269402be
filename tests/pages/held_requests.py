"""Requests of the page that wait until a test lets them go, as on a slow line."""

from __future__ import annotations

from playwright.sync_api import Page, Request, Route

PAUSE_MS = 50


class Held:
    """What an island asks the desk: asks with one of these names wait, others pass; `asked` has all names in order."""

    def __init__(self, page: Page, *names: str) -> None:
        self.asked: list[str] = []
        self._page = page
        self._names = names
        self._waiting: list[tuple[str, Route]] = []
        page.route("**/component_server/**", self._heard)

    def _heard(self, route: Route, request: Request) -> None:
        name = request.post_data_json["fn_name"]
        self.asked.append(name)
        if name in self._names:
            self._waiting.append((name, route))
        else:
            route.continue_()

    def wait(self) -> dict[str, object]:
        """Until one waits; what it sends."""
        while not self._waiting:
            self._page.wait_for_timeout(PAUSE_MS)
        return self._waiting[0][1].request.post_data_json["data"]

    def done_unanswered(self) -> Route:
        """The one that has waited longest: the desk does it, the page does not hear of it."""
        self.wait()
        _, route = self._waiting.pop(0)
        route.fetch()
        return route

    def let_go(self) -> None:
        """The one that has waited longest."""
        self.wait()
        name, route = self._waiting.pop(0)
        with self._page.expect_response(lambda answer: answer.request == route.request):
            route.continue_()
        assert name
