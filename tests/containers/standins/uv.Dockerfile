# Stands in for ghcr.io/astral-sh/uv: the program out of its wheel.
FROM scratch
COPY uv/bin/uv /uv
ENTRYPOINT ["/uv"]
