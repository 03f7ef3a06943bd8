"""Run under an older boto3, which speaks the query protocol: calls each operation it knows, reports as JSON."""

import datetime
import json
import sys

import boto3
import botocore
from botocore.config import Config

url, access_key, secret = sys.argv[1:4]
client = boto3.client(
    "cloudwatch",
    endpoint_url=url,
    aws_access_key_id=access_key,
    aws_secret_access_key=secret,
    region_name="us-east-1",
    config=Config(retries={"max_attempts": 0}, parameter_validation=False),
)
service = client.meta.service_model
assert service.resolved_protocol == "query", service.resolved_protocol


def known(value, shape):
    """The part of a value that this model has, timestamps as datetimes."""
    kind = shape.type_name
    if kind == "structure":
        return {name: known(v, shape.members[name]) for name, v in value.items() if name in shape.members}
    if kind == "list":
        return [known(v, shape.member) for v in value]
    if kind == "map":
        return {k: known(v, shape.value) for k, v in value.items()}
    if kind == "timestamp":
        return datetime.datetime.fromtimestamp(value, datetime.UTC)
    return value


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


results = {}
for name, sent in json.load(sys.stdin).items():
    if name not in service.operation_names:
        continue
    model = service.operation_model(name)
    arguments = known(sent, model.input_shape)
    try:
        got = getattr(client, botocore.xform_name(name))(**arguments)
    except Exception as error:  # noqa: BLE001 - reported to the test
        results[name] = {"error": repr(error)}
        continue
    members = list(model.output_shape.members) if model.output_shape is not None else []
    results[name] = {"sent": plain(arguments), "got": plain(got), "known": members}
json.dump(results, sys.stdout)
