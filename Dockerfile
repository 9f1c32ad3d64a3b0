# One image for web, worker, beat and poller. Build: docker compose build
FROM node:22-bookworm-slim AS front
WORKDIR /front
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM python:3.11-slim-bookworm
# pg_dump and pg_restore must be of the server's major version.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-common ca-certificates tzdata \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install -y --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/*
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TZ=Asia/Shanghai PATH=/srv/station/.venv/bin:$PATH
WORKDIR /srv/station
# dialout: the group that owns serial ports on Debian
RUN useradd --system --uid 10001 --groups dialout --home-dir /srv/station station
COPY requirements/base.txt requirements/
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements/base.txt
COPY . .
COPY --from=front /front/node_modules node_modules
RUN python -I station/runtime/bootstrap.py front-end && rm -rf node_modules
# The values are for this step only; the running containers get theirs from compose.
RUN PRODUCTION=1 STATIC_FINDERS=0 SECRET_KEY=only-while-collecting-static-files-0000 \
    SITE_KEY=only-while-collecting-static-files-0000 \
    DATABASE_URL=postgresql://nobody/none REDIS_URL=redis://nobody \
    python manage.py collectstatic --noinput \
    && mkdir -p var/practice /srv/practice && chown -R station:station var /srv/practice
USER station
ENV PRODUCTION=1 STATIC_FINDERS=0 LOG_JSON=1 BIND=0.0.0.0:8000
VOLUME /srv/station/var
EXPOSE 8000
CMD ["gunicorn", "-c", "python:station.runtime.web", "station.wsgi"]
