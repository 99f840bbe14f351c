"""The least that a STRM job against OpenList has to do: list in threads, compare, write atomically.

No engine: no manifest, no stored listing, no account of anything. Run as a process of its own.
Plain `os` calls, because `pathlib` would make the baseline slower than it can be.
"""

import argparse
import json
import os
import queue
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

from sync_assets_tests.upstreams.openlist import OpenListServer


class Loop:
    """Lists a tree with some connections; each thread deals with the files that it has listed."""

    def __init__(self, url: str, output: Path, mode: str) -> None:
        self.url = url
        self.output = str(output)
        self.mode = mode
        self.pending: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.left = 1
        self.files = 0
        self.lock = threading.Lock()

    def run(self, connections: int) -> None:
        self.pending.put("/")
        threads = [threading.Thread(target=self.work) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self) -> None:
        connection = HTTPConnection(urlsplit(self.url).netloc)
        headers = {"Authorization": OpenListServer.static_token, "Content-Type": "application/json"}
        while (path := self.pending.get()) is not None:
            body = json.dumps({"path": path, "page": 1, "per_page": 0})
            connection.request("POST", "/api/fs/list", body, headers)
            entries = json.loads(connection.getresponse().read())["data"]["content"]
            folders = [entry["name"] for entry in entries if entry["is_dir"]]
            media = [entry for entry in entries if entry["name"].endswith(".mkv")]
            with self.lock:
                self.left += len(folders) - 1
                self.files += len(media)
                is_last = self.left == 0
            for name in folders:
                self.pending.put(f"{path.rstrip('/')}/{name}")
            self.deal_with(path, media)
            if is_last:
                for _ in range(64):
                    self.pending.put(None)

    def deal_with(self, path: str, media: list[dict]) -> None:
        if self.mode == "list" or not media:
            return
        directory = self.output + path
        os.makedirs(directory, exist_ok=True)
        temporary = f"{directory}/.tmp"
        before = f"{self.url}/d{quote(path)}/"
        for entry in media:
            content = f"{before}{quote(entry['name'], safe='')}?sign={entry['sign']}".encode()
            target = f"{directory}/{entry['name'][:-4]}.strm"
            if self.mode == "compare":
                with open(target, "rb") as file:
                    assert file.read() == content
                continue
            with open(temporary, "wb") as file:
                file.write(content)
            os.replace(temporary, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("output", type=Path)
    parser.add_argument("--mode", choices=["write", "compare", "list"], default="write")
    parser.add_argument("--connections", type=int, default=10)
    arguments = parser.parse_args()
    loop = Loop(arguments.url, arguments.output, arguments.mode)
    started = time.perf_counter()
    loop.run(arguments.connections)
    print(loop.files, time.perf_counter() - started)


if __name__ == "__main__":
    main()
