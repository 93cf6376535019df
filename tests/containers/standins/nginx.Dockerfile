# Stands in for nginxinc/nginx-unprivileged: Debian's nginx with the user, folders, port and entry point of the image.
ARG DEBIAN_IMAGE
# hadolint ignore=DL3006
FROM ${DEBIAN_IMAGE}
# hadolint ignore=DL3008
RUN groupadd --system --gid 101 nginx \
    && useradd --system --gid 101 --uid 101 --no-create-home --home-dir /nonexistent --shell /bin/false nginx \
    && apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends nginx-light busybox gettext-base \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /etc/nginx/sites-* /etc/nginx/modules-enabled /var/www /docker-entrypoint.d \
    && ln -s busybox /usr/bin/wget \
    && mkdir -p /docker-entrypoint.d /etc/nginx/conf.d /var/cache/nginx /usr/share/nginx/html \
    && ln -sf /dev/stdout /var/log/nginx/access.log \
    && ln -sf /dev/stderr /var/log/nginx/error.log \
    && chown -R 101:0 /etc/nginx /var/cache/nginx \
    && chmod -R g+w /etc/nginx /var/cache/nginx
COPY --chown=101:0 nginx.conf /etc/nginx/nginx.conf
COPY --chown=101:0 nginx-default.conf /etc/nginx/conf.d/default.conf
COPY --chmod=755 nginx-templates.sh /docker-entrypoint.d/20-envsubst-on-templates.sh
COPY --chmod=755 nginx-entrypoint.sh /docker-entrypoint.sh
EXPOSE 8080
STOPSIGNAL SIGQUIT
USER 101
ENTRYPOINT ["/docker-entrypoint.sh"]
CMD ["nginx", "-g", "daemon off;"]
