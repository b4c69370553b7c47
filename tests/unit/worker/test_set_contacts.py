"""set-contacts: people's contacts become what their rows say, and nobody is subscribed against their choice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_fleet.errors import AwsCallError, CustomerError
from strict_aws.ses.jobs import ImportJobSettings
from strict_aws.ses.store import ContactRecord
from tests.unit.worker.imports import contacts, everybody, meanwhile, unsubscribing, writes
from tests.unit.worker.people_rows import counted, endings, setting
from tests.unit.worker.world import ACCOUNT, REGION, SETTINGS, Fault, KilledError, World

ANA, BOB, CLEO = "ana@corp.example", "bob@corp.example", "cleo@corp.example"
AWKWARD = [
    "a/b@corp.example",
    "a%2Fb@corp.example",
    "a?b@corp.example",
    "../x@corp.example",
    "Mixed.Case@Corp.Example",
    "plus+tag@corp.example",
    "a#b&c=d@corp.example",
    f"{'l' * 64}@{'d' * 243}.example.org",
]


def of(email: str, **more: Any) -> dict[str, Any]:
    """A row."""
    return {"email": email, **more}


def there(email: str, *, unsubscribed: bool = False, attributes: str | None = None, **said: str) -> ContactRecord:
    """A contact with these explicit preferences; the topic `in` is given as `in_`."""
    return ContactRecord(
        email, tuple((name.rstrip("_"), status) for name, status in said.items()), unsubscribed, attributes
    )


def attributes(world: World, email: str) -> str | None:
    """Those of a contact."""
    return next(one.attributes for one in world.ses.true_contacts(ACCOUNT, REGION, "main") if one.email == email)


def test_new_contacts_are_created_and_others_changed() -> None:
    """As their rows say; what a row does not name stays, and who is as wished costs no request."""
    world = World(there(BOB, in_="OPT_OUT"), there(CLEO, out="OPT_IN"), there("dora@x.example", out="OPT_OUT"))
    rows = [of(ANA, opt_in=["out"], opt_out=["in"]), of(BOB, opt_in=["out"]), of(CLEO, opt_in=["out"])]
    done = setting(world, *rows)
    assert counted(done) == {"created": 1, "updated": 1, "unchanged": 1}
    assert contacts(world) == {
        ANA: ({"out": "OPT_IN", "in": "OPT_OUT"}, False),
        BOB: ({"in": "OPT_OUT", "out": "OPT_IN"}, False),
        CLEO: ({"out": "OPT_IN"}, False),
        "dora@x.example": ({"out": "OPT_OUT"}, False),
    }
    assert endings(world) == {1: ("created", None), 2: ("updated", None), 3: ("unchanged", None)}
    assert done.data_location == "s3://results/data/run-1/acme/"
    assert [name for name in world.asked if not name.startswith("List")] == [
        "GetContactList",
        "CreateContact",
        "GetContact",
        "UpdateContact",
        "GetContact",  # bob had opted out of something, so he is looked at again
    ]


def test_a_row_with_an_address_alone_makes_a_contact_or_leaves_it() -> None:
    """A new one has no preference of its own, so each topic's default holds for it: that is what SES does."""
    world = World(there(BOB, unsubscribed=True))
    assert counted(setting(world, ANA, BOB)) == {"created": 1, "unchanged": 1}
    assert contacts(world) == {ANA: ({}, False), BOB: ({}, True)}


@pytest.mark.parametrize(
    ("contact", "row", "left", "kept"),
    [
        (there(ANA, out="OPT_OUT"), of(ANA, opt_in=["out"]), ({"out": "OPT_OUT"}, False), 1),
        (there(ANA, unsubscribed=True), of(ANA, opt_in=["out"]), ({}, True), 1),
        (there(ANA, unsubscribed=True, out="OPT_IN"), of(ANA, opt_in=["out"]), ({"out": "OPT_IN"}, True), 1),
        (
            there(ANA, out="OPT_OUT"),
            of(ANA, opt_in=["out", "in"]),
            ({"out": "OPT_OUT", "in": "OPT_IN"}, False),
            1,
        ),
        (there(ANA, out="OPT_IN"), of(ANA, opt_out=["out"]), ({"out": "OPT_OUT"}, False), 0),
        (there(ANA, out="OPT_IN"), of(ANA, unsubscribe_all=True), ({"out": "OPT_IN"}, True), 0),
        (there(ANA, unsubscribed=True), of(ANA, opt_out=["in"]), ({"in": "OPT_OUT"}, True), 0),
    ],
)
def test_no_choice_is_overwritten(contact: ContactRecord, row: Any, left: Any, kept: int) -> None:
    """Opting in is left out where it was refused, and counted once a person; refusing always holds."""
    world = World(contact)
    done = setting(world, row)
    assert (contacts(world)[ANA], done.data["kept_choice"], done.failure) == (left, kept, None)
    assert (endings(world)[1][1] == "kept_choice") == bool(kept)


def test_choices_are_overwritten_only_when_that_is_asked_for() -> None:
    """Who was unsubscribed from everything then gets what the row names, and nothing else of the list."""
    world = World(there(ANA, unsubscribed=True, in_="OPT_IN"), there(BOB, out="OPT_OUT"))
    done = setting(world, of(ANA, opt_in=["out"]), of(BOB, opt_in=["out"]), overwrite=True)
    assert contacts(world) == {ANA: ({"in": "OPT_OUT", "out": "OPT_IN"}, False), BOB: ({"out": "OPT_IN"}, False)}
    assert (counted(done), done.failure) == ({"updated": 2}, None)


def test_what_was_refused_under_another_case_counts() -> None:
    """The list keeps both apart, and they are one person's: no opt-in, and no second contact."""
    world = World(there("Ana@corp.example", out="OPT_OUT"), there("BOB@corp.example", unsubscribed=True), there(BOB))
    done = setting(world, of(ANA, opt_in=["out"]), of(BOB, opt_in=["out"]))
    assert counted(done) == {"unchanged": 2, "kept_choice": 2}
    assert set(contacts(world)) == {"Ana@corp.example", "BOB@corp.example", BOB}
    assert contacts(world)[BOB] == ({}, False)


def test_a_refusal_is_set_in_all_contacts_of_a_person() -> None:
    """Whoever is never to be written to again is not by any of them."""
    world = World(there("Ana@corp.example", out="OPT_IN"), there(ANA), there("ANA@corp.example"))
    assert counted(setting(world, of(ANA, unsubscribe_all=True, opt_out=["out"]))) == {"updated": 1}
    assert contacts(world) == dict.fromkeys(("Ana@corp.example", ANA, "ANA@corp.example"), ({"out": "OPT_OUT"}, True))
    assert counted(setting(world, of(ANA, unsubscribe_all=True, opt_out=["out"]), run_id="again")) == {"unchanged": 1}


def test_attributes_are_merged_by_name() -> None:
    """Those that the row does not name stay, and a change of nothing is none."""
    world = World(there(ANA, attributes='{"city":"Bern","age":1}'), there(BOB), there(CLEO, attributes='{"age": 1}'))
    rows = [of(one, attributes={"age": 1, "é": [True]}) for one in (ANA, BOB)]
    assert counted(setting(world, *rows, of(CLEO, attributes={"age": 1}))) == {"updated": 2, "unchanged": 1}
    assert json.loads(attributes(world, ANA) or "") == {"city": "Bern", "age": 1, "é": [True]}
    assert json.loads(attributes(world, BOB) or "") == {"age": 1, "é": [True]}
    assert attributes(world, CLEO) == '{"age": 1}'
    assert counted(setting(world, of(CLEO, attributes={"age": True}), run_id="true")) == {"updated": 1}
    assert json.loads(attributes(world, CLEO) or "") == {"age": True}


@pytest.mark.parametrize("text", ["[1]", "no JSON", '{"a": 1, "a": 2}', '{"a": NaN}'])
def test_attributes_that_are_no_object_fail_a_person_who_is_given_some(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of that person is changed; whoever is given none keeps them."""
    monkeypatch.setattr("strict_aws.ses.validation.attributes", lambda given: given)
    world = World(there(ANA, attributes=text), there(BOB, attributes=text))
    done = setting(world, of(ANA, attributes={"b": 1}, opt_out=["out"]), of(BOB, opt_out=["out"]))
    assert counted(done) == {"updated": 1, "failed": 1}
    assert [attributes(world, one) for one in (ANA, BOB)] == [text, text]
    assert contacts(world) == {ANA: ({}, False), BOB: ({"out": "OPT_OUT"}, False)}
    (reason,) = done.data["reasons"]
    assert reason.startswith("the contact's attributes are no JSON object")
    assert endings(world) == {1: ("failed", reason), 2: ("updated", None)}
    assert done.failure is not None
    assert (done.failure.type, "1 people of acme could not be set" in done.failure.message) == ("ContactsNotSet", True)


def test_unknown_topics_refuse_the_customer_before_its_first_write() -> None:
    """All of them are named."""
    world = World()
    with pytest.raises(CustomerError) as error:
        setting(world, of(ANA, opt_in=["out"]), of(BOB, opt_in=["outt"]), of(CLEO, opt_out=["zz"]))
    assert error.value.type == "UnknownTopic"
    assert error.value.message == 'nothing was changed: the list main of acme has no topic "outt", "zz"'
    with pytest.raises(CustomerError, match=r'has no topic "outt"; did you mean "out"\?'):
        setting(world, of(BOB, opt_in=["outt"]), run_id="again")
    assert (contacts(world), writes(world)) == ({}, 0)


def test_without_a_list_there_is_nobody_to_set() -> None:
    """It is manage-topic that makes one."""
    with pytest.raises(CustomerError, match="acme has no contact list in us-east-1: run manage-topic-all first"):
        setting(World(made=False), ANA)


def test_an_address_that_ses_refuses_fails_its_row_alone() -> None:
    """With the reason; the others are set."""
    world = World()
    call = world.client.call

    def refusing(operation: str, **parameters: Any) -> dict[str, Any]:
        if operation == "create_contact" and parameters["EmailAddress"] == ANA:
            raise AwsCallError("sesv2", operation, "refused", "BadRequestException", "the address is wrong", 400)
        return call(operation, **parameters)

    world.client.call = refusing  # type: ignore[method-assign]
    done = setting(world, ANA, BOB)
    assert (counted(done), list(contacts(world))) == ({"created": 1, "failed": 1}, [BOB])
    assert done.data["reasons"] == {"BadRequestException: the address is wrong": 1}
    assert endings(world)[1] == ("failed", "BadRequestException: the address is wrong")
    assert done.failure is not None
    assert "corp.example" not in done.failure.message


@pytest.mark.parametrize("in_list", [False, True])
def test_awkward_addresses_are_set_as_they_are(in_list: bool) -> None:
    """Whatever they have that means something in a path; upper and lower case stay as the row has them."""
    world = World(*(there(one) for one in AWKWARD if in_list))
    done = setting(world, *(of(one, opt_in=["out"], attributes={"n": 1}) for one in AWKWARD))
    assert counted(done) == {"updated" if in_list else "created": len(AWKWARD)}
    assert contacts(world) == dict.fromkeys(AWKWARD, ({"out": "OPT_IN"}, False))


def big(*known: ContactRecord, pages: int = 3) -> World:
    """A list of so many pages and a bit, with these contacts last."""
    world = World()
    many = [ContactRecord(f"own{n}@x.example") for n in range(pages * 1000)]
    world.ses.fill(ACCOUNT, REGION, "main", [*many, *known])
    return world


def test_a_list_of_more_pages_than_people_is_not_read() -> None:
    """Each is asked for alone, also by the address in small letters: what was refused there counts."""
    world = big(there(BOB, unsubscribed=True), there(CLEO))
    done = setting(world, of("Bob@corp.example", opt_in=["out"]), of(CLEO, opt_in=["out"]))
    assert counted(done) == {"updated": 1, "unchanged": 1, "kept_choice": 1}
    assert world.asked.count("ListContacts") == 2
    assert contacts(world)[BOB] == ({}, True)
    assert contacts(world)[CLEO] == ({"out": "OPT_IN"}, False)
    assert "Bob@corp.example" not in contacts(world)


def test_a_thorough_run_reads_the_list_however_long_it_is() -> None:
    """So that a contact is found whose address has capitals, and what was refused in it."""
    world = big(there("BOB@corp.example", unsubscribed=True))
    done = setting(world, of(BOB, opt_in=["out"]), thorough=True)
    assert (counted(done), world.asked.count("ListContacts")) == ({"unchanged": 1, "kept_choice": 1}, 4)
    assert BOB not in contacts(world)


def test_new_people_of_a_long_list_are_created_one_by_one() -> None:
    """As their rows have them; how many pages the list has is not known, so there is no import job."""
    world = big(pages=3)
    world.settings = SETTINGS.model_copy(update={"import_job_threshold": 0})
    assert counted(setting(world, of("Ana@corp.example", opt_out=["in"]), BOB)) == {"created": 2}
    assert contacts(world)["Ana@corp.example"] == ({"in": "OPT_OUT"}, False)
    assert world.asked.count("CreateContact") == 2


def with_jobs(*records: ContactRecord) -> World:
    """Import jobs that take a moment."""
    world = World(*records)
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=1, processing_seconds=1))
    return world


def test_many_new_people_come_by_one_import_job() -> None:
    """With everything that their rows say; those who are there are changed one by one, and everybody is looked for."""
    world = with_jobs(there(BOB, out="OPT_OUT"))
    rows = [of(one, opt_in=["out"], attributes={"n": "é"}) for one in everybody(59)]
    rows += [of("last@corp.example", unsubscribe_all=True, opt_out=["in"]), of(BOB, opt_in=["out", "in"])]
    done = setting(world, *rows)
    assert (counted(done), done.failure) == ({"created": 60, "updated": 1, "kept_choice": 1}, None)
    assert world.asked.count("CreateImportJob") == 1
    assert "CreateContact" not in world.asked
    assert contacts(world) == {
        **dict.fromkeys(everybody(59), ({"out": "OPT_IN"}, False)),
        "last@corp.example": ({"in": "OPT_OUT"}, True),
        BOB: ({"out": "OPT_OUT", "in": "OPT_IN"}, False),
    }
    assert json.loads(attributes(world, everybody(1)[0]) or "") == {"n": "é"}
    assert set(endings(world)) == set(range(1, 62))
    assert world.customer_objects.written == {}


def test_who_comes_before_the_job_starts_is_changed_and_not_replaced() -> None:
    """Also under another case."""
    world = with_jobs()
    new = everybody(40)

    def come(operation: str) -> None:
        if operation == "list_contacts" and not contacts(world):
            for email in (new[0], new[1].title()):
                request = {"ContactListName": "main", "EmailAddress": email, "UnsubscribeAll": True}
                world.ses.call(ACCOUNT, REGION, "CreateContact", request)

    meanwhile(world, come)
    done = setting(world, *(of(one, opt_in=["out"]) for one in new))
    assert counted(done) == {"created": 38, "unchanged": 2, "kept_choice": 2}
    assert contacts(world)[new[0]] == contacts(world)[new[1].title()] == ({}, True)
    assert new[1] not in contacts(world)


def test_without_a_bucket_they_are_created_one_by_one() -> None:
    """With a warning; who comes meanwhile is changed by their own choice."""
    world = World()
    meanwhile(world, unsubscribing(world, everybody(30)[3]))
    done = setting(world, *(of(one, opt_in=["out"]) for one in everybody(30)), bucket=None)
    assert counted(done) == {"created": 30}
    assert "contacts are created one by one, at one request a second: config.json has no import_bucket" in str(
        world.warnings
    )
    assert contacts(world)[everybody(30)[3]] == ({"out": "OPT_IN"}, True)


def test_a_job_that_fails_is_made_up_for_one_by_one() -> None:
    """Whom it had created is counted as created, and nobody is replaced."""
    world = with_jobs()
    world.customer_objects.unreadable = "no"
    done = setting(world, *(of(one, opt_in=["out"]) for one in everybody(30)))
    assert (counted(done), len(contacts(world))) == ({"created": 30}, 30)
    assert world.asked.count("CreateContact") == 30


def test_whom_a_job_made_that_failed_halfway_counts_as_created() -> None:
    """Nobody is replaced, and who chose something meanwhile keeps it."""
    world = World()
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(fail="internal failure", processed_records=20))

    def happens(operation: str) -> None:
        if operation == "create_import_job":
            made = [there(one, out="OPT_IN") for one in everybody(20)[1:]]
            world.ses.fill(ACCOUNT, REGION, "main", [there(everybody(1)[0], unsubscribed=True), *made])

    meanwhile(world, happens)
    done = setting(world, *(of(one, opt_in=["out"]) for one in everybody(60)))
    assert (counted(done), len(contacts(world))) == ({"created": 60, "kept_choice": 1}, 60)
    assert contacts(world)[everybody(1)[0]] == ({}, True)


def test_of_several_contacts_the_one_that_is_written_like_the_row_is_set() -> None:
    """Only what is refused goes into the others."""
    for rows in ((ANA.title(), ANA), (ANA, ANA.title())):
        world = World(*map(there, rows))
        assert counted(setting(world, of(ANA, opt_in=["out"], opt_out=["in"], attributes={"a": 1}))) == {"updated": 1}
        assert contacts(world) == {
            ANA: ({"out": "OPT_IN", "in": "OPT_OUT"}, False),
            ANA.title(): ({"in": "OPT_OUT"}, False),
        }
        assert (attributes(world, ANA), attributes(world, ANA.title())) == ('{"a": 1}', None)


def test_who_comes_right_before_being_created_is_read_and_changed() -> None:
    """SES refuses to create them again: then their own choice decides."""
    world = World()

    def come(operation: str) -> None:
        if operation == "list_contacts" and not contacts(world):
            request: Any = {"ContactListName": "main", "EmailAddress": ANA}
            preference = {"TopicName": "out", "SubscriptionStatus": "OPT_OUT"}
            world.ses.call(ACCOUNT, REGION, "CreateContact", {**request, "TopicPreferences": [preference]})

    meanwhile(world, come)
    assert counted(setting(world, of(ANA, opt_in=["out", "in"]))) == {"updated": 1, "kept_choice": 1}
    assert contacts(world)[ANA] == ({"out": "OPT_OUT", "in": "OPT_IN"}, False)


ROWS = [
    of(ANA, opt_in=["out"]),
    of(BOB, opt_in=["out", "in"]),
    of("Cleo@corp.example", opt_in=["out"]),
    of("dora@corp.example", unsubscribe_all=True),
    of("emil@corp.example", attributes={"a": 1}),
    of("finn@corp.example", opt_in=["in"]),
]


def mixed(**conditions: Any) -> World:
    """Somebody of every kind for those rows."""
    return World(
        there(BOB, out="OPT_OUT"),
        there(CLEO, unsubscribed=True),
        there("dora@corp.example", out="OPT_IN"),
        there("DORA@corp.example"),
        there("emil@corp.example", attributes='{"b":2}'),
        there("finn@corp.example", in_="OPT_IN"),
        **conditions,
    )


def whole(world: World) -> dict[str, Any]:
    """Everything about everybody."""
    return {
        one.email: (dict(one.preferences), one.unsubscribed_all, one.attributes)
        for one in world.ses.true_contacts(ACCOUNT, REGION, "main")
    }


def expected() -> dict[str, Any]:
    """What the rows make of them."""
    world = mixed()
    assert counted(setting(world, *ROWS)) == {"created": 1, "updated": 3, "unchanged": 2, "kept_choice": 2}
    return whole(world)


def test_a_dry_run_says_what_the_real_run_does_and_what_it_costs() -> None:
    """Nothing is written, and no requests are sent that the real run would not send."""
    world, real = mixed(), mixed()
    shown = setting(world, *ROWS, dry_run=True)
    done = setting(real, *ROWS)
    assert counted(shown) == counted(done)
    assert whole(world) == whole(mixed())
    assert writes(world) == 0
    estimate = shown.data["estimate"]
    assert (estimate["looked_up"], estimate["import_job"]) == ("by pages", False)
    assert abs(estimate["requests"] - len(real.asked)) <= 3
    assert any("requests to SES" in line for line in world.lines)
    assert done.data["estimate"] is None
    assert endings(world) == endings(real)


def test_a_dry_run_of_many_says_that_a_job_makes_them() -> None:
    """In a handful of requests, where there is a bucket."""
    new = everybody(60)
    real = with_jobs()
    done = setting(World(), *new, dry_run=True)
    setting(real, *new)
    assert done.data["estimate"]["import_job"]
    assert abs(done.data["estimate"]["requests"] - len(real.asked)) <= 3
    each = setting(World(), *new, dry_run=True, bucket=None)
    assert (each.data["estimate"]["import_job"], each.data["estimate"]["requests"] > 60) == (False, True)


def test_it_goes_on_in_the_next_slice() -> None:
    """However short slices are; what they hand on has no address."""
    world = mixed()
    done = setting(world, *ROWS, budget=3.0, per_second=1)
    assert world.slices > 3
    assert counted(done) == {"created": 1, "updated": 3, "unchanged": 2, "kept_choice": 2}
    assert whole(world) == expected()
    assert set(endings(world)) == set(range(1, 7))
    assert "corp.example" not in json.dumps(world.states).casefold()


def test_a_job_is_waited_for_over_slices() -> None:
    """And counted once."""
    world = World()
    world.ses.set_import_jobs(ACCOUNT, REGION, ImportJobSettings(created_seconds=20, processing_seconds=20))
    done = setting(world, *everybody(60), budget=8.0, per_second=1)
    assert (counted(done), world.asked.count("CreateImportJob")) == ({"created": 60}, 1)
    assert "corp.example" not in json.dumps(world.states).casefold()


def test_nothing_of_what_it_says_has_an_address() -> None:
    """Neither its lines, its warnings nor its numbers."""
    world = mixed()
    done = setting(world, *ROWS)
    assert "corp.example" not in f"{world.lines}{world.warnings}{done}".casefold()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["killed", "lost", "server", "throttled", "conflict"])
def test_whatever_call_breaks_the_next_run_completes(kind: str, after: bool) -> None:
    """Killed or without an answer, before its effect or after it: nobody is set twice, and nobody against a choice."""
    wanted = expected()
    calls = len(_undisturbed())
    for number in range(1, calls + 1):
        world = mixed()
        world.client.faults[number] = Fault(kind, after=after)
        broken = _broken(world)
        if broken is not None and kind in ("lost", "server") and not _undisturbed()[number - 1].startswith("List"):
            assert broken.outcome_unknown or _undisturbed()[number - 1].startswith("Get")
        done = setting(world, *ROWS, run_id="again")
        assert whole(world) == wanted, number
        assert done.failure is None
        assert done.data["kept_choice"] == 2


def _undisturbed() -> list[str]:
    world = mixed()
    setting(world, *ROWS)
    return world.asked


def _broken(world: World) -> AwsCallError | None:
    try:
        setting(world, *ROWS)
    except KilledError:
        return None
    except AwsCallError as failure:
        return failure
    return None


@pytest.mark.parametrize("after", [False, True])
def test_a_killed_run_with_a_job_is_completed_by_the_next(after: bool) -> None:
    """At every call; whoever unsubscribed in between stays so."""
    rows = [of(one, opt_in=["out"]) for one in everybody(30)]
    world = with_jobs()
    setting(world, *rows)
    for number in range(1, len(world.asked) + 1):
        broken = with_jobs()
        broken.client.faults[number] = Fault("killed", after=after)
        with pytest.raises(KilledError):
            setting(broken, *rows)
        broken.time.now += 60
        gone = everybody(30)[7]
        if gone in contacts(broken):
            request = {"ContactListName": "main", "EmailAddress": gone, "UnsubscribeAll": True}
            broken.ses.call(ACCOUNT, REGION, "UpdateContact", request)
        was = contacts(broken).get(gone)
        done = setting(broken, *rows, run_id="again")
        assert done.failure is None
        assert len(contacts(broken)) == 30
        assert contacts(broken)[gone] == (was or ({"out": "OPT_IN"}, False))


@pytest.mark.parametrize("pages", [None, 3])
def test_somebody_who_would_get_mail_against_their_choice_fails_the_customer(pages: int | None) -> None:
    """Whoever did it, if this run wrote that contact: read back, each alone or by the list."""
    known = there(ANA, out="OPT_OUT")
    world = World(known) if pages is None else big(known, pages=pages)
    done: list[str] = []

    def subscribe(operation: str) -> None:
        if operation == "update_contact" and not done:
            done.append(operation)
            preference = {"TopicName": "out", "SubscriptionStatus": "OPT_IN"}
            request = {"ContactListName": "main", "EmailAddress": ANA, "TopicPreferences": [preference]}
            world.ses.call(ACCOUNT, REGION, "UpdateContact", request)

    meanwhile(world, subscribe)
    result = setting(world, of(ANA, opt_in=["in"]))
    assert result.failure is not None
    assert result.failure.type == "SubscribedAgain"
    assert "corp.example" not in result.failure.message


@pytest.mark.parametrize(("count", "walks"), [(5, False), (25, True)])
def test_reading_back_asks_for_each_or_reads_the_list(count: int, walks: bool) -> None:
    """Whatever takes fewer requests; only who had opted out of something is looked at."""
    people = everybody(count)
    world = big(*(there(one, in_="OPT_OUT") for one in people), pages=26)
    setting(world, *(of(one, opt_in=["out"]) for one in people))
    after = world.asked[len(world.asked) - world.asked[::-1].index("UpdateContact") :]
    assert ("ListContacts" in after, after.count("GetContact")) == (walks, 0 if walks else count)


def test_reading_back_can_be_turned_off() -> None:
    """With a warning; what a job made is then counted by its own numbers."""
    world = with_jobs()
    world.settings = SETTINGS.model_copy(update={"verify_contacts": "off"})
    assert counted(setting(world, *everybody(30))) == {"created": 30}
    assert "the list was not compared afterwards, because VERIFY_CONTACTS is off" in world.warnings


def test_one_new_person_is_set_within_a_burst() -> None:
    """Nothing is waited for that SES would take at once: a creation alone is one request."""
    world = World(*(there(f"own{number}@x.example") for number in range(20)))
    setting(world, of(ANA, opt_in=["out"]), per_second=1)
    assert world.asked == ["ListImportJobs", "ListContactLists", "GetContactList", "ListContacts", "CreateContact"]
    assert world.time.slept == 0


def test_who_exists_when_they_are_created_is_read_and_changed_without_a_wait_in_between() -> None:
    """The two requests are reserved together then."""
    world = World(there(ANA, out="OPT_OUT"))
    world.client.call = _blind_to(world, ANA)  # type: ignore[method-assign]
    answered: dict[str, float] = {}
    meanwhile(world, lambda operation: answered.setdefault(operation, world.time.slept))
    assert counted(setting(world, of(ANA, opt_in=["out", "in"]), per_second=1)) == {"updated": 1, "kept_choice": 1}
    read, write = world.asked.index("GetContact"), world.asked.index("UpdateContact")
    assert (write - read, answered["get_contact"]) == (1, answered["update_contact"])


def _blind_to(world: World, email: str) -> Any:
    """SES whose first page does not show this contact yet."""
    original = world.client.call

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        answer = original(operation, **parameters)
        if operation == "list_contacts" and "CreateContact" not in world.asked:
            return {**answer, "Contacts": [one for one in answer["Contacts"] if one["EmailAddress"] != email]}
        return answer

    return call


def test_a_long_list_is_left_also_when_a_slice_ends_on_the_way() -> None:
    """How many pages were read is handed on."""
    for budget in (2.5, 4.0, 6.5):
        world = big(there(BOB, unsubscribed=True), there(CLEO), pages=5)
        rows = [of(one, opt_in=["out"]) for one in (BOB, CLEO, ANA)]
        done = setting(world, *rows, budget=budget, per_second=1, run_id=f"b{round(budget)}")
        assert counted(done) == {"created": 1, "updated": 1, "unchanged": 1, "kept_choice": 1}
        assert world.asked.count("ListContacts") <= 4
        assert set(contacts(world)) >= {ANA, BOB, CLEO}
