# The commands that people type: `make run` and `make test` need nothing installed but make itself.
# SPDX-License-Identifier: GPL-2.0-or-later
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 1200
FUZZ_RUNS ?= 10000000
SOAK_SECONDS ?= 1800
SCALE_SECONDS ?= 300
RUN_CONFIG ?= examples/run.cfg
OPENSIPS_SOURCE_DIR ?=

DAEMON := build/release/bin/opensips-httpd
SOURCES = $(shell find src include examples tests bench -name '*.[ch]' -o -name '*.cpp')
CONFIGURE := cmake --log-level=WARNING --preset
BUILD = cmake --build -j $(JOBS) --preset
TREE = -DOPENSIPS_SOURCE_DIR='$(OPENSIPS_SOURCE_DIR)'

.PHONY: help run test build opensips-module bench fuzz faults load valgrind soak scale screenshots lint format install deb package-test \
        clean
.NOTPARALLEL:

help:
	@echo 'make run      build, and serve http://127.0.0.1:8888 in the foreground ($(RUN_CONFIG))'
	@echo 'make test     build and run all tests, then once more under the address and undefined sanitizers;'
	@echo '              with OPENSIPS_SOURCE_DIR=TREE, also those that run in a real OpenSIPS'
	@echo 'make build    build $(DAEMON) and its modules'
	@echo 'make opensips-module OPENSIPS_SOURCE_DIR=TREE'
	@echo '              build httpd.so for OpenSIPS, whose tree its user has built (docs/OPENSIPS.md)'
	@echo 'make bench    measure, and compare with others: all parts, or BENCH_ONLY=PART,… (bench/README.md);'
	@echo '              with OPENSIPS_SOURCE_DIR=TREE, also in a real OpenSIPS'
	@echo 'make fuzz     run every fuzz target for FUZZ_SECONDS ($(FUZZ_SECONDS)) or FUZZ_RUNS ($(FUZZ_RUNS)) executions'
	@echo 'make faults   have every system call and allocation fail in its turn'
	@echo 'make load     thousands of connections, attacks, and a million requests'
	@echo 'make valgrind run the integration tests under valgrind'
	@echo 'make soak     mixed traffic for SOAK_SECONDS ($(SOAK_SECONDS)), with reloads and killed processes'
	@echo 'make scale    restarts, upgrades and pulled cables behind load balancers for SCALE_SECONDS ($(SCALE_SECONDS)); as root'
	@echo 'make screenshots'
	@echo '              take the pictures of the console in docs/'
	@echo 'make lint     check the format, compile with clang, run clang-tidy'
	@echo 'make format   format all sources'
	@echo 'make install  install below PREFIX ($(PREFIX)), inside DESTDIR if set'
	@echo 'make deb      build Debian packages into build/deb/, and check them;'
	@echo '              with OPENSIPS_SOURCE_DIR=TREE, also the one of the module for that OpenSIPS'
	@echo 'make package-test'
	@echo '              install, run, upgrade and purge those packages in a Debian of their own, also on a booted systemd;'
	@echo '              only for root'
	@echo 'make clean    remove build/'
	@echo 'JOBS ($(JOBS)) is the number of processes that build and test.'

run:
	@scripts/install-packages build
	@$(MAKE) --no-print-directory build
	@echo "== serving with $(RUN_CONFIG); stop with Ctrl-C"
	@exec $(DAEMON) -f $(RUN_CONFIG)

# A tree that is only to run is configured without the tests: they need packages that running does not.
build:
	@$(CONFIGURE) release $(TREE) $$([ -f build/release/build.ninja ] || echo -DHTTPD_TESTS=OFF)
	@$(BUILD) release

opensips-module:
	@[ -n '$(OPENSIPS_SOURCE_DIR)' ] || { echo 'for which OpenSIPS? make $@ OPENSIPS_SOURCE_DIR=TREE' >&2; exit 2; }
	@scripts/install-packages build
	@$(CONFIGURE) release $(TREE) $$([ -f build/release/build.ninja ] || echo -DHTTPD_TESTS=OFF)
	@$(BUILD) release --target opensips-module
	@realpath -e --relative-to=. build/release/lib/opensips/httpd.so

test:
	@scripts/install-packages test
	@scripts/install-node-packages
	@JOBS=$(JOBS) tests/run $(TREE)

bench:
	@scripts/install-packages bench
	@$(MAKE) --no-print-directory build
	@$(BUILD) release --target bench_asio_server
	@OPENSIPS_SOURCE_DIR='$(OPENSIPS_SOURCE_DIR)' bench/run

fuzz:
	@scripts/install-packages test
	@$(CONFIGURE) sanitize
	@$(BUILD) sanitize --target fuzz_targets
	@tests/fuzz/run.py build/sanitize/fuzz --seconds $(FUZZ_SECONDS) --runs $(FUZZ_RUNS) --jobs $(JOBS) --write

# Each keeps its figures in docs/RELIABILITY.md, and scale in docs/SCALE.md.
faults load valgrind soak scale:
	@scripts/install-packages reliability
	@$(CONFIGURE) release -DHTTPD_TESTS=ON
	@$(BUILD) release
	@tests/reliability/$@.py --write $(if $(filter soak,$@),--seconds $(SOAK_SECONDS)) $(if $(filter scale,$@),--seconds $(SCALE_SECONDS))

screenshots:
	@scripts/install-packages test
	@scripts/install-node-packages
	@$(CONFIGURE) release -DHTTPD_TESTS=ON
	@$(BUILD) release
	@tests/browser/screenshots.py

lint:
	@scripts/install-packages lint
	@echo '== clang-format'
	@clang-format-14 --dry-run --Werror $(SOURCES)
	@echo '== clang, warnings are errors'
	@$(CONFIGURE) sanitize
	@$(BUILD) sanitize
	@echo '== clang-tidy'
	@run-clang-tidy-14 -quiet -j $(JOBS) -p build/sanitize '^$(CURDIR)/(src|examples)/'

format:
	@scripts/install-packages lint
	@clang-format-14 -i $(SOURCES)

# The prefix stands in the program, which reads its configuration below it.
install: TREE += -DCMAKE_INSTALL_PREFIX='$(PREFIX)'
install: build
	@DESTDIR='$(DESTDIR)' cmake --install build/release

deb:
	@scripts/install-packages deb
	@JOBS='$(JOBS)' packaging/build-deb '$(OPENSIPS_SOURCE_DIR)'

# PACKAGE_TEST is one of folder and machine, or both.
package-test:
	@scripts/install-packages package-test
	@tests/packaging/boot/package_test.py $(PACKAGE_TEST)

clean:
	rm -rf build
