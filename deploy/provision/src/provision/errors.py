"""Why a step could not be done, in words for whoever deploys."""


class ProvisionError(Exception):
    """The text is what is printed; the step's exit status is 1."""
