# Stands in for coturn/coturn: Debian's coturn, with the user, the capability and the entry point of the image.
ARG DEBIAN_IMAGE
# hadolint ignore=DL3006
FROM ${DEBIAN_IMAGE}
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends coturn libcap2-bin \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /etc/turnserver.conf \
    && setcap CAP_NET_BIND_SERVICE=+ep /usr/bin/turnserver \
    && mkdir -p /var/lib/coturn \
    && chown nobody:nogroup /var/lib/coturn
COPY --chmod=755 coturn-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
# By name, as the image has it.
# hadolint ignore=DL3066
USER nobody:nogroup
EXPOSE 3478 3478/udp 5349 5349/udp
VOLUME ["/var/lib/coturn"]
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["--log-file=stdout"]
