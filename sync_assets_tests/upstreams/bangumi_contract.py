"""Whether a request is one that Bangumi's OpenAPI description allows, where the file is at hand."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

DESCRIPTION = Path(__file__).parents[3] / "shared" / "data" / "bangumi" / "bangumi_openapi_v0.yaml"
_TYPES = {
    "integer": int,
    "number": int | float,
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
}


def violations(method: str, target: str, body: bytes) -> list[str]:
    """Return what is wrong with a request; nothing where the description is not at hand."""
    description = _description()
    if description is None:
        return []
    parts = urlsplit(target)
    found = _operation(description, method, parts.path)
    if found is None:
        return [f"{method} {parts.path} is not in the description"]
    operation, path_item = found
    declared = {}
    for parameter in (*path_item.get("parameters", ()), *operation.get("parameters", ())):
        resolved = _resolved(description, parameter)
        if resolved["in"] == "query":
            declared[resolved["name"]] = resolved
    problems = []
    for name, values in parse_qs(parts.query).items():
        if name not in declared:
            problems.append(f"unknown parameter {name}")
            continue
        schema = _resolved(description, declared[name].get("schema", {}))
        value = int(values[0]) if values[0].isdecimal() else values[0]
        problems += _mismatches(description, schema, value, name)
    schema = (
        operation.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("schema")
    )
    if schema is not None:
        problems += _mismatches(description, schema, json.loads(body or b"null"), "body")
    elif body:
        problems.append("a body that nobody asked for")
    return problems


@cache
def _description() -> Any:
    if not DESCRIPTION.exists():
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(DESCRIPTION.read_text(encoding="utf-8"), loader)


def _operation(description: Any, method: str, path: str) -> tuple[Any, Any] | None:
    # A literal segment counts more than a variable one.
    for template in sorted(description["paths"], key=lambda each: each.count("{")):
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        item = description["paths"][template]
        if re.fullmatch(pattern, path) and method.lower() in item:
            return item[method.lower()], item
    return None


def _resolved(description: Any, schema: Any) -> Any:
    while "$ref" in schema:
        node = description
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = node
    return schema


def _mismatches(description: Any, schema: Any, value: Any, where: str) -> list[str]:
    schema = _resolved(description, schema)
    problems = []
    for part in schema.get("allOf", ()):
        problems += _mismatches(description, part, value, where)
    expected = _TYPES.get(schema.get("type", ""))
    is_wrong_bool = isinstance(value, bool) and schema.get("type") in ("integer", "number")
    if expected is not None and (not isinstance(value, expected) or is_wrong_bool):
        return [f"{where} is {value!r}, not {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        problems.append(f"{where} is {value!r}, not one of {schema['enum']}")
    if "minimum" in schema and value < schema["minimum"]:
        problems.append(f"{where} is {value}, less than {schema['minimum']}")
    if "maximum" in schema and value > schema["maximum"]:
        problems.append(f"{where} is {value}, more than {schema['maximum']}")
    return problems + _inner_mismatches(description, schema, value, where)


def _inner_mismatches(description: Any, schema: Any, value: Any, where: str) -> list[str]:
    """Look into objects and arrays."""
    problems = []
    if isinstance(value, dict):
        known = schema.get("properties", {})
        problems += [
            f"{where}.{n} is missing" for n in schema.get("required", ()) if n not in value
        ]
        for name, item in value.items():
            if name in known:
                problems += _mismatches(description, known[name], item, f"{where}.{name}")
            elif known:
                problems.append(f"{where}.{name} is not in the description")
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            problems += _mismatches(description, schema["items"], item, f"{where}[{index}]")
    return problems
