"""What a host does: the kernel's files, the job's processes and its GPUs, read many times a second at little cost."""
