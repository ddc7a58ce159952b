# What a host is and how it is, as JSON.
{
  coreutils,
  curl,
  jq,
  systemd,
  writeShellApplication,
}:
writeShellApplication {
  name = "fleet-status";
  runtimeInputs = [
    coreutils
    curl
    jq
    systemd
  ];
  text = builtins.readFile ./fleet-status.sh;
}
