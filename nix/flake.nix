{
  description = "nixfleet: every host of every stack as a NixOS configuration, from the contracts in fleet/";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

    cuda-legacy.url = "github:nixos-cuda/cuda-legacy";
    cuda-legacy.inputs.nixpkgs.follows = "nixpkgs";
    cuda-legacy.inputs.flake-parts.follows = "flake-parts";

    disko.url = "github:nix-community/disko";
    disko.inputs.nixpkgs.follows = "nixpkgs";

    # An input of cuda-legacy only.
    flake-parts.url = "github:hercules-ci/flake-parts";
    flake-parts.inputs.nixpkgs-lib.follows = "nixpkgs";

    impermanence.url = "github:nix-community/impermanence";
    impermanence.inputs.nixpkgs.follows = "nixpkgs";
    # Only its home-manager half needs that input.
    impermanence.inputs.home-manager.follows = "";

    jetpack-nixos.url = "github:anduril/jetpack-nixos";
    jetpack-nixos.inputs.nixpkgs.follows = "nixpkgs";
    jetpack-nixos.inputs.cuda-legacy.follows = "cuda-legacy";

    nixos-hardware.url = "github:NixOS/nixos-hardware";
    nixos-hardware.inputs.nixpkgs.follows = "nixpkgs";

    sops-nix.url = "github:Mic92/sops-nix";
    sops-nix.inputs.nixpkgs.follows = "nixpkgs";

    treefmt-nix.url = "github:numtide/treefmt-nix";
    treefmt-nix.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs = inputs: import ./parts inputs;
}
