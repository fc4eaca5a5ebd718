"""The dialog that deletes by rule: the rules, for this once, and exactly what would go, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from acode_tui.messages.keeping import CleanedUp, Planned, WorkFailed
from acode_tui.render.keeping import (
    plan_head,
    plan_text,
    report_text,
    rule_texts,
    rule_values,
    trash_text,
    verdict_line,
)
from acode_tui.render.rows import Span
from acode_tui.render.safe import one_line
from acode_tui.screens.dialog import Dialog
from acode_tui.source.keeping import Keeper
from acode_tui.widgets.form import ChoiceLine, Field, form
from acode_tui.widgets.item_list import ItemList
from collector import CleanupPlan, Config, InputError, Policy, Verdict, Workspace, policy_of

_GOES = (("max_age", "older than"), ("keep_failures", "failed, older than"), ("max_count", "more runs than"),
         ("max_size", "more bytes than"))  # fmt: skip
_STAYS = (("min_age", "younger than"), ("keep_last", "among the newest"), ("keep_daily", "newest of days"),
          ("keep_weekly", "newest of weeks"))  # fmt: skip
_PAUSE = 0.25
_KEYS = (("d", "delete these"), ("e", "edit the rules"), ("j k", "move"), ("esc", "back"))


class CleanupDialog(Dialog):
    """Shows what a policy condemns, and deletes that after a yes.

    Args:
        workspace: whose runs.
        config: its settings.
        text: the filter that is on; empty for none.
        failed_only: whether only failed runs are shown.
    """

    NAME = "Clean up"
    KEYS = _KEYS
    AUTO_FOCUS = "#plan"
    BINDINGS = [  # noqa: RUF012 - Textual's own type
        ("e", "edit", "edit the rules"),
        ("d", "delete", "delete"),
        ("y", "answer(True)", "yes"),
        ("n", "answer(False)", "no"),
    ]

    def __init__(
        self, workspace: Workspace, config: Config, text: str = "", failed_only: bool = False
    ) -> None:
        super().__init__()
        self._policy = policy_of(config)
        self._config = config
        self._filter, self._failed_only = text, failed_only
        self._keeper = Keeper("acode-keeping", workspace, self.hear)
        self._fields = {
            name: Field(text, "no rule", id=name) for name, text in rule_texts(self._policy).items()
        }
        self._rest = ChoiceLine(("may stay", "goes"), id="rest")
        scopes = ("all runs", "the runs of the filter") if text.strip() or failed_only else ("all runs",)
        self._scope = ChoiceLine(scopes, len(scopes) - 1, id="scope")
        self.items: ItemList[Any] = ItemList[Verdict](plan_head, verdict_line, id="plan")
        self.plan: CleanupPlan | None = None
        self._done = ""
        self._asked: Mapping[str, str] = {}
        self._timer: Timer | None = None

    def parts(self) -> Iterable[Widget]:
        """Return the rules and what they condemn."""
        goes, stays = self._named(_GOES), self._named(_STAYS)
        columns = form(goes, "goes, when it is"), form(stays, "stays, when it is")
        yield Horizontal(*columns, classes="columns")
        tags = "stays with a tag", self._fields["preserve_tags"]
        yield form([tags, ("what nothing keeps", self._rest), ("among", self._scope)])
        yield self.items

    def _named(self, labels: Iterable[tuple[str, str]]) -> list[tuple[str, Widget]]:
        return [(label, self._fields[name]) for name, label in labels]

    def on_mount(self) -> None:
        """Find out what would go."""
        self._keeper.start()
        self._ask_for_plan()

    def on_unmount(self) -> None:
        """Stop planning; what is being deleted is deleted."""
        if self.is_working:
            self._keeper.finish()
        else:
            self._keeper.close()

    # The rules

    def on_input_changed(self, message: Input.Changed) -> None:
        """Plan again, once it is quiet; a field tells of what it had from the beginning, too."""
        message.stop()
        if self._texts() != self._asked:
            self._plan_soon()

    def on_choice_line_changed(self, message: ChoiceLine.Changed) -> None:
        """Plan again."""
        self._plan_soon()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Go back to the list."""
        message.stop()
        self.set_focus(self.items)

    def _texts(self) -> Mapping[str, str]:
        return {name: field.typed for name, field in self._fields.items()}

    def _plan_soon(self) -> None:
        self.plan, self.question = None, ""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE, self._ask_for_plan)

    def typed_policy(self) -> Policy:
        """Return the policy that is typed.

        Raises:
            InputError: naming what was not understood.
        """
        values: dict[str, Any] = {}
        for name, field in self._fields.items():
            try:
                values |= rule_values({name: field.typed})
            except InputError:
                field.add_class("-wrong")
                raise
            field.remove_class("-wrong")
        return replace(self._policy, **values, delete_rest=self._rest.chosen == 1)

    def _ask_for_plan(self) -> None:
        if self.is_working:
            return
        self._asked = self._texts()
        try:
            self._policy = self.typed_policy()
        except InputError as error:
            self.items.show((), "")
            self.fail(f"{error.message}; {error.hint}")
            return
        text = self._filter if self._scope.chosen == 1 else None
        self._keeper.plan(self._policy, text, self._failed_only)
        if self.plan is None and not self._done:
            self.say([("looking at the runs …", "muted")])

    # What would go

    def on_planned(self, message: Planned) -> None:
        """Show what would go."""
        if not self._keeper.is_asked(message.token):
            return
        self.plan = message.plan
        self.items.show(message.plan.verdicts, "Nothing would go.")
        self.tell()

    def on_item_list_moved(self) -> None:
        """Say why this one would go."""
        if not self.question and not self.is_working:
            self.tell()

    def tell(self) -> None:
        """Say what would go in all, what becomes of it, and why the one under the cursor goes."""
        trash_ms = self._config.get("runs.retention.trashTime")
        after = trash_text(trash_ms if isinstance(trash_ms, int) else 0)
        verdict = self.items.item if self.plan is not None else None
        why: list[Span] = [(one_line(verdict.reason), "muted")] if verdict is not None else []
        is_on = bool(self._config.get("runs.retention.enabled"))
        itself = f"acode {'does' if is_on else 'does not do'} this by itself: runs.retention.enabled"
        if self._done:
            self.say([(self._done, "success"), (f" · {after}", "muted")], why)
        elif self.plan is not None and self.plan.verdicts:
            self.say([(f"{plan_text(self.plan)} would go", "text"), (f" · {after}", "muted")], why)
        else:
            self.say([(itself, "muted")])

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say what went wrong."""
        self.is_working = False
        self.fail(message.text)

    # Deleting

    def action_edit(self) -> None:
        """Type other rules, for this once."""
        if not self.is_working:
            self.set_focus(self._fields["max_age"])

    def action_delete(self) -> None:
        """Ask whether to delete what is shown."""
        if self.plan is not None and self.plan.verdicts and not self.is_working:
            self._done = ""
            self.ask(f"Delete {plan_text(self.plan)}?")

    def answered(self) -> None:
        """Delete what is shown, and nothing else."""
        if self.plan is None:
            return
        plan, self.plan, self.is_working = self.plan, None, True
        self.say([(f"deleting {plan_text(plan)} …", "muted")])
        self._keeper.clean_up(plan, self._policy)

    def on_cleaned_up(self, message: CleanedUp) -> None:
        """Say what went, and what is left to go."""
        self.is_working, self._done = False, report_text(message.report)
        self.tell()
        self._ask_for_plan()

    def epilogue(self, message: Message) -> str:
        """Tell how the deletion ended."""
        if isinstance(message, CleanedUp):
            return report_text(message.report)
        return one_line(message.text) if isinstance(message, WorkFailed) and self.is_working else ""
