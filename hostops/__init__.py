"""Work on hosts: install, switch, status, kubeconfig, mesh. What a fleet is to be is decided in fleet/."""
