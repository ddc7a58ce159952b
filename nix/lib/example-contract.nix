# A contract made of a network profile's own example nodes, so that test machines go the same way as real hosts.
# Its keys open nothing: the private halves were thrown away.
{
  profile,
  servers ? 1,
  agents ? 0,
}:
let
  names = role: count: builtins.genList (index: "${role}-${toString (index + 1)}") count;
  serverNames = names "server" servers;
  agentNames = names "agent" agents;
  nodeOf =
    name:
    profile.nodes.${name}
      or (throw "network profile ${profile.name}: nodes has no ${name}: it has ${builtins.concatStringsSep ", " (builtins.attrNames profile.nodes)}: use fewer machines or add the node");
  addressesOf =
    list:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = (nodeOf name).cluster;
      }) list
    );
  seed = builtins.head serverNames;
  hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKrrYnOTBVYMlyxMnNDVE7M2xhQ9ThIOaUc6B3JXXdVF";

  host = role: name: {
    inherit name;
    value = {
      inherit hostKey profile role;
      address = (nodeOf name).cluster;
      ageRecipient = "age1shypy68ajkldj2cnumg77kjrylkvj3fxmmtt5npsfd4d2tj4c4ysnnztx3";
      arch = "x86_64-linux";
      bootstrapKey = hostKey;
      dataDisk = null;
      disk = {
        device = "/dev/vda";
        labels = "own";
        layout = "vm-test";
        serial = null;
        sizeGib = 20;
        unstablePath = true;
      };
      hardware = "qemu";
      kind = "bare-metal";
      labelPrefix = "nf.example.${name}.";
      labels = { };
      loginUser = "root";
      ports = { };
      privateAddress = null;
      sshAddress = (nodeOf name).cluster;
      storage = false;
      storageAddress = (nodeOf name).storage or null;
      taints = [ ];
      tuning = {
        k3sMemoryMaxGib = 2;
        kernelParams = [ ];
        mitigations = true;
        zramPercent = 0;
      };
      volumeSizeGib = null;
      wireguardKey = "dxj5XkPM4H6nGQ4dYgNPBrmSW9Wx2Yq0mbsgjTPI8QM=";
    };
  };
in
{
  schemaVersion = (import ./contract.nix).schemaVersion;
  stack = "example";
  cluster = {
    inherit seed;
    adminRanges = [ ];
    adminSudo = "key";
    clusterRange = profile.cluster.subnet;
    deployKey = hostKey;
    dnsAddress = "10.43.0.10";
    endpoint = {
      address = null;
      balancer = "10.0.0.5";
      kind = "loadBalancer";
      name = "api.example.test";
      port = 6443;
      routerId = null;
    };
    join = (nodeOf seed).cluster;
    k3sVersion = "v1.35.6+k3s1";
    longhorn = true;
    mesh = null;
    multus = true;
    name = "example";
    podRange = "10.42.0.0/16";
    reboot = "never";
    rebootWindow = null;
    rolloutProbes = [ ];
    servers = addressesOf serverNames;
    serviceRange = "10.43.0.0/16";
    timezone = "UTC";
    updates = {
      build = "auto";
      builder = null;
    };
    users = { };
    snapshotBucket = null;
    watchdogMinutes = 15;
  };
  hosts = builtins.listToAttrs (map (host "server") serverNames ++ map (host "agent") agentNames);
}
