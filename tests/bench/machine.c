/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static void describe_cpu(struct machine *machine)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(machine->cpu, sizeof(machine->cpu), "unknown CPU");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(machine->cpu, sizeof(machine->cpu), "%s", strchr(line, ':') + 2);
			break;
		}
	if (file)
		fclose(file);
}

void machine_describe(struct machine *machine)
{
	struct utsname kernel;
	time_t now = time(NULL);

	uname(&kernel);
	snprintf(machine->kernel, sizeof(machine->kernel), "%s", kernel.release);
	strftime(machine->date, sizeof(machine->date), "%Y-%m-%d %H:%M UTC", gmtime(&now));
	describe_cpu(machine);
}

int machine_pin(int wanted, struct failure *failure, int *ret_cpu)
{
	cpu_set_t all, one;
	int chosen = wanted;

	if (sched_getaffinity(0, sizeof(all), &all))
		return fail(failure, errno, "sched_getaffinity: %s", strerror(errno));
	for (int cpu = 0; wanted < 0 && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all))
			chosen = cpu;
	CPU_ZERO(&one);
	CPU_SET((size_t)chosen, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return fail(failure, errno, "can't run on CPU %d: %s", chosen, strerror(errno));
	*ret_cpu = chosen;
	return 0;
}
