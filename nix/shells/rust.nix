# Rust programs.
pkgs:
pkgs.mkShell {
  name = "nixfleet-rust";
  packages = [
    pkgs.cargo
    pkgs.clippy
    pkgs.pkg-config
    pkgs.rust-analyzer
    pkgs.rustc
    pkgs.rustfmt
  ];
}
