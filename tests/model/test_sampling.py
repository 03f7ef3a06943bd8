"""What ProfilerConfig means for the hosts of a job."""

from typing import Any

import msgspec
import pytest

from epochwatch.model.sampling import Wanted, wanted_sampling

OUTPUT = {"OutputDataConfig": {"S3OutputPath": "s3://bucket/out/"}}


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        ({}, Wanted(100)),
        (OUTPUT, Wanted(100)),
        ({"ProfilerConfig": {"S3OutputPath": "s3://p"}}, Wanted(500, "s3://p/job/profiler-output")),
        (
            {"ProfilerConfig": {"S3OutputPath": "s3://p/x/", "ProfilingIntervalInMilliseconds": 60000}},
            Wanted(60000, "s3://p/x/job/profiler-output"),
        ),
        ({"ProfilerConfig": {"DisableProfiler": True, "S3OutputPath": "s3://p"}}, Wanted(1000)),
        (
            {"ProfilerConfig": {"DisableProfiler": False}} | OUTPUT,
            Wanted(500, "s3://bucket/out/job/profiler-output"),
        ),
        ({"ProfilerConfig": {}}, Wanted(500)),
    ],
)
def test_the_interval_and_the_place_of_the_files(request_: dict[str, Any], wanted: Wanted) -> None:
    profiler = request_.get("ProfilerConfig", {})  # as it is, for who profiles within the training
    assert wanted_sampling("job", request_) == msgspec.structs.replace(wanted, profiler=profiler)
