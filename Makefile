# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Needs Go, make, git and bash; everything else is built from Go modules, pinned in go.mod, hack/tools/go.mod and
# hack/controlplane/go.mod, and kept in bin/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # generators write what the next step reads; each step is parallel inside
MAKEFLAGS += --no-builtin-rules --no-print-directory

GO ?= go
# Programs, tests and the image are built alike, and no C compiler is needed. For go test -race: CGO_ENABLED=1.
export CGO_ENABLED ?= 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT ?= $(shell git rev-parse --verify --quiet HEAD 2>/dev/null || echo unknown)
VERSION_PACKAGE := github.com/chatelaine-dev/chatelaine/internal/version
LDFLAGS = -s -w -X $(VERSION_PACKAGE).Version=$(VERSION) -X $(VERSION_PACKAGE).Commit=$(COMMIT)

IMAGE ?= ghcr.io/chatelaine-dev/chatelaine:$(VERSION)
PLATFORMS ?= linux/amd64,linux/arm64
BUILD_ARGS = --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT)

PKG ?= ./...
TEST_FLAGS ?=
TEST_TIMEOUT ?= 30m
BENCH_COUNT ?= 1
BENCH_FLAGS ?= -benchtime=1x
BENCH_TIMEOUT ?= 2h

MODULES := . hack/tools hack/controlplane
TOOL := $(GO) tool -modfile=hack/tools/go.mod
LINTER := bin/golangci-lint

# Prints the folder with kube-apiserver, etcd and kubectl: that of KUBEBUILDER_ASSETS when it is set, else bin/k8s,
# building it first where need be.
CONTROL_PLANE := hack/controlplane/build.sh bin/k8s
with-control-plane = KUBEBUILDER_ASSETS="$$($(CONTROL_PLANE))" && export KUBEBUILDER_ASSETS

# The test of the AWS backend against moto, which lists what moto lacks: go test would keep that to itself.
MOTO_TEST := TestTheAWSBackendIsABackendOnMoto

##@ Use

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":.*## "; print "usage: make TARGET"} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build bin/demo ## Start a control plane and the operator, bring the sample keys to Ready, stop.
	@$(with-control-plane) && bin/demo --once

.PHONY: run
run: build bin/demo ## The same, and stay up until Ctrl-C.
	@$(with-control-plane) && exec bin/demo

.PHONY: test
test: modules ## Run all tests; PKG=./internal/plan/... for some, TEST_FLAGS for more flags of go test.
	@if [ '$(PKG)' = ./... ]; then $(GO) test -v -run '$(MOTO_TEST)/^$$' ./internal/backend/aws | sed -n 's/.*not shown here: /not shown on moto, but on our own endpoint: /p'; fi
	@$(with-control-plane) && $(GO) test -timeout=$(TEST_TIMEOUT) $(TEST_FLAGS) $(PKG)

.PHONY: bench
bench: modules tool-modules ## Run the benchmarks in test/bench BENCH_COUNT times and summarise them.
	@mkdir -p bin
	@$(with-control-plane) && $(GO) test -run='^$$' -bench=. $(BENCH_FLAGS) -count=$(BENCH_COUNT) \
		-timeout=$(BENCH_TIMEOUT) ./test/bench/... | tee bin/bench.txt
	@$(TOOL) benchstat bin/bench.txt

##@ Change

.PHONY: generate
generate: tool-modules ## Generate the DeepCopy methods of api/.
	@echo "generating DeepCopy methods"
	@$(TOOL) controller-gen object:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: manifests
manifests: tool-modules ## Generate the CRDs in config/crd/bases (RBAC in config/rbac is written by hand).
	@echo "generating CRDs"
	@$(TOOL) controller-gen crd paths=./api/... output:crd:artifacts:config=config/crd/bases

.PHONY: docs
docs: modules tool-modules ## Generate docs/api.md and docs/operations.md.
	@echo "generating docs/operations.md"
	@$(GO) run ./hack/operations
	@echo "generating docs/api.md"
	@mkdir -p docs
	@$(TOOL) crd-ref-docs --source-path=api --config=hack/crd-ref-docs.yaml --renderer=markdown \
		--output-path=docs/api.md --log-level=ERROR

.PHONY: fmt
fmt: $(LINTER) ## Format the Go code.
	@$(LINTER) fmt

.PHONY: lint
lint: $(LINTER) ## Lint the Go code, the API conventions and who imports whom.
	@echo "linting"
	@$(LINTER) run

.PHONY: lint-fix
lint-fix: $(LINTER) ## Lint, and fix what can be fixed by machine.
	@$(LINTER) run --fix

.PHONY: tidy
tidy: ## Tidy every go.mod.
	@echo "tidying go.mod files"
	@for module in $(MODULES); do $(GO) -C "$$module" mod tidy; done

.PHONY: verify
verify: ## Generate, tidy and lint, and fail unless all of it is committed.
	@$(MAKE) generate manifests docs tidy lint
	@changes="$$(git status --porcelain)"; \
	if [ -n "$$changes" ]; then \
		git --no-pager diff; \
		printf '\n%s\n%s\n' "verify: these files differ from the last commit; commit them and what was generated:" "$$changes" >&2; \
		exit 1; \
	fi
	@echo "verify: generated files, go.mod files and lint are clean, and all is committed"

##@ Build

.PHONY: build
build: modules ## Build bin/chatelaine.
	@echo "building bin/chatelaine $(VERSION)"
	@$(GO) build -buildvcs=false -ldflags "$(LDFLAGS)" -o bin/chatelaine .

.PHONY: bin/demo
bin/demo: modules
	@$(GO) build -buildvcs=false -o $@ ./hack/demo

.PHONY: controlplane
controlplane: ## Build kube-apiserver, etcd and kubectl into bin/k8s, unless KUBEBUILDER_ASSETS names them.
	@$(with-control-plane) && echo "KUBEBUILDER_ASSETS=$$KUBEBUILDER_ASSETS"

.PHONY: image
image: ## Build the container image for this machine.
	docker buildx build --load $(BUILD_ARGS) --tag $(IMAGE) .

.PHONY: image-push
image-push: ## Build the container image for PLATFORMS and push it.
	docker buildx build --push --platform $(PLATFORMS) $(BUILD_ARGS) --tag $(IMAGE) .

.PHONY: clean
clean: ## Remove bin/.
	rm -rf bin

# go build reports every module that it downloads; go mod download fetches them in silence.
.PHONY: modules
modules:
	@$(GO) mod download

.PHONY: tool-modules
tool-modules:
	@$(GO) -C hack/tools mod download

$(LINTER): $(wildcard hack/tools/golangci-lint/*.go) hack/tools/go.mod hack/tools/go.sum | tool-modules
	@echo "building golangci-lint with kube-api-linter from source: about 2 minutes the first time"
	@mkdir -p bin
	@$(GO) -C hack/tools build -buildvcs=false -ldflags "-s -w" -o "$(CURDIR)/$@" ./golangci-lint
