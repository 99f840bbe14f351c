"""rclone: a private `rclone rcd`, its interface, and what its answers mean."""
