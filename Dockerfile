# One file, two images:
#
#   docker build --target agent      -t netlab-agent .
#   docker build --target controller -t netlab-controller .
#
# The builder runs on the machine's own architecture and cross-compiles.
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
    ./cmd/netlab-agent ./cmd/netlab-controller ./cmd/kubectl-netlab

# The agent makes namespaces, links and mounts: it is root, and its pod privileged.
FROM gcr.io/distroless/static:latest AS agent
COPY --from=builder /out/netlab-agent /out/kubectl-netlab /
ENTRYPOINT ["/netlab-agent"]

# The controller only talks to the API server.
FROM gcr.io/distroless/static:nonroot AS controller
COPY --from=builder /out/netlab-controller /
USER 65532:65532
ENTRYPOINT ["/netlab-controller"]
