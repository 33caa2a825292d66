/* SPDX-License-Identifier: BSD-2-Clause */
#include "namespace.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

/* On the own addresses' networks. */
#define GATEWAY4 "192.0.2.1"
#define GATEWAY6 "2001:db8::1"
/*
 * No duplicate address detection, no router solicitations, no filter of sources: what is measured
 * is what was set up.
 */
#define SETTINGS                                                                                   \
	"net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0 "                    \
	"net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0"
#define OWN_NAMESPACE "/proc/thread-self/ns/net"

static int open_namespace(struct failure *failure, int *ret_fd)
{
	int fd = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(failure, errno, OWN_NAMESPACE ": %s", strerror(errno));
	*ret_fd = fd;
	return 0;
}

int namespace_set_device(struct namespace *namespace, const char *device, struct failure *failure)
{
	struct ifreq request = {0};
	int error = namespace_enter(namespace, failure), fd;

	if (error)
		return error;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		error = fail(failure, errno, "%s: %s", device, strerror(errno));
	if (fd >= 0)
		close(fd);
	memcpy(namespace->mac, request.ifr_hwaddr.sa_data, sizeof(namespace->mac));
	namespace->ifindex = if_nametoindex(device);
	namespace_leave(namespace);
	return error;
}

/*
 * Answers have a way out, to a neighbour that is never asked for. The other end says nothing of its
 * own accord (MLD, router solicitations): each packet that arrives is one that was sent.
 */
static int set_up(struct namespace *namespace, const char *const local[2], struct failure *failure)
{
	char line[1024];
	int error;

	snprintf(line, sizeof(line),
		 "ip link add " NAMESPACE_DEVICE " numtxqueues 1 numrxqueues 1 type veth "
		 "peer name " NAMESPACE_OTHER " numtxqueues 1 numrxqueues 1\n"
		 "sysctl -qw net.ipv6.conf." NAMESPACE_OTHER ".disable_ipv6=1\n"
		 "ip link set " NAMESPACE_DEVICE " up\nip link set " NAMESPACE_OTHER " up\n"
		 "ip addr add %s/24 dev " NAMESPACE_DEVICE "\n"
		 "ip addr add %s/64 dev " NAMESPACE_DEVICE " nodad\n"
		 "for gateway in " GATEWAY4 " " GATEWAY6 "; do\n"
		 "ip neigh add $gateway lladdr " NAMESPACE_GATEWAY_MAC " dev " NAMESPACE_DEVICE "\n"
		 "ip route add default via $gateway\ndone\n",
		 local[0], local[1]);
	error = namespace_shell(namespace, line, failure, NULL);
	if (error)
		return error;
	return namespace_set_device(namespace, NAMESPACE_DEVICE, failure);
}

int namespace_new_empty(struct failure *failure, struct namespace **ret_namespace)
{
	struct namespace *namespace = calloc(1, sizeof(*namespace));
	int error;

	if (!namespace)
		return fail(failure, ENOMEM, "out of memory");
	namespace->fd = namespace->old = -1;
	error = open_namespace(failure, &namespace->old);
	if (!error && unshare(CLONE_NEWNET))
		error = fail(failure, errno, "no network namespace can be made: %s",
			     strerror(errno));
	if (!error)
		error = open_namespace(failure, &namespace->fd);
	namespace_leave(namespace);
	if (!error)
		error = namespace_shell(namespace, "sysctl -qw " SETTINGS "\nip link set lo up",
					failure, NULL);
	if (error)
		namespace_free(namespace);
	else
		*ret_namespace = namespace;
	return error;
}

int namespace_new(const char *const local[2], struct failure *failure,
		  struct namespace **ret_namespace)
{
	struct namespace *namespace;
	int error = namespace_new_empty(failure, &namespace);

	if (error)
		return error;
	error = set_up(namespace, local, failure);
	if (error)
		namespace_free(namespace);
	else
		*ret_namespace = namespace;
	return error;
}

void namespace_free(struct namespace *namespace)
{
	if (!namespace)
		return;
	if (namespace->fd >= 0)
		close(namespace->fd);
	if (namespace->old >= 0)
		close(namespace->old);
	free(namespace);
}

int namespace_enter(const struct namespace *namespace, struct failure *failure)
{
	if (setns(namespace->fd, CLONE_NEWNET))
		return fail(failure, errno, "a network namespace can't be entered: %s",
			    strerror(errno));
	return 0;
}

void namespace_leave(const struct namespace *namespace)
{
	/* It was this thread's a moment ago: what else could be done? */
	if (namespace->old >= 0 && setns(namespace->old, CLONE_NEWNET))
		abort();
}

int namespace_run(const struct namespace *namespace, const char *const words[], const char *input,
		  struct failure *failure, char **ret_output)
{
	int error = namespace_enter(namespace, failure);

	if (!error)
		error = tool_run(words, input, failure, ret_output);
	namespace_leave(namespace);
	return error;
}

int namespace_shell(const struct namespace *namespace, const char *line, struct failure *failure,
		    char **ret_output)
{
	const char *const words[] = {"/bin/sh", "-ec", line, NULL};

	return namespace_run(namespace, words, NULL, failure, ret_output);
}

int namespace_private_shell(const struct namespace *namespace, const char *script,
			    struct failure *failure, char **ret_output)
{
	/* Private from /sys on only: where / is a chroot's it is no mount of its own. */
	static const char *const words[] = {"unshare",
					    "--mount",
					    "--propagation",
					    "unchanged",
					    "/bin/sh",
					    "-ec",
					    "mount --make-rprivate /sys\n"
					    "mount -t bpf bpf /sys/fs/bpf\n"
					    "exec /bin/sh -e",
					    NULL};

	return namespace_run(namespace, words, script, failure, ret_output);
}
