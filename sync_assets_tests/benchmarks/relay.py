"""Relay files from an origin to a WebDAV storage, beside aria2c and rclone driven bare.

Everything is on this machine and on one disk. The baseline is what somebody would type: `aria2c`
with a list of links, then `rclone copy`, both with as many transfers at a time as the product has.
It verifies nothing and remembers nothing.
"""

import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sync_assets.ledger import Ledger
from sync_assets.ops.tools import TOOLS
from sync_assets.relay import enqueue
from sync_assets.relay.worker import drive
from sync_assets.settings import Settings
from sync_assets_tests.upstreams.clouds import PROGRAM as RCLONE
from sync_assets_tests.upstreams.clouds import Clouds
from sync_assets_tests.upstreams.file_origin import FileOrigin

MEBIBYTE = 1024 * 1024
_BLOCK_BYTES = 8 * MEBIBYTE
# Of both: else rclone makes at most 100 WebDAV requests a second, and nothing else is measured.
_OPTIONS = {"webdav-pacer-min-sleep": "0s"}


@dataclass(frozen=True)
class Case:
    """Files of one size.

    Attributes:
        name: What the report calls it.
        files: How many.
        size_bytes: The size of each.
        rounds: How often both are measured, in turn.
        required: How many times the baseline's time it may take.
    """

    name: str
    files: int
    size_bytes: int
    rounds: int
    required: float


SMALL = Case("200 of 1 MiB", 200, MEBIBYTE, 9, 1.3)
LARGE = Case("1 of 1 GiB", 1, 1024 * MEBIBYTE, 5, 1.1)


@dataclass(frozen=True)
class Figures:
    """Seconds of each round.

    Attributes:
        case: What was relayed.
        bare: The baseline's.
        product: The product's.
    """

    case: Case
    bare: Sequence[float]
    product: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        pairs = zip(self.product, self.bare, strict=True)
        return statistics.median(product / bare for product, bare in pairs)

    @property
    def meets(self) -> bool:
        """Whether it is fast enough."""
        return self.ratio <= self.case.required


def run(json_output: bool) -> int:
    """Measure small and large files, and print the figures; 0 where both are fast enough."""
    return _run((SMALL, LARGE), json_output)


def run_small(json_output: bool) -> int:
    """Measure small files alone: for a disk that has no room for large ones."""
    return _run((SMALL,), json_output)


def _run(cases: Sequence[Case], json_output: bool) -> int:
    load = os.getloadavg()[0]
    figures = [_measure(case) for case in cases]
    meets = all(each.meets for each in figures)
    if json_output:
        report = {
            "benchmark": "relay",
            "load_before": round(load, 2),
            "cases": [
                {
                    "files": each.case.files,
                    "bytes": each.case.files * each.case.size_bytes,
                    "bare_seconds": [round(seconds, 2) for seconds in each.bare],
                    "product_seconds": [round(seconds, 2) for seconds in each.product],
                    "ratio": round(each.ratio, 2),
                    "required": each.case.required,
                }
                for each in figures
            ],
            "meets_requirements": meets,
        }
        print(json.dumps(report))
    else:
        title = f"Origin to WebDAV in seconds: median, least, most; load before: {load:.1f}"
        table = Table(title=title)
        for column in ("what", "rounds", "bare programs", "the relay", "ratio", "required"):
            table.add_column(column, justify="left" if column == "what" else "right")
        for each in figures:
            table.add_row(
                each.case.name,
                str(each.case.rounds),
                _shown(each.bare),
                _shown(each.product),
                f"{each.ratio:.2f}",
                f"≤ {each.case.required:g}",
            )
        Console().print(table)
    return 0 if meets else 1


def _shown(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} {min(seconds):.2f} {max(seconds):.2f}"


def _measure(case: Case) -> Figures:
    bare, product = [], []
    with tempfile.TemporaryDirectory(prefix="sync-benchmark-") as name:
        directory = Path(name)
        names = _make_files(directory / "origin", case)
        with FileOrigin(directory / "origin") as origin:
            links = [f"{origin.url}/{each}" for each in names]
            for number in range(case.rounds):
                for measured, method in ((bare, _bare), (product, _product)):
                    measured.append(_round(directory / str(number), case, links, method))
    return Figures(case, bare, product)


def _round(directory: Path, case: Case, links: Sequence[str], method) -> float:
    """Measure one round; what earlier ones have written to the disk is not part of it."""
    directory.mkdir()
    # As long as the server's own default.
    with Clouds(directory / "clouds", dir_cache_time="5m", has_password=False) as clouds:
        os.sync()
        seconds = method(directory, clouds, links)
        _require_all(clouds.files["gdrive"], case)
    shutil.rmtree(directory)
    return seconds


def _bare(directory: Path, clouds: Clouds, links: Sequence[str]) -> float:
    settings = _settings(directory, clouds).relay
    downloads, listing = directory / "downloads", directory / "links"
    listing.write_text("\n".join(links) + "\n", encoding="utf-8")
    started = time.perf_counter()
    subprocess.run(
        [
            *(TOOLS["aria2c"].installed, "--no-conf", f"--input-file={listing}"),
            *(f"--dir={downloads}", f"--max-concurrent-downloads={settings.concurrency}"),
            *("--file-allocation=none", "--quiet"),
        ],
        check=True,
    )
    subprocess.run(
        [
            *(RCLONE, "copy", downloads, "gdrive:", "--config", clouds.config_path),
            *("--transfers", str(settings.upload_concurrency)),
            *(f"--{name}={value}" for name, value in _OPTIONS.items()),
        ],
        check=True,
    )
    return time.perf_counter() - started


def _product(directory: Path, clouds: Clouds, links: Sequence[str]) -> float:
    settings = _settings(directory, clouds)
    ledger = Ledger.open(settings.ledger_url)
    try:
        with ledger.write() as connection:
            for link in links:
                enqueue(connection, source="benchmark", link=link)
        started = time.perf_counter()
        report = drive(settings, ledger, run_id=None)
        seconds = time.perf_counter() - started
    finally:
        ledger.close()
    if report.uploads.cleaned != len(links):
        message = f"{report.uploads.cleaned} of {len(links)} files were relayed"
        raise RuntimeError(message)
    return seconds


def _settings(directory: Path, clouds: Clouds) -> Settings:
    cloud = {
        "kind": "rclone",
        "remote": "gdrive:",
        "path": "{name}",
        "config_path": clouds.config_path,
        "options": _OPTIONS,
    }
    relay = {
        "enabled": True,
        "download_directory": directory / "relay",
        "disk_free_threshold_bytes": 0,
        "targets": {"cloud": cloud},
    }
    return Settings.model_validate({"home": directory / "home", "relay": relay})


def _make_files(directory: Path, case: Case) -> list[str]:
    directory.mkdir()
    chance = random.Random(1)
    names = [f"{number:04}.bin" for number in range(case.files)]
    for name in names:
        with (directory / name).open("wb") as file:
            for start in range(0, case.size_bytes, _BLOCK_BYTES):
                file.write(chance.randbytes(min(_BLOCK_BYTES, case.size_bytes - start)))
    return names


def _require_all(published: Path, case: Case) -> None:
    sizes = [path.stat().st_size for path in published.iterdir()]
    if sizes != [case.size_bytes] * case.files:
        message = f"{len(sizes)} files are published instead of {case.files}"
        raise RuntimeError(message)
