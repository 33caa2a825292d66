/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "netlink.h"

/* uapi/linux/bpf.h of Linux 6.6; the headers of Debian 12 are older. */
#define TCX_EGRESS	 ((enum bpf_attach_type)47)
#define TCX_FLAG_BEFORE	 (1u << 3)
#define TCX_PROGRAMS_MAX 64 /* the kernel's own bound (BPF_MPROG_MAX) */

/*
 * Fixed, so that a replacement hits the same filter. The lowest priority number runs first: a
 * filter of another program that accepts would end the chain before us.
 */
#define FILTER_PRIORITY	    1u
#define FILTER_HANDLE	    0x5a11u

#define CLSACT_EGRESS	    TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
#define CLSACT_INGRESS	    TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

#define HOLDER_BYTES_MAX    512
#define PROC_PATH_BYTES_MAX (2 * 256 + 32) /* two names of a directory entry */

const char *xdp_mode_name(enum xdp_mode mode)
{
	static const char *const names[] = {"none", "native", "generic"};

	return names[mode];
}

const char *egress_hook_name(enum egress_hook hook)
{
	static const char *const names[] = {"none", "tcx", "clsact"};

	return names[hook];
}

/* ------------------------------------------------------------ who holds a hook ------------------
 */

static void program_name(uint32_t program_id, char *name)
{
	cleanup(fd_closep) int fd = bpf_prog_get_fd_by_id(program_id);
	struct bpf_prog_info information = {0};
	__u32 length = sizeof(information);

	/* Walking ids takes CAP_SYS_ADMIN; the id alone helps too. */
	snprintf(name, BPF_OBJ_NAME_LEN, "?");
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &information, &length) == 0)
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", information.name);
}

/*
 * The link that holds XDP on the interface; 0: none, or not for us to see. Ids of programs are the
 * machine's, indexes of interfaces are each network namespace's.
 */
static uint32_t xdp_link_id(uint32_t interface_index, uint32_t program_id)
{
	uint32_t id = 0;

	while (bpf_link_get_next_id(id, &id) == 0) {
		cleanup(fd_closep) int fd = bpf_link_get_fd_by_id(id);
		struct bpf_link_info information = {0};
		__u32 length = sizeof(information);

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &information, &length) == 0 &&
		    information.type == BPF_LINK_TYPE_XDP &&
		    information.xdp.ifindex == interface_index && information.prog_id == program_id)
			return id;
	}
	return 0;
}

static bool descriptor_shows(const char *pid, const char *descriptor, const char *key, uint32_t id)
{
	char path[PROC_PATH_BYTES_MAX];
	char line[128];
	char format[32];
	unsigned value;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, descriptor);
	snprintf(format, sizeof(format), "%s:\t%%u", key);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, format, &value) == 1 && value == id;
	fclose(file);
	return found;
}

static bool process_has(const char *pid, const char *key, uint32_t id)
{
	char path[PROC_PATH_BYTES_MAX];
	const struct dirent *entry;
	bool found = false;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	directory = opendir(path);
	if (!directory)
		return false;
	while (!found && (entry = readdir(directory)))
		found = isdigit((unsigned char)entry->d_name[0]) &&
			descriptor_shows(pid, entry->d_name, key, id);
	closedir(directory);
	return found;
}

static void append(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(char *text, const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + length, HOLDER_BYTES_MAX - length, format, arguments);
	va_end(arguments);
}

static void append_processes(char *text, const char *key, uint32_t id)
{
	const struct dirent *entry;
	bool any = false;
	DIR *directory = opendir("/proc");

	while (directory && (entry = readdir(directory))) {
		char name[64] = "?";
		char path[PROC_PATH_BYTES_MAX];
		FILE *file;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !process_has(entry->d_name, key, id))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (file && fgets(name, sizeof(name), file))
			name[strcspn(name, "\n")] = '\0';
		if (file)
			fclose(file);
		append(text, "%s%s (%s)", any ? ", " : ", held by process ", entry->d_name, name);
		any = true;
	}
	if (directory)
		closedir(directory);
	if (!any)
		append(text, ", held by no process (pinned, or attached by netlink)");
}

static void describe_xdp_holder(uint32_t interface_index, char *text /* HOLDER_BYTES_MAX */)
{
	char name[BPF_OBJ_NAME_LEN];
	enum xdp_mode mode;
	uint32_t program;
	uint32_t link;

	if (xdp_read(interface_index, &mode, &program) < 0 || !program) {
		snprintf(text, HOLDER_BYTES_MAX, "which is no longer there");
		return;
	}
	program_name(program, name);
	link = xdp_link_id(interface_index, program);
	snprintf(text, HOLDER_BYTES_MAX, "%s XDP program %u (%s)", xdp_mode_name(mode), program,
		 name);
	if (link)
		append(text, " by link %u", link);
	append_processes(text, link ? "link_id" : "prog_id", link ? link : program);
}

/* ------------------------------------------------------------ XDP -------------------------------
 */

static int fail_no_native(const struct interface *interface, int error, struct failure *failure)
{
	char driver[32];

	interface_driver(interface->name, driver);
	if (error == EOPNOTSUPP)
		return fail(
			failure, error,
			"%s: its driver (%s) has no native XDP; apply --xdp-mode generic enforces "
			"the same policy, but more slowly",
			interface->name, driver);
	return fail(
		failure, error,
		"%s: its driver (%s) refuses native XDP: %s; often the MTU (%u here) is too "
		"large for it, LRO is on (ethtool -K %s lro off) or it lacks queues (ethtool "
		"-l %s); the kernel's log may say; apply --xdp-mode generic does without, but more "
		"slowly",
		interface->name, driver, strerror(error), interface->mtu, interface->name,
		interface->name);
}

static int fail_taken(const struct interface *interface, struct failure *failure)
{
	char holder[HOLDER_BYTES_MAX];

	describe_xdp_holder(interface->index, holder);
	return fail(failure, EBUSY,
		    "%s: the XDP hook is taken: %s; detach that first, and apply again",
		    interface->name, holder);
}

int attach_xdp_check_free(const struct interface *interface, struct failure *failure)
{
	uint32_t program;
	enum xdp_mode mode;

	/* What can't be asked is found out when it is attached. */
	if (xdp_read(interface->index, &mode, &program) < 0 || mode == XDP_MODE_NONE)
		return 0;
	return fail_taken(interface, failure);
}

int attach_xdp(const struct interface *interface, int program_fd, enum xdp_mode mode,
	       struct failure *failure)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = mode == XDP_MODE_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(program_fd, (int)interface->index, BPF_XDP, &options);
	int error = errno;

	if (fd >= 0)
		return fd;
	/* EEXIST: native and generic at once. */
	if (error == EBUSY || error == EEXIST)
		return fail_taken(interface, failure);
	if (mode == XDP_MODE_NATIVE && error != EPERM && error != ENODEV)
		return fail_no_native(interface, error, failure);
	return fail(failure, error, "%s: can't attach %s XDP: %s", interface->name,
		    xdp_mode_name(mode), strerror(error));
}

int xdp_read(uint32_t interface_index, enum xdp_mode *ret_mode, uint32_t *ret_program_id)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int result = bpf_xdp_query((int)interface_index, 0, &query);

	if (result < 0)
		return result;
	switch (query.attach_mode) {
	case XDP_ATTACHED_NONE:
		*ret_mode = XDP_MODE_NONE;
		*ret_program_id = 0;
		break;
	case XDP_ATTACHED_SKB:
		*ret_mode = XDP_MODE_GENERIC;
		*ret_program_id = query.skb_prog_id;
		break;
	default: /* native, native beside offload, or offload alone */
		*ret_mode = XDP_MODE_NATIVE;
		*ret_program_id = query.drv_prog_id ? query.drv_prog_id : query.prog_id;
	}
	return 0;
}

/* ------------------------------------------------------------ links -----------------------------
 */

int attach_update(int link_fd, int program_fd, const char *interface, struct failure *failure)
{
	if (bpf_link_update(link_fd, program_fd, NULL) == 0)
		return 0;
	return fail(failure, errno,
		    "%s: the kernel does not swap the program: %s; the old policy stays in force",
		    interface, strerror(errno));
}

int attach_detach(int link_fd, struct failure *failure)
{
	/* ENOLINK: the interface has gone, and the link holds nothing. */
	if (bpf_link_detach(link_fd) == 0 || errno == ENOLINK)
		return 0;
	return fail(failure, errno, "can't detach the link: %s", strerror(errno));
}

int link_read(int link_fd, struct link_state *ret_state)
{
	struct bpf_link_info information = {0};
	__u32 length = sizeof(information);

	if (bpf_obj_get_info_by_fd(link_fd, &information, &length) < 0)
		return -errno;
	*ret_state = (struct link_state){
		.id = information.id,
		.program_id = information.prog_id,
		/* That of tcx stands at the same place. */
		.interface_index = information.xdp.ifindex,
	};
	return 0;
}

int program_read_id(int program_fd, uint32_t *ret_id)
{
	struct bpf_prog_info information = {0};
	__u32 length = sizeof(information);

	if (bpf_obj_get_info_by_fd(program_fd, &information, &length) < 0)
		return -errno;
	*ret_id = information.id;
	return 0;
}

/* ------------------------------------------------------------ tcx -------------------------------
 */

bool tcx_supported(uint32_t interface_index)
{
	__u32 count = 0;

	return bpf_prog_query((int)interface_index, TCX_EGRESS, 0, NULL, NULL, &count) == 0;
}

int attach_tcx(const struct interface *interface, int program_fd, struct failure *failure)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = TCX_FLAG_BEFORE);
	int fd = bpf_link_create(program_fd, (int)interface->index, TCX_EGRESS, &options);
	int error = errno;

	if (fd >= 0)
		return fd;
	if (error == EINVAL && !tcx_supported(interface->index))
		return fail(failure, EOPNOTSUPP,
			    "%s: this kernel has no tcx (Linux 6.6 has); use clsact",
			    interface->name);
	return fail(failure, error, "%s: can't attach to tcx egress: %s", interface->name,
		    strerror(error));
}

int tcx_position(uint32_t interface_index, uint32_t program_id)
{
	__u32 ids[TCX_PROGRAMS_MAX] = {0};
	__u32 count = TCX_PROGRAMS_MAX;

	if (bpf_prog_query((int)interface_index, TCX_EGRESS, 0, NULL, ids, &count) < 0)
		return -errno;
	for (__u32 i = 0; i < count && i < TCX_PROGRAMS_MAX; i++) {
		if (ids[i] == program_id)
			return (int)i;
	}
	return -ENOENT;
}

/* ------------------------------------------------------------ clsact ----------------------------
 */

static int find_clsact(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *qdisc = NLMSG_DATA(message);
	const struct rtattr *attributes[TCA_KIND + 1];
	struct tcmsg *wanted = data;

	netlink_attributes(message, sizeof(*qdisc), attributes, TCA_KIND);
	if (message->nlmsg_type == RTM_NEWQDISC && qdisc->tcm_ifindex == wanted->tcm_ifindex &&
	    attributes[TCA_KIND] && !strcmp(RTA_DATA(attributes[TCA_KIND]), "clsact"))
		wanted->tcm_info = 1;
	return 0;
}

int clsact_exists(uint32_t interface_index)
{
	struct tcmsg request = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)interface_index};
	struct tcmsg found = request;
	int result = netlink_dump(RTM_GETQDISC, &request, sizeof(request), find_clsact, &found);

	return result < 0 ? result : (int)found.tcm_info;
}

/* What the filters of one hook of clsact are. */
struct filters {
	unsigned count;
	bool ours;
	uint32_t program_id; /* of ours */
};

static int take_filter(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *filter = NLMSG_DATA(message);
	const struct rtattr *attributes[TCA_OPTIONS + 1];
	const struct rtattr *options[TCA_BPF_ID + 1] = {0};
	struct filters *filters = data;

	/* A chain's own entry (handle 0) stands before its filters. */
	if (message->nlmsg_type != RTM_NEWTFILTER || filter->tcm_handle == 0)
		return 0;
	filters->count++;
	if (filter->tcm_handle != FILTER_HANDLE ||
	    TC_H_MAJ(filter->tcm_info) >> 16 != FILTER_PRIORITY)
		return 0;
	netlink_attributes(message, sizeof(*filter), attributes, TCA_OPTIONS);
	if (attributes[TCA_KIND] && !strcmp(RTA_DATA(attributes[TCA_KIND]), "bpf") &&
	    attributes[TCA_OPTIONS])
		netlink_nested(attributes[TCA_OPTIONS], options, TCA_BPF_ID);
	filters->ours = true;
	if (options[TCA_BPF_ID])
		memcpy(&filters->program_id, RTA_DATA(options[TCA_BPF_ID]),
		       sizeof(filters->program_id));
	return 0;
}

static int filters_read(uint32_t interface_index, uint32_t parent, struct filters *ret_filters)
{
	const struct tcmsg request = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)interface_index,
		.tcm_parent = parent,
	};
	struct filters filters = {0};
	int result = netlink_dump(RTM_GETTFILTER, &request, sizeof(request), take_filter, &filters);

	if (result == 0)
		*ret_filters = filters;
	return result;
}

/* Not by bpf_tc_query(): where the qdisc has no filter yet, that is EINVAL and a line of log. */
int clsact_read(uint32_t interface_index, uint32_t *ret_program_id)
{
	struct filters filters = {0};
	int result = clsact_exists(interface_index);

	if (result <= 0)
		return result < 0 ? result : -ENOENT;
	result = filters_read(interface_index, CLSACT_EGRESS, &filters);
	if (result < 0)
		return result;
	if (!filters.ours)
		return -ENOENT;
	*ret_program_id = filters.program_id;
	return 0;
}

static int fail_clsact(const struct interface *interface, int error, struct failure *failure)
{
	return fail(failure, error,
		    "%s: can't add the egress filter (priority %u, handle 0x%x) to clsact: %s; if "
		    "another classifier has that priority, or a plain ingress qdisc is there (tc "
		    "qdisc show dev %s; tc filter show dev %s egress), move it",
		    interface->name, FILTER_PRIORITY, FILTER_HANDLE, strerror(error),
		    interface->name, interface->name);
}

int attach_clsact(const struct interface *interface, int program_fd, uint32_t replaces_id,
		  struct failure *failure)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)interface->index,
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
		    .prog_fd = program_fd, .flags = BPF_TC_F_REPLACE);
	char name[BPF_OBJ_NAME_LEN];
	uint32_t present = 0;
	int result;

	result = clsact_read(interface->index, &present);
	if (result < 0 && result != -ENOENT)
		return fail_clsact(interface, -result, failure);
	if (present && present != replaces_id) {
		program_name(present, name);
		return fail(failure, EBUSY,
			    "%s: the egress filter of our priority (%u) and handle (0x%x) is "
			    "program %u (%s), which is not ours; remove it (tc filter del dev %s "
			    "egress pref %u) and apply again",
			    interface->name, FILTER_PRIORITY, FILTER_HANDLE, present, name,
			    interface->name, FILTER_PRIORITY);
	}
	result = clsact_exists(interface->index);
	if (result == 0)
		result = bpf_tc_hook_create(&hook);
	if (result >= 0)
		result = bpf_tc_attach(&hook, &options);
	return result < 0 ? fail_clsact(interface, -result, failure) : 0;
}

int clsact_detach(uint32_t interface_index, bool remove_qdisc, struct failure *failure)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)interface_index,
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	struct filters egress = {0}, ingress = {0};
	uint32_t program_id;
	int result;

	result = clsact_read(interface_index, &program_id);
	if (result == 0)
		result = bpf_tc_detach(&hook, &options);
	if (result < 0 && result != -ENOENT)
		return fail(failure, -result, "can't remove the egress filter: %s",
			    strerror(-result));
	if (!remove_qdisc || clsact_exists(interface_index) <= 0)
		return 0;
	if (filters_read(interface_index, CLSACT_EGRESS, &egress) < 0 ||
	    filters_read(interface_index, CLSACT_INGRESS, &ingress) < 0 || egress.count ||
	    ingress.count)
		return 0;
	/* Both attach points together name the qdisc itself. */
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	result = bpf_tc_hook_destroy(&hook);
	if (result < 0 && result != -ENOENT)
		return fail(failure, -result, "can't remove the clsact qdisc: %s",
			    strerror(-result));
	return 0;
}
