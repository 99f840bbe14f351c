"""The forms in which release names give seasons and episodes. What they mean is in `numbers`."""

import re

from sync_assets.watchlist.titles.text import MASK

_CJK_NUMBER = r"\d{1,4}(?:\.\d)?|[〇零一二两兩三四五六七八九十百]{1,5}"
_BEGIN = r"(?<![A-Za-z0-9.])"
_VERSION = r"(?:[ ._]?[vV](?P<version>\d)(?!\d))?"
_NUMBER = r"\d{1,4}(?:\.\d{1,2})?"

SEASON_EPISODE = re.compile(
    r"(?<![A-Za-z0-9])(?P<glued>[a-z]+s(?=\d\de\d\d))?S?(?P<season>(?<=[Ss])\d{1,4})[ ._-]{0,3}"
    r"(?:E|EP)[ ._]?(?P<first>\d{1,5}(?:\.5)?)(?P<suffix>[a-c](?![a-z0-9]))?"
    r"(?P<more>(?:,?[ ._]?(?:[-~&+]|to)?[ ._]?(?:S\d{1,4}[ ._]?)?EP?\d{1,5}"
    r"|-\d{1,3}(?![\dA-Za-z]))*)" + _VERSION,
    re.IGNORECASE,
)
SEASON_X_EPISODE = re.compile(
    r"(?<![A-Za-z0-9])(?P<season>\d{1,2}|(?:19|20)\d\d)x(?P<first>\d{1,3})"
    r"(?P<more>(?:[ ._]?-?[ ._]?\d{1,2}x\d{1,3}|[-x]\d{2,3}(?!\d))*)(?![A-Za-z0-9])" + _VERSION,
    re.IGNORECASE,
)
SEASON_DOT_EPISODE = re.compile(
    r"(?<![A-Za-z0-9])s(?P<season>\d\d)\.(?P<first>\d\d)(?!\d)", re.IGNORECASE
)
CAPITULO = re.compile(
    r"\bCap[. ]*(?P<season>\d{1,2})(?P<first>\d\d)(?:_| |-)?(?:(?P=season)(?P<last>\d\d))?(?!\d)",
    re.IGNORECASE,
)
OF = re.compile(
    r"(?<![A-Za-z0-9-])(?P<first>\d{1,3}) ?of ?(?P<count>\d{1,3})(?![A-Za-z0-9])", re.IGNORECASE
)

CJK_EPISODE = re.compile(
    rf"第 ?(?P<first>{_CJK_NUMBER}) ?(?:[-~至到] ?第? ?(?P<last>{_CJK_NUMBER}))?"
    rf" ?[话話集回夜](?![期季]){_VERSION}"
)
CJK_ALL = re.compile(rf"[全共] ?(?P<count>{_CJK_NUMBER}) ?[话話集回]")
CJK_BARE = re.compile(
    rf"{_BEGIN}(?P<first>\d{{1,4}}(?:\.\d)?)(?: ?[-~] ?(?P<last>\d{{1,4}}))? ?[话話集](?![A-Za-z])"
)
EPISODE_WORD = re.compile(
    r"(?<![A-Za-z0-9])(?:episodes?|[ée]pisodes?|eps?|folgen?|cap[ií]tulo|episodio|puntata|odcinek|"
    r"эпизод|серия|tập"
    r"|e(?=\d))[ ._-]?#? ?(?P<first>\d{1,4}(?:\.5(?!\d))?)(?P<suffix>[a-cA-C](?![A-Za-z0-9]))?"
    r"(?: ?[-~&+] ?(?:E|EP|Episode )?(?P<last>\d{1,4})(?![\d.A-Za-z]))?" + _VERSION,
    re.IGNORECASE,
)
ORDINAL_EPISODE = re.compile(
    r"(?<![A-Za-z0-9])(?P<first>\d{1,4})\.? ?(?:b[öo]l[üu]m|серия|odcinek|rész)", re.IGNORECASE
)
HASH = re.compile(
    rf"#(?P<first>{_NUMBER})(?: ?[-~] ?(?P<last>\d{{1,4}}))?{_VERSION}(?![A-Za-z0-9])"
)
SPECIAL = re.compile(
    r"(?<![A-Za-z0-9])(?P<word>SP|OVA|OAD|OAV|ONA|Specials?|EX|PV|CM|NCOP|NCED|OP|ED|Menu|Extra"
    r"|Trailer|Preview)"
    r"[ ._-]?(?P<first>\d{1,3}(?:\.\d)?)(?: ?[-~] ?(?P<last>\d{1,3}))?"
    + _VERSION
    + r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
CJK_SPECIAL = re.compile(r"(?:番外篇?|特典|特别篇|特別篇)[ ._]?(?P<first>\d{1,3})")

_TAIL = (
    r"(?:[ ._]?(?:END|FIN(?:AL)?|完|完结|完結|終|终|Pre|TV|最终回|最終回"
    r"|[\[(](?:END|FIN|完|終|终|最终话)[\])]?))?"
)
BRACKETED = re.compile(
    rf"[\[(] ?(?P<first>\d{{1,4}}(?:\.\d{{1,2}})?)(?P<suffix>[a-cA-C])?{_VERSION}{_TAIL} ?[\])]",
    re.IGNORECASE,
)
BRACKETED_RANGE = re.compile(
    r"[\[(] ?(?:E|EP|第)?(?P<first>\d{1,4}(?:\.\d)?) ?(?:[-~&+]|to) ?(?:E"
    r"|EP)?(?P<last>\d{1,4}(?:\.\d)?)"
    r"(?: ?(?:END|FIN|完|合集|Complete|Batch|全集|全|[话話集]|\+ ?\w{1,12}|v\d"
    r"|[A-Za-z]{2,8}){0,3})? ?[\])]",
    re.IGNORECASE,
)
PAIRED = re.compile(r"(?:\[|- | )(?P<first>\d{1,4}) ?\((?P<second>\d{1,4})\)(?=$|[ \]\[(])")
BRACKET_LEADING = re.compile(rf"\[(?P<first>\d{{2,4}}){_VERSION}[ _](?=[^\]\d][^\]]*\])")
DASHED = re.compile(
    rf"(?:(?<=[ \])])-|(?<=[^ \d])- "
    rf"|:) ?(?P<first>\d{{1,4}}(?:\.\d{{1,2}})?)(?P<suffix>[a-cA-C])?"
    rf"{_VERSION}{_TAIL}(?=$|[ \[({MASK}]|-(?=[^\d]))",
    re.IGNORECASE,
)
RANGE = re.compile(
    r"(?<![A-Za-z0-9.#-])(?P<first>\d{1,4})(?P<joint> ?[-~+&] ?|[-~])(?P<last>\d{1,4})(?:FIN|END)?"
    r"(?![\dA-Za-z]|\.\d|-\d)",
    re.IGNORECASE,
)
FREE = re.compile(
    rf"(?<![A-Za-z0-9.,'#$€/~×-])(?P<first>\d{{1,4}}(?:\.5)?)(?P<suffix>[a-cA-C])?{_VERSION}{_TAIL}"
    rf"(?=$|[ \]\[(){MASK}:,]|-(?![\d ])| -|\.(?!\d))",
    re.IGNORECASE,
)
LEADING = re.compile(r"^[ \[(]*(?P<first>\d{1,3})(?: ?- ?|[ .]? ?\[)(?=[^\d ])")
LEADING_PADDED = re.compile(r"^[ \[(]*(?P<first>0\d{1,2})[\])]? ?- ?(?=[^\d ])")
LEADING_SEASON = re.compile(r"^(?P<season>\d{1,2})-(?P<first>\d\d)(?= )")
GLUED = re.compile(r"(?<=[A-Za-z])-(?P<first>\d{2,4})(?= |$)")
COMPACT = re.compile(
    r"(?<![A-Za-z0-9.-])(?P<digits>0?\d{3}|0?\d{5})(?![A-Za-z0-9])|(?<=-)(?P<end>\d{3})$"
)

SEASONS = (
    re.compile(r"(?<![A-Za-z0-9])S ?(?P<season>\d{1,2}|20\d\d)(?![A-Za-z0-9])", re.IGNORECASE),
    re.compile(
        r"(?<![A-Za-z])(?:seasons?|saison|stagione|temporada|staffel|sezon"
        r"|сезон)[ ._-]?(?P<season>\d{1,4})(?!\d)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<![A-Za-z0-9])(?P<season>[1-9]\d?)(?:st|nd|rd|th)?\.? (?:season|saison|stagione"
        r"|sezon)(?![A-Za-z]| ?\d)",
        re.IGNORECASE,
    ),
    re.compile(rf"第 ?(?P<season>{_CJK_NUMBER}) ?[季期]"),
    re.compile(r"(?<![A-Za-z0-9])(?P<season>\d{1,2})[期季](?!生)"),
)
SCENE_MEDIUM = re.compile(r"^[ .]*(?:hdtv|dvdrip|dsr|pdtv|tvrip|xvid|x264|web)", re.IGNORECASE)
