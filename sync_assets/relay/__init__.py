"""The relay: media from Telegram and from links, through aria2, to where they are kept."""
