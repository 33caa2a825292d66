/* SPDX-License-Identifier: BSD-2-Clause */
#include "compile_addresses.h"

#include <stdlib.h>
#include <string.h>

/* A host may nest prefixes of all 129 lengths of IPv6. */
#define NESTED_MAX 129u

/*
 * The key of a class is a set of these numbers: KEY_LOCAL if the address may stand at this host's
 * end, KEY_GROUP if "every unicast address" does not mean it, then KEY_LIST for each list of terms
 * with that address at that end. Equal keys, equal class. The empty key is class 0.
 */
#define KEY_LOCAL	    0u
#define KEY_GROUP	    1u
#define KEY_LIST(list, end) (2u + (list)*END_COUNT + (end))

/* Before the sweep number is a list, behind it the set of all lists that hold the prefix. */
struct place {
	struct prefix prefix;
	uint32_t number;
};

/* What a set of lists means for an address that is in all of them and in no other. */
struct effect {
	bool known;
	bool own;
	bool peer_of[DIRECTION_COUNT];
	uint16_t role;
	uint32_t key;
};

struct sweep {
	struct arena *scratch;
	const struct terms *terms;
	struct place *places;
	size_t count;
	struct class_sets *sets; /* of lists */
	struct class_sets *keys;
	LIST(struct effect) effects; /* by set */
	struct place open[NESTED_MAX];
	unsigned depth;
	number_list work;
};

static int compare_places(const struct place *left, const struct place *right)
{
	int order = prefix_compare(&left->prefix, &right->prefix);

	if (order)
		return order;
	return left->number < right->number ? -1 : left->number > right->number;
}

/* Where the ascending run that begins here ends. */
static size_t run_end(const struct place *places, size_t start, size_t count)
{
	size_t end = start + 1;

	while (end < count && compare_places(&places[end - 1], &places[end]) <= 0)
		end++;
	return end < count ? end : count;
}

/* Merges pairs of neighbouring runs. True: it was one run already, and to holds nothing. */
static bool merge_runs(const struct place *from, struct place *to, size_t count)
{
	size_t out = 0;

	while (out < count) {
		size_t left = out, middle = run_end(from, left, count);
		size_t right = middle, end;

		if (middle == count && !left)
			return true;
		end = middle < count ? run_end(from, middle, count) : count;
		while (left < middle || right < end) {
			bool take_left =
				right == end ||
				(left < middle && compare_places(&from[left], &from[right]) <= 0);

			to[out++] = from[take_left ? left++ : right++];
		}
	}
	return false;
}

/* Lists come sorted, most of them, so there is less to do than a sort would. */
static void sort_places(struct sweep *sweep)
{
	struct place *from = sweep->places;
	struct place *to = arena_alloc(sweep->scratch, sweep->count * sizeof(*to));

	while (!merge_runs(from, to, sweep->count)) {
		struct place *merged = to;

		to = from;
		from = merged;
	}
	sweep->places = from;
}

static void gather(struct sweep *sweep)
{
	size_t total = 0;

	list_for_each (list, &sweep->terms->lists) {
		total += list->prefixes->count;
	}
	sweep->places = arena_alloc(sweep->scratch, total * sizeof(*sweep->places));
	for (size_t i = 0; i < sweep->terms->lists.count; i++) {
		list_for_each (prefix, sweep->terms->lists.items[i].prefixes) {
			sweep->places[sweep->count++] = (struct place){*prefix, (uint32_t)i};
		}
	}
	if (sweep->count)
		sort_places(sweep);
}

static void push_key(struct sweep *sweep, uint32_t number)
{
	*arena_push(sweep->scratch, &sweep->work) = number;
}

static bool has_direction(const struct terms *terms, const number_list *numbers,
			  enum direction direction)
{
	list_for_each (number, numbers) {
		if (terms->items.items[*number].direction == direction)
			return true;
	}
	return false;
}

/* A peer's share in an effect: rights, never of own addresses. */
static void add_peer(struct sweep *sweep, const struct address_list *list, struct effect *effect)
{
	for (int direction = 0; direction < DIRECTION_COUNT; direction++) {
		if (has_direction(sweep->terms, &list->terms[END_FAR], (enum direction)direction))
			effect->peer_of[direction] = true;
	}
}

static struct effect effect_compute(struct sweep *sweep, uint32_t set_number)
{
	struct class_set set = class_sets_get(sweep->sets, set_number);
	const struct address_list *lists = sweep->terms->lists.items;
	struct effect effect = {.known = true};
	bool own = false;
	bool floating = false;
	bool group = false;
	bool local = false;
	uint32_t peer = 0;

	for (uint32_t i = 0; i < set.count; i++) {
		const struct address_list *list = &lists[set.items[i]];

		own |= list->own;
		floating |= list->floating;
		group |= list->group;
		local |= list->own || list->floating || list->terms[END_NEAR].count;
		if (list->peer && (!peer || list->peer < peer))
			peer = list->peer;
	}
	sweep->work.count = 0;
	if (local)
		push_key(sweep, KEY_LOCAL);
	if (local && group)
		push_key(sweep, KEY_GROUP);
	for (uint32_t i = 0; i < set.count; i++) {
		const struct address_list *list = &lists[set.items[i]];

		if (list->terms[END_NEAR].count)
			push_key(sweep, KEY_LIST(set.items[i], END_NEAR));
		if (!list->terms[END_FAR].count || own || floating)
			continue;
		push_key(sweep, KEY_LIST(set.items[i], END_FAR));
		add_peer(sweep, list, &effect);
	}
	effect.own = own && !floating;
	effect.role = peer ? sweep->terms->role_of_peer[peer - 1] : 0;
	effect.key = class_sets_add(sweep->keys, sweep->work.items, sweep->work.count);
	return effect;
}

static struct effect effect_of(struct sweep *sweep, uint32_t set)
{
	while (sweep->effects.count <= set)
		*arena_push(sweep->scratch, &sweep->effects) = (struct effect){0};
	if (!sweep->effects.items[set].known)
		sweep->effects.items[set] = effect_compute(sweep, set);
	return sweep->effects.items[set];
}

static bool effects_equal(const struct effect *a, const struct effect *b)
{
	return a->key == b->key && a->own == b->own &&
	       a->peer_of[DIRECTION_IN] == b->peer_of[DIRECTION_IN] &&
	       a->peer_of[DIRECTION_OUT] == b->peer_of[DIRECTION_OUT] && a->role == b->role;
}

/*
 * In this order what covers a prefix comes before it, so the prefixes that are open form a stack
 * and each one's set is that of the one below and its own lists. Keeps in places, with their sets,
 * those prefixes that say something else than the prefix around them.
 */
static void push_down(struct sweep *sweep)
{
	size_t kept = 0;

	for (size_t i = 0; i < sweep->count;) {
		struct prefix prefix = sweep->places[i].prefix;
		struct effect around;
		struct effect here;
		uint32_t outer = 0;
		uint32_t set;

		while (sweep->depth &&
		       !prefix_covers(&sweep->open[sweep->depth - 1].prefix, &prefix))
			sweep->depth--;
		if (sweep->depth)
			outer = sweep->open[sweep->depth - 1].number;
		for (set = outer;
		     i < sweep->count && !prefix_compare(&sweep->places[i].prefix, &prefix); i++)
			set = class_sets_with(sweep->sets, set, sweep->places[i].number);
		sweep->open[sweep->depth++] = (struct place){prefix, set};
		around = effect_of(sweep, outer);
		here = effect_of(sweep, set);
		if (!effects_equal(&around, &here))
			sweep->places[kept++] = (struct place){prefix, set};
	}
	sweep->count = kept;
}

static bool key_is_local(struct class_set key)
{
	return key.count && key.items[0] == KEY_LOCAL;
}

struct numbered_key {
	struct class_set items;
	uint32_t key;
};

/* Fewer lists first, then by the lists: what the addresses are plays no part. */
static int compare_keys(const void *a, const void *b)
{
	const struct class_set *left = &((const struct numbered_key *)a)->items;
	const struct class_set *right = &((const struct numbered_key *)b)->items;

	if (left->count != right->count)
		return left->count < right->count ? -1 : 1;
	for (uint32_t i = 0; i < left->count; i++) {
		if (left->items[i] != right->items[i])
			return left->items[i] < right->items[i] ? -1 : 1;
	}
	return 0;
}

/*
 * Gives numbers to the classes at the near end, or to the others. By their keys, so that a few
 * addresses more or less leave the numbers of all others as they were, and with them what the
 * kernel holds.
 */
static int number_classes(struct sweep *sweep, bool local, struct diagnostics *diagnostics,
			  struct address_classes *classes, uint16_t *class_of_key)
{
	LIST(struct numbered_key) found = {0};

	for (size_t i = 0; i < sweep->count; i++) {
		uint32_t key = effect_of(sweep, sweep->places[i].number).key;
		struct class_set items = class_sets_get(sweep->keys, key);

		if (!key || class_of_key[key] || key_is_local(items) != local)
			continue;
		if (classes->key_of.count + found.count > CLASSES_MAX)
			return compile_over(diagnostics, CLASSES_MAX,
					    "groups of addresses that rules tell apart",
					    "use the same set of addresses in more of the roles");
		class_of_key[key] = 1; /* found */
		*arena_push(sweep->scratch, &found) = (struct numbered_key){items, key};
	}
	if (found.count)
		qsort(found.items, found.count, sizeof(*found.items), compare_keys);
	list_for_each (each, &found) {
		class_of_key[each->key] = (uint16_t)classes->key_of.count;
		*arena_push(sweep->scratch, &classes->key_of) = each->key;
	}
	return 0;
}

static void fill_entries(struct sweep *sweep, const uint16_t *class_of_key, struct tables *tables)
{
	size_t ipv4 = 0;

	while (ipv4 < sweep->count && sweep->places[ipv4].prefix.address.family == 4)
		ipv4++;
	tables->ipv4.items = arena_alloc(tables->arena, ipv4 * sizeof(*tables->ipv4.items));
	tables->ipv4.capacity = ipv4;
	tables->ipv6.capacity = sweep->count - ipv4;
	tables->ipv6.items =
		arena_alloc(tables->arena, tables->ipv6.capacity * sizeof(*tables->ipv6.items));
	for (size_t i = 0; i < sweep->count; i++) {
		struct effect effect = effect_of(sweep, sweep->places[i].number);
		struct address_entry entry = {
			.prefix = sweep->places[i].prefix,
			.class_id = class_of_key[effect.key],
			.own = effect.own,
			.peer_of_in = effect.peer_of[DIRECTION_IN],
			.peer_of_out = effect.peer_of[DIRECTION_OUT],
			.role = effect.role,
		};

		if (i < ipv4)
			tables->ipv4.items[tables->ipv4.count++] = entry;
		else
			tables->ipv6.items[tables->ipv6.count++] = entry;
	}
}

int compile_addresses(struct arena *scratch, const struct terms *terms,
		      struct diagnostics *diagnostics, struct tables *tables,
		      struct address_classes *ret_classes)
{
	struct sweep sweep = {
		.scratch = scratch,
		.terms = terms,
		.sets = class_sets_new(scratch),
		.keys = class_sets_new(scratch),
	};
	struct address_classes classes = {.keys = sweep.keys};
	uint16_t *class_of_key;
	int error;

	gather(&sweep);
	push_down(&sweep);
	if (sweep.count > PREFIXES_MAX)
		return compile_over(diagnostics, PREFIXES_MAX, "prefixes of this host's peers",
				    "aggregate them, or bind fewer");
	class_of_key = arena_alloc(scratch, class_sets_count(sweep.keys) * sizeof(*class_of_key));
	/* Classes 0 and LOCAL_CLASS_GROUP need no entry and have no lists. */
	while (classes.key_of.count < LOCAL_CLASS_FIRST)
		*arena_push(scratch, &classes.key_of) = 0;
	error = number_classes(&sweep, true, diagnostics, &classes, class_of_key);
	classes.local_count = (uint32_t)classes.key_of.count;
	if (!error)
		error = number_classes(&sweep, false, diagnostics, &classes, class_of_key);
	if (error)
		return error;
	fill_entries(&sweep, class_of_key, tables);
	*ret_classes = classes;
	return 0;
}

static void add_terms(const struct terms *terms, const number_list *numbers,
		      enum direction direction, struct arena *scratch, number_list *result)
{
	list_for_each (number, numbers) {
		if (terms->items.items[*number].direction == direction)
			*arena_push(scratch, result) = *number;
	}
}

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *left = a;
	const uint32_t *right = b;

	return *left < *right ? -1 : *left > *right;
}

void address_class_terms(const struct address_classes *classes, const struct terms *terms,
			 uint32_t class_id, enum end end, enum direction direction,
			 struct arena *scratch, number_list *result)
{
	struct class_set key = class_sets_get(classes->keys, classes->key_of.items[class_id]);
	bool group = class_id == LOCAL_CLASS_GROUP;

	result->count = 0;
	for (uint32_t i = 0; i < key.count; i++)
		group |= key.items[i] == KEY_GROUP;
	if (end == END_NEAR && !group && (class_id == LOCAL_CLASS_OTHER || key_is_local(key)))
		add_terms(terms, &terms->everywhere, direction, scratch, result);
	for (uint32_t i = 0; i < key.count; i++) {
		uint32_t number = key.items[i] - KEY_LIST(0, 0);

		if (key.items[i] < KEY_LIST(0, 0) || number % END_COUNT != (uint32_t)end)
			continue;
		add_terms(terms, &terms->lists.items[number / END_COUNT].terms[end], direction,
			  scratch, result);
	}
	if (result->count)
		qsort(result->items, result->count, sizeof(*result->items), compare_numbers);
}
