# networkd's files of every host of every stack, for systems without NixOS: <stack>/<host>/<file>.
{
  lib,
  linkFarm,
  writeText,
}:
let
  fleetLib = import ../../lib;
  documents = fleetLib.contract.readAll ../../fleet;
  filesOf =
    document: name:
    fleetLib.network.toFiles (
      fleetLib.network.unitsOf {
        inherit (document) cluster;
        host = document.hosts.${name};
      }
    );
  entriesOf =
    document: name:
    lib.mapAttrsToList (file: text: {
      name = "${document.stack}/${name}/${file}";
      path = writeText file text;
    }) (filesOf document name);
in
linkFarm "network-files" (
  lib.concatMap (document: lib.concatMap (entriesOf document) (lib.attrNames document.hosts)) (
    lib.attrValues documents
  )
)
