"""Things that draw: they get values, and report by message."""
