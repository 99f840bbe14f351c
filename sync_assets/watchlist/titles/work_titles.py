"""Find the title of the work: what stands before the number and the format."""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from sync_assets.watchlist.titles.text import MASK
from sync_assets.watchlist.titles.vocabulary import TECHNICAL

_BRACKET = re.compile(r"\[(?P<content>[^\[\]]*)\]?")
_SEASONAL = re.compile(
    r"\d{1,2} ?月新?番|^(?:国漫|國漫|动漫|动画|新番|连载|完结|日漫)$|字幕[组組社]"
)
_SEPARATOR = re.compile(r" ?/ | / ?| ?\| ?")
_LATIN = re.compile(r"[A-Za-z]")
_CJK = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f]")
_LATIN_RUN = re.compile(
    r"^(?P<cjk>[^A-Za-z]*[\u2e80-\u9fff][^A-Za-z]*?) +(?P<latin>[A-Za-z][\x20-\x7e’–×☆♪!]*)$"
)
_TRAILING = re.compile(r"[ \-_.\[(#:,]+$")
_LEADING = re.compile(r"^[ \-_.\])★*#,]+")
_OWN_MARKS = re.compile(
    r"(?:剧场版|劇場版)(?:合集)?(?: ?- ?)?|(?:总集篇|總集篇|番外篇?|特别篇|特別篇|特典|合集)$"
    r"|(?:OVA|OAD|OAV)$"
    r"|^Gekijouban |(?:(?:-|–)? (?:NCOP|NCED|OP|ED|PV|CM|Movie)(?:v\d)?| \(TV\)"
    r"| ?[\[(](?:19|20)\d\d[\])])$"
)


def find_titles(name: str, text: str, *, start: int, end: int, group: str | None) -> Sequence[str]:
    """Find the titles.

    Args:
        name: The name as it is.
        text: The prepared name, with masks on what was read already.
        start: Where the titles begin.
        end: Where they end.
        group: The group, which is no title.

    Returns:
        The titles, the best one for a search first.
    """
    brackets = list(_BRACKET.finditer(text, start, end))
    edges = [start, *(edge for found in brackets for edge in found.span()), end]
    shown = [_shown(name, text, *edge) for edge in pairwise(edges)]
    outside = [_cleaned(each) for each in shown[::2]]
    if sum(_is_title(each, group) for each in outside) > 1:
        # "Title [of something] with brackets" is one title.
        titles = [_cleaned("".join(shown))]
    else:
        titles = [each for each in outside if _is_title(each, group)]
    if not titles:
        inside = [_cleaned(_shown(name, text, *found.span("content"))) for found in brackets]
        titles = [each for each in inside if _is_title(each, group)]
    return _ordered([part for title in titles for part in _parts(title)])


def _shown(name: str, text: str, start: int, end: int) -> str:
    return "".join(
        " " if mark == MASK or (mark == " " and original in "_.+") else original
        for mark, original in zip(text[start:end], name[start:end], strict=True)
    )


def _cleaned(title: str) -> str:
    title = " ".join(title.split())
    title = _LEADING.sub("", _TRAILING.sub("", title))
    stripped = _OWN_MARKS.sub("", title).strip(" -")
    return stripped or title


def _is_title(text: str, group: str | None) -> bool:
    if not re.search(r"\w", text) or text == group or _SEASONAL.search(text):
        return False
    return re.search(r"\w", TECHNICAL.sub("", text)) is not None


def _parts(title: str) -> Sequence[str]:
    parts = [_cleaned(part) for part in _SEPARATOR.split(title)]
    parts = [part for part in parts if part]
    if len(parts) == 1 and (found := _LATIN_RUN.match(parts[0])) and len(found["latin"]) > 3:
        return [found["cjk"].strip(), found["latin"].strip()]
    return parts


def _ordered(titles: Sequence[str]) -> Sequence[str]:
    unique = list(dict.fromkeys(titles))
    latin = [each for each in unique if _LATIN.search(each) and not _CJK.search(each)]
    return [*latin, *(each for each in unique if each not in latin)]


def comparable(title: str) -> str:
    """Return a title in the form in which titles are compared: letters and digits only."""
    plain = unicodedata.normalize("NFKC", title).casefold()
    return "".join(character for character in plain if character.isalnum())
