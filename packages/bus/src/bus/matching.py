"""How NATS matches subjects: `*` is one token, `>` at the end is one or more."""


def covers(pattern: str, wanted: str) -> bool:
    """Whether every subject that `wanted` matches is matched by `pattern`; `wanted` may be a plain subject."""
    allowed, asked = pattern.split("."), wanted.split(".")
    for place, word in enumerate(allowed):
        if word == ">":
            return len(asked) > place
        if place >= len(asked) or word not in {"*", asked[place]} or asked[place] == ">":
            return False
    return len(allowed) == len(asked)
