"""What reading a trial and running rules over it can end with; names and words are smdebug's."""

from epochwatch.debugger.mode_keys import ModeKeys


class SMDebugError(Exception):
    """The root of this module."""


class SMDebugTypeError(SMDebugError, TypeError):
    """A value of the wrong type."""


class SMDebugValueError(SMDebugError, ValueError):
    """A value that cannot be."""


class SMDebugRuntimeError(SMDebugError, RuntimeError):
    """A trial that contradicts itself."""


class SMDebugNotImplementedError(SMDebugError, NotImplementedError):
    """Something that is done elsewhere; the message says where."""


class InvalidCollectionConfiguration(SMDebugError):
    """A collection that matches nothing."""

    def __init__(self, c_name: str) -> None:
        self.c_name = c_name
        super().__init__(
            f"Collection {c_name} has not been configured. Please fill in tensor_name or include_regex"
        )


class MissingCollectionFiles(SMDebugError):
    """The training is over, and some workers never wrote their collections."""

    def __init__(self) -> None:
        super().__init__("Training job has ended. All the collection files could not be loaded")


class IndexReaderException(SMDebugError):
    """An index file that cannot be read."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class StepNotYetAvailable(SMDebugError):
    """The step may still come."""

    def __init__(self, step: int, mode: ModeKeys) -> None:
        self.step, self.mode = step, mode
        super().__init__(f"Step {step} of mode {mode.name} not yet available")


class StepUnavailable(SMDebugError):
    """The step was passed over and will never come."""

    def __init__(self, step: int, mode: ModeKeys) -> None:
        self.step, self.mode = step, mode
        super().__init__(f"Step {step} of mode {mode.name} is not available as it was not saved")


class TensorUnavailable(SMDebugError):
    """No tensor of this name."""

    def __init__(self, tname: str) -> None:
        self.tname = tname
        super().__init__(f"Tensor {tname} was not saved.")


class TensorUnavailableForStep(SMDebugError):
    """The tensor, but not at this step, or only its reductions."""

    def __init__(
        self, tname: str, step: int, mode: ModeKeys = ModeKeys.GLOBAL, has_reductions: bool = False
    ) -> None:
        self.tname, self.step, self.mode, self.has_reductions = tname, step, mode, has_reductions
        message = (
            f"Value for tensor {tname} is not available for step {step} with mode {mode.name} as it was not saved."
        )
        if has_reductions:
            message += (
                "This tensor has reductions saved for this step. You might want to query for the reductions."
            )
        super().__init__(message)


class ShapeUnavailableForStep(SMDebugError):
    """Neither shape nor value of the tensor at this step."""

    def __init__(self, tname: str, step: int, mode: ModeKeys = ModeKeys.GLOBAL) -> None:
        self.tname, self.step, self.mode = tname, step, mode
        super().__init__(
            f"Shape for tensor {tname} is not available for step {step} with mode {mode.name} as it was not saved."
        )


class InvalidWorker(SMDebugError):
    """The worker did not save the tensor at this step."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        super().__init__(f"Invalid Worker: {worker}")


class NoMoreData(SMDebugError):
    """The training is over, and the step lies behind its end."""

    def __init__(self, step: int, mode: ModeKeys, last_step: int) -> None:
        self.step, self.mode, self.last_step = step, mode, last_step
        self.msg = (
            f"Looking for step {step} of mode {mode.name} and reached end of training. "
            f"Max step available is {last_step}"
        )
        super().__init__(self.msg)


class NoMoreProfilerData(SMDebugError):
    """The training is over, and the time (Unix microseconds) lies behind its end."""

    def __init__(self, timestamp: int) -> None:
        self.timestamp = timestamp
        self.msg = f"Looking for timestamp {timestamp} and reached end of training."
        super().__init__(self.msg)


class RuleEvaluationConditionMet(SMDebugError):
    """A rule found what it looks for. ``end_of_rule`` asks that it be evaluated no more."""

    def __init__(self, rule_name: str, step: int, end_of_rule: bool = False) -> None:
        self.rule_name, self.step, self.end_of_rule = rule_name, step, end_of_rule
        super().__init__(f"Evaluation of the rule {rule_name} at step {step} resulted in the condition being met")


class InsufficientInformationForRuleInvocation(SMDebugError):
    """A rule lacks something it needs of the trial or its parameters."""

    def __init__(self, rule_name: str, message: str) -> None:
        self.rule_name, self.message = rule_name, message
        super().__init__(f"Insufficient information to invoke rule {rule_name}: {message}")
