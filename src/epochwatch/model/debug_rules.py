"""Rules of a training job: which images evaluate them, the processing job of each, and what that job's end means."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.diagnosis import LONGEST_DETAILS
from epochwatch.model.job import COMPLETED, FAILED, TrainingJob

BUILTIN: Final = "sagemaker-debugger-rules"
CUSTOM: Final = "sagemaker-debugger-rule-evaluator"
EVALUATORS: Final = (BUILTIN, CUSTOM)
"""The repositories of SageMaker's images that evaluate rules: its own ones, and those of users."""
TENSORS: Final = "/opt/ml/output/tensors"
"""DebugHookConfig.LocalPath where it is left out."""
RULE_OUTPUT: Final = "/opt/ml/processing/outputs"
"""LocalPath of a rule where it is left out."""
CONDITION_MET: Final = "RuleEvaluationConditionMet: "
"""How a processing job that found what its rule looks for begins its exit message."""
_LONGEST_PART: Final = 26
"""Characters that the names of a training job and of a rule have in the name of the processing job."""
_IMAGE: Final = re.compile(r"(?:[^/]+/)*(?P<repository>[^/:@]+)(?::[^/:@]+)?(?:@.+)?")


def evaluator_of(image: str) -> str:
    """Which of EVALUATORS an image is, of whatever account and region; empty if it is none."""
    found = _IMAGE.fullmatch(image)
    return found["repository"] if found and found["repository"] in EVALUATORS else ""


def evaluation_name(training_job: str, created: float, rule: str, *, profiler: bool = False) -> str:
    """The name of the processing job that evaluates a rule of a training job created at ``created``, Unix seconds.

    Its form is SageMaker's: the first 26 characters of both names, and eight hexadecimal digits. A rule of the
    ``profiler`` may have the name of another.
    """
    whole = f"{training_job}\0{created!r}\0{rule}" + ("\0profiler" if profiler else "")
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{training_job[:_LONGEST_PART]}-{re.sub(r'[^a-zA-Z0-9-]', '-', rule[:_LONGEST_PART])}-{digest}"


def tensors_of(training_job: str, request: Mapping[str, Any]) -> str:
    """S3 URI of the folder of a training job's tensors; empty where it saves none."""
    hook = request.get("DebugHookConfig")
    return f"{hook['S3OutputPath'].rstrip('/')}/{training_job}/debug-output" if hook else ""


def evaluation_status(job: TrainingJob) -> tuple[str, str]:
    """RuleEvaluationStatus and StatusDetails of the processing job that evaluates a rule. What it found counts, also
    if it was stopped afterwards.
    """
    if job.output.startswith(CONDITION_MET):
        return "IssuesFound", job.output[:LONGEST_DETAILS]
    if job.status == COMPLETED:
        return "NoIssuesFound", job.output[:LONGEST_DETAILS]
    if job.status == FAILED:
        return "Error", job.failure_reason[:LONGEST_DETAILS]
    return job.status, ""
