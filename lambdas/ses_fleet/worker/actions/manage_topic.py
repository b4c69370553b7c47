"""manage-topic: change the list's topics in place to those of SESConfig.json, keeping every contact and preference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ses_fleet.actions.params import Params
from ses_fleet.config.topics import Topic
from ses_fleet.runs.saved_plan import TopicsPlan, digest
from ses_fleet.worker import planned_topics, pruned_preferences, topic_plan
from ses_fleet.worker.budget import SliceTimeoutError
from ses_fleet.worker.contact_list import ContactList
from ses_fleet.worker.context import ActionContext, Done, More, Outcome, State
from ses_fleet.worker.importing import jobs
from ses_fleet.worker.list_changes import ListChange, ListEditor, NewList, check_count, check_name
from ses_fleet.worker.topic_backup import PreferencesChangedError, TopicBackup
from ses_fleet.worker.topic_plan import TopicLedger, TopicPlan


def run(context: ActionContext, _params: Params, state: State) -> Outcome:
    """Change the topics and say what changed. With prune, topics that are not wanted are removed after a backup.

    A dry run ends before anything is written, with a plan. A run that applies one changes what that says and nothing
    else: it fails the customer whose topics changed since.
    """
    if context.item.prune and not state and not context.dry_run:
        jobs.none_beside(context)
    work = _Work(context, state)
    try:
        return work.run()
    except SliceTimeoutError:
        return More(work.state())


class _Work:
    """The change of one customer's topics, over all its slices."""

    def __init__(self, context: ActionContext, state: State) -> None:
        self._context = context
        self._wanted = context.item.topics or ()
        self._plan = context.item.plan if isinstance(context.item.plan, TopicsPlan) else None
        self._backup = TopicBackup(context, state.get("backup", {}))
        self._editor = ListEditor(context, state.get("editor", {}))
        self._ledger = TopicLedger(state.get("ledger", {}))

    def state(self) -> State:
        """Return the backup's progress and what was written; the next slice reads everything else again."""
        return {"backup": self._backup.state(), "editor": self._editor.state(), "ledger": self._ledger.state()}

    def run(self) -> Outcome:
        if self._context.dry_run:
            return self._show()
        self._backup.resume()
        if self._context.item.prune and not self._backup.going and not self._ledger.wrote:
            self._save_what_goes()
        changed = self._change()
        planned = topic_plan.make(changed.now.topics, self._wanted, self._backup.going)
        done = self._ledger.plan(planned)
        self._say(done)
        pruned_preferences.warn_of_returning(self._context, () if self._ledger.list_created else done.added)
        return self._done(done, list_created=self._ledger.list_created)

    def _change(self) -> ListChange:
        while True:
            backup = self._backup
            comparing: dict[str, Any] = (
                {} if self._ledger.wrote else {"first": backup.compare, "requests": backup.requests}
            )
            try:
                return self._editor.change(self._desire, self._wrote, check=self._check, **comparing)
            except PreferencesChangedError:
                backup.start_over()
            except SliceTimeoutError:
                backup.note_interrupted()
                raise

    def _check(self, now: ContactList | None) -> None:
        """Raise CustomerError when a plan is applied and the list, just read, is not what that was made from."""
        plan = self._plan
        if plan is not None:
            desired = self._planned(now).desired
            planned_topics.check(self._context.code, plan, now, desired, wrote=self._ledger.wrote)

    def _planned(self, now: ContactList | None) -> TopicPlan:
        return topic_plan.make(() if now is None else now.topics, self._wanted, self._backup.going)

    def _desire(self, now: ContactList | None) -> Sequence[Topic] | NewList:
        """Return the topics or the list that should exist. Only topics whose preferences were saved are removed."""
        planned = self._planned(now)
        if now is not None:
            return planned.desired
        settings = self._context.settings
        return NewList(self._new_name(), settings.default_list_description, planned.desired)

    def _wrote(self, before: ContactList | None) -> None:
        if before is None:
            self._context.log(f"📋 Customer {self._context.code}: Created the contact list {self._new_name()}")
        self._ledger.add(self._planned(before), list_created=before is None)

    def _new_name(self) -> str:
        if self._plan is not None:
            return self._plan.contact_list
        return self._context.customer.contact_list_name or self._context.settings.default_list_name

    def _show(self) -> Done:
        """Return what would change, in a dry run."""
        context, found = self._context, self._editor.find()
        if found is None:
            check_name(context)
            context.log(f"📋 Customer {context.code}: Would create the contact list {self._new_name()}")
        have = () if found is None else found.topics
        removable = [topic.name for topic in have] if context.item.prune else ()
        planned = topic_plan.make(have, self._wanted, removable)
        check_count(context, planned.desired)
        self._say(planned)
        pruned_preferences.warn_of_returning(context, () if found is None else planned.added)
        return replace(self._done(planned, list_created=found is None), plan=self._saved(found, planned))

    def _saved(self, found: ContactList | None, planned: TopicPlan) -> TopicsPlan:
        return TopicsPlan(
            contact_list=self._new_name() if found is None else found.name,
            list_created=found is None,
            before=() if found is None else found.topics,
            after=tuple(Topic.model_validate(topic.model_dump()) for topic in planned.desired),
            unmanaged=planned.unmanaged,
            made_from=digest(None, ()) if found is None else digest(found.name, found.topics),
        )

    def _save_what_goes(self) -> None:
        found, plan = self._editor.find(), self._plan
        if plan is not None and not (
            planned_topics.is_applied(plan, found) or planned_topics.is_as_before(plan, found)
        ):
            raise planned_topics.stale(self._context.code, plan, found)
        if found is None:
            return
        going = topic_plan.make(found.topics, self._wanted, [topic.name for topic in found.topics]).removed
        if going:
            check_count(self._context, topic_plan.make(found.topics, self._wanted, going).desired)
            self._backup.begin(found, going)

    def _say(self, planned: TopicPlan) -> None:
        context = self._context
        if context.dry_run:
            context.log(f"🔄 Customer {context.code}:")
        context.log("   Would manage topics:" if context.dry_run else "   Topics:")
        changes: dict[str, list[str]] = {}
        for entry in planned.updated:
            text = f"{entry.field}: {_quoted(entry.before)} → {_quoted(entry.after)}"
            changes.setdefault(entry.topic, []).append(text)
        add, change, remove = ("add", "change", "remove") if context.dry_run else ("added", "changed", "removed")
        for names, what in (
            (planned.added, add),
            (tuple(changes), change),
            (planned.unchanged, "unchanged"),
            (planned.unmanaged, "not in SESConfig.json, kept"),
            (planned.removed, remove),
        ):
            for name in names:
                context.log(f"   - {name} ({'; '.join([what, *changes.get(name, ())])})")
                if context.dry_run and name in planned.added:
                    context.log(f"     {_text(planned, name)}")

    def _done(self, planned: TopicPlan, *, list_created: bool = False) -> Done:
        return Done(planned.data(list_created=list_created), data_location=self._backup.location)


def _text(planned: TopicPlan, name: str) -> str:
    """Return what subscribers would read of a topic, and its default status."""
    (topic,) = (topic for topic in planned.desired if topic.name == name)
    shown, told = _quoted(topic.display_name), _quoted(topic.description)
    return f"display name: {shown}, description: {told}, default: {topic.default_status}"


def _quoted(text: str | None) -> str:
    return "none" if not text else f'"{text}"'
