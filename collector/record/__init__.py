"""Record: events become a run folder, and an announcement in the spool. Needs nobody."""
