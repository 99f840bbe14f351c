"""Local stand-ins of what lies on the internet, faults included."""
