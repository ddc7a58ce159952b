# One system: what hostops' scripts find of a NixOS system, in the same places. Debian's programs run it.
facts:
let
  run =
    name: script: environment:
    derivation (
      {
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [
          "-eu"
          script
        ];
        PATH = "/usr/bin:/bin";
      }
      // environment
    );
  # What it holds decides about a reboot; the image that starts is Debian's, except for one that cannot start.
  kernel = run "linux-${facts.kernel}" ./kernel.sh { inherit (facts) kernel; };
in
run "nixos-system-${facts.host}-26.05" ./build.sh {
  inherit kernel;
  inherit (facts)
    host
    role
    address
    partitions
    deployKey
    k3sVersion
    way
    label
    loader
    ;
  inhibitors = builtins.toJSON { hostname = facts.host; };
  kernelParams = "loglevel=4 ${facts.kernelParams}";
  parts = ./parts;
  preflight = facts.preflight;
}
