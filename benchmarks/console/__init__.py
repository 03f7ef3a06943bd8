"""How fast the console is: with many charts, jobs, lines and onlookers, beside its peers. See benchmarks/README.md."""
