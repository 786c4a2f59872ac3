"""The versions of what stages do; imports nothing, so that a run with nothing to do need not import the stages.

Raise a stage's number whenever the same input comes to another result: everybody's artifacts of it become stale.
"""

STAGES = {"detect": 1, "scaffold": 1, "inject": 1, "measure": 1, "compare": 1, "render": 1}
REPORT = 1
