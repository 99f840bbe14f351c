"""Check requests against Trakt's own OpenAPI description, where it is at hand.

It is not part of this project, and looked for beside the checkout: `../shared/data/trakt`.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

# Paged since mid-2026, which the description does not say (trakt-api discussions 681 and 775).
_UNDESCRIBED_PARAMETERS = {
    "/sync/watched/{type}": {"page", "limit"},
    "/sync/collection/shows": {"page", "limit"},
}


def contract_path() -> Path:
    """Where the description would be."""
    return Path(__file__).parents[3] / "shared" / "data" / "trakt" / "trakt_openapi.json"


class Contract:
    """Trakt's description, or nothing where it is not there."""

    def __init__(self) -> None:
        path = contract_path()
        self.paths: dict[str, Any] = {}
        if path.exists():
            self.paths = json.loads(path.read_text(encoding="utf-8"))["paths"]

    def violations(self, method: str, target: str, body: Mapping[str, Any] | None) -> list[str]:
        """Say what of a request is not as described."""
        if not self.paths:
            return []
        parts = urlsplit(target)
        template = self._template(method.lower(), parts.path)
        if template is None:
            return [f"{method} {parts.path}: not described"]
        operation = self.paths[template][method.lower()]
        parameters = {each["name"]: each for each in operation.get("parameters", [])}
        known = parameters.keys() | _UNDESCRIBED_PARAMETERS.get(template, set())
        found = [
            f"{parts.path}: unknown parameter {name}"
            for name in parse_qs(parts.query).keys() - known
        ]
        for name, (value,) in parse_qs(parts.query).items():
            kinds = parameters.get(name, {}).get("schema", {}).get("type", [])
            if "integer" in kinds and not value.isdecimal():
                found.append(f"{parts.path}: {name}={value} is no integer")
            described = parameters.get(name, {}).get("description", "")
            if "YYYY-MM-DD" in described and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                found.append(f"{parts.path}: {name}={value} is no date")
        return found + self._body_violations(parts.path, operation, body)

    def _template(self, method: str, path: str) -> str | None:
        """Return the described path; its last parameters may be left out, as Trakt's text says."""
        segments = path.strip("/").split("/")
        candidates = []
        for template, operations in self.paths.items():
            if method not in operations:
                continue
            described = template.strip("/").split("/")
            optional = len(described) - len(segments)
            if optional < 0 or not all(each[0] == "{" for each in described[len(segments) :]):
                continue
            pairs = zip(described, segments, strict=False)
            if all(each == name or each[0] == "{" for each, name in pairs):
                candidates.append((template.count("{"), template))
        return min(candidates)[1] if candidates else None

    def _body_violations(
        self, path: str, operation: Mapping[str, Any], body: Mapping[str, Any] | None
    ) -> list[str]:
        described = operation.get("requestBody")
        if described is None:
            return [f"{path}: a body where none belongs"] if body else []
        schema = described["content"]["application/json"]["schema"]
        alternatives = schema.get("oneOf", [schema])
        if any(
            set(each.get("required", ())) <= set(body or ()) <= set(each["properties"])
            for each in alternatives
        ):
            return []
        return [f"{path}: the body's fields {sorted(body or ())} fit no description"]
