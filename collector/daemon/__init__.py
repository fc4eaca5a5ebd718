"""The collector as a daemon: it watches, indexes, seals, and closes what was cut short."""
