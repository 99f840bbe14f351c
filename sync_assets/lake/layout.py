"""Where things are in the lake: asset keys and partition keys as path names, and back.

Only names are made here; nothing is read from or written to disk.

A partition key may be any text, but a file name may not: it must not climb out of its directory,
must not exceed 255 bytes, and must stay distinct on file systems that ignore case or normalise
Unicode. So every byte but lower-case letters, digits, `-` and `_` is percent-encoded, and the
excess of a long name is replaced by a digest.
"""

import hashlib
import re
import string
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from sync_assets.lake.problems import LakeError

SUFFIX = ".parquet"
UNPARTITIONED = f"+all{SUFFIX}"
"""The file of an asset without partitions; no encoded key contains a plus sign."""

LOCKS = ".locks"
SNAPSHOTS = ".snapshots"

_SAFE = frozenset((string.ascii_lowercase + string.digits + "-_").encode())
_EMPTY = "%"
_DIGEST_MARK = "%-"
_LONGEST = 200
_PREFIX = 120


def encode(key: str) -> str:
    """Turn a key into a name that is safe in every directory.

    Args:
        key: A partition key or a part of an asset key.

    Returns:
        The name without suffix. `decode` turns it back unless it `is_shortened`.

    Raises:
        LakeError: The key is not valid Unicode.
    """
    try:
        content = key.encode()
    except UnicodeEncodeError as error:
        raise LakeError(
            f"The key {key!r} is not valid Unicode: {error.reason}.",
            remedy="Replace the lone surrogates in the key.",
        ) from error
    name = "".join(chr(byte) if byte in _SAFE else f"%{byte:02x}" for byte in content) or _EMPTY
    if len(name) <= _LONGEST:
        return name
    prefix = re.sub(r"%.?$", "", name[:_PREFIX])
    return f"{prefix}{_DIGEST_MARK}{hashlib.sha256(content).hexdigest()}"


def is_shortened(name: str) -> bool:
    """Whether a name holds only a part of its key; the file itself holds the whole."""
    return _DIGEST_MARK in name


def decode(name: str) -> str:
    """Turn a name that `encode` made, and did not shorten, back into its key."""
    return "" if name == _EMPTY else unquote(name)


def display(asset: Sequence[str], partition: str | None = None) -> str:
    """Name an asset, or one partition of it, for people."""
    key = "/".join(asset)
    return f"asset {key}" if partition is None else f"partition {partition!r} of asset {key}"


def asset_directory(root: Path, asset: Sequence[str]) -> Path:
    """The directory that holds an asset's partitions.

    Args:
        root: The lake's directory.
        asset: The asset key's parts.

    Raises:
        LakeError: The key is empty, or a part of it is too long for a directory name.
    """
    names = [encode(part) for part in asset]
    if isinstance(asset, str) or not names or any(is_shortened(name) for name in names):
        raise LakeError(
            f"{asset!r} is not an asset key that the lake can store.",
            remedy="Pass the key as a list of short parts, such as ['trakt', 'history'].",
        )
    return root.joinpath(*names)


def file_name(partition: str | None) -> str:
    """The name of the file that holds a partition, or the whole unpartitioned asset."""
    return UNPARTITIONED if partition is None else f"{encode(partition)}{SUFFIX}"
