# Facts of one host.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  fact = type: description: mkOption { inherit description type; };
  facts = options: types.submodule { inherit options; };
  address = types.nullOr types.str;

  drive = {
    device = fact (types.strMatching "/dev/.+") "Path of the disk.";
    layout = fact types.str "Name of its layout.";
    serial = fact (types.nullOr types.str) "Serial number that the install guard compares.";
    sizeGib = fact types.ints.positive "Size of the disk in GiB.";
  };
  disk = facts (
    drive
    // {
      labels = fact (types.enum [
        "own"
        "shared"
      ]) "Whose labels the partitions carry.";
      unstablePath = fact types.bool "Whether the path may be one that is not by-id.";
    }
  );
  taint = facts {
    key = fact types.str "Key of the taint.";
    value = fact types.str "Value of the taint; may be empty.";
    effect = fact (types.enum [
      "NoExecute"
      "NoSchedule"
      "PreferNoSchedule"
    ]) "What the taint does.";
  };
  tuning = facts {
    zramPercent = fact (types.ints.between 0 100) "Compressed swap in per cent of memory; 0 is none.";
    mitigations = fact types.bool "Whether processor faults are mitigated.";
    k3sMemoryMaxGib = fact (types.nullOr types.ints.positive) "Memory limit of k3s; null takes the hardware's.";
    kernelParams = fact (types.listOf types.str) "Further words for the kernel's command line.";
  };
in
{
  options = {
    kind = fact types.str "Kind of machine: a cloud's or bare metal.";
    role = fact (types.enum [
      "agent"
      "server"
    ]) "What the node does in the cluster.";
    hardware = fact types.str "Name of the hardware module.";
    arch = fact (types.enum [
      "aarch64-linux"
      "x86_64-linux"
    ]) "Processor architecture.";
    loginUser = fact types.str "Who may log in before the system is installed.";
    sshAddress = fact address "Where SSH answers; null where a cloud gives the address.";
    address = fact types.str "Address on the cluster network.";
    storageAddress = fact address "Address on the storage network.";
    privateAddress = fact address "Address on the provider's private network.";
    disk = fact disk "The system disk.";
    dataDisk = fact (types.nullOr (facts drive)) "A further disk; null without one.";
    labelPrefix = fact types.str "How the labels of the host's partitions begin.";
    volumeSizeGib = fact (types.nullOr types.ints.positive) "Size of the volume for Longhorn; null: it lies on the system disk.";
    storage = fact types.bool "Whether Longhorn keeps replicas here.";
    labels = fact (types.attrsOf types.str) "Kubernetes node labels.";
    taints = fact (types.listOf taint) "Kubernetes node taints.";
    tuning = fact tuning "Options of hardware and base modules.";
    profile = fact (types.nullOr (types.submodule ./profile.nix)) "The network profile; null without one.";
    ports = fact (types.attrsOf types.str) "Hardware addresses by the profile's port names.";
    hostKey = fact types.str "SSH host key of the installed system.";
    bootstrapKey = fact types.str "SSH host key of the cloud image or installer.";
    wireguardKey = fact types.str "WireGuard public key.";
    ageRecipient = fact types.str "Recipient that this host's secrets are encrypted to.";
  };
}
