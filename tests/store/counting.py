"""Opens a store that was killed, sends each source's open batch again and prints what the tables hold, as JSON."""

import json
import sys
from pathlib import Path

from tests.store.ingesting import open_stores, send


def main(directory: Path, firsts: list[int]) -> None:
    stores = open_stores(directory)
    try:
        for thread, number in enumerate(firsts):
            send(stores, thread, number, resend=True)
        counts = {
            table: stores.engine.query(
                "SELECT source, toInt64(count()) AS rows, toInt64(uniqExact(seq)) AS places, max(seq) AS last "
                f"FROM {table} GROUP BY source"
            ).to_pylist()
            for table in ("datapoints", "run_points", "log_events")
        }
    finally:
        stores.close()
    print(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(word) for word in sys.argv[2:]])
