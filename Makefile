# Atelier. `make help` says what there is.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOTEST  := go run ./test/services/cmd/services go test -json -timeout 15m
SUMMARY := go run ./test/summary
PROTO   := $(wildcard messages/*.proto)
SHELL   := bash
.SHELLFLAGS := -o pipefail -ec

.PHONY: help run test test-race test-mutations lint generate generated bench soak build clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

run: build ## start Atelier with everything embedded, data in ./data
	@exec bin/atelier serve

test: ## install what tests need, start it, run vet and all tests
	@echo "vet"; go vet ./...
	@echo "test"; $(GOTEST) ./... | $(SUMMARY)

test-race: ## the same with the race detector (needs gcc)
	@CGO_ENABLED=1 $(GOTEST) -race ./... | $(SUMMARY)

test-mutations: ## builds with one safeguard taken out must fail their proofs
	@go run ./test/services/cmd/services go run ./test/mutations

lint: generated .tools/golangci-lint ## check style, imports and that generated code is current
	@.tools/golangci-lint run ./...

generate: .tools/buf .tools/protoc-gen-go ## regenerate the code of messages/*.proto
	@.tools/buf generate

generated: .tools/buf .tools/protoc-gen-go
	@rm -rf .tools/generated && .tools/buf generate -o .tools/generated
	@for f in .tools/generated/messages/*.pb.go; do cmp -s $$f messages/$$(basename $$f) || { echo "$$f differs: run make generate"; exit 1; }; done

bench: ## measure against pgbench and a bare Fiber, and print ratios beside the targets
	@go run ./test/services/cmd/services go run ./bench

soak: ## the long form of the fault scenarios
	@go run ./test/services/cmd/services go test -tags soak -timeout 0 -v ./test/...

build: ## a static binary in bin/
	@echo "building bin/atelier (the first time takes minutes)"
	@CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/atelier ./cmd/atelier

clean: ## remove what was built
	@rm -rf bin .tools

.tools/buf: tools/go.mod
	@echo "building buf (a few minutes, once)"; go build -modfile=tools/go.mod -o $@ github.com/bufbuild/buf/cmd/buf

.tools/golangci-lint: tools/go.mod
	@echo "building golangci-lint (a few minutes, once)"; go build -modfile=tools/go.mod -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.tools/protoc-gen-go: go.mod
	@go build -o $@ google.golang.org/protobuf/cmd/protoc-gen-go
