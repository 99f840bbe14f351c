"""Read the picture and the medium of a release: what the name states, and what it implies."""

import re
from collections.abc import Mapping

_SIZE = re.compile(r"(?<!\d)(\d{3,4}) ?[x×] ?(\d{3,4})(?!\d)[pi]?", re.IGNORECASE)
_CONVERTED = re.compile(r"4k ?to ?(\d{3,4})p", re.IGNORECASE)
_LINES = re.compile(r"(?<!\d)(\d{3,4})[pi](?![A-Za-z])", re.IGNORECASE)
_BARE_LINES = re.compile(
    r"(?<=[\[(])(480|540|576|720|1080|2160)(?=[\])])"
    r"|(?:bd|dvd|web|tv|blu-?ray)[ -](480|720|1080|2160)(?!\d)"
    r"|(?<![A-Za-z0-9])(480|720|1080|2160)(?=[ .]+(?:bd|dvd|web|x26|h26|hevc|flac|aac|blu))",
    re.IGNORECASE,
)
_NAMED: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"(?<![A-Za-z0-9])8k(?![A-Za-z0-9])", re.IGNORECASE), 4320),
    (re.compile(r"(?<![A-Za-z0-9])(?:4k|ultra ?hd)(?![A-Za-z0-9])", re.IGNORECASE), 2160),
    (re.compile(r"(?<![A-Za-z0-9])(?:fhd|full ?hd)(?![A-Za-z0-9])", re.IGNORECASE), 1080),
)

_SOURCES: Mapping[str, re.Pattern[str]] = {
    name: re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z])", re.IGNORECASE)
    for name, pattern in {
        "bluray": r"blu[ ._-]?ray|bd[ ._-]?(?:rip|mux|light|remux|box)?|brrip|hd[ ._-]?dvd",
        "webrip": r"web[ ._-]?rip|webmux|web[ ._-]?dlrip",
        "web": r"web[ ._-]?dl(?:mux)?|web(?:[ ._-]?hd)?|(?:netflix|amazon|hbomax)(?:u?hd|sd)?"
        r"|baha|b-global",
        "dvd": r"dvd(?:[ ._-]?rip|scr|[59r])?|xviddvd|xvidvd|ntsc|pal",
        "hdtv": r"[hp]d[ ._-]?tv(?:rip)?|htdv|tv[ ._-]?rip|dsr|sdtv|satrip",
    }.items()
}
_REMUX = re.compile(r"remux", re.IGNORECASE)
_ULTRA = re.compile(r"(?<![A-Za-z0-9])uhd(?![A-Za-z0-9])", re.IGNORECASE)
_SMALL_FORMAT = re.compile(
    r"(?<![A-Za-z0-9])(?:xvid|divx|sd|sdtv|dvd\w*|ntsc|pal|vhs)", re.IGNORECASE
)
_HIGH_DEFINITION = re.compile(r"(?<![A-Za-z0-9])hd(?:tv)?(?![A-Za-z0-9-])", re.IGNORECASE)
_MKV = re.compile(r"(?<![A-Za-z0-9])mkv(?![A-Za-z0-9])", re.IGNORECASE)


def find_resolution(
    text: str, extension: str | None, source: str | None
) -> tuple[int | None, bool]:
    """Find the lines of the picture.

    Args:
        text: The prepared name without its extension.
        extension: The extension.
        source: The medium, as `find_source` returns it.

    Returns:
        The lines, and whether the name states them. Otherwise they are what releases of that
        medium and format usually have.
    """
    if stated := _stated(text):
        return stated, True
    return _implied(text, extension, source), False


def find_source(text: str) -> str | None:
    """Find the medium: `bluray`, `webrip`, `web`, `dvd` or `hdtv`."""
    for name, pattern in _SOURCES.items():
        if pattern.search(text):
            return name
    return None


def tier_of(lines: int) -> int:
    """Return the usual step of quality that a resolution belongs to: 480, 720, 1080 or 2160."""
    for tier, least in ((2160, 1600), (1080, 900), (720, 620)):
        if lines >= least:
            return tier
    return 480


def _stated(text: str) -> int | None:
    if found := _CONVERTED.search(text):
        return int(found[1])
    if found := _LINES.search(text):
        return int(found[1])
    for found in _SIZE.finditer(text):
        if int(found[1]) > int(found[2]) >= 200:
            return int(found[2])
    if found := _BARE_LINES.search(text):
        return int(found[1] or found[2] or found[3])
    for pattern, lines in _NAMED:
        if pattern.search(text):
            return lines
    return None


def _implied(text: str, extension: str | None, source: str | None) -> int | None:
    if source in ("bluray", "web", "webrip") and _ULTRA.search(text):
        return 2160
    if _REMUX.search(text) and source in ("bluray", None):
        return 1080
    if _SMALL_FORMAT.search(text) or source == "dvd":
        return 480
    if source == "bluray":
        # Groups of anime put the medium in brackets; their discs are of high definition.
        return 720 if "[" in text or extension == "m2ts" else 480
    is_mkv = extension == "mkv" or _MKV.search(text) is not None
    if source in ("web", "webrip"):
        return 720 if is_mkv else 480
    is_high = _HIGH_DEFINITION.search(text) and source is None
    return 720 if is_high or extension in ("m2ts", "mkv", "ts") else None
