"""Training jobs whose rules a real server has evaluated."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from epochwatch.model.diagnosis import DIAGNOSIS
from tests.launchers.created_jobs import BUCKET, SECONDS, JobServer

ACCOUNT_OF_RULES = "503895931360.dkr.ecr.us-east-1.amazonaws.com"
BUILTIN = f"{ACCOUNT_OF_RULES}/sagemaker-debugger-rules:latest"
CUSTOM = f"{ACCOUNT_OF_RULES}/sagemaker-debugger-rule-evaluator:latest"
RULES_GROUP = "/aws/sagemaker/ProcessingJobs"
HOOK = {"S3OutputPath": f"s3://{BUCKET}/debug"}

WRITE = """
import itertools, os, sys, time
import numpy as np
from epochwatch.debugger import Collection, SmdebugWriter, Statistics, StoreWriter
place = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/output/tensors"
collections = [Collection("gradients", ["^gradient"]), Collection("losses", ["loss"])]

def smdebug(steps, pause=0.0):
    save(SmdebugWriter(place, collections=collections), steps, pause, lambda step: {})

def own(steps, pause=0.0):
    writer = StoreWriter(place, collections=collections, steps_per_segment=5)
    save(writer, steps, pause, lambda step: {"statistics": Statistics(["fc.weight"], {"l2": np.array([float(step)])})})

def save(writer, steps, pause, more):
    for step in steps:
        gradient = np.full((4, 3), 0.5**step, np.float32)
        tensors = {"gradient/fc.weight": gradient, "loss": np.array(1.0 / (step + 1))}
        writer.write_step(step, tensors=tensors, **more(step))
        time.sleep(pause)
    if hasattr(writer, "close"):
        writer.close()
"""
"""What trainings begin with: ways to save a gradient that shrinks, in both formats."""


def rule(name: str, parameters: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A built-in rule."""
    given = {"rule_to_invoke": name} | dict(parameters or {})
    return {"RuleConfigurationName": name, "RuleEvaluatorImage": BUILTIN, "RuleParameters": given} | more


def train(server: JobServer, name: str, script: str, *rules: Mapping[str, Any], **more: Any) -> str:
    """A training job of a Python script with rules."""
    given = {"DebugHookConfig": HOOK, "DebugRuleConfigurations": list(rules)} | more
    path = server.process.home / f"{name}.py"
    path.write_text(WRITE + script)
    return server.create(name, ["python3", str(path)], **given)


def evaluated(server: JobServer, name: str) -> dict[str, dict[str, Any]]:
    """DebugRuleEvaluationStatuses by rule, when all have ended, without the diagnosis that nobody asked for."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = {one["RuleConfigurationName"]: one for one in server.describe(name)["DebugRuleEvaluationStatuses"]}
        found.pop(DIAGNOSIS, None)
        if not any(one["RuleEvaluationStatus"] in ("InProgress", "Stopping") for one in found.values()):
            return found
        assert time.monotonic() < deadline, f"{found}\n{said(server, list(found.values()))}"
        time.sleep(0.2)


def statuses(server: JobServer, name: str) -> dict[str, str]:
    """RuleEvaluationStatus by rule, when all have ended."""
    return {rule: one["RuleEvaluationStatus"] for rule, one in evaluated(server, name).items()}


def processing_job(evaluation: Mapping[str, Any]) -> str:
    """The name of a rule's processing job."""
    return str(evaluation["RuleEvaluationJobArn"]).rpartition("/")[2]


def said(server: JobServer, evaluations: Sequence[Mapping[str, Any]]) -> str:
    """What the evaluations printed, and what their processes said."""
    lines = [line for one in evaluations for line in server.lines(processing_job(one), group=RULES_GROUP)]
    return "\n".join([*lines, server.said()])
