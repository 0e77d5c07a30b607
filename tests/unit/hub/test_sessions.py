"""Who may come back, as whom, and with which rooms, when sessions wander between nodes."""

from __future__ import annotations

import pytest

from tidegate.auth.identity import Identity
from tidegate.hub import Socket
from tidegate.hub.sessions import Sessions
from tidegate.ids import NamespaceName, RoomName, Sid, TenantId, UserId
from tidegate.log import RoomsOfSession

KEY = b"0123456789abcdef"
ROOM = RoomName("talk:1")


def socket(sid: str = "s", tenant: str = "acme", user: str = "42", namespace: str = "/") -> Socket:
    identity = Identity(TenantId(tenant), UserId(user))
    return Socket(sid=Sid(sid), namespace=NamespaceName(namespace), identity=identity)


def sessions(
    positions: dict[int, int] | None = None, key: bytes = KEY, max_elsewhere: int = 100
) -> Sessions:
    return Sessions(
        key,
        age=50,
        max_elsewhere=max_elsewhere,
        partition_of=lambda tenant: 0,
        positions={} if positions is None else positions,
    )


def told(rooms: dict[str, int], sid: str = "s", changed: int = 0) -> RoomsOfSession:
    offsets = {RoomName(name): offset for name, offset in rooms.items()}
    tenant, root = TenantId("acme"), NamespaceName("/")
    return RoomsOfSession(tenant, root, UserId("42"), Sid(sid), offsets, changed)


def test_a_private_id_says_which_socket_it_was_and_from_where_on() -> None:
    own = socket()
    own.start = 77
    pid = sessions().private_id(own)
    claim = sessions().claim(pid, socket(sid="another"))
    assert claim is not None
    assert (claim.sid, claim.start) == ("s", 77)


@pytest.mark.parametrize(
    "like",
    [
        socket(tenant="globex"),
        socket(user="43"),
        socket(namespace="/chat"),
        socket(tenant="acme:4"),
    ],
)
def test_a_private_id_is_of_no_use_to_others(like: Socket) -> None:
    assert sessions().claim(sessions().private_id(socket()), like) is None


def test_names_that_run_into_each_other_have_different_signatures() -> None:
    pid = sessions().private_id(socket(tenant="a", user="bc"))
    assert sessions().claim(pid, socket(tenant="ab", user="c")) is None


@pytest.mark.parametrize("pid", [None, 7, "", ".", "..", "s.0.", "é" * 30, "s.0." + "A" * 200])
def test_what_is_no_private_id_is_refused(pid: object) -> None:
    assert sessions().claim(pid, socket()) is None


def test_a_private_id_that_was_changed_is_refused() -> None:
    own = socket()
    own.start = 77
    pid = sessions().private_id(own)
    assert sessions().claim(pid.replace(".4d.", ".0."), socket()) is None
    assert sessions().claim(pid.replace("s.", "t.", 1), socket()) is None


def test_a_private_id_of_another_log_is_refused() -> None:
    pid = sessions(key=b"another log's key").private_id(socket())
    assert sessions().claim(pid, socket()) is None


def test_rooms_that_another_node_told_come_back() -> None:
    here = sessions()
    here.note_rooms(told({"talk": 5, "news": 9}), now=0.0)
    claim = here.claim(here.private_id(socket()), socket())
    assert claim is not None
    assert here.rooms_of(claim) == {"talk", "news"}
    back = here.find(claim, socket())
    assert back is not None
    assert back.rooms == {"talk": 5, "news": 9}
    here.note_rooms(told({}), now=1.0)
    assert here.rooms_of(claim) == set()


def test_rooms_joined_elsewhere_count_when_a_socket_comes_back_to_its_first_node() -> None:
    here = sessions()
    own = socket()
    own.rooms = {ROOM: 3}
    here.open(own)
    here.drop(own, now=0.0)
    here.note_rooms(told({"talk:1": 3, "talk:2": 8}), now=1.0)
    assert own.rooms == {"talk:1": 3, "talk:2": 8}
    here.note_rooms(told({}), now=2.0)
    assert own.rooms is None


def test_what_is_told_of_a_connected_socket_is_its_own_echo() -> None:
    here = sessions()
    own = socket()
    own.rooms = {ROOM: 3}
    own.link = object()  # type: ignore[assignment]  # only its being there counts
    here.open(own)
    here.note_rooms(told({}), now=1.0)
    assert own.rooms == {ROOM: 3}


def test_a_socket_whose_rooms_are_gone_does_not_come_back_as_whole() -> None:
    here = sessions()
    own = socket()
    own.rooms = {ROOM: 3}
    here.open(own)
    here.drop(own, now=0.0)
    claim = here.claim(here.private_id(own), socket())
    assert claim is not None
    here.expire(now=100.0)
    assert here.find(claim, socket()) is None
    here.note_rooms(told({"talk": 3}), now=101.0)  # its node lives after all
    assert here.find(claim, socket()) is not None


def test_a_socket_without_rooms_comes_back_however_late() -> None:
    here = sessions()
    own = socket()
    here.open(own)
    here.drop(own, now=0.0)
    claim = here.claim(here.private_id(own), socket())
    here.expire(now=100.0)
    assert claim is not None
    assert here.find(claim, socket()) is not None


def test_old_sessions_are_in_doubt_once_rooms_had_to_be_forgotten() -> None:
    positions = {0: 1_000}
    here = sessions(positions, max_elsewhere=1)
    for number in range(5):  # the first two are forgotten
        here.note_rooms(told({"talk": 1}, f"r{number}", changed=800 + number), now=0.0)
    assert is_found(here, start=802)
    assert not is_found(here, start=801)
    for number in range(3):
        here.note_rooms(told({"talk": 1}, f"of an older version {number}"), now=0.0)
    assert not is_found(here, start=804)
    for number in range(3):
        here.note_rooms(told({"talk": 1}, f"last {number}"), now=0.0)
    assert not is_found(here, start=1_000)
    assert is_found(here, start=1_001)


def is_found(here: Sessions, start: int) -> bool:
    own = socket("without rooms")
    own.start = start
    claim = here.claim(here.private_id(own), socket())
    assert claim is not None
    return here.find(claim, socket()) is not None
