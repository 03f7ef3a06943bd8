"""PromQL: parsing, and evaluation over samples in memory. Imports numpy: for the server only."""
