"""What users bring: an address and its preview, the fields of forms, backups."""
