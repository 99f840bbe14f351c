"""Logs of services are bounded and hold no secrets."""

import asyncio
import os

from sync_assets.ops import service_log
from sync_assets.ops.service_log import ServiceLog


def copy(log: ServiceLog, content: bytes) -> None:
    async def run() -> None:
        reading, writing = os.pipe()
        copying = asyncio.create_task(log.copy(reading))
        for start in range(0, len(content), 1000):
            os.write(writing, content[start : start + 1000])
            await asyncio.sleep(0)
        os.close(writing)
        await copying

    asyncio.run(run())


def test_lines_are_redacted_and_echoed(tmp_path):
    echoed: list[str] = []
    log = ServiceLog(tmp_path / "x.log", lambda text: text.replace("hunter22", "*"), echoed.append)
    copy(log, "token hunter22\nhalf\xff".encode("latin-1"))
    assert (tmp_path / "x.log").read_text(encoding="utf-8") == "token *\nhalf\ufffd\n"
    assert echoed == ["token *", "half\ufffd"]


def test_a_large_file_starts_anew_and_old_ones_go(tmp_path, monkeypatch):
    monkeypatch.setattr(service_log, "FILE_BYTES", 2_000)
    log = ServiceLog(tmp_path / "x.log", str, None)
    copy(log, b"".join(b"%06d\n" % number for number in range(5_000)))
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + service_log.OLD_FILES
    assert all(path.stat().st_size <= 2_000 for path in files)
    assert log.recent[-1] == "004999"


def test_a_line_without_an_end_is_cut(tmp_path):
    log = ServiceLog(tmp_path / "x.log", str, None)
    copy(log, b"x" * 300_000)
    lines = (tmp_path / "x.log").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 1
    assert sum(len(line) for line in lines) == 300_000
