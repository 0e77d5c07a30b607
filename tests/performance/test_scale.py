"""The capacity model: it agrees with the simulation, with the code, and with common sense."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from benchmarks.scale.__main__ import main
from benchmarks.scale.demand import Demand, DemandError
from benchmarks.scale.limits import Limit, limits
from benchmarks.scale.model import Plan, Setup
from benchmarks.scale.report import describe_sources, variants
from benchmarks.scale.simulate import Comeback, Placed, come_back, place
from benchmarks.scale.sizing import plan
from benchmarks.scale.storm import Loss, storm
from benchmarks.scale.units import RESULTS, load_units

from tidegate import Settings
from tidegate.app.event_log import REMEMBERED_AT_LEAST, REMEMBERED_BYTES
from tidegate.app.following import READ_BACK
from tidegate.app.settings import FIELDS
from tidegate.hub.rooms import BURIED_PER_SESSION
from tidegate.log.entry import FLAT_SIZE, ID_SIZE
from tidegate.sources.rabbitmq import consumer

UNITS = load_units(Path("nowhere"), Path("nowhere"))  # stored ones: results may change
SMALL = Demand(sockets=50_000, tenants=5_000, events=5_000)
ANY, STICKY = Setup(machine_nodes=2, nodes=10), Setup(machine_nodes=2, nodes=10, placement="sticky")


def made(demand: Demand = SMALL, setup: Setup = ANY) -> Plan:
    return plan(demand, setup, UNITS)


@cache
def placed(setup: Setup) -> Placed:
    return place(made(setup=setup), setup.placement, 1)


def returned(loss: Loss, setup: Setup = ANY) -> Comeback:
    return come_back(made(setup=setup), placed(setup), setup.placement, loss, 1)


def limits_of(plan_: Plan) -> list[Limit]:
    losses: tuple[Loss, ...] = ("process", "machine", "all")
    return limits(plan_, {loss: storm(plan_, loss) for loss in losses})


# The model and the simulation


def test_the_nodes_that_an_event_concerns() -> None:
    assert placed(ANY).pairs == pytest.approx(made().pairs, rel=0.02)
    assert placed(STICKY).pairs == pytest.approx(made(setup=STICKY).pairs, rel=0.02)
    assert placed(STICKY).pairs < placed(ANY).pairs


def test_every_socket_is_somewhere_and_no_node_is_too_full() -> None:
    assert sum(placed(ANY).loads) == sum(placed(STICKY).loads) == SMALL.sockets
    assert placed(ANY).fullest < 1.01
    assert placed(STICKY).fullest <= 1 + STICKY.slack + 0.001


def test_a_tenant_that_sticks_is_on_one_node_unless_it_is_full() -> None:
    alone = sum(len(own) == 1 for own in placed(STICKY).where)
    assert alone > 0.98 * SMALL.tenants


@pytest.mark.parametrize("loss", ["process", "machine", "all"])
def test_a_loss_costs_what_the_model_says(loss: Loss) -> None:
    seen, told = returned(loss), storm(made(), loss)
    assert seen.lost == pytest.approx(told.lost, rel=0.01)
    assert 0.95 * told.first <= seen.all <= 1.05 * told.last
    assert seen.missed == pytest.approx(told.missed, rel=0.25)
    assert seen.recovered == pytest.approx(told.recovered, abs=0.05)


def test_a_window_that_is_long_enough_recovers_all() -> None:
    told = storm(made(), "machine")
    assert told.recovered < 0.5
    enough = replace(ANY, window=made().window_for(told.last))
    assert storm(made(setup=enough), "machine").recovered > 0.98
    seen = come_back(made(setup=enough), placed(ANY), "random", "machine", 1)
    assert seen.recovered > 0.98


def test_a_storm_that_is_too_large_does_not_end() -> None:
    few = replace(ANY, nodes=2, machine_nodes=1)
    settles = storm(made(setup=few), "all").settles
    beyond = made(replace(SMALL, sockets=int(1.1 * settles)), few)
    assert storm(beyond, "all").last == float("inf")
    within = made(replace(SMALL, sockets=int(0.7 * settles)), few)
    seen = come_back(within, place(within, "random", 1), "random", "all", 1)
    assert seen.all <= 1.05 * storm(within, "all").last


def test_the_same_seed_gives_the_same() -> None:
    assert returned("process") == returned("process")
    assert returned("process") != come_back(made(), placed(ANY), "random", "process", 2)


# Monotonicity and limits


def test_more_of_anything_takes_no_fewer_nodes() -> None:
    def nodes(demand: Demand) -> int:
        return made(demand, Setup(machine_nodes=2)).nodes

    few = nodes(SMALL)
    assert nodes(replace(SMALL, sockets=500_000)) >= few
    assert nodes(replace(SMALL, events=50_000)) > few
    assert nodes(replace(SMALL, to_user=0.5)) >= few


def test_the_fewest_nodes_are_enough_and_one_less_is_not() -> None:
    demand = replace(SMALL, events=60_000)
    fewest = made(demand, Setup())
    assert fewest.is_possible
    assert fewest.busy <= 0.6
    assert not made(demand, Setup(nodes=fewest.nodes - 1)).is_possible


def test_following_alone_fills_a_node_however_many_there_are() -> None:
    assert made(replace(SMALL, events=180_000), Setup()).is_possible
    assert not made(replace(SMALL, events=250_000), Setup()).is_possible
    beyond = replace(SMALL, events=250_000)
    assert made(beyond, Setup(placement="sticky", follows_all=False)).is_possible


def test_an_exchange_copies_each_event_into_every_partition() -> None:
    past = replace(SMALL, source="exchange")
    one, four = made(past, replace(ANY, partitions=1)), made(past, replace(ANY, partitions=4))
    assert four.follow_share == pytest.approx(4 * one.follow_share, rel=0.05)


def test_a_limit_is_where_it_breaks() -> None:
    [limit] = [each for each in limits_of(made()) if each.remedy == "window.bytes"][:1]
    assert limit.what == "the window is shorter than window.age"
    assert made(replace(SMALL, events=limit.at * 0.99)).window_reach == 120
    assert made(replace(SMALL, events=limit.at * 1.01)).window_reach < 120


def test_limits_are_told_in_the_order_in_which_they_break() -> None:
    rooms = [limit.room for limit in limits_of(made())]
    assert rooms == sorted(rooms)


def test_changes_bring_something() -> None:
    now, stick, shared, part = variants(plan(Demand(), Setup(), UNITS)).values()
    assert now.nodes > stick.nodes > shared.nodes > part.nodes
    assert now.broker_out_bytes > 20 * part.broker_out_bytes


def test_sizes_add_up() -> None:
    for demand in (SMALL, Demand(1_000, 1_000), Demand(1_500, 1_000), Demand(100, 1)):
        assert sum(size * count for size, count in demand.sizes.items()) == demand.sockets
        assert sum(demand.sizes.values()) == demand.tenants


# Where the figures are from


def test_figures_without_results_are_stored_ones_and_say_so(tmp_path: Path) -> None:
    stored = load_units(tmp_path, tmp_path / "none.json")
    assert stored.figures["delivery"].source.endswith("stored")
    assert stored.figures.keys() == UNITS.figures.keys()
    assert "stored" in describe_sources(stored)


def test_results_are_taken_where_they_are(tmp_path: Path) -> None:
    result = json.loads((RESULTS / "single.json").read_text())
    result["medians"]["tidegate"]["server_cpu_us"] = 5.5
    (tmp_path / "single.json").write_text(json.dumps(result))
    found = load_units(tmp_path).figures["delivery"]
    assert found.value == 5.5
    assert result["date"] in found.source


def test_settings_are_those_of_the_gateway() -> None:
    settings = Settings()
    names = {
        "window_bytes": settings.window.bytes,
        "window_tenant_bytes": settings.window.tenant_bytes,
        "window_age": settings.window.age,
        "log_max_bytes": settings.log.max_bytes,
        "ping_interval": settings.ping_interval,
        "ping_timeout": settings.ping_timeout,
        "waiting": settings.limits.unauthenticated,
        "tenant_connections": settings.limits.tenant_connections,
        "flat_size": FLAT_SIZE,
        "id_size": ID_SIZE,
        "read_back": READ_BACK,
        "max_append": consumer._MAX_BATCH,
        "remembered_bytes": REMEMBERED_BYTES,
        "remembered_least": REMEMBERED_AT_LEAST,
        "buried_each": BURIED_PER_SESSION,
    }
    assert {name: UNITS[name] for name in names} == names
    assert f"Le(le={UNITS['max_partitions']:.0f})" in str(FIELDS["log.partitions"].metadata)


# The command


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--sockets", "0"], "--sockets is 0; it must be more than 0"),
        (["--tenants", "20", "--sockets", "10"], "--tenants 20 is more than --sockets 10"),
        (["--to-user", "1.5"], "--to-user is 1.5; it is a part: 0 to 1"),
        (["--tail", "1"], "--tail is 1.0"),
        (["--largest", "1"], "--largest 1 is too small"),
        (["--target", "1"], "--target is 1.0"),
        (["--after-loss", "0.5"], "--after-loss is 0.5"),
        (["--nodes", "0"], "--nodes is 0"),
        (
            ["simulate", "--sockets", "100", "--tenants", "9", "--nodes", "4"],
            "--loss machine takes 4 of 4 nodes",
        ),
    ],
)
def test_arguments_that_make_no_sense(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert problem in capsys.readouterr().err


def test_the_command_says_what_breaks_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sockets", "10000", "--tenants", "1000", "--events", "900", "--sources"]) == 0
    text = capsys.readouterr().out
    assert "past  x0.423" in text
    assert "What went in" in text


def test_the_command_says_when_no_number_of_nodes_is_enough(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--source", "exchange", "--sockets", "10000", "--tenants", "1000"]) == 0
    assert "no number is enough" in capsys.readouterr().out


def test_the_command_simulates(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--sockets", "5000", "--tenants", "500", "--events", "100"]) == 0
    assert "lost: machine" in capsys.readouterr().out


def test_a_demand_is_checked_when_it_is_made() -> None:
    with pytest.raises(DemandError, match="--events"):
        Demand(events=0)
