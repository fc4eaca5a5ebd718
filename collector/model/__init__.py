"""The nouns as frozen values: runs, artifacts, queries, events. No I/O."""
