# The builder runs on the machine's own architecture and cross-compiles: no emulation for the other one.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src

# Modules are a layer of their own, downloaded again only when the requirements change.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=devel
ARG COMMIT=unknown
ARG VERSION_PACKAGE=github.com/chatelaine-dev/chatelaine/internal/version
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X $VERSION_PACKAGE.Version=$VERSION -X $VERSION_PACKAGE.Commit=$COMMIT" \
    -o /chatelaine .

# No shell, no package manager, a user without rights; the CA certificates are what the AWS backend needs.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /chatelaine /chatelaine
USER 65532:65532
ENTRYPOINT ["/chatelaine"]
