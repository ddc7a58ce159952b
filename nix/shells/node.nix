# Node.js programs.
pkgs:
pkgs.mkShell {
  name = "nixfleet-node";
  packages = [
    pkgs.nodejs
    pkgs.pnpm
    pkgs.typescript
    pkgs.typescript-language-server
  ];
}
