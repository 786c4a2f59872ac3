"""What each stage writes and later stages read, a module for each; no time stamps, no absolute paths.

Times are in seconds, memory in bytes, paths relative to the root of the project's repository with forward slashes,
commits full hexadecimal SHAs. Every metric is a cost: less is better.
"""

from .branching import AuditFinding, Branching, MadeCommit, Opening
from .codeflash import CodeflashFigure, CodeflashRun
from .comparison import Change, Comparison, FirstCall, Interval, Verdict
from .detection import (
    ChangedFunction,
    Commit,
    ContributionRule,
    DefinitionPlace,
    DependencyDifference,
    Detection,
    DomainProposal,
    Layout,
    Presence,
)
from .injection import Injection, TreeSpec
from .linting import LintFinding, Linting, Reach
from .project_tests import Ending, EndingDifference, ProjectTests, SideRun
from .recording import (
    ArgumentsAsCode,
    Fake,
    FakeMethod,
    Peaks,
    RecordedCall,
    Recording,
    Sample,
    SampledCall,
    WorkloadTest,
)
from .rendering import Bullets, Failure, Rendering, Stamp, Table
from .samples import (
    SIDES,
    UNITS,
    FunctionShare,
    Held,
    ImportedModule,
    Launch,
    Load,
    LockstepTimes,
    Measured,
    Measurement,
    MetricName,
    Module,
    Output,
    Provenance,
    Samples,
    Share,
    Side,
    Site,
    Stack,
)
from .scaffolding import DataFile, Scaffolding, claimed_domains, optimized_function
from .survey import Decision, Drift, PullRequest, Survey
from .verification import Repeated, RunCommand, Verification
