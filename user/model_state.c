/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_state.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct share {
	size_t slot;
	struct address remote;
	size_t flows;
};

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_tuples(const struct tuple *a, const struct tuple *b)
{
	int result = order(a->protocol, b->protocol);

	if (!result)
		result = order(a->local_port, b->local_port);
	if (!result)
		result = order(a->remote_port, b->remote_port);
	if (!result)
		result = address_compare(&a->local, &b->local);
	if (!result)
		result = address_compare(&a->remote, &b->remote);
	return result;
}

static int compare_flows(const void *a, const void *b)
{
	const struct model_flow *left = a;
	const struct model_flow *right = b;

	return compare_tuples(&left->key, &right->key);
}

static int compare_shares(const void *a, const void *b)
{
	const struct share *left = a;
	const struct share *right = b;
	int result = order(left->slot, right->slot);

	return result ? result : address_compare(&left->remote, &right->remote);
}

static int compare_fragments(const void *a, const void *b)
{
	const struct datagram *left = &((const struct model_fragment *)a)->key;
	const struct datagram *right = &((const struct model_fragment *)b)->key;
	int result = order(left->direction, right->direction);

	if (!result)
		result = order(left->identification, right->identification);
	if (!result)
		result = order(left->protocol, right->protocol);
	if (!result)
		result = address_compare(&left->source, &right->source);
	if (!result)
		result = address_compare(&left->destination, &right->destination);
	return result;
}

/* As an arena does: running out of memory ends the program. */
static void *must(void *memory)
{
	if (!memory) {
		fputs("sallyport: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

/* The entry of the tree that is equal to probe, or a copy of probe put there. */
static void *find_or_add(void **tree, const void *probe, size_t size,
			 int (*compare)(const void *, const void *))
{
	void *const *node = tfind(probe, tree, compare);
	void *entry;

	if (node)
		return *node;
	entry = must(malloc(size));
	memcpy(entry, probe, size);
	must(tsearch(entry, tree, compare));
	return entry;
}

static void *find(void *const *tree, const void *probe, int (*compare)(const void *, const void *))
{
	void *const *node = tfind(probe, tree, compare);

	return node ? *node : NULL;
}

void model_state_clear(struct model_state *state)
{
	tdestroy(state->flows, free);
	tdestroy(state->shares, free);
	tdestroy(state->fragments, free);
	*state = (struct model_state){0};
}

struct model_flow *model_state_flow(const struct model_state *state, const struct tuple *key)
{
	const struct model_flow probe = {.key = *key};

	return find(&state->flows, &probe, compare_flows);
}

struct model_flow *model_state_add_flow(struct model_state *state, const struct tuple *key)
{
	const struct model_flow probe = {.key = *key};

	state->flow_count++;
	return find_or_add(&state->flows, &probe, sizeof(probe), compare_flows);
}

void model_state_set_slot(struct model_state *state, struct model_flow *flow, size_t slot)
{
	struct share probe = {.slot = flow->slot, .remote = flow->key.remote};
	struct share *share;

	if (flow->slot) {
		share = find(&state->shares, &probe, compare_shares);
		share->flows--;
	}
	flow->slot = slot;
	if (slot) {
		probe.slot = slot;
		share = find_or_add(&state->shares, &probe, sizeof(probe), compare_shares);
		share->flows++;
	}
}

size_t model_state_share(const struct model_state *state, size_t slot, const struct address *remote)
{
	const struct share probe = {.slot = slot, .remote = *remote};
	const struct share *share = find(&state->shares, &probe, compare_shares);

	return share ? share->flows : 0;
}

struct model_fragment *model_state_fragment(const struct model_state *state,
					    const struct datagram *key)
{
	const struct model_fragment probe = {.key = *key};

	return find(&state->fragments, &probe, compare_fragments);
}

struct model_fragment *model_state_add_fragment(struct model_state *state,
						const struct datagram *key)
{
	const struct model_fragment probe = {.key = *key};

	state->fragment_count++;
	return find_or_add(&state->fragments, &probe, sizeof(probe), compare_fragments);
}

void model_state_remove_fragment(struct model_state *state, const struct datagram *key)
{
	struct model_fragment *fragment = model_state_fragment(state, key);

	if (!fragment)
		return;
	tdelete(fragment, &state->fragments, compare_fragments);
	free(fragment);
	state->fragment_count--;
}
