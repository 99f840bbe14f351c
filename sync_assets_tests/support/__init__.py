"""What several tests need: servers, ports, media folders."""
