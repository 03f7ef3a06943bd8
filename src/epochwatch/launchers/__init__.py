"""Created jobs on real machines: taken from the queue, started, looked after, uploaded.

The *queue* lives in the server and starts one *runner* for each job by a *launcher* (on this machine, or through
Slurm). The runner outlives the server; it supervises one *host* process for each host of the job. A host prepares
``/opt/ml``, runs the training under the agent, and sees to it that the server gets every line and value.
"""
