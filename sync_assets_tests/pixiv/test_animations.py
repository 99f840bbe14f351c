"""Animations: each frame is seen for as long as its artist wanted, and the zip is kept."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import pytest

from sync_assets.pixiv import animations as animations_module
from sync_assets.pixiv.animations import ConversionError, convert
from sync_assets.pixiv.models import FileKind
from sync_assets.pixiv.presence import missing_files, want_missing
from sync_assets.settings.pixiv import AnimationFormat
from sync_assets_tests.pixiv.rounds import Rounds
from sync_assets_tests.upstreams.pixiv import PixivStandIn, Work
from sync_assets_tests.upstreams.pixiv.works import ugoira_bytes

DELAYS = (30, 70, 100, 45, 200)


def frames(delays: tuple[int, ...] = DELAYS) -> list[dict]:
    return [{"file": f"{n:06}.jpg", "delay": delay} for n, delay in enumerate(delays)]


def shown_at(video: Path) -> list[int]:
    """Return when each frame appears, in milliseconds, as ffmpeg decodes it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(video), "-vf", "showinfo"]
    command += ["-fps_mode", "passthrough", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [round(float(found) * 1000) for found in re.findall(r"pts_time:([\d.]+)", done.stderr)]


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_every_frame_is_shown_for_its_delay(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "1_p0.zip"
    source.write_bytes(ugoira_bytes(1, len(DELAYS)))
    target = tmp_path / f"1_p0.{suffix}"
    convert(source, frames(), target)
    assert shown_at(target) == [0, 30, 100, 200, 245, 445]
    assert {path.name for path in tmp_path.iterdir()} == {source.name, target.name}


def test_a_frame_that_the_zip_lacks_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "1_p0.zip"
    source.write_bytes(ugoira_bytes(1, 2))
    with pytest.raises(ConversionError, match=r"000002\.jpg"):
        convert(source, frames(), tmp_path / "1_p0.mp4")
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_one_animation_that_fails_is_named_and_converted_when_it_can_be(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    rounds.configure(animation_format=AnimationFormat.WEBM)
    pixiv.public = [Work(n, kind="ugoira", delays=(40, 60)) for n in (1, 2)]
    rounds.bookmarks()
    rounds.files()
    with rounds.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE pixiv_works SET frames = 'null' WHERE work_id = 1")
    animations = rounds.animations()
    assert animations.numbers["added"] == 1
    assert [failure.item for failure in animations.failures] == ["work 1"]
    assert {key[0] for key in rounds.outbox.posts} == {2}
    rounds.bookmarks()
    assert rounds.animations().numbers["added"] == 1
    assert {key[0] for key in rounds.outbox.posts} == {1, 2}
    kinds = [each.kind for each in rounds.verified()]
    assert kinds.count(FileKind.UGOIRA) == kinds.count(FileKind.ANIMATION) == 2


def test_a_round_without_time_left_converts_nothing_and_removes_what_a_killed_one_left(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = [Work(1, kind="ugoira", delays=(40, 60))]
    rounds.bookmarks()
    rounds.files()
    (archive,) = rounds.account.download_directory.rglob("*.zip")
    left = archive.parent / ".converting-killed"
    left.mkdir()
    account, rounds.account = rounds.account, replace(rounds.account, deadline=0.0)
    animations = rounds.animations()
    assert (animations.numbers["added"], animations.numbers["waiting"]) == (0, 1)
    assert "max_run_seconds" in animations.warnings[0]
    assert not left.exists()
    rounds.account = account
    assert rounds.animations().numbers["added"] == 1


def test_a_video_that_was_made_anew_is_the_same_post(
    rounds: Rounds, pixiv: PixivStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixiv.public = [Work(1, kind="ugoira", delays=(40, 60))]
    rounds.run()
    (video,) = rounds.account.download_directory.rglob("*.mp4")
    video.unlink()
    with rounds.ledger.write() as connection:
        gone = missing_files(rounds.account.download_directory, rounds.verified())
        want_missing(connection, "main", gone, run_id=None)
    # As another version of ffmpeg would.
    options = ["-c:v", "libx264", "-crf", "30", "-bf", "0"]
    monkeypatch.setitem(animations_module._CODECS, AnimationFormat.MP4, options)
    rounds.run()
    assert video.exists()
    assert list(rounds.outbox.posts.values()) == [2]
