"""The real images, started from the real compose.yml by Compose v2, on Docker where it answers and else on podman.

`make test-containers` sets up what it needs and runs it, as root on Linux. `make test` does not collect it.

What is real: compose.yml, our images from their Dockerfiles, Compose v2, the kernel's networks, Chromium, coturn,
nginx, NATS and PostgreSQL. Where no registry answers, the images of others are stand-ins (`standins/`): Debian trixie
by debootstrap, with Python, coturn and nginx from its packages, and PostgreSQL, NATS, uv and Node out of their wheels,
in the versions that uv.lock or compose.yml name. Users, folders, ports, volumes and entry points are those of the
images that they stand for. They differ in this: coturn is 4.6.1 and nginx 1.26, NATS and nginx are on Debian where the
images are on Alpine, and PostgreSQL's locale is C.UTF-8. What podman does not take of compose.yml: `podman.overrides`.

`pods` runs the rendered pods of k8s/overlays/local on the same engine, and needs kubectl to render them.

The model is `deploy/standin`, on the host, where LM Studio would be.
"""
