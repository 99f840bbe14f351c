"""Find what a release can be watched in."""

import re

from sync_assets.watchlist.titles.models import Language

_WORDS: tuple[tuple[Language, str], ...] = (
    (Language.VOSTFR, r"vost(?:fr)?|subfrench|fansub"),
    (Language.VF, r"vf[fqi12]?|truefrench|french|fra?|fre|français"),
    (Language.CANTONESE, r"cantonese"),
    (Language.CHINESE_SIMPLIFIED, r"chs|gb|sc|jpsc"),
    (Language.CHINESE_TRADITIONAL, r"cht|big5|tc|jptc"),
    (Language.CHINESE, r"chinese|mandarin|chi|zh"),
    (Language.ENGLISH, r"english|engsubs?|eng?|ing"),
    (Language.JAPANESE, r"japanese|jpn?|jap"),
    (Language.KOREAN, r"korean|kor"),
    (Language.GERMAN, r"german|ger|deutsch"),
    (Language.ITALIAN, r"italian|ita"),
    (Language.SPANISH, r"spanish|esp|castellano|spa"),
    (Language.PORTUGUESE, r"portuguese|pt-br|por"),
    (Language.RUSSIAN, r"russian|rus"),
    (Language.UKRAINIAN, r"ukrainian|ukr"),
    (Language.POLISH, r"polish|pl|plsub"),
    (Language.TURKISH, r"turkish|tur"),
    (Language.DUTCH, r"dutch|nlsubs?|flemish"),
    (Language.ARABIC, r"arabic|ara"),
    (Language.MULTIPLE, r"multi(?:ple)?(?:[ -]?subs?(?:titles?)?)?|multisub"),
)
_PATTERNS = tuple(
    (
        language,
        re.compile(
            rf"(?<![a-z0-9]){words}(?![a-z0-9])".replace(words, f"(?:{words})"), re.IGNORECASE
        ),
    )
    for language, words in _WORDS
)
_CJK: tuple[tuple[Language, re.Pattern[str]], ...] = (
    (Language.CHINESE_SIMPLIFIED, re.compile(r"[简簡](?=[体體中日繁英内內外])|(?<=[繁])[简簡]")),
    (Language.CHINESE_TRADITIONAL, re.compile(r"繁(?=[体體中日简簡英内內外])|(?<=[简簡])繁")),
    (Language.JAPANESE, re.compile(r"(?<=[简簡繁中])日|日[语語双雙]")),
    (Language.CHINESE, re.compile(r"国语|國語|中文|中字|字幕[组組社]|双语字幕")),
    (Language.CANTONESE, re.compile(r"粤语|粵語")),
)


def find_languages(text: str) -> tuple[Language, ...]:
    """Find the languages, of sound and subtitles alike.

    Args:
        text: The part of a prepared name that describes the release. Of the title nothing may be
            in it: words of languages are words of titles too.

    Returns:
        Each language once.
    """
    found = [language for language, pattern in _PATTERNS if pattern.search(text)]
    found += [language for language, pattern in _CJK if pattern.search(text)]
    return tuple(dict.fromkeys(found))
