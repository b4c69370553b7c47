"""Tables that stay readable for a hundred customers and twenty topics."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from ses_fleet.runs.models import CustomerResult, Status, Summary
from ses_fleet_cli.show import Screen, summary_lines
from ses_fleet_cli.tables import tables


def summary(action: str, results: list[CustomerResult], **fields: Any) -> Summary:
    """A finished run."""
    known: dict[str, Any] = {name: 0 for name in Summary.model_fields if name.endswith(("_count", "_customers"))}
    known |= {"run_id": "r", "action": action, "dry_run": False, "started_at": "x", "total_duration_seconds": 1.0}
    return Summary(**{**known, "results": tuple(results), "exit_code": 0, **fields})


def result(code: str, data: dict[str, Any] | None, status: Status = "successful", **more: Any) -> CustomerResult:
    """A customer's result."""
    return CustomerResult(
        customer_code=code, customer_name=code, account_id=None, region=None, status=status, data=data, **more
    )


def shown(made: Summary, width: int) -> str:
    """As printed on a terminal so wide."""
    console = Console(width=width, force_terminal=False, file=io.StringIO())
    for table in tables(made, width):
        console.print(table)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_hundred_customers_and_twenty_topics(width: int) -> None:
    """No line is wider than the terminal, every number is there, every customer in every part."""
    codes = [f"customer-{number:03d}" for number in range(100)]
    topics = [f"topic-number-{number:02d}" for number in range(20)]
    matrix = {topic: {code: 1_000_000 + 100 * n + m for m, code in enumerate(codes)} for n, topic in enumerate(topics)}
    fleet = {"topics": matrix, "drift": {code: {"missing": [], "extra": [], "different": []} for code in codes}}
    text = shown(summary("describe-topics-all", [result(code, {"topics": []}) for code in codes], fleet=fleet), width)
    assert all(len(line) <= width for line in text.splitlines())
    for topic in topics:
        assert text.count(topic) == 1
    for count in (number for row in matrix.values() for number in row.values()):
        assert f"{count:,}" in text
    assert text.count("customer-042") == text.count("Opted in")
    assert f"{sum(matrix[topics[3]].values()):,}" in text


def test_drift_is_shown_for_those_that_differ() -> None:
    """With topic and field."""
    drift = {
        "a": {"missing": ["news"], "extra": ["old"], "different": []},
        "b": {"missing": [], "extra": [], "different": []},
        "c": {
            "missing": [],
            "extra": [],
            "different": [{"topic": "x", "field": "display_name", "have": "1", "want": "2"}],
        },
    }
    fleet = {"topics": {"news": {"b": 1}}, "drift": drift}
    text = shown(summary("describe-topics-all", [result(code, {}) for code in "abc"], fleet=fleet), 100)
    rows = {
        line.split()[0]: line.split()
        for line in text.split("Differs from SESConfig.json")[1].splitlines()
        if line.split()
    }
    assert rows["a"] == ["a", "news", "old"]
    assert rows["c"] == ["c", "x.display_name"]
    assert "b" not in rows


def test_a_comparison_too_large_says_where_it_is() -> None:
    """And a summary without one shows none."""
    fleet = {"topics": None, "drift": None, "location": "s3://b/fleet.json"}
    assert "s3://b/fleet.json" in shown(summary("describe-topics-all", [], fleet=fleet), 100)
    assert shown(summary("describe-topics-all", []), 100) == ""


def test_an_import_by_customer() -> None:
    """What was done, who was skipped, and customers without any data."""
    data = {"created": 1_200, "updated": 3, "removed": 0, "unchanged": 9, "failed": 1}
    done = result("acme", {**data, "skipped": {"disabled": 2, "no_email": 1}}, "failed")
    text = shown(summary("import-aws-contact-all", [done, result("initech", None, "skipped")]), 100)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}
    assert rows["acme"] == ["1,200", "3", "0", "9", "3", "1"]
    assert rows["initech"] == ["skipped"]


def test_an_import_says_once_where_its_people_are() -> None:
    """However many customers: the addresses themselves are never printed."""
    data = {"created": 1, "updated": 0, "removed": 0, "unchanged": 0, "failed": 0, "skipped": {}}
    results = [result(code, data, data_location=f"s3://b/data/r/{code}/") for code in ("acme", "globex")]
    text = shown(summary("import-aws-contact-all", [*results, result("hooli", None, "failed")]), 100)
    assert text.count("Who: s3://b/data/r/CUSTOMER/changes-*.jsonl.gz") == 1


def test_people_who_were_set_and_removed_by_customer() -> None:
    """What was done; and of a dry run what the real one takes, customers side by side."""
    estimates = [{"requests": 1_000, "seconds": 1_000}, {"requests": 500, "seconds": 500}]
    counts = {"created": 1_200, "updated": 3, "unchanged": 9, "kept_choice": 4, "erased_before": 2, "failed": 1}
    made = [result("acme", {**counts, "estimate": estimates[0]}), result("globex", {"estimate": estimates[1]})]
    text = shown(summary("set-contacts-all", [*made, result("initech", None, "skipped")], dry_run=True), 100)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}
    assert rows["acme"] == ["1,200", "3", "9", "4", "2", "1"]
    assert rows["initech"] == ["skipped"]
    assert "It takes about 1,500 requests to SES, 1,000 s for the customer that takes longest." in text
    taken = {"removed": 7, "kept_choice": 6, "absent": 5, "failed": 4}
    text = shown(summary("remove-contacts-all", [result("acme", taken), result("hooli", None, "failed")]), 100)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}
    assert (rows["acme"], rows["hooli"]) == (["7", "6", "5", "4"], ["failed"])
    assert "It takes" not in text


@pytest.mark.parametrize(
    ("action", "kind", "data"),
    [
        ("manage-topic-all", "restore-topics", {"removed": ["old"]}),
        ("import-aws-contact-all", "restore-list", {"removed": 2, "backup": "s3://b/backups/acme/r/"}),
        ("remove-contacts-all", "restore-list", {"removed": 2, "backup": "s3://b/backups/acme/r/"}),
        ("backup-list-all", "restore-list", {"backup": "r", "total": 2}),
    ],
)
def test_whatever_was_saved_has_the_command_that_brings_it_back(action: str, kind: str, data: dict[str, Any]) -> None:
    """Of one customer whole; of several with their codes; of work that a resumed run had begun with that run's id."""
    command = f"Bring back: ses-fleet invoke {kind} --customer-code"
    assert f"{command} acme --param backup=r\n" in shown(summary(action, [result("acme", data)]), 200)
    resumed = [result(code, data) for code in ("acme", "globex")] + [result("hooli", data, work_of="first")]
    text = shown(summary(action, [*resumed, result("nothing", {})]), 200)
    assert f"{command} CODE --param backup=r; CODE is acme, globex\n" in text
    assert f"{command} hooli --param backup=first\n" in text


def test_a_dry_run_of_a_prune_brings_nothing_back() -> None:
    """Nothing was removed, and nothing saved."""
    made = summary("manage-topic-all", [result("acme", {"removed": ["old"]})], dry_run=True)
    assert "Bring back" not in shown(made, 200)


def test_a_dry_run_of_an_erasure_says_what_the_real_one_takes() -> None:
    """Of all customers, side by side; one whose list cannot be read has no part in it."""
    person = {"row": 2, "outcome": "would_erase"}
    data = {"would_erase": 1, "people": [person], "estimate": {"requests": 14, "seconds": 29}}
    made = [result("acme", data), result("globex", {**data, "estimate": {"requests": 216, "seconds": 231}})]
    text = shown(summary("erase-contact-all", [*made, result("hooli", None, "failed")], dry_run=True), 80)
    assert "It takes about 230 requests to SES, 231 s for the customer that takes longest." in text
    done = {"erased": 1, "people": [{**person, "outcome": "erased"}]}
    assert "It takes" not in shown(summary("erase-contact-all", [result("acme", done)]), 80)


def test_checks_by_customer_and_what_to_do() -> None:
    """A check that was not made is a dash; a customer that was not run says so."""
    rows = [
        {"name": "assume_role", "status": "ok", "message": "m"},
        {"name": "external_id", "status": "finding", "message": "do this"},
    ]
    failed = [{"name": "assume_role", "status": "failed", "message": "m"}]
    made = summary(
        "validate-access-all",
        [result("a", {"checks": rows}), result("b", {"checks": failed}, "failed"), result("c", None, "skipped")],
    )
    lines = {line.split()[0]: line.split()[1:] for line in shown(made, 100).splitlines() if line.split()}
    assert lines["a"] == ["✅", "⚠️"]
    assert lines["b"] == ["❌", "–"]
    assert lines["c"] == ["skipped", "skipped"]
    assert lines["⚠️"] == ["a:", "external_id:", "do", "this"]


def health(name: str, status: str, detail: str = "d", advice: str = "") -> dict[str, str]:
    """A check of check-health."""
    return {"name": name, "status": status, "detail": detail, "advice": advice}


def test_health_by_customer_in_eighty_columns() -> None:
    """A column has the worst of its checks; what is to be done is said once for all whom it concerns."""
    sandbox = health("sandbox", "finding", "in the sandbox", "ask AWS")
    data = {
        "checks": [sandbox, health("sending", "ok"), health("quota", "ok"), health("identities", "ok")],
        "quota_percent": 99.999,
        "identities_total": 120,
        "identities_verified": 119,
    }
    rates = [health("dkim", "no_data"), health("mail_from", "ok"), health("bounce_rate", "failed"), sandbox]
    bad = {"checks": rates, "bounce_percent": 12.5, "complaint_percent": None}
    results = [
        result("customer-1", data),
        result("customer-2", bad, "failed"),
        result("c", None, "skipped"),
        result("d", None, "under_way"),
    ]
    text = shown(summary("check-health-all", results), 80)
    assert all(len(line) <= 80 for line in text.splitlines())
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}
    assert rows["customer-1"] == ["⚠️", "100", "%", "✅", "119/120", "✅", "–", "–", "–"]
    assert rows["customer-2"] == ["⚠️", "–", "–", "❔", "12.5", "%", "❌", "–"]
    assert (rows["c"], rows["d"]) == (["skipped"], ["–"])
    lines = [line.strip() for line in text.splitlines()]
    at = lines.index("⚠️  customer-1, customer-2: sandbox: in the sandbox")
    assert lines[at + 1] == "→ ask AWS"
    assert lines[at + 2].startswith("❔ is not known, and not ok")


def test_health_that_is_well_says_nothing_below_its_matrix() -> None:
    """No finding, nothing that is not known."""
    text = shown(summary("check-health-all", [result("a", {"checks": [health("quota", "ok")]})]), 80)
    assert "→" not in text
    assert "not known" not in text


def test_what_several_customers_have_to_do_is_said_once() -> None:
    """With all of their codes; what differs is said of each."""

    def found(message: str) -> dict[str, Any]:
        return {"checks": [{"name": "role_version", "status": "finding", "message": message}]}

    results = [result("a", found("too old")), result("b", found("not told")), result("c", found("too old"))]
    text = shown(summary("validate-access-all", results), 100)
    lines = [line.split() for line in text.splitlines() if "role_version:" in line]
    assert lines == [["⚠️", "a,", "c:", "role_version:", "too", "old"], ["⚠️", "b:", "role_version:", "not", "told"]]


def test_lists_and_contacts() -> None:
    """One row a customer, hostile names harmless, what is not inline is in S3."""
    data = {
        "contact_list": {"name": "main"},
        "topics": [{}, {}],
        "contacts": {"total": 12_345, "unsubscribed_all": 6},
    }
    made = summary(
        "describe-list-all",
        [result("a\x1b[2J", data), result("b", {"contact_list": None, "topics": [], "contacts": None}),
         result("c", None, data_location="s3://x")],
    )  # fmt: skip
    text = shown(made, 100)
    assert "\x1b" not in text
    lines = [line.split() for line in text.splitlines()]
    assert ["a\\u001b[2J", "main", "2", "12,345", "6"] in lines
    assert ["b", "no", "list"] in lines
    assert ["c", "in", "S3"] in lines
    listed = summary("list-contacts-all", [result("a", {"total": 3, "parts": 1}), result("b", None, "failed")])
    text = shown(listed, 100)
    assert ["all", "3"] in [line.split() for line in text.splitlines()]
    assert "ses-fleet runs export r" in text


@pytest.mark.parametrize(
    "action",
    [
        "describe-list",
        "list-contacts",
        "validate-access",
        "check-health",
        "manage-topic",
        "backup-list",
        "import-aws-contact",
    ],
)
@pytest.mark.parametrize(
    "data",
    [
        {},
        {"from_a_later_version": 1},
        {
            **dict.fromkeys(("contact_list", "topics", "contacts", "total", "parts", "checks", "added"), "?"),
            **{name: {"x": None} for name in ("updated", "created", "skipped", "backup", "list_created")},
        },
    ],
)
def test_data_of_another_version_is_shown_as_far_as_it_is_understood(action: str, data: dict[str, Any]) -> None:
    """Fields that are missing, unknown or of another form crash no table: the customer still has its row."""
    assert "acme" in shown(summary(action, [result("acme", data), *_understood(action)]), 100)


def _understood(action: str) -> list[CustomerResult]:
    """A customer that gives the table its columns, where they depend on what was found."""
    checks = [{"name": "assume_role", "status": "ok", "message": "m"}]
    return [result("globex", {"checks": checks})] if action == "validate-access" else []


def test_a_dry_run_has_no_table() -> None:
    """Nothing was found out."""
    assert shown(summary("describe-list-all", [result("a", {"would_use": {}})], dry_run=True), 100) == ""


def test_what_a_resume_needs_is_said() -> None:
    """A name is not kept: whoever runs it again gives it."""
    made = summary("import-aws-contact", [], resume={"action": "x"}, resume_needs=("params.username",))
    assert "   Run the rest: ses-fleet runs resume r --param username=VALUE" in summary_lines(made)


@pytest.mark.parametrize("action", ["list-contacts-all", "backup-list-all", "import-aws-contact-all"])
def test_nothing_is_offered_that_a_local_cloud_has_taken_with_it(
    action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a run with --local neither its record nor its data can be used afterwards; in AWS they can."""
    data: dict[str, Any] = {
        "list-contacts-all": {"total": 2, "parts": 1},
        "backup-list-all": {"backup": "r", "total": 1},
    }
    one = result("a", data.get(action, {}), data_location="s3://b/data/r/a/")
    made = summary(action, [one], exit_code=1, resume={"action": action, "include": ["b"]})
    Screen(text=True, is_last=True).summary(made)
    local = capsys.readouterr().out
    for gone in ("ses-fleet runs", "ses-fleet invoke", "s3://"):
        assert gone not in local
    assert local.endswith(
        "   The local cloud of --local ends with this command; `ses-fleet local up` runs one that stays.\n"
    )
    Screen(text=True).summary(made)
    kept = capsys.readouterr().out
    assert "   Run the rest: ses-fleet runs resume r" in kept
    assert any(offer in kept for offer in ("Export them", "Bring back", "Who: s3://"))


@pytest.mark.parametrize("dry_run", [False, True])
def test_who_is_let_in_again_is_counted_by_customer(dry_run: bool) -> None:
    """A typing error in an address is no failure, so it is said when nobody was let in."""
    nobody = result("globex", {"lifted": 0, "was_not_erased": 1})
    failed = result("initech", None, "failed")
    text = shown(summary("un-erase-all", [nobody, failed], dry_run=dry_run), 80)
    assert _cells(text, "globex") == ["0", "1"]
    assert _cells(text, "initech") == ["failed"]
    assert "nobody is let in" in text
    assert ("would be let in again" in text) == dry_run
    somebody = result("acme", {"lifted": 1_200, "was_not_erased": 0})
    text = shown(summary("un-erase-all", [somebody, nobody], dry_run=dry_run), 80)
    assert _cells(text, "acme") == ["1,200", "0"]
    assert "nobody is let in" not in text


def _cells(text: str, code: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.split()[:1] == [code])
    return line.split()[1:]


def test_who_was_left_out_of_a_plan_is_a_column_of_its_own() -> None:
    """At 80 characters, so that columns of zeros make room; other runs have all of them."""
    data = {"created": 0, "updated": 3, "left_out": 2, "kept_choice": 1}
    results = [result("acme", data), result("globex", None, "failed")]
    applied = shown(summary("set-contacts-all", results, plan="p"), 80)
    assert [line.split() for line in applied.splitlines() if line.startswith((" customer", " acme", " globex"))] == [
        ["customer", "created", "updated", "kept", "their", "choice", "left", "out"],
        ["acme", "0", "3", "1", "2"],
        ["globex", "failed"],
    ]
    assert "left out" not in shown(summary("set-contacts-all", results), 80)
    for action in ("import-aws-contact-all", "remove-contacts-all", "set-suppressed-all"):
        assert "left out" in shown(summary(action, [result("acme", {"left_out": 2})], plan="p"), 80)
