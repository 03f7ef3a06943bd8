"""How a query is refused."""


class MalformedQuery(ValueError):
    """The text is no query. ``start`` and ``end`` are the offsets of what is wrong in it."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end
