"""Runs the gateway."""

from rtc_gateway.bootstrap import SERVICE, start
from rtc_gateway.settings import Settings
from runtime.process import run


def main() -> None:
    run(SERVICE, Settings, start)


if __name__ == "__main__":
    main()
