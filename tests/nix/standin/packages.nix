# Laid over the stand-in's packages.nix (kept as packages-plain.nix): the plain set and more-packages.nix, under all its names.
args:
let
  plain = import ./packages-plain.nix args;
  final =
    plain
    // import ./more-packages.nix plain
    // {
      pkgs = final;
      __splicedPackages = final;
      buildPackages = final;
      appendOverlays = overlays: final.extend (args.lib.composeManyExtensions overlays);
      extend =
        overlay:
        let
          extended = final // overlay extended final // { pkgs = extended; };
        in
        extended;
    };
in
final
