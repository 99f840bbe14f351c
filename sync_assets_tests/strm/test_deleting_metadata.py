"""What keeps deleting safe, where `.strm` files and metadata files are deleted together."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import Delivery, store
from sync_assets.ledger.leases import Lease, hold_lease
from sync_assets.settings.strm import DeletionSettings, DiscMode, StrmJobSettings, StrmSettings
from sync_assets.settings.strm_metadata import MetadataMode, MetadataPolicy, MetadataSettings
from sync_assets.settings.strm_sources import LocalSourceSettings
from sync_assets.strm.deleting import confirmation
from sync_assets.strm.events.draining import Drain
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.listing import source_scan
from sync_assets.strm.metadata.stage import write_metadata
from sync_assets.strm.models import FileKind
from sync_assets.strm.pipeline import clean_orphans, list_source, write_tree
from sync_assets_tests.support.folding import fold_outputs
from sync_assets_tests.support.media import tree_of, write_media

FILMS = 20
IMAGES = 6


class Calendar(datetime):
    """A clock that tests set; scans take their time from it."""

    moment = datetime.now(UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.moment.astimezone(tz)


class Shelf:
    """One job on folders of a test, each film with several images."""

    def __init__(self, base: Path, ledger: Ledger, lease: Lease) -> None:
        self.media = base / "media"
        self.output = base / "library"
        self.ledger = ledger
        self.lease = lease
        self.lake = Lake(base / "lake")
        self.deletion = DeletionSettings(confirm_after_scans=2, always_allowed_count=3)
        self.bdmv = DiscMode.LARGEST
        self.policy = MetadataPolicy.UPDATE
        for number in range(FILMS):
            self.add(f"Film {number}/Film {number}", images=IMAGES)

    @property
    def settings(self) -> StrmJobSettings:
        return StrmJobSettings(
            source=LocalSourceSettings(path=self.media),
            output=self.output,
            url_template="http://nas/{path}",
            bdmv=self.bdmv,
            deletion=self.deletion,
            metadata=MetadataSettings(mode=MetadataMode.COPY, policy=self.policy),
            event_root="/drive",
        )

    @property
    def job(self) -> JobRun:
        return JobRun("movies", self.settings, self.lease, self.ledger, self.lake)

    def add(self, stem: str, *, images: int = 0) -> None:
        write_media(self.media, [f"{stem}.mkv", *(f"{stem}-{n}.jpg" for n in range(images))])

    def scan(self, *, skip_existing: bool = False, **options) -> dict[str, int]:
        """Run the four stages a day after the last time."""
        Calendar.moment += timedelta(hours=24)
        numbers = dict(list_source(self.job).numbers)
        for result in (
            write_tree(self.job, skip_existing=skip_existing),
            write_metadata(self.job, skip_existing=skip_existing),
            clean_orphans(self.job, **options),
        ):
            numbers |= result.numbers
        return numbers

    def remove(self, *films: int) -> None:
        for film in films:
            shutil.rmtree(self.media / f"Film {film}")

    def follow(self, path: str) -> dict[str, int]:
        """Deal with the event of a deletion."""
        with self.ledger.write() as connection:
            payload = {"path": f"/drive/{path}", "action": "delete"}
            store(connection, [Delivery("openlist", path, payload)])
        settings = StrmSettings(jobs={"movies": self.settings})
        drained = Drain(settings, self.ledger, self.lake, lease=self.lease, run_id=path).run()
        return dict(drained.jobs["movies"].results[0].numbers)

    def names(self) -> set[str]:
        return set(tree_of(self.output))

    def owned(self) -> set[str]:
        """Return the paths of metadata files that the manifest knows."""
        manifest = self.job.manifest.of_kind(FileKind.METADATA)
        names = manifest.names(list(manifest.directories()))
        return {f"{directory}/{name}" for directory, each in names.items() for name in each}


@pytest.fixture
def shelf(
    tmp_path: Path, sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shelf]:
    monkeypatch.setattr(source_scan, "datetime", Calendar)
    monkeypatch.setattr(confirmation, "datetime", Calendar)
    monkeypatch.setattr(Calendar, "moment", datetime.now(UTC))
    with hold_lease(sqlite_ledger, "strm", purpose="test") as lease:
        yield Shelf(tmp_path, sqlite_ledger, lease)


def outcome(numbers: dict[str, int]) -> tuple[int, int]:
    return numbers["deleted"], numbers["waiting"]


def test_a_plan_of_both_kinds_waits_as_one_and_is_confirmed_as_one(shelf: Shelf) -> None:
    shelf.scan()
    shelf.remove(*range(5))
    files = 5 * (1 + IMAGES)
    assert outcome(shelf.scan()) == (0, files)
    assert outcome(shelf.scan()) == (files, 0)
    assert not any(name.startswith("Film 0/") for name in shelf.names())


def test_another_metadata_file_that_is_gone_begins_the_confirmation_anew(shelf: Shelf) -> None:
    shelf.scan()
    shelf.remove(*range(5))
    shelf.scan()
    (shelf.media / "Film 9/Film 9-0.jpg").unlink()
    files = 5 * (1 + IMAGES) + 1
    assert outcome(shelf.scan()) == (0, files)
    assert outcome(shelf.scan()) == (files, 0)


def test_an_approval_carries_out_a_plan_of_both_kinds(shelf: Shelf) -> None:
    shelf.scan()
    shelf.remove(*range(5))
    shelf.scan()
    plan_id = str(clean_orphans(shelf.job).notes["plan_id"])
    done = clean_orphans(shelf.job, approved_plan=plan_id, only_approved=True)
    assert outcome(dict(done.numbers)) == (5 * (1 + IMAGES), 0)


def test_all_media_of_a_job_always_need_an_approval_whatever_metadata_would_stay(
    shelf: Shelf,
) -> None:
    shelf.scan()
    for film in shelf.media.rglob("*.mkv"):
        film.unlink()
    assert {outcome(shelf.scan()) for _ in range(5)} == {(0, FILMS)}


def test_metadata_of_a_film_that_leaves_does_not_cover_for_that_of_films_that_stay(
    shelf: Shelf,
) -> None:
    for number in range(10):
        shelf.add(f"Flat/{number}", images=3)
    shelf.scan()
    (shelf.media / "Flat/0.mkv").unlink()
    for image in (shelf.media / "Flat").glob("*.jpg"):
        image.unlink()
    assert outcome(shelf.scan()) == (0, 31)


def test_one_film_of_a_flat_folder_leaves_with_its_own_metadata(shelf: Shelf) -> None:
    for number in range(10):
        shelf.add(f"Flat/Film {number}", images=8)
    shelf.scan()
    for file in (shelf.media / "Flat").glob("Film 1[.-]*"):
        file.unlink()
    assert outcome(shelf.scan()) == (9, 0)


def test_an_emptied_folder_keeps_its_metadata_until_its_plan_is_carried_out(shelf: Shelf) -> None:
    shelf.deletion = DeletionSettings(
        confirm_after_scans=2, always_allowed_count=100, emptied_folder_count=4
    )
    for number in range(4):
        shelf.add(f"Drive/{number}", images=2)
    shelf.scan()
    shutil.rmtree(shelf.media / "Drive")
    (shelf.media / "Drive").mkdir()
    shelf.remove(0)
    # What is outside the folder is not held back.
    assert outcome(shelf.scan()) == (1 + IMAGES, 12)
    assert len([name for name in shelf.names() if name.startswith("Drive/")]) == 12
    assert outcome(shelf.scan()) == (12, 0)


def test_a_folder_that_lost_its_media_but_not_its_metadata_is_suspicious_too(shelf: Shelf) -> None:
    shelf.deletion = DeletionSettings(always_allowed_count=100, emptied_folder_count=4)
    for number in range(4):
        shelf.add(f"Drive/{number}", images=1)
    shelf.scan()
    for film in (shelf.media / "Drive").glob("*.mkv"):
        film.unlink()
    assert outcome(shelf.scan()) == (0, 4)


def test_events_spend_one_film_however_many_images_leave_with_it(shelf: Shelf) -> None:
    shelf.scan()
    deleted = []
    for number in range(5):
        shelf.remove(number)
        deleted.append(shelf.follow(f"Film {number}")["deleted"])
    assert deleted == [1 + IMAGES] * 3 + [0] * 2


def test_events_that_delete_only_metadata_have_a_budget_too(shelf: Shelf) -> None:
    shelf.scan()
    deleted = 0
    for number in range(FILMS):
        (shelf.media / f"Film {number}/Film {number}-0.jpg").unlink()
        deleted += shelf.follow(f"Film {number}/Film {number}-0.jpg")["deleted"]
    assert deleted == FILMS * (1 + IMAGES) // 10
    assert len(shelf.names()) == FILMS * (1 + IMAGES) - deleted


@pytest.mark.parametrize("policy", MetadataPolicy)
@pytest.mark.parametrize("skip_existing", [False, True])
def test_a_poster_that_changed_only_its_case_is_kept(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, policy: MetadataPolicy, skip_existing: bool
) -> None:
    fold_outputs(monkeypatch)
    shelf.policy = policy
    write_media(shelf.media, ["Film 1/poster.JPG"])
    shelf.scan()
    (shelf.media / "Film 1/poster.JPG").rename(shelf.media / "Film 1/poster.jpg")
    numbers = shelf.scan(skip_existing=skip_existing)
    assert (numbers["metadata_unchanged"], outcome(numbers)) == (FILMS * IMAGES + 1, (0, 0))
    assert "film 1/poster.jpg" in {name.lower() for name in shelf.names()}
    assert {"Film 1/poster.jpg", "Film 1/poster.JPG"} & shelf.owned() == {"Film 1/poster.jpg"}
    (shelf.media / "Film 1/poster.jpg").unlink()
    assert outcome(shelf.scan()) == (1, 0)


def test_a_poster_that_changed_its_case_and_its_content_is_replaced_and_kept(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold_outputs(monkeypatch)
    write_media(shelf.media, ["Film 1/poster.JPG"])
    shelf.scan()
    (shelf.media / "Film 1/poster.JPG").unlink()
    (shelf.media / "Film 1/poster.jpg").write_bytes(b"another poster")
    numbers = shelf.scan()
    assert (numbers["metadata_updated"], outcome(numbers)) == (1, (0, 0))
    assert b"another poster" in tree_of(shelf.output).values()
    again = shelf.scan()
    assert (again["metadata_unchanged"], outcome(again)) == (FILMS * IMAGES + 1, (0, 0))


def test_a_poster_of_the_users_own_stays_when_the_sources_changes_its_case(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold_outputs(monkeypatch)
    write_media(shelf.media, ["Film 1/poster.JPG"])
    shelf.scan()
    (shelf.output / "Film 1/poster.JPG").write_bytes(b"mine")
    (shelf.media / "Film 1/poster.JPG").unlink()
    (shelf.media / "Film 1/poster.jpg").write_bytes(b"another poster")
    numbers = shelf.scan()
    assert (numbers["metadata_foreign"], outcome(numbers)) == (1, (0, 0))
    (shelf.media / "Film 1/poster.jpg").unlink()
    assert shelf.scan()["edited"] == 1
    assert b"mine" in tree_of(shelf.output).values()


@pytest.mark.parametrize("skip_existing", [False, True])
def test_a_folder_that_changed_only_its_case_keeps_files_of_both_kinds(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, skip_existing: bool
) -> None:
    fold_outputs(monkeypatch)
    shelf.scan()
    before = len(shelf.names())
    for number in range(FILMS):
        (shelf.media / f"Film {number}").rename(shelf.media / f"FILM {number}")
    assert outcome(shelf.scan(skip_existing=skip_existing)) == (0, 0)
    again = shelf.scan()
    assert (outcome(again), again["owned"]) == ((0, 0), before)
    assert len(shelf.names()) == before


def test_two_posters_that_are_one_for_the_output_are_reported_with_a_fixed_winner(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold_outputs(monkeypatch)
    (shelf.media / "Film 1/Poster.jpg").write_bytes(b"first")
    (shelf.media / "Film 1/poster.jpg").write_bytes(b"second")
    for _ in range(2):
        list_source(shelf.job)
        write_tree(shelf.job)
        failures = write_metadata(shelf.job).failures
        assert [failure.item for failure in failures] == ["Film 1/poster.jpg"]
        assert "'Poster.jpg'" in failures[0].error
        assert outcome(dict(clean_orphans(shelf.job).numbers)) == (0, 0)
        contents = tree_of(shelf.output).values()
        assert (b"first" in contents, b"second" in contents) == (True, False)


def test_metadata_inside_a_disc_stays_away_and_that_beside_it_comes(shelf: Shelf) -> None:
    disc = ["Heat/BDMV/STREAM/1.m2ts", "Heat/BDMV/META/DL/large.jpg", "Heat/poster.jpg"]
    write_media(shelf.media, disc)
    shelf.scan()
    heat = {name for name in shelf.names() if name.startswith("Heat/")}
    assert heat == {"Heat/Heat.bdmv.strm", "Heat/poster.jpg"}
    shutil.rmtree(shelf.media / "Heat")
    assert outcome(shelf.scan()) == (2, 0)


def test_metadata_inside_a_disc_leaves_when_the_disc_becomes_one_file(shelf: Shelf) -> None:
    shelf.bdmv = DiscMode.ALL
    inside = "Heat/BDMV/META/DL/large.jpg"
    write_media(shelf.media, ["Heat/BDMV/STREAM/1.m2ts", inside, "Heat/poster.jpg"])
    shelf.scan()
    assert inside in shelf.names()
    shelf.bdmv = DiscMode.LARGEST
    assert outcome(shelf.scan()) == (2, 0)
    heat = {name for name in shelf.names() if name.startswith("Heat/")}
    assert heat == {"Heat/Heat.bdmv.strm", "Heat/poster.jpg"}
