"""The only place with SQL and object paths: metrics, run points, log events, job records, objects."""
