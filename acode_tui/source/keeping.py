"""Deleting by rule, bringing back, collecting teams: in a thread, as messages to one dialog.

What was asked to be deleted is deleted, whether its dialog is still open or not.
"""

from __future__ import annotations

from collections.abc import Sequence

from acode_tui.messages.keeping import BroughtBack, CleanedUp, Collected, Planned, Progressed, TrashRead
from acode_tui.source.runs import parse_filter, saved_filters
from acode_tui.source.work import Work
from collector import (
    AcodeError,
    CleanupPlan,
    Policy,
    Trashed,
    collect_team_artifacts,
    doomed_by,
    list_trash,
    plan_cleanup,
    request_cleanup,
    request_undelete,
)


class Keeper(Work):
    """Plans cleanups and carries them out; brings runs back from the trash; collects teams."""

    def plan(self, policy: Policy, text: str | None = None, failed_only: bool = False) -> int:
        """Find out what a policy condemns, among the runs of a filter or all; return the answer's token."""

        def job(token: int) -> None:
            if not self.is_asked(token):
                return
            query = None if text is None else parse_filter(text, failed_only, saved_filters(self.workspace))
            plan = plan_cleanup(self.workspace, policy, query, watch=lambda: self.go_on(token))
            if self.is_asked(token):
                self.post(Planned(token, plan))

        return self.do(job)

    def clean_up(self, plan: CleanupPlan, policy: Policy) -> None:
        """Delete what a plan condemns, but for what was tagged meanwhile so that the policy spares it."""

        def job(_token: int) -> None:
            doomed = [*doomed_by(plan.verdicts), *plan.orphans]
            report = request_cleanup(self.workspace, doomed, self._count, preserve_tags=policy.preserve_tags)
            self.post(CleanedUp(report))

        self.do(job)

    def _count(self, done: int, total: int) -> None:
        self.post(Progressed(done, total))

    def read_trash(self) -> None:
        """Read what can come back."""
        self.do(lambda _: self.post(TrashRead(list_trash(self.workspace))))

    def bring_back(self, runs: Sequence[Trashed]) -> None:
        """Bring runs back, one after the other, up to the first that cannot; then read the trash again."""

        def job(_token: int) -> None:
            names: list[str] = []
            problem = ""
            try:
                for run in runs:
                    self.progress(len(names), len(runs))
                    names.append(request_undelete(self.workspace, run.run_id))
            except AcodeError as error:
                problem = str(error)
            self.post(BroughtBack(names, problem))
            self.post(TrashRead(list_trash(self.workspace)))

        self.do(job)

    def collect(self, team: str) -> None:
        """Put together what there is of a team."""
        self.do(lambda _: self.post(Collected(collect_team_artifacts(team, self.workspace))))
