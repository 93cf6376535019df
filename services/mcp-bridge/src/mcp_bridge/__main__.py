"""`python -m mcp_bridge`: the to-do lists for MCP clients, on stdio, over HTTP, or passed on from stdio to HTTP."""

import sys

from mcp_bridge.descriptors import claim


def main() -> None:
    # Before anything else is imported, since it could print.
    on_stdio = not {"-h", "--help", "--http"}.intersection(word.partition("=")[0] for word in sys.argv[1:])
    descriptors = claim() if on_stdio else None
    from mcp_bridge.run import run  # noqa: PLC0415

    run(descriptors)


if __name__ == "__main__":
    main()
