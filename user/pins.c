/* SPDX-License-Identifier: BSD-2-Clause */
#include "pins.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "descriptor.h"
#include "interface.h"

#define LOCK_POLL_NANOSECONDS 50000000L
#define LOCK_POLLS_A_SECOND   20u
#define COUNT_CHUNK	      512 /* entries that one system call reads */
#define GENERATION_PREFIX     "generation-"

struct pins {
	char *root;
	int root_fd; /* holds the lock */
	bool locked;
};

static void directory_closep(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

const char *pins_root(const struct pins *pins)
{
	return pins->root;
}

/* ------------------------------------------------------------ opening and the lock --------------
 */

static int fail_permission(struct failure *failure, int error, const char *path)
{
	if (error != EPERM && error != EACCES)
		return fail(failure, error, "%s: %s", path, strerror(error));
	return fail(failure, error,
		    "%s: %s; run as root, with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (in a unit, "
		    "ProtectKernelTunables= must not make /sys/fs/bpf read-only)",
		    path, strerror(error));
}

/* The directory above the root, which must be there. */
static void parent_of(const char *root, char *parent)
{
	char *slash;

	snprintf(parent, PIN_PATH_BYTES_MAX, "%s", root);
	slash = strrchr(parent, '/');
	if (!slash)
		snprintf(parent, PIN_PATH_BYTES_MAX, ".");
	else if (slash == parent)
		slash[1] = '\0';
	else
		*slash = '\0';
}

static int check_file_system(const char *root, struct failure *failure)
{
	char parent[PIN_PATH_BYTES_MAX];
	struct statfs status;

	parent_of(root, parent);
	if (statfs(parent, &status) < 0) {
		if (errno == ENOENT)
			return fail(
				failure, ENOTDIR,
				"%s is not there, so nothing can be pinned below it; mount the "
				"BPF file system (mount -t bpf bpf /sys/fs/bpf) or name another "
				"directory in one",
				parent);
		return fail_permission(failure, errno, parent);
	}
	if ((uint32_t)status.f_type != BPF_FS_MAGIC)
		return fail(failure, ENOTDIR,
			    "%s is not in a BPF file system; mount one: mount -t bpf bpf "
			    "/sys/fs/bpf (ip netns exec hides it: enter a namespace with nsenter "
			    "--net=/run/netns/NAME)",
			    parent);
	return 0;
}

static int open_root(const struct pins_request *request, const char *root, struct failure *failure,
		     int *ret_fd)
{
	struct stat status;
	int result;
	int fd;

	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		result = check_file_system(root, failure);
		if (result < 0)
			return result;
		if (!request->create)
			return -ENOENT;
		if (mkdir(root, 0700) < 0 && errno != EEXIST)
			return fail_permission(failure, errno, root);
		fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return fail_permission(failure, errno, root);
	if (fstat(fd, &status) < 0 || status.st_uid != geteuid()) {
		close(fd);
		return fail(failure, EPERM,
			    "%s belongs to another user; remove it, or name "
			    "another directory for the pins",
			    root);
	}
	if (!request->read_only && (status.st_mode & 077) && fchmod(fd, 0700) < 0) {
		close(fd);
		return fail_permission(failure, errno, root);
	}
	*ret_fd = fd;
	return 0;
}

/* /proc/locks: "1: FLOCK  ADVISORY  WRITE 1234 00:1f:777 0 EOF". Blocked ones have "->". */
static int lock_holder(int fd)
{
	unsigned major_number, minor_number;
	unsigned long inode;
	struct stat status;
	char line[256];
	int holder = 0;
	int pid;
	FILE *file;

	if (fstat(fd, &status) < 0)
		return 0;
	file = fopen("/proc/locks", "re");
	if (!file)
		return 0;
	while (!holder && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %d %x:%x:%lu", &pid, &major_number,
			   &minor_number, &inode) == 4 &&
		    inode == status.st_ino && makedev(major_number, minor_number) == status.st_dev)
			holder = pid;
	}
	fclose(file);
	return holder;
}

int pins_busy(const struct pins *pins)
{
	return pins->locked ? 0 : lock_holder(pins->root_fd);
}

static int wait_for_lock(const struct pins_request *request, const char *root, int fd,
			 struct failure *failure)
{
	const struct timespec pause = {.tv_nsec = LOCK_POLL_NANOSECONDS};
	unsigned polls = request->wait_seconds * LOCK_POLLS_A_SECOND;
	char text[96];

	for (unsigned poll = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; poll++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(failure, errno, "%s: can't lock it: %s", root, strerror(errno));
		if (poll >= polls)
			return fail(failure, EBUSY,
				    "%s: another command (process %d) has been at work for more "
				    "than %u s; wait for it, or end it: the next command cleans up "
				    "after it",
				    root, lock_holder(fd), request->wait_seconds);
		if (poll == 0 && request->waiting) {
			snprintf(text, sizeof(text), "waiting for another command (process %d)",
				 lock_holder(fd));
			request->waiting(text, request->data);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* While we waited, the other command may have removed the root, or made it anew. */
static bool same_directory(const char *root, int fd)
{
	struct stat by_path, by_fd;

	return stat(root, &by_path) == 0 && fstat(fd, &by_fd) == 0 &&
	       by_path.st_ino == by_fd.st_ino && by_path.st_dev == by_fd.st_dev;
}

int pins_open(const struct pins_request *request, struct failure *failure, struct pins **ret_pins)
{
	const char *root = request->root ? request->root : PINS_ROOT;
	struct pins *pins;
	int result;
	int fd = -1;

	for (;;) {
		result = open_root(request, root, failure, &fd);
		if (result < 0)
			return result;
		if (request->read_only)
			break;
		result = wait_for_lock(request, root, fd, failure);
		if (result == 0 && same_directory(root, fd))
			break;
		close(fd);
		if (result < 0)
			return result;
	}
	pins = calloc(1, sizeof(*pins));
	if (!pins || !(pins->root = strdup(root))) {
		free(pins);
		close(fd);
		return fail(failure, ENOMEM, "out of memory");
	}
	pins->root_fd = fd;
	pins->locked = !request->read_only;
	*ret_pins = pins;
	return 0;
}

void pins_close(struct pins *pins)
{
	if (!pins)
		return;
	/* Under the lock, so that nobody is inside; fails unless it is empty. */
	if (pins->locked)
		rmdir(pins->root);
	close(pins->root_fd);
	free(pins->root);
	free(pins);
}

void pins_closep(struct pins **pins)
{
	pins_close(*pins);
}

/* ------------------------------------------------------------ one pin ---------------------------
 */

static int path_format(const struct pins *pins, char *path, const char *format, va_list arguments)
{
	int root_length = snprintf(path, PIN_PATH_BYTES_MAX, "%s/", pins->root);
	int length;

	if (root_length >= PIN_PATH_BYTES_MAX)
		return -ENAMETOOLONG;
	length = vsnprintf(path + root_length, (size_t)(PIN_PATH_BYTES_MAX - root_length), format,
			   arguments);
	return length < PIN_PATH_BYTES_MAX - root_length ? 0 : -ENAMETOOLONG;
}

/* Formats the path relative to the root into path, and its error into result. */
#define PIN_PATH(pins, path, format, result)                                                       \
	do {                                                                                       \
		va_list arguments_;                                                                \
		va_start(arguments_, format);                                                      \
		(result) = path_format((pins), (path), (format), arguments_);                      \
		va_end(arguments_);                                                                \
	} while (0)

int pins_get(const struct pins *pins, const char *format, ...)
{
	char path[PIN_PATH_BYTES_MAX];
	int result;
	int fd;

	PIN_PATH(pins, path, format, result);
	if (result < 0)
		return result;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

bool pins_exist(const struct pins *pins, const char *format, ...)
{
	char path[PIN_PATH_BYTES_MAX];
	int result;

	PIN_PATH(pins, path, format, result);
	return result == 0 && access(path, F_OK) == 0;
}

static int make_directories(const struct pins *pins, char *path)
{
	char *slash = path + strlen(pins->root);
	int result = 0;

	while (result == 0 && (slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			result = -errno;
		*slash = '/';
	}
	return result;
}

int pins_put(const struct pins *pins, int fd, struct failure *failure, const char *format, ...)
{
	char path[PIN_PATH_BYTES_MAX];
	int result;

	PIN_PATH(pins, path, format, result);
	if (result == 0)
		result = make_directories(pins, path);
	if (result == 0 && bpf_obj_pin(fd, path) < 0)
		result = -errno;
	if (result < 0)
		return fail_permission(failure, -result, path);
	return 0;
}

static int remove_path(const char *path);

static int remove_content(const char *path)
{
	cleanup(directory_closep) DIR *directory = opendir(path);
	char child[PIN_PATH_BYTES_MAX];
	const struct dirent *entry;
	int result = 0;

	if (!directory)
		return -errno;
	while (result == 0 && (entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) >=
		    (int)sizeof(child))
			return -ENAMETOOLONG;
		result = remove_path(child);
	}
	return result;
}

static int remove_path(const char *path)
{
	int result;

	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	result = remove_content(path);
	if (result == 0 && rmdir(path) < 0)
		result = -errno;
	return result;
}

int pins_remove(const struct pins *pins, struct failure *failure, const char *format, ...)
{
	char path[PIN_PATH_BYTES_MAX];
	int result;

	PIN_PATH(pins, path, format, result);
	if (result == 0)
		result = remove_path(path);
	if (result < 0)
		return fail_permission(failure, -result, path);
	return 0;
}

/* The entries are read and thrown away, a chunk at a time. */
static int count_entries(int fd, void *keys, void *values, uint64_t *ret_count)
{
	__u32 token = 0;
	uint64_t total = 0;
	int result = 0;

	for (bool started = false; result == 0; started = true) {
		__u32 count = COUNT_CHUNK;

		if (bpf_map_lookup_batch(fd, started ? &token : NULL, &token, keys, values, &count,
					 NULL) < 0)
			result = -errno;
		if (result == 0 || result == -ENOENT)
			total += count;
	}
	if (result != -ENOENT)
		return result;
	*ret_count = total;
	return 0;
}

int pins_map_use(const struct pins *pins, const char *path, uint64_t *ret_used, uint64_t *ret_bound)
{
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);
	cleanup(fd_closep) int fd = pins_get(pins, "%s", path);
	void *keys, *values;
	uint64_t used = 0;
	int result = -ENOMEM;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &information, &length) < 0)
		return -errno;
	keys = malloc((size_t)COUNT_CHUNK * information.key_size);
	values = malloc((size_t)COUNT_CHUNK * information.value_size);
	if (keys && values)
		result = count_entries(fd, keys, values, &used);
	free(keys);
	free(values);
	if (result < 0)
		return result;
	*ret_used = used;
	*ret_bound = information.max_entries;
	return 0;
}

/* ------------------------------------------------------------ directories -----------------------
 */

const char *pins_interface_directory(const char *interface, char *buffer)
{
	bool shared = !strcmp(interface, PINS_SHARED);
	char *out = buffer;

	for (const char *c = interface; *c; c++) {
		if (*c == '.' || *c == '%' || (shared && c == interface))
			out += sprintf(out, "%%%02x", (unsigned char)*c);
		else
			*out++ = *c;
	}
	*out = '\0';
	return buffer;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* False if no interface has such a directory. */
static bool interface_of_directory(const char *directory, char *name)
{
	size_t length = 0;

	for (const char *c = directory; *c; c++) {
		char decoded = *c;

		if (*c == '%' && isxdigit((unsigned char)c[1]) && isxdigit((unsigned char)c[2])) {
			decoded = (char)(hex_digit(c[1]) << 4 | hex_digit(c[2]));
			c += 2;
		}
		if (length >= IF_NAMESIZE - 1)
			return false;
		name[length++] = decoded;
	}
	name[length] = '\0';
	return length > 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct interface_name *)a)->text,
		      ((const struct interface_name *)b)->text);
}

int pins_interfaces(const struct pins *pins, struct arena *arena, struct failure *failure,
		    struct interface_name_list *ret_names)
{
	cleanup(directory_closep) DIR *directory = opendir(pins->root);
	struct interface_name_list names = {0};
	struct interface_name name;
	const struct dirent *entry;

	if (!directory)
		return fail_permission(failure, errno, pins->root);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, PINS_SHARED) != 0 &&
		    interface_of_directory(entry->d_name, name.text))
			*arena_push(arena, &names) = name;
	}
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	*ret_names = names;
	return 0;
}

static int compare_generations(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int pins_generations(const struct pins *pins, struct arena *arena, const char *interface,
		     struct failure *failure, struct generation_list *ret_generations)
{
	char name[PIN_DIRECTORY_BYTES_MAX];
	char path[PIN_PATH_BYTES_MAX];
	struct generation_list generations = {0};
	cleanup(directory_closep) DIR *directory = NULL;
	const struct dirent *entry;
	uint32_t generation;

	if (snprintf(path, sizeof(path), "%s/%s", pins->root,
		     pins_interface_directory(interface, name)) >= (int)sizeof(path))
		return fail(failure, ENAMETOOLONG, "%s: the path is too long", pins->root);
	directory = opendir(path);
	if (!directory && errno != ENOENT)
		return fail_permission(failure, errno, path);
	while (directory && (entry = readdir(directory))) {
		if (sscanf(entry->d_name, GENERATION_PREFIX "%" SCNu32, &generation) == 1)
			*arena_push(arena, &generations) = generation;
	}
	if (generations.count)
		qsort(generations.items, generations.count, sizeof(*generations.items),
		      compare_generations);
	*ret_generations = generations;
	return 0;
}

/* ------------------------------------------------------------ records ---------------------------
 */

/* The value sizes must be equal: the kernel copies as many bytes as the map's value has. */
static int record_open(const struct pins *pins, const char *name, size_t size)
{
	struct bpf_map_info information = {0};
	__u32 length = sizeof(information);
	int fd = pins_get(pins, PINS_SHARED "/%s", name);
	int result;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &information, &length) < 0)
		result = -errno;
	else if (information.value_size != size)
		result = -EPROTO;
	else
		return fd;
	close(fd);
	return result;
}

static int record_read(const struct pins *pins, const char *name, void *ret_value, size_t size)
{
	cleanup(fd_closep) int fd = record_open(pins, name, size);
	const __u32 first = 0;

	if (fd < 0)
		return fd;
	return bpf_map_lookup_elem(fd, &first, ret_value) < 0 ? -errno : 0;
}

static int record_write(const struct pins *pins, const char *name, const void *value, size_t size)
{
	cleanup(fd_closep) int fd = record_open(pins, name, size);
	const __u32 first = 0;

	if (fd < 0)
		return fd;
	return bpf_map_update_elem(fd, &first, value, BPF_ANY) < 0 ? -errno : 0;
}

int pins_meta_read(const struct pins *pins, struct layout_meta *ret_meta)
{
	return record_read(pins, "meta", ret_meta, sizeof(*ret_meta));
}

int pins_meta_write(const struct pins *pins, const struct layout_meta *meta)
{
	return record_write(pins, "meta", meta, sizeof(*meta));
}

int pins_journal_read(const struct pins *pins, struct journal *ret_journal)
{
	return record_read(pins, "journal", ret_journal, sizeof(*ret_journal));
}

int pins_journal_write(const struct pins *pins, const char *step, const char *interface,
		       uint32_t generation)
{
	struct journal journal = {
		.generation = generation,
		.pid = (__u32)getpid(),
		.since = (__u64)time(NULL),
	};

	snprintf(journal.step, sizeof(journal.step), "%s", step);
	snprintf(journal.interface, sizeof(journal.interface), "%s", interface);
	return record_write(pins, "journal", &journal, sizeof(journal));
}

static int check_netns(const struct pins *pins, const struct layout_meta *meta,
		       struct failure *failure)
{
	struct netns netns;
	int result = netns_read(&netns);

	if (result < 0)
		return fail(failure, -result, "can't tell which network namespace this is: %s",
			    strerror(-result));
	if (meta->netns_inode == netns.inode && meta->netns_cookie == netns.cookie)
		return 0;
	return fail(failure, EXDEV,
		    "%s belongs to another network namespace (net:[%" PRIu64
		    "], this is net:[%" PRIu64 "]); run the command in that one, or give each "
		    "namespace pins of its own (--pins DIRECTORY)",
		    pins->root, (uint64_t)meta->netns_inode, netns.inode);
}

int pins_check(const struct pins *pins, struct failure *failure, struct layout_meta *ret_meta)
{
	struct layout_meta meta;
	int result = pins_meta_read(pins, &meta);

	if (result == -ENOENT)
		return result;
	if (result == 0 && meta.layout_version != LAYOUT_VERSION)
		result = -EPROTO;
	if (result == -EPROTO)
		return fail(failure, EPROTO,
			    "%s was made by another version of sallyport (this one has layout %u); "
			    "what it enforces stays in force; to replace it: sallyport detach, "
			    "then apply (this closes the flows and counters)",
			    pins->root, LAYOUT_VERSION);
	if (result < 0)
		return fail_permission(failure, -result, pins->root);
	result = check_netns(pins, &meta, failure);
	if (result < 0)
		return result;
	*ret_meta = meta;
	return 0;
}
