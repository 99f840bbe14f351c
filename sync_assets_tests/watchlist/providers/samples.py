"""Small pages of every provider, written by hand in the forms that the sites use."""

from sync_assets.watchlist.providers.conformance import Sample
from sync_assets.watchlist.providers.models import PageState, SeriesReference
from sync_assets.watchlist.providers.pages import Page

FEED = "https://feeds.example/rss"
INDEX = "http://nas.example/Hoshi/"
SAMA = "https://sama.example"
NEKO = "https://neko.example"
ULTIME = "https://ultime.example"
LIST = "https://videos.example/list"


def page(url: str, text: str, content_type: str = "text/html; charset=utf-8") -> Page:
    content = text.encode()
    return Page(url, content, content_type, PageState(f'"{hash(text)}"'))


def pages(*given: Page) -> dict[str, Page]:
    return {each.url: each for each in given}


def feed(*names: str, infohash: int = 1) -> str:
    items = "".join(
        f"<item><title>{name}</title><link>https://feeds.example/t/{name[-6:-1]}</link>"
        f"<guid>{name}</guid><enclosure url='https://feeds.example/{index}.torrent' length='7' "
        f"type='application/x-bittorrent'/></item>"
        for index, name in enumerate(names)
    )
    return f"<rss version='2.0'><channel><title>Feed</title>{items}</channel></rss>"


EPISODES = [f"[Group] Hoshizora - {number} [1080p]" for number in ("01", "02", "04", "12.5")]
EMPTY_PAGE = "<html><head><title>Hello</title></head><body>Nothing</body></html>"

FEED_SAMPLE = Sample(
    SeriesReference(FEED),
    pages(page(FEED, feed(*EPISODES), "application/rss+xml")),
    pages(page(FEED, feed(*EPISODES[:2]), "application/rss+xml")),
    pages(page(FEED, EMPTY_PAGE)),
    ["1", "2", "4", "12.5"],
    maximum_requests=1,
)


def index(*names: str) -> str:
    links = "".join(f'<a href="{name}">{name}</a>  01-Oct-2026 10:00  2048\n' for name in names)
    return (
        f"<html><head><title>Index of /Hoshi/</title></head><body><pre>{links}</pre></body></html>"
    )


FILES = ["Hoshizora%20-%2001.mkv", "Hoshizora%20-%2003.mkv", "Hoshizora.nfo", "../", "Extras/"]
INDEX_SAMPLE = Sample(
    SeriesReference(INDEX),
    pages(page(INDEX, index(*FILES))),
    pages(page(INDEX, index(*FILES[1:]))),
    pages(page(INDEX, EMPTY_PAGE)),
    ["1", "3"],
    maximum_requests=1,
)

SAMA_HUB = """<html><body><p>L'anime</p><script>
/* panneauAnime("nom", "url"); */
panneauAnime("nom", "url");
panneauAnime("Saison 1", "saison1/vostfr");
panneauScan("Scans", "scan/vf");
</script></body></html>"""
SAMA_SEASON = """<script src="episodes.js?filever=7" defer></script>
<script>resetListe(); creerListe(1, 2); newSPF("Film"); finirListe(3);</script>"""
SAMA_SERIES = f"{SAMA}/catalogue/hoshizora/"
SAMA_PAGE = f"{SAMA_SERIES}saison1/vostfr/"
SAMA_SCRIPT = f"{SAMA_PAGE}episodes.js?filever=7"


def sama(script: str) -> dict[str, Page]:
    return pages(
        page(SAMA_SERIES, SAMA_HUB),
        page(SAMA_PAGE, SAMA_SEASON),
        page(SAMA_SCRIPT, script, "text/javascript"),
    )


SAMA_SAMPLE = Sample(
    SeriesReference(SAMA_SERIES),
    sama(
        "var eps2 = ['https://b.example/1', , null, 'https://b.example/4',];\n"
        "var eps1 = ['https://a.example/1', '', '', 'https://a.example/4', 'https://a.example/5'];\n"
        "// var eps3 = ['https://c.example/1', 'https://c.example/2'];"
    ),
    sama("var eps1 = ['https://a.example/1'];"),
    sama("//"),
    ["1", "3", "4"],
    maximum_requests=3,
)

NEKO_SERIES = f"{NEKO}/anime/info/1-hoshizora_vostfr"


def neko(*numbers: str) -> str:
    entries = ",".join(
        f'{{"time":"24 min","episode":"Ep. {number}","num":{number},"title":"A; b // c",'
        f'"url":"\\/anime\\/episode\\/1-hoshizora-{number}_vostfr","url_image":""}}'
        for number in numbers
    )
    return f"<html><body><script>var episodes = [{entries}]; var x = 1;</script></body></html>"


NEKO_SAMPLE = Sample(
    SeriesReference(NEKO_SERIES),
    pages(page(NEKO_SERIES, neko("1", "3", "12.5"))),
    pages(page(NEKO_SERIES, neko("3"))),
    pages(page(NEKO_SERIES, EMPTY_PAGE)),
    ["1", "3", "12.5"],
    maximum_requests=1,
)

ULTIME_SERIES = f"{ULTIME}/file-0-1/55-Hoshizora"


def ultime(*labels: str) -> str:
    items = "".join(
        f'<li class="file"><a href="/info-0-1/{index}/x"></a><span class="number"><label>{label}'
        f'</label></span><span class="date"><label>03/10/2026</label></span></li>'
        for index, label in enumerate(labels)
    )
    return f'<html><body><ul class="ficheDownload">{items}</ul></body></html>'


ULTIME_SAMPLE = Sample(
    SeriesReference(ULTIME_SERIES),
    pages(page(ULTIME_SERIES, ultime("Episode 01 vostfr", "Episode 03 vostfr", "OAV vostfr"))),
    pages(page(ULTIME_SERIES, ultime("Episode 03 vostfr"))),
    pages(page(ULTIME_SERIES, EMPTY_PAGE)),
    ["1", "3", ""],
    maximum_requests=1,
)
