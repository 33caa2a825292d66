# SPDX-License-Identifier: BSD-2-Clause
"""Who lives where in the demo. The addresses are those of policies/sites/demo.yaml."""

IPV4 = "192.0.2.%d"
IPV6 = "2001:db8:1::%d"

ENGINE, STRANGER = 10, 66
MANAGEMENT, MESSAGE_BUS, VOICE_SCHEDULER, STORAGE, WEB_PORTAL, GATEWAY = 5, 20, 21, 22, 23, 30

MAC_ENGINE = "02:00:00:00:00:10"
MAC_SITE = "02:00:00:00:00:20"
MAC_STRANGER = "02:00:00:00:00:66"
# What an intruder inside the site puts on the wire, so that the captures can tell it from the site's own.
MAC_INTRUDER = "02:00:00:00:00:67"

# The documented TCP flows: what it is, who opens it, from, to, port.
TCP_FLOWS = [
    ("call engine to voice scheduler", "engine", ENGINE, VOICE_SCHEDULER, 8001),
    ("call engine to message bus", "engine", ENGINE, MESSAGE_BUS, 5672),
    ("call engine to storage", "engine", ENGINE, STORAGE, 9001),
    ("call engine to web portal", "engine", ENGINE, WEB_PORTAL, 80),
    ("call engine to web portal", "engine", ENGINE, WEB_PORTAL, 443),
    ("web portal to call engine", "site", WEB_PORTAL, ENGINE, 9005),
    ("storage to call engine", "site", STORAGE, ENGINE, 9005),
    ("management to call engine", "site", MANAGEMENT, ENGINE, 22),
]
SIP_PORT = 5060
RTP_PORTS = range(30000, 65536)
