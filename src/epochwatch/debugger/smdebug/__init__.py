"""smdebug's files, read and written byte for byte."""
