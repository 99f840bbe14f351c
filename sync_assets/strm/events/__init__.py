"""Storage events: from the inbox to the library, without a scan."""
