# What of a system needs more than a restart of units, as digests: k3s' own units, and what only a boot brings. Two systems
# with the same digests switch without draining the node (fleet/contract/impact.py compares them, hostops/remote/weigh.sh the files).
config:
let
  digest = value: builtins.substring 0 16 (builtins.hashString "sha256" (builtins.toJSON value));
  unit = name: if config.systemd.units ? ${name} then config.systemd.units.${name}.text else "";
in
{
  k3s = digest (
    map unit [
      "k3s.service"
      "nixfleet-seed.service"
    ]
  );
  boot = digest {
    inherit (config.boot) kernelParams;
    kernel = "${config.boot.kernelPackages.kernel}";
    initrd = "${config.system.build.initialRamdisk}";
    modules = map (package: "${package}") config.boot.extraModulePackages;
    inherit (config.nixfleet.updateGuard) inhibitors;
  };
}
