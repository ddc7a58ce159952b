# Servers of the model context protocol: both languages that its kits exist in.
pkgs:
pkgs.mkShell {
  name = "nixfleet-mcp";
  packages = [
    pkgs.nodejs
    pkgs.python3
    pkgs.uv
  ];
}
