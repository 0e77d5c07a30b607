"""``tidegate new``, by flags and by answers in a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scaffold.terminal import terminal

FLAGS = [
    *("Notification", "--event", "notification.created:id,message,type"),
    *("--command", "notification.markRead:notificationId", "--no-frontend"),
]
REALTIME = Path("apps/api-gateway/realtime")


def new(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tidegate", "new", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def tree(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_by_flags(tmp_path: Path) -> None:
    done = new(tmp_path, *FLAGS)
    assert done.returncode == 0, done.stderr
    assert "events.py  created" in done.stdout
    assert "Mount the gateway" in done.stdout
    golden = Path(__file__).parents[1] / "golden/python-api-gateway"
    assert tree(tmp_path) == tree(golden)


def test_in_another_folder(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert new(tmp_path, *FLAGS, "--project", "shop").returncode == 0
    assert (tmp_path / "shop" / REALTIME / "app.py").exists()


def test_a_schema_file_is_named_from_where_the_user_is(tmp_path: Path) -> None:
    (tmp_path / "paid.json").write_text('{"properties": {"total": {"type": "integer"}}}')
    (tmp_path / "shop").mkdir()
    done = new(
        tmp_path, "Order", "--event", "order.paid:@paid.json", "--no-frontend", "--project", "shop"
    )
    assert done.returncode == 0, done.stderr
    events = (tmp_path / "shop" / REALTIME / "orders/events.py").read_text()
    assert "total: int | None = None" in events


def test_a_dry_run_shows_tree_and_diffs_and_writes_nothing(tmp_path: Path) -> None:
    done = new(tmp_path, *FLAGS, "--dry-run")
    assert done.returncode == 0
    assert "notifications/" in done.stdout and "gateway.py  new" in done.stdout
    assert "--- /dev/null\n+++ b/apps/api-gateway/realtime/app.py\n" in done.stdout
    assert "\n+notifications = Namespace(" in done.stdout
    assert tree(tmp_path) == {}


def test_a_dry_run_of_a_second_domain_shows_the_edit(tmp_path: Path) -> None:
    assert new(tmp_path, *FLAGS).returncode == 0
    before = tree(tmp_path)
    done = new(tmp_path, "Chat", "--event", "chat.opened:id", "--no-frontend", "--dry-run")
    assert "app.py  edit" in done.stdout
    assert "+from .chats import chats\n" in done.stdout
    assert tree(tmp_path) == before


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    assert new(tmp_path, *FLAGS).returncode == 0
    before = tree(tmp_path)
    done = new(tmp_path, *FLAGS)
    assert done.returncode == 0
    assert "created" not in done.stdout and "edited" not in done.stdout
    assert tree(tmp_path) == before


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    assert new(tmp_path, *FLAGS).returncode == 0
    mine = tmp_path / REALTIME / "notifications/gateway.py"
    mine.write_text("# mine\n")
    before = tree(tmp_path)
    done = new(tmp_path, *FLAGS, "--yes")
    assert done.returncode == 1
    assert "not overwritten without --force" in done.stderr
    assert "notifications/gateway.py" in done.stderr
    assert tree(tmp_path) == before
    assert new(tmp_path, *FLAGS, "--dry-run").returncode == 1
    assert new(tmp_path, *FLAGS, "--force").returncode == 0
    assert "Namespace" in mine.read_text()


def test_bad_answers_are_told_together_and_nothing_is_written(tmp_path: Path) -> None:
    done = new(
        tmp_path, "9", "--event", "connect", "--event", "a:x:y", "--gateway", "../x", "--yes"
    )
    assert done.returncode == 2
    for reason in ("not an identifier", "reserved", "is no type", "outside the project"):
        assert reason in done.stderr
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "name is needed"),
        (["Chat"], "at least one event"),
        ([*FLAGS, "--project", "nowhere"], "no such folder"),
    ],
)
def test_without_a_terminal_nothing_is_asked(
    tmp_path: Path, arguments: list[str], reason: str
) -> None:
    done = new(tmp_path, *arguments)
    assert done.returncode == 2
    assert reason in done.stderr


def test_a_registration_that_can_not_be_edited_is_refused(tmp_path: Path) -> None:
    app = tmp_path / REALTIME / "app.py"
    app.parent.mkdir(parents=True)
    app.write_text("from tidegate import Gateway\n\ngateway = Gateway(find_namespaces())\n")
    before = tree(tmp_path)
    done = new(tmp_path, *FLAGS)
    assert done.returncode == 1
    assert "Add by hand: `from .notifications import notifications`" in done.stderr
    assert tree(tmp_path) == before


def test_by_asking(tmp_path: Path) -> None:
    with terminal(tmp_path, ["new"]) as person:
        person.answer("Domain", "9 lives")
        person.wait_for("not an identifier")
        person.answer("Domain", "Notification")
        person.answer("Event to the client", "connect")
        person.wait_for("reserved by the Socket.IO client")
        person.answer("Event to the client", "notification.created:id,message,type")
        person.answer("empty to go on", "notification.created")
        person.wait_for("duplicate")
        person.answer("empty to go on", "")
        person.answer("Event from the client", "notification.markRead:notificationId")
        person.answer("empty to go on", "")
        person.answer("[apps/api-gateway]", "")
        person.answer("Zustand", "n")
        person.answer("[/notifications]", "")
        person.answer("[tenantId]", "")
        person.answer("[python]", "")
        person.wait_for("events.py  new")
        person.answer("Write?", "")
        person.wait_for("Mount the gateway")
        assert person.code() == 0
    assert tree(tmp_path) == tree(Path(__file__).parents[1] / "golden/python-api-gateway")


def test_only_what_flags_did_not_answer_is_asked(tmp_path: Path) -> None:
    flags = [*FLAGS, "--gateway", "standalone", "--room", "tenantId", "--target", "python"]
    with terminal(tmp_path, ["new", *flags]) as person:
        person.answer("Namespace", "/notes")
        person.answer("Write?", "y")
        assert person.code() == 0
    assert "Domain" not in person.screen and "Event" not in person.screen
    gateway = tmp_path / "apps/realtime-gateway/realtime/notifications/gateway.py"
    assert 'Namespace("/notes"' in gateway.read_text()


def test_bad_flags_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    with terminal(tmp_path, ["new", "--event", "connect"]) as person:
        assert person.code() == 2
    assert "reserved" in person.screen and "Domain" not in person.screen


def test_who_says_no_writes_nothing(tmp_path: Path) -> None:
    flags = [*FLAGS, "--gateway", "standalone", "--room", "tenantId", "--target", "python"]
    with terminal(tmp_path, ["new", *flags, "--namespace", "/notes"]) as person:
        person.answer("Write?", "n")
        assert person.code() == 1
    assert tree(tmp_path) == {}


def test_yes_asks_nothing(tmp_path: Path) -> None:
    with terminal(tmp_path, ["new", *FLAGS, "--yes"]) as person:
        assert person.code() == 0
    assert "?" not in person.screen
    assert tree(tmp_path)


def test_each_file_in_the_way_is_asked_for(tmp_path: Path) -> None:
    assert new(tmp_path, *FLAGS).returncode == 0
    folder = tmp_path / REALTIME / "notifications"
    (folder / "gateway.py").write_text("# mine\n")
    (folder / "consumer.py").write_text("# mine too\n")
    flags = [*FLAGS, "--namespace", "/notifications", "--room", "tenantId", "--target", "python"]
    with terminal(tmp_path, ["new", *flags, "--gateway", "apps/api-gateway"]) as person:
        person.answer("consumer.py?", "y")
        person.wait_for("-# mine")
        person.answer("gateway.py?", "")
        person.answer("Write?", "y")
        assert person.code() == 0
    assert "consume(" in (folder / "consumer.py").read_text()
    assert (folder / "gateway.py").read_text() == "# mine\n"
