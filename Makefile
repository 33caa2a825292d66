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

LIBRARIES := libbpf yaml-0.1 jansson libmicrohttpd
# Tidy and the tests use the same flags, so they stand here once.
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wvla -Wundef -Wno-unused-parameter
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
PARSE := arena failure diagnostic yaml address service reader catalog site
RESOLVE := policy host_policy resolve check
COMPILE := tables compile
JUDGE := frame model packet_line trace
KERNEL := load kernel_judge interface pins slots attach generation
ACCOUNT := counters metrics serve
COMMANDS := output command_check command_apply command_trace command_metrics
MODULES := $(PARSE) $(RESOLVE) $(COMPILE) $(JUDGE) $(KERNEL) $(ACCOUNT) $(COMMANDS)

OBJECTS := $(MODULES:%=$(BUILD)/user/%.o)
PROGRAM := $(BUILD)/sallyport
ARCHIVE := $(BUILD)/libsallyport.a
BPF_OBJECT := $(BUILD)/sallyport.bpf.o
SKELETON := $(BUILD)/sallyport.skel.h

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
PACKET_TESTS := $(patsubst tests/packet/%.c,$(BUILD)/tests/packet/%,$(wildcard tests/packet/test_*.c))
DIFFERENTIAL := $(BUILD)/tests/differential/differential

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help check unit packet net golden golden-update differential bench lint format install clean

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

$(ARCHIVE): $(OBJECTS)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(PROGRAM): $(BUILD)/user/main.o $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/%.o: tests/%.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(BUILD)/tests/packet/test_%: $(BUILD)/tests/packet/test_%.o $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(DIFFERENTIAL): $(BUILD)/tests/differential/differential.o $(ARCHIVE)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

-include $(OBJECTS:.o=.d) $(BUILD)/user/main.d $(BPF_OBJECT:.o=.d) $(wildcard $(BUILD)/tests/*/*.d)
