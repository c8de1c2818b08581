"""The API describes itself: every route is there, and what each needs."""

from pathlib import Path

from deploy.cities import load_city
from screens.api.openapi import document
from screens.app import create_app
from screens.settings import Settings
from screens.web import AUDIT


def test_every_route_of_the_api_is_described_and_changes_need_the_token(tmp_path: Path) -> None:
    app = create_app(Settings("127.0.0.1:1", "", tmp_path), load_city())
    app[AUDIT].close()

    found = document(app)

    served = {
        (route.method.lower(), route.resource.canonical.partition(":")[0].rstrip("}"))
        for route in app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/")
    }
    described = [(method, path) for path, said in found["paths"].items() for method in said]
    assert len(described) == len({one for one in served if one[0] != "head"})
    for method, path in described:
        operation = found["paths"][path][method]
        assert operation["summary"].endswith((".", "?"))
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        signs_in = (method, path) == ("post", "/api/v1/session")
        assert ("X-CSRF-Token" in names) == (method != "get" and not signs_in)
        assert (operation.get("security") == []) == signs_in
