# The page, and the one way in for browsers and MCP clients: nginx, without root.
#   docker build -f deploy/images/page.Dockerfile -t todo-agent/page .
ARG NODE_IMAGE=node:24.19.0-trixie-slim
ARG NGINX_IMAGE=nginxinc/nginx-unprivileged:1.30.4-alpine-slim

# hadolint ignore=DL3006
FROM ${NODE_IMAGE} AS build
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
# Compressed once and for all: nginx sends the .gz beside a file to whoever takes it.
RUN npm run build && \
    chmod -R a+rX dist && \
    find dist -type f \( -name '*.js' -o -name '*.css' -o -name '*.html' -o -name '*.svg' \) -exec gzip -9 -k {} +

# hadolint ignore=DL3006
FROM ${NGINX_IMAGE}
LABEL org.opencontainers.image.title="todo-agent page" \
      org.opencontainers.image.description="The page, in front of signaling and mcp-bridge"
# With modes of their own: a clone may be readable by one user alone.
COPY --chmod=0644 deploy/nginx/nginx.conf deploy/nginx/site.conf /etc/nginx/
COPY --chmod=0755 deploy/nginx/30-places.sh /docker-entrypoint.d/
COPY --from=build /web/dist /usr/share/nginx/html
EXPOSE 8080 8443
HEALTHCHECK --interval=10s --timeout=4s --start-period=20s \
    CMD ["env", "-u", "http_proxy", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/healthz"]
