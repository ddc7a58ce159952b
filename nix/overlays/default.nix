# Changes to packages, by name.
{ lib }:
{
  backports = import ./backports.nix { inherit lib; };
  # The project's own packages, under their names.
  own = final: _: import ../packages final;
}
