"""The words of release names that are not titles: formats, media, languages, file extensions.

Only words that describe a release; never the name of a work.
"""

import re

EXTENSIONS = frozenset(
    [
        "3gp",
        "7z",
        "ass",
        "avi",
        "divx",
        "flv",
        "iso",
        "m2ts",
        "m4v",
        "mka",
        "mkv",
        "mov",
        "mp4",
        "mpeg",
        "mpg",
        "nfo",
        "nzb",
        "ogm",
        "rar",
        "rm",
        "rmvb",
        "srt",
        "ssa",
        "strm",
        "torrent",
        "ts",
        "vob",
        "webm",
        "wmv",
        "zip",
    ]
)

VIDEO_FORMAT = (
    r"[hx][ ._-]?26[456]|hevc(?:[ ._-]?10(?:bit)?)?|avc|av1|vc-?1|vp9|xvid(?:vd)?|divx[0-9.]*"
    r"|mpeg-?[24]|hi10p?|hi444p?p?|(?:8|10|12)[ ._-]?bits?|hdr(?:10\+?)?|sdr|dv|dovi"
    r"|dolby[ ._]?vision|remux|\d{2}(?:\.\d+)?fps|ntsc|pal|ws|hbr|wmv9?|ds4k"
)
AUDIO_FORMAT = (
    r"(?:dd|ddp|dd\+|ddpa|aac|ac3|eac3|e-ac-?3|dts|flac|truehd|opus|mp[23]|lpcm|pcm|ogg|vorbis"
    r"|ac-3)"
    r"(?:-?(?:hd|es|x|hdma))?(?:[ ._-]?(?:hra|ma))?(?:[ ._-]?[1-9][ ._][0-9](?:ch)?|\+7\.1"
    r"|x[2-9]|51|20)?"
    r"|[257]\.[01]|[257]\.[01]ch|[268]-?ch|atmos|dtsx|dtshd-?ma|dual[ ._-]?audio|\d?audio"
    r"|multi[ ._-]?audio|commentary|lossless"
)
SOURCE = (
    r"web[ ._-]?dl(?:mux|rip)?|web[ ._-]?rip|webmux|web[ ._-]?hd|web"
    r"|blu[ ._-]?ray(?:[ ._-]?rip)?|bd(?:[ ._-]?rip|mux|light)?"
    r"|bd[ ._-]?remux|bd[ ._-]?box|brrip|hd[ ._-]?dvd|dvd(?:[ ._-]?rip|scr|-?r|[59])?|dvdmux"
    r"|[hp]dtv|htdv|hd[ ._-]?tv(?:rip)?|sdtv|dsr|tv[ ._-]?rip|satrip|vhs(?:rip)?|ld(?:rip)?"
    r"|hdrip|uhd|fhd|cam|raw"
    r"|amzn|nf|netflix|dsnp|dsnyp|hulu|hmax|atvp|cr|b-global|baha|abema|ytv|viutv|bkpl|crav"
    r"|iqiyi|hidive|adn|wakanim"
)
SUBTITLES = (
    r"(?:multi(?:ple)?|eng?|soft|hard|dual|fan|nl|fr|esp|pt|ita|ara|ger|jpn?|chs"
    r"|cht)[ ._-]?sub(?:bed|title)?s?"
    r"|subbed|subs?x?\d?|dubbed|dub|english[ ._-]?dub|chs|cht|gb|big5|jpn?|jap|eng?|chi|ukr|ita"
    r"|fra?|esp|ger|rus|kor|vostfr|vosta|vost"
    r"|multi|dual|vf[fqi12]?|truefrench|french|german|japanese|english|spanish|castellano"
    r"|uncensored|censored|raw"
    r"|sc|tc|jpsc|jptc|ass|srt"
)
EDITION = (
    r"proper|repack|rerip|real|internal|limited|complete|completa|batch|final|fixed|hybrid"
    r"|synced|dubbed|"
    r"uncut|extended|unrated|remastered|end|fin|4kto1080p|tv"
)
RESOLUTION = (
    r"(?:[1-9]\d{2,3})\s?[x×]\s?[1-9]\d{2,3}[pi]?|(?:2160|1440|1080|1072|960|900|848|816|810|800"
    r"|768|720|704|692|640|576|544|540|480|468|432|400|396|368|360|270|240)[pi]"
    r"|[48]k|uhd|fhd|hd|hq"
)

TECHNICAL = re.compile(
    rf"(?<![A-Za-z0-9])(?:{RESOLUTION}|{VIDEO_FORMAT}|{AUDIO_FORMAT}|{SOURCE}|{SUBTITLES}|{EDITION}"
    r"|mkv|mp4|avi|\d+(?:\.\d+)?\s?[mg]i?b|\d{3,4}p?)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
"""A word that describes a release, between words of other kinds."""

STRONGLY_TECHNICAL = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?!(?:19[5-9]|20\d)\dx\d{3}(?!\d))(?:[1-9]\d{2,3})\s?[x×]\s?[1-9]\d{2,3}[pi]?"
    r"|(?:2160|1440|1080|720|576|540|480|400|360)[pi]|[48]k"
    rf"|{VIDEO_FORMAT}"
    r"|(?:dd|ddp|dd\+|aac|ac3|eac3|e-ac-?3|dts|flac|truehd)(?:[ ._-]?[1-9][ ._][0-9])?"
    r"|dual[ ._-]audio"
    r"|web[ ._-]?dl(?:mux)?|web[ ._-]?rip|webmux|blu[ ._-]?ray|bd[ ._-]?rip|bdmux|bdlight"
    r"|bd[ ._-]?remux|brrip|hd-dvd"
    r"|dvd|dvd[ ._-]?rip|dvdscr|[hp]dtv(?:rip)?|hdtv|htdv|sdtv|tv[ ._-]?rip|dsr"
    r"|uhd|fhd|vostfr|multi[ ._-]?subs?|repack|rerip"
    r")(?![A-Za-z0-9])",
    re.IGNORECASE,
)
"""A word that no title has, so a title ends before it at the latest."""

SITES = re.compile(
    r"\[\s*(?:www\.)?[\w-]+\.(?:com|org|net|pl|ru|to|se|io|me|cc|tv|info)\s*\]\s*-?\s*"
    r"|[-\[ ]+(?:eztv(?:[. ](?:re|io|ag))?|rarbg|rartv|ettv|publichd|tgx|torrentgalaxy"
    r"|rarbg\.com)\]?(?=[\[ -]|$)"
    r"|\((?:www\.)?[\w-]+\.(?:com|org|net)\)",
    re.IGNORECASE,
)
"""Marks that index sites add to the names of others."""

REPOSTERS = re.compile(
    r"(?:-(?:RP|[1-9]|NZBGeek|Obfuscat(?:ed|ion)|Scrambled|sample|Pre|postbot|xpost|Rakuv\w*"
    r"|WhiteRev"
    r"|BUYMORE|(?:AsRequested|AlternativeToRequested)|GEROV|Z0iDS3N|Chamele0n|4P(?:lanet)?"
    r"|AlteZachen"
    r"|RePACKPOST))+$",
    re.IGNORECASE,
)
"""What those who post a release again append to its name."""
