# Packages that must be newer than nixpkgs has them. Each goes by itself: it applies only while nixpkgs' is too old.
{ lib }:
let
  wanted = {
    # Phases one at a time with a key of one's own, which hostops relies on.
    nixos-anywhere = {
      version = "1.13.0";
      owner = "nix-community";
      hash = "sha256-61zO8zsFE8C104hCTv04z6a4H8U03OEMrRAXtGsszkE=";
    };
  };
  isOld = name: previous: lib.versionOlder (lib.getVersion previous.${name}) wanted.${name}.version;
in
final: previous:
lib.mapAttrs (
  name: source:
  previous.${name}.overrideAttrs {
    inherit (source) version;
    src = final.fetchFromGitHub {
      inherit (source) hash owner;
      repo = name;
      rev = source.version;
    };
  }
) (lib.filterAttrs (name: _: previous ? ${name} && isOld name previous) wanted)
