"""Local stand-ins of the servers that this project talks to, made from their documentation."""
