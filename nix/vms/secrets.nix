# Tokens of machines that exist for a test: in clear on purpose, as they guard nothing.
{
  config.systemd.tmpfiles.rules = [
    "f /etc/nixfleet/secrets/server-token 0400 root root - test-machines-only-server-token-000"
    "f /etc/nixfleet/secrets/agent-token 0400 root root - test-machines-only-agent-token-0000"
  ];
}
