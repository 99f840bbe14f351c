"""Dagster's webserver, as far as the server asks it by GraphQL."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webserver:
    """Answers as Dagster's webserver does, and remembers what it was asked."""

    def __init__(self) -> None:
        self.launched: list[dict[str, str]] = []
        self.active: list[dict[str, str]] = []
        self.answer: Callable[[dict], Any] = self.usual
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.dumps(outer.answer(json.loads(self.rfile.read(length)))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]

    def usual(self, asked: dict) -> Any:
        query, variables = asked["query"], asked["variables"]
        if "launchRun" in query:
            tags = variables["params"]["executionMetadata"]["tags"]
            self.launched.append({each["key"]: each["value"] for each in tags})
            return {"data": {"launchRun": {"__typename": "LaunchRunSuccess"}}}
        if "active" in query:
            return {"data": {"active": {"__typename": "Runs", "results": self.active}}}
        wanted = {each["key"]: each["value"] for each in variables["filter"]["tags"]}
        same = [{"runId": "x"} for tags in self.launched if tags == wanted]
        return {"data": {"same": {"__typename": "Runs", "results": same}}}


@contextmanager
def running_webserver() -> Generator[Webserver]:
    """Run it for the length of a block."""
    webserver = Webserver()
    thread = threading.Thread(target=webserver.http.serve_forever)
    thread.start()
    try:
        yield webserver
    finally:
        webserver.http.shutdown()
        thread.join()
        webserver.http.server_close()
