/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs' parser against the model's, natively: every frame cut at every byte from 0 on,
 * every byte of its headers changed to every value that matters, and random bytes. Run it with
 * SAN=1 to see each read behind the end.
 */
#include "frame.h"
#include "model_parse.h"
#include "native_parse.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FRAME_MAX 512

static void print_frame(const uint8_t *frame, size_t length)
{
	for (size_t i = 0; i < length; i++)
		fprintf(stderr, "%02x", frame[i]);
	fputc('\n', stderr);
}

static bool agree(const struct native_packet *native, enum reason reason,
		  const struct packet *model)
{
	bool ports = model->transport == TRANSPORT_TCP || model->transport == TRANSPORT_UDP ||
		     model->transport == TRANSPORT_SCTP;

	if (native->reason != reason)
		return false;
	if (reason != REASON_NONE)
		return true;
	if (native->family != model->source.family || native->hop_limit != model->hop_limit ||
	    native->part != (uint8_t)model->part ||
	    memcmp(native->source, model->source.bytes, 16) != 0 ||
	    memcmp(native->destination, model->destination.bytes, 16) != 0)
		return false;
	/* Of a later fragment over IPv6 the protocol is of no use. */
	if (model->part == PART_LATER)
		return native->fragment_offset == model->offset;
	if (native->protocol != model->protocol)
		return false;
	if (model->part == PART_FIRST && native->header_end != model->header_end)
		return false;
	if (ports && (native->source_port != model->source_port ||
		      native->destination_port != model->destination_port))
		return false;
	if (model->transport == TRANSPORT_TCP && native->tcp_flags != model->tcp_flags)
		return false;
	return model->transport != TRANSPORT_ICMP ||
	       (native->icmp_type == model->icmp_type && native->icmp_code == model->icmp_code);
}

/* In a buffer of its own, of just this length. */
static void compare(const uint8_t *bytes, size_t length)
{
	uint8_t *frame = malloc(length ? length : 1);
	struct packet model = {0};
	struct native_packet native;
	enum reason reason;

	memcpy(frame, bytes, length);
	native = native_parse(frame, length);
	reason = packet_parse(frame, length, &model);
	if (!agree(&native, reason, &model)) {
		print_frame(frame, length);
		fail_msg("the programs' parser says %d, the model's %d", native.reason, reason);
	}
	free(frame);
}

static struct address address_of(const char *text)
{
	struct address address;

	assert_true(address_parse(text, &address));
	return address;
}

static const uint8_t protocols[] = {IPPROTO_TCP,    IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP,
				    IPPROTO_ICMPV6, 50,		 112};
static const struct {
	uint8_t types[10];
	size_t count;
} chains[] = {
	{{0}, 0},
	{{0, 60, 43}, 3},
	{{60, 60, 60, 60, 60, 60, 60, 60}, 8},
	{{60, 60, 60, 60, 60, 60, 60, 60, 60}, 9},
	{{60, 0}, 2},
	{{0, 44, 60}, 3},
};
static const struct frame_fragment fragments[] = {
	{0},
	{.present = true, .more = true, .id = 7},
	{.present = true, .id = 7, .offset = 16},
	{.present = true, .more = true, .id = 7, .offset = 65528},
	{.present = true, .id = 7},
};

/* Calls each with every kind of frame. */
static void for_every_frame(void (*each)(const uint8_t *frame, size_t length))
{
	uint8_t payload[24] = {0x80, 0x00, 1, 2, 3, 4};
	uint8_t frame[FRAME_MAX];
	size_t length, built = 0;

	for (size_t p = 0; p < sizeof(protocols); p++)
		for (size_t c = 0; c < sizeof(chains) / sizeof(chains[0]); c++)
			for (size_t f = 0; f < sizeof(fragments) / sizeof(fragments[0]); f++)
				for (unsigned variant = 0; variant < 8; variant++) {
					bool ipv6 = variant & 1;
					struct frame_fields fields = {
						.source = address_of(ipv6 ? "2001:db8::1"
									  : "192.0.2.1"),
						.destination = address_of(ipv6 ? "2001:db8::2"
									       : "192.0.2.2"),
						.vlan_ids = {5, 6, 7},
						.vlan_count = variant & 2 ? (c % 3) + 1 : 0,
						.hop_limit = 64,
						.ipv4_options = variant & 4 ? 8 : 0,
						.extension_count = ipv6 ? chains[c].count : 0,
						.fragment = fragments[f],
						.protocol = protocols[p],
						.source_port = 5060,
						.destination_port = 30000,
						.tcp_flags = FRAME_TCP_SYN,
						.tcp_options = variant & 4 ? 12 : 0,
						.icmp_type = 8,
						.payload = payload,
						.payload_length = sizeof(payload),
					};

					memcpy(fields.extensions, chains[c].types,
					       ipv6 ? chains[c].count : 0);
					if (frame_build(&fields, frame, sizeof(frame), &length))
						continue;
					built++;
					each(frame, length);
				}
	/* Some combinations can't be built; most must be. */
	assert_true(built > 400);
}

static void cut_at_every_byte(const uint8_t *frame, size_t length)
{
	for (size_t cut = 0; cut <= length; cut++)
		compare(frame, cut);
}

static void change_every_byte(const uint8_t *frame, size_t length)
{
	static const uint8_t values[] = {0x00, 0x01, 0x06, 0x2c, 0x3c, 0x40,
					 0x45, 0x4f, 0x60, 0x7f, 0x81, 0xff};
	uint8_t changed[FRAME_MAX];

	for (size_t i = 12; i < length; i++)
		for (size_t v = 0; v < sizeof(values); v++) {
			memcpy(changed, frame, length);
			changed[i] = values[v];
			compare(changed, length);
		}
}

static void test_truncation(void **data)
{
	for_every_frame(cut_at_every_byte);
}

static void test_changed_bytes(void **data)
{
	for_every_frame(change_every_byte);
}

static void test_random_bytes(void **data)
{
	const char *fixed = getenv("SALLYPORT_TEST_SEED");
	unsigned seed = fixed ? (unsigned)strtoul(fixed, NULL, 10) : (unsigned)getpid();
	uint8_t frame[FRAME_MAX];

	print_message("SALLYPORT_TEST_SEED=%u\n", seed);
	srandom(seed);
	for (int i = 0; i < 200000; i++) {
		size_t length = (size_t)random() % 160;

		for (size_t byte = 0; byte < length; byte++)
			frame[byte] = (uint8_t)random();
		if (length > 20 && i % 4) {
			/* As far as IP, so that what follows is looked at. */
			frame[12] = i % 2 ? 0x08 : 0x86;
			frame[13] = i % 2 ? 0x00 : 0xdd;
			frame[14] = (uint8_t)(i % 2 ? 0x40 | (frame[14] & 15) : 0x60);
			frame[i % 2 ? 16 : 18] = 0;
		}
		compare(frame, length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_changed_bytes),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
