export iptables policies/sites/demo.yaml
