"""What became of a training of which nobody tells the exit status."""

import pytest

from epochwatch.agent.follow.ends import judged, last_words
from epochwatch.agent.spool import Exit

TRACEBACK = """step=1 loss=nan
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    raise ValueError("loss is nan")
"""


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", None),
        ("step=1 loss=1\ndone\n", None),
        (f"{TRACEBACK}ValueError: loss is nan\n", "ValueError: loss is nan"),
        (f"{TRACEBACK}ValueError: loss is nan", "ValueError: loss is nan"),
        (f"{TRACEBACK}torch.OutOfMemoryError: CUDA out of memory.\n\n", "torch.OutOfMemoryError: CUDA out of memory."),
        (f"{TRACEBACK}KeyboardInterrupt\n", "KeyboardInterrupt"),
        (f"{TRACEBACK}ValueError: caught\n" + "step=2 loss=1\n" * 9, None),
        (f"{TRACEBACK}", None),
        ("ValueError: only said\n", None),
        ("run.sh: line 3:  1234 Killed   python train.py\n", "run.sh: line 3:  1234 Killed   python train.py"),
        ("Killed\n", "Killed"),
        ("Segmentation fault (core dumped)\n", "Segmentation fault (core dumped)"),
        ("10%|#  \r20%|## \rAborted (core dumped)\n", "Aborted (core dumped)"),
        ("srun: error: node7: task 0: Exited with code 1\n", "srun: error: node7: task 0: Exited with code 1"),
        ("slurmstepd: error: *** JOB 4 ON n CANCELLED ***\n", "slurmstepd: error: *** JOB 4 ON n CANCELLED ***"),
        ("Killed the old pool\nstep=2\nstep=3\nstep=4\nstep=5\nstep=6\n", None),
        (b"\xff\xfe\nKilled\n".decode("latin-1"), "Killed"),
    ],
)  # fmt: skip
def test_the_end_of_a_log_tells(log: str, words: str | None) -> None:
    assert last_words(log.encode()) == words


@pytest.mark.parametrize(
    "known",
    [Exit(1.0, 0), Exit(1.0, 7), Exit(1.0, interrupted=True), Exit(1.0, None, status="Stopped", reason="x")],
)
def test_what_is_known_is_not_judged(known: Exit) -> None:
    assert judged(known, [b"Killed\n"]) is known


def test_one_log_that_ends_badly_is_enough() -> None:
    assert judged(Exit(1.0), [b"fine\n", b"Killed\n"]) == Exit(
        1.0, None, status="Failed", reason="exit status unknown; the log ends with: Killed"
    )
    assert judged(Exit(1.0), [b"fine\n", b""]) == Exit(1.0, None, status="Completed")
