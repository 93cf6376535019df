"""`python -m policy.k8s.rendered` writes k8s/all.yaml; with `--check` it only says whether it is as it should be."""

import argparse
import sys

from policy.k8s.rendering import HEAD, RENDERED, text_of


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m policy.k8s.rendered", description="Write k8s/all.yaml.")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 where it is not what it should be")
    wanted = HEAD + text_of("local")
    if parser.parse_args().check:
        if not RENDERED.is_file() or RENDERED.read_text(encoding="utf-8") != wanted:
            sys.stderr.write("k8s/all.yaml is not the overlay; run: .venv/bin/python -m policy.k8s.rendered\n")
            return 1
        return 0
    RENDERED.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
