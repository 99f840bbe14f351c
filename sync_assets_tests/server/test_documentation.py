"""`/docs`, and `docs/interfaces.md`: both know every route."""

import re

from sync_assets_tests.server.process import REPOSITORY


def routes_of(app) -> set[str]:
    return {
        f"{method} {path}"
        for path, item in app.openapi()["paths"].items()
        for method in map(str.upper, item)
    }


def test_the_page_lists_every_route_and_loads_nothing(app, client):
    answer = client.get("/docs")
    assert answer.status_code == 200
    for route in routes_of(app):
        assert route in answer.text
    assert "<script" not in answer.text
    assert not re.findall(r'(?:src|href)="(?!openapi\.json|/sign-in")', answer.text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_documentation_lists_exactly_the_routes_that_exist(app):
    text = (REPOSITORY / "docs" / "interfaces.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^### `((?:GET|POST|PUT|PATCH|DELETE) /\S*)`", text, re.MULTILINE))
    served = routes_of(app) | {"GET /docs", "GET /openapi.json"}
    assert documented == served


def test_every_described_route_tells_its_errors_in_the_one_shape(app):
    for path, item in app.openapi()["paths"].items():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and path != "/health":
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}
