"""`/api/media`: links and torrents come in once, from the public network only."""

import base64

import pytest

from sync_assets_tests.server.transfers.conftest import PUBLIC

MAGNET = "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a&tr=http://t/passkey"
TORRENT = b"d4:infod6:lengthi3e4:name5:a.mkv12:piece lengthi16384e6:pieces20:" + b"x" * 20 + b"ee"


def test_a_link_is_stored_once(api):
    wanted = {"link": f"{PUBLIC}/film.mkv", "name": "A Film.mkv"}
    first, again = api.post("/api/media", json=wanted), api.post("/api/media", json=wanted)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["is_new"], again.json()["is_new"]) == (True, False)
    assert first.json()["download_id"] == again.json()["download_id"]
    medium = first.json()["medium"]
    assert (medium["name"], medium["kind"], medium["source"]) == ("A Film.mkv", "http", "api")
    assert [each["state"] for each in medium["downloads"]] == ["pending"]
    assert len(api.get("/api/media").json()["media"]) == 1


def test_a_key_makes_it_the_same_with_another_link(api):
    first = api.post("/api/media", json={"link": f"{PUBLIC}/1", "key": "episode 1"})
    other = api.post("/api/media", json={"link": f"{PUBLIC}/2", "key": "episode 1"})
    assert other.json()["medium"]["id"] == first.json()["medium"]["id"]
    assert other.json()["medium"]["link"] == f"{PUBLIC}/2"


def test_a_magnet_is_shown_without_its_trackers(api):
    answer = api.post("/api/media", json={"link": MAGNET})
    assert answer.json()["medium"]["kind"] == "magnet"
    assert "passkey" not in answer.text
    assert "c12fe1c06bba254a9dc9f519b335aa7c1367a88a" in answer.json()["medium"]["link"]


def test_a_torrent_comes_as_base64_or_as_a_form_and_is_one(api):
    encoded = base64.b64encode(TORRENT).decode()
    first = api.post("/api/media", json={"torrent": encoded, "name": "a.mkv"})
    again = api.post(
        "/api/media/torrent", files={"torrent": ("a.torrent", TORRENT)}, data={"name": "a.mkv"}
    )
    assert (first.status_code, again.status_code) == (201, 200), again.text
    assert first.json()["medium"]["id"] == again.json()["medium"]["id"]
    assert first.json()["medium"]["kind"] == "torrent"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"link": f"{PUBLIC}/a", "torrent": "AAAA"}, 422),
        ({"link": f"{PUBLIC}/a", "checksum": "md5=0"}, 422),
        ({"link": f"{PUBLIC}/a", "unknown": 1}, 422),
        ({"link": "ftp://example.org/a"}, 400),
        ({"link": "file:///etc/passwd"}, 400),
        ({"link": "magnet:?dn=nothing"}, 400),
        ({"torrent": "%%%"}, 400),
        ({"torrent": "AAAA"}, 400),
    ],
)
def test_what_cannot_be_downloaded_is_refused(api, body, status):
    answer = api.post("/api/media", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["remedy"]
    assert api.get("/api/media").json()["media"] == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.7", "[::1]", "169.254.169.254", "0x7f000001"]
)
@pytest.mark.parametrize("name", ["film.mkv", "film.torrent"])
def test_a_link_into_a_private_network_is_refused(api, host, name):
    answer = api.post("/api/media", json={"link": f"http://{host}/{name}?key=secret"})
    assert answer.status_code == 400
    assert "relay.allowed_private_hosts" in answer.json()["error"]["remedy"]
    assert "secret" not in answer.text


def test_what_the_configuration_allows_is_not(api):
    answer = api.post("/api/media", json={"link": "http://192.168.1.7/film.mkv"})
    assert answer.status_code == 201


def test_one_of_several_that_cannot_be_taken_hinders_no_other(api):
    links = [f"{PUBLIC}/1", "http://127.0.0.1/2", f"{PUBLIC}/3"]
    answer = api.post("/api/media/batch", json={"media": [{"link": link} for link in links]})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [each["receipt"] is not None for each in results] == [True, False, True]
    assert results[1]["problem"]["code"] == "invalid_request"
    assert api.post("/api/media/batch", json={"media": []}).status_code == 422


def test_a_wish_says_whose_it_was(api, transfers):
    medium = api.post("/api/media", json={"link": f"{PUBLIC}/1"}).json()["medium"]
    (event,) = [e for e in transfers.events("relay_medium", medium["id"]) if "by" in e.detail]
    assert (event.detail["action"], event.detail["by"]) == ("order", "test user")


def test_media_have_their_downloads_and_these_their_uploads(api, transfers):
    first = transfers.add("film.mkv")
    transfers.upload(first, "waiting_download", target="a")
    transfers.upload(first, "waiting_download", target="b")
    transfers.add("other.mkv")
    media = api.get("/api/media").json()["media"]
    assert [medium["name"] for medium in media] == ["other.mkv", "film.mkv"]
    (download,) = media[1]["downloads"]
    assert [upload["target"] for upload in download["uploads"]] == ["a", "b"]
    assert api.get("/api/media?target=a&state=arrived").json()["media"] == [media[1]]
