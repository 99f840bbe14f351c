"""The nfo files, images and subtitles that come along beside the `.strm` files."""
