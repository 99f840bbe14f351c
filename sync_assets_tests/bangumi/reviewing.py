"""A history that leaves questions: what the tests of the review begin with."""

from sync_assets.bangumi.matching_stage import match
from sync_assets.catalog.refreshing import INDEX_NAME
from sync_assets_tests.bangumi.building import ACCOUNT
from sync_assets_tests.bangumi.matching.building import SHOW, Catalogue
from sync_assets_tests.bangumi.trakt_rows import play, write_history

FIRST, SECOND = 11, 12
"""Two subjects of one show; nothing says which season is which."""


def write_catalogue(settings):
    catalogue = Catalogue(settings.catalog_directory / INDEX_NAME)
    catalogue.subject(FIRST, "星の茶壺", episodes=12, name_cn="星之茶壶")
    catalogue.subject(SECOND, "星の茶壺 第2期", episodes=12, name_cn="星之茶壶 第二季")
    for number in (FIRST, SECOND):
        catalogue.link("anime_lists", number, SHOW)
    assert catalogue.index is not None
    catalogue.close()


def watch(settings, *numbers, season=2, account=ACCOUNT, **fields):
    """Say which episodes of the show's second season were watched."""
    plays = [play(100 * season + n, n, season=season, **fields) for n in numbers]
    write_history(settings.lake_directory, account, *plays)


def match_anew(account, settings):
    """Run the stage that matches, as each run of `trakt_to_bangumi` does."""
    with account.run() as run:
        return match(run, settings.catalog_directory / INDEX_NAME, settings.overrides_path)
