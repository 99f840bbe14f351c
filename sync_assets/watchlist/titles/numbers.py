"""Find the season and the episode in a prepared name: rules from the certain to the likely.

The forms are those that release groups and index sites use. A certain form, such as S01E02, 第3話
or "Episode 4", is believed; a number that merely stands there is only likely.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sync_assets.watchlist.titles.models import EpisodeNumbers
from sync_assets.watchlist.titles.text import MASK


@dataclass(frozen=True, slots=True)
class Found:
    """Numbers, and where they stand.

    Attributes:
        start: Where they begin in the name.
        end: Where they end.
        episodes: The numbers; None for a season as a whole.
        season: The season that belongs to them.
        absolute: The numbers from the beginning, where both are given.
        is_certain: Whether the form leaves no doubt.
        is_complete: Whether the name says that this is all there is.
        version: The version that is written at the number.
    """

    start: int
    end: int
    episodes: EpisodeNumbers | None
    season: int | None = None
    absolute: EpisodeNumbers | None = None
    is_certain: bool = False
    is_complete: bool = False
    version: int | None = None


_KANJI: Mapping[str, int] = {
    character: value for value, character in enumerate("〇一二三四五六七八九十")
} | {"零": 0, "两": 2, "兩": 2}
_ROMAN: Mapping[str, int] = {"II": 2, "III": 3, "IV": 4, "Ⅱ": 2, "Ⅲ": 3, "Ⅳ": 4}
_CJK_NUMBER = r"\d{1,4}(?:\.\d)?|[〇零一二两兩三四五六七八九十百]{1,5}"
_END = r"(?![A-Za-z0-9])"
_BEGIN = r"(?<![A-Za-z0-9.])"
_VERSION = r"(?:[ ._]?[vV](?P<version>\d)(?!\d))?"
_NUMBER = r"\d{1,4}(?:\.\d{1,2})?"

_SEASON_EPISODE = re.compile(
    r"(?<![A-Za-z0-9])(?P<glued>[a-z]+s(?=\d\de\d\d))?S?(?P<season>(?<=[Ss])\d{1,4})[ ._-]{0,3}"
    r"(?:E|EP)[ ._]?(?P<first>\d{1,5}(?:\.5)?)(?P<suffix>[a-c](?![a-z0-9]))?"
    r"(?P<more>(?:[ ._]?[-~&+]?[ ._]?(?:S\d{1,4}[ ._]?)?EP?\d{1,5}|-\d{1,3}(?![\dA-Za-z]))*)"
    + _VERSION,
    re.IGNORECASE,
)
_SEASON_X_EPISODE = re.compile(
    r"(?<![A-Za-z0-9])(?P<season>\d{1,2}|(?:19|20)\d\d)x(?P<first>\d{1,3})"
    r"(?P<more>(?:[ ._]?-?[ ._]?\d{1,2}x\d{1,3}|[-x]\d{2,3}(?!\d))*)(?![A-Za-z0-9])" + _VERSION,
    re.IGNORECASE,
)
_SEASON_DOT_EPISODE = re.compile(r"(?<![A-Za-z0-9])s(?P<season>\d\d)\.(?P<first>\d\d)(?!\d)", re.I)
_CAPITULO = re.compile(
    r"\bCap[. ]*(?P<season>\d{1,2})(?P<first>\d\d)(?:_| |-)?(?:(?P=season)(?P<last>\d\d))?(?!\d)",
    re.IGNORECASE,
)
_OF = re.compile(r"(?<![A-Za-z0-9])(?P<first>\d{1,3}) ?of ?(?P<count>\d{1,3})(?![A-Za-z0-9])", re.I)

_CJK_EPISODE = re.compile(
    rf"第 ?(?P<first>{_CJK_NUMBER}) ?(?:[-~至到] ?第? ?(?P<last>{_CJK_NUMBER}))? ?[话話集回夜](?![期季])"
    rf"{_VERSION}"
)
_CJK_ALL = re.compile(rf"[全共] ?(?P<count>{_CJK_NUMBER}) ?[话話集回]")
_CJK_BARE = re.compile(
    rf"{_BEGIN}(?P<first>\d{{1,4}}(?:\.\d)?)(?: ?[-~] ?(?P<last>\d{{1,4}}))? ?[话話集](?![A-Za-z])"
)
_EPISODE_WORD = re.compile(
    r"(?<![A-Za-z0-9])(?:episodes?|[ée]pisodes?|eps?|folgen?|cap[ií]tulo|episodio|puntata|odcinek|"
    rf"эпизод|серия|tập|e(?=\d))[ ._-]?#? ?(?P<first>\d{{1,4}}(?:\.5(?!\d))?)(?P<suffix>[a-cA-C](?![A-Za-z0-9]))?"
    r"(?: ?[-~&+] ?(?:E|EP|Episode )?(?P<last>\d{1,4})(?![\d.A-Za-z]))?" + _VERSION,
    re.IGNORECASE,
)
_ORDINAL_EPISODE = re.compile(
    r"(?<![A-Za-z0-9])(?P<first>\d{1,4})\.? ?(?:b[öo]l[üu]m|серия|odcinek|rész)", re.IGNORECASE
)
_HASH = re.compile(
    rf"#(?P<first>{_NUMBER})(?: ?[-~] ?(?P<last>\d{{1,4}}))?{_VERSION}(?![A-Za-z0-9])"
)
_SPECIAL = re.compile(
    r"(?<![A-Za-z0-9])(?P<word>SP|OVA|OAD|OAV|ONA|Specials?|EX|PV|CM|NCOP|NCED|OP|ED|Menu|Extra|Trailer|Preview)"
    r"[ ._-]?(?P<first>\d{1,3}(?:\.\d)?)(?: ?[-~] ?(?P<last>\d{1,3}))?"
    + _VERSION
    + r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_CJK_SPECIAL = re.compile(r"(?:番外篇?|特典|特别篇|特別篇)[ ._]?(?P<first>\d{1,3})")

_TAIL = r"(?:[ ._]?(?:END|FIN(?:AL)?|完|完结|完結|終|终|Pre|TV|最终回|最終回|[\[(](?:END|FIN|完|終|终|最终话)[\])]?))?"
_BRACKETED = re.compile(
    rf"[\[(] ?(?P<first>\d{{1,4}}(?:\.\d{{1,2}})?)(?P<suffix>[a-cA-C])?{_VERSION}{_TAIL} ?[\])]",
    re.I,
)
_BRACKETED_RANGE = re.compile(
    rf"[\[(] ?(?:E|EP|第)?(?P<first>\d{{1,4}}(?:\.\d)?) ?(?:[-~&+]|to) ?(?:E|EP)?(?P<last>\d{{1,4}}(?:\.\d)?)"
    r"(?: ?(?:END|FIN|完|合集|Complete|Batch|全集|全|[话話集]|\+ ?\w{1,12}|v\d|[A-Za-z]{2,8}){0,3})? ?[\])]",
    re.IGNORECASE,
)
_BRACKET_LEADING = re.compile(rf"\[(?P<first>\d{{2,4}}){_VERSION}[ _](?=[^\]\d][^\]]*\])")
_DASHED = re.compile(
    rf"(?:(?<=[ \]){MASK}])-|(?<=[^ \d])- |:) ?(?P<first>\d{{1,4}}(?:\.\d{{1,2}})?)(?P<suffix>[a-cA-C])?"
    rf"{_VERSION}{_TAIL}(?=$|[ \[({MASK}]|-(?=[^\d]))",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"(?<![A-Za-z0-9.#-])(?P<first>\d{1,4})(?P<joint> ?[-~+&] ?|[-~])(?P<last>\d{1,4})"
    r"(?![\dA-Za-z]|\.\d|-\d)"
)
_FREE = re.compile(
    rf"(?<![A-Za-z0-9.,'#$€/~×-])(?P<first>\d{{1,4}}(?:\.5)?)(?P<suffix>[a-cA-C])?{_VERSION}{_TAIL}"
    rf"(?=$|[ \]\[(){MASK}:,]|-(?![\d ])| -|\.(?!\d))",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^[ \[(]*(?P<first>\d{1,3})(?: ?- ?|[ .]? ?\[)(?=[^\d ])")
_LEADING_PADDED = re.compile(r"^[ \[(]*(?P<first>0\d{1,2})[\])]? ?- ?(?=[^\d ])")
_LEADING_SEASON = re.compile(r"^(?P<season>\d{1,2})-(?P<first>\d\d)(?= )")
_GLUED = re.compile(r"(?<=[A-Za-z])-(?P<first>\d{2,4})(?= |$)")
_COMPACT = re.compile(
    r"(?<![A-Za-z0-9.-])(?P<digits>\d{3}|0?\d{5})(?![A-Za-z0-9])|(?<=-)(?P<end>\d{3})$"
)

_SEASONS = (
    re.compile(r"(?<![A-Za-z0-9])S ?(?P<season>\d{1,2}|20\d\d)(?![A-Za-z0-9])", re.IGNORECASE),
    re.compile(
        r"(?<![A-Za-z])(?:seasons?|saison|stagione|temporada|staffel|sezon|сезон)[ ._-]?(?P<season>\d{1,4})(?!\d)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<![A-Za-z0-9])(?P<season>[1-9]\d?)(?:st|nd|rd|th)?\.? (?:season|saison|stagione|sezon)(?![A-Za-z]| ?\d)",
        re.IGNORECASE,
    ),
    re.compile(rf"第 ?(?P<season>{_CJK_NUMBER}) ?[季期]"),
    re.compile(r"(?<![A-Za-z0-9])(?P<season>\d{1,2})[期季](?!生)"),
)
_SCENE_MEDIUM = re.compile(r"^[ .]*(?:hdtv|dvdrip|dsr|pdtv|tvrip|xvid|x264|web)", re.IGNORECASE)
_YEARS = range(1950, 2100)


def number_of(text: str) -> int:
    """Return the value of digits, or of a small number in Chinese characters."""
    if text.isdecimal():
        return int(text)
    value = 0
    digit = 0
    for character in text:
        if character in ("十", "百"):
            value += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _KANJI.get(character, 0)
    return value + digit


def find_season(text: str) -> Found | None:
    """Find a season that stands by itself, such as S2, "2nd Season" or 第二季."""
    matches = [found for pattern in _SEASONS for found in pattern.finditer(text)]
    if not matches:
        return None
    first = min(matches, key=lambda each: each.start())
    # A season is often said twice, as 第二季 and S2: the title ends at the first.
    return Found(first.start(), first.end(), None, number_of(first["season"]))


def mask_seasons(text: str) -> str:
    """Return the text with masks where seasons stand."""
    for pattern in _SEASONS:
        text = pattern.sub(lambda found: MASK * len(found[0]), text)
    return text


def find_season_episode(text: str) -> Found | None:
    """Find a season and an episode that are written together, such as S01E02 or 1x02."""
    for rule in (_season_episode, _season_x_episode, _season_dot_episode, _capitulo):
        if found := rule(text):
            return found
    return None


def find_episodes(text: str, *, is_scene: bool, after: int = 0) -> Found | None:
    """Find the episode.

    Args:
        text: The prepared name, with masks on what is no episode.
        is_scene: Whether it looks like the name of a television release, where 103 means season
            1, episode 3.
        after: Where the season ends: a bare number before it belongs to the title.

    Returns:
        The best of what stands there; None where nothing is like an episode.
    """
    for rule in _RULES:
        if found := rule(text):
            return found
    if is_scene and (found := _compact(text)):
        return found
    if found := _free(text, after):
        return found
    for rule in _WEAK_RULES:
        if found := rule(MASK * after + text[after:]):
            return found
    return None


def _episodes(first: str, last: str | None = None, suffix: str | None = None) -> EpisodeNumbers:
    begin = Decimal(first) if first.replace(".", "", 1).isdecimal() else Decimal(number_of(first))
    end = begin
    if last is not None:
        end = Decimal(last) if last.replace(".", "", 1).isdecimal() else Decimal(number_of(last))
    if end < begin:
        end = begin
    return EpisodeNumbers(begin, end, (suffix or "").upper())


def _of_match(found: re.Match[str], *, is_certain: bool) -> Found:
    groups = found.groupdict()
    version = groups.get("version")
    return Found(
        found.start(),
        found.end(),
        _episodes(groups["first"], groups.get("last"), groups.get("suffix")),
        is_certain=is_certain,
        version=int(version) if version else None,
    )


def _last_of(found: re.Match[str]) -> str | None:
    numbers = re.findall(r"\d+", re.sub(r"(?i)S\d+|\d+x", "", found["more"]))
    return numbers[-1] if numbers else None


def _season_episode(text: str) -> Found | None:
    found = _SEASON_EPISODE.search(text)
    if found is None:
        return None
    version = found["version"]
    start = found.start("season") - 1
    return Found(
        start,
        found.end(),
        _episodes(found["first"], _last_of(found), found["suffix"]),
        season=int(found["season"]),
        is_certain=True,
        version=int(version) if version else None,
    )


def _season_x_episode(text: str) -> Found | None:
    found = _SEASON_X_EPISODE.search(text)
    if found is None:
        return None
    return Found(
        found.start(),
        found.end(),
        _episodes(found["first"], _last_of(found)),
        season=int(found["season"]),
        is_certain=True,
    )


def _season_dot_episode(text: str) -> Found | None:
    found = _SEASON_DOT_EPISODE.search(text)
    return found and replace(_of_match(found, is_certain=False), season=int(found["season"]))


def _capitulo(text: str) -> Found | None:
    found = _CAPITULO.search(text)
    return found and replace(_of_match(found, is_certain=True), season=int(found["season"]))


def _of_count(text: str) -> Found | None:
    found = _OF.search(text)
    if found is None or int(found["first"]) > int(found["count"]):
        return None
    return replace(_of_match(found, is_certain=True), season=1)


def _certain(pattern: re.Pattern[str]) -> Callable[[str], Found | None]:
    def rule(text: str) -> Found | None:
        found = pattern.search(text)
        return found and _of_match(found, is_certain=True)

    return rule


def _all_episodes(text: str) -> Found | None:
    found = _CJK_ALL.search(text)
    if found is None:
        return None
    episodes = _episodes("1", found["count"])
    return Found(found.start(), found.end(), episodes, is_certain=True, is_complete=True)


def _bracketed_range(text: str) -> Found | None:
    for found in _BRACKETED_RANGE.finditer(text):
        if Decimal(found["first"]) < Decimal(found["last"]) and not _are_years(found):
            return _of_match(found, is_certain=False)
    return None


def _bracketed(text: str) -> Found | None:
    matches = [
        found
        for found in _BRACKETED.finditer(text)
        if not (found[0].startswith("(") and _is_year(found["first"]))
    ]
    others = [found for found in matches if not _is_year(found["first"])]
    chosen = [found for found in others if found[0].startswith("[")] or others or matches
    return _of_match(chosen[0], is_certain=False) if chosen else None


def _bracketed_alone(text: str) -> Found | None:
    """A number in square brackets: an episode, unless it is all that could be a year."""
    matches = [found for found in _BRACKETED.finditer(text) if found[0].startswith("[")]
    others = [found for found in matches if not _is_year(found["first"])]
    return _of_match(others[0], is_certain=False) if others else None


def _bracket_leading(text: str) -> Found | None:
    found = _BRACKET_LEADING.search(text)
    return found and _of_match(found, is_certain=False)


def _dashed(text: str) -> Found | None:
    matches = list(_DASHED.finditer(text))
    plain = [each for each in matches if not _is_year(each["first"])] or matches
    return _of_match(plain[0], is_certain=False) if plain else None


def _overlapping(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Find all matches: in "Title 2 - 01~10" the second begins within the first."""
    found = pattern.search(text)
    while found:
        yield found
        found = pattern.search(text, found.end("first"))


def _range(text: str) -> Found | None:
    for found in _overlapping(_RANGE, text):
        first, last, joint = found["first"], found["last"], found["joint"]
        if int(first) >= int(last) or _are_years(found):
            continue
        is_padded = first.startswith("0") or len(first) == len(last)
        if joint.strip() == "-" and " " in joint and not is_padded:
            # "Title 2 - 05" is the fifth episode of a second season.
            continue
        if joint.strip() == "-" and " " in joint and len(first) < 2:
            continue
        if len(first) == 1 and len(last) == 1 and "-" in joint:
            # "Class 5-2", "3-4": rather part of a title.
            continue
        if joint.strip() in ("&", "+") and int(last) != int(first) + 1:
            continue
        return _of_match(found, is_certain=False)
    return None


def _free(text: str, after: int) -> Found | None:
    """Take the last number that stands by itself before anything technical."""
    limit = _first_mask_after_title(text)
    matches = [
        found
        for found in _FREE.finditer(text, after, limit)
        if text[: found.start()].strip(" -[(" + MASK)
    ]
    plain = [found for found in matches if not _is_year(found["first"])]
    if not plain:
        return None
    padded = [
        found for found in plain if found["first"].startswith("0") and len(found["first"]) > 1
    ]
    return _of_match((padded or plain)[-1], is_certain=False)


def _first_mask_after_title(text: str) -> int:
    """Where the first mask or bracket after some title begins."""
    title_began = False
    for match in re.finditer(rf"{MASK}+|\[[^\]]*\]?|\([^)]*\)?|[^\[({MASK}]+", text):
        if match[0][0] in f"[({MASK}":
            if title_began and re.search(r"\d", text[: match.start()]):
                return match.start()
        elif re.search(r"\w", match[0]):
            title_began = True
    return len(text)


def _leading(text: str) -> Found | None:
    found = _LEADING.search(text)
    return found and _of_match(found, is_certain=False)


def _leading_season(text: str) -> Found | None:
    found = _LEADING_SEASON.search(text)
    return found and replace(_of_match(found, is_certain=False), season=int(found["season"]))


def _glued(text: str) -> Found | None:
    found = _GLUED.search(text)
    return found and _of_match(found, is_certain=False)


def _compact(text: str) -> Found | None:
    """Find 103 as season 1, episode 3, and 10708 as episodes 7 to 8."""
    for found in _COMPACT.finditer(text):
        digits = found["digits"] or found["end"]
        if found["end"] and MASK not in text:
            # "some-title-103" counts from the beginning; only television numbers like this.
            continue
        if not text[: found.start()].strip(" -.") or _is_year(digits):
            continue
        digits = digits.removeprefix("0") if len(digits) == 6 else digits
        season, rest = int(digits[0]), digits[1:]
        numbers = [rest[index : index + 2] for index in range(0, len(rest), 2)]
        if season and all(number != "00" for number in numbers):
            episodes = _episodes(numbers[0], numbers[-1])
            return Found(found.start(), found.end(), episodes, season=season)
    return None


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isdecimal() and int(text) in _YEARS


def _are_years(found: re.Match[str]) -> bool:
    return _is_year(found["first"]) and _is_year(found["last"])


_RULES: Sequence[Callable[[str], Found | None]] = (
    _of_count,
    _all_episodes,
    _certain(_CJK_EPISODE),
    _bracketed_range,
    _certain(_EPISODE_WORD),
    _certain(_ORDINAL_EPISODE),
    _certain(_HASH),
    _range,
    _dashed,
    _bracketed_alone,
    _certain(_CJK_BARE),
    _bracket_leading,
    _certain(_SPECIAL),
    _certain(_CJK_SPECIAL),
    _leading_season,
    _certain(_LEADING_PADDED),
)
_WEAK_RULES: Sequence[Callable[[str], Found | None]] = (_bracketed, _glued, _leading)
