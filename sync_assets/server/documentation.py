"""`/docs`: the OpenAPI description as one readable page, without any script.

FastAPI's own page loads its program from another host; this server's pages reach no further than
the server.
"""

import html
import json
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 1rem; }}
h2 {{ border-top: 1px solid #8886; padding-top: 1rem; overflow-wrap: anywhere; }}
code, pre {{ font-family: ui-monospace, monospace; font-size: 0.9em; }}
pre {{ overflow-x: auto; padding: 0.75rem; border: 1px solid #8886; border-radius: 4px; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: 0.3rem 0.75rem 0.3rem 0; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{summary} For programs: <a href="openapi.json">openapi.json</a>.</p>
{operations}
<h2>Schemas</h2>
{schemas}
</body>
</html>
"""


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """Describe every route, readably."""
    page = render_page(request.app.openapi())
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def render_page(description: Mapping[str, Any]) -> str:
    """Render an OpenAPI description.

    Args:
        description: The parsed `openapi.json`.

    Returns:
        A whole HTML page.
    """
    operations = (
        _operation(method, path, operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
    )
    schemas = description.get("components", {}).get("schemas", {})
    return _PAGE.format(
        title=html.escape(f"{description['info']['title']} {description['info']['version']}"),
        summary=html.escape(description["info"].get("description", "")),
        operations="\n".join(operations),
        schemas="\n".join(_schema(name, schema) for name, schema in sorted(schemas.items())),
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    paragraphs = operation.get("description", operation.get("summary", "")).split("\n\n")
    parts = [f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>"]
    parts += [f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs]
    parts.append(f"<p>{_access(operation)}</p>")
    if operation.get("parameters"):
        rows = (
            (f"{item['name']} ({item['in']})", item.get("description", ""))
            for item in operation["parameters"]
        )
        parts.append(_table("Parameter", rows))
    if "requestBody" in operation:
        body = operation["requestBody"]
        parts.append(f"<p>Body: {html.escape(body.get('description', 'see openapi.json'))}</p>")
    answers = (
        (status, f"{answer.get('description', '')} {_schema_name(answer)}".strip())
        for status, answer in sorted(operation.get("responses", {}).items())
    )
    parts.append(_table("Answer", answers))
    return "\n".join(parts)


def _access(operation: Mapping[str, Any]) -> str:
    if "pages" in operation.get("tags", ()):
        return 'A page for people, who <a href="/sign-in">sign in</a>.'
    if operation.get("security"):
        return "Needs the header <code>Authorization: Bearer TOKEN</code>."
    return "Needs no token."


def _schema_name(answer: Mapping[str, Any]) -> str:
    content = next(iter(answer.get("content", {}).values()), {})
    reference = content.get("schema", {}).get("$ref", "")
    return f"→ {reference.rpartition('/')[2]}" if reference else ""


def _table(heading: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{html.escape(text)}</td></tr>"
        for name, text in rows
    )
    return f"<table><tr><th>{heading}</th><th></th></tr>{cells}</table>"


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    text = html.escape(json.dumps(schema, indent=2))
    return (
        f"<details><summary><code>{html.escape(name)}</code></summary><pre>{text}</pre></details>"
    )
