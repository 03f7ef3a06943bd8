"""A process that stands by: ``python -m epochwatch.agent.standby SPOOL HANDOVER SLOT``.

It has inherited the run's descriptors and goes on recording when the recorder is killed. In the slot ``standby`` it
ships too, in the place of a front that was killed.
"""

import sys
import threading
from pathlib import Path

from epochwatch.agent.recorder import Handover, stand_by
from epochwatch.agent.spool import Spool


def main(arguments: list[str]) -> None:
    """Returns when the run is over (and, in the slot ``standby``, delivered or left for ``epochwatch sync``)."""
    spool, handover, slot = Spool(Path(arguments[0])), Handover.from_json(arguments[1]), arguments[2]
    lock = spool.lock(slot)
    lock.take(wait=True)
    if slot != "standby":
        stand_by(spool, handover, lock, slot)
        return
    threading.Thread(target=stand_by, args=(spool, handover, lock, slot), name="recorder").start()
    # Imported only now: whoever stands by must be ready soon.
    from epochwatch.agent.headless import ship_alone

    ship_alone(spool)


if __name__ == "__main__":
    main(sys.argv[1:])
