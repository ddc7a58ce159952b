# Go programs; Pulumi's command line is built with it where none is at hand.
pkgs:
pkgs.mkShell {
  name = "nixfleet-go";
  packages = [
    pkgs.go
    pkgs.golangci-lint
    pkgs.gopls
  ];
}
