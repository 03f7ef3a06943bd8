"""Which rule is to be evaluated, over which tensors, as the environment of its processing job says."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from epochwatch.errors import EpochwatchError
from epochwatch.settings import Settings

SOURCE: Final = "source_s3_uri"
RULE: Final = "rule_to_invoke"
ACTIONS: Final = "action_json"
_OTHER_TRIAL: Final = re.compile(r"other_trial_(\d+)")
_OF_THE_EVALUATION: Final = (SOURCE, RULE, ACTIONS, "start_step", "end_step")


@dataclass(frozen=True)
class Task:
    """A rule of a training job."""

    name: str
    """RuleConfigurationName."""
    given: Mapping[str, str]
    """RuleParameters."""
    tensors: str
    """S3 URI of the training's tensors; empty for a profiler rule."""
    profile: str
    """S3 URI of the training's profile; empty for a rule over tensors."""
    training_job: str
    output: Path
    """What is written here is the rule's output."""
    ml: Path
    """``/opt/ml``."""
    environment: Mapping[str, str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Task":
        """As the service that made the processing job put it. Raises EpochwatchError where it made none."""
        if "DEBUG_RULE_NAME" not in environment:
            raise EpochwatchError(
                "this image evaluates rules of training jobs: give them as DebugRuleConfigurations or"
                " ProfilerRuleConfigurations of CreateTrainingJob"
            )
        return cls(
            name=environment["DEBUG_RULE_NAME"],
            given=json.loads(environment["DEBUG_RULE_PARAMETERS"]),
            tensors=environment.get("DEBUG_TENSORS", ""),
            profile=environment.get("DEBUG_PROFILE", ""),
            training_job=environment["DEBUG_TRAINING_JOB"],
            output=Path(environment["DEBUG_RULE_OUTPUT"]),
            ml=ml_of(environment),
            environment=environment,
        )

    @property
    def parameters(self) -> dict[str, str]:
        """Those that the rule itself takes."""
        return {
            name: value
            for name, value in self.given.items()
            if name not in _OF_THE_EVALUATION and not _OTHER_TRIAL.fullmatch(name)
        }

    @property
    def other_tensors(self) -> list[str]:
        """S3 URIs of the trials to compare with, in the order of their numbers."""
        found = {match[1]: uri for name, uri in self.given.items() if (match := _OTHER_TRIAL.fullmatch(name))}
        return [found[number] for number in sorted(found, key=int)]

    def step(self, name: str) -> int | None:
        """``start_step`` or ``end_step``; None where it is not given. Raises ValueError."""
        given = self.given.get(name, "")
        return int(given) if given not in ("", "None") else None

    def settings(self) -> Settings:
        """Where the server is, and the key it takes."""
        return Settings(
            home=self.ml,
            url=self.environment["AWS_ENDPOINT_URL"],
            region=self.environment["AWS_REGION"],
            access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )


def ml_of(environment: Mapping[str, str]) -> Path:
    """``/opt/ml``, where it is in this job."""
    return Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
