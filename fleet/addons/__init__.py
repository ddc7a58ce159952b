"""What the add-ons are told: chart values and manifests as plain data. Applying them is components/addons' matter."""
