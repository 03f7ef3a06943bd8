"""Event files: what a process did, as rows that it appends while it trains."""
