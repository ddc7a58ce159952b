# Whether the kernel of a Jetson board has what was asked for. Its builder ignores unknown options, so only the
# configuration that comes out tells.
{
  lib,
  pkgs,
  nixosConfigurations,
}:
let
  isJetson = built: (built.config.nixfleet.host.hardware or null) == "jetson-orin-nano";
  board = lib.findFirst isJetson null (lib.attrValues nixosConfigurations);
  wanted = lib.attrNames (lib.importJSON ../modules/hardware/jetson-kernel.json);
in
pkgs.runCommand "jetson-kernel" { } ''
  bash ${./kernel-config.sh} ${board.config.boot.kernelPackages.kernel.configfile} ${toString wanted}
  touch $out
''
