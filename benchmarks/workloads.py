"""All workloads, in the order in which they are run."""

from __future__ import annotations

from benchmarks.broker_workloads import BROKER_WORKLOADS
from benchmarks.client_workloads import CLIENT_WORKLOADS
from benchmarks.fan_out_workloads import FAN_OUT_WORKLOADS

__all__ = ["WORKLOADS"]

WORKLOADS = {
    workload.name: workload
    for workload in (
        *FAN_OUT_WORKLOADS,
        *CLIENT_WORKLOADS,
        *BROKER_WORKLOADS,
    )
}
