# Laid over the stand-in's stubs.nix (kept as stubs-plain.nix).
{
  imports = [
    ./newer-options.nix
    ./stubs-plain.nix
  ];
}
