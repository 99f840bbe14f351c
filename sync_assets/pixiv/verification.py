"""Whether a file is what it should be: magic bytes, decoding, a proper end, an intact zip.

gallery-dl calls a file done that was resumed from a damaged part, or that is longer than it
should be. So nothing counts before this has looked at every byte.
"""

import hashlib
import io
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

_FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP"}
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82", "GIF": b";"}
_MAXIMUM_PIXELS = 1_000_000_000


class BadFileError(Exception):
    """A file is not what it should be; the text says why."""


class DamagedPictureError(BadFileError):
    """A file begins as the picture that it should be, and goes wrong later.

    Attributes:
        content: Its size and digest: Pixiv itself has some that are so, and each download of
            them is the same.
    """

    def __init__(self, message: str, content: bytes) -> None:
        super().__init__(message)
        self.content = _described(content)


@dataclass(frozen=True)
class Verified:
    """What is known of a file that is whole.

    Attributes:
        size_bytes: Its size.
        sha256: The digest of its content, in hexadecimal.
    """

    size_bytes: int
    sha256: str


def verify(path: Path) -> Verified:
    """Look at every byte of a file.

    Args:
        path: The file; its suffix says what it should be.

    Returns:
        Its size and digest.

    Raises:
        BadFileError: It is empty, cut off, damaged, or something else.
        OSError: It cannot be read.
    """
    content = path.read_bytes()
    if not content:
        message = "the file is empty"
        raise BadFileError(message)
    if path.suffix.lower() == ".zip":
        _verify_zip(content)
    else:
        _verify_image(content, path.suffix.lower().lstrip("."))
    return _described(content)


def _described(content: bytes) -> Verified:
    return Verified(len(content), hashlib.sha256(content).hexdigest())


def digest(path: Path) -> Verified:
    """Return the size and digest of a file that this project made itself.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Verified(path.stat().st_size, sha256)


def _verify_image(content: bytes, suffix: str) -> None:
    expected = _FORMATS.get(suffix)
    if expected is None:
        message = f"a file of type {suffix!r} is no picture"
        raise BadFileError(message)
    try:
        with warnings.catch_warnings():
            # Pixiv has pictures beyond Pillow's idea of a bomb; the limit here is our own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                if image.format != expected:
                    message = f"it is {image.format}, not {expected}"
                    raise BadFileError(message)
                if image.width * image.height > _MAXIMUM_PIXELS:
                    message = f"{image.width} x {image.height} pixels are too many"
                    raise BadFileError(message)
                # JPEG decodes at an eighth of its size, and still reads all of its data.
                image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
                image.load()
    except UnidentifiedImageError as error:
        message = f"it is no {expected} at all"
        raise BadFileError(message) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = f"it cannot be decoded: {error}"
        raise DamagedPictureError(message, content) from error
    end = _ENDS.get(expected)
    # Some programs pad JPEG with zeros; whatever else follows the end is of another file.
    whole = content.rstrip(b"\0")
    ends_twice = expected == "PNG" and end is not None and whole.find(end) != len(whole) - len(end)
    if end is not None and (not whole.endswith(end) or ends_twice):
        message = "it does not end where the picture ends"
        raise DamagedPictureError(message, content)


def _verify_zip(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            damaged = archive.testzip()
            names = archive.namelist()
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        message = f"it is no intact zip: {error}"
        raise BadFileError(message) from error
    if damaged is not None:
        message = f"the frame {damaged} is damaged"
        raise BadFileError(message)
    if not names:
        message = "the zip holds no frames"
        raise BadFileError(message)
