# Programs that talk to language models.
pkgs:
pkgs.mkShell {
  name = "nixfleet-ai";
  packages = [
    pkgs.jq
    pkgs.ollama
    pkgs.python3
    pkgs.uv
  ];
}
