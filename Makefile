# andon - a small front door to CMake, Ninja and CTest. `make help` lists what it does.
BUILD   ?= build
GENERIC  = -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo
JOBS    ?= $(shell nproc)

.DEFAULT_GOAL := build

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | sort | column -t -s "$$(printf '\t')"

packages: ## install the Debian packages named in tools/packages.txt, if any is missing
	@tools/install-packages tools/packages.txt

build: packages ## build the program (build/andon)
	@cmake -S . -B $(BUILD) $(GENERIC) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log; ln -sf $(BUILD)/compile_commands.json compile_commands.json
	cmake --build $(BUILD) -j $(JOBS) --target andon

demo: build ## build, then a whole line on simulated data: sim, WGAN, classifier, comparison, report
	$(BUILD)/andon demo gearbox

test: test-packages build ## every test, then the unit and fault tests under the address and undefined-behaviour sanitizers
	@tools/run-tests $(BUILD)

test-packages:
	@tools/install-packages tools/packages.txt tools/packages-test.txt

check-packages:
	@tools/install-packages tools/packages.txt tools/packages-test.txt tools/packages-check.txt

lint: check-packages ## room order from the includes, formatting, cppcheck, warnings as errors with clang
	@tools/lint

bench: check-packages build ## measure against peers; bench/run NAME for one of them
	@bench/run

asan: test-packages ## build and test with the address and undefined-behaviour sanitizers
	@tools/sanitize address,undefined

tsan: test-packages ## build and test with the thread sanitizer
	@tools/sanitize thread

fuzz: check-packages ## run every libFuzzer target for a minute (SECONDS_EACH=60)
	@tools/fuzz

package: build ## a self-contained tar.gz and a .deb, for machines without a compiler or a network
	@tools/package $(BUILD)

install: build ## install into PREFIX (default /usr/local)
	cmake --install $(BUILD) --prefix $(or $(PREFIX),/usr/local)

clean: ## remove what was built
	rm -rf $(BUILD) compile_commands.json

.PHONY: help packages build demo test test-packages check-packages lint bench asan tsan fuzz package install clean
