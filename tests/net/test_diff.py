# SPDX-License-Identifier: BSD-2-Clause
"""diff against what is in force: the policy is read back from the maps of the kernel."""

from namespaces import address, site


def differences(net, policy, status):
    return net.json("diff", net.write(policy), status=status)


def test_what_was_applied_is_what_is_in_force(net):
    net.apply(site())
    assert differences(net, site(), 0) == []


def test_the_lookup_makes_no_difference(net):
    net.apply(site(lookup="maps"))
    assert differences(net, site(lookup="flat"), 0) == []


def test_nested_prefixes_and_source_ports_are_read_back(net):
    flows = [("wide", ["198.51.100.0/24", "2001:db8:2::/48"], "engine", ["tcp/4000-4100", "udp/53"]),
             ("narrow", "198.51.100.128/25", "engine", ["tcp/4050"]),
             ("echo", "198.51.100.7", "engine", ["icmp/echo"]),
             ("away", "engine", "any", ["tcp/443"])]
    policy = site(flows=flows)
    policy["flows"][0]["source-ports"] = "1024-2047"
    net.apply(policy)
    assert differences(net, policy, 0) == []
    # Ports 1024-2047 of the narrow prefix were open by both flows, the others by the narrow one alone.
    changed = site(flows=[flows[0], *flows[2:]])
    changed["flows"][0]["source-ports"] = "1024-2047"
    [found] = differences(net, changed, 1)[0]["packets"]
    assert found["change"] == "denied"
    assert found["rule"] == "site/narrow"
    assert found["source"] == ["198.51.100.128/25"]
    assert found["source_ports"] == [[0, 1023], [2048, 65535]]
    assert found["destination_ports"] == [[4050, 4050]]


def test_what_opens_and_what_closes(net):
    net.apply(site())
    policy = site(mode=("enforce", "audit"), parameters={"cyara/rtp-ports": "40000-65535"})
    policy["hosts"]["portal"]["addresses"] = "192.0.2.60"
    [host] = differences(net, policy, 1)
    assert host["settings"] == [{"name": "mode out", "before": "enforce", "after": "audit"}]
    changes = {(one["change"], one["rule"]): one for one in host["packets"]}
    assert changes["allowed", "cyara/web-5"]["source"] == ["192.0.2.60"]
    assert address("portal") in changes["denied", "cyara/web-5"]["source"]
    assert changes["denied", "cyara/voice-6"]["destination_ports"] == [[30000, 39999]]


def test_nothing_in_force_is_said(net):
    done = net.sallyport("diff", net.write(site()), status=1)
    assert "nothing is enforced here" in done.stderr
