"""Following logs that somebody else writes: files, a unit's journal, jobs of Slurm."""
