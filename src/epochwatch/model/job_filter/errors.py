"""What is wrong with a filter, and where."""


class InvalidFilter(ValueError):
    """The text is no filter. ``message`` begins with the place: ``column 12: ...``; ``column`` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        self.message = f"column {column}: {message}"
        self.column = column
        super().__init__(self.message)
