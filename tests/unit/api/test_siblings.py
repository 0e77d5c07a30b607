from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tidegate.api.siblings import merge_metrics

ONE = """\
# HELP tidegate_connects_total CONNECT packets accepted.
# TYPE tidegate_connects_total counter
tidegate_connects_total 3.0
# HELP tidegate_closes_total Connections that ended.
# TYPE tidegate_closes_total counter
tidegate_closes_total{reason="a \\"quoted\\" reason"} 1.0
# HELP tidegate_batch_events Events in one delivered batch.
# TYPE tidegate_batch_events histogram
tidegate_batch_events_bucket{le="1.0"} 2.0
tidegate_batch_events_bucket{le="+Inf"} 2.0
tidegate_batch_events_count 2.0
tidegate_batch_events_sum 2.0
"""
TWO = ONE.replace(" 3.0", " 4.0")


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_each_workers_values_keep_apart() -> None:
    merged = samples(merge_metrics({0: ONE, 1: TWO}))
    assert merged["tidegate_connects_total", (("worker", "0"),)] == 3
    assert merged["tidegate_connects_total", (("worker", "1"),)] == 4
    quoted = (("reason", 'a "quoted" reason'), ("worker", "1"))
    assert merged["tidegate_closes_total", quoted] == 1
    assert merged["tidegate_batch_events_bucket", (("le", "+Inf"), ("worker", "0"))] == 2
    assert len(merged) == 2 * len(samples(ONE.encode())) + 2


def test_each_metric_is_described_once_with_its_type() -> None:
    lines = merge_metrics({0: ONE, 1: TWO}).decode().splitlines()
    assert lines.count("# TYPE tidegate_connects_total counter") == 1
    assert lines.count("# TYPE tidegate_batch_events histogram") == 1


def test_a_worker_that_does_not_answer_is_told() -> None:
    merged = samples(merge_metrics({0: ONE, 1: None}))
    assert merged["tidegate_worker_up", (("worker", "0"),)] == 1
    assert merged["tidegate_worker_up", (("worker", "1"),)] == 0
    assert ("tidegate_connects_total", (("worker", "1"),)) not in merged
