"""Which works a list holds."""

from decimal import Decimal

from sync_assets.watchlist.providers import EpisodeReference, Variant, VariantKind
from sync_assets.watchlist.works import works_of


def listed(*names: str) -> list[EpisodeReference]:
    variants = [Variant("http://t.example", VariantKind.TORRENT, name, name=name) for name in names]
    one = Decimal(1)
    return [EpisodeReference(each.key, None, one, one, variants=(each,)) for each in variants]


def test_works_come_by_their_number_of_releases_whatever_the_writing():
    names = [
        "[A] Aria - 01 (720p).mkv",
        "[A] Baki - 01 (720p).mkv",
        "[B] Baki! - 02 [1080p].mkv",
    ]
    assert works_of(listed(*names)) == ["Baki", "Aria"]


def test_names_of_hosts_are_no_works():
    assert works_of(listed("sibnet", "vidmoly", "")) == []
