"""Posters: fetched once, checked, kept, and drawn where there is none."""

from sync_assets_tests.upstreams.feed_site import Document

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)


def test_a_poster_is_fetched_once_and_kept_by_the_browser(client, site, add):
    site.documents["/p"] = Document(PICTURE, "text/html")
    item = add(poster_url=f"{site.url}/p")
    first = client.get(f"/watchlist/{item.id}/poster")
    assert (first.content, first.headers["content-type"]) == (PICTURE, "image/png")
    assert first.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in first.headers["content-security-policy"]
    again = client.get(
        f"/watchlist/{item.id}/poster", headers={"If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304
    assert [request.target for request in site.received] == ["/p"]


def test_what_is_no_picture_is_not_passed_on(client, site, add):
    site.documents["/p"] = Document(b"<svg onload='alert(1)'></svg>", "image/svg+xml")
    item = add(title="Étoile filante", poster_url=f"{site.url}/p")
    for _ in range(2):
        answer = client.get(f"/watchlist/{item.id}/poster")
        assert ">ÉF</text>" in answer.text
        assert "alert" not in answer.text
    assert len(site.received) == 1  # that there is none is remembered


def test_a_poster_in_a_private_network_is_not_fetched(client, add):
    item = add(title="星空", poster_url="http://10.0.0.1/p.png")
    assert ">星</text>" in client.get(f"/watchlist/{item.id}/poster").text
