"""What ``epochwatch.log`` records, as real scripts leave it in the spool."""

import math
import signal
import time
from pathlib import Path

from epochwatch.agent.spool import RunFile, Spool
from tests.training.scripts import logged, only_spool, run, start


def test_numbers_of_all_kinds_become_values_with_their_names(home: Path) -> None:
    said = run(
        home,
        "import epochwatch, numpy\n"
        "class Tensor:\n"
        "    def item(self): return 7\n"
        "epochwatch.log({'a': 0.5, 'b': 3, 'c': True, 'd': numpy.float32(0.25), 'e': {'f': {'g': 1.0}},\n"
        "                'h': Tensor(), 'i': float('nan'), 'j': float('-inf'), 9: 2.0, 'k': 10**400,\n"
        "                'l': numpy.array([4.0])}, step=5)\n",
    )
    values = {name: value for name, step, value in logged(only_spool(home)) if step == 5}
    assert math.isnan(values.pop("i"))
    assert values == {
        "a": 0.5, "b": 3.0, "c": 1.0, "d": 0.25, "e/f/g": 1.0, "h": 7.0, "j": -math.inf, "9": 2.0,
        "k": math.inf, "l": 4.0,
    }  # fmt: skip
    assert "no number" not in said


def test_what_is_no_number_is_named_once_and_the_rest_is_recorded(home: Path) -> None:
    said = run(
        home,
        "import epochwatch\n"
        "for i in range(3):\n"
        "    epochwatch.log({'text': '1.5', 'none': None, 'list': [1, 2], 'x': 1.0,\n"
        "                    'picture': epochwatch.Image('x.png')})\n"
        "epochwatch.log([1, 2])\n"
        "epochwatch.log({'x': 2.0})\n",
    )
    assert [value for name, _, value in logged(only_spool(home))] == [1.0, 1.0, 1.0, 2.0]
    for name in ("text", "none", "list", "picture"):
        assert said.count(f"'{name}' is no number") == 1
    assert said.count("takes a dictionary") == 1


def test_steps_count_by_themselves_and_follow_the_given_ones(home: Path) -> None:
    run(
        home,
        "import epochwatch, numpy\n"
        "log = epochwatch.log\n"
        "log({'x': 0.0}); log({'x': 1.0}, commit=False); log({'x': 2.0})\n"
        "log({'x': 3.0}, step=10); log({'x': 4.0}); log({'x': 5.0})\n"
        "log({'x': 6.0}, step=3); log({'x': 7.0}, step=20, commit=True); log({'x': 8.0}, step=numpy.int64(50))\n"
        "log({'x': 9.0}, step=51.0); log({'x': 10.0}, step='soon'); log({'x': 11.0}, step=2**70)\n"
        "log({'x': 12.0}, step=4)\n",
    )
    steps = {value: step for _, step, value in logged(only_spool(home))}
    assert steps == {0: 0, 1: 1, 2: 1, 3: 10, 4: 10, 5: 11, 6: 3, 7: 20, 8: 50, 9: 51, 10: 51, 12: 4}


def test_nothing_is_lost_when_the_training_is_killed(home: Path) -> None:
    process = start(
        home,
        "import epochwatch, os, signal\n"
        "for i in range(300_000):\n"
        "    epochwatch.log({'loss': i * 0.5}, step=i)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    values = logged(only_spool(home))
    assert len(values) == 300_000
    assert values == [("loss", i, i * 0.5) for i in range(300_000)]


def test_threads_lose_nothing_and_begin_one_run(home: Path) -> None:
    run(
        home,
        "import epochwatch, threading\n"
        "start = threading.Barrier(8)\n"
        "def work(k):\n"
        "    start.wait()\n"
        "    for i in range(10_000): epochwatch.log({f'metric/{k}': float(i), 'all': float(k)}, step=i)\n"
        "threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n",
    )
    values = logged(only_spool(home))
    assert len(values) == 160_000
    for k in range(8):
        assert [step for name, step, _ in values if name == f"metric/{k}"] == list(range(10_000))


def test_forked_and_started_processes_belong_to_the_run_and_do_not_end_it(home: Path) -> None:
    run(
        home,
        "import epochwatch, os, subprocess, sys\n"
        "epochwatch.log({'parent': 1.0}, step=1)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    epochwatch.log({'forked': 2.0}, step=2)\n"
        "    sys.exit(3)\n"
        "os.waitpid(child, 0)\n"
        "spool = epochwatch.run.dir\n"
        "assert not os.path.exists(spool + '/exit.json')\n"
        "code = 'import epochwatch; epochwatch.log({\"started\": 3.0}, step=3)'\n"
        "subprocess.run([sys.executable, '-c', code], check=True)\n"
        "assert not os.path.exists(spool + '/exit.json')\n"
        "epochwatch.log({'parent': 4.0}, step=4)\n",
    )
    spool = only_spool(home)
    assert sorted(logged(spool)) == [
        ("forked", 2, 2.0),
        ("parent", 1, 1.0),
        ("parent", 4, 4.0),
        ("started", 3, 3.0),
    ]
    assert len(spool.journals) == 3
    ended = spool.exit()
    assert ended is not None
    assert ended.exit_code == 0


def test_a_full_disk_is_said_once_and_the_training_goes_on(home: Path) -> None:
    said = run(
        home,
        "import epochwatch, resource, signal\n"
        "epochwatch.log({'x': 1.0})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "for i in range(200_000): epochwatch.log({'x': 1.0})\n"
        "print('trained')\n",
    )
    assert said.count("logging is off from here on") == 1
    assert len(logged(only_spool(home))) > 30_000


def test_without_a_directory_to_write_to_the_training_goes_on(home: Path) -> None:
    (home / "spool").write_text("a file stands where the directory should be")
    said = run(home, "import epochwatch\nfor i in range(10): epochwatch.log({'x': 1.0})\nepochwatch.finish()\n")
    assert said.count("nothing is recorded") == 1


def test_the_end_of_the_process_is_the_end_of_its_own_run(home: Path) -> None:
    cases = {
        "pass": (0, 0),
        "import sys; sys.exit(3)": (3, 3),
        "import sys; sys.exit('no')": (1, 1),
        "raise ValueError": (1, 1),
        "raise KeyboardInterrupt": (-signal.SIGINT, 130),
    }
    for number, (ending, (status, recorded)) in enumerate(cases.items()):
        place = home / str(number)
        run(place, f"import epochwatch\nepochwatch.log({{'x': 1.0}})\n{ending}\n", status=status)
        ended = only_spool(place).exit()
        assert ended is not None, ending
        assert (ended.exit_code, ended.interrupted) == (recorded, recorded == 130), ending


def test_a_killed_training_leaves_no_end_and_no_lock(home: Path) -> None:
    process = start(
        home, "import epochwatch, time\nepochwatch.log({'x': 1.0})\nprint('on', flush=True)\ntime.sleep(600)\n"
    )
    assert process.stdout is not None
    process.stdout.readline()
    spool = only_spool(home)
    assert spool.being_recorded()
    process.kill()
    process.communicate()
    assert not spool.being_recorded()
    assert spool.exit() is None


def test_inside_epochwatch_run_values_go_to_its_spool(home: Path) -> None:
    spool = Spool.create(home / "spool", RunFile("0" * 32, "outer", time.time()))
    said = run(
        home,
        "import epochwatch\n"
        "with epochwatch.init(project='p', name='inner', config={'lr': 0.1}, tags=['quick']) as run:\n"
        "    run.log({'loss': 1.0})\n"
        "    assert run.name == 'outer'\n",
        more={"EPOCHWATCH_RUN_DIR": str(spool.path), "EPOCHWATCH_JOB": "outer"},
    )
    assert logged(only_spool(home)) == [("loss", 0, 1.0)]
    assert spool.exit() is None, "the job ends with its command"
    assert spool.notes().config == {"lr": 0.1}
    assert spool.notes().tags == {"project": "p", "run_name": "inner", "quick": ""}
    assert "part of job outer" in said


def test_processes_of_one_run_note_side_by_side(home: Path) -> None:
    spool = Spool.create(home / "spool", RunFile("0" * 32, "outer", time.time()))
    inside = {"EPOCHWATCH_RUN_DIR": str(spool.path), "EPOCHWATCH_JOB": "outer"}
    ranks = [
        start(
            home,
            f"import epochwatch\nfor i in range(50): epochwatch.config.rank{k} = i\nepochwatch.summary['s{k}'] = 1\n",
            inside,
        )
        for k in range(4)
    ]
    for rank in ranks:
        assert rank.communicate(timeout=60)[1] == ""
    assert spool.notes().config == {f"rank{k}": 49 for k in range(4)}
    assert spool.notes().summary == {f"s{k}": 1 for k in range(4)}


def test_a_call_costs_no_more_than_a_few_appends(home: Path) -> None:
    """A ratio to a loop on the same machine, not a time: the bound is far above what is measured."""
    code = (
        "import epochwatch, time, json\n"
        "epochwatch.log({'loss': 1.0})\n"
        "def cost(call):\n"
        "    best = 1e9\n"
        "    for _ in range(5):\n"
        "        begin = time.process_time()\n"
        "        for i in range(20_000): call(i)\n"
        "        best = min(best, time.process_time() - begin)\n"
        "    return best\n"
        "ours = cost(lambda i: epochwatch.log({'loss': i * 0.5}, step=i))\n"
        "json_line = cost(lambda i: json.dumps({'loss': i * 0.5, 'step': i}))\n"
        "assert ours < 3 * json_line, (ours, json_line)\n"
    )
    run(home, code)
