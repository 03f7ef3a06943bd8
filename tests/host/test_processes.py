import subprocess
import sys
import time

from epochwatch.agent.host.processes import ProcessTree
from tests.agent.running import until
from tests.host.probing import named_sample

BUSY = "import time\nend = time.monotonic() + 30\nwhile time.monotonic() < end: pass"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])"


def test_descendants_count_and_other_processes_do_not() -> None:
    other = subprocess.Popen([sys.executable, "-c", BUSY])
    job = subprocess.Popen([sys.executable, "-c", PARENT])
    tree = ProcessTree(job.pid)
    try:
        until(lambda: named_sample(tree, 1.0)["job.processes"] == 2)
        assert job.pid in tree.pids
        assert other.pid not in tree.pids
        begin = time.monotonic()
        named_sample(tree, 1.0)
        time.sleep(0.5)
        assert named_sample(tree, time.monotonic() - begin)["job.cpu"] < 150
    finally:
        for pid in tree.pids:
            subprocess.run(["kill", "-9", str(pid)], check=False)
        other.kill()
        job.wait()
        other.wait()
    until(lambda: named_sample(tree, 1.0)["job.processes"] == 0)
