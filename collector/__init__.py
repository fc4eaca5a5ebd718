"""acode's library: record, store, query. The public names are loaded on first use."""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing for it would cost every `acode exec` 8 ms

if TYPE_CHECKING:
    from collector.agents.teams import collect_team_artifacts as collect_team_artifacts
    from collector.agents.teams import collection_metadata as collection_metadata
    from collector.agents.teams import list_collections as list_collections
    from collector.agents.teams import preserve_artifacts as preserve_artifacts
    from collector.audit import append_audit as append_audit
    from collector.bundle import BundleReport as BundleReport
    from collector.bundle import Estimate as Estimate
    from collector.bundle import ExportOptions as ExportOptions
    from collector.bundle import ExportReport as ExportReport
    from collector.bundle import ImportOptions as ImportOptions
    from collector.bundle import ImportReport as ImportReport
    from collector.bundle import estimate_export as estimate_export
    from collector.bundle import export_bundle as export_bundle
    from collector.bundle import import_bundle as import_bundle
    from collector.bundle import verify_bundle as verify_bundle
    from collector.bundle.choosing import wanted_of as wanted_of
    from collector.bundle.manifest import RunEntry as RunEntry
    from collector.bundle.protecting import Trust as Trust
    from collector.bundle.protecting import encrypting_with as encrypting_with
    from collector.bundle.protecting import signing_with as signing_with
    from collector.bundle.verify import Asking as Asking
    from collector.config import Config as Config
    from collector.config import load_config as load_config
    from collector.daemon.control import CleanupReport as CleanupReport
    from collector.daemon.control import CollectorStatus as CollectorStatus
    from collector.daemon.control import collector_status as collector_status
    from collector.daemon.control import ensure_collector as ensure_collector
    from collector.daemon.control import list_trash as list_trash
    from collector.daemon.control import request_cleanup as request_cleanup
    from collector.daemon.control import request_delete as request_delete
    from collector.daemon.control import request_delete_runs as request_delete_runs
    from collector.daemon.control import request_undelete as request_undelete
    from collector.encryption.key import by_passphrase as by_passphrase
    from collector.encryption.key import passphrase_key as passphrase_key
    from collector.errors import AcodeError as AcodeError
    from collector.errors import ConflictError as ConflictError
    from collector.errors import CorruptError as CorruptError
    from collector.errors import InputError as InputError
    from collector.errors import LimitError as LimitError
    from collector.keys.signing_keys import get_signing_key as get_signing_key
    from collector.keys.signing_keys import list_trusted as list_trusted
    from collector.model.artifact import Artifact as Artifact
    from collector.model.query import Event as Event
    from collector.model.query import RunQuery as RunQuery
    from collector.model.query import Term as Term
    from collector.model.results import CoverageReport as CoverageReport
    from collector.model.results import FileCoverage as FileCoverage
    from collector.model.results import Location as Location
    from collector.model.results import LogEntry as LogEntry
    from collector.model.results import TestCase as TestCase
    from collector.model.results import TestReport as TestReport
    from collector.model.results import TestSuite as TestSuite
    from collector.model.results import TestTotals as TestTotals
    from collector.model.run import Run as Run
    from collector.model.statistics import GROUPINGS as GROUPINGS
    from collector.model.statistics import Bucket as Bucket
    from collector.model.statistics import FlakyCommand as FlakyCommand
    from collector.model.statistics import Group as Group
    from collector.model.statistics import LargeRun as LargeRun
    from collector.model.statistics import StorageShare as StorageShare
    from collector.model.statistics import Totals as Totals
    from collector.model.statistics import Trend as Trend
    from collector.query.completion import Completion as Completion
    from collector.query.completion import Suggestion as Suggestion
    from collector.query.completion import complete as complete
    from collector.query.editing import SAVED_FIELD as SAVED_FIELD
    from collector.query.editing import Choice as Choice
    from collector.query.editing import choices_of as choices_of
    from collector.query.editing import toggle_choice as toggle_choice
    from collector.query.editing import without_field as without_field
    from collector.query.explain import Explanation as Explanation
    from collector.query.explain import explain as explain
    from collector.query.group_terms import group_terms as group_terms
    from collector.query.histories import flaky_commands as flaky_commands
    from collector.query.language import format_query as format_query
    from collector.query.language import parse_query as parse_query
    from collector.query.saved import SavedFilters as SavedFilters
    from collector.query.saved import check_name as check_name
    from collector.query.saved import remove_filter as remove_filter
    from collector.query.saved import save_filter as save_filter
    from collector.query.saved import saved_files as saved_files
    from collector.query.search import Hit as Hit
    from collector.query.search import Hits as Hits
    from collector.query.search import Search as Search
    from collector.query.search_line import search_pattern as search_pattern
    from collector.query.search_line import split_search as split_search
    from collector.query.statistics import first_groups as first_groups
    from collector.query.statistics import totals as totals
    from collector.query.statistics import trend as trend
    from collector.query.words import FilterError as FilterError
    from collector.record.content import open_content as open_content
    from collector.record.masking import Masking as Masking
    from collector.record.masking import masking_in as masking_in
    from collector.record.masking import masking_of as masking_of
    from collector.record.output_index import iter_output as iter_output
    from collector.retention.alerts import Alert as Alert
    from collector.retention.alerts import list_alerts as list_alerts
    from collector.retention.policy import Policy as Policy
    from collector.retention.policy import Verdict as Verdict
    from collector.retention.policy import format_age as format_age
    from collector.retention.policy import policy_of as policy_of
    from collector.retention.sweep import CleanupPlan as CleanupPlan
    from collector.retention.sweep import doomed_by as doomed_by
    from collector.retention.sweep import plan_cleanup as plan_cleanup
    from collector.store import open_stores as open_stores
    from collector.store.deletions import Trashed as Trashed
    from collector.store.events import follow_events as follow_events
    from collector.store.patterns import Pattern as Pattern
    from collector.store.patterns import compile_regex as compile_regex
    from collector.store.patterns import compile_text as compile_text
    from collector.store.protocols import ArtifactStore as ArtifactStore
    from collector.store.protocols import Outline as Outline
    from collector.store.protocols import Page as Page
    from collector.store.protocols import RunStore as RunStore
    from collector.store.search_reader import SearchStatistics as SearchStatistics
    from collector.store.search_reader import search_statistics as search_statistics
    from collector.units import parse_duration as parse_duration
    from collector.units import parse_size as parse_size
    from collector.workspace import Workspace as Workspace
    from collector.workspace import find_root as find_root

__version__ = "0.1.0"

_HOMES = {
    "AcodeError": "errors",
    "Alert": "retention.alerts",
    "Artifact": "model.artifact",
    "ArtifactStore": "store.protocols",
    "Asking": "bundle.verify",
    "Bucket": "model.statistics",
    "BundleReport": "bundle",
    "Choice": "query.editing",
    "CleanupPlan": "retention.sweep",
    "CleanupReport": "daemon.control",
    "CollectorStatus": "daemon.control",
    "Completion": "query.completion",
    "Config": "config",
    "ConflictError": "errors",
    "CorruptError": "errors",
    "CoverageReport": "model.results",
    "Estimate": "bundle",
    "Event": "model.query",
    "Explanation": "query.explain",
    "ExportOptions": "bundle",
    "ExportReport": "bundle",
    "FileCoverage": "model.results",
    "FilterError": "query.words",
    "FlakyCommand": "model.statistics",
    "GROUPINGS": "model.statistics",
    "Group": "model.statistics",
    "Hit": "query.search",
    "Hits": "query.search",
    "ImportOptions": "bundle",
    "ImportReport": "bundle",
    "InputError": "errors",
    "LargeRun": "model.statistics",
    "LimitError": "errors",
    "Location": "model.results",
    "LogEntry": "model.results",
    "Masking": "record.masking",
    "Outline": "store.protocols",
    "Page": "store.protocols",
    "Pattern": "store.patterns",
    "Policy": "retention.policy",
    "Run": "model.run",
    "RunEntry": "bundle.manifest",
    "RunQuery": "model.query",
    "RunStore": "store.protocols",
    "SAVED_FIELD": "query.editing",
    "SavedFilters": "query.saved",
    "Search": "query.search",
    "SearchStatistics": "store.search_reader",
    "StorageShare": "model.statistics",
    "Suggestion": "query.completion",
    "Term": "model.query",
    "TestCase": "model.results",
    "TestReport": "model.results",
    "TestSuite": "model.results",
    "TestTotals": "model.results",
    "Totals": "model.statistics",
    "Trashed": "store.deletions",
    "Trend": "model.statistics",
    "Trust": "bundle.protecting",
    "Verdict": "retention.policy",
    "Workspace": "workspace",
    "by_passphrase": "encryption.key",
    "check_name": "query.saved",
    "choices_of": "query.editing",
    "collect_team_artifacts": "agents.teams",
    "collection_metadata": "agents.teams",
    "collector_status": "daemon.control",
    "compile_regex": "store.patterns",
    "compile_text": "store.patterns",
    "complete": "query.completion",
    "doomed_by": "retention.sweep",
    "encrypting_with": "bundle.protecting",
    "ensure_collector": "daemon.control",
    "estimate_export": "bundle",
    "explain": "query.explain",
    "export_bundle": "bundle",
    "find_root": "workspace",
    "first_groups": "query.statistics",
    "flaky_commands": "query.histories",
    "follow_events": "store.events",
    "format_age": "retention.policy",
    "format_query": "query.language",
    "get_signing_key": "keys.signing_keys",
    "group_terms": "query.group_terms",
    "import_bundle": "bundle",
    "iter_output": "record.output_index",
    "list_alerts": "retention.alerts",
    "list_collections": "agents.teams",
    "list_trash": "daemon.control",
    "list_trusted": "keys.signing_keys",
    "load_config": "config",
    "masking_in": "record.masking",
    "masking_of": "record.masking",
    "append_audit": "audit",
    "open_content": "record.content",
    "open_stores": "store",
    "parse_duration": "units",
    "parse_query": "query.language",
    "parse_size": "units",
    "passphrase_key": "encryption.key",
    "plan_cleanup": "retention.sweep",
    "policy_of": "retention.policy",
    "preserve_artifacts": "agents.teams",
    "remove_filter": "query.saved",
    "request_cleanup": "daemon.control",
    "request_delete": "daemon.control",
    "request_delete_runs": "daemon.control",
    "request_undelete": "daemon.control",
    "save_filter": "query.saved",
    "saved_files": "query.saved",
    "search_pattern": "query.search_line",
    "search_statistics": "store.search_reader",
    "signing_with": "bundle.protecting",
    "split_search": "query.search_line",
    "toggle_choice": "query.editing",
    "totals": "query.statistics",
    "trend": "query.statistics",
    "verify_bundle": "bundle",
    "wanted_of": "bundle.choosing",
    "without_field": "query.editing",
}

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'collector' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"collector.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
