"""What a page says of its series to whoever links to it: title, picture, summary, genres.

Open Graph (https://ogp.me) is what sites of every kind have; a provider's own form is not needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from sync_assets.watchlist.intake.forms import (
    LONGEST_SYNOPSIS,
    LONGEST_TITLE,
    LONGEST_URL,
    LONGEST_WORD,
)
from sync_assets.watchlist.providers.pages import Page, absolute_url
from sync_assets.watchlist.store.texts import storable

_MOST_GENRES = 20


@dataclass(frozen=True, slots=True)
class PageDetails:
    """What a page says of its series.

    Attributes:
        title: Its title.
        poster_url: The address of its picture.
        synopsis: What it is about.
        genres: Its genres.
    """

    title: str | None = None
    poster_url: str | None = None
    synopsis: str = ""
    genres: tuple[str, ...] = ()


def details_of(page: Page) -> PageDetails:
    """Read what a page says of its series; of what it does not say, nothing.

    Args:
        page: A fetched page.
    """
    tree = LexborHTMLParser(page.text)
    title = _first(tree, 'meta[property="og:title"]', "h1", "head > title", "channel > title")
    poster = _first(tree, 'meta[property="og:image"]', 'meta[name="twitter:image"]')
    synopsis = _first(tree, 'meta[property="og:description"]', 'meta[name="description"]')
    address = absolute_url(page.url, poster) if poster else None
    genres = _all(tree, '[itemprop="genre"]', 'meta[property="video:tag"]', 'a[rel~="tag"]')
    return PageDetails(
        title=storable(title, longest=LONGEST_TITLE) or None,
        poster_url=address if address and len(address) <= LONGEST_URL else None,
        synopsis=storable(synopsis, longest=LONGEST_SYNOPSIS),
        genres=tuple(storable(genre, longest=LONGEST_WORD) for genre in genres),
    )


def _first(tree: LexborHTMLParser, *selectors: str) -> str:
    for selector in selectors:
        for found in _all(tree, selector):
            return found
    return ""


def _all(tree: LexborHTMLParser, *selectors: str) -> Sequence[str]:
    for selector in selectors:
        texts = (
            node.attributes.get("content") or node.text(deep=True) for node in tree.css(selector)
        )
        filled = dict.fromkeys(" ".join(text.split()) for text in texts if text.strip())
        if filled:
            return [storable(text, longest=LONGEST_SYNOPSIS) for text in filled][:_MOST_GENRES]
    return []
