/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernel names its thread after the device: "napi/own-8193". */
#define POLLER_NAME "napi/" NAMESPACE_DEVICE "-"
#define POLLERS_MAX 64u
/* Before the RTP sender's, so that only the CPU limits it. */
#define POLLER_PRIORITY 10

/* ---- the poller ---- */

struct pollers {
	pid_t pids[POLLERS_MAX];
	size_t count;
};

static bool is_poller(const char *pid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	return strncmp(name, POLLER_NAME, strlen(POLLER_NAME)) == 0;
}

static void find_pollers(struct pollers *pollers)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;

	pollers->count = 0;
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    is_poller(entry->d_name) && pollers->count < POLLERS_MAX)
			pollers->pids[pollers->count++] = atoi(entry->d_name);
	if (folder)
		closedir(folder);
}

static pid_t find_new(const struct pollers *before, const struct pollers *after)
{
	for (size_t i = 0; i < after->count; i++) {
		bool old = false;

		for (size_t j = 0; j < before->count; j++)
			old = old || before->pids[j] == after->pids[i];
		if (!old)
			return after->pids[i];
	}
	return 0;
}

/* GRO is what makes a veth poll where it has no program. Sysfs shows the devices of the namespace
 * that it was mounted in. */
static int start_poller(struct link *link, int cpu, struct failure *failure)
{
	static const char line[] = "ethtool -K " NAMESPACE_DEVICE " gro on\n"
				   "unshare --mount sh -ec 'mount -t sysfs sysfs /sys\n"
				   "echo 1 >/sys/class/net/" NAMESPACE_DEVICE "/threaded'";
	const struct sched_param first = {.sched_priority = POLLER_PRIORITY};
	struct pollers before, after;
	cpu_set_t one;
	int error;

	find_pollers(&before);
	error = namespace_shell(link->host, line, failure, NULL);
	if (error)
		return error;
	find_pollers(&after);
	link->poller = find_new(&before, &after);
	if (!link->poller)
		return fail(failure, ESRCH, "the device has no polling thread");
	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	if (sched_setaffinity(link->poller, sizeof(one), &one) ||
	    sched_setscheduler(link->poller, SCHED_FIFO, &first))
		return fail(failure, errno, "the polling thread can't be bound to CPU %d: %s", cpu,
			    strerror(errno));
	return 0;
}

/* ---- the link ---- */

static int connect_peer(struct link *link, const char *const local[2], const struct address *from,
			struct failure *failure)
{
	const uint8_t *mac = link->host->mac;
	char line[1024], text[ADDRESS_TEXT_MAX];
	int error;

	snprintf(line, sizeof(line), "ip link set " NAMESPACE_OTHER " netns /proc/%d/fd/%d",
		 (int)getpid(), link->peer->fd);
	error = namespace_shell(link->host, line, failure, NULL);
	if (error)
		return error;
	address_format(from, text);
	snprintf(line, sizeof(line),
		 "ip link set " NAMESPACE_OTHER " address " NAMESPACE_GATEWAY_MAC " up\n"
		 "ip addr add %s/%u dev " NAMESPACE_OTHER "\n"
		 "ip route add %s dev " NAMESPACE_OTHER "\n"
		 "ip neigh add %s dev " NAMESPACE_OTHER " lladdr %02x:%02x:%02x:%02x:%02x:%02x\n",
		 text, address_bits(from), local[from->family == 6], local[from->family == 6],
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	error = namespace_shell(link->peer, line, failure, NULL);
	if (error)
		return error;
	return namespace_set_device(link->peer, NAMESPACE_OTHER, failure);
}

int link_new(const char *const local[2], const struct address *from, int cpu, struct link *link,
	     struct failure *failure)
{
	int error;

	*link = (struct link){0};
	error = namespace_new(local, failure, &link->host);
	if (!error)
		error = namespace_new_empty(failure, &link->peer);
	if (!error)
		error = connect_peer(link, local, from, failure);
	if (!error)
		error = start_poller(link, cpu, failure);
	if (error)
		link_free(link);
	return error;
}

void link_free(struct link *link)
{
	namespace_free(link->host);
	namespace_free(link->peer);
	*link = (struct link){0};
}

/* ---- counting ---- */

/* A number behind the word-th blank of the first line that begins so, of text. */
static bool number_behind(const char *text, const char *begin, unsigned word, uint64_t *ret_number)
{
	const char *at = text;
	size_t length = strlen(begin);

	while (at && strncmp(at, begin, length) != 0) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	for (unsigned i = 0; at && i < word; i++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at && sscanf(at, "%" SCNu64, ret_number) == 1;
}

static int read_poller(const struct link *link, uint64_t *ret_ns)
{
	char path[64];
	FILE *file;
	int read;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)link->poller);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	read = fscanf(file, "%" SCNu64, ret_ns);
	fclose(file);
	return read == 1 ? 0 : -EIO;
}

/* Lines of /proc/net: "own: bytes packets ...", and the second of "Ip:" is "Ip: forwarding ttl
 * InReceives ...". */
int link_read(const struct link *link, struct link_counts *counts, struct failure *failure)
{
	static const char line[] =
		"sed -n 's/^ *" NAMESPACE_DEVICE ": */device /p' /proc/net/dev | tr -s ' '\n"
		"grep '^Ip: [0-9]' /proc/net/snmp";
	char *text = NULL;
	int error = namespace_shell(link->host, line, failure, &text);

	if (error)
		return error;
	if (!number_behind(text, "device", 2, &counts->received) ||
	    !number_behind(text, "Ip:", 3, &counts->to_stack))
		error = fail(failure, EPROTO, "the device's counters can't be read: %.200s", text);
	free(text);
	if (!error && read_poller(link, &counts->cpu_ns))
		error = fail(failure, EIO, "the polling thread's time can't be read");
	return error;
}
