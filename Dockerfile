# The project with its environment:
#
#   docker build --tag twintrain .
#   docker run --rm --publish 127.0.0.1:5000:5000 --interactive --tty twintrain
#
# --build-arg DEVICE=gpu adds the CUDA libraries that TensorFlow wants (PyTorch's wheels bring theirs); then
# docker run --gpus all. The machine's driver must be one for CUDA 13.
FROM python:3.11-slim AS base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git make \
 && rm -rf /var/lib/apt/lists/*
ENV DO_NOT_TRACK=true MLFLOW_DISABLE_TELEMETRY=true

FROM base AS project
ARG DEVICE=cpu
RUN useradd --create-home user && install --directory --owner user /twintrain
USER user
WORKDIR /twintrain
COPY --chown=user Makefile requirements.txt ./
RUN make .venv/bin/.installed \
 && if [ "$DEVICE" = gpu ]; then \
      .venv/bin/python -m pip install --requirement requirements.txt "tensorflow[and-cuda]"; \
    fi
COPY --chown=user . .
ENV PATH=/twintrain/.venv/bin:$PATH
CMD ["bash"]
