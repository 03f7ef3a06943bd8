"""What CloudWatch metrics are called in Prometheus."""

import pytest

from epochwatch.model.metric import MetricId
from epochwatch.model.promql.naming import label_name, metric_name, series_labels


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("train:loss", "train:loss"),
        ("http_requests_total", "http_requests_total"),
        ("gpu.temperature-max", "gpu_temperature_max"),
        ("GPU Utilization (%)", "GPU_Utilization____"),
        ("7zip", "_7zip"),
        ("perdu été", "perdu__t_"),
    ],
)
def test_metric_names_are_made_legal(name: str, legal: str) -> None:
    assert metric_name(name) == legal


@pytest.mark.parametrize(("name", "legal"), [("Host", "Host"), ("a:b", "a_b"), ("service.name", "service_name")])
def test_label_names_have_no_colon(name: str, legal: str) -> None:
    assert label_name(name) == legal


@pytest.mark.parametrize(
    ("dimensions", "expected"),
    [
        ([], {}),
        ([("Host", "a")], {"Host": "a"}),
        ([("namespace", "k8s")], {"exported_namespace": "k8s"}),
        ([("unit", "B")], {"exported_unit": "B"}),
        ([("__name__", "x")], {"exported___name__": "x"}),
        ([("a-b", "1"), ("a.b", "2")], {"a_b": "1", "exported_a_b": "2"}),
        ([("exported_unit", "1"), ("unit", "2")], {"exported_unit": "1", "exported_exported_unit": "2"}),
    ],
)
def test_dimensions_become_labels_that_never_meet(
    dimensions: list[tuple[str, str]], expected: dict[str, str]
) -> None:
    labels = series_labels(MetricId.of("My/Lab", "x.y", dimensions), "None")
    assert dict(labels) == {"__name__": "x_y", "namespace": "My/Lab"} | expected
    assert list(labels) == sorted(labels)


def test_a_unit_is_a_label() -> None:
    assert dict(series_labels(MetricId("Lab", "x"), "Percent"))["unit"] == "Percent"
