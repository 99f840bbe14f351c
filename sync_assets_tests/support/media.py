"""Media folders with the names that break naive programs."""

from pathlib import Path

DIFFICULT_NAMES = (
    "100% 真実?.mkv",
    "a&b=c;d+e@f,g.mkv",
    "a:b*c|d<e>\"f'.mkv",
    "literal%2Fslash%41.mkv",
    "#hash [group] {1}.mkv",
    "  spaces  .mkv",
    "trailing dot..mkv",
    "back\\slash.mkv",
    "new\nline.mkv",
    "tab\tand\u202ertl.mkv",
    "e\u0301 decomposed.mkv",
    "é composed.mkv",
    "進撃の巨人 最終話 🎬.mkv",
    "CON.mkv",
    ".strm.mkv",
    "長" * 83 + ".mkv",
    "x" * 251 + ".mkv",
    "no extension but long enough.MKV",
)


def write_media(root: Path, names: tuple[str, ...] | list[str], size: int = 1_000) -> None:
    """Make media files; `names` may hold directories."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0" * size)


def tree_of(root: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder by its path."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
