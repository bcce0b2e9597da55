# `make run` shows it; `make test` tests everything, installing what it misses.
SHELL := /bin/bash

.PHONY: help run test build lint fmt fuzz histories deliveries bench
help:
	@echo "make run    Caddy with wsgate, a Redis and an example backend, in one process"
	@echo "make test   lint, unit, property, integration and browser tests; installs what it misses"
	@echo "make build  ./caddy with wsgate, from xcaddy.json"
	@echo "make lint   format check, vet, golangci-lint, govulncheck"
	@echo "make fmt    format the Go code"
	@echo "make fuzz   every fuzz target for FUZZTIME (1m)"
	@echo "make histories  N (100000) random histories of logins, against a model and with faults"
	@echo "make deliveries  CUTS (10000) broken connections, and every number accounted for"
	@echo "make bench  every benchmark scenario, beside its peers (long)"

run:
	go run ./examples/demo

test:
	./.ci/test

build:
	go run ./cmd/xbuild

lint:
	./.ci/lint

fmt:
	. .ci/tools && need_go_tool gofumpt && git ls-files '*.go' | xargs .bin/gofumpt -w

FUZZTIME ?= 1m
fuzz:
	@set -e; for f in $$(git ls-files '*_test.go' | xargs grep -l '^func Fuzz'); do \
		for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
			echo "== $$t in $$(dirname $$f)"; \
			go test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f); \
		done; \
	done

# Each of the 24 policies and faults gets its share. `make test` runs 2400.
N ?= 100000
histories:
	go test ./core/session -run 'Histories$$' -count=1 -timeout 0 -v -args -rapid.checks=$$(( ($(N) + 23) / 24 ))

# `make test` has 200 cuts; 10000 take about a quarter of an hour.
CUTS ?= 10000
deliveries:
	WSGATE_CUTS=$(CUTS) go test ./core/gate -run 'TestDeliveryReconciles$$' -count=1 -timeout 0 -v | grep -v level=

bench:
	$(MAKE) -C bench all
