"""``epochwatch interrupt``: what a spot interruption does to a created job, by hand."""

import click


@click.command("interrupt")
@click.argument("job")
def interrupt_command(job: str) -> None:
    """Interrupt the created training job JOB: it ends, and is started again with its checkpoints.

    The training gets SIGTERM and two minutes to save what it has, as before a spot interruption.
    """
    from epochwatch.client.http import Client
    from epochwatch.model.launch import Interruption
    from epochwatch.settings import load

    Client(load()).post_msgpack("/_/agent/interruptions", Interruption(job), dict[str, object])
    click.echo(f"{job} is interrupted", err=True)
