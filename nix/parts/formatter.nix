# One command formats everything: `nix fmt`.
inputs: pkgs:
(inputs.treefmt-nix.lib.evalModule pkgs {
  projectRootFile = "flake.nix";
  programs = {
    # keep-sorted start
    deadnix.enable = true;
    keep-sorted.enable = true;
    nixfmt.enable = true;
    ruff-check.enable = true;
    ruff-format.enable = true;
    shellcheck.enable = true;
    shfmt.enable = true;
    taplo.enable = true;
    yamlfmt.enable = true;
    # keep-sorted end
  };
  # Scripts of writeShellApplication: it adds the first line and checks the whole.
  settings.formatter.shellcheck.options = [
    "--shell=bash"
  ];
}).config.build
