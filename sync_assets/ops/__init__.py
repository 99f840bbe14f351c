"""Operations: health, backup, retention, consistency; plain Python, no Dagster."""
