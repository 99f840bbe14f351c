"""The output of a job: the only code that writes, moves or deletes in it."""
