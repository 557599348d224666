# Each target does its own set-up: .ci/setup installs what is missing on a Debian machine when it
# is run as root, and names it exactly when not.

CARGO ?= cargo
STYLUA = target/tools/bin/stylua
EMMYLUA = target/tools/bin/emmylua_check
LUA = $(wildcard scripts stdlib tests/lua tests/lab)

.PHONY: help demo test test-lab test-lab-all lint bench install

help:
	@echo 'make demo     the main job on three servers of its own, each command shown as typed'
	@echo 'make test     every test'
	@echo 'make test-lab a day on a Debian virtual machine, and every type of tunnel between two'
	@echo '              test-lab-all: every operation and the stages as well, which takes longer'
	@echo 'make lint     formatting, clippy, the Lua files and their types'
	@echo 'make bench    speed beside ssh, clush, Fabric, pyinfra and Ansible'
	@echo 'make install  mroom into ~/.cargo/bin, its manual and completions into ~/.local/share'

# The demo and the tests share one build: third-party code is optimised in it as well.
demo: setup-demo
	$(CARGO) build --locked
	@tests/lab/demo target/debug/mroom

test: setup-test
	@[ "$$(id -u)" != 0 ] || tests/lab/engine image
	$(CARGO) test --locked

# The machines stay up only meanwhile; their disk images are made once, in target/lab. Needs root.
test-lab: setup-lab
	$(CARGO) build --locked
	@tests/lab/vm up
	@tests/lab/day target/debug/mroom; code=$$?; tests/lab/vm down; exit $$code
	@tests/lab/tunnels target/debug/mroom types foreign guest named shared isolated killed:wg

test-lab-all: test-lab
	@tests/lab/vm up
	@tests/lab/ops target/debug/mroom; code=$$?; tests/lab/vm down; exit $$code
	@tests/lab/tunnels target/debug/mroom
	@tests/lab/stages target/debug/mroom

lint: setup-lint $(STYLUA) $(EMMYLUA)
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(STYLUA) --check $(LUA)
	.ci/check-types $(EMMYLUA)

bench: setup-bench
	@[ "$$(id -u)" != 0 ] || tests/lab/engine image
	$(CARGO) build --locked --release
	@benches/run target/release/mroom

install: setup-build
	$(CARGO) install --locked --path .
	@share="$${XDG_DATA_HOME:-$$HOME/.local/share}"; \
	mroom="$${CARGO_INSTALL_ROOT:-$${CARGO_HOME:-$$HOME/.cargo}}/bin/mroom"; \
	"$$mroom" man --dir "$$share/man/man1" && \
	for place in bash:bash-completion/completions/mroom zsh:zsh/site-functions/_mroom \
		fish:fish/vendor_completions.d/mroom.fish; do \
		mkdir -p "$$share/$$(dirname "$${place#*:}")" && \
		"$$mroom" completions "$${place%%:*}" >"$$share/$${place#*:}" || exit 1; \
	done

setup-%:
	@.ci/setup $*

$(STYLUA): | setup-build
	$(CARGO) install stylua --version 2.6.0 --locked --no-default-features --features lua54 \
		--root target/tools --target-dir target/tools/build

$(EMMYLUA): | setup-build
	$(CARGO) install emmylua_check --version 0.25.0 --locked \
		--root target/tools --target-dir target/tools/build
