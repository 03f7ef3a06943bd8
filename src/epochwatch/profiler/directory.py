"""Opens a profile that lies in files, whoever wrote them."""

from epochwatch.debugger.places import open_place
from epochwatch.profiler.profile import Profile
from epochwatch.profiler.smdebug.profile import SmdebugProfile

_FOLDER = "profiler-output"


def open_profile(path: str) -> Profile:
    """The profile in a directory or below ``s3://bucket/prefix``: a job's ``profiler-output``, or the folder of one."""
    path = path.strip().rstrip("/")
    parts = path.rsplit("/", 2)
    job = parts[-2] if parts[-1] == _FOLDER and len(parts) > 1 else parts[-1]
    return SmdebugProfile(open_place(path), job)
