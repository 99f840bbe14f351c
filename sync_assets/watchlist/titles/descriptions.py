"""What else a name describes with digits: dates, sizes, checksums, years, formats."""

import re

from sync_assets.watchlist.titles.text import MASK, PART_OF_TITLE, mask_matches, masked
from sync_assets.watchlist.titles.vocabulary import SITES, STRONGLY_TECHNICAL

_CHECKSUM = re.compile(r"[\[(]([0-9A-Fa-f]{8})[\])]|(?<=[ -])([0-9A-F]{8})$")
_ALL_LETTERS = re.compile(r"^[A-Fa-f]+$")
_DATE = re.compile(
    r"(?<![A-Za-z\d])(?:(?:19|20)\d\d[-. ](?:0\d|1[0-2])[-. ][0-3]\d"
    r"|[0-3]\d[-.](?:0\d|1[0-2])[-.](?:19"
    r"|20)\d\d"
    r"|\d{1,2} [A-Z][a-z]{2,8} (?:19|20)\d\d|[A-Z][a-z]{2,8} \d{1,2}, (?:19|20)\d\d"
    r"|^\d{6}(?= ))(?!\d)"
)
_YEAR = re.compile(r"[\[( .]((?:19[5-9]|20[0-9])\d)(?=[\]) .]|$)")
YEAR_IN_BRACKETS = re.compile(r"[\[(](?:(?:19[5-9]|20[0-9])\d)(?:-(?:19|20)?\d\d)?[\])]")
_TITLE_NUMBERS = (
    re.compile(r"(?<![A-Za-z])(?:part|pt|movie|film)[ ._]?\d{1,3}(?![A-Za-z0-9])", re.IGNORECASE),
)
_NOISE = (
    re.compile(r"\d{1,2} ?月 ?新?番"),
    re.compile(
        r"(?<![A-Za-z])(?:vol(?:ume)?|disc|cd|batch"
        r"|chapter)[ ._]{0,2}\d{1,3}(?:v\d)?(?![A-Za-z0-9])",
        re.IGNORECASE,
    ),
    re.compile(r"\d+(?:\.\d+)? ?[kmgt]i?b(?![a-z])", re.IGNORECASE),
    re.compile(r"(?<![A-Za-z0-9])[1-9][. ][01](?:ch)?(?=[\]) +]|$)"),
    re.compile(r"(?<![A-Za-z0-9])\d{2}(?:\.\d{1,3})?[ ]?fps", re.IGNORECASE),
    re.compile(r"(?<![A-Za-z0-9])\d{3,4}[pi](?![A-Za-z0-9])", re.IGNORECASE),
    re.compile(r"(?<![A-Za-z0-9])(?:8|10|12)[ -]?bits?(?![A-Za-z0-9])", re.IGNORECASE),
)
_BARE_LINES = re.compile(
    r"[\[(](?:480|540|576|720|1080|2160)[\])]|(?<= )(?:480|720|1080|2160)(?=[ .]+(?:bd|dvd|web"
    r"|flac|x26|h26|hevc))",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"^(?:_?unpack )?[A-Za-z0-9 .]*$")
_DIGITS = re.compile(r"\d+")
_HASH_LIKE = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{14,}")
_DOT_AT_MASK = re.compile(rf"\.(?={MASK})|(?<={MASK})\.")


def masked_description(text: str, written: str) -> str:
    """Mask whatever has digits that count no episodes.

    Args:
        text: The prepared name.
        written: The plain name, in which marks of sites still have their dots.
    """
    text = masked(text, (found.span() for found in SITES.finditer(written)))
    text = masked(text, (found.span() for found in _CHECKSUM.finditer(text) if _is_checksum(found)))
    text = mask_matches(text, _DATE, STRONGLY_TECHNICAL, _BARE_LINES, *_NOISE)
    text = _DOT_AT_MASK.sub(" ", text)
    return mask_matches(text, *_TITLE_NUMBERS, mask=PART_OF_TITLE)


def _is_checksum(found: re.Match[str]) -> bool:
    return _ALL_LETTERS.match(found[1] or found[2]) is None


def find_checksum(text: str) -> str | None:
    """Find the CRC32 of the file, in upper case."""
    found = next((each for each in _CHECKSUM.finditer(text) if _is_checksum(each)), None)
    return (found[1] or found[2]).upper() if found else None


def find_year(text: str) -> int | None:
    """Find the year."""
    found = _YEAR.search(text)
    return int(found[1]) if found else None


def is_random(stem: str) -> bool:
    """Whether a name is what programs make up to hide the real one."""
    return (
        _RANDOM.match(stem) is not None
        and any(
            _HASH_LIKE.fullmatch(word) and len(_DIGITS.findall(word)) > 1
            for word in re.split(r"[ .]", stem)
        )
        and not STRONGLY_TECHNICAL.search(stem)
    )
