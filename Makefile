# SPDX-License-Identifier: BSD-2-Clause
# sallyport: one Makefile, non-recursive. "make help" lists what it does.

VERSION := 0.1.0
PREFIX ?= /usr
DESTDIR ?=
BUILD ?= build

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(shell command -v bpftool 2>/dev/null || echo /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config

LIBRARIES := libbpf yaml-0.1 jansson libmicrohttpd libcurl
# -Wformat-truncation is about texts that are cut to fit their field, which is what snprintf is for.
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wvla -Wundef -Wno-unused-parameter -Wno-format-truncation
CFLAGS ?= -O2 -g
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DSALLYPORT_VERSION='"$(VERSION)"' $(WARNINGS) $(CFLAGS) $(HARDENING) \
	-Iinclude -Iuser -I$(BUILD) $(shell $(PKG_CONFIG) --cflags $(LIBRARIES)) -MMD -MP
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS)
LDLIBS = $(shell $(PKG_CONFIG) --libs $(LIBRARIES)) -lelf -lz -lpthread

ifdef SAN
BUILD := build/san
HARDENING := -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
ALL_LDFLAGS = -fsanitize=address,undefined $(LDFLAGS)
endif

BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter \
	-Iinclude -Ivmlinux -MMD -MP

# V=1 shows the commands.
ifdef V
Q :=
say = @true
else
Q := @
say = @printf '  %-8s %s\n'
endif

# The pipeline, stage by stage: each takes only the type of the one before.
PARSE := arena failure stopwatch progress diagnostic yaml file_kind reader writer prefix_sort address service uri \
	transport term words parameter feed_source rule_options flow_rule forbid demand adjust catalog partner client_port link_settings location site \
	site_print csv csv_read import_cell import
RESOLVE := reference digest feed feed_store policy_feeds policy binding value adjusted media pairing connection \
	connection_check destination forbid_check \
	player match precedence rules resolve demand_check media_check own_flow_check check host_policy difference export_nft reach \
	matrix graph party who change_request
COMPILE := compile compile_terms compile_addresses compile_ports compile_grids class_index class_sets tables
JUDGE := frame packet_line model model_link model_parse model_rules model_state model_options model_errors forbidden trace
KERNEL := flat_tree flat address_image bank flat_map table_maps map_address load kernel_log kernel_run kernel_judge
ATTACH := netlink interface route socket_diagnostics adopt pins lasting banks slots attach hooks first_load recovery generation detach live_config status live_rules live_judge
ACCOUNT := drop_event drop_reader pcap counters snapshot feed_ages metrics serve live_policy
COMMANDS := options output adopt_report stop_signals feed_fetch command_site command_check command_apply command_trace command_explain \
	command_metrics command_drops command_diff \
	command_export command_picture command_who command_feed command_import
MODULES := $(PARSE) $(RESOLVE) $(COMPILE) $(JUDGE) $(KERNEL) $(ATTACH) $(ACCOUNT) $(COMMANDS)

OBJECTS := $(MODULES:%=$(BUILD)/user/%.o)
PROGRAM := $(BUILD)/sallyport
ARCHIVE := $(BUILD)/libsallyport.a
BPF_OBJECT := $(BUILD)/sallyport.bpf.o
SKELETON := $(BUILD)/sallyport.skel.h

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
PACKET_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/packet/test_*.c))
DIFFERENTIAL := $(BUILD)/tests/differential/differential
NET_TOOLS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/net/*.c))
# Not intermediate: a test is relinked, not rebuilt.
TEST_PROGRAMS := $(UNIT_TESTS) $(PACKET_TESTS) $(DIFFERENTIAL) $(NET_TOOLS)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help man tests check unit packet net golden golden-update differential bench bench-quick bench-wire lint format install clean

all: $(PROGRAM) ## build sallyport and its programs

help: ## this list
	@printf 'make [V=1] [SAN=1] TARGET\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18

$(BUILD)/user/%.o: user/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# These read the skeleton; the others must build without a BPF compiler.
$(BUILD)/user/load.o: $(SKELETON)

$(BPF_OBJECT): bpf/sallyport.bpf.c
	$(say) CLANG $@
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(SKELETON): $(BPF_OBJECT)
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name sallyport_bpf > $@.new && mv $@.new $@

# Of the Makefile too: an object that is not there yet counts as up to date (.SECONDARY).
$(ARCHIVE): $(OBJECTS) Makefile
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $(OBJECTS)

$(PROGRAM): $(BUILD)/user/main.o $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/%.o: tests/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Each folder's other sources are shared by its programs.
shared_objects = $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/$(1)/test_% tests/$(1)/$(2).c,$(wildcard tests/$(1)/*.c)))

$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(call shared_objects,unit) $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(BUILD)/tests/packet/test_%: $(BUILD)/tests/packet/test_%.o $(call shared_objects,packet) $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(DIFFERENTIAL): $(BUILD)/tests/differential/differential.o $(call shared_objects,differential,differential) $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/net/%: $(BUILD)/tests/net/%.o $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

# Two programs, and what they share.
BENCH := $(BUILD)/tests/bench/bench
WIRE := $(BUILD)/tests/bench/wire
BENCH_SHARED := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %.bpf.c %/bench.c %/wire.c,$(wildcard tests/bench/*.c)))
$(BUILD)/floor.bpf.o: tests/bench/floor.bpf.c
	$(say) CLANG $@
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<
$(BUILD)/floor.skel.h: $(BUILD)/floor.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name floor_bpf > $@.new && mv $@.new $@
$(BUILD)/tests/bench/stand.o: $(BUILD)/floor.skel.h
$(BENCH) $(WIRE): %: %.o $(BENCH_SHARED) $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/packet/test_bench: %: %.o $(BENCH_SHARED) $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

tests: $(TEST_PROGRAMS) $(BENCH) $(WIRE) ## build the test programs
check: all tests ## all suites (packet, differential and net need root)
	@scripts/suites.sh unit golden policy packet differential net
unit: tests ## unit tests of each stage
	@scripts/suites.sh unit
golden: all ## the canonical texts and the exact diagnostics
	@scripts/suites.sh golden
golden-update: all ## write the golden files anew; then read the diff
	tests/golden/run.sh $(PROGRAM) -update
packet: tests ## packet rows over BPF_PROG_TEST_RUN (root)
	@scripts/suites.sh packet
differential: tests ## kernel against model; N=packets SEED=number (root)
	@scripts/suites.sh differential
net: all tests ## namespaces, real sockets, reloads, kill -9 (root)
	@scripts/suites.sh net

TIDY_SOURCES := $(wildcard user/*.c)
C_FILES = $(wildcard bpf/*.[ch] include/*.h user/*.[ch] tests/*/*.[ch])

bench: all $(BENCH) $(WIRE) ## what a packet costs here and with other enforcers; writes docs/performance.md (root)
	@scripts/bench.sh all
bench-quick: all $(BENCH) $(WIRE) ## the same in two minutes, to the terminal alone
	@scripts/bench.sh quick
bench-wire: $(WIRE) ## end to end over veth: floods, and calls beside them
	@scripts/bench.sh wire

# The skeleton is generated: its own warnings are not ours.
lint: $(SKELETON) ## format, clang-tidy, lengths, includes, manual pages
	$(say) FORMAT
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	$(say) TIDY
	$(Q)/usr/bin/python3 -B scripts/tidy.py
	$(say) CLANG-TIDY
	$(Q)printf '%s\n' $(TIDY_SOURCES) | xargs -P $$(nproc) -n 4 sh -c 'clang-tidy --quiet "$$@" -- -std=gnu11 \
		-D_GNU_SOURCE -DSALLYPORT_VERSION="\"$(VERSION)\"" -Iinclude -Iuser -isystem $(BUILD)' sh 2>/dev/null
	$(say) MANDOC
	@# Those two are in every page that scdoc makes.
	$(Q)$(MAKE) --no-print-directory man >/dev/null
	$(Q)! mandoc -T lint $(MAN_PAGES) | grep -v 'skipping paragraph macro\|lower case character'

format: ## format the C files
	clang-format -i $(C_FILES)

MAN_PAGES := $(patsubst man/%.scd,$(BUILD)/man/%,$(wildcard man/*.scd))
man: $(MAN_PAGES) ## the manual pages

# The manual's table of reasons is the program's own list.
$(BUILD)/man/reasons.scd: $(PROGRAM)
	@mkdir -p $(@D)
	$(Q)$(PROGRAM) reasons | awk 'NR == 1 { print "|[ *reason*\n:[ *verdict*\n:< *meaning*"; next } \
		{ word = $$1; verdict = $$2; sub(/^[^ ]+ +[^ ]+ +/, ""); \
		printf "|  %s\n:  %s\n:  %s\n", word, verdict, $$0 }' > $@
$(BUILD)/man/%: man/%.scd $(BUILD)/man/reasons.scd
	$(say) SCDOC $@
	$(Q)sed -e '/^@REASONS@$$/{r $(BUILD)/man/reasons.scd' -e 'd}' $< | scdoc > $@

install: all man ## install below DESTDIR/PREFIX
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/sbin/sallyport
	install -d $(DESTDIR)$(PREFIX)/share/sallyport/policies $(DESTDIR)$(PREFIX)/share/doc/sallyport/sites
	install -m 644 policies/*.yaml $(DESTDIR)$(PREFIX)/share/sallyport/policies
	install -m 644 policies/sites/*.yaml $(DESTDIR)$(PREFIX)/share/doc/sallyport/sites
	install -D -m 644 scripts/completion/sallyport.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/sallyport
	for page in $(MAN_PAGES); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done

clean: ## remove what was built
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(BUILD)/user/main.d $(BPF_OBJECT:.o=.d) $(wildcard $(BUILD)/tests/*/*.d)
