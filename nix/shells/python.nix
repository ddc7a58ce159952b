# Python programs; this project's own Python half included.
pkgs:
pkgs.mkShell {
  name = "nixfleet-python";
  packages = [
    pkgs.mypy
    pkgs.python3
    pkgs.ruff
    pkgs.uv
  ];
}
