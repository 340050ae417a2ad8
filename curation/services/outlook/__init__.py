"""When pools and projects will be done and what they will have cost: computed, kept once an hour, compared later."""

from curation.services.outlook.accuracy import Accuracy, accuracy_of, settled
from curation.services.outlook.of_pool import outlook_of_pool
from curation.services.outlook.of_project import outlook_of_project, with_outlook
from curation.services.outlook.told import Told
from curation.services.outlook.writing import wake_due, write_outlooks

__all__ = [
    "Accuracy",
    "Told",
    "accuracy_of",
    "outlook_of_pool",
    "outlook_of_project",
    "settled",
    "wake_due",
    "with_outlook",
    "write_outlooks",
]
