"""The AWS services: one package each, one function per operation, named after it."""
