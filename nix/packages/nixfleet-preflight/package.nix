# Whether a system may be activated on a host.
{
  coreutils,
  jq,
  writeShellApplication,
}:
writeShellApplication {
  name = "nixfleet-preflight";
  runtimeInputs = [
    coreutils
    jq
  ];
  text = builtins.readFile ./preflight.sh;
}
