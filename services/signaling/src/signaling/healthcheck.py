"""`python -m signaling.healthcheck`: whether the service in this container is ready."""

import sys

from runtime.healthcheck import main

if __name__ == "__main__":
    sys.exit(main())
