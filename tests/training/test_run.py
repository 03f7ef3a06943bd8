"""The run object and the module's functions, as W&B users call them."""

from pathlib import Path

from epochwatch.agent.spool import spools
from tests.training.scripts import logged, only_spool, run


def test_config_takes_what_people_give_it(home: Path) -> None:
    run(
        home,
        "import argparse, pathlib, epochwatch\n"
        "run = epochwatch.init(config={'lr': 0.1, 'net': {'width': [1, 2]}})\n"
        "epochwatch.config.batch = 32\n"
        "epochwatch.config['path'] = pathlib.Path('/data')\n"
        "epochwatch.config.update(argparse.Namespace(seed=7), allow_val_change=True)\n"
        "run.config.setdefault('lr', 9); run.config.setdefault('decay', 0.5)\n"
        "assert run.config.lr == 0.1 and 'seed' in run.config and run.config.get('none', 1) == 1\n"
        "assert len(run.config) == 6\n"
        "del run.config['seed']\n",
    )
    assert only_spool(home).notes().config == {
        "lr": 0.1, "net": {"width": [1, 2]}, "batch": 32, "path": "/data", "decay": 0.5
    }  # fmt: skip


def test_summary_holds_the_latest_values_and_keeps_what_is_set(home: Path) -> None:
    run(
        home,
        "import epochwatch\n"
        "epochwatch.log({'loss': 2.0}); epochwatch.log({'loss': 1.0})\n"
        "assert epochwatch.summary['loss'] == 1.0 and epochwatch.summary.loss == 1.0\n"
        "epochwatch.run.summary['best_accuracy'] = 0.9\n"
        "assert dict(epochwatch.summary) == {'loss': 1.0, 'best_accuracy': 0.9}\n",
    )
    assert only_spool(home).notes().summary == {"best_accuracy": 0.9}


def test_define_metric_gives_other_steps_and_keeps_extremes(home: Path) -> None:
    run(
        home,
        "import epochwatch\n"
        "epochwatch.define_metric('validation/*', step_metric='epoch', summary='min')\n"
        "epochwatch.log({'validation/loss': 3.0, 'epoch': 1, 'loss': 5.0}, step=100)\n"
        "epochwatch.log({'epoch': 2}, step=200)\n"
        "epochwatch.log({'validation/loss': 2.0}, step=200)\n"
        "epochwatch.log({'validation/loss': float('nan')}, step=201)\n"
        "epochwatch.log({'validation/loss': 4.0}, step=202)\n",
    )
    spool = only_spool(home)
    steps = [(name, step) for name, step, value in logged(spool)]
    assert steps == [
        ("validation/loss", 1), ("epoch", 100), ("loss", 100), ("epoch", 200), ("validation/loss", 2),
        ("validation/loss", 2), ("validation/loss", 2),
    ]  # fmt: skip
    assert spool.notes().summary == {"validation/loss.min": 2.0}


def test_histograms_are_recorded_as_their_statistics(home: Path) -> None:
    run(
        home,
        "import epochwatch, numpy\n"
        "epochwatch.log({'grad': epochwatch.Histogram([[1.0, 2.0], [3.0, float('nan')]])}, step=1)\n"
        "bins = numpy.histogram(numpy.array([0.0, 1.0, 4.0]), 4)\n"
        "epochwatch.log({'bins': epochwatch.Histogram(np_histogram=bins)}, step=1)\n",
    )
    values = {name: value for name, _, value in logged(only_spool(home))}
    assert values["grad/min"] == 1.0
    assert values["grad/max"] == 3.0
    assert values["grad/mean"] == 2.0
    assert round(values["grad/std"], 6) == 0.816497
    assert values["grad/non_finite"] == 1.0
    assert (values["bins/min"], values["bins/max"]) == (0.0, 4.0)


def test_each_with_block_is_a_run_with_its_own_end(home: Path) -> None:
    said = run(
        home,
        "import epochwatch\n"
        "with epochwatch.init(name='first try', mode='offline') as one: one.log({'x': 1.0})\n"
        "assert epochwatch.run is None\n"
        "try:\n"
        "    with epochwatch.init(name='second', mode='offline') as two:\n"
        "        two.log({'x': 2.0}); raise ValueError\n"
        "except ValueError: pass\n"
        "one.log({'x': 3.0}); one.log({'x': 3.0})\n"
        "assert one.name == 'first-try' and len(one.id) == 32 and one.url == ''\n",
    )
    ends = {spool.run().name: spool.exit() for spool in spools(home / "spool")}
    assert {name: end.exit_code for name, end in ends.items() if end is not None} == {"first-try": 0, "second": 1}
    assert said.count("log() after finish()") == 1
    assert (
        "recording as first-try (a job's name has letters, digits and hyphens); `epochwatch sync` sends it" in said
    )


def test_disabled_records_nothing_and_an_unknown_mode_is_refused(home: Path) -> None:
    run(
        home,
        "import epochwatch\n"
        "run = epochwatch.init(mode='disabled', config={'a': 1})\n"
        "run.log({'x': 1.0}); run.summary['y'] = 2; run.alert('t'); epochwatch.finish()\n"
        "try: epochwatch.init(mode='sometimes')\n"
        "except epochwatch.UsageError as error: assert 'online, offline, disabled' in str(error)\n"
        "else: raise AssertionError\n",
    )
    assert spools(home / "spool") == []


def test_calls_without_a_meaning_say_so_once(home: Path) -> None:
    said = run(
        home,
        "import epochwatch\n"
        "assert epochwatch.login() is True\n"
        "for i in range(2):\n"
        "    epochwatch.watch(object()); epochwatch.save('x.pt')\n"
        "    epochwatch.log_code('.'); epochwatch.log_artifact('x')\n"
        "epochwatch.init(entity='me', mode='disabled')\n",
    )
    for name in ("watch()", "save()", "log_code()", "log_artifact()"):
        assert said.count(f"{name} is not built yet") == 1
    assert "init does nothing with entity" in said
