matrix policies/base.yaml
