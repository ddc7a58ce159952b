"""Work on hosts: install, switch, status, kubeconfig, mesh. What becomes of a fleet is decided in fleet/ and components/."""
