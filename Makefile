# Targets a person types. `make test` is what CI runs: it installs what it
# needs and fails when a judge could not be had, for a skipped judge is no judge.

GO       ?= go
BIN      := bin
LINT     := $(GO) tool -modfile=tools/go.mod golangci-lint
FUZZTIME ?= 10s
ROUNDS   ?= 200
BENCH    ?= .

.PHONY: build test vet lint unit paths race itest deps fuzz bench soak demo fmt clean

build: ## bin/tide, the one binary
	$(GO) build -o $(BIN)/tide ./cmd/tide

demo: build ## the main job, end to end, on this machine
	$(BIN)/tide demo

# The order is from quick to slow. The last step is itest, so that the run ends
# in go test's own summary.
test: deps vet lint unit paths race itest ## everything, as CI runs it

deps: ## kcat, an S3 server, and the Python, Node and Java clients at pinned versions
	scripts/deps

vet:
	$(GO) vet ./...
	cd itest && $(GO) vet ./...

lint: ## golangci-lint at the version of tools/go.mod
	$(LINT) run ./...
	cd itest && $(GO) tool -modfile=../tools/go.mod golangci-lint run --config ../.golangci.yml ./...

unit: ## every package's own tests
	$(GO) test -timeout 10m ./...

paths: ## what needs a build tag: giouring under the ring, and raw block devices (root)
	$(GO) vet -tags giouring ./iopath/uring
	$(GO) test -tags giouring -ldflags=-checklinkname=0 ./iopath/uring
	$(GO) test -count=1 -tags root -run TestLoop ./iopath/

race: ## the same under the race detector
	$(GO) test -race -timeout 20m ./...

itest: build ## the real binary under real clients, a failing S3, kill -9 and bad input
	cd itest && $(GO) test -count=1 -v -timeout 25m ./...

fuzz: ## each fuzz target for FUZZTIME (default 10s)
	scripts/fuzz $(FUZZTIME)

bench: ## Go benchmarks, in the form that benchstat reads (BENCH selects)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

soak: build ## ROUNDS rounds (default 200) of kill -9 and recovery; the store over a second S3 server
	scripts/deps soak
	cd itest && $(GO) test -count=1 -v -timeout 0 -run 'TestKill9|TestStore$$' -rounds $(ROUNDS) -s3 versitygw,minio ./...

fmt: ## gofumpt over the tree
	$(GO) tool -modfile=tools/go.mod gofumpt -w .

clean:
	rm -rf $(BIN)
