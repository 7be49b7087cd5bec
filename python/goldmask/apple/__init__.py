"""Apple's tools and Swift: Xcode, simulators, phones."""
