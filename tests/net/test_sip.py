# SPDX-License-Identifier: BSD-2-Clause
"""Real SIP calls with media, placed with sipp in both directions: all of them succeed, and their packets
are counted by the rules of the document's row."""

import shutil

import pytest

from namespaces import V4, V6, address, site, wait_for

CALLS = 5
MEDIA = "/usr/share/sip-tester/g711a.pcap"

CALL = f"""<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="a call with media">
  <send retrans="500"><![CDATA[

      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag09[call_number]
      To: [service] <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: sip:sipp@[local_ip]:[local_port]
      Max-Forwards: 70
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=user1 53655765 2353687637 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[local_ip_type] [local_ip]
      t=0 0
      m=audio [auto_media_port] RTP/AVP 8
      a=rtpmap:8 PCMA/8000

  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[

      ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag09[call_number]
      To: [service] <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  <nop><action><exec play_pcap_audio="{MEDIA}"/></action></nop>
  <pause milliseconds="1000"/>
  <send retrans="500"><![CDATA[

      BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag09[call_number]
      To: [service] <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: 2 BYE
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  <recv response="200" crlf="true"/>
</scenario>
"""


def place_calls(net, caller, called, transport, calls, *options):
    """Calls from (namespace, address) to another, with media that the called end sends back."""
    scenario = net.folder / "call.xml"
    scenario.write_text(CALL)
    (namespace, source), (other_namespace, destination) = caller, called
    answering = net.start(
        other_namespace, "sipp", "-sn", "uas", "-i", destination, "-p", 5060, "-mi", destination,
        "-mp", 30000, "-rtp_echo", "-t", transport, "-nostdin", cwd=net.folder,
        stdout=(net.folder / "uas.log").open("w"), stderr=(net.folder / "uas.err").open("w"))
    kind = "-lt" if transport == "t1" else "-lu"
    wait_for(lambda: ":5060 " in other_namespace.run("ss", "-Hn", kind).stdout, "sipp listens")
    remote = f"[{destination}]" if ":" in destination else destination
    done = namespace.run("sipp", "-sf", scenario, "-i", source, "-p", 5070, "-mi", source,
                         "-mp", 40000, "-t", transport, "-m", calls, "-r", calls, "-nostdin",
                         "-timeout", 30, *options, f"{remote}:5060", cwd=net.folder, check=False)
    answering.kill()
    answering.communicate()
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    successes = [line.split()[-1] for line in done.stdout.splitlines() if "Successful call" in line]
    assert successes[-1] == str(calls)


needs_sipp = pytest.mark.skipif(not shutil.which("sipp"), reason="sipp (sip-tester) is not installed")


# Shaped, as the catalog has it; but of several calls sipp binds the media port of one.
SHAPED = {"cyara/voice-6-back": {"live": "no"}}


def engine_site(**more):
    return site(parameters={"cyara/gateway-sip-back": "on"}, adjust=SHAPED, **more)


def assert_calls(before, after, signalling, calls):
    """INVITE, ACK and BYE one way, 180 and two 200 the other; 50 packets of media a second and way."""
    for rule, number in ((signalling, 3 * calls), ("cyara/voice-6-back", 20 * calls)):
        for direction in ("receive", "transmit"):
            assert after.rule(rule, direction) - before.rule(rule, direction) >= number, rule
    assert after.lost() == after.lost("transmit") == {}


@needs_sipp
@pytest.mark.parametrize("family, transport", [(V4, "u1"), (V4, "t1"), (V6, "u1")],
                         ids=["udp-v4", "tcp-v4", "udp-v6"])
def test_sip_calls_from_the_host(net, family, transport):
    """SIP by row 6, the media by the switch for RTP that a gateway sends first."""
    net.apply(engine_site())
    before = net.counters()
    place_calls(net, (net.host, address("engine", family)), (net.peer, address("gateway", family)),
                transport, CALLS)
    after = net.counters()
    assert_calls(before, after, "cyara/voice-6", CALLS)
    assert after.rule("cyara/voice-6-sip-back") == 0


@needs_sipp
@pytest.mark.parametrize("family, transport, lookup", [(V4, "u1", "maps"), (V6, "t1", "flat")],
                         ids=["udp-v4-maps", "tcp-v6-flat"])
def test_sip_calls_to_the_host(net, family, transport, lookup):
    """The gateway calls: by the switch for SIP that a gateway sends first."""
    net.apply(engine_site(lookup=lookup))
    before = net.counters()
    place_calls(net, (net.peer, address("gateway", family)), (net.host, address("engine", family)),
                transport, CALLS)
    after = net.counters()
    assert_calls(before, after, "cyara/voice-6-sip-back", CALLS)
    assert after.rule("cyara/voice-6") == 0


@needs_sipp
def test_without_its_row_no_call_succeeds(net):
    """The same call, and the row is off: it is the policy that lets calls through."""
    net.apply(site(without=["cyara/voice-6"], parameters={"cyara/gateway-rtp-back": "off"}))
    before = net.counters()
    with pytest.raises(AssertionError, match=r"Failed call +\| +\d+ +\| +1 "):
        place_calls(net, (net.host, address("engine")), (net.peer, address("gateway")), "u1", 1,
                    "-max_invite_retrans", 1)
    assert net.counters().lost("transmit") == {"closed-port": 2}
    assert before.lost("transmit") == {}
