# Lunette: build, test, lint. `make help` lists the targets.

SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -ec
GO          ?= go
BIN         := $(CURDIR)/bin

GOLANGCI_VERSION    := v2.15.0
STATICCHECK_VERSION := v0.8.2
CADDY_VERSION       := v2.11.9
GOLANGCI    := $(BIN)/golangci-lint-$(GOLANGCI_VERSION)
STATICCHECK := $(BIN)/staticcheck-$(STATICCHECK_VERSION)

PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
FUZZTIME  ?= 20s

# The version in the binary is the one that Go stamps from git; without a usable repository there is none.
BUILDVCS  := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)
BUILDFLAGS = -trimpath -buildvcs=$(BUILDVCS) -ldflags='-s -w'
# The race detector needs a C compiler. Without one the tests still run, and say so.
RACE       = $(shell command -v gcc >/dev/null 2>&1 && echo -race)

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/lunette: static, stripped
	CGO_ENABLED=0 $(GO) build $(BUILDFLAGS) -o bin/lunette ./cmd/lunette

.PHONY: cross
cross: ## dist/: linux, darwin, windows on amd64 and arm64
	@for p in $(PLATFORMS); do \
	  os=$${p%/*}; arch=$${p#*/}; ext=; [ $$os = windows ] && ext=.exe; \
	  echo "build dist/lunette-$$os-$$arch$$ext"; \
	  CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build $(BUILDFLAGS) -o dist/lunette-$$os-$$arch$$ext ./cmd/lunette; \
	done

.PHONY: test
test: ## everything but the long ones; installs the peers it needs where it may, and names each test that it skipped
	@peers=$$(test/peers.sh); \
	$(GO) vet ./...; \
	[ -n "$(RACE)" ] || echo "no gcc: testing without the race detector"; \
	LUNETTE_PEERS=$$peers $(GO) test -json $(RACE) -p 2 -timeout 10m ./... | $(GO) run ./test/summary

.PHONY: short
short: ## the quick ones, no peers installed
	$(GO) test -short ./...

.PHONY: soak
soak: ## the long ones, then everything ten times in a row
	@peers=$$(test/peers.sh); \
	LUNETTE_SOAK=1 LUNETTE_PEERS=$$peers $(GO) test -json $(RACE) -p 1 -timeout 60m ./... | $(GO) run ./test/summary; \
	LUNETTE_PEERS=$$peers $(GO) test -json $(RACE) -p 2 -count 10 -timeout 60m ./... | $(GO) run ./test/summary

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (20s)
	@test/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## CPU per request beside nginx, HAProxy, Caddy and httputil.ReverseProxy
	@test/peers.sh bench >/dev/null
	@[ -x $(BIN)/caddy ] || GOBIN=$(BIN) $(GO) install github.com/caddyserver/caddy/v2/cmd/caddy@$(CADDY_VERSION) || echo "caddy could not be installed and is left out"
	$(GO) run ./test/bench $(BENCHFLAGS)

.PHONY: bench-waf
bench-waf: ## CPU per request with the Core Rule Set, beside nginx with ModSecurity and a Go proxy with Coraza
	@test/peers.sh bench >/dev/null
	$(GO) run ./test/bench -waf $(BENCHFLAGS)
	$(GO) run ./test/benchrules
	$(GO) test -run '^$$' -bench . -benchmem ./internal/rules

.PHONY: bench-match
bench-match: ## the pattern matcher by itself: benign values, soups of attack words, the worst value of each pattern
	$(GO) run ./test/benchmatch $(BENCHFLAGS)

.PHONY: bench-flight
bench-flight: ## CPU per request with the flight recorder against without, in alternating pairs
	$(GO) build -o bin/benchflight ./test/benchflight
	bin/benchflight $(BENCHFLAGS)

.PHONY: bench-capture
bench-capture: build ## reading 1 GB of TLS flows beside tshark; holds the bars of time and memory
	$(GO) build -o bin/benchcapture ./test/benchcapture
	bin/benchcapture -lunette bin/lunette $(BENCHFLAGS)

.PHONY: lint
lint: $(GOLANGCI) $(STATICCHECK) ## gofmt, golangci-lint, staticcheck
	@bad=0; \
	unformatted=$$(gofmt -l cmd internal test) && [ -z "$$unformatted" ] || { echo "not formatted, run make fmt: $$unformatted"; bad=1; }; \
	$(GOLANGCI) run ./... || bad=1; \
	$(STATICCHECK) ./... || bad=1; \
	GOOS=windows $(GO) vet ./cmd/... ./internal/... || bad=1; \
	exit $$bad

$(GOLANGCI):
	GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(BIN)/golangci-lint $@

$(STATICCHECK):
	GOBIN=$(BIN) $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	mv $(BIN)/staticcheck $@

.PHONY: fmt
fmt: ## format the Go files
	gofmt -w cmd internal test

.PHONY: check
check: ## begin a check of diagnosis: NAME=tls.some_cause, IN=session where the phase alone does not say the package
	@$(GO) run ./test/newcheck -name "$(NAME)" -in "$(IN)"

.PHONY: generate
generate: ## what is made from tables: docs/reasons.md, docs/configuration.md, …
	$(GO) generate ./...

.PHONY: fresh
fresh: ## fails when a generated file is older than its source
	@git rev-parse HEAD >/dev/null; \
	state() { git status --porcelain; git diff HEAD; }; \
	before=$$(state); $(GO) generate ./...; after=$$(state); \
	[ "$$before" = "$$after" ] || { diff <(echo "$$before") <(echo "$$after") | head -40; echo "generated files were stale: run make generate and commit"; exit 1; }

.PHONY: demo
demo: ## the founding incident, whole, on this machine
	$(GO) run ./cmd/lunette demo

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist
