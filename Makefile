# Atelier. `make help` says what there is.

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
SERVICES := .tools/services
GOTEST   := $(SERVICES) go test -json -timeout 20m
SUMMARY  := .tools/summary
PATIENT  := tools/patiently
SHELL    := bash
.SHELLFLAGS := -o pipefail -ec
export CGO_ENABLED = 0

FUZZTIME ?= 10s

.PHONY: help run test test-race test-mutations fuzz lint web web-current generate generated breaking baseline bench soak cluster build clean .tools/services .tools/summary .tools/openapi.json

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

run: build ## start Atelier with everything embedded, data in ./data
	@exec bin/atelier serve

test: .tools/services .tools/summary ## install and start what tests need, run vet and all tests
	@$(PATIENT) "go vet" go vet ./...
	@$(PATIENT) "go vet of the bench's rival" go -C bench/centrifuge vet ./...
	@{ $(GOTEST) ./...; go -C test/deployment test -count=1 -json ./...; } | $(SUMMARY)

test-race: export CGO_ENABLED = 1
test-race: .tools/services .tools/summary ## all tests with the race detector (needs gcc)
	@$(GOTEST) -timeout 60m -race ./... | $(SUMMARY)

test-mutations: .tools/services ## builds with one safeguard taken out must fail their proofs
	@$(SERVICES) go run ./test/mutations

fuzz: ## make up input for each fuzz target, FUZZTIME long (10s)
	@grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z]*' . | while IFS=: read -r file target; do target=$${target#func }; \
		echo "$$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$(dirname $$file); done

lint: generated breaking web-current .tools/golangci-lint ## check style, imports, messages between versions and that generated code is current
	@$(PATIENT) "golangci-lint" .tools/golangci-lint run ./...

breaking: .tools/buf
	@.tools/buf breaking --against messages/baseline.binpb

baseline: .tools/buf ## with a release: nodes of the next version must understand these messages
	@.tools/buf build --exclude-source-info --exclude-path messages/next.proto -o messages/baseline.binpb

generate: .tools/buf .tools/protoc-gen-go ## regenerate the code of messages/*.proto
	@.tools/buf lint && .tools/buf generate

generated: .tools/buf .tools/protoc-gen-go
	@rm -rf .tools/generated && .tools/buf lint && .tools/buf generate -o .tools/generated
	@for f in messages/*.pb.go .tools/generated/messages/*.pb.go; do f=messages/$$(basename $$f); \
		cmp -s $$f .tools/generated/$$f || { echo "$$f is not what buf generates: run make generate"; exit 1; }; done

web: web/node_modules/.atelier .tools/openapi.json ## rebuild the client for browsers, web/dist, and its types from the API (needs Node 20.19)
	@cd web && npm run --silent types && npm run --silent check && npm run --silent build -- --logLevel warn

# The committed build is what the sources give, and the API is the one they were made for.
web-current: web/node_modules/.atelier .tools/openapi.json
	@cd web && node types.mjs ../.tools/schema.d.ts && \
		npm run --silent check && npm run --silent build -- --logLevel warn --outDir ../.tools/web --emptyOutDir
	@cmp -s .tools/schema.d.ts web/src/schema.d.ts && diff -rq .tools/web web/dist > /dev/null || { echo "web/dist or web/src/schema.d.ts is stale: run make web"; exit 1; }

.tools/openapi.json:
	@mkdir -p .tools && go run ./cmd/atelier openapi > $@

web/node_modules/.atelier: web/package-lock.json
	@command -v npm > /dev/null || { echo "the client for browsers is built with Node 20.19 and npm (apt-get install nodejs npm)"; exit 1; }
	@$(PATIENT) "npm ci" npm ci --prefix web --no-audit --no-fund --ignore-scripts && cp web/package-lock.json $@

bench: ## measure against pgbench, a bare Fiber and a bare publisher, and print figures beside the targets
	@go run ./bench

soak: .tools/services ## the long form of the fault scenarios, or the share ATELIER_RIG_SHARE of it
	@$(SERVICES) go test -tags soak -timeout 0 -p 1 -v ./test/...

cluster: build ## three nodes on a Postgres of their own behind a balancer, on this machine
	@$(PATIENT) "building .tools/cluster" go build -o .tools/cluster ./deploy/local
	@exec .tools/cluster

build: ## a static binary in bin/
	@$(PATIENT) "building bin/atelier" go build -trimpath -ldflags "$(LDFLAGS)" -o bin/atelier ./cmd/atelier

clean: ## remove what was built; data stays
	@rm -rf bin .tools

.tools/services .tools/summary:
	@$(PATIENT) "building $(notdir $@)" go build -o $@ ./test/$(if $(filter %services,$@),services/cmd/services,summary)

.tools/buf: tools/go.mod
	@$(PATIENT) "building buf, once" go -C tools build -o ../$@ github.com/bufbuild/buf/cmd/buf

.tools/golangci-lint: tools/go.mod
	@$(PATIENT) "building golangci-lint, once" go -C tools build -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.tools/protoc-gen-go: go.mod
	@go build -o $@ google.golang.org/protobuf/cmd/protoc-gen-go
