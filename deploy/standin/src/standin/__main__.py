"""`python -m standin`: the stand-in model as a process."""

import sys

from standin.bootstrap import serve
from standin.settings import read_settings

if __name__ == "__main__":
    sys.exit(serve(read_settings()))
