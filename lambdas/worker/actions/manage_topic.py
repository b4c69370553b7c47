"""manage-topic: the list has the topics of SESConfig.json, changed in place, losing nobody."""

from __future__ import annotations

from typing import Any

from shared.actions import ManageTopicParams
from worker import backups, contact_list, topic_plan
from worker.contact_list import ContactList, Scan, Topic, chosen
from worker.job import Done, Job, More, Outcome, State
from worker.list_changes import change, check_count, check_name, create
from worker.parts import PartWriter
from worker.rate import SliceTimeoutError
from worker.topic_plan import TopicPlan


def run(job: Job, _params: ManageTopicParams, state: State) -> Outcome:
    """interface.md's `data` of manage-topic; a dry run ends before anything is written."""
    work = _Work(job, state)
    try:
        return work.run()
    except SliceTimeoutError:
        return More(work.state())


class _Work:
    """One customer's topics. `removable` are those whose preferences are safe in S3."""

    def __init__(self, job: Job, state: State) -> None:
        self._job = job
        self._wanted = [Topic.model_validate(topic.model_dump()) for topic in job.item.topics or ()]
        self._scan = Scan(state.get("scan", {}))
        self._going: list[str] | None = state.get("going")
        self._writer = PartWriter(job, job.backup_prefix, state.get("written", {}))
        self._backup: str | None = state.get("backup")

    def state(self) -> State:
        """Where a backup stands; everything else is read anew by the next slice."""
        self._writer.flush()
        return {
            "scan": self._scan.state() if self._going else {},
            "going": self._going,
            "written": self._writer.state(),
            "backup": self._backup,
        }

    def run(self) -> Outcome:
        if self._going is not None and self._backup is None:
            self._save()
        found = contact_list.find(self._job)
        if found is None:
            return self._make()
        if self._job.item.prune and self._backup is None:
            going = topic_plan.make(found.topics, self._wanted, _names(found)).removed
            if going and not self._job.dry_run:
                check_count(self._job, topic_plan.make(found.topics, self._wanted, going).desired)
                self._going = list(going)
                self._scan = Scan({"list": found.model_dump(mode="json")})
                self._save()
                found = contact_list.find(self._job) or found  # preferences were read meanwhile: the list may differ
        return self._update(found)

    def _update(self, found: ContactList) -> Done:
        job = self._job
        # Only what was saved may go: a topic that came since is left for the next run.
        removable = _names(found) if job.item.prune and job.dry_run else self._going or ()
        planned = topic_plan.make(found.topics, self._wanted, removable)
        if job.dry_run or not planned.changes:
            check_count(job, planned.desired)
            self._say(planned)
            return self._done(planned)
        changed = change(job, found, lambda now: topic_plan.make(now.topics, self._wanted, removable).desired)
        made = topic_plan.make((changed.before or changed.now).topics, self._wanted, removable)
        self._say(made)
        return self._done(made)

    def _make(self) -> Done:
        """There is no list: make it with all topics."""
        job = self._job
        check_name(job)
        planned = topic_plan.make((), self._wanted)
        name = job.customer.contact_list_name or job.settings.default_list_name
        check_count(job, planned.desired)
        verb = "Would create" if job.dry_run else "Creating"
        job.log(f"📋 Customer {job.code}: {verb} the contact list {name}")
        if not job.dry_run:
            create(job, name, job.settings.default_list_description, planned.desired, {})
        self._say(planned)
        return self._done(planned, list_created=True)

    def _save(self) -> None:
        """Every explicit preference for the topics that go, into S3, before anything is removed."""
        job, going = self._job, self._going or []
        found = self._scan.open(job)
        if found is None:
            return
        for page in self._scan.pages(job, self._writer.restart):
            self._writer.add(record for contact in page if (record := _preferences(contact, going)))
        self._backup = backups.complete(job, "topics", found, tuple(going), self._writer)
        job.log(f"💾 Customer {job.code}: preferences of {self._writer.total} contacts saved for {', '.join(going)}")

    def _say(self, planned: TopicPlan) -> None:
        job = self._job
        if job.dry_run:
            job.log(f"🔄 Customer {job.code}:")
        job.log("   Would manage topics:" if job.dry_run else "   Topics:")
        changes: dict[str, list[str]] = {}
        for entry in planned.updated:
            text = f"{entry['field']}: {_quoted(entry['from'])} → {_quoted(entry['to'])}"
            changes.setdefault(entry["topic"], []).append(text)
        add, change, remove = ("add", "change", "remove") if job.dry_run else ("added", "changed", "removed")
        for names, what in (
            (planned.added, add),
            (tuple(changes), change),
            (planned.unchanged, "unchanged"),
            (planned.unmanaged, "not in SESConfig.json, kept"),
            (planned.removed, remove),
        ):
            for name in names:
                job.log(f"   - {name} ({'; '.join([what, *changes.get(name, ())])})")

    def _done(self, planned: TopicPlan, *, list_created: bool = False) -> Done:
        return Done(planned.data(list_created=list_created), data_location=self._backup)


def _names(found: ContactList) -> list[str]:
    return [topic.name for topic in found.topics]


def _preferences(contact: dict[str, Any], going: list[str]) -> dict[str, Any] | None:
    going_with = {topic: status for topic, status in chosen(contact).items() if topic in going}
    return {"email": contact_list.address(contact), "preferences": going_with} if going_with else None


def _quoted(text: str | None) -> str:
    return "none" if not text else f'"{text}"'
