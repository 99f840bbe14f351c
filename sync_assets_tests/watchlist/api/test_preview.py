"""Previews, and adding by address alone: real pages from a server of this machine."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Hoshizora feed</title>
<item><title>[Group] Hoshizora - 01 (1080p)</title><link>http://t.example/1.torrent</link></item>
<item><title>[Group] Hoshizora - 02.5 (720p)</title><link>http://t.example/2.torrent</link></item>
</channel></rss>"""
SERIES = """<html><head><title>x</title>
<meta property="og:title" content="Hoshizora &amp; Co">
<meta property="og:image" content="/poster.jpg">
<meta property="og:description" content="Stars.&#0; Many.">
</head><body><span itemprop="genre">Drama</span>
<script>var episodes = [{"episode":"Ep. 1","num":1,"title":"One","url":"/e/1"}];</script>
</body></html>"""


class Site:
    """A site of this machine that counts what it is asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, str, str]] = {
            "/feed.xml": (200, "application/rss+xml", FEED),
            "/unclear": (200, "application/rss+xml", FEED),
            "/series": (200, "text/html", SERIES),
            "/empty": (200, "text/html", ""),
            "/broken": (500, "text/html", "no"),
            "/inside": (302, "text/html", "http://private.example/"),
        }
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status, kind, body = outer.pages.get(self.path, (404, "text/plain", ""))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", body)
                    body = ""
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.http.serve_forever)
    thread.start()
    yield site
    site.http.shutdown()
    thread.join()
    site.http.server_close()


def previewed(client, headers, **form) -> dict:
    answer = client.post("/api/watchlist/preview", json=form, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_feed_is_recognised_by_its_page_which_is_fetched_once(client, alice, site):
    seen = previewed(client, alice, url=f"{site.base}/unclear", title="Hoshizora")
    assert (seen["provider"], seen["is_certain"], seen["status"]) == ("feed", True, "ok")
    assert [(each["number"], each["resolutions"]) for each in seen["episodes"]] == [
        ("1", [1080]),
        ("2.5", [720]),
    ]
    assert site.asked == ["/unclear"]


def test_a_page_tells_title_picture_and_summary(client, alice, site):
    seen = previewed(client, alice, url=f"{site.base}/series", provider="nekosama")
    assert seen["title"] == "Hoshizora & Co"
    assert seen["poster_url"] == f"{site.base}/poster.jpg"
    assert seen["synopsis"].startswith("Stars.")
    assert "\x00" not in seen["synopsis"]
    assert seen["genres"] == ["Drama"]


def test_nothing_of_a_preview_is_kept(client, alice, site):
    previewed(client, alice, url=f"{site.base}/unclear")
    assert client.get("/api/watchlist", headers=alice).json()["total"] == 0


def test_a_provider_that_fails_says_so(client, alice, site):
    seen = previewed(client, alice, url=f"{site.base}/broken", provider="feed")
    assert (seen["status"], seen["episodes"]) == ("broken", [])
    assert "HTTP 500" in seen["message"]


@pytest.mark.parametrize("path", ["/broken", "/empty", "/absent", "/inside"])
def test_an_address_without_anything_is_refused_with_a_remedy(client, alice, site, path):
    for form in ("/api/watchlist", "/api/watchlist/preview"):
        answer = client.post(form, json={"url": f"{site.base}{path}"}, headers=alice)
        assert answer.status_code == 422
        assert answer.json()["error"]["remedy"]


def test_an_address_alone_is_enough_to_watch(client, alice, site):
    answer = client.post("/api/watchlist", json={"url": f"{site.base}/feed.xml"}, headers=alice)
    assert answer.status_code == 201
    assert (answer.json()["title"], answer.json()["provider"]) == ("Hoshizora", "feed")
    series = {"url": f"{site.base}/series", "provider": "nekosama"}
    item = client.post("/api/watchlist", json=series, headers=alice).json()
    assert (item["title"], item["genres"]) == ("Hoshizora & Co", ["Drama"])
    assert item["poster_url"] == f"{site.base}/poster.jpg"


def test_of_several_works_the_user_names_one(client, alice, site):
    other = "<item><title>[G] Baki - 01</title><link>http://t.example/b.torrent</link></item>"
    site.pages["/many"] = (
        200,
        "application/rss+xml",
        FEED.replace("</channel>", f"{other}</channel>"),
    )
    seen = previewed(client, alice, url=f"{site.base}/many")
    assert (seen["title"], seen["works"]) == (None, ["Hoshizora", "Baki"])
    answer = client.post("/api/watchlist", json={"url": f"{site.base}/many"}, headers=alice)
    assert answer.status_code == 422
    assert "Hoshizora, Baki" in answer.json()["error"]["message"]


def test_who_says_all_asks_nobody(client, alice, site):
    said = {"url": f"{site.base}/feed.xml", "title": "T", "provider": "feed"}
    assert client.post("/api/watchlist", json=said, headers=alice).status_code == 201
    assert not site.asked


def test_only_so_many_wait_for_providers(client, app, alice, site):
    service = app.state.context.watchlist
    held = 0
    while service._questions.acquire(blocking=False):
        held += 1
    answer = client.post(
        "/api/watchlist/preview", json={"url": f"{site.base}/feed.xml"}, headers=alice
    )
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    for _ in range(held):
        service._questions.release()
    assert previewed(client, alice, url=f"{site.base}/feed.xml")["status"] == "ok"
