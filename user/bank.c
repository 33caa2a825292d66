/* SPDX-License-Identifier: BSD-2-Clause */
#include "bank.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* Entries of one system call: more is not faster, and fewer is hardly slower. */
#define CHUNK 4096u
/* Entries between two steps that are told. */
#define STEP_ENTRIES 65536u
/* The kernel's allocator is filled up from an interrupt: what fails now may work a moment later. */
#define PUT_TRIES    100u
#define PUT_PAUSE_US 1000u

static_assert(sizeof(struct address_record) ==
		      sizeof(struct ipv6_key) + sizeof(struct address_class),
	      "records can be compared byte by byte");
static_assert(offsetof(struct ipv4_key, address) == offsetof(struct ipv6_key, address),
	      "an IPv4 key is the beginning of an IPv6 one");

/* A trie, and one chunk of it in the form of the system calls: keys one after the other, values. */
struct trie {
	int fd;
	uint32_t key_size;
	unsigned char *keys;
	struct address_class *values;
	struct ipv6_key position; /* the last key that was read */
	bool begun;
};

static void trie_close(struct trie *trie)
{
	free(trie->keys);
	free(trie->values);
}

static int trie_open(int fd, struct trie *ret_trie)
{
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);
	struct trie trie = {.fd = fd};

	if (bpf_obj_get_info_by_fd(fd, &information, &length) < 0)
		return -errno;
	if ((information.key_size != sizeof(struct ipv4_key) &&
	     information.key_size != sizeof(struct ipv6_key)) ||
	    information.value_size != sizeof(struct address_class))
		return -EPROTO;
	trie.key_size = information.key_size;
	trie.keys = malloc((size_t)CHUNK * trie.key_size);
	trie.values = malloc(CHUNK * sizeof(*trie.values));
	if (!trie.keys || !trie.values) {
		trie_close(&trie);
		return -ENOMEM;
	}
	*ret_trie = trie;
	return 0;
}

/* ------------------------------------------------------------ reading ---------------------------
 */

/* The next entries, up to CHUNK. Returns 0, 1 if there are no more behind them, or -errno. */
static int read_chunk(struct trie *trie, struct address_record *records, uint32_t *ret_count)
{
	__u32 count = CHUNK;
	int end = 0;

	if (bpf_map_lookup_batch(trie->fd, trie->begun ? &trie->position : NULL, &trie->position,
				 trie->keys, trie->values, &count, NULL) < 0) {
		if (errno != ENOENT)
			return -errno;
		end = 1;
	}
	trie->begun = true;
	for (uint32_t i = 0; i < count; i++) {
		records[i] = (struct address_record){.value = trie->values[i]};
		memcpy(&records[i].key, trie->keys + (size_t)i * trie->key_size, trie->key_size);
	}
	*ret_count = count;
	return end;
}

int bank_holds(int fd, const struct address_image *wanted)
{
	cleanup(trie_close) struct trie trie = {0};
	struct address_record *records;
	size_t seen = 0;
	uint32_t count;
	int result = trie_open(fd, &trie);
	bool equal = true;

	if (result)
		return result;
	records = malloc(CHUNK * sizeof(*records));
	if (!records)
		return -ENOMEM;
	while (result == 0 && equal) {
		result = read_chunk(&trie, records, &count);
		if (result < 0)
			break;
		equal = count <= wanted->count - seen &&
			!memcmp(records, wanted->items + seen, count * sizeof(*records));
		seen += count;
	}
	free(records);
	if (result < 0)
		return result;
	return equal && seen == wanted->count;
}

static int read_all(struct trie *trie, struct address_image *ret_image)
{
	struct address_image image = {0};
	size_t capacity = 0;
	uint32_t count = 0;
	int result = 0;

	while (result == 0) {
		if (capacity - image.count < CHUNK) {
			struct address_record *grown;

			capacity = capacity * 2 + CHUNK;
			grown = realloc(image.items, capacity * sizeof(*grown));
			if (!grown) {
				result = -ENOMEM;
				break;
			}
			image.items = grown;
		}
		result = read_chunk(trie, image.items + image.count, &count);
		image.count += result < 0 ? 0 : count;
	}
	if (result < 0) {
		address_image_free(&image);
		return result;
	}
	address_image_sort(&image);
	*ret_image = image;
	return 0;
}

/* ------------------------------------------------------------ writing ---------------------------
 */

static uint32_t gather(struct trie *trie, const struct address_record *records, size_t count)
{
	uint32_t chunk = count < CHUNK ? (uint32_t)count : CHUNK;

	for (uint32_t i = 0; i < chunk; i++) {
		memcpy(trie->keys + (size_t)i * trie->key_size, &records[i].key, trie->key_size);
		trie->values[i] = records[i].value;
	}
	return chunk;
}

static int put_one(const struct trie *trie, const struct address_record *record)
{
	for (unsigned try = 0; try < PUT_TRIES; try++) {
		if (!bpf_map_update_elem(trie->fd, &record->key, &record->value, BPF_ANY))
			return 0;
		if (errno != ENOMEM)
			return -errno;
		usleep(PUT_PAUSE_US);
	}
	return -ENOMEM;
}

static int put_chunk(struct trie *trie, const struct address_record *records, size_t count,
		     uint32_t *ret_done)
{
	uint32_t chunk = gather(trie, records, count);
	__u32 done = chunk;
	int error = 0;

	*ret_done = chunk;
	if (!bpf_map_update_batch(trie->fd, trie->keys, trie->values, &done, NULL))
		return 0;
	/* Batches may fail where single entries do not; how far it came is not always told. */
	for (uint32_t i = 0; !error && i < chunk; i++)
		error = put_one(trie, &records[i]);
	return error;
}

static int remove_chunk(struct trie *trie, const struct address_record *records, size_t count,
			uint32_t *ret_done)
{
	uint32_t chunk = gather(trie, records, count);
	__u32 done = chunk;

	*ret_done = chunk;
	if (!bpf_map_delete_batch(trie->fd, trie->keys, &done, NULL))
		return 0;
	for (uint32_t i = 0; i < chunk; i++) {
		if (bpf_map_delete_elem(trie->fd, &records[i].key) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

struct writing {
	const struct bank *bank;
	struct trie *trie;
	struct failure *failure;
};

/* Writes all records by chunks; verb: of the progress. */
static int write_all(const struct writing *writing, const char *verb,
		     int (*write_chunk)(struct trie *trie, const struct address_record *records,
					size_t count, uint32_t *ret_done),
		     const struct address_record *records, size_t count)
{
	uint32_t done = 0;

	for (size_t at = 0; at < count; at += done) {
		int error = write_chunk(writing->trie, records + at, count - at, &done);

		if (error)
			return fail(writing->failure, -error,
				    "map %s refused an entry of %zu: %s%s", writing->bank->name,
				    count, strerror(-error),
				    error == -ENOMEM ? " (memory of the kernel, or of this "
						       "command's control group)"
						     : "");
		if ((at + done) / STEP_ENTRIES != at / STEP_ENTRIES)
			progress_step(writing->bank->progress, "%s: %zu of %zu entries %s",
				      writing->bank->name, at + done, count, verb);
	}
	return 0;
}

/*
 * A packet that a program took up before its hook was swapped may still be looked up here. A grace
 * period of RCU ends what had begun before it.
 */
static int wait_for_packets(struct failure *failure)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
		return 0;
	return fail(failure, errno, "can't wait for packets that are on their way (membarrier): %s",
		    strerror(errno));
}

bool bank_can_wait(void)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return commands >= 0 && (commands & MEMBARRIER_CMD_GLOBAL);
}

/* ------------------------------------------------------------ reading back ----------------------
 */

static int fail_trust(const char *name, const struct address_record *record,
		      struct failure *failure)
{
	char text[ADDRESS_TEXT_MAX] = "its entries";

	if (record) {
		const uint8_t *bytes = record->key.address;
		struct prefix prefix = {.length = (uint8_t)record->key.prefix_length};

		prefix.address.family = !strncmp(name, "ipv4", strlen("ipv4")) ? 4 : 6;
		memcpy(prefix.address.bytes, bytes, sizeof(prefix.address.bytes));
		prefix_format(&prefix, text);
	}
	return fail(failure, EIO,
		    "map %s gives another class for %s than was written: the kernel's trie can't "
		    "be trusted; what is in force was not changed",
		    name, text);
}

/* What was not touched was read a moment ago. */
static int verify_difference(const struct writing *writing,
			     const struct address_difference *difference)
{
	const int fd = writing->trie->fd;

	for (size_t i = 0; i < difference->added + difference->changed; i++) {
		const struct address_record *put = &difference->put[i];
		struct address_class value = {0};

		if (bpf_map_lookup_elem(fd, &put->key, &value) ||
		    memcmp(&value, &put->value, sizeof(value)) != 0)
			return fail_trust(writing->bank->name, put, writing->failure);
	}
	/* A look-up would be answered by what is around the key; removing again tells. */
	for (size_t i = 0; i < difference->removed; i++) {
		if (!bpf_map_delete_elem(fd, &difference->remove[i].key) || errno != ENOENT)
			return fail_trust(writing->bank->name, &difference->remove[i],
					  writing->failure);
	}
	return 0;
}

/* Single look-ups cost twice as much as reading all at once. */
static int verify(const struct writing *writing, const struct address_difference *difference,
		  const struct address_image *wanted)
{
	size_t touched = difference->added + difference->changed + difference->removed;
	int holds;

	if (touched < wanted->count / 2)
		return verify_difference(writing, difference);
	holds = bank_holds(writing->trie->fd, wanted);
	if (holds < 0)
		return fail(writing->failure, -holds, "map %s can't be read back: %s",
			    writing->bank->name, strerror(-holds));
	return holds ? 0 : fail_trust(writing->bank->name, NULL, writing->failure);
}

/* ------------------------------------------------------------ bringing up -----------------------
 */

static int change(const struct writing *writing, const struct address_difference *difference,
		  struct stopwatch *stopwatch)
{
	const struct bank *bank = writing->bank;
	size_t put = difference->added + difference->changed;
	int error = 0;

	if (!put && !difference->removed)
		return 0;
	progress_step(bank->progress, "%s: %zu entries to put, %zu to remove", bank->name, put,
		      difference->removed);
	if (!bank->fresh)
		error = wait_for_packets(writing->failure);
	stopwatch_lap(stopwatch, "tries_wait");
	if (!error)
		error = write_all(writing, "removed", remove_chunk, difference->remove,
				  difference->removed);
	if (!error)
		error = write_all(writing, "put", put_chunk, difference->put, put);
	stopwatch_lap(stopwatch, "tries_write");
	return error;
}

int bank_bring_up(const struct bank *bank, const struct address_image *wanted,
		  struct stopwatch *stopwatch, struct failure *failure,
		  struct bank_counts *ret_counts)
{
	cleanup(trie_close) struct trie trie = {0};
	cleanup(address_image_free) struct address_image held = {0};
	cleanup(address_difference_free) struct address_difference difference = {0};
	const struct writing writing = {bank, &trie, failure};
	int error = trie_open(bank->fd, &trie);

	if (!error)
		error = read_all(&trie, &held);
	if (!error)
		error = address_difference_make(&held, wanted, &difference);
	if (error)
		return fail(failure, -error, "map %s can't be read: %s", bank->name,
			    strerror(-error));
	stopwatch_lap(stopwatch, "tries_read");
	error = change(&writing, &difference, stopwatch);
	if (!error)
		error = verify(&writing, &difference, wanted);
	stopwatch_lap(stopwatch, "tries_verify");
	if (error)
		return error;
	*ret_counts = (struct bank_counts){
		.added = difference.added,
		.changed = difference.changed,
		.removed = difference.removed,
		.kept = difference.kept,
	};
	return 0;
}
