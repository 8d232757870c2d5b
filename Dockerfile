# One file, two images:
#
#   docker build --target agent      --build-arg VERSION=v0.1.0 -t netlab-agent:v0.1.0 .
#   docker build --target controller --build-arg VERSION=v0.1.0 -t netlab-controller:v0.1.0 .
#
# The builder runs on the machine's own architecture and cross-compiles: add
# --platform linux/amd64,linux/arm64 for both. `make images` makes the same images without
# Docker; a test compares the two.
FROM --platform=$BUILDPLATFORM golang:1.26 AS builder
ARG TARGETOS TARGETARCH
ARG VERSION=dev
WORKDIR /src
# Dependencies in a layer of their own: they change less often than the code.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/ \
    ./cmd/netlab-agent ./cmd/netlab-controller

# The agent makes namespaces, links and mounts: it is root, and its pod privileged.
FROM scratch AS agent
ARG VERSION=dev
LABEL org.opencontainers.image.title="netlab-agent" \
      org.opencontainers.image.description="Realizes NetLabs on a node" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/netlab-dev/netlab"
COPY --from=builder /out/netlab-agent /
ENTRYPOINT ["/netlab-agent"]

# The controller only talks to the API server.
FROM scratch AS controller
ARG VERSION=dev
LABEL org.opencontainers.image.title="netlab-controller" \
      org.opencontainers.image.description="Folds reports into the status of NetLabs" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/netlab-dev/netlab"
COPY --from=builder /out/netlab-controller /
USER 65532:65532
ENTRYPOINT ["/netlab-controller"]
