"""What every source must do, on the same folder: real servers, and the stand-in of OpenList."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from sync_assets.ledger import Ledger
from sync_assets.settings.strm_sources import (
    LocalSourceSettings,
    OpenListSourceSettings,
    SourceSettings,
    WebDavSourceSettings,
)
from sync_assets.strm.listing.scan import scan
from sync_assets.strm.models import Entry, EntryKind, ListedDirectory, ListingStatus
from sync_assets.strm.sources import (
    DirectoryUnavailableError,
    FileUnavailableError,
    ReadableSource,
    Source,
    SourceUnavailableError,
    open_source,
)
from sync_assets.strm.sources import pace as pace_module
from sync_assets_tests.strm.sources import servers
from sync_assets_tests.support.media import DIFFICULT_NAMES, write_media
from sync_assets_tests.upstreams.openlist import OpenListServer

MODIFIED_AT = 1_700_000_001


@dataclass
class Served:
    """A folder, and the settings of a source for it."""

    settings: Callable[[str], SourceSettings]
    wrong_password: SourceSettings | None = None
    # What the server cannot hold, with the reason.
    impossible: dict[str, str] = field(default_factory=dict)
    # How the server names a file of this name.
    named: Callable[[str], str] = str

    def names(self, names: Iterable[str]) -> list[str]:
        return sorted(self.named(name) for name in set(names) - set(self.impossible))


def local(folder: Path) -> Iterator[Served]:
    yield Served(lambda path: LocalSourceSettings(path=folder / path))


def openlist(folder: Path, page_size: int = 0) -> Iterator[Served]:
    with OpenListServer(base_path="/home/alice") as server:
        server.add("/home/alice", None)
        server.add_tree(folder, "/home/alice")

        def settings(path: str, password: str = "wonderland") -> OpenListSourceSettings:
            return OpenListSourceSettings(
                type="openlist",
                base_url=server.url,
                path=path,
                username="alice",
                password=SecretStr(password),
                page_size=page_size,
            )

        backslash = "OpenList takes it for a slash; such a file is reported as unreadable"
        yield Served(settings, settings("", "wrong"), {"back\\slash.mkv": backslash})


def openlist_in_pages(folder: Path) -> Iterator[Served]:
    yield from openlist(folder, page_size=7)


def _webdav(address: str) -> Callable[[str], WebDavSourceSettings]:
    def settings(path: str, password: str = servers.PASSWORD) -> WebDavSourceSettings:
        return WebDavSourceSettings(
            type="webdav",
            base_url=address,
            path=path,
            username=servers.USER,
            password=SecretStr(password),
        )

    return settings


def rclone(folder: Path) -> Iterator[Served]:
    with servers.rclone(folder) as address:
        settings = _webdav(address)
        wrong = settings("").model_copy(update={"password": SecretStr("wrong")})
        # rclone shows control characters as the symbols that Unicode has for them.
        symbols = {code: 0x2400 + code for code in range(32)}
        yield Served(settings, wrong, named=lambda name: name.translate(symbols))


def wsgidav(folder: Path) -> Iterator[Served]:
    with servers.wsgidav(folder) as address:
        yield Served(_webdav(address))


@pytest.fixture(params=[local, openlist, openlist_in_pages, rclone, wsgidav])
def serve(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Served]]:
    """Serve the folder `media`, once it holds what the test needs."""
    monkeypatch.setattr(pace_module, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(pace_module, "PAUSE_SECONDS", 0.01)
    running: list[Iterator[Served]] = []

    def start() -> Served:
        running.append(request.param(tmp_path / "media"))
        return next(running[0])

    (tmp_path / "media").mkdir()
    yield start
    for each in running:
        assert next(each, None) is None


@pytest.fixture
def media(tmp_path: Path) -> Path:
    return tmp_path / "media"


Opens = Callable[[SourceSettings], AbstractContextManager[Source]]


@pytest.fixture
def opened(sqlite_ledger: Ledger) -> Opens:
    return lambda settings: open_source(settings, sqlite_ledger)


def files_of(source: Source, path: str = "") -> dict[str, Entry]:
    entries = source.list_directory(path)
    assert len({entry.name for entry in entries}) == len(entries)
    return {entry.name: entry for entry in entries if entry.kind is EntryKind.FILE}


def serve_after(serve: Callable[[], Served], media: Path, names: list[str]) -> Served:
    write_media(media, names)
    return serve()


def walked(opened: Opens, served: Served) -> dict[str, ListedDirectory]:
    with opened(served.settings("")) as source:
        return {each.path: each for each in scan(source, exclude=(), maximum_depth=25)}


def test_every_difficult_name_comes_back_exactly(serve, media: Path, opened: Opens) -> None:
    write_media(media, [*DIFFICULT_NAMES, *(f"剧 #1?/50%/{name}" for name in DIFFICULT_NAMES)])
    served = serve()
    wanted = served.names(DIFFICULT_NAMES)
    with opened(served.settings("")) as source:
        source.check()
        assert sorted(files_of(source)) == wanted
        assert sorted(files_of(source, "剧 #1?/50%")) == wanted
    with opened(served.settings("剧 #1?/50%")) as source:
        source.check()
        assert sorted(files_of(source)) == wanted


def test_a_folder_of_every_difficult_name_can_be_entered(serve, media: Path, opened: Opens) -> None:
    served = serve_after(serve, media, [f"{name}/film.mkv" for name in DIFFICULT_NAMES])
    with opened(served.settings("")) as source:
        source.check()
        for name in served.names(DIFFICULT_NAMES):
            assert list(files_of(source, name)) == ["film.mkv"], name


def test_sizes_and_times_are_those_of_the_files(serve, media: Path, opened: Opens) -> None:
    for size in (0, 1, 65_537):
        write_media(media, [f"{size}.mkv"], size=size)
        os.utime(media / f"{size}.mkv", (MODIFIED_AT, MODIFIED_AT))
    served = serve()
    with opened(served.settings("")) as source:
        source.check()
        found = {name: (file.size, file.modified_at) for name, file in files_of(source).items()}
    assert found == {f"{size}.mkv": (size, MODIFIED_AT) for size in (0, 1, 65_537)}


def test_an_empty_folder_is_empty_and_whole(serve, media: Path, opened: Opens) -> None:
    (media / "empty").mkdir()
    served = serve()
    with opened(served.settings("")) as source:
        source.check()
        assert source.list_directory("empty") == []
        (entry,) = source.list_directory("")
        assert (entry.name, entry.kind, entry.size) == ("empty", EntryKind.DIRECTORY, None)


def test_a_deep_tree_is_walked_to_its_end(serve, media: Path, opened: Opens) -> None:
    folders = [f"Season {level}" for level in range(24)]
    served = serve_after(serve, media, ["/".join([*folders, "film.mkv"]), "other/film.mkv"])
    listed = walked(opened, served)
    assert all(each.status is ListingStatus.COMPLETE for each in listed.values())
    assert len(listed) == 26
    assert [file.name for file in listed["/".join(folders)].files] == ["film.mkv"]


def test_a_thousand_entries_are_all_there(serve, media: Path, opened: Opens) -> None:
    names = [f"第{number:04}話.mkv" for number in range(1_000)]
    served = serve_after(serve, media, [f"Show/{name}" for name in names])
    with opened(served.settings("")) as source:
        source.check()
        assert sorted(files_of(source, "Show")) == names


def test_a_wide_tree_is_whole_with_many_connections(serve, media: Path, opened: Opens) -> None:
    # Other names at each level: two that are alike, and as old, look like a circle.
    names = [f"a{a}/b{b}/{c}.mkv" for a in range(10) for b in range(10) for c in range(3)]
    served = serve_after(serve, media, names)
    listed = walked(opened, served)
    assert [each.error for each in listed.values() if each.error] == []
    found = [f"{path}/{file.name}" for path, each in listed.items() for file in each.files]
    assert sorted(found) == sorted(names)


def test_a_missing_folder_is_unavailable_and_not_empty(serve, media: Path, opened: Opens) -> None:
    served = serve_after(serve, media, ["film.mkv"])
    with opened(served.settings("")) as source:
        source.check()
        for path in ("missing", "missing/deeper", "film.mkv"):
            with pytest.raises(DirectoryUnavailableError, match=path):
                source.list_directory(path)
        assert list(files_of(source)) == ["film.mkv"]


@pytest.mark.parametrize("path", ["missing", "film.mkv"])
def test_a_root_that_is_missing_or_a_file_ends_the_scan(
    serve, media: Path, opened: Opens, path: str
) -> None:
    served = serve_after(serve, media, ["film.mkv"])
    with opened(served.settings(path)) as source:
        with pytest.raises(SourceUnavailableError, match=path) as caught:
            scan(source, exclude=(), maximum_depth=25)
    assert "path" in caught.value.remedy


def test_a_wrong_password_is_a_clear_error_without_it(serve, media: Path, opened: Opens) -> None:
    served = serve_after(serve, media, ["film.mkv"])
    if served.wrong_password is None:
        pytest.skip("this source has no account")
    with opened(served.wrong_password) as source:
        with pytest.raises(SourceUnavailableError, match="does not let alice in") as caught:
            source.check()
    assert "source.password" in caught.value.remedy
    assert "wrong" not in str(caught.value).replace("was wrong", "")


def test_requests_are_counted(serve, media: Path, opened: Opens) -> None:
    served = serve_after(serve, media, ["a/film.mkv"])
    with opened(served.settings("")) as source:
        source.check()
        before = source.requests
        files_of(source, "a")
        is_remote = not isinstance(served.settings(""), LocalSourceSettings)
        assert source.requests - before == is_remote


def content_of(source: Source, path: str, entry: Entry | None = None) -> bytes:
    assert isinstance(source, ReadableSource)
    content = b""
    with source.open_file(path, sign=entry.sign if entry else None) as stream:
        while piece := stream.read(10_000):
            content += piece
        assert stream.size in (None, len(content))
    return content


def test_a_file_of_every_difficult_name_can_be_read(serve, media: Path, opened: Opens) -> None:
    for number, name in enumerate(DIFFICULT_NAMES):
        write_media(media, [f"剧 #1?/50%/{name}"])
        (media / "剧 #1?/50%" / name).write_bytes(b"%d" % number * 3)
    served = serve()
    with opened(served.settings("剧 #1?")) as source:
        source.check()
        found = files_of(source, "50%")
        for number, name in enumerate(DIFFICULT_NAMES):
            if name in served.impossible:
                continue
            named = served.named(name)
            assert content_of(source, f"50%/{named}", found[named]) == b"%d" % number * 3


def test_a_large_and_an_empty_file_are_read_whole(serve, media: Path, opened: Opens) -> None:
    large = os.urandom(3_000_001)
    (media / "large.sup").write_bytes(large)
    (media / "empty.nfo").write_bytes(b"")
    served = serve()
    with opened(served.settings("")) as source:
        source.check()
        found = files_of(source)
        for _ in range(2):
            assert content_of(source, "large.sup", found["large.sup"]) == large
            assert content_of(source, "empty.nfo", found["empty.nfo"]) == b""


def test_a_file_that_is_not_read_to_its_end_spoils_nothing(
    serve, media: Path, opened: Opens
) -> None:
    served = serve_after(serve, media, ["a.nfo", "b.nfo"])
    (media / "a.nfo").write_bytes(b"a" * 500_000)
    with opened(served.settings("")) as source:
        source.check()
        found = files_of(source)
        assert isinstance(source, ReadableSource)
        with source.open_file("a.nfo", sign=found["a.nfo"].sign) as stream:
            assert stream.read(1) in (b"a", b"\0")
        assert content_of(source, "b.nfo", found["b.nfo"]) == b"\0" * 1_000


def test_a_file_that_is_gone_is_unavailable_and_the_next_can_be_read(
    serve, media: Path, opened: Opens
) -> None:
    served = serve_after(serve, media, ["film.nfo"])
    with opened(served.settings("")) as source:
        source.check()
        found = files_of(source)
        for path in ("missing.nfo", "missing/deeper.nfo"):
            with pytest.raises(FileUnavailableError, match=path) as caught:
                content_of(source, path, found["film.nfo"])
            assert caught.value.remedy
        assert content_of(source, "film.nfo", found["film.nfo"]) == b"\0" * 1_000


def test_reading_a_file_counts_as_a_request(serve, media: Path, opened: Opens) -> None:
    served = serve_after(serve, media, ["film.nfo"])
    with opened(served.settings("")) as source:
        source.check()
        found = files_of(source)
        before = source.requests
        content_of(source, "film.nfo", found["film.nfo"])
        is_remote = not isinstance(served.settings(""), LocalSourceSettings)
        assert source.requests - before == is_remote
