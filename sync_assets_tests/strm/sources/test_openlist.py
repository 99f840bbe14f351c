"""Answers of OpenList that are unusual, broken or hostile."""

import json
from typing import Any

import pytest

from sync_assets.strm.models import Entry, EntryKind
from sync_assets.strm.sources.http_messages import Answer, TransientError
from sync_assets.strm.sources.openlist_answers import UnauthorizedError, data_of, page_of
from sync_assets.strm.sources.pace import RefusedError


def item(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": "film.mkv",
        "size": 7,
        "is_dir": False,
        "modified": "2026-01-02T03:04:05.123456789+08:00",
        "sign": "ab=:0",
    }
    return values | changes


def entry(**changes: Any) -> Entry:
    data = json.loads(json.dumps({"content": [item(**changes)], "total": 1}))
    (found,) = page_of(data).entries
    return found


def answer(body: bytes, status: int = 200, content_type: str = "application/json") -> Answer:
    return Answer(status, content_type, None, body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", 1_767_323_045),
        ("2026-01-02T03:04:05.1234567Z", 1_767_323_045.123456),
        ("2026-01-02T11:04:05.123456789+08:00", 1_767_323_045.123456),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T08:05:43+08:05", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_times_are_read_in_every_form(text: str | None, expected: float | None) -> None:
    assert entry(modified=text).modified_at == expected


@pytest.mark.parametrize("size", [-1, 2**63, float("inf"), "7", None])
def test_a_size_that_cannot_be_is_unknown(size: Any) -> None:
    assert entry(size=size).size is None


@pytest.mark.parametrize("sign", ["", None, 7, "\ud83d", ["x"]])
def test_a_signature_that_cannot_be_is_none(sign: Any) -> None:
    assert entry(sign=sign).sign is None


@pytest.mark.parametrize("is_dir", [True, False])
@pytest.mark.parametrize("name", ["back\\slash", "half \ud83d"])
def test_a_name_that_cannot_be_asked_for_is_unreadable(name: str, is_dir: bool) -> None:
    found = entry(name=name, is_dir=is_dir)
    assert found.kind is EntryKind.UNREADABLE
    assert found.name.encode()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"content": 7, "total": 7},
        {"content": [7], "total": 1},
        {"content": [{}], "total": 1},
        {"content": [item(name=None)], "total": 1},
        {"content": [item(modified=7)], "total": 1},
        {"content": [], "total": None},
    ],
)
def test_what_is_not_a_listing_is_not_an_empty_one(data: Any) -> None:
    with pytest.raises(TransientError):
        page_of(data)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(b"", 502, "text/plain"), TransientError),
        (answer(b"{"), TransientError),
        (answer(b"[]"), TransientError),
        (answer(b"{}"), TransientError),
        (answer(b"[" * 100_000), TransientError),
        (answer(b'{"code": 500, "message": "failed link: timeout"}'), TransientError),
        (answer(b'{"code": 500, "message": "429 Too Many Requests"}'), RefusedError),
        (answer(b'{"code": 429, "message": ""}'), RefusedError),
        (answer(b"<html>", 502, "text/html"), RefusedError),
        (answer(b"{}", 429), RefusedError),
        (answer(b'{"code": 401, "message": "\\ud83d"}'), UnauthorizedError),
    ],
)
def test_an_answer_without_data_says_what_to_do_about_it(
    given: Answer, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as caught:
        data_of(given)
    assert str(caught.value).encode() or expected is UnauthorizedError
