"""Find who made a release: the bracket at the beginning, or the word at the end."""

import re

from sync_assets.watchlist.titles.vocabulary import REPOSTERS, SITES, STRONGLY_TECHNICAL, TECHNICAL

_LEADING = re.compile(r"^[\d .]{0,4}(?:[A-Za-z]{1,10}\.)?[ *]*\[{1,2}(?P<group>[^\[\]]{1,60})\]")
_BEFORE_FORMAT = re.compile(r"\((?P<group>[A-Z][\w -]{1,40}), (?P<format>[^()]+)\)")
_TRAILING = re.compile(r"[\[(](?P<group>[^\[\]()]{1,200})[\])]?[ )]*$")
_NUMBER_ONLY = re.compile(r"^[\d .~v-]+$|^[SE]\d+(?:[E-][\dE]+)?$|^[0-9A-F]{8}$", re.IGNORECASE)
_NOT_A_GROUP = re.compile(
    r"^(?:season|saison|s) ?\d+$|^movie$|^剧场版$|^劇場版$"
    r"|\d+ ?月新?番|^第.*[话話集回季]"
    r"|^[\d-]+ ?(?:[话話集]|fin$|end$)|^完结?$|^(?:国漫|动漫|動漫|新番|连载|完结)$"
    r"|^(?:part|vol|ep(?:isode)?)[ .]?\d|^\d{4}[-. ]\d\d?[-. ]\d\d?$|^v\d$|^(?:ova|oad|special"
    r"|sp)\d*$"
    r"|^(?:\d+(?:\.\d+)? ?[kmg]i?b)$|^fixed$|^(?:fin|end|final|pack|batch)$|^(?:subs?|chap|op"
    r"|ed)(?![a-z]).*$",
    re.IGNORECASE,
)
_SCENE = re.compile(r"(?<=[A-Za-z0-9.\])])-(?P<group>[A-Za-z0-9][\w.!-]*(?: [A-Z]{2,}){0,3}|ZR)-?$")
_DASHED_END = re.compile(r" - (?P<group>[A-Za-z][\w.!-]*(?: [A-Za-z][\w-]*)?)$")
_REMARK = re.compile(r" \([^()]*, [^()]*\)$")
_TECHNICAL_WORD = re.compile(r"^[\W\d]*$")
_CHECKSUM = re.compile(r"[ _.]*[\[(][0-9A-Fa-f]{8}[\])][ _.]*|[ _-]+[0-9A-F]{8}$")
_VERSION_MARK = re.compile(r"[ ._]*[\[(]?v\d[\])]?$", re.IGNORECASE)


def find_group(text: str, *, title_end: int) -> str | None:
    """Find who made the release.

    Args:
        text: The prepared name without its extension.
        title_end: Where the title and the number end: what is behind it describes the release.

    Returns:
        The name of the group; None where none can be told from the rest.
    """
    text = SITES.sub(lambda found: " " * len(found[0]), text).rstrip()
    leading = _LEADING.match(text)
    if leading and _is_group(leading["group"]) and text[leading.end() :].strip(" -*"):
        return leading["group"].strip()
    tail = _VERSION_MARK.sub("", _CHECKSUM.sub(" ", text).rstrip(" -,")).rstrip()
    tail = _REMARK.sub("", tail)
    has_checksum = _CHECKSUM.search(text) is not None
    mixed = _BEFORE_FORMAT.search(text)
    if has_checksum and mixed and _is_all_technical(mixed["format"]) and _is_group(mixed["group"]):
        return mixed["group"]
    return (
        _scene_group(tail)
        or _trailing_group(tail, title_end, has_checksum=has_checksum)
        or _dashed_group(tail)
    )


def _scene_group(text: str) -> str | None:
    text = REPOSTERS.sub("", text)
    found = _SCENE.search(text)
    if found is None:
        return None
    candidates = [found]
    # The name of a group may hold hyphens itself: it begins behind the last technical word.
    for start in (each.start() for each in re.finditer("-", text)):
        longer = re.compile(r"-(?P<group>[A-Za-z0-9][\w.!-]*)$").match(text, start)
        if longer and _ends_technical(text[:start]) and not TECHNICAL.search(longer["group"]):
            candidates.insert(0, longer)
            break
    chosen = candidates[0]
    before = text[: chosen.start()]
    group = chosen["group"].strip("-")
    if not STRONGLY_TECHNICAL.search(before) or STRONGLY_TECHNICAL.search(group):
        return None
    return group if _is_group(group) else None


def _ends_technical(text: str) -> bool:
    last = re.split(r"[ \[(,_]", text)[-1]
    matches = list(TECHNICAL.finditer(last.replace("-", " ")))
    return bool(matches) and matches[-1].end() == len(last)


def _trailing_group(text: str, title_end: int, *, has_checksum: bool) -> str | None:
    found = _TRAILING.search(text)
    while found is not None and found.start() > 0:
        content = found["group"].strip()
        if found.start() >= title_end or not STRONGLY_TECHNICAL.search(text):
            if not TECHNICAL.search(content):
                if _is_group(content) and found[0].startswith("["):
                    return content
                if (
                    _is_group(content)
                    and found.start() >= title_end > 0
                    and (" " not in content or (has_checksum and content.istitle()))
                ):
                    return content
            elif group := _last_word(content):
                return group
        text = text[: found.start()].rstrip(" -_")
        if scene := _scene_group(text):
            return scene
        found = _TRAILING.search(text)
    return None


def _last_word(content: str) -> str | None:
    """Find the group at the end of a bracket that otherwise describes the format."""
    if not STRONGLY_TECHNICAL.search(content) or "," in content:
        return None
    word = re.split(r"[ ]+", content)[-1]
    if _is_all_technical(word) or not re.search(r"[A-Za-z]", word) or "/" in word or "+" in word:
        return None
    return word if _is_group(word) and len(word) > 1 else None


def _dashed_group(text: str) -> str | None:
    found = _DASHED_END.search(text)
    if found is None or not STRONGLY_TECHNICAL.search(text[: found.start()]):
        return None
    before = re.split(r"[ \])]", text[: found.start()].rstrip(" )]"))[-1]
    if text[: found.start()].endswith(")") or not TECHNICAL.search(before):
        return None
    group = found["group"]
    return group if _is_group(group) and not _is_all_technical(group) else None


def _is_group(text: str) -> bool:
    text = text.strip()
    if not text or _NUMBER_ONLY.match(text) or _NOT_A_GROUP.search(text):
        return False
    return not _is_all_technical(text)


def _is_all_technical(text: str) -> bool:
    rest = TECHNICAL.sub(" ", text.replace("_", " "))
    return _TECHNICAL_WORD.match(rest) is not None and rest.strip() != text.strip()
