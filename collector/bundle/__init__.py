"""Bundles: runs packed for somebody else, as one zip that is also a BagIt bag (docs/bundles.md)."""
