"""What SageMaker Debugger's client makes of a profile, under its names: tables, statistics, timelines, charts."""
