# `make` alone lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# ip and sysctl are there, and often not in the PATH of users.
export PATH := $(PATH):/usr/sbin:/sbin

# Generators and checkers, pinned by hack/tools/go.mod and built when first used.
TOOL := go tool -modfile=hack/tools/go.mod

# What controller-gen writes.
GENERATED := 'api/**/zz_generated.*.go' config/crd/bases api/README.md controllers/reason/zz_generated.reasons.go

# The version that the programs print.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# The packages of test-race, the tests of story, and the time of each fuzz target.
RACE_PKGS ?= ./...
STORY ?= .
FUZZTIME ?= 10s

# envtest's programs: those in KUBEBUILDER_ASSETS, or built once and kept in the cache.
define with_assets
	KUBEBUILDER_ASSETS=$${KUBEBUILDER_ASSETS:-$$(hack/assets/build.sh)}; \
	for tool in etcd kube-apiserver kubectl; do \
		[ -x "$$KUBEBUILDER_ASSETS/$$tool" ] || { echo "KUBEBUILDER_ASSETS=$$KUBEBUILDER_ASSETS: $$tool does not exist; unset the variable to build it" >&2; exit 1; }; \
	done; \
	export KUBEBUILDER_ASSETS;
endef

# All programs of Kubernetes that hack/cluster runs.
define with_cluster_assets
	KUBEBUILDER_ASSETS=$${KUBEBUILDER_ASSETS:-$$(hack/assets/build.sh "" etcd kube-apiserver kubectl kubelet kube-controller-manager kube-scheduler)}; \
	export KUBEBUILDER_ASSETS;
endef

# The registry of the images, and their architectures.
REGISTRY ?= ghcr.io/netlab-dev
IMAGE_ARCH ?= amd64,arm64
KIND ?= kind

# The simulated fleet.
FLEET_NODES ?= 100
FLEET_LABS ?= 20

# The number of nodes of cluster-up, and the command of cluster-run.
NODES ?= 3
CMD ?= kubectl get nodes
CLUSTER := bin/cluster

##@ Use

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z.-]+:.*## / {printf "  %-19s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build the three static programs into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/netlab-agent ./cmd/netlab-controller ./cmd/kubectl-netlab

.PHONY: demo
demo: build ## Run the tutorial's lab on this machine, failures included, and remove it
	@hack/deps.sh demo
	hack/demo/demo.sh

.PHONY: gallery
gallery: build ## Draw every sample into bin/gallery, with a page that shows all
	@hack/gallery.sh bin/kubectl-netlab bin/gallery

##@ Test

.PHONY: test
test: deps ## Run every test; the first time this builds an API server (6 minutes on 2 cores)
	@$(with_assets) \
	go test -timeout 40m ./...

.PHONY: story
story: deps ## Run only the tests whose names match STORY, and print what they measure
	@$(with_assets) \
	go test -timeout 40m -count=1 -v -run "$(STORY)" ./hack/test/acceptance ./controllers ./controllers/kernel ./cmd/... | grep -v '^=== \|no tests to run'

.PHONY: test-race
test-race: ## Run the tests of RACE_PKGS with the race detector
	@hack/deps.sh race
	@$(with_assets) \
	CGO_ENABLED=1 go test -race -timeout 30m $(RACE_PKGS)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME
	@hack/test/fuzz.sh $(FUZZTIME)

# The plugin is also built for systems on which no test runs. -trimpath is that of the release, so
# check-release does not compile again.
.PHONY: lint
lint: ## Check style, imports and forbidden calls
	$(TOOL) golangci-lint run ./...
	go vet -tags agent ./hack/bench/labs
	@golangci=$$($(TOOL) -n golangci-lint); export LOG_LEVEL=error CGO_ENABLED=0 GOFLAGS="$$(go env GOFLAGS) -trimpath"; \
	for os in darwin windows; do \
		echo "golangci-lint run ./cmd/kubectl-netlab, for $$os"; \
		GOOS=$$os $$golangci run --tests=false ./cmd/kubectl-netlab; \
	done

.PHONY: lint-test
lint-test: ## Check that lint reports what its rules forbid
	hack/lint/test.sh

.PHONY: vuln
vuln: ## Check the code for known vulnerabilities (needs the network)
	$(TOOL) govulncheck ./...

# Tests in separate modules read files outside these modules, which go test's cache ignores: -count=1.

.PHONY: test-gitops
test-gitops: ## Check how Flux, Argo CD and kubectl judge every situation and sample
	@$(with_assets) \
	go -C hack/test/gitops test -count=1 -timeout 20m ./...

.PHONY: check-observability
check-observability: ## Check alert rules, dashboard and PodMonitors with Prometheus's own code
	hack/test/observability/check.sh

.PHONY: check-release
check-release: ## Check images, SBOMs, Dockerfile, chart, manifests and plugin
	@hack/deps.sh images
	@$(with_assets) \
	go test -C hack/package/image -count=1 -timeout 20m ./... && go test -C hack/package/release -count=1 -timeout 20m ./...

.PHONY: e2e
e2e: ## Run the cluster tests on three nodes that it starts here (as root), or on the cluster of KUBECONFIG=FILE
	@hack/deps.sh images
	@hack/cluster/deps.sh
	@$(with_cluster_assets) hack/test/e2e/run.sh $(if $(filter command,$(origin KUBECONFIG)),$(KUBECONFIG))

.PHONY: e2e-long
e2e-long: ## Run e2e with outages and quiet periods as long as in production
	@NETLAB_E2E_LONG=1 $(MAKE) --no-print-directory e2e

.PHONY: bench-fleet
bench-fleet: ## Measure writes, sizes and times with FLEET_NODES simulated nodes and FLEET_LABS labs on each
	@hack/deps.sh
	@$(with_assets) \
	go run ./hack/bench/fleet --nodes $(FLEET_NODES) --labs $(FLEET_LABS)

.PHONY: bench-agent
bench-agent: deps ## Print the memory of an agent with 1,020 namespaces, its informers and probes
	@$(with_assets) \
	NETLAB_AGENT_LABS=10 go test -count=1 -v -timeout 20m -run TestTheAgentsMemory ./hack/test/acceptance | grep -v '^=== '

.PHONY: bench-neighbours
bench-neighbours: deps ## Print how many of 1,000 probed labs are Ready on a node with learned and with static neighbours, and what they cost
	@$(with_assets) \
	NETLAB_PROBED_LABS=1000 NETLAB_NEIGHBOUR_SHARE=50 NETLAB_QUIET_SECONDS=60 go test -count=1 -v -timeout 40m -run TestProbedLabsShareTheNeighbourTable ./hack/test/acceptance | grep -v '^=== '

.PHONY: bench-restart
bench-restart: deps ## Print how long an agent takes that starts again among 1,000 labs, and what it writes
	@$(with_assets) \
	NETLAB_RESTART_LABS=1000 NETLAB_QUIET_SECONDS=60 go test -count=1 -v -timeout 40m -run TestARestartAmongManyLabsWritesNothing ./hack/test/acceptance | grep -v '^=== '

.PHONY: bench-tenants
bench-tenants: deps ## Print how long one tenant's repairs take while five large labs of another are built, edited and deleted (AGENT: the program of another revision)
	@$(with_assets) \
	NETLAB_LARGE_LABS=5 NETLAB_AGENT_PROGRAM=$(AGENT) go test -count=1 -v -timeout 60m -run TestOneTenantDoesNotHurtAnother ./hack/test/acceptance | grep -v '^=== '

.PHONY: test-vm
test-vm: ## Run the tests that need VLANs, netem, or a kernel without them, on Debian's kernel in QEMU
	hack/test/vm/test.sh

.PHONY: test-random
test-random: deps ## Build 1,000 random labs, make 10,000 random edits, and build 12,000 labs with odd values
	NETLAB_RANDOM_LABS=1000 NETLAB_WALK_STEPS=10000 NETLAB_MUTANTS=$(or $(NETLAB_MUTANTS),12000) go test -count=1 -v -timeout 120m -run 'TestInRandomLabs|TestEditedLabs|TestEveryMutant' ./controllers/kernel

.PHONY: test-faults
test-faults: deps ## Break 5,000 random labs and follow the diagnosis of every ping that fails
	NETLAB_FAULTS=$(or $(NETLAB_FAULTS),5000) go test -count=1 -v -timeout 180m ./hack/test/faults | grep -v '^=== '

.PHONY: test-host
test-host: ## Run every test, and check that this machine's own network stays unchanged
	hack/test/hostsame.sh make --no-print-directory test

.PHONY: bench
bench: ## Print how long labs take with NetLab, bare system calls, ip and Mininet (as root, 10 minutes)
	@hack/bench/labs/run.sh $(BENCHFLAGS)

.PHONY: bench-against
bench-against: ## Measure REV and HEAD side by side: planning, looking, memory, sizes (as root, 20 minutes)
	@go run ./hack/bench/against --old $(or $(REV),d44daae) $(AGAINSTFLAGS)

.PHONY: bench-capture
bench-capture: ## Print how many packets capture --path keeps over five links, next to tcpdump on the same interfaces (as root)
	@hack/bench/capture/run.sh $(BENCHFLAGS)

.PHONY: bench-transport
bench-transport: ## Print how long netlink work takes with package rtnl and with vishvananda/netlink, side by side (as root)
	go test -count=1 -run '^$$' -bench BenchmarkTransport -benchtime 1000x ./controllers/kernel

.PHONY: graph-crossings
graph-crossings: ## Count the crossings in Graphviz's pictures of the samples and of 300 random labs (needs dot)
	@NETLAB_GRAPH_LABS=300 go test -count=1 -v -run TestCrossingsOfGraphviz ./controllers/graph/layout -graphviz

.PHONY: compare
compare: ## Print how many lines labs take in NetLab and in other tools; run Mininet's files
	@go run ./hack/bench/compare
	@NETLAB_MININET=$$(hack/bench/labs/deps.sh) go test -count=1 -tags mininet ./hack/bench/compare

##@ Release and install

.PHONY: images
images: ## Build the container images into bin/images, without Docker
	go run -C hack/package/image . -version $(VERSION) -arch $(IMAGE_ARCH) -out $(CURDIR)/bin/images

.PHONY: install.yaml
install.yaml: ## Write bin/release/install.yaml: everything, images pinned to VERSION
	go run -C hack/package/release . -version $(VERSION) -registry "$(REGISTRY)" -out $(CURDIR)/bin/release install

.PHONY: helm-chart
helm-chart: ## Write the Helm chart into bin/release
	go run -C hack/package/release . -version $(VERSION) -registry "$(REGISTRY)" -out $(CURDIR)/bin/release chart

.PHONY: release
release: images ## Write images, install.yaml, chart, plugin archives and Krew manifest
	go run -C hack/package/release . -version $(VERSION) -registry "$(REGISTRY)" -out $(CURDIR)/bin/release

.PHONY: deploy
deploy: install.yaml ## Install VERSION from REGISTRY where kubectl points
	kubectl apply -f bin/release/install.yaml

.PHONY: undeploy
undeploy: install.yaml ## Remove all labs, wait for the agents, remove NetLab
	hack/package/release/uninstall.sh bin/release/install.yaml

.PHONY: kind-up
kind-up: ## Create a kind cluster with three nodes
	$(KIND) create cluster --config config/overlays/kind/cluster.yaml

.PHONY: kind-load
kind-load: ## Build this machine's images and load them into kind
	go run -C hack/package/image . -version dev -images agent,controller -arch $$(go env GOARCH) -out $(CURDIR)/bin/images
	for i in agent controller; do $(KIND) load image-archive bin/images/netlab-$$i-$$(go env GOARCH).tar; done

.PHONY: deploy-kind
deploy-kind: kind-load ## Build images, load them into kind, and install NetLab there
	kubectl apply -k config/overlays/kind

##@ A cluster on this machine, without Docker (as root)

.PHONY: cluster
cluster:
	@hack/cluster/deps.sh
	@CGO_ENABLED=0 go build -o $(CLUSTER) ./hack/cluster

.PHONY: cluster-up
cluster-up: cluster ## Start a real cluster with NODES nodes
	@$(with_cluster_assets) $(CLUSTER) up --nodes $(NODES)

.PHONY: cluster-deploy
cluster-deploy: cluster ## Build images, load them into the cluster of cluster-up, and install NetLab there
	go run -C hack/package/image . -version dev -images agent,controller -arch $$(go env GOARCH) -out $(CURDIR)/bin/images
	@$(CLUSTER) load bin/images/netlab-agent-$$(go env GOARCH).tar bin/images/netlab-controller-$$(go env GOARCH).tar
	@$(CLUSTER) run -- kubectl apply -k config/overlays/kind
	@$(CLUSTER) run -- kubectl rollout restart -n netlab-system daemonset/netlab-agent deployment/netlab-controller
	@$(CLUSTER) run -- kubectl rollout status -n netlab-system --timeout=5m daemonset/netlab-agent
	@$(CLUSTER) run -- kubectl rollout status -n netlab-system --timeout=5m deployment/netlab-controller
	@echo "NetLab runs. Next: make cluster-shell, and there kubectl apply -f config/samples/routed-pair.yaml"

.PHONY: cluster-down
cluster-down: cluster ## Stop the cluster and remove everything of it
	@$(CLUSTER) down

.PHONY: cluster-run
cluster-run: ## Run CMD with access to the cluster
	@$(CLUSTER) run -- sh -c '$(CMD)'

.PHONY: cluster-shell
cluster-shell: ## Open a shell with access to the cluster
	@$(CLUSTER) run -- $${SHELL:-sh}

.PHONY: test-cluster
test-cluster: cluster ## Check that the cluster starts, survives failures, and leaves nothing, even when killed
	@$(with_cluster_assets) go test -count=1 -timeout 15m -tags cluster -v ./hack/cluster

##@ Develop

.PHONY: generate
generate: ## Generate deepcopy code, CRDs, the API reference and the table of reasons from the API types
	$(TOOL) controller-gen object:headerFile=hack/boilerplate.go.txt paths=./api/...
	$(TOOL) controller-gen crd paths=./api/... output:crd:dir=config/crd/bases
	go run ./hack/reference

.PHONY: check-generate
check-generate: generate ## Fail if the committed files differ from what generate writes
	git diff --exit-code -- $(GENERATED)
	@new=$$(git ls-files --others --exclude-standard -- $(GENERATED)); \
	[ -z "$$new" ] || { echo "generated but not committed: $$new" >&2; exit 1; }

.PHONY: structure
structure: ## Print packages, levels, upward imports, knots of files and lengths, next to those of REV if given
	@go run ./hack/structure $(if $(REV),--against $(REV))

.PHONY: texts
texts: ## Write all texts that users read to hack/texts/messages.golden
	go run ./hack/texts

.PHONY: fmt
fmt: ## Format the Go code
	$(TOOL) golangci-lint fmt ./...

.PHONY: findings
findings: ## Check that the findings about other software still hold
	@findings/lib/all.sh

.PHONY: assets
assets: ## Build the API server, etcd and kubectl for the tests; print their directory
	@$(with_assets) \
	echo "$$KUBEBUILDER_ASSETS"

.PHONY: deps
deps: ## Check for the programs that the tests use; install them as root on Debian or Ubuntu
	@hack/deps.sh

.PHONY: clean
clean: ## Remove bin/ (the built API server stays, in the user's cache directory)
	rm -rf bin
