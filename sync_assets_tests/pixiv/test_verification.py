"""What counts as a whole file."""

import hashlib
from pathlib import Path

import pytest

from sync_assets.pixiv.verification import BadFileError, verify
from sync_assets_tests.upstreams.pixiv.works import image_bytes, ugoira_bytes

PNG = image_bytes(1, "png", (200, 200))
JPEG = image_bytes(1, "jpg", (200, 200))
GIF = image_bytes(1, "gif", (200, 200))
ZIP = ugoira_bytes(1, 3)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.png", PNG), ("a.jpg", JPEG), ("a.JPG", JPEG + b"\0\0"), ("a.gif", GIF), ("a.zip", ZIP)],
)
def test_a_whole_file_has_a_size_and_a_digest(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = verify(tmp_path / name)
    assert (found.size_bytes, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.png", b"", "empty"),
        ("a.png", b"<html></html>", "no PNG at all"),
        ("a.png", JPEG, "it is JPEG, not PNG"),
        ("a.png", PNG[:-20], "decoded|end"),
        ("a.png", PNG[:9_000] + b"zz" + PNG[9_002:], "decoded"),
        ("a.png", PNG + PNG, "does not end"),
        ("a.jpg", JPEG[: len(JPEG) // 2], "decoded"),
        ("a.jpg", JPEG[:-2], "truncated|end"),
        ("a.jpg", JPEG + b"more", "does not end"),
        ("a.gif", GIF[:-30], "decoded|end"),
        ("a.zip", ZIP[:-30], "no intact zip"),
        ("a.zip", ZIP[:200] + b"zz" + ZIP[202:], "damaged|intact"),
        ("a.exe", PNG, "no picture"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFileError, match=why):
        verify(tmp_path / name)
