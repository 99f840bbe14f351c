"""Users reach the public network and what is allowed, whatever an address is wrapped in."""

import pytest

from sync_assets.addresses import (
    AddressError,
    AddressGuard,
    AddressRefusedError,
    resolve,
    shown_url,
)

SETTING = "domain.allowed_private_hosts"

PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
    "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address):
    guard = AddressGuard(setting=SETTING, resolver=lambda *_: [address])
    with pytest.raises(AddressRefusedError):
        guard.addresses("host.example", 80)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
def test_public_addresses_are_not(address):
    assert AddressGuard(setting=SETTING, resolver=lambda *_: [address]).addresses(
        "host.example", 80
    ) == [address]


def test_one_private_address_among_public_ones_is_enough():
    guard = AddressGuard(setting=SETTING, resolver=lambda *_: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(AddressRefusedError, match="allowed_private_hosts"):
        guard.addresses("host.example", 80)


@pytest.mark.parametrize("allowed", ["nas.lan", "NAS.lan.", "192.168.1.0/24", "192.168.1.7"])
def test_what_is_allowed(allowed):
    guard = AddressGuard([allowed], setting=SETTING, resolver=lambda *_: ["192.168.1.7"])
    assert guard.addresses("nas.lan", 80) == ["192.168.1.7"]


def test_an_allowed_network_is_not_all_networks():
    guard = AddressGuard(["192.168.1.0/24"], setting=SETTING, resolver=lambda *_: ["192.168.2.7"])
    with pytest.raises(AddressRefusedError):
        guard.addresses("nas.lan", 80)


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "localhost"])
def test_other_ways_to_write_this_machine(host):
    with pytest.raises(AddressError):
        AddressGuard(setting=SETTING, resolver=resolve).addresses(host, 80)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://x.example/", "gopher://x", "http://", "//x.example", "", "http://[",
     "http://x.example:99999/", "javascript:alert(1)"],
)  # fmt: skip
def test_only_web_addresses(url):
    with pytest.raises(AddressRefusedError):
        AddressGuard(setting=SETTING).check_url(url)


def test_what_is_shown_of_an_address():
    assert shown_url("https://u:p@x.example:81/a?key=1#f") == "https://x.example:81/a"
    assert shown_url("http://[") == "The address"
