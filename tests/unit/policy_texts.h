/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of a catalog and of a site that more than one test puts together. */
#ifndef SALLYPORT_POLICY_TEXTS_H
#define SALLYPORT_POLICY_TEXTS_H

#define ROLES                                                                                      \
	"roles:\n"                                                                                 \
	"  web: {names: [Web Server, Web Servers]}\n"                                              \
	"  app: {names: [App Server]}\n"                                                           \
	"  db: {names: [Database]}\n"                                                              \
	"  gw: {names: [Gateway], bind: [address, prefix, any]}\n"                                 \
	"groups:\n"                                                                                \
	"  front: {names: [Front End], roles: [web, app]}\n"

#define CITE "cite: {section: Ports, row: 1, lines: 10-12}"

#define HOSTS                                                                                      \
	"hosts:\n"                                                                                 \
	"  web-1: {addresses: [10.0.0.1, \"2001:db8::1\"], roles: acme/web}\n"                     \
	"  web-2: {addresses: 10.0.0.2, roles: acme/web}\n"                                        \
	"  app-1: {addresses: 10.0.0.3, roles: acme/app}\n"                                        \
	"  db-1: {addresses: 10.0.0.4, roles: acme/db}\n"                                          \
	"  db-2: {addresses: 10.0.0.5, roles: acme/db}\n"

#define PLAIN                                                                                      \
	ROLES "flows:\n"                                                                           \
	      "  - {id: sql, from: web, to: db, allow: tcp/1433, " CITE "}\n"                      \
	      "  - {id: peer, from: web, to: web, allow: udp/7000-7001, " CITE "}\n"               \
	      "  - {id: call, from: gw, to: web, allow: [tcp/443, udp/any], " CITE "}\n"

#define PORTS                                                                                      \
	"parameters:\n"                                                                            \
	"  db-port: {type: ports, default: 1433}\n"                                                \
	"  must: {type: ports}\n"                                                                  \
	"  own: {type: ports, default: 40000-40001}\n"                                             \
	"  more: {type: services, default: tcp/80}\n"                                              \
	"  fast: {type: switch, default: off}\n"                                                   \
	"  kind: {type: choice, of: [big, small], default: big}\n"

#endif
