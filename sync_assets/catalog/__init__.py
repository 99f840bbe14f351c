"""The catalogue: what public mapping sources know of anime, as one local index.

`sources` reads each format, `compiling` puts them together, `index` writes and asks the result.
`refreshing` does it all for the asset in `assets`, with `fetching` and the last good `copies`.
"""
