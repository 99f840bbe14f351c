"""What a downloaded file must be, and what it is not taken for."""

import hashlib
from pathlib import Path

import pytest

from sync_assets.relay.models import ReasonCode
from sync_assets.relay.verification import Expected, VerificationError, verify

JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
MKV = b"\x1aE\xdf\xa3" + bytes(100)
ZIP = b"PK\x03\x04" + bytes(100)
HTML = b"\xef\xbb\xbf\r\n <!DOCTYPE HTML><html></html>"
JSON_ERROR = b'{"error": {"code": 403, "message": "rateLimitExceeded"}}'


def write(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refusal(path: Path, expected: Expected) -> ReasonCode:
    with pytest.raises(VerificationError) as caught:
        verify(path, expected)
    assert caught.value.reason.text.count(".") >= 2
    return caught.value.reason.code


@pytest.mark.parametrize(
    ("name", "content", "mime"),
    [
        ("a.mkv", MKV, "video/x-matroska"),
        ("a.mka", MKV, "audio/x-matroska"),
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.zip", ZIP, "application/zip"),
        ("a.html", HTML, None),
        ("page", HTML, "text/html; charset=utf-8"),
        ("a.json", JSON_ERROR, None),
        ("data", JSON_ERROR, "application/json"),
        ("a.bin", b"{not json", None),
        ("a.bin", b"[1, 2]", None),
        ("unknown", b"\x00\x01", "video/mp4"),
    ],
)
def test_what_is_as_declared_is_taken(
    tmp_path: Path, name: str, content: bytes, mime: str | None
) -> None:
    verified = verify(write(tmp_path, name, content), Expected(len(content), mime=mime))
    assert verified.size_bytes == len(content)
    assert verified.checksum == f"sha-256={hashlib.sha256(content).hexdigest()}"


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (HTML, None),
        (HTML, "video/mp4"),
        (JSON_ERROR, None),
        (JSON_ERROR, "application/octet-stream"),
        (JPEG, "video/mp4"),
        (ZIP, "image/png"),
    ],
)
def test_what_is_something_else_is_not_taken(
    tmp_path: Path, content: bytes, mime: str | None
) -> None:
    path = write(tmp_path, "a.mp4", content)
    assert refusal(path, Expected(mime=mime)) == ReasonCode.WRONG_CONTENT


@pytest.mark.parametrize("expected", [Expected(104), Expected(reported_bytes=103)])
def test_another_size_is_not_taken(tmp_path: Path, expected: Expected) -> None:
    path = write(tmp_path, "a.jpg", JPEG + b"x")
    assert refusal(path, expected) == ReasonCode.WRONG_SIZE


def test_an_empty_file_is_taken_only_where_it_is_expected(tmp_path: Path) -> None:
    path = write(tmp_path, "a.bin", b"")
    assert refusal(path, Expected()) == ReasonCode.WRONG_SIZE
    assert verify(path, Expected(0)).size_bytes == 0


def test_a_checksum_is_compared_whatever_its_case(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jpg", JPEG)
    checksum = f"sha-256={hashlib.sha256(JPEG).hexdigest()}"
    assert verify(path, Expected(checksum=checksum.upper())).checksum == checksum
    wrong = f"sha-256={'0' * 64}"
    assert refusal(path, Expected(checksum=wrong)) == ReasonCode.WRONG_CHECKSUM
