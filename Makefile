# Needs Rust (rustup), Python 3.11, a C compiler and git; everything else is installed into .venv/ and target/.
PYTHON ?= python3
CARGO_DENY := 0.20.2
CARGO_FUZZ := 0.13.2
WRKFLW := 0.8.0
VENV := .venv/bin
# Only what has one of the hashes in the file, and nothing that would run a build script with whatever that fetches.
PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r

# What `make test` makes, in this order; `.ci/run` says how long each takes.
CHECK := fmt lint clippy doc rust python
TEST := $(CHECK) dist-check emulated fidelity-templates

.PHONY: .venv help demo test stages check unit t fmt clippy doc docs pictures rust python lint advisories fuzz requirements dist verify-dist dist-check emulated fidelity fidelity-templates fidelity-hosts fidelity-workflows fidelity-ceph fidelity-runner fidelity-real-aws beside-eb bench campaign large lives clean

help: ## What can be made
	@sed -n 's/^\([a-z0-9.-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: .venv/tests ## Deploy the example twice to a local cloud, with the committed binary
	@$(VENV)/python tests/demo.py

unit: ## The unit tests alone: seconds
	cargo test --locked --quiet --lib

t: .venv/tests ## One test, or one file of them: make t T=site_headers
	@test -n "$(T)" || { echo 'error: say which: `make t T=site_headers` (a file of tests/integration, or a part of a name)'; exit 2; }
	@cargo test --locked --quiet --lib --test integration -- --list "$(T)" | grep -q ': test$$' \
	  || { echo 'error: no test has this in its name: $(T)'; exit 2; }
	cargo test --locked --quiet --lib --test integration -- "$(T)"

test: $(TEST) ## Everything that checks the project, the committed binaries included

stages:
	@echo $(TEST)

check: $(CHECK) ## Everything that checks the sources

fmt:
	cargo fmt --check

clippy:
	cargo clippy --locked --all-targets --quiet -- -D warnings

doc:
# `--examples` (the benchmarks' programs) for the dependencies of the tests, features included: clippy has checked them so.
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items --quiet --lib --examples

rust: .venv/tests ## The Rust tests: unit, and action.yml against the local cloud
	scripts/rust-tests.sh

python: .venv/tests ## The tests of the local cloud, the runner harness and the scripts
	$(VENV)/python tests/python_tests.py

docs: .venv/tests ## Write anew what is generated: tables, policies, summaries, action.yml, action-types.yml
	UPDATE_DOCS=1 cargo test --locked --quiet --test integration -- contract permissions summaries
	$(VENV)/python scripts/action_types.py

beside-eb: .venv/tests target/eb/installed ## The real EB CLI beside this action, outside CI: docs/beside-eb-cli.md, tests/vectors/ebignore.json
	cargo build --locked --quiet
	target/eb/venv/bin/python -W ignore tests/vectors/ebignore.py > target/eb/ebignore.json 2> target/eb/ebignore.log
	cp target/eb/ebignore.json tests/vectors/ebignore.json
	cd tests && ../$(VENV)/python -m beside_eb ../target/eb/venv/bin/eb ../target/debug/aws-web-deploy

# Some of its packages come as sources only, and are built.
target/eb/installed: tests/beside_eb/requirements.txt
	$(PYTHON) -m venv --clear target/eb/venv
	target/eb/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

pictures: .venv/tests ## Make pictures of docs/summaries/ and the social preview (needs chromium)
	$(VENV)/python scripts/pictures.py

lint: .venv/lint target/lint/installed target/tools/cargo-deny-$(CARGO_DENY) ## shellcheck, actionlint, zizmor, cfn-lint, cargo-deny
	scripts/lint.sh

advisories: target/advisories/bin/cargo-deny-$(CARGO_DENY) ## Look up known vulnerabilities of the crates; needs GitHub
	PATH="$(CURDIR)/target/advisories/bin:$$PATH" cargo-deny --log-level warn check advisories

fuzz: target/fuzz-tools/bin/cargo-fuzz-$(CARGO_FUZZ) ## Fuzz the parsers with a nightly compiler: make fuzz T=headers TIME=60
	TIME=$(TIME) scripts/fuzz.sh $(T)

requirements: .venv/lint ## Pin what the *requirements.in ask for, with hashes; versions stay unless P='--upgrade-package X'
	for file in tests/requirements tests/lint-requirements tests/setup/requirements tests/beside_eb/requirements bench/requirements; do \
	  CUSTOM_COMPILE_COMMAND='make requirements' $(VENV)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	    --no-emit-find-links --no-emit-index-url $(P) --output-file $$file.txt $$file.in || exit 1; \
	done

dist: ## Build both binaries from a clean copy of the sources into dist/
	$(PYTHON) scripts/dist.py build

verify-dist: ## Build both binaries again and compare bytes with dist/
	$(PYTHON) scripts/dist.py verify

dist-check: ## Compare dist/ with the sources without a build
	$(PYTHON) scripts/dist.py check

emulated: .venv/tests ## Run the arm64 binary and, on an old processor, the x64 one (by qemu-user)
	cd tests && ../$(VENV)/python -m dist.emulated

fidelity: fidelity-templates fidelity-hosts fidelity-workflows fidelity-ceph fidelity-runner fidelity-real-aws ## Other people's opinions, one by one: docs/compatibility.md

fidelity-templates: .venv/tests target/fidelity/installed ## Launch the templates of setup/ on an emulator, deploy to it and visit the site
	cd tests && ../$(VENV)/python -m setup.fidelity

fidelity-hosts: .venv/tests ## Deploy under AWS's real host names, by a proxy that verifies TLS names and signatures
	cd tests && ../$(VENV)/python -m fidelity.deployments

fidelity-workflows: .venv/tests target/fidelity-github/installed ## Read workflows and action.yml with GitHub's own parser and evaluator
	cp tests/fidelity/github/*.mjs target/fidelity-github
	cd tests && ../$(VENV)/python -m fidelity.workflows

fidelity-real-aws: .venv/tests target/fidelity/installed ## Run real-aws.yml on the local cloud, and what it launches and removes on the emulator
	cd tests && ../$(VENV)/python -m fidelity.real_aws
	cd tests && ../$(VENV)/python -m setup.real_aws

fidelity-ceph: .venv/tests ## Deploy to Ceph's gateway and roll back, where Ceph is installed
	cd tests && ../$(VENV)/python -m fidelity.ceph

fidelity-runner: .venv/tests target/wrkflw/bin/wrkflw-$(WRKFLW) ## Run the example workflows in somebody else's runner (the first time builds it)
	cd tests && ../$(VENV)/python -m fidelity.other_runner

bench: target/peers/installed ## Measure against other tools, on an idle machine: make bench B='--runs 3 --only site'
	target/peers/bin/python -m bench $(B)

target/peers/installed: bench/requirements.txt
	$(PYTHON) -m venv --clear target/peers
	target/peers/bin/$(PIP_INSTALL) $<
	touch $@

campaign: .venv/tests ## Every fault at every request of every kind of run, outside CI: docs/faults.md (WORKERS=4, RESULTS=file to go on from)
	cargo test --locked --quiet --no-run
	cd tests && ../$(VENV)/python -m campaign ../target/debug/aws-web-deploy --workers $(or $(WORKERS),4) $(if $(RESULTS),--results $(abspath $(RESULTS))) --page ../docs/faults.md

large: .venv/tests ## Memory, time and logs of large runs, outside CI: make large SCALE=0.1
	cargo test --locked --quiet --no-run
	cd tests && ../$(VENV)/python -m campaign.large ../target/debug/aws-web-deploy --scale $(or $(SCALE),1)

lives: .venv/tests ## Random lives of a project, beside aws s3 sync, a cache and a model of listings too, outside CI: make lives LIVES=200 SEED=1
	cargo test --locked --quiet --no-run
	PROPTEST_CASES=$(or $(LIVES),200)00 cargo test --locked --quiet --lib core::site::ranges
	cd tests && for beside in sync viewers; do ../$(VENV)/python -m differential.$$beside ../target/debug/aws-web-deploy --cases $(or $(LIVES),200) $(if $(SEED),--seed $(SEED)) || exit 1; done
	cd tests && ../$(VENV)/python -m campaign.lives ../target/debug/aws-web-deploy --lives $(or $(LIVES),200) --workers $(or $(WORKERS),4) $(if $(SEED),--seed $(SEED))

clean:
	rm -rf .venv target

.venv: .venv/tests ## The Python that tests and demo run in

.venv/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/tests: tests/requirements.txt .venv/python
	$(VENV)/$(PIP_INSTALL) $<
	touch $@

.venv/lint: tests/lint-requirements.txt .venv/python
	$(VENV)/$(PIP_INSTALL) $<
	touch $@

# An environment of its own: the emulator wants other versions than the tests.
target/fidelity/installed: tests/setup/requirements.txt
	$(PYTHON) -m venv --clear target/fidelity
	target/fidelity/bin/$(PIP_INSTALL) $<
	touch $@

target/fidelity-github/installed: tests/fidelity/github/package-lock.json
	mkdir -p target/fidelity-github
	cp tests/fidelity/github/package.json tests/fidelity/github/package-lock.json target/fidelity-github
	cd target/fidelity-github && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

target/lint/installed: scripts/lint/package-lock.json .venv/lint
	mkdir -p target/lint
	cp scripts/lint/package.json scripts/lint/package-lock.json target/lint
	cd target/lint && PATH="$(CURDIR)/$(VENV):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

target/advisories/bin/cargo-deny-$(CARGO_DENY):
	cargo install --quiet --locked --debug --root target/advisories --version $(CARGO_DENY) cargo-deny
	touch $@

target/fuzz-tools/bin/cargo-fuzz-$(CARGO_FUZZ):
	cargo install --quiet --locked --root target/fuzz-tools --version $(CARGO_FUZZ) cargo-fuzz
	touch $@

# Without default features: they bring a user interface.
target/wrkflw/bin/wrkflw-$(WRKFLW):
	CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --no-default-features --root target/wrkflw --version $(WRKFLW) wrkflw
	touch $@

# Without default features: they bring git and the advisory database, which `check advisories` would fetch.
target/tools/cargo-deny-$(CARGO_DENY):
	cargo install --quiet --locked --debug --no-default-features --root target/tools --version $(CARGO_DENY) cargo-deny
	touch $@
