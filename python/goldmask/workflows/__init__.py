"""What the tasks do, each as a straight line from what was asked to its report."""
