"""What goes from a program that runs a model to the one that judges it: requests, bundles, masks, errors."""
