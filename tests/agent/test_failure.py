"""Why a training failed, in SageMaker's words."""

from epochwatch.agent.failure import LONGEST_REASON, LastLines

TRACE = ["Traceback (most recent call last):", '  File "a.py", line 1, in <module>', "ValueError: bad shape"]


def reason(*outputs: list[str], exit_code: int = 1, command: tuple[str, ...] = ("python", "a b.py")) -> str:
    lines = LastLines()
    for number, messages in enumerate(outputs):
        lines.add(f"output-{number}", messages)
    return lines.reason(exit_code, command)


def test_the_last_traceback_is_the_message() -> None:
    assert reason(["fine", *TRACE, "bye"]) == (
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n"
        'ErrorMessage "Traceback (most recent call last):\n'
        '  File "a.py", line 1, in <module>\nValueError: bad shape"\n'
        "Command \"python 'a b.py'\", exit code: 1"
    )


def test_without_a_traceback_the_last_line_that_speaks_of_an_error_is() -> None:
    assert 'ErrorMessage "CUDA error: no device"' in reason(["CUDA error: no device", "bye"], exit_code=2)
    assert 'ErrorMessage "bye"' in reason(["fine", "bye", ""])


def test_without_a_line_there_is_no_message() -> None:
    assert reason(command=(), exit_code=137) == (
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 137, exit code: 137"
    )


def test_a_traceback_that_comes_in_pieces_is_one() -> None:
    lines = LastLines()
    for line in ["epoch 1", *TRACE]:
        lines.add("output", [line])
    assert "ValueError: bad shape" in lines.reason(1, [])
    assert "Traceback" in lines.reason(1, [])


def test_a_traceback_of_any_output_comes_before_other_errors() -> None:
    assert "ValueError: bad shape" in reason(TRACE, ["error: later"])


def test_colours_are_left_out() -> None:
    assert "\x1b" not in reason([f"\x1b[35m{line}\x1b[0m" for line in TRACE])


def test_a_reason_is_no_longer_than_sagemaker_s() -> None:
    deep = [TRACE[0], *(f"  call {number}" for number in range(300)), TRACE[-1]]
    found = reason(deep, command=("python", "x" * 5000))
    assert len(found) <= LONGEST_REASON
    assert "  call 299\nValueError: bad shape" in found
    assert len(reason(["error " + "x" * 5000])) <= LONGEST_REASON
