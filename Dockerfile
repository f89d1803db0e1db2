FROM nvidia/cuda:13.0.1-base-ubuntu24.04
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/jgan
ENV PATH=/opt/jgan/bin:$PATH
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir '.[cuda13,audio,video]'
WORKDIR /data
ENTRYPOINT ["jgan"]
