# Root's shell on a script of hostops.
{
  bash,
  coreutils,
  util-linux,
  writeShellApplication,
}:
writeShellApplication {
  name = "nixfleet-run";
  runtimeInputs = [
    bash
    coreutils
    util-linux
  ];
  text = builtins.readFile ./run.sh;
}
