"""Bundles: runs packed for somebody else, as one zip that is also a BagIt bag (docs/bundles.md)."""

from __future__ import annotations

from collector.bundle.choosing import Estimate, ExportOptions, ExportReport, estimate_export
from collector.bundle.export import export_bundle
from collector.bundle.load import ImportOptions, ImportReport, import_bundle
from collector.bundle.verify import BundleReport, Problem, verify_bundle

__all__ = [
    "BundleReport",
    "Estimate",
    "ExportOptions",
    "ExportReport",
    "ImportOptions",
    "ImportReport",
    "Problem",
    "estimate_export",
    "export_bundle",
    "import_bundle",
    "verify_bundle",
]
