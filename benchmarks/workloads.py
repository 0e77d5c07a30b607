"""All workloads, in the order in which they are run."""

from __future__ import annotations

from benchmarks.broker_workloads import BROKER_WORKLOADS
from benchmarks.client_workloads import CLIENT_WORKLOADS
from benchmarks.fan_out_workloads import FAN_OUT_WORKLOADS
from benchmarks.growth_workloads import GROWTH_WORKLOADS
from benchmarks.soak_workload import SOAK_WORKLOAD
from benchmarks.worker_workloads import WORKER_WORKLOADS

__all__ = ["WORKLOADS"]

WORKLOADS = {
    workload.name: workload
    for workload in (
        *FAN_OUT_WORKLOADS,
        *CLIENT_WORKLOADS,
        *BROKER_WORKLOADS,
        *WORKER_WORKLOADS,
        *GROWTH_WORKLOADS,
        SOAK_WORKLOAD,
    )
}
