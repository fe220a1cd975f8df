# `make image` builds it, `make container` runs the benchmark in it.
FROM python:3.13-slim
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /respbench
COPY . .
RUN make cpu-torch
RUN make setup
ENTRYPOINT ["make"]
CMD ["benchmark"]
