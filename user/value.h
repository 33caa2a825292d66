/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parameters' values: what a site sets, over the default; on a host, what the host sets, over that.
 * And what services and ports come to with them.
 */
#ifndef SALLYPORT_VALUE_H
#define SALLYPORT_VALUE_H

#include "policy.h"

/* Reads "parameters" of the site and of its hosts into the settings of policy, whose instances must
 * be there. */
void values_read(struct arena *arena, struct diagnostics *diagnostics, struct policy *policy);

/* Whose values are meant. */
struct scope {
	struct arena *arena;
	const struct policy *policy;
	const struct instance *instance; /* of names without "instance/" */
	const struct site_host *host;	 /* NULL: what holds for all hosts */
};

/* A parameter that is needed and has no value. */
struct lack {
	const struct instance *instance;
	const struct parameter *parameter;
};

/* NULL if there is no such parameter; ret_lack says which it is, with value or without. */
const struct setting *scope_setting(const struct scope *scope, const char *name,
				    struct lack *ret_lack);

/*
 * Add to list what the terms come to; nothing where a parameter is "none". False if a parameter has
 * no value: then ret_lack says which. Ports come out normalized.
 */
bool scope_ports(const struct scope *scope, const port_term_list *terms, struct port_list *list,
		 struct lack *ret_lack);
bool scope_services(const struct scope *scope, const service_term_list *terms,
		    struct service_list *list, struct lack *ret_lack);

/* A setting's value as a file would have it: "30000-65535", "on", "none". */
const char *setting_format(struct arena *arena, const struct parameter *parameter,
			   const struct setting *setting);

#endif
