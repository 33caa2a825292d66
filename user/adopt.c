/* SPDX-License-Identifier: BSD-2-Clause */
#include "adopt.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "route.h"

const char *adoption_lack_name(enum adoption_lack lack)
{
	static const char *const names[] = {
		[LACK_RULE] = "rule", [LACK_ROOM] = "room", [LACK_NOTHING] = "rule"};

	return names[lack];
}

enum flow_state adopt_flow_state(uint8_t tcp_state)
{
	switch (tcp_state) {
	case TCP_SYN_SENT:
		return FLOW_SYN;
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		return FLOW_TCP;
	default:
		return FLOW_CLOSING; /* this host has sent its FIN */
	}
}

/* ------------------------------------------------------------ one connection --------------------
 */

static bool is_own(const struct interface_list *interfaces, const struct address *address)
{
	list_for_each (interface, interfaces) {
		list_for_each (own, &interface->addresses) {
			if (prefix_contains(own, address))
				return true;
		}
	}
	return false;
}

static bool is_loopback(const struct address *address)
{
	static const uint8_t ipv6_loopback[16] = {[15] = 1};

	if (address->family == 4)
		return address->bytes[0] == IN_LOOPBACKNET;
	return !memcmp(address->bytes, ipv6_loopback, sizeof(ipv6_loopback));
}

static void set_address(const struct address *address, __u8 *to /* 16 bytes */)
{
	if (address->family == 4)
		memcpy(to + 12, address->bytes, 4);
	else
		memcpy(to, address->bytes, 16);
}

int adopt_one(const struct adopter *adopter, const struct tcp_connection *connection,
	      struct adoption *ret_adoption)
{
	struct adoption adoption = {
		.key =
			{
				.local_port = htons(connection->local_port),
				.remote_port = htons(connection->remote_port),
				.protocol = IPPROTO_TCP,
				.family = connection->local.family,
			},
		.state = (__u8)adopt_flow_state(connection->state),
		.served = connection->served,
	};
	struct adoption answer;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &adoption,
		    .data_size_in = sizeof(adoption), .data_out = &answer,
		    .data_size_out = sizeof(answer), .repeat = 1);

	set_address(&connection->local, adoption.key.local);
	set_address(&connection->remote, adoption.key.remote);
	if (bpf_prog_test_run_opts(adopter->program_fd, &options) < 0)
		return -errno;
	if (options.retval != XDP_PASS || options.data_size_out != sizeof(answer))
		return -EPROTO;
	*ret_adoption = answer;
	return 0;
}

/* What has no route is listed, as nothing says that it is safe. */
static bool leaves_elsewhere(const struct adopter *adopter, const struct tcp_connection *connection)
{
	uint32_t index = connection->interface_index;

	if (!index && route_interface(&connection->local, &connection->remote, &index) < 0)
		return false;
	return !route_meets(adopter->interfaces, index, adopter->hooked);
}

static void add_unadopted(const struct adopter *adopter, const struct tcp_connection *connection,
			  enum adoption_lack lack, const struct adoption *adoption,
			  struct adoptions *adoptions)
{
	if (leaves_elsewhere(adopter, connection))
		return;
	*arena_push(adopter->arena, &adoptions->unadopted) = (struct unadopted){
		.connection = *connection,
		.lack = lack,
		.reason = adoption->reason,
	};
}

static void account(const struct adopter *adopter, const struct tcp_connection *connection,
		    const struct adoption *adoption, struct adoptions *adoptions)
{
	switch ((enum adoption_outcome)adoption->outcome) {
	case ADOPTION_ADMITTED:
		adoptions->admitted++;
		break;
	case ADOPTION_KNOWN:
		break;
	case ADOPTION_MADE:
		adoptions->made++;
		adoptions->made_by[adoption->rule_slot % RULE_SLOTS_MAX]++;
		if (!adoption->rule_slot)
			add_unadopted(adopter, connection, LACK_NOTHING, adoption, adoptions);
		break;
	case ADOPTION_REFUSED:
		/* What is only tried is no connection yet: there is nothing to cut. */
		if (connection->state != TCP_SYN_SENT)
			add_unadopted(adopter, connection, LACK_RULE, adoption, adoptions);
		break;
	case ADOPTION_IGNORED:
		if (connection->state != TCP_SYN_SENT)
			add_unadopted(adopter, connection, LACK_NOTHING, adoption, adoptions);
		break;
	case ADOPTION_NO_ROOM:
		add_unadopted(adopter, connection, LACK_ROOM, adoption, adoptions);
		break;
	}
}

/* ------------------------------------------------------------ passes ----------------------------
 */

/* The next pass may find room for what this one found none. */
static void forget_lack_of_room(struct adoptions *adoptions)
{
	size_t kept = 0;

	for (size_t i = 0; i < adoptions->unadopted.count; i++) {
		if (adoptions->unadopted.items[i].lack != LACK_ROOM)
			adoptions->unadopted.items[kept++] = adoptions->unadopted.items[i];
	}
	adoptions->unadopted.count = kept;
}

int adopt_pass(const struct adopter *adopter, struct failure *failure, struct adoptions *adoptions)
{
	struct tcp_connection_list connections;
	struct adoption adoption;
	int result;

	result = tcp_connections_read(adopter->arena, failure, &connections);
	if (result < 0)
		return result;
	forget_lack_of_room(adoptions);
	adoptions->passes++;
	adoptions->admitted = 0;
	list_for_each (connection, &connections) {
		if (is_loopback(&connection->remote) ||
		    is_own(adopter->interfaces, &connection->remote))
			continue;
		result = adopt_one(adopter, connection, &adoption);
		if (result < 0)
			return fail(failure, -result,
				    "can't adopt a connection (program adopt: %s)",
				    strerror(-result));
		account(adopter, connection, &adoption, adoptions);
	}
	return 0;
}

/* By peer, and what is to be said of it together. */
static int compare_unadopted(const void *one, const void *other)
{
	const struct unadopted *first = one, *second = other;
	const struct tcp_connection *a = &first->connection, *b = &second->connection;
	int result = address_compare(&a->remote, &b->remote);

	if (!result)
		result = (int)first->lack - (int)second->lack;
	if (!result)
		result = (int)first->reason - (int)second->reason;
	if (!result)
		result = (int)a->remote_port - (int)b->remote_port;
	if (!result)
		result = address_compare(&a->local, &b->local);
	return result ? result : (int)a->local_port - (int)b->local_port;
}

/* Each pass lists what no rule allows. */
static void sort_unadopted(struct adoptions *adoptions)
{
	struct unadopted *items = adoptions->unadopted.items;
	size_t kept = 0;

	if (!adoptions->unadopted.count)
		return;
	qsort(items, adoptions->unadopted.count, sizeof(*items), compare_unadopted);
	for (size_t i = 1; i < adoptions->unadopted.count; i++) {
		if (compare_unadopted(&items[i], &items[kept]) != 0)
			items[++kept] = items[i];
	}
	adoptions->unadopted.count = kept + 1;
}

int adopt_finish(const struct adopter *adopter, struct failure *failure,
		 struct adoptions *adoptions)
{
	struct rule_info information;

	sort_unadopted(adoptions);
	adoptions->rules.count = 0;
	for (__u32 slot = 0; slot < RULE_SLOTS_MAX; slot++) {
		struct adopted_rule *rule;

		if (!adoptions->made_by[slot])
			continue;
		if (slot && bpf_map_lookup_elem(adopter->rule_info_fd, &slot, &information) < 0)
			return fail(failure, errno, "can't read rule_info of slot %u: %s", slot,
				    strerror(errno));
		rule = arena_push(adopter->arena, &adoptions->rules);
		rule->id = slot ? arena_strdup(adopter->arena, information.id) : NULL;
		rule->connections = adoptions->made_by[slot];
	}
	return 0;
}
