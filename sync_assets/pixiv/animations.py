"""Ugoira to video: the zip's frames, each for as long as it should be seen."""

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sync_assets.errors import ItemFailure
from sync_assets.ledger import Ledger
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.files import Checked, StoredFile, enter_files, read_files
from sync_assets.pixiv.models import FileKind, FileState, StageResult
from sync_assets.pixiv.verification import Verified, digest
from sync_assets.pixiv.works import Work, read_works
from sync_assets.settings.pixiv import AnimationFormat

TIMEOUT_SECONDS = 600.0
_MAXIMUM_FRAME_BYTES = 100_000_000
_TEMPORARY = ".converting-"
_FILTER = "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_range=tv,format=yuv420p"
"""What players want: even sizes, and the colours of television rather than those of JPEG."""

_CODECS = {
    AnimationFormat.MP4: [
        # Without B-frames the last frame keeps its duration.
        *("-c:v", "libx264", "-preset", "medium", "-crf", "18", "-bf", "0"),
        *("-movflags", "+faststart", "-video_track_timescale", "1000"),
    ],
    AnimationFormat.WEBM: [
        *("-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0"),
        *("-row-mt", "1"),
    ],
}


class ConversionError(Exception):
    """An animation cannot be converted; the text says why."""


def convert_animations(account: Account, ledger: Ledger, *, run_id: str | None) -> StageResult:
    """Convert every ugoira that has no video yet. One that cannot be converted stays a zip.

    Args:
        account: The account.
        ledger: The ledger.
        run_id: The Dagster run.

    Returns:
        What was done, with the animations that failed.
    """
    with ledger.read() as connection:
        files = read_files(
            connection,
            account.name,
            states={FileState.VERIFIED},
            kinds={FileKind.UGOIRA, FileKind.ANIMATION},
        )
        done = {(each.work_id, each.version) for each in files if each.kind is FileKind.ANIMATION}
        zips = [
            each
            for each in files
            if each.kind is FileKind.UGOIRA and (each.work_id, each.version) not in done
        ]
        works = read_works(connection, account.name, work_ids={each.work_id for each in zips})
    _remove_leftovers({(account.download_directory / each.path).parent for each in zips})
    result = StageResult({"added": 0, "skipped": len(done)})
    with ThreadPoolExecutor(account.pixiv.concurrency) as pool:
        outcomes = pool.map(
            lambda stored: _convert_one(account, stored, works.get(stored.work_id)), zips
        )
        for stored, outcome in zip(zips, outcomes, strict=True):
            if outcome is None:
                result.count("waiting")
                continue
            if isinstance(outcome, ItemFailure):
                result.failures.append(outcome)
                continue
            with ledger.write() as connection:
                enter_files(connection, account.name, [outcome], run_id=run_id)
            result.count("added")
            result.count("bytes", outcome.size_bytes - stored.size_bytes)
    if waiting := result.numbers.get("waiting"):
        result.warnings.append(
            f"The round's time (pixiv.max_run_seconds) is over: {waiting} animations wait for the "
            "next one."
        )
    return result


def _remove_leftovers(folders: Iterable[Path]) -> None:
    """Remove what a killed process left in the library; the caller's lease says it is gone."""
    for folder in folders:
        for left in folder.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(left, ignore_errors=True)


def _convert_one(
    account: Account, stored: StoredFile, work: Work | None
) -> Checked | ItemFailure | None:
    """Convert an animation; None where the round's time is over."""
    if account.seconds_left() <= 0:
        return None
    source = account.download_directory / stored.path
    target = source.with_suffix(f".{account.pixiv.animation_format}")
    try:
        if work is None or not work.frames:
            message = "the delays of its frames are not known"
            raise ConversionError(message)  # noqa: TRY301 - one way to report
        found = convert(source, work.frames, target)
    except (ConversionError, OSError) as error:
        return ItemFailure(
            f"work {stored.work_id}",
            f"{stored.path}: {error}",
            "The zip is kept; the next round tries again. Where the delays are not known, a full "
            "pass asks for them.",
        )
    return Checked(
        stored.work_id,
        stored.page,
        stored.version,
        FileKind.ANIMATION,
        FileState.VERIFIED,
        str(target.relative_to(account.download_directory)),
        size_bytes=found.size_bytes,
        sha256=found.sha256,
    )


def convert(source: Path, frames: Sequence[Mapping[str, Any]], target: Path) -> Verified:
    """Convert an ugoira to a video.

    Args:
        source: The zip of its frames.
        frames: The frames in order: `file`, its name in the zip, and `delay` in milliseconds.
        target: The video, which appears whole or not at all; its suffix says which kind.

    Returns:
        The size and digest of the video.

    Raises:
        ConversionError: Frames are missing, or ffmpeg cannot read or write them.
        OSError: A file cannot be read or written.
    """
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=source.parent) as name:
        directory = Path(name)
        _extract(source, frames, directory)
        script = directory / "frames.ffconcat"
        script.write_text(_script(frames), encoding="ascii")
        output = directory / f"video{target.suffix}"
        _run_ffmpeg(script, output, AnimationFormat(target.suffix.lstrip(".")))
        with output.open("rb") as file:
            os.fsync(file.fileno())
        output.replace(target)
    return digest(target)


def _extract(source: Path, frames: Sequence[Mapping[str, Any]], directory: Path) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            for number, name in enumerate(dict.fromkeys(str(each["file"]) for each in frames)):
                if archive.getinfo(name).file_size > _MAXIMUM_FRAME_BYTES:
                    message = f"the frame {name} is too large"
                    raise ConversionError(message)
                # Under a name of our own: those in the zip are not to be trusted with a path.
                (directory / f"{number:06}").write_bytes(archive.read(name))
    except (KeyError, zipfile.BadZipFile) as error:
        message = f"the zip lacks a frame: {error}"
        raise ConversionError(message) from error


def _script(frames: Sequence[Mapping[str, Any]]) -> str:
    """Write what ffmpeg's concat demuxer reads.

    Its duration counts from frame to frame, so the last one is named twice. Without the option a
    picture's clock ticks 25 times a second, and delays of 30 ms become 40.
    """
    numbers = {
        name: number
        for number, name in enumerate(dict.fromkeys(str(each["file"]) for each in frames))
    }
    lines = ["ffconcat version 1.0"]
    for each in [*frames, frames[-1]]:
        lines += [
            f"file {numbers[str(each['file'])]:06}",
            "option framerate 1000",
            f"duration {max(int(each['delay']), 1) / 1000:.3f}",
        ]
    return "\n".join(lines[:-1]) + "\n"


def _run_ffmpeg(script: Path, output: Path, kind: AnimationFormat) -> None:
    import imageio_ffmpeg  # noqa: PLC0415 - only where an animation is converted

    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-loglevel", "error", "-nostdin", "-y"),
        *("-f", "concat", "-safe", "0", "-i", script.name),
        *("-vf", _FILTER, "-fps_mode", "passthrough", "-an"),
        *("-enc_time_base", "1:1000", *_CODECS[kind], output.name),
    ]
    try:
        done = subprocess.run(
            command,
            cwd=script.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"ffmpeg took longer than {TIMEOUT_SECONDS:.0f} s"
        raise ConversionError(message) from error
    if done.returncode != 0 or not output.exists() or output.stat().st_size == 0:
        message = f"ffmpeg failed: {done.stderr.strip()[-300:]}"
        raise ConversionError(message)
