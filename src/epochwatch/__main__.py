"""``python -m epochwatch`` is the ``epochwatch`` command."""

from epochwatch.cli.main import main

if __name__ == "__main__":
    main()
