"""Pure records and rules of the domain: no I/O, no SQL, no HTTP."""
